//! A policy as its files say it, before the lists are loaded.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::calendar::{Calendar, MOST_EVENTS};
use super::compile::{self, Compiler};
use super::diagnostic::{Diagnostic, Report, Severity, Span};
use super::document::ScheduleBlock;
use super::file::{File, Place};
use super::include::{Included, Open};
use super::list::{ListSpec, SourceSpec, Surroundings};
use super::merge::Blocks;
use super::read::brief;
use crate::list::List;
use crate::number::Region;
use crate::policy::Policy;
use crate::schedule::{Event, Schedule};

/// A policy as its files say it: which lists it has is known, what is on them is not yet.
///
/// Nothing is read but text that is handed in. A program loads the sources of [`Draft::lists`], and
/// [`Draft::compile`] makes the policy of them.
///
/// ```
/// use ringfence_policy::{Draft, File};
///
/// let text = r#"
/// defaults.region = "CH"
///
/// [list.spam]
/// entries = ["0900*"]
///
/// [[rule]]
/// id   = "spam"
/// when = { caller_in = "spam" }
/// then = "busy"
///
/// [[rule]]
/// id   = "everyone-else"
/// then = "ring"
///
/// [[test]]
/// call   = { caller = "0900 123 456" }
/// expect = { rule = "spam", then = "busy" }
/// "#;
/// let (draft, wrong) = Draft::read(File::new("policy.toml", text), &mut |_, _| Err("none".to_owned()), &[]);
/// assert_eq!(wrong, []);
/// assert!(!draft.has_standard_rules());
/// assert!(draft.run_tests().iter().all(|test| test.passed));
/// let policy = draft.compile(|list| list.inline()).expect("nothing was wrong");
/// assert_eq!(policy.rules().len(), 2);
/// ```
#[derive(Clone)]
pub struct Draft {
    pub(super) files: Vec<File>,
    pub(super) report: Report,
    pub(super) blocks: Blocks,
    region: Region,
    zone: TimeZone,
    specs: Vec<ListSpec>,
    schedules: Vec<Arc<Schedule>>,
    has_standard_rules: bool,
}

impl fmt::Debug for Draft {
    /// Prints no entry: a list is people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.blocks.rules.len();
        f.debug_struct("Draft").field("files", &self.files).field("rules", &rules).finish_non_exhaustive()
    }
}

impl Draft {
    /// Reads a policy file and the files it includes.
    ///
    /// `open` returns the file of a name as it is written, given the name of the file that says so;
    /// two names mean the same file when the files it returns have the same [identity](File::known_as). It is asked for
    /// included policies and for calendars. `foreign_keys` are keys at the top of each file that
    /// belong to the program.
    ///
    /// What is wrong is returned beside the draft: all of it, up to fifty errors and fifty warnings.
    /// A policy without any rule is the one of two lists, `allow` and `reject`, and three rules.
    pub fn read(
        main: File,
        open: &mut dyn FnMut(&str, &str) -> Result<File, String>,
        foreign_keys: &[&str],
    ) -> (Self, Vec<Diagnostic>) {
        let Included { mut files, documents, accounts, addresses, mut report, is_partial, .. } =
            Included::read(main, open, foreign_keys);
        let mut blocks = Blocks { accounts, addresses, ..Blocks::merge(documents, &files, &mut report) };
        let has_standard_rules = blocks.rules.is_empty();
        if has_standard_rules && report.errors() == 0 {
            with_standard_rules(&mut blocks, &mut files, &mut report);
        }
        let zone = blocks.defaults.timezone.as_ref().and_then(|zone| zone.0.clone()).unwrap_or(TimeZone::UTC);
        let region = match &blocks.defaults.region {
            Some(region) => region.0,
            None if is_partial => None,
            None if report.blames("[defaults]") => None,
            None => {
                report_no_region(&mut report);
                None
            }
        };
        let mut draft = Self {
            schedules: schedules(&blocks, &zone, &files, open, &mut report),
            specs: Vec::new(),
            region: region.unwrap_or_else(any_region),
            files,
            report,
            blocks,
            zone,
            has_standard_rules,
        };
        // Without a region no number can be read, which would raise errors that are none.
        if region.is_some() {
            draft.specs = draft.list_specs();
            draft.check_rules();
        }
        draft.check_tests();
        let diagnostics = draft.report.diagnostics(&draft.files);
        (draft, diagnostics)
    }

