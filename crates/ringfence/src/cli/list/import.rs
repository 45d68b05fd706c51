//! `ringfence list import`

use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use ringfence_policy::Number::Internal;
use ringfence_policy::{Format, Pattern, Region, Row, Unresolved, normalise};

use super::super::attempt::Attempt;
use super::super::change::shown;
use super::super::failure::with_hint;
use super::super::output::print;
use super::super::{Answer, Context, in_force, lists_of, reach, turn};
use super::compiled::{bar, counted};
use super::foreign::{Foreign, entries};
use super::named;
use crate::config::edit;
use crate::config::{Loaded, REJECT};
use crate::style::{BAD, paint};

/// Put the numbers of a file on a list: an address book, a spreadsheet, the list of another program
///
/// Text, CSV, vCard, and the lists of callblocker, NCID, `FreeSWITCH` and Asterisk are read. What the list
/// has already is not added again, however it is written, unless it is there for a time; what cannot be read is told with its
/// place. The
/// entries are appended to the first file of the list, or else to `entries` in the configuration, with the
/// names beside them; a running ringfence decides the next call by them. Where they mean most numbers of a country,
/// or of more, that is shown and asked about. Exits 1 if something could not be read, or the running ringfence cannot
/// take it up.
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    file: Foreign,

    /// The list
    #[arg(long, value_name = "LIST")]
    to: String,

    /// The country whose habits the numbers follow, such as US [default: the list's, or else the configuration's]
    #[arg(long, value_name = "COUNTRY")]
    region: Option<Region>,

    /// Change nothing, tell only what would be done
    #[arg(long)]
    dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// What becomes of the rows of a file.
#[derive(Default)]
struct Sorted {
    /// As they are compared, with what is written beside them.
    new: Vec<(String, String)>,
    seen: HashSet<Pattern>,
    rows: u64,
    known: u64,
    without_number: u64,
    temporary: u64,
    emergencies: u64,
    ambiguous: Told,
    wrong: Told,
}

/// What is told with its place: the first few, and how many.
#[derive(Default)]
struct Told {
    first: Vec<String>,
    count: u64,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let bytes = self.file.open()?;
        let format = self.file.format_of(bytes.as_ref())?;
        let config = context.path()?;
        let (mut turn, reading) = turn::take(context)?;
        let had_errors = reading.report.errors() > 0;
        let lists = lists_of(reading)?;
        let list = named(&lists, &self.to)?;
        let region = self.region.unwrap_or(list.region);
        let sorted = self.sort(&format, bytes.as_ref(), list, region);
        if !self.dry_run && !reach::accept(&mut turn, &sorted.seen, list, lists.region, self.yes)? {
            return Ok(Answer::Negative);
        }
        let add = || self.add(&config, list, &sorted.new);
        let place = if sorted.new.is_empty() || self.dry_run {
            None
        } else {
            match Attempt::new(&config, [list], had_errors).make(add)? {
                Some((place, _)) => Some(place),
                None => return Ok(Answer::Negative),
            }
        };
        sorted.ambiguous.tell("ambiguous:");
        sorted.wrong.tell("not read:");
        let is_changed = place.is_some();
        print(self.told(&sorted, &format, place))?;
        if is_changed && in_force::take_up(context, &[&self.to]).await? == Answer::Negative {
            return Ok(Answer::Negative);
        }
        Ok(Answer::of(sorted.ambiguous.count + sorted.wrong.count == 0))
    }

    /// Reads the rows, and finds out which are new.
    fn sort(&self, format: &Format, bytes: &[u8], list: &Loaded, region: Region) -> Sorted {
        let name = self.file.name();
        let bar = bar(bytes.len(), name.as_ref().as_ref());
        let mut sorted = Sorted::default();
        let mut rows = format.read(bytes);
        while let Some(row) = rows.next() {
            match row {
                Ok(row) => sorted.take(&row, &name, list, region),
                Err(error) => {
                    let error = error.without_words();
                    sorted.wrong.add(format_args!("{name}:{error}"), error.hint());
                }
            }
            bar.set_position(rows.position() as u64);
        }
        sorted.without_number = rows.without_number();
        bar.finish_and_clear();
        sorted
    }

    /// Adds the new entries, and returns where they are.
    fn add(&self, config: &Path, list: &Loaded, new: &[(String, String)]) -> Result<PathBuf> {
        if list.files.is_empty() && new.len() > MOST_INLINE {
            let message = format!("{} are too many to stand in the configuration", entries(new.len() as u64));
            let hint =
                format!("give the list a file: files = [\"{}.txt\"] under [list.{}]", self.to, self.to);
            return Err(with_hint(message, hint));
        }
        Ok(edit::add_all(config, list, new)?)
    }

    fn told(&self, sorted: &Sorted, format: &Format, place: Option<PathBuf>) -> String {
        let mut text = format!("read {} of {} ({format})\n", counted(sorted.rows, "row"), self.file.name());
        let new = entries(sorted.new.len() as u64);
        let _ = match place {
            Some(place) => writeln!(text, "added {new} to the {} list in {}", self.to, shown(&place)),
            None if self.dry_run => writeln!(text, "would add {new} to the {} list", self.to),
            None => writeln!(text, "added nothing to the {} list", self.to),
        };
        let others = [
            (sorted.known, "already there"),
            (sorted.ambiguous.count, "ambiguous: told above, not added"),
            (sorted.wrong.count, "wrong: told above, not added"),
            (sorted.without_number, "without a number"),
            (sorted.temporary, "with an end: `ringfence block NUMBER --for` adds them"),
            (sorted.emergencies, "emergency numbers, which cannot be blocked"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            let _ = writeln!(text, "{count:>8} {what}");
        }
        text
    }
}

