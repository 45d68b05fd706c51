//! Rules, the guards before them, and tests.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{Schema, SchemaGenerator};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use crate::call::Call;
use crate::history::Per;
use crate::language::block::block;
use crate::language::document::{ConditionBlock, TreatmentBlock};
use crate::language::moment::Moment;
use crate::language::near::nearest;
use crate::language::read::{At, Needed, Read, Reader, backticked};
use crate::language::shape::Many;
use crate::language::value::{Line, NameOr, Whole, words};
use crate::policy::Mode;
use crate::rule::{Log, Share};

block! {
    /// A rule: when it holds, what is done. The first rule that holds decides.
    RuleBlock = "a rule" {
        /// The name of the rule, which is written to the journal.
        id: Needed<Line> = "\"family\"",
        /// When the rule holds; always without it.
        when: Option<At<ConditionBlock>> = "{ caller_in = \"family\" }",
        /// What is done: the name of a treatment, or a treatment.
        then: Needed<NameOr<TreatmentBlock>> = "\"ring\"",
        /// When the rule ends by itself.
        until: Option<At<Moment>> = "\"2026-04-01\"",
        /// Whether the rule acts, or is only written down.
        mode: Option<At<Mode>> = "\"shadow\"",
        /// The part of the lines that the rule holds for, to try it.
        rollout: Option<RolloutBlock> = "{ percent = 10, by = \"line\" }",
        /// Who is told when the rule decides.
        notify: Option<Many<Line>> = "[\"push\"]",
        /// A list the caller is put on when the rule decides.
        add_to: Option<AddTo> = "{ list = \"cooldown\", ttl = \"1h\" }",
        /// Whether all facts of the call are kept when the rule decides.
        audit: Option<At<bool>> = "true",
        /// How a call is written down: as itself, or only counted.
        log: Option<At<Log>> = "\"counter\"",
    }
}

block! {
    /// The part of the lines that a rule holds for.
    RolloutBlock = "a table with `percent`" {
        /// How many of a hundred.
        percent: At<Whole<0, 100>> = "10",
        /// What is divided.
        by: Option<At<Share>> = "\"line\"",
    }
}

words! { Share = "something to divide by" { "line" => Share::Line, "caller" => Share::Caller, } }

block! {
    /// A list that grows by itself.
    AddTo = "a table with `list`" {
        /// The list; it need not be there otherwise.
        list: At<String> = "\"cooldown\"",
        /// How long the caller stays on it; for good without it.
        ttl: Option<At<Duration>> = "\"1h\"",
    }
}

words! { Log = "a way to write calls down" { "call" => Log::Call, "counter" => Log::Counter, } }

block! {
    /// A limit that comes before all rules.
    GuardBlock = "a table with per, more_than, within and then" {
        /// What is counted together.
        per: Needed<Per> = "\"source\"",
        /// The limit that is still allowed.
        more_than: Needed<Whole<0, 1_000_000>> = "30",
        /// The time in which the calls are counted.
        within: Needed<Duration> = "\"1m\"",
        /// What is done with a call beyond the limit.
        then: Needed<NameOr<TreatmentBlock>> = "\"busy\"",
    }
}

block! {
    /// What the policy must do with a call.
    TestBlock = "a test" {
        /// The call.
        call: Needed<CallForm> = "{ caller = \"+41791112233\", at = \"2026-03-01T23:10\" }",
        /// What must become of it.
        expect: Option<At<ExpectBlock>> = "{ rule = \"family\", then = \"ring\" }",
    }
}

block! {
    /// What must become of a call.
    ExpectBlock = "a table with rule, then and shadow" {
        /// The rule that decides.
        rule: Option<At<String>> = "\"family\"",
        /// The treatment it gets, by its name.
        then: Option<At<String>> = "\"ring\"",
        /// The rules in shadow mode that would have decided.
        shadow: Option<Many<String>> = "[\"complaints\"]",
    }
}

/// A call as a test describes it.
#[derive(Debug, Clone)]
pub(crate) struct CallForm(pub(crate) Call);

impl Read for CallForm {
    fn expected() -> Cow<'static, str> {
        "a table that describes a call".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let error = match Call::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(call) => return Some(Self(call)),
            Err(error) => error,
        };
        let span = reader.span(&error.span().unwrap_or(value.span()));
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        let (message, hint) = match message.split_once(", expected one of ") {
            Some((unknown, known)) => (format!("{unknown} in a call"), near(unknown, known)),
            None => (
                message,
                "for example: call = { caller = \"+41791112233\", at = \"2026-03-01T23:10\" }".to_owned(),
            ),
        };
        reader.report.error(span, message, hint);
        None
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Call>()
    }
}

/// Finds the known word that is nearest to the unknown one; both are between backticks.
fn near(unknown: &str, known: &str) -> String {
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    match unknown.split('`').nth(1).and_then(|unknown| nearest(unknown, known.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", backticked(known.into_iter())),
    }
}

#[cfg(test)]
pub(super) fn wrong_examples() -> Vec<String> {
    [
        RuleBlock::wrong_examples(),
        RolloutBlock::wrong_examples(),
        AddTo::wrong_examples(),
        GuardBlock::wrong_examples(),
        TestBlock::wrong_examples(),
        ExpectBlock::wrong_examples(),
    ]
    .concat()
}