    /// Returns the lists, in the order of the files.
    #[must_use]
    pub fn lists(&self) -> impl ExactSizeIterator<Item = &ListSpec> {
        self.specs.iter()
    }

    /// Returns whether no rule was written, so that the three of [`Draft::read`] decide.
    #[must_use]
    pub fn has_standard_rules(&self) -> bool {
        self.has_standard_rules
    }

    /// Makes the policy of what is on its lists.
    pub fn compile(&self, lists: impl FnMut(&ListSpec) -> Arc<List>) -> Result<Policy, Vec<Diagnostic>> {
        if self.report.errors() > 0 {
            return Err(self.report.diagnostics(&self.files));
        }
        let lists = self.specs.iter().map(lists).collect();
        let mut compiler = self.compiler();
        let policy = compiler.policy(lists);
        policy.ok_or_else(|| {
            let mut diagnostics = compiler.report.diagnostics(&self.files);
            diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
            diagnostics
        })
    }

    /// Returns the files that were read, the main one first.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Returns the country whose way of writing numbers is meant.
    #[must_use]
    pub fn region(&self) -> Region {
        self.region
    }

    /// Returns the zone of hours and dates.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns where a source of a list is named, for an error of reading it.
    #[must_use]
    pub fn place_of(&self, source: &SourceSpec) -> Option<Place> {
        source.span().place(&self.files)
    }

    /// Returns where a list begins.
    #[must_use]
    pub fn place_of_list(&self, list: &ListSpec) -> Option<Place> {
        list.span().place(&self.files)
    }

    /// Returns where a list's `refresh`, `pubkey`, `window`, `password_file` or `password_env` stands, if it has one: what
    /// they say is judged by who loads the sources.
    #[must_use]
    pub fn place_of_setting(&self, list: &ListSpec, name: &str) -> Option<Place> {
        list.setting_span(name)?.place(&self.files)
    }

    /// Returns where an inline entry of a list stands, counted from 1.
    #[must_use]
    pub fn place_of_entry(&self, list: &ListSpec, number: u32) -> Option<Place> {
        list.inline_span(number)?.place(&self.files)
    }

    pub(super) fn specs(&self) -> &[ListSpec] {
        &self.specs
    }

    fn compiler(&self) -> Compiler<'_> {
        Compiler::new(&self.blocks, &self.specs, &self.schedules, &self.files, self.region, &self.zone)
    }

    /// Makes the policy of the inline entries, which finds out all that can be wrong without the rest.
    fn check_rules(&mut self) {
        let lists = self.specs.iter().map(ListSpec::inline).collect();
        let mut compiler = self.compiler();
        compiler.is_partial = self.report.errors() > 0;
        compiler.policy(lists);
        let found = compiler.report;
        self.report.extend(found);
    }

    /// Makes the policy that tests are run on: of the inline entries, with every rule rolled out.
    pub(super) fn test_policy(&self) -> Option<Policy> {
        if self.report.errors() > 0 {
            return None;
        }
        let lists = self.specs.iter().map(ListSpec::inline).collect();
        let mut compiler = self.compiler();
        compiler.is_test = true;
        compiler.policy(lists)
    }

    fn list_specs(&mut self) -> Vec<ListSpec> {
        let mut report = std::mem::take(&mut self.report);
        let mut surroundings = Surroundings {
            region: self.region,
            zone: &self.zone,
            has_zone: self.blocks.defaults.timezone.is_some(),
            files: &self.files,
            report: &mut report,
        };
        let mut specs: Vec<ListSpec> = Vec::new();
        for (name, block) in self.blocks.lists.iter() {
            specs.push(match block {
                Some(block) => ListSpec::read(name, block, self.blocks.regions_of(name), &mut surroundings),
                None => ListSpec::unwritten(name, self.region),
            });
        }
        let mut known: HashSet<&str> = self.blocks.lists.names().collect();
        for list in
            self.blocks.rules.iter().filter_map(|rule| rule.add_to.as_ref()).map(|add_to| &add_to.list)
        {
            if known.insert(&list.value) {
                specs.push(ListSpec::unwritten(list, self.region));
            }
        }
        self.report = report;
        specs
    }
}

/// A policy without a region has an error, and is never used.
fn any_region() -> Region {
    Region::all().next().expect("there are countries")
}