impl Sorted {
    fn take(&mut self, row: &Row<'_>, file: &str, list: &Loaded, region: Region) {
        self.rows += 1;
        let pattern = match Pattern::parse(&row.number, region) {
            Ok(pattern) => pattern,
            Err(error) => {
                let error = error.without_words();
                let is_ambiguous = matches!(normalise(&row.number, region), Err(Unresolved::Ambiguous(_)));
                let told = if is_ambiguous { &mut self.ambiguous } else { &mut self.wrong };
                return told.add(format_args!("{file}:{}: {error}", row.line), error.hint().as_deref());
            }
        };
        let is_emergency =
            matches!(&pattern, Pattern::Exact(Internal(digits)) if region.is_emergency(*digits));
        if is_emergency && list.name == REJECT {
            self.emergencies += 1;
        } else if row.until.is_some() {
            self.temporary += 1;
        } else if is_for_good(list, &pattern) || self.seen.contains(&pattern) {
            self.known += 1;
        } else {
            self.new.push((pattern.to_string(), note(row.name.as_deref().unwrap_or_default())));
            self.seen.insert(pattern);
        }
    }
}

/// Tells whether a list has an entry for good. Of two that say the same the one that holds longest counts, so that one with an
/// end may stay beside what is imported.
fn is_for_good(list: &Loaded, pattern: &Pattern) -> bool {
    list.list.find_pattern(pattern).is_some_and(|entry| entry.until().is_none())
}

impl Told {
    fn add(&mut self, what: std::fmt::Arguments<'_>, hint: Option<&str>) {
        self.count += 1;
        if self.first.len() < MOST_TOLD {
            let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            self.first.push(format!("{what}{hint}"));
        }
    }

    fn tell(&self, kind: &str) {
        for told in &self.first {
            anstream::eprintln!("{} {told}", paint(BAD, kind));
        }
        let more = self.count - self.first.len() as u64;
        if more > 0 {
            anstream::eprintln!("{} {more} more", paint(BAD, kind));
        }
    }
}

/// Returns a name as a comment of one line.
fn note(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_NOTE).collect()
}

/// Who reads of wrong rows reads the first of them.
const MOST_TOLD: usize = 50;

/// A configuration is read by people.
const MOST_INLINE: usize = 500;

/// As much as a list keeps.
const LONGEST_NOTE: usize = 200;
