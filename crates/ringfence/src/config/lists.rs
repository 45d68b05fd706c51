//! The lists of the policy, with what is on this machine: inline entries and files. What lies on
//! servers comes later, from [`crate::sources`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{
    Diagnostic, Draft, Entry, Format, List, ListBuilder, ListError, ListSource, ListSpec, Pattern, Place,
    Region, Set, SetError, SourceSpec,
};

use super::account::beside;
use super::regular::{self, ReadError};
use super::report::{Report, UNREAD};
use super::stamp::Stamped;
use crate::confine::is_elsewhere;
use crate::mapped::Contents;
use crate::sources::{Document, read_file};

/// All lists of a policy.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    pub(crate) region: Region,
    each: Vec<Loaded>,
}

/// One list, and where it was read.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) name: String,
    /// The country whose way of writing numbers is meant on this list.
    pub(crate) region: Region,
    pub(crate) list: Arc<List>,
    /// The text files that entries may be added to, in the order of the configuration.
    pub(crate) files: Vec<PathBuf>,
    /// Every file, as it was read.
    pub(crate) stamped: Vec<Stamped>,
    /// Where the inline entries stand.
    inline: Vec<Place>,
    /// The sources on this machine that gave nothing, and why, if their last good rows are to be kept then.
    pub(crate) troubles: Vec<(PathBuf, String)>,
}

/// The list that `ringfence block` adds to.
pub(crate) const REJECT: &str = "reject";
/// The list that `ringfence allow` adds to.
pub(crate) const ALLOW: &str = "allow";

/// The list whose callers are never turned away, whatever the rules say.
pub(crate) const NEVER_BLOCK: &str = "never_block";

impl Lists {
    /// Reads what is on this machine of every list.
    pub(crate) fn read(draft: &Draft, user: u32, report: &mut Report) -> Self {
        let mut each: Vec<Loaded> =
            draft.lists().map(|spec| Loaded::read(draft, spec, user, report)).collect();
        for name in [REJECT, ALLOW] {
            if each.iter().all(|list| list.name != name) {
                each.push(Loaded::empty(name, draft.region()));
            }
        }
        Self { region: draft.region(), each }
    }

    /// Returns the lists in the order of the configuration.
    pub(crate) fn each(&self) -> &[Loaded] {
        &self.each
    }

    /// Finds a list by its name.
    pub(crate) fn named(&self, name: &str) -> Option<&Loaded> {
        self.each.iter().find(|list| list.name == name)
    }

    /// Returns the list that `ringfence block` adds to.
    pub(crate) fn reject(&self) -> &Loaded {
        self.named(REJECT).expect("both lists are there, if only empty")
    }

    /// Returns the list that `ringfence allow` adds to.
    pub(crate) fn allow(&self) -> &Loaded {
        self.named(ALLOW).expect("both lists are there, if only empty")
    }
}

impl Loaded {
    fn empty(name: &str, region: Region) -> Self {
        Self {
            name: name.to_owned(),
            region,
            list: Arc::new(List::empty(name)),
            files: Vec::new(),
            stamped: Vec::new(),
            inline: Vec::new(),
            troubles: Vec::new(),
        }
    }

    fn read(draft: &Draft, spec: &ListSpec, user: u32, report: &mut Report) -> Self {
        let mut loaded = Self::empty(spec.name(), spec.region());
        let places = (1..).map_while(|number| draft.place_of_entry(spec, number));
        loaded.inline = places.collect();
        let mut builder = spec.builder();
        let mut texts: Vec<String> = Vec::new();
        for source in spec.sources() {
            let place = || draft.place_of(source);
            if let Err((path, error)) = loaded.add(source, spec, user, &mut builder, &mut texts) {
                if !source.is_required && !spec.drops_stale() {
                    loaded.troubles.push((path.clone(), format!("{}: {error}", path.display())));
                }
                report.push(unread(&path, &error, source, place()));
            }
        }
        let (list, errors) = builder.build();
        loaded.list = Arc::new(list);
        for error in &errors {
            // What others have written is not for the owner of the policy to mend.
            let is_own = error.file().is_empty()
                || loaded.files.iter().any(|file| file.to_string_lossy() == error.file())
                || texts.iter().all(|text| text != error.file());
            report.push(wrong_entry(error, is_own, &loaded.inline, &texts));
        }
        loaded
    }

