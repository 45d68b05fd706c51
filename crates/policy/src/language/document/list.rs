//! Lists of callers, and where they come from.

use std::time::Duration;

use schemars::{Schema, json_schema};

use crate::format::Format;
use crate::language::block::block;
use crate::language::moment::Moment;
use crate::language::read::At;
use crate::language::shape::{Items, Many};
use crate::language::value::{Line, NameOr, Whole, Word, words};
use crate::number::Region;

block! {
    /// Callers under one name.
    ListBlock = "a table with entries, files or source" {
        /// Numbers, beginnings, ranges, regular expressions and words such as `anonymous`; or tables that
        /// give them a name and an end.
        entries: Option<Items<NameOr<EntryBlock>>> = "[\"+41791112233\", { match = \"+4144*\", name = \"the office\" }]",
        /// Plain text files, one entry a line, relative to the policy file.
        files: Option<Items<String>> = "[\"family.txt\"]",
        /// Where more comes from: a path or a URL, by scheme or ending.
        source: Option<Many<String>> = "\"vcard:contacts.vcf\"",
        /// The format of a source whose name does not say it.
        format: Option<At<FormatWord>> = "\"csv\"",
        /// The heading of the column that has the numbers, in a CSV source.
        number_column: Option<At<Line>> = "\"phone\"",
        /// The heading of the column that has the names, in a CSV source.
        name_column: Option<At<Line>> = "\"company\"",
        /// The country whose way of writing numbers is meant; without it the policy's.
        region: Option<At<Region>> = "\"US\"",
        /// How often a source is read again.
        refresh: Option<At<Duration>> = "\"1h\"",
        /// What happens when a source cannot be read again: its last good copy is kept or dropped.
        on_stale: Option<At<StaleWord>> = "\"keep\"",
        /// What a look-up means that has no answer in time.
        on_miss: Option<At<MissWord>> = "\"no_match\"",
        /// How a number is looked up without telling which one it is.
        lookup: Option<At<LookupWord>> = "\"k-anonymous\"",
        /// How long an answer of a look-up is remembered.
        cache: Option<At<Duration>> = "\"24h\"",
        /// The key the source is signed with.
        pubkey: Option<At<Line>> = "\"ed25519:…\"",
        /// How far back complaints count.
        window: Option<At<Duration>> = "\"35d\"",
        /// The least number of entries a fresh copy must have to replace the last.
        min: Option<At<Whole<0, 100_000_000>>> = "100",
        /// The user name the source asks for.
        user: Option<At<Line>> = "\"anna\"",
        /// The file that has the password or token the source asks for, relative to the policy file.
        password_file: Option<At<String>> = "\"carddav.secret\"",
        /// The environment variable that has it.
        password_env: Option<At<Line>> = "\"CARDDAV_PASSWORD\"",
        /// Whether the server may be nearby: at a private address, such as that of a NAS.
        private: Option<At<bool>> = "true",
        /// The file of the authority that vouches for the server, relative to the policy file; without it,
        /// those of the system do.
        ca: Option<At<String>> = "\"ca.pem\"",
    }
}

block! {
    /// An entry with a name and an end.
    EntryBlock = "a table with `match`" {
        /// The number, beginning, range, regular expression or word.
        r#match: At<String> = "\"+41791112233\"",
        /// Who that is.
        name: Option<At<Line>> = "\"Anna\"",
        /// When the entry ends by itself.
        until: Option<At<Moment>> = "\"2026-04-01\"",
    }
}

/// A format of lists, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormatWord(pub(crate) Format);

impl Word for FormatWord {
    const EXPECTED: &'static str =
        "a format: \"text\", \"csv\", \"vcard\", \"callblocker\", \"ncid\", \"freeswitch\" or \"asterisk\"";

    fn parse(text: &str) -> Option<Self> {
        Format::parse(text).map(Self)
    }

    fn schema() -> Schema {
        let names: Vec<&str> = Format::ALL.iter().map(Format::name).chain(["json"]).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// What happens to a source that cannot be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StaleWord {
    Keep,
    Drop,
}

words! { StaleWord = "a choice for stale lists" { "keep" => StaleWord::Keep, "drop" => StaleWord::Drop, } }

/// What a look-up without an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissWord {
    NoMatch,
    Match,
}

words! { MissWord = "a meaning of a missing answer" {
    "no_match" => MissWord::NoMatch,
    "match" => MissWord::Match,
} }

/// How a number is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookupWord {
    KAnonymous,
    Full,
}

words! { LookupWord = "a way to look numbers up" {
    "k-anonymous" => LookupWord::KAnonymous,
    "full" => LookupWord::Full,
} }

#[cfg(test)]
pub(super) fn wrong_examples() -> Vec<String> {
    [ListBlock::wrong_examples(), EntryBlock::wrong_examples()].concat()
}