fn report_no_region(report: &mut Report) {
    let hint = "[defaults]\n      region = \"CH\"    # or \"US\", \"DE\", …: how national numbers are read";
    let message = "expected [defaults] with the region of your numbers, found none";
    report.push(Severity::Error, Some(Span::new(0, &(0..0))), message, hint);
}

/// Reads the schedules and their calendars.
fn schedules(
    blocks: &Blocks,
    zone: &TimeZone,
    files: &[File],
    open: &mut Open<'_>,
    report: &mut Report,
) -> Vec<Arc<Schedule>> {
    let mut schedules = Vec::new();
    for (name, block) in blocks.schedules.iter() {
        let Some(block) = block else {
            schedules.push(Arc::new(Schedule::new(name)));
            continue;
        };
        if blocks.defaults.timezone.is_none() {
            let message =
                "expected `timezone` in [defaults], because hours mean nothing without one, found none";
            report.error(name.span, message, "for example: timezone = \"Europe/Zurich\"");
        }
        let events = events(block, zone, files, open, report);
        schedules.push(Arc::new(compile::schedule(name, block, events)));
    }
    schedules
}

/// Reads the calendars of a schedule. One that is missing is no reason to be without a policy.
fn events(
    block: &ScheduleBlock,
    zone: &TimeZone,
    files: &[File],
    open: &mut Open<'_>,
    report: &mut Report,
) -> Vec<Event> {
    let mut events = Vec::new();
    for path in block.ics.iter().flat_map(|paths| paths.iter()) {
        let of = files.get(usize::from(path.span.file)).map_or("", File::name);
        let calendar = match open(path, of) {
            Ok(file) => match Diagnostic::not_utf8(&file) {
                None => Calendar::parse(file.text(), zone),
                Some(wrong) => {
                    let message =
                        format!("cannot read the calendar \"{}\": {}", brief(path), wrong.summary());
                    report.warning(path.span, message, wrong.hint.unwrap_or_default());
                    continue;
                }
            },
            Err(reason) => {
                let message = format!("cannot read the calendar \"{}\": {reason}", brief(path));
                report.warning(path.span, message, "a relative name is looked for beside the policy file");
                continue;
            }
        };
        let Some(calendar) = calendar else {
            let message =
                format!("expected a calendar that begins with BEGIN:VCALENDAR in \"{}\"", brief(path));
            report.warning(path.span, message, "export it as iCalendar (.ics)");
            continue;
        };
        if calendar.repeating > 0 {
            let message = format!("{} events repeat other than yearly, and count once", calendar.repeating);
            report.warning(path.span, message, "write hours that repeat as `days` and `hours`");
        }
        if calendar.unreadable > 0 {
            let message = format!(
                "{} events have no start or no length that is understood, and do not count",
                calendar.unreadable
            );
            report.warning(
                path.span,
                message,
                "an event needs DTSTART, DTEND or DURATION, and a zone that is known",
            );
        }
        if calendar.kept > 0 {
            let message = format!(
                "{} time{} of yearly events to be left out in a way that is not understood, which count",
                calendar.kept,
                if calendar.kept == 1 { "" } else { "s" }
            );
            report.warning(
                path.span,
                message,
                "EXDATE and RECURRENCE-ID name a day on which the event begins",
            );
        }
        events.extend(calendar.events);
        if calendar.is_cut || events.len() > MOST_EVENTS {
            let message = format!("expected at most {MOST_EVENTS} events, found more, which do not count");
            report.warning(path.span, message, "export the coming year only");
        }
        events.truncate(MOST_EVENTS);
    }
    events
}

/// The policy of two lists and three rules, in its own language.
const STANDARD: &str = r#"
[list.allow]
[list.reject]

[[rule]]
id   = "allowed"
when = { caller_in = "allow" }
then = "ring"

[[rule]]
id   = "listed"
when = { caller_in = "reject" }
then = "busy"

[[rule]]
id   = "otherwise"
then = "ring"
"#;

fn with_standard_rules(blocks: &mut Blocks, files: &mut Vec<File>, report: &mut Report) {
    let file = File::new("the standard rules", STANDARD);
    let Ok(index) = u16::try_from(files.len()) else { return };
    if let Some(standard) = super::include::parse(index, &file, report, &[]) {
        files.push(file);
        blocks.add(standard, files, report);
    }
}
