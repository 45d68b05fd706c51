//! Treatments: what is done with a call.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use crate::language::block::block;
use crate::language::read::{At, Needed, Read, Reader, found};
use crate::language::value::{Given, Line, NameOr, Whole, Word, words};
use crate::treatment::{Only, Then};

block! {
    /// What is done with a call: exactly one of these.
    TreatmentKeys = "a treatment: a table with exactly one of `reject`, `forward`, `answer`, `challenge`, `ring`, `hold` and `drop`" {
        /// Refuses the call with a final response.
        reject: Option<At<RejectBlock>> = "{ code = 603 }",
        /// Sends the caller to another address.
        forward: Option<At<ForwardBlock>> = "{ to = \"sip:*97@pbx.example\" }",
        /// Answers, plays an announcement and hangs up.
        answer: Option<At<AnswerBlock>> = "{ play = \"not-accepted.wav\", max_seconds = 12 }",
        /// Answers and asks the caller to press a digit.
        challenge: Option<At<ChallengeBlock>> = "{ prompt = \"press-{digit}.wav\", on_pass = \"ring\", on_fail = \"busy\" }",
        /// Lets the phone ring.
        ring: Option<At<RingBlock>> = "{ silent = true, label = \"Maybe spam\" }",
        /// Says that it rings, does nothing for a time, and goes on with another treatment.
        hold: Option<At<HoldBlock>> = "{ seconds = 20, then = \"unavailable\" }",
        /// Answers nothing at all.
        drop: Option<At<DropBlock>> = "{ only_if = \"not_from_registrar\" }",
    }
}

/// What is done with a call.
#[derive(Debug, Clone)]
pub(crate) struct TreatmentBlock(pub(crate) TreatmentForm);

/// The one of the seven that a treatment is.
#[derive(Debug, Clone)]
pub(crate) enum TreatmentForm {
    Reject(Box<At<RejectBlock>>),
    Forward(At<ForwardBlock>),
    Answer(At<AnswerBlock>),
    Challenge(Box<At<ChallengeBlock>>),
    Ring(At<RingBlock>),
    Hold(Box<At<HoldBlock>>),
    Drop(At<DropBlock>),
}

impl Read for TreatmentBlock {
    fn expected() -> Cow<'static, str> {
        TreatmentKeys::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let span = reader.span(&value.span());
        let errors = reader.report.errors();
        let keys = reader.nested(span, |reader| TreatmentKeys::read(value, reader))?;
        let forms = [
            keys.reject.map(|reject| TreatmentForm::Reject(Box::new(reject))),
            keys.forward.map(TreatmentForm::Forward),
            keys.answer.map(TreatmentForm::Answer),
            keys.challenge.map(|challenge| TreatmentForm::Challenge(Box::new(challenge))),
            keys.ring.map(TreatmentForm::Ring),
            keys.hold.map(|hold| TreatmentForm::Hold(Box::new(hold))),
            keys.drop.map(TreatmentForm::Drop),
        ];
        let mut forms = forms.into_iter().flatten();
        match (forms.next(), forms.next()) {
            (Some(form), None) => Some(Self(form)),
            (None, _) if reader.report.errors() > errors => None,
            (None, _) => reader.unfit(&value.span(), &Self::expected(), "none of them"),
            (Some(_), Some(_)) => reader.unfit(&value.span(), &Self::expected(), "several"),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = TreatmentKeys::schema(generator);
        json_schema!({ "allOf": [keys], "minProperties": 1, "maxProperties": 1 })
    }
}

block! {
    /// A refusal: the final response and what it says.
    RejectBlock = "a table with `code` or `preset`" {
        /// The status code.
        code: Option<At<Given<Whole<400, 699>>>> = "486",
        /// A refusal that is made by the book: its code, phrase and headers.
        preset: Option<At<Given<PresetWord>>> = "\"608\"",
        /// The reason phrase, instead of the code's own.
        phrase: Option<At<Line>> = "\"Not Today\"",
        /// The Reason header, as it is sent.
        reason: Option<At<Line>> = "\"Q.850;cause=21;text=\\\"rejected\\\"\"",
        /// The text of the Warning header; none with \"\".
        warning: Option<At<Line>> = "\"calls are screened\"",
        /// When to try again: a time, or the end of a schedule.
        retry_after: Option<At<RetryAfterForm>> = "\"until_end_of:quiet\"",
        /// The Call-Info header: the address of a jCard that says whom to ask.
        call_info: Option<At<Line>> = "\"https://example.com/contact.json\"",
        /// The Error-Info header: an address that says more.
        error_info: Option<At<Line>> = "\"sip:announcement@example.com\"",
        /// The code that is sent where the first is known not to be understood.
        fallback: Option<At<Whole<400, 699>>> = "486",
        /// Whom a caller can ask who was refused by mistake: an https, mailto or tel address.
        redress: Option<At<Line>> = "\"https://example.com/unblock\"",
    }
}

/// A refusal that is made by the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PresetWord {
    NetworkBlocked,
    Unwanted,
    Rejected,
    AnonymityDisallowed,
}

