//! The shape of a policy file: every block and every key.
//!
//! What is defined here is what the language is: the JSON Schema and the checks of a file are made
//! of it. What names mean is worked out later, when all files are read.

mod condition;
mod list;
mod rule;
mod treatment;

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::block::block;
use super::read::At;
use super::shape::{Items, Many, Named};
use super::value::{Given, NameOr, Whole, words};
use crate::number::Region;
use crate::policy::Mode;
use crate::position::Position;
use crate::schedule::Hours;
use crate::source::Identity;

pub(crate) use condition::{ConditionBlock, ConditionKeys, Diversion, RateBlock};
pub(crate) use list::{EntryBlock, ListBlock, LookupWord, MissWord, StaleWord};
pub(crate) use rule::{AddTo, CallForm, ExpectBlock, GuardBlock, RuleBlock, TestBlock};
pub(crate) use treatment::{
    AnswerBlock, ChallengeBlock, ForwardBlock, HowWord, PresetWord, RejectBlock, RetryAfterForm, RingBlock,
    TreatmentBlock, TreatmentForm,
};

block! {
    /// A policy: which calls ring, which are refused and how, and tests that say what is meant.
    Document = "a policy" {
        /// The version of the language.
        version: Option<At<Whole<1, 1>>> = "1",
        /// Other policy files, relative to this one. Their blocks come before this file's own, and their
        /// defaults fill what this file leaves open.
        include: Option<Many<String>> = "[\"lists.toml\"]",
        /// What holds for all lines and rules.
        defaults: Option<DefaultsBlock> = "{ region = \"CH\", timezone = \"Europe/Zurich\" }",
        /// Where the softphone stands on each line.
        line: Option<Named<LineBlock>> = "{ home = { account = \"fritz\", position = \"parallel\" } }",
        /// Lines under one name.
        group: Option<Named<GroupBlock>> = "{ sales = { lines = \"sip:2??@pbx.example\" } }",
        /// What can be done with a call, under a name.
        treatment: Option<Named<TreatmentBlock>> = "{ no_thanks = { reject = { code = 603 } } }",
        /// Callers under one name.
        list: Option<Named<ListBlock>> = "{ family = { entries = [\"+41791112233\"] } }",
        /// Days and hours under one name.
        schedule: Option<Named<ScheduleBlock>> = "{ open = { days = [\"mon\", \"fri\"], hours = \"08:30-17:30\" } }",
        /// What a person turns on and off.
        switch: Option<Named<SwitchBlock>> = "{ on_call = { default = false } }",
        /// Limits that come before all rules.
        guard: Option<Named<GuardBlock>> = "{ flood = { per = \"source\", more_than = 30, within = \"1m\", then = \"busy\" } }",
        /// The rules, from top to bottom: the first that matches decides.
        rule: Option<Items<RuleBlock>> = "[{ id = \"everyone\", then = \"ring\" }]",
        /// What the policy must do with calls that are described here. A policy with a failing test is not
        /// used.
        test: Option<Items<TestBlock>> = "[{ call = { caller = \"+41791112233\" }, expect = { rule = \"everyone\" } }]",
    }
}

block! {
    /// What holds for all lines and rules.
    DefaultsBlock: Default = "a table with region and timezone" {
        /// The country whose way of writing numbers is meant, and whose emergency numbers are never refused.
        region: Option<At<Given<Region>>> = "\"CH\"",
        /// The time zone of hours, days and dates, by its name in the IANA database.
        timezone: Option<At<Given<TimeZone>>> = "\"Europe/Zurich\"",
        /// What is done when no decision can be made: the name of a treatment that lets the call through.
        on_error: Option<At<NameOr<TreatmentBlock>>> = "\"ring\"",
        /// Whether rules act, or are only written down.
        mode: Option<At<Mode>> = "\"enforce\"",
        /// How long a call waits for look-ups before it is decided without them.
        deadline: Option<At<Duration>> = "\"800ms\"",
    }
}

words! { Mode = "a mode" { "enforce" => Mode::Enforce, "shadow" => Mode::Shadow, } }

block! {
    /// Where the softphone stands on a line, which decides what a refusal does on the wire.
    LineBlock = "a table with account and position" {
        /// The account the line registers with; without it the account of the line's own name.
        account: Option<At<String>> = "\"fritz\"",
        /// Where the softphone stands: `sole`, the only registration; `first`, before any phone; `parallel`,
        /// one of several phones that ring; `inline`, asked by a proxy.
        position: Option<At<Position>> = "\"parallel\"",
        /// Where a welcome call goes: the phones behind a `first` line as a URI, or the code 404 or 503 that
        /// makes the proxy of an `inline` line go on by itself.
        ring: Option<At<RingTarget>> = "\"sip:201@pbx.example\"",
        /// The 6xx that silences the other phones of a `parallel` line, where the proxy is known to heed it.
        capture: Option<At<Whole<600, 699>>> = "603",
        /// How a `parallel` line leaves a call to the other phones: 180 and 480 after a time, or "silence"
        /// until the caller or the proxy cancels.
        stand_aside: Option<At<StandAsideForm>> = "{ hold = \"3s\" }",
        /// The codes that are known to reach the caller unchanged; the others go out as their `fallback`.
        passes: Option<Many<Whole<400, 699>>> = "[486, 603]",
        /// Who may vouch for a caller on this line.
        trust: Option<TrustBlock> = "{ peers = [\"sip.example.com\"], identity = [\"verstat\", \"pai\", \"from\"] }",
    }
}

