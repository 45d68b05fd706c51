//! Values that can be read and mean nothing, or all: told where they are written.

use std::time::Duration;

use crate::language::diagnostic::{Report, Severity, Span};
use crate::language::document::{ConditionBlock, ConditionKeys};
use crate::language::draft::Draft;
use crate::language::read::At;
use crate::language::shape::Many;
use crate::schedule::Hours;

impl Draft {
    /// Looks at the values of schedules, switches, guards and rules.
    pub(super) fn check_written(&self, report: &mut Report) {
        let blocks = &self.blocks;
        for schedule in blocks.schedules.iter().filter_map(|(_, schedule)| schedule) {
            hours(schedule.hours.as_ref(), report);
        }
        for (_, switch) in blocks.switches.iter() {
            let Some(after) = switch.and_then(|switch| switch.auto_off) else { continue };
            if switch.and_then(|switch| switch.default).is_some_and(|default| default.value) {
                let message = "a switch that is on by default never goes off by itself";
                report.warning(after.span, message, "leave `auto_off` out, or write default = false");
            }
            let message = "a switch that goes off after no time at all is never on";
            no_time(after, message, "auto_off = \"2h\"", report);
        }
        for guard in blocks.guards.iter().filter_map(|(_, guard)| guard) {
            let Some(within) = guard.within.get() else { continue };
            no_time(*within, "no calls are counted within no time at all", "within = \"1m\"", report);
        }
        for rule in &blocks.rules {
            if let Some(when) = &rule.when {
                condition(when, report);
            }
            if let Some(ttl) = rule.add_to.as_ref().and_then(|add_to| add_to.ttl) {
                no_time(ttl, "the caller is on the list for no time at all", "ttl = \"1h\"", report);
            }
        }
    }
}

fn condition(block: &At<ConditionBlock>, report: &mut Report) {
    // The reader of policies bounds how deep they stand inside one another.
    let keys: &ConditionKeys = &block.value.0;
    hours(keys.hours.as_ref(), report);
    text("name", keys.name.as_ref(), report);
    text("user_agent", keys.user_agent.as_ref(), report);
    times(keys, report);
    if let Some(inner) = &keys.not {
        condition(inner, report);
    }
    for inner in [&keys.all, &keys.any].into_iter().flatten().flat_map(|inner| inner.iter()) {
        condition(inner, report);
    }
}

fn times(keys: &ConditionKeys, report: &mut Report) {
    let never = "no call is within no time at all: this never holds";
    for within in [keys.dialed_within, keys.answered_within].into_iter().flatten() {
        no_time(within, never, "\"30d\"", report);
    }
    if let Some(repeat) = &keys.repeat {
        no_time(repeat.within, never, "within = \"5m\"", report);
    }
    if let Some(rate) = &keys.rate {
        no_time(rate.within, "no calls are counted within no time at all", "within = \"1m\"", report);
    }
}

fn no_time(time: At<Duration>, message: &str, example: &str, report: &mut Report) {
    if time.value.is_zero() {
        report.push(Severity::Warning, Some(time.span), message, format!("for example: {example}"));
    }
}

fn hours(hours: Option<&Many<Hours>>, report: &mut Report) {
    for odd in hours.iter().flat_map(|hours| hours.iter()).filter(|hours| hours.value.is_odd()) {
        let message = format!("{} is a whole day: it ends when it begins", odd.value);
        let hint = "write 00:00-24:00 for a whole day, or another end";
        report.push(Severity::Warning, Some(odd.span), message, hint);
    }
}

fn text(key: &str, texts: Option<&Many<String>>, report: &mut Report) {
    for text in texts.iter().flat_map(|texts| texts.iter()) {
        let mut push = |severity, message: String, hint: &str| {
            let span: Span = text.span;
            report.push(severity, Some(span), message, hint);
        };
        match text.value.as_str() {
            "" => push(
                Severity::Warning,
                format!("an empty `{key}` holds for the calls that have none"),
                "if that is meant, write \"/^$/\"",
            ),
            stars if stars.bytes().all(|byte| byte == b'*') => {
                let message =
                    format!("`{key}` = \"{stars}\" holds for every call, also for those that have none");
                push(Severity::Warning, message, "leave it out, or write \"?*\" for any that is not empty");
            }
            _ => {}
        }
    }
}
