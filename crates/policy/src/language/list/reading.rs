//! What the block of a list says.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::diagnostic::{Report, Span};
use super::super::document::{EntryBlock, ListBlock};
use super::super::file::File;
use super::super::moment::Moment;
use super::super::read::At;
use super::super::source::{ListSource, with_columns};
use super::super::value::NameOr;
use super::{Inline, SourceSpec};
use crate::format::{Columns, Format};
use crate::number::Region;
use crate::pattern::Pattern;
use crate::policy::NEVER_BLOCK;

/// What a list is read with.
pub(in crate::language) struct Surroundings<'s> {
    pub(in crate::language) region: Region,
    pub(in crate::language) zone: &'s TimeZone,
    /// Whether the policy says which zone it is.
    pub(in crate::language) has_zone: bool,
    pub(in crate::language) files: &'s [File],
    pub(in crate::language) report: &'s mut Report,
}

/// Whose way of writing numbers the blocks of a list mean, which may stand in several files.
pub(super) struct Regions<'r> {
    /// What blocks say, each in a file of its own.
    pub(super) said: &'r [At<Region>],
    /// What the list is read by: the last of these, or the policy's.
    pub(super) list: Region,
    pub(super) policy: Region,
}

impl Regions<'_> {
    /// Returns what the block says that something stands in.
    fn said_beside(&self, span: Span) -> Option<Region> {
        self.said.iter().find(|said| said.span.file == span.file).map(|said| said.value)
    }

    /// Returns whether an entry whose block says nothing means something else by the region of another block.
    fn misleads(&self, pattern: &str, span: Span, read: &Pattern) -> bool {
        let is_silent = self.list != self.policy && self.said_beside(span).is_none();
        is_silent && Pattern::parse(pattern, self.policy).ok().as_ref() != Some(read)
    }

    /// Warns of a source whose numbers are read by the region of another block.
    pub(super) fn warn_of(&self, sources: &[SourceSpec], report: &mut Report) {
        let is_read = |source: &&SourceSpec| {
            matches!(
                source.source,
                ListSource::File { .. } | ListSource::Https { .. } | ListSource::CardDav { .. }
            )
        };
        for source in sources.iter().filter(is_read) {
            let said = self.said_beside(source.span);
            if said.unwrap_or(self.policy) != self.list {
                let hint = if said.is_some() {
                    "a list has one region for all its files and sources: write this one on another list"
                } else {
                    SAY_IT
                };
                self.warn(source.span, "this source is", hint, report);
            }
        }
    }

    fn warn(&self, span: Span, what: &str, hint: &str, report: &mut Report) {
        let region = self.list.as_str();
        let message = format!("{what} read by region {region}, which another block of this list says");
        report.warning(span, message, hint);
    }
}

const SAY_IT: &str = "write in this block, too, which `region` is meant";

pub(super) fn entries(
    block: &ListBlock,
    regions: &Regions<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Vec<Inline> {
    let mut entries = Vec::new();
    // One of many is enough to be told.
    let mut misleading: Option<Span> = None;
    for entry in block.entries.iter().flat_map(|entries| entries.iter()) {
        let (pattern, span, name, until) = match &entry.value {
            NameOr::Name(pattern) => {
                let file = surroundings.files.get(usize::from(entry.span.file));
                let note = file.and_then(|file| file.comment_after(entry.span.end as usize));
                (pattern, entry.span, note.map(str::to_owned), None)
            }
            NameOr::Itself(EntryBlock { r#match, name, until }) => {
                let until = until.as_ref().and_then(|until| moment(until, surroundings));
                (&r#match.value, r#match.span, name.as_ref().map(|name| name.0.clone()), until)
            }
        };
        let region = regions.said_beside(span).unwrap_or(regions.list);
        match Pattern::parse(pattern, region) {
            Ok(read) => {
                if misleading.is_none() && regions.misleads(pattern, span, &read) {
                    misleading = Some(span);
                }
                entries.push(Inline { span, pattern: pattern.clone(), name, until, region });
            }
            Err(error) => {
                surroundings.report.error(span, error.to_string(), error.hint().unwrap_or_default());
            }
        }
    }
    if let Some(span) = misleading {
        regions.warn(span, "this number is", SAY_IT, surroundings.report);
    }
    entries
}

fn moment(until: &At<Moment>, surroundings: &mut Surroundings<'_>) -> Option<Timestamp> {
    until.value.wants_zone(until.span, surroundings.has_zone, surroundings.report);
    let timestamp = until.timestamp(surroundings.zone);
    if timestamp.is_none() {
        let message = "expected a moment within the years that a calendar has, found one beyond";
        surroundings.report.error(until.span, message, "");
    }
    timestamp
}

pub(super) fn sources(
    block: &ListBlock,
    report: &mut Report,
    file_of: &dyn Fn(Span) -> String,
) -> Vec<SourceSpec> {
    let columns = Columns {
        number: block.number_column.as_ref().map(|column| column.0.clone()),
        name: block.name_column.as_ref().map(|column| column.0.clone()),
    };
    let mut sources = Vec::new();
    for path in block.files.iter().flat_map(|files| files.iter()) {
        let source = ListSource::File { path: path.value.clone(), format: Some(Format::Text) };
        sources.push(SourceSpec { source, file: file_of(path.span), is_required: true, span: path.span });
    }
    for written in block.source.iter().flat_map(|sources| sources.iter()) {
        match ListSource::parse(written, &columns) {
            Ok(source) => {
                let source = match &block.format {
                    Some(format) => source.with_format(with_columns(format.0.clone(), &columns)),
                    None => source,
                };
                let (file, span) = (file_of(written.span), written.span);
                sources.push(SourceSpec { source, file, is_required: false, span });
            }
            Err(error) => report.error(written.span, error.to_string(), error.hint()),
        }
    }
    sources
}

/// Who is never refused is known before the rules: a call that waited there would be every call.
pub(super) fn refuse_look_ups(sources: &[SourceSpec], report: &mut Report) {
    for asked in sources.iter().filter(|source| source.source.is_lookup()) {
        let message = format!(
            "expected a source that holds rows for the list `{NEVER_BLOCK}`, found a look-up: it stands before the \
             rules, and no call waits there"
        );
        let hint = "look up another list, and let its callers ring by a rule at the top";
        report.error(asked.span, message, hint);
    }
}

/// Returns where the settings stand that the policy does not judge.
pub(super) fn settings(block: &ListBlock) -> Vec<(&'static str, Span)> {
    let settings = [
        ("refresh", block.refresh.as_ref().map(|at| at.span)),
        ("pubkey", block.pubkey.as_ref().map(|at| at.span)),
        ("window", block.window.as_ref().map(|at| at.span)),
        ("password_file", block.password_file.as_ref().map(|at| at.span)),
        ("password_env", block.password_env.as_ref().map(|at| at.span)),
    ];
    settings.into_iter().filter_map(|(name, span)| Some((name, span?))).collect()
}