words! { Position = "a position" {
    "sole" => Position::Sole,
    "first" => Position::First,
    "parallel" => Position::Parallel,
    "inline" => Position::Inline,
} }

block! {
    /// How long a parallel line rings along before it says 480.
    StandAsideBlock = "a table with `hold`" {
        /// How long 180 stands before 480 follows. Less than three seconds makes some PBXs drop the phone.
        hold: At<Duration> = "\"3s\"",
    }
}

block! {
    /// Who may vouch for a caller, and in which order what they say counts.
    TrustBlock = "a table with peers and identity" {
        /// Hosts and addresses that are believed when they assert an identity.
        peers: Option<Many<String>> = "[\"sip.example.com\"]",
        /// What is believed, the most trusted first.
        identity: Option<Many<Identity>> = "[\"verstat\", \"pai\", \"from\"]",
    }
}

words! { Identity = "a kind of identity" {
    "passport" => Identity::Passport,
    "verstat" => Identity::Verstat,
    "pai" => Identity::Asserted,
    "rpid" => Identity::RemoteParty,
    "from" => Identity::From,
} }

block! {
    /// Lines under one name.
    GroupBlock = "a table with lines" {
        /// The lines, by name or address; `?` stands for one character and `*` for any number of them.
        lines: Option<Many<String>> = "\"sip:1???@pbx.example\"",
        /// The group whose rules hold for this one too: who is in this one is in that one.
        inherits: Option<Many<String>> = "\"office\"",
    }
}

block! {
    /// Days and hours under one name.
    ScheduleBlock = "a table with days and hours" {
        /// The days of the week; all of them without it. Hours past midnight belong to the day they begin.
        days: Option<Many<DayWord>> = "[\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]",
        /// The hours, which may go past midnight; the whole day without it.
        hours: Option<Many<Hours>> = "\"08:30-17:30\"",
        /// Days on which the schedule does not hold.
        except_dates: Option<Many<Date>> = "[\"2026-12-25\"]",
        /// A calendar file, relative to this one: the schedule holds during its events, too.
        ics: Option<Many<String>> = "\"on-call.ics\"",
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DayWord(pub(crate) Weekday);

words! { DayWord = "a day of the week" {
    "mon" | "monday" => DayWord(Weekday::Monday),
    "tue" | "tuesday" => DayWord(Weekday::Tuesday),
    "wed" | "wednesday" => DayWord(Weekday::Wednesday),
    "thu" | "thursday" => DayWord(Weekday::Thursday),
    "fri" | "friday" => DayWord(Weekday::Friday),
    "sat" | "saturday" => DayWord(Weekday::Saturday),
    "sun" | "sunday" => DayWord(Weekday::Sunday),
} }

block! {
    /// What a person turns on and off, by the command line or a feature code.
    SwitchBlock = "a table with default and auto_off" {
        /// Whether it is on until somebody turns it.
        default: Option<At<bool>> = "false",
        /// How long it stays on when somebody turns it on.
        auto_off: Option<At<Duration>> = "\"2h\"",
    }
}

mod forms {
    //! Values that are written in more than one form.

    use std::borrow::Cow;

    use schemars::{Schema, SchemaGenerator, json_schema};
    use toml::Spanned;
    use toml::de::DeValue;

    use super::StandAsideBlock;
    use crate::language::read::{Read, Reader, found};
    use crate::language::value::Whole;

    /// Where a welcome call goes.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) enum RingTarget {
        Uri(String),
        Code(u32),
    }

    impl Read for RingTarget {
        fn expected() -> Cow<'static, str> {
            "the URI of the phones, or on an inline line the code 404 or 503".into()
        }

        fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
            match value.get_ref() {
                DeValue::String(uri) => Some(Self::Uri(uri.to_string())),
                DeValue::Integer(integer) if matches!(integer.as_str(), "404" | "503") => {
                    Whole::<404, 503>::read(value, reader).map(|code| Self::Code(code.0))
                }
                DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => {
                    reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()))
                }
            }
        }

        fn schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "anyOf": [
                { "type": "string", "pattern": "^(sip|sips|tel):" },
                { "type": "integer", "enum": [404, 503] },
            ] })
        }
    }

    /// How a parallel line stands aside.
    #[derive(Debug, Clone)]
    pub(crate) enum StandAsideForm {
        Hold(StandAsideBlock),
        Silence,
    }

    impl Read for StandAsideForm {
        fn expected() -> Cow<'static, str> {
            "a table with `hold`, or \"silence\"".into()
        }

        fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
            match value.get_ref() {
                DeValue::String(word) if word == "silence" => Some(Self::Silence),
                DeValue::Table(_) => StandAsideBlock::read(value, reader).map(Self::Hold),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => {
                    reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()))
                }
            }
        }

        fn schema(generator: &mut SchemaGenerator) -> Schema {
            let hold = StandAsideBlock::schema(generator);
            json_schema!({ "anyOf": [{ "const": "silence" }, hold] })
        }
    }
}
pub(crate) use forms::{RingTarget, StandAsideForm};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_what_its_key_takes() {
        let wrong: Vec<String> = [
            Document::wrong_examples(),
            DefaultsBlock::wrong_examples(),
            LineBlock::wrong_examples(),
            StandAsideBlock::wrong_examples(),
            TrustBlock::wrong_examples(),
            GroupBlock::wrong_examples(),
            ScheduleBlock::wrong_examples(),
            SwitchBlock::wrong_examples(),
            condition::wrong_examples(),
            list::wrong_examples(),
            rule::wrong_examples(),
            treatment::wrong_examples(),
        ]
        .concat();
        assert_eq!(wrong, Vec::<String>::new());
    }
}
