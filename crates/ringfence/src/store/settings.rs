//! What the `[journal]` block says: where, how long, how much, how safe.

use std::path::PathBuf;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::place;

/// What the `[journal]` block says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    /// Calls that are older are removed, and what is remembered of their callers.
    pub(crate) retention: SignedDuration,
    /// When the database holds more bytes, the oldest calls are removed.
    pub(crate) max_size: u64,
    pub(crate) durability: Durability,
}

/// Where the journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory: a restart forgets the calls and all that the rules remember.
    Memory,
    File(PathBuf),
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of this program, however it comes. A power cut may take the last calls, and damages nothing.
    Process,
    /// A power cut too: every commit waits for the disk.
    Full,
}

/// Why a setting is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingError {
    expected: &'static str,
    got: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            place: Place::File(place::default_place()),
            retention: SignedDuration::from_hours(90 * 24),
            max_size: 500_000_000,
            durability: Durability::Process,
        }
    }
}

impl Settings {
    /// Returns the settings of a journal that is not written to a disk.
    pub(crate) fn in_memory() -> Self {
        Self { place: Place::Memory, ..Self::default() }
    }

    /// Returns the file, if there is one.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::Memory => None,
            Place::File(path) => Some(path),
        }
    }
}

/// Reads how long calls are kept, such as `90d` or `2y`: between an hour and a hundred years.
pub(crate) fn read_age(text: &str) -> Result<SignedDuration, SettingError> {
    let expected = "a time between 1h and 100y, such as 90d";
    let age = text.parse::<Span>().ok();
    let age = age
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().or_else(|| years(span)));
    age.filter(|age| (SignedDuration::from_hours(1)..=LONGEST).contains(age))
        .ok_or_else(|| SettingError { expected, got: text.to_owned() })
}

/// Reads how much the journal may hold, such as `500MB` or `2GiB`: between 1 MB and 1 TB.
pub(crate) fn read_size(text: &str) -> Result<u64, SettingError> {
    let expected = "a size between 1MB and 1TB, such as 500MB";
    let digits = text.trim().trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text.trim()[digits.len()..].trim() {
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => 0,
    };
    let size = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    size.filter(|size| (1_000_000..=1_000_000_000_000).contains(size))
        .ok_or_else(|| SettingError { expected, got: text.to_owned() })
}

/// A year has 365 days here, a month 30: an age needs no calendar.
fn years(span: Span) -> Option<SignedDuration> {
    let days = i64::from(span.get_years()) * 365 + i64::from(span.get_months()) * 30;
    let rest = span.years(0).months(0).to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    rest.checked_add(SignedDuration::from_hours(days * 24))
}

const LONGEST: SignedDuration = SignedDuration::from_hours(100 * 365 * 24);

impl std::fmt::Display for SettingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected {}, got `{}`", self.expected, self.got)
    }
}

impl std::error::Error for SettingError {}