words! { PresetWord = "a preset" {
    "603+" => PresetWord::NetworkBlocked,
    "607" => PresetWord::Unwanted,
    "608" => PresetWord::Rejected,
    "433" => PresetWord::AnonymityDisallowed,
} }

/// When a caller may try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RetryAfterForm {
    Time(Duration),
    EndOf(String),
}

impl Read for RetryAfterForm {
    fn expected() -> Cow<'static, str> {
        "seconds, a time such as \"30m\", or \"until_end_of:SCHEDULE\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Integer(_) => {
                let seconds = Whole::<1, 604_800>::read(value, reader)?;
                Some(Self::Time(Duration::from_secs(seconds.0.into())))
            }
            DeValue::String(text) => match text.strip_prefix("until_end_of:") {
                Some(schedule) => Some(Self::EndOf(schedule.to_owned())),
                None => match <Duration as Word>::parse(text) {
                    Some(time) => Some(Self::Time(time)),
                    None => reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref())),
                },
            },
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref())),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let time = <Duration as Read>::schema(generator);
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 604_800 },
            { "type": "string", "pattern": "^until_end_of:" },
            time,
        ] })
    }
}

block! {
    /// Another address.
    ForwardBlock = "a table with `to`" {
        /// The address: a sip, sips or tel URI.
        to: At<String> = "\"sip:*97@pbx.example\"",
        /// How the caller gets there: `redirect` is 302, and all that there is today.
        how: Option<At<HowWord>> = "\"redirect\"",
        /// The reason of a Diversion header, which says that the call was sent on.
        diversion: Option<At<Line>> = "\"time-of-day\"",
    }
}

/// How a call is sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HowWord {
    Redirect,
    Refer,
    Bridge,
}

words! { HowWord = "a way to forward" {
    "redirect" => HowWord::Redirect,
    "refer" => HowWord::Refer,
    "bridge" => HowWord::Bridge,
} }

block! {
    /// An announcement.
    AnswerBlock = "a table with `max_seconds`" {
        /// The recording, relative to the policy file.
        play: Option<At<String>> = "\"not-accepted.wav\"",
        /// After how long it ends in any case.
        max_seconds: At<Whole<1, 600>> = "12",
        /// What follows.
        then: Option<At<Then>> = "\"hangup\"",
    }
}

words! { Then = "what follows an announcement" {
    "hangup" => Then::HangUp,
    "voicemail" => Then::Voicemail,
    "ring" => Then::Ring,
} }

block! {
    /// A question that a machine does not answer.
    ChallengeBlock = "a table with prompt, on_pass and on_fail" {
        /// The recording; `{digit}` stands for the digit that is asked for.
        prompt: Needed<String> = "\"press-{digit}.wav\"",
        /// How many digits are asked for.
        digits: Option<At<Whole<1, 8>>> = "1",
        /// How often the caller may try.
        tries: Option<At<Whole<1, 10>>> = "2",
        /// How long each try may take.
        timeout: Option<At<Duration>> = "\"8s\"",
        /// What is done with a caller who passes.
        on_pass: Needed<NameOr<TreatmentBlock>> = "\"ring\"",
        /// What is done with a caller who fails.
        on_fail: Needed<NameOr<TreatmentBlock>> = "\"decline\"",
        /// How long a caller who passed is not asked again.
        remember_pass: Option<At<Duration>> = "\"30d\"",
    }
}

block! {
    /// Ringing.
    RingBlock = "a table with silent, label and limit" {
        /// Whether it rings without a sound.
        silent: Option<At<bool>> = "true",
        /// What the phone shows beside the caller.
        label: Option<At<Line>> = "\"Maybe spam\"",
        /// How long it rings before the caller is told that nobody answered.
        limit: Option<At<Duration>> = "\"60s\"",
    }
}

block! {
    /// Ringing for the caller alone.
    HoldBlock = "a table with `seconds`" {
        /// How long.
        seconds: Needed<Whole<1, 180>> = "20",
        /// What follows; 480 without it.
        then: Option<At<NameOr<TreatmentBlock>>> = "\"unavailable\"",
    }
}

block! {
    /// Silence.
    DropBlock = "a table with `only_if`" {
        /// Which calls are not answered: those that did not come from the registrar, or all.
        only_if: Option<At<Only>> = "\"not_from_registrar\"",
    }
}

words! { Only = "calls to leave unanswered" {
    "not_from_registrar" => Only::NotFromRegistrar,
    "always" => Only::Always,
} }

#[cfg(test)]
pub(super) fn wrong_examples() -> Vec<String> {
    [
        TreatmentKeys::wrong_examples(),
        RejectBlock::wrong_examples(),
        ForwardBlock::wrong_examples(),
        AnswerBlock::wrong_examples(),
        ChallengeBlock::wrong_examples(),
        RingBlock::wrong_examples(),
        HoldBlock::wrong_examples(),
        DropBlock::wrong_examples(),
    ]
    .concat()
}
