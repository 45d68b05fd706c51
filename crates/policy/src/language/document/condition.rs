//! Conditions: when a rule holds.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use crate::history::Per;
use crate::kind::KindSet;
use crate::language::block::block;
use crate::language::read::{At, Read, Reader, found};
use crate::language::shape::Many;
use crate::language::value::{Whole, words};
use crate::number::Region;
use crate::schedule::Hours;
use crate::source::{Arrival, Attestation, Verification};

block! {
    /// When a rule holds. All keys must agree; of several values of one key one is enough.
    ConditionKeys = "a condition" {
        /// The caller's number: a number, a beginning, a range or a regular expression.
        caller: Option<Many<String>> = "\"+4179*\"",
        /// Lists of which one names the caller.
        caller_in: Option<Many<String>> = "[\"family\", \"phonebook\"]",
        /// What kind of caller it is.
        caller_kind: Option<Many<Kind>> = "[\"anonymous\", \"unavailable\"]",
        /// The name the call shows: a text with `*`, or a regular expression. It proves nothing.
        name: Option<Many<String>> = "\"SPAM*\"",
        /// The country of the caller's number.
        country: Option<Many<Region>> = "[\"CH\", \"DE\"]",
        /// The caller differs from a number of a list in its last digits only.
        near_list: Option<NearList> = "{ list = \"people\", last_digits = 2 }",
        /// The caller's number begins like the one that was called.
        like_called: Option<LikeCalled> = "{ first_digits = 6 }",
        /// The number that was called.
        called: Option<Many<String>> = "\"+442079460999\"",
        /// The line the call came on.
        line: Option<Many<String>> = "\"home\"",
        /// The group of the line.
        group: Option<Many<String>> = "\"support\"",
        /// Where the INVITE came from.
        source: Option<Many<Arrival>> = "\"not_registrar\"",
        /// What became of the caller's signed identity.
        verification: Option<Many<Verification>> = "\"failed\"",
        /// How far the originating provider vouches for the number.
        attestation: Option<Many<Attestation>> = "[\"C\", \"none\"]",
        /// How many complaints a list has of the caller.
        score: Option<ScoreBlock> = "{ list = \"community\", at_least = 4 }",
        /// The caller tries again: this is the call of that number within a time.
        repeat: Option<RepeatBlock> = "{ count = 2, within = \"5m\" }",
        /// The caller was called from here within this time.
        dialed_within: Option<At<Duration>> = "\"30d\"",
        /// A call of the caller was answered within this time.
        answered_within: Option<At<Duration>> = "\"30d\"",
        /// Whether the caller has never called before.
        first_time: Option<At<bool>> = "true",
        /// More calls than a limit within a time.
        rate: Option<RateBlock> = "{ per = \"caller\", more_than = 10, within = \"1m\" }",
        /// The hours of the day, which may go past midnight.
        hours: Option<Many<Hours>> = "\"22:00-07:00\"",
        /// A schedule that holds now.
        schedule: Option<Many<String>> = "\"open\"",
        /// A switch that is on.
        switch: Option<Many<String>> = "\"on_call\"",
        /// The caller's device, as it calls itself: a text with `*`, or a regular expression.
        user_agent: Option<Many<String>> = "\"friendly-scanner*\"",
        /// Whether the call was diverted here, or the numbers that diverted it.
        diverted: Option<At<Diversion>> = "true",
        /// The condition inside does not hold.
        not: Option<At<ConditionBlock>> = "{ caller_in = \"family\" }",
        /// All conditions inside hold.
        all: Option<Many<ConditionBlock>> = "[{ first_time = true }, { not = { attestation = \"A\" } }]",
        /// At least one of the conditions inside holds.
        any: Option<Many<ConditionBlock>> = "[{ caller_in = \"family\" }, { dialed_within = \"30d\" }]",
    }
}

/// A condition, which may hold others.
#[derive(Debug, Clone)]
pub(crate) struct ConditionBlock(pub(crate) Box<ConditionKeys>);