    /// Adds what one source has, if it is on this machine.
    fn add(
        &mut self,
        source: &SourceSpec,
        spec: &ListSpec,
        user: u32,
        builder: &mut ListBuilder,
        texts: &mut Vec<String>,
    ) -> Result<(), (PathBuf, ReadError)> {
        let config = Path::new(&source.file);
        match &source.source {
            ListSource::File { path, format } => {
                let path = beside(config, path);
                self.stamped.push(Stamped::now(&path));
                if source.is_required {
                    self.files.push(path.clone());
                } else if path.is_dir() {
                    return self.add_cards(&path, spec, builder, texts);
                }
                let bytes = regular::read(&path, MOST).map_err(|error| (path.clone(), error))?;
                let name = path.to_string_lossy();
                let guessed = || Format::guess(Some(&name), None, &bytes).unwrap_or(Format::Text);
                let format = format.clone().unwrap_or_else(guessed);
                let since = since(spec);
                if !source.is_required {
                    let found = |most| count(&format, &bytes, spec.region(), since, most);
                    check_least(spec, found).map_err(|error| (path.clone(), error))?;
                }
                match (&format, str::from_utf8(&bytes)) {
                    // What is written twice there is told, and both go when the number is removed.
                    (Format::Text, Ok(text)) if source.is_required => {
                        builder.text(&name, text, spec.region());
                    }
                    (format, _) => {
                        builder.read_since(format, &name, &bytes, spec.region(), since);
                    }
                }
                texts.push(name.clone().into_owned());
                let may_be_empty = source.is_required || spec.least() == Some(0);
                if !may_be_empty && !has_entry(&format, &bytes, spec.region()) {
                    let why = "expected rows with numbers, found none".to_owned();
                    return Err((path, ReadError::Wrong { why, hint: None }));
                }
                Ok(())
            }
            ListSource::Set { path } => {
                let path = beside(config, path);
                self.stamped.push(Stamped::now(&path));
                let contents = Contents::open(&path, user).map_err(|error| (path.clone(), error))?;
                let set = Set::open(Arc::new(contents));
                let spoilt = |error: SetError| {
                    let hint = Some(error.hint());
                    (path.clone(), ReadError::Wrong { why: error.to_string(), hint })
                };
                let set = set.map_err(spoilt)?;
                check_least(spec, |_| set.len()).map_err(|error| (path.clone(), error))?;
                builder.set(&path.to_string_lossy(), set);
                Ok(())
            }
            ListSource::Https { .. }
            | ListSource::CardDav { .. }
            | ListSource::FtcDoNotCall
            | ListSource::PhoneBlock
            | ListSource::LookupHttps { .. }
            | ListSource::LookupProgram { .. } => Ok(()),
        }
    }

    /// Adds the vCards of a directory.
    fn add_cards(
        &mut self,
        path: &Path,
        spec: &ListSpec,
        builder: &mut ListBuilder,
        texts: &mut Vec<String>,
    ) -> Result<(), (PathBuf, ReadError)> {
        let wrong = |why: String, hint| (path.to_owned(), ReadError::Wrong { why, hint });
        let cards = read_file(path).map_err(|error| wrong(error.to_string(), None))?;
        self.stamped.extend(cards.iter().map(|card| Stamped::now(Path::new(&card.source))));
        let since = since(spec);
        let found = |card: &Document| count(&Format::VCard, &card.body, spec.region(), since, usize::MAX);
        let found: usize = cards.iter().map(found).sum();
        check_least(spec, |_| found).map_err(|error| (path.to_owned(), error))?;
        if found == 0 && spec.least() != Some(0) {
            let hint = Some("of a directory its files are read whose names end in .vcf");
            return Err(wrong("expected vCards with numbers, found none".to_owned(), hint));
        }
        for Document { source: name, body, .. } in cards {
            builder.read_since(&Format::VCard, &name, &body, spec.region(), since);
            texts.push(name);
        }
        Ok(())
    }

    /// Returns the files that its entries are written in by hand.
    pub(crate) fn written_in(&self) -> BTreeSet<PathBuf> {
        let inline = self.inline.iter().map(|place| PathBuf::from(&place.file));
        self.files.iter().cloned().chain(inline).collect()
    }

    /// Returns the file and line an entry was written on.
    pub(crate) fn place_of(&self, entry: Entry<'_>) -> (PathBuf, usize) {
        let line = usize::try_from(entry.origin().line()).unwrap_or_default();
        match (entry.origin().file(), self.inline.get(line.saturating_sub(1))) {
            (Some(file), _) => (PathBuf::from(file), line),
            (None, Some(place)) => (PathBuf::from(&place.file), place.line),
            (None, None) => (PathBuf::new(), line),
        }
    }

    /// Returns which of the inline entries an entry is, counted from 0.
    fn inline_index(entry: Entry<'_>) -> Option<usize> {
        let index = usize::try_from(entry.origin().line()).unwrap_or_default();
        entry.origin().file().is_none().then(|| index.saturating_sub(1))
    }

    /// Returns the policy file that an inline entry stands in, and which of the entries there it is, counted
    /// from 0.
    pub(super) fn inline_place(&self, entry: Entry<'_>) -> Option<(PathBuf, usize)> {
        let (before, place) = self.inline.split_at_checked(Self::inline_index(entry)?)?;
        let file = &place.first()?.file;
        Some((PathBuf::from(file), before.iter().filter(|place| place.file == *file).count()))
    }

    /// Returns where an entry stands, to be underlined.
    pub(crate) fn shown_place(&self, entry: Entry<'_>) -> Place {
        let inline = Self::inline_index(entry).and_then(|index| self.inline.get(index));
        let (file, line) = self.place_of(entry);
        let written = entry.written().to_owned();
        inline.cloned().unwrap_or_else(|| Place {
            file: file.to_string_lossy().into_owned(),
            line,
            column: 1,
            underline: 0..written.chars().count(),
            text: written,
        })
    }
}

