//! Why a condition holds of a call, or does not, in words.

use std::fmt::Write;

use crate::caller::CallerId;
use crate::condition::{Condition, Text};
use crate::duration::written;
use crate::facts::NameWithheld;
use crate::kind::KindSet;
use crate::number::Number;
use crate::printable::{dialable_or_quoted, printable, printable_in_quotes};
use crate::scene::{Found, Scene};
use crate::wildcard::Wildcard;

/// Tells whether a condition holds, and why: of several that must all hold the first that does
/// not, of alternatives the first that does; but what did so before anybody outside had to be asked goes before.
pub(crate) fn reason<'p>(scene: &Scene<'p, '_>, condition: &'p Condition) -> (bool, String) {
    let told = |inner: &'p [Condition], sought: bool, joint: &str| {
        let each: Vec<_> = inner.iter().map(|inner| reason(scene, inner)).collect();
        let settling = inner.iter().zip(&each).filter(|(_, (holds, _))| *holds == sought);
        if let Some((_, (_, why))) = settling.min_by_key(|(inner, _)| scene.policy.may_ask(inner)) {
            return (sought, why.clone());
        }
        let all: Vec<_> = each.into_iter().map(|(_, why)| why).filter(|why| !why.is_empty()).collect();
        (!sought, all.join(joint))
    };
    match condition {
        Condition::Always => (true, String::new()),
        Condition::All(inner) => told(inner, false, ", "),
        Condition::Any(inner) => told(inner, true, "; "),
        Condition::Not(inner) => {
            let (holds, why) = reason(scene, inner);
            (!holds, if holds { format!("but {why}") } else { format!("not {why}") })
        }
        Condition::Caller(_)
        | Condition::CallerIn(_)
        | Condition::CallerKind(_)
        | Condition::Name(_)
        | Condition::Country(_)
        | Condition::NearList { .. }
        | Condition::LikeCalled { .. }
        | Condition::Called(_)
        | Condition::Line(_)
        | Condition::Group(_)
        | Condition::Source(_)
        | Condition::Verification(_)
        | Condition::Attestation(_)
        | Condition::Score { .. }
        | Condition::Repeat { .. }
        | Condition::DialedWithin(_)
        | Condition::AnsweredWithin(_)
        | Condition::FirstTime(_)
        | Condition::Rate { .. }
        | Condition::Hours(_)
        | Condition::Schedule(_)
        | Condition::Switch(_)
        | Condition::UserAgent(_)
        | Condition::Diverted(_)
        | Condition::DivertedBy(_) => {
            scene.forget_found();
            let holds = scene.holds(condition);
            (holds, leaf(scene, condition, holds))
        }
    }
}