impl Read for ConditionBlock {
    fn expected() -> Cow<'static, str> {
        ConditionKeys::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let span = reader.span(&value.span());
        reader.nested(span, |reader| {
            // A condition that lacks a part would hold more often than it was meant to.
            let errors = reader.report.errors();
            let keys = ConditionKeys::read(value, reader)?;
            (reader.report.errors() == errors).then_some(Self(Box::new(keys)))
        })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        ConditionKeys::schema(generator)
    }
}

/// Whether a call was diverted, or by whom.
#[derive(Debug, Clone)]
pub(crate) enum Diversion {
    Is(bool),
    By(Many<String>),
}

impl Read for Diversion {
    fn expected() -> Cow<'static, str> {
        "`true`, `false`, or a number or an array of numbers".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Boolean(is) => Some(Self::Is(*is)),
            DeValue::String(_) | DeValue::Array(_) => Many::read(value, reader).map(Self::By),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()))
            }
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let numbers = Many::<String>::schema(generator);
        json_schema!({ "anyOf": [{ "type": "boolean" }, numbers] })
    }
}

block! {
    /// Numbers near those of a list: another extension of an organisation that is known.
    NearList = "a table with list and last_digits" {
        /// The list.
        list: Many<String> = "\"people\"",
        /// How many digits at the end may differ.
        last_digits: At<Whole<1, 9>> = "2",
    }
}

block! {
    /// Numbers that begin like the one that was called.
    LikeCalled = "a table with first_digits" {
        /// How many digits at the beginning are equal, without the calling code.
        first_digits: At<Whole<1, 14>> = "6",
    }
}

block! {
    /// A number of complaints.
    ScoreBlock = "a table with list and at_least" {
        /// The list that counts.
        list: Many<String> = "\"community\"",
        /// The least number of complaints.
        at_least: At<Whole<1, 1_000_000>> = "4",
    }
}

block! {
    /// The caller tries again.
    RepeatBlock = "a table with count and within" {
        /// Which call it is: 2 is the second.
        count: At<Whole<2, 1_000>> = "2",
        /// How long the tries may lie apart, from the first to this one.
        within: At<Duration> = "\"5m\"",
    }
}

block! {
    /// More calls than a limit, this one counted.
    RateBlock = "a table with per, more_than and within" {
        /// What is counted together.
        per: Option<At<Per>> = "\"caller\"",
        /// The limit that is still allowed.
        more_than: At<Whole<0, 1_000_000>> = "10",
        /// The time in which the calls are counted.
        within: At<Duration> = "\"1m\"",
    }
}

words! { Per = "something to count by" {
    "caller" => Per::Caller,
    "line" => Per::Line,
    "source" => Per::Source,
} }

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) KindSet);

words! { Kind = "a kind of caller" {
    "number" => Kind(KindSet::NUMBER),
    "international" => Kind(KindSet::INTERNATIONAL),
    "mobile" => Kind(KindSet::MOBILE),
    "tollfree" => Kind(KindSet::TOLL_FREE),
    "premium" => Kind(KindSet::PREMIUM),
    "internal" => Kind(KindSet::INTERNAL),
    "ambiguous" => Kind(KindSet::AMBIGUOUS),
    "name" => Kind(KindSet::NAME),
    "anonymous" => Kind(KindSet::ANONYMOUS),
    "unavailable" => Kind(KindSet::UNAVAILABLE),
    "invalid" => Kind(KindSet::INVALID),
} }

words! { Arrival = "an origin of calls" {
    "registrar" => Arrival::Registrar,
    "peer" => Arrival::Peer,
    "token" => Arrival::Token,
    "not_registrar" | "anyone" => Arrival::Anyone,
} }

words! { Verification = "a result of a verification" {
    "passed" => Verification::Passed,
    "failed" => Verification::Failed,
    "unchecked" => Verification::Unchecked,
    "none" => Verification::None,
} }

words! { Attestation = "an attestation" {
    "A" => Attestation::A,
    "B" => Attestation::B,
    "C" => Attestation::C,
    "none" => Attestation::None,
} }

#[cfg(test)]
pub(super) fn wrong_examples() -> Vec<String> {
    [
        ConditionKeys::wrong_examples(),
        NearList::wrong_examples(),
        LikeCalled::wrong_examples(),
        ScoreBlock::wrong_examples(),
        RepeatBlock::wrong_examples(),
        RateBlock::wrong_examples(),
    ]
    .concat()
}
