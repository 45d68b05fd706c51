//! How much of the world entries mean: those that mean nearly everybody, or everybody of a country, are asked about.
//!
//! It is judged by numbers of every plan, and by extensions, not by how an entry is written: `+4*`, `/./` and a range
//! from the first number to the last are one slip.

use anyhow::Result;
use jiff::Timestamp;
use ringfence_policy::{E164, List, Number, Pattern, Region, normalise};

use super::turn::asked;
use crate::config::Loaded;
use crate::config::edit::Turn;

/// What entries mean most numbers of.
#[derive(Debug, PartialEq, Eq)]
struct Reach {
    /// In their order.
    calling_codes: Vec<u16>,
    /// How many there are in the world.
    of: usize,
    has_extensions: bool,
}

/// Asks whether entries may be put on a list that mean most numbers of a calling code or more, and shows of which;
/// others need no asking.
pub(super) fn accept<'a>(
    turn: &mut Turn,
    patterns: impl IntoIterator<Item = &'a Pattern>,
    list: &Loaded,
    region: Region,
    yes: bool,
) -> Result<bool> {
    // One number is never too much, and there may be millions of them.
    let is_wide = |pattern: &&Pattern| {
        matches!(pattern, Pattern::Prefix(_) | Pattern::Range(_) | Pattern::Expression(_))
    };
    let wide: Vec<&Pattern> = patterns.into_iter().filter(is_wide).collect();
    let Some(reach) = (!wide.is_empty()).then(|| Reach::of(&wide, region)).flatten() else { return Ok(true) };
    let (entry, means) = match &*wide {
        [one] => (one.to_string(), "means"),
        _ => (format!("{} entries", wide.len()), "mean"),
    };
    anstream::eprintln!("{entry} {means} {}", reach.told(region));
    asked(turn, &format!("Put {entry} on the {} list?", list.name), yes)
}

impl Reach {
    /// Returns none for entries that mean less.
    fn of(patterns: &[&Pattern], region: Region) -> Option<Self> {
        let mut builder = List::builder("");
        for pattern in patterns {
            builder.inline(&pattern.to_string(), region);
        }
        let (list, _) = builder.build();
        let means = |number| list.find_number(number, Timestamp::UNIX_EPOCH).is_some();
        let samples: Vec<E164> = E164::samples().collect();
        let (mut calling_codes, mut of) = (Vec::new(), 0);
        for behind in samples.chunk_by(|one, other| one.calling_code() == other.calling_code()) {
            of += 1;
            let meant = behind.iter().filter(|number| means(Number::E164(**number))).count();
            if meant * 2 > behind.len() {
                calling_codes.extend(behind.first().and_then(|number| number.calling_code()));
            }
        }
        let extensions = || {
            let written = EXTENSIONS.map(|digits| format!("internal:{digits}"));
            written.into_iter().filter_map(|written| normalise(&written, region).ok())
        };
        let has_extensions = extensions().filter(|number| means(*number)).count() * 2 > EXTENSIONS.len();
        let reach = Self { calling_codes, of, has_extensions };
        (has_extensions || !reach.calling_codes.is_empty()).then_some(reach)
    }

    /// Says what they are, the reader's own first.
    fn told(&self, region: Region) -> String {
        let own = region.calling_code();
        let is_own = self.calling_codes.contains(&own);
        let others = self.calling_codes.iter().filter(|code| **code != own);
        let own = is_own.then(|| format!("+{own} (yours)"));
        let shown: Vec<String> =
            own.into_iter().chain(others.map(|code| format!("+{code}"))).take(MOST_SHOWN).collect();
        let more = match self.calling_codes.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let codes = match self.calling_codes.len() {
            0 => String::new(),
            count if count == self.of => {
                format!(
                    "most numbers behind all {count} calling codes, +{} (yours) too",
                    region.calling_code()
                )
            }
            count => {
                let s = if count == 1 { "" } else { "s" };
                format!(
                    "most numbers behind {count} calling code{s} of {}: {}{more}",
                    self.of,
                    shown.join(", ")
                )
            }
        };
        match (codes.is_empty(), self.has_extensions) {
            (true, _) => "most extensions".to_owned(),
            (false, true) => format!("{codes}, and most extensions"),
            (false, false) => codes,
        }
    }
}

/// Enough to see what was meant.
const MOST_SHOWN: usize = 8;

/// As PBXs give them to their phones: two for each first digit.
const EXTENSIONS: [u32; 18] =
    [10, 21, 32, 43, 54, 65, 76, 87, 98, 1002, 212, 3123, 404, 5265, 616, 79_997, 808, 9339];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(written: &str) -> Option<String> {
        let region = Region::parse("CH").unwrap();
        let patterns = [Pattern::parse(written, region).unwrap()];
        Reach::of(&patterns.each_ref(), region).map(|reach| reach.told(region))
    }

    #[test]
    fn an_entry_that_means_a_calling_code_or_more_says_which() {
        for (written, expected) in [
            ("+41*", "most numbers behind 1 calling code of 215: +41 (yours)"),
            ("/^\\+49[2-9]/", "most numbers behind 1 calling code of 215: +49"),
            (
                "+4*",
                "most numbers behind 12 calling codes of 215: +41 (yours), +40, +43, +44, +45, +46, +47, +48 and 4 more",
            ),
            ("+10000000000..+19999999999", "most numbers behind 1 calling code of 215: +1"),
            ("/./", "most numbers behind all 215 calling codes, +41 (yours) too, and most extensions"),
            ("/^[0-9]/", "most extensions"),
        ] {
            assert_eq!(told(written).as_deref(), Some(expected), "{written}");
        }
    }

    #[test]
    fn usual_beginnings_and_expressions_need_no_asking() {
        for written in
            ["+4179*", "+417*", "+1900*", "+447*", "internal:10*", "/00$/", "/^\\+4484[45]/", "/^[0-9]{3}$/"]
        {
            assert_eq!(told(written), None, "{written}");
        }
    }

    #[test]
    fn entries_that_together_mean_a_calling_code_are_one_that_does() {
        let region = Region::parse("CH").unwrap();
        let patterns: Vec<Pattern> =
            (2..10).map(|digit| Pattern::parse(&format!("+41{digit}*"), region).unwrap()).collect();
        assert!(Reach::of(&patterns.iter().collect::<Vec<_>>(), region).is_some());
    }
}