/// Tells a condition that is not composed, with the fact it is about.
#[expect(clippy::too_many_lines, reason = "one arm a condition")]
fn leaf(scene: &Scene<'_, '_>, condition: &Condition, holds: bool) -> String {
    let facts = scene.facts;
    let lists = |places: &[usize]| {
        let names = places.iter().filter_map(|place| scene.policy.lists().get(*place));
        joined(names.map(|list| list.name()))
    };
    let no_number = || if facts.caller.number().is_none() { " (number unknown)" } else { "" };
    match condition {
        // Which of them it is would tell the number.
        Condition::Caller(list)
            if holds && list.entries().any(|entry| facts.caller.is_told_by(&entry.pattern())) =>
        {
            "caller is one of those that are named".to_owned()
        }
        Condition::Caller(list) => {
            let entries = joined(list.entries().take(MOST).map(|entry| entry.written()));
            format!("caller {} {entries}", if holds { "is" } else { "is not" })
        }
        Condition::CallerIn(places) => match scene.found() {
            Some(Found::Written(entry)) if facts.caller.is_told_by(&entry.pattern()) => {
                format!("caller_in {}", entry.list())
            }
            Some(Found::Written(entry)) => format!(
                "caller_in {}: entry {}, {}",
                entry.list(),
                printable(&entry.to_string()),
                entry.origin()
            ),
            Some(Found::Put(list)) => {
                let addition = facts.history.addition(list.name(), &facts.caller, scene.now);
                let told = addition.map(|addition| format!(": {}", addition.told(scene.policy.zone())));
                format!("caller_in {}{}", list.name(), told.unwrap_or_default())
            }
            None if holds => format!("caller_in {}", lists(places)),
            None => format!("caller_in {}{}", lists(places), no_number()),
        },
        Condition::CallerKind(wanted) => {
            format!("caller_kind {}, wanted {wanted}", KindSet::of(&facts.caller, scene.policy.region()))
        }
        Condition::Name(names) => {
            let name = match facts.shown_name() {
                Some(Err(NameWithheld)) => "withheld".to_owned(),
                Some(Ok(name)) => quoted(Some(name)),
                None => quoted(None),
            };
            format!("name {name}, wanted {}", texts(names))
        }
        Condition::Country(regions) => {
            let country = match facts.caller.number() {
                Some(Number::E164(number)) => number.country(),
                Some(Number::Internal(_)) | None => None,
            };
            let found = country.map_or("none", |country| country.as_str());
            format!("country {found}, wanted {}", joined(regions.iter().map(|region| region.as_str())))
        }
        Condition::NearList { list, last_digits } => match scene.found().and_then(Found::entry) {
            Some(entry) if facts.caller.is_told_by(&entry.pattern()) => {
                format!("near_list {}: but for the last {last_digits} digits", entry.list())
            }
            Some(entry) => {
                format!("near_list {}: {} but for the last {last_digits} digits", entry.list(), entry)
            }
            None => format!("near_list {}{}", lists(&[*list]), no_number()),
        },
        Condition::LikeCalled { first_digits } => {
            format!(
                "like_called: first {first_digits} digits of {} and {}",
                facts.caller.in_words(),
                called(scene)
            )
        }
        Condition::Called(list) => {
            let wanted = joined(list.entries().take(MOST).map(|entry| entry.written()));
            format!("called {}, wanted {wanted}", called(scene))
        }
        Condition::Line(lines) => {
            format!("line {}, wanted {}", printable(facts.line), joined(lines.iter().map(Wildcard::as_str)))
        }
        Condition::Group(groups) => {
            let found = if facts.groups.is_empty() {
                "none".to_owned()
            } else {
                joined(facts.groups.iter().map(|g| &**g))
            };
            format!("group {found}, wanted {}", joined(groups.iter().map(|group| &**group)))
        }
        Condition::Source(wanted) => {
            format!(
                "source {}, wanted {}",
                facts.arrival.as_str(),
                joined(wanted.iter().map(|arrival| arrival.as_str()))
            )
        }
        Condition::Verification(wanted) => {
            format!(
                "verification {}, wanted {}",
                facts.verification.as_str(),
                joined(wanted.iter().map(|v| v.as_str()))
            )
        }
        Condition::Attestation(wanted) => {
            format!(
                "attestation {}, wanted {}",
                facts.attestation.as_str(),
                joined(wanted.iter().map(|a| a.as_str()))
            )
        }
        Condition::Score { list, at_least } => {
            format!("score {} of {}{}, wanted {at_least}", scene.score(*list), lists(&[*list]), no_number())
        }
        Condition::Repeat { count, within } => {
            format!("repeat: call {} within {}, wanted {count}", scene.calls(*within), written(*within))
        }
        Condition::DialedWithin(within) => ago("dialed", scene, facts.history.dialed(&facts.caller), *within),
        Condition::AnsweredWithin(within) => {
            ago("answered", scene, facts.history.answered(&facts.caller), *within)
        }
        Condition::FirstTime(_) => {
            let known =
                if facts.history.is_known(&facts.caller) { "has called before" } else { "has never called" };
            format!("first_time: {known}")
        }
        Condition::Rate { per, more_than, within } => {
            let found = facts.history.rate(*per, facts, scene.since(*within));
            format!(
                "rate {found} within {} per {}, more than {more_than} are too many",
                written(*within),
                per.as_str()
            )
        }
        Condition::Hours(hours) => {
            let wanted = joined(hours.iter().map(ToString::to_string));
            format!("{} {} {wanted} {}", clock(scene), within(holds), zone(scene))
        }
        Condition::Schedule(schedules) => {
            let wanted = joined(schedules.iter().map(|schedule| schedule.name()));
            format!("{} {} schedule {wanted} {}", clock(scene), within(holds), zone(scene))
        }
        Condition::Switch(places) => {
            let names = places.iter().filter_map(|place| scene.policy.switches().get(*place));
            format!(
                "switch {} {}",
                joined(names.map(|switch| &*switch.name)),
                if holds { "on" } else { "off" }
            )
        }
        Condition::UserAgent(names) => {
            format!("user_agent {}, wanted {}", quoted(facts.user_agent), texts(names))
        }
        Condition::Diverted(_) | Condition::DivertedBy(_) => match facts.diverted {
            Some(by) => format!("diverted by {}", dialable_or_quoted(by)),
            None => "diverted by nobody".to_owned(),
        },
        Condition::Always | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => String::new(),
    }
}

/// Of what a condition names, so much is told.
const MOST: usize = 4;

fn joined<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    let mut told = String::new();
    for (index, name) in names.enumerate() {
        if index == MOST {
            told.push_str(", …");
            break;
        }
        let joint = if index == 0 { "" } else { ", " };
        let _ = write!(told, "{joint}{}", printable(name.as_ref()));
    }
    told
}

fn texts(names: &[Text]) -> String {
    joined(names.iter().map(|name| match name {
        Text::Wildcard(wildcard) => format!("\"{wildcard}\""),
        Text::Regex(expression) => format!("/{}/", expression.as_str()),
    }))
}

fn quoted(name: Option<&str>) -> String {
    name.map_or_else(|| "none".to_owned(), printable_in_quotes)
}

fn called(scene: &Scene<'_, '_>) -> String {
    scene.called().map_or_else(|| "unknown".to_owned(), CallerId::in_words)
}

fn within(holds: bool) -> &'static str {
    if holds { "in" } else { "not in" }
}

fn clock(scene: &Scene<'_, '_>) -> String {
    let clock = scene.clock().shown;
    format!("{:02}:{:02}", clock.hour(), clock.minute())
}

fn zone(scene: &Scene<'_, '_>) -> String {
    scene.policy.zone().iana_name().unwrap_or("UTC").to_owned()
}

fn ago(
    what: &str,
    scene: &Scene<'_, '_>,
    when: Option<jiff::Timestamp>,
    within: jiff::SignedDuration,
) -> String {
    let found = match (when, scene.facts.caller) {
        (Some(when), _) => match scene.now.duration_since(when) {
            ahead if ahead.is_negative() => format!("in the future: {} from now", written(ahead)),
            ago => format!("{} ago", written(ago)),
        },
        (None, CallerId::Anonymous { number: None } | CallerId::Unavailable) => {
            "never (number unknown)".to_owned()
        }
        (None, _) => "never".to_owned(),
    };
    format!("{what} {found}, wanted within {}", written(within))
}