/// A list is no longer, in bytes: a hundred million numbers.
pub(super) const MOST: u64 = 2 * 1024 * 1024 * 1024;

/// Returns whether a file has anything for a list: of one that is spoilt no row may be readable, or none be a number.
fn has_entry(format: &Format, bytes: &[u8], region: Region) -> bool {
    format.read(bytes).flatten().any(|row| Pattern::parse(&row.number, region).is_ok())
}

/// Returns from when on the rows of a list count, as its `window` says.
fn since(spec: &ListSpec) -> Option<Timestamp> {
    let window = SignedDuration::try_from(spec.window()?).ok()?;
    Timestamp::now().checked_sub(window).ok()
}

/// Counts the rows that can be read and are not too old, so many at most.
fn count(format: &Format, bytes: &[u8], region: Region, since: Option<Timestamp>, most: usize) -> usize {
    let is_old = |date: Timestamp| since.is_some_and(|since| date < since);
    let rows = format.read(bytes).flatten().filter(|row| !row.date.is_some_and(is_old));
    rows.filter(|row| Pattern::parse(&row.number, region).is_ok()).take(most).count()
}

/// Checks that a source has as many rows as the `min` of its list says; `found` counts them, so many at most.
fn check_least(spec: &ListSpec, found: impl Fn(usize) -> usize) -> Result<(), ReadError> {
    let Some(least) = spec.least().and_then(|least| usize::try_from(least).ok()) else { return Ok(()) };
    let found = found(least);
    if found >= least {
        return Ok(());
    }
    let why = format!("expected at least {least} rows, found {found}");
    Err(ReadError::Wrong { why, hint: Some("`min` of the list says how many; `min = 0` takes every copy") })
}

/// Says that a file could not be read. A list that the policy itself has is needed; a source that is
/// missing may come.
fn unread(path: &Path, error: &ReadError, source: &SourceSpec, place: Option<Place>) -> Diagnostic {
    let message = format!("{UNREAD} {}: {error}", path.display());
    let hint = match error.hint() {
        Some(hint) => hint.to_owned(),
        None if error.is_missing() && matches!(source.source, ListSource::Set { .. }) => {
            format!("compile it: ringfence list compile LIST -o {}", path.display())
        }
        None if error.is_missing() && source.is_required => format!("create it: touch {}", path.display()),
        None if error.is_missing() => "the list is without it until it is there".to_owned(),
        None => "a relative name is looked for beside the configuration file".to_owned(),
    };
    // What lies elsewhere than all that was named does not come by itself.
    let is_wrong = source.is_required || (error.is_out_of_reach() && is_elsewhere(path));
    let mut diagnostic = if is_wrong { Diagnostic::error(message) } else { Diagnostic::warning(message) };
    diagnostic.place = place;
    diagnostic.hint(hint)
}

/// Says what is wrong with an entry, where it stands.
fn wrong_entry(error: &ListError, is_own: bool, inline: &[Place], texts: &[String]) -> Diagnostic {
    let line = usize::try_from(error.line()).unwrap_or_default();
    let message = error.message();
    let mut diagnostic = if is_own { Diagnostic::error(message) } else { Diagnostic::warning(message) };
    diagnostic.place = if texts.iter().any(|text| text == error.file()) {
        // The line itself is not shown: the file may be another than was meant, with secrets in it.
        let (file, text) = (error.file().to_owned(), error.text().to_owned());
        Some(Place { file, line, column: error.column(), underline: 0..text.chars().count().max(1), text })
    } else {
        inline.get(line.saturating_sub(1)).cloned()
    };
    diagnostic.hint = error.hint();
    diagnostic
}

#[cfg(test)]
mod tests {
    use crate::config;

    #[test]
    fn a_file_is_judged_by_the_window_and_the_least_of_its_list() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ringfence.toml");
        std::fs::write(home.path().join("spam.csv"), "number,date\n+41791234567,2020-01-01\n+41791234568,\n")
            .unwrap();
        for (keys, entries, told) in [
            ("", 2, None),
            ("window = \"30d\"", 1, None),
            ("min = 2", 2, None),
            ("min = 100", 0, Some("expected at least 100 rows, found 2")),
            ("min = 2\nwindow = \"30d\"", 0, Some("expected at least 2 rows, found 1")),
        ] {
            let account = "[account.home]\nuser = \"858\"\ndomain = \"192.0.2.1\"\npassword = \"secret\"\n";
            let list = format!("[defaults]\nregion = \"CH\"\n[list.reject]\nsource = \"spam.csv\"\n{keys}\n");
            let rule = "[[rule]]\nid = \"all\"\nthen = \"ring\"\n";
            std::fs::write(&path, format!("{account}{list}{rule}")).unwrap();
            let reading = config::read(&path);
            let report = reading.report.to_string();
            let config = reading.config.unwrap_or_else(|| panic!("{report}"));
            assert_eq!(config.lists.reject().list.len(), entries, "{keys}: {report}");
            assert!(told.is_none_or(|told| report.contains(told) && report.contains(":8:")), "{report}");
        }
    }
}
