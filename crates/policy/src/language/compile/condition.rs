//! Conditions, with their names found and their patterns read.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::Compiler;
use crate::condition::{Condition, Text};
use crate::history::Per;
use crate::kind::KindSet;
use crate::language::diagnostic::{Severity, Span};
use crate::language::document::{ConditionBlock, ConditionKeys, Diversion, RateBlock};
use crate::language::read::At;
use crate::language::shape::Many;
use crate::list::List;
use crate::pattern::Pattern;
use crate::wildcard::Wildcard;

impl<'c> Compiler<'c> {
    /// Reads a condition: all of its keys must hold. `None` when something is wrong with it.
    pub(super) fn condition(&mut self, block: &'c ConditionBlock) -> Option<Condition> {
        let errors = self.report.errors();
        let mut all = Vec::new();
        self.of_caller(&block.0, &mut all);
        self.of_call(&block.0, &mut all);
        of_history(&block.0, &mut all);
        self.of_time(&block.0, &mut all);
        self.composed(&block.0, &mut all);
        if self.report.errors() > errors {
            return None;
        }
        if all.len() == 1 {
            return all.pop();
        }
        Some(Condition::All(all))
    }

    fn of_caller(&mut self, keys: &'c ConditionKeys, all: &mut Vec<Condition>) {
        if let Some(patterns) = &keys.caller {
            all.push(Condition::Caller(self.patterns(patterns)));
        }
        if let Some(names) = &keys.caller_in {
            all.push(Condition::CallerIn(names.iter().filter_map(|name| self.find_list(name)).collect()));
        }
        if let Some(kinds) = &keys.caller_kind {
            let kinds = kinds.iter().fold(KindSet::NONE, |kinds, kind| kinds.with(kind.0));
            all.push(Condition::CallerKind(kinds));
        }
        if let Some(names) = &keys.name {
            all.push(Condition::Name(self.texts(names)));
        }
        if let Some(countries) = &keys.country {
            all.push(Condition::Country(countries.iter().map(|country| country.value).collect()));
        }
        if let Some(near) = &keys.near_list {
            let last_digits = u8::try_from(near.last_digits.value.0).unwrap_or(u8::MAX);
            let lists = near.list.iter().filter_map(|name| self.find_list(name));
            all.push(any(lists.map(|list| Condition::NearList { list, last_digits })));
        }
        if let Some(score) = &keys.score {
            let at_least = score.at_least.value.0;
            let lists = score.list.iter().filter_map(|name| self.find_list(name));
            all.push(any(lists.map(|list| Condition::Score { list, at_least })));
        }
    }

    fn of_call(&mut self, keys: &'c ConditionKeys, all: &mut Vec<Condition>) {
        if let Some(like) = &keys.like_called {
            let first_digits = u8::try_from(like.first_digits.value.0).unwrap_or(u8::MAX);
            all.push(Condition::LikeCalled { first_digits });
        }
        if let Some(patterns) = &keys.called {
            all.push(Condition::Called(self.patterns(patterns)));
        }
        if let Some(lines) = &keys.line {
            let lines = lines.iter().map(|line| self.line_name(line)).collect();
            all.push(Condition::Line(lines));
        }
        if let Some(names) = &keys.group {
            for name in names.iter() {
                self.find("group", &self.blocks.groups, name);
            }
            all.push(Condition::Group(names.iter().map(|name| name.value.as_str().into()).collect()));
        }
        if let Some(sources) = &keys.source {
            all.push(Condition::Source(sources.iter().map(|source| source.value).collect()));
        }
        if let Some(wanted) = &keys.verification {
            all.push(Condition::Verification(wanted.iter().map(|wanted| wanted.value).collect()));
        }
        if let Some(wanted) = &keys.attestation {
            all.push(Condition::Attestation(wanted.iter().map(|wanted| wanted.value).collect()));
        }
        if let Some(agents) = &keys.user_agent {
            all.push(Condition::UserAgent(self.texts(agents)));
        }
        match keys.diverted.as_ref().map(|diverted| &diverted.value) {
            Some(Diversion::Is(is)) => all.push(Condition::Diverted(*is)),
            Some(Diversion::By(patterns)) => all.push(Condition::DivertedBy(self.patterns(patterns))),
            None => {}
        }
    }

    fn of_time(&mut self, keys: &'c ConditionKeys, all: &mut Vec<Condition>) {
        let blocks = self.blocks;
        if let Some(hours) = &keys.hours {
            self.wants_zone(hours.first().map(|hours| hours.span));
            all.push(Condition::Hours(hours.iter().map(|hours| hours.value).collect()));
        }
        if let Some(names) = &keys.schedule {
            let found = names.iter().filter_map(|name| self.find("schedule", &blocks.schedules, name));
            let found: Vec<usize> = found.collect();
            let schedules = found.into_iter().filter_map(|place| self.schedules.get(place)).map(Arc::clone);
            all.push(Condition::Schedule(schedules.collect()));
        }
        if let Some(names) = &keys.switch {
            let places = names.iter().filter_map(|name| self.find("switch", &blocks.switches, name));
            all.push(Condition::Switch(places.collect()));
        }
    }

    fn composed(&mut self, keys: &'c ConditionKeys, all: &mut Vec<Condition>) {
        if let Some(inner) = &keys.not {
            all.extend(self.condition(inner).map(|inner| Condition::Not(Box::new(inner))));
        }
        if let Some(inner) = &keys.all {
            all.extend(inner.iter().filter_map(|inner| self.condition(inner)).collect::<Vec<_>>());
        }
        if let Some(inner) = &keys.any {
            all.push(Condition::Any(inner.iter().filter_map(|inner| self.condition(inner)).collect()));
        }
    }

    pub(super) fn rate(rate: &RateBlock) -> Condition {
        Condition::Rate {
            per: rate.per.map_or(Per::Caller, |per| per.value),
            more_than: rate.more_than.value.0,
            within: signed(rate.within.value),
        }
    }

    /// Makes a list without a name of the patterns of a condition.
    fn patterns(&mut self, patterns: &Many<String>) -> Arc<List> {
        let mut builder = List::builder("");
        for pattern in patterns.iter() {
            match Pattern::parse(pattern, self.region) {
                Ok(_) => builder.inline(pattern, self.region),
                Err(error) => {
                    self.report.error(pattern.span, error.to_string(), error.hint().unwrap_or_default());
                }
            }
        }
        let (list, errors) = builder.build();
        // A pattern that can be read alone may still be one too many beside the others.
        if let (Some(error), Some(first)) = (errors.first(), patterns.first()) {
            self.report.error(first.span, error.message(), error.hint().unwrap_or_default());
        }
        Arc::new(list)
    }

    fn texts(&mut self, texts: &Many<String>) -> Vec<Text> {
        let mut read = Vec::new();
        for text in texts.iter() {
            match Text::parse(text) {
                Ok(text) => read.push(text),
                Err(error) => {
                    let hint = "write a text with `*`, or an expression between slashes: \"/^v[0-9]+$/\"";
                    self.report.error(text.span, error.to_string(), hint);
                }
            }
        }
        read
    }

    /// Reads the name of a line; a policy that names its lines means one of them, or an account beside it.
    fn line_name(&mut self, name: &At<String>) -> Wildcard {
        let blocks = self.blocks;
        let wildcard = Wildcard::new(name);
        let is_line = || blocks.lines.names().any(|line| wildcard.is_match(line));
        let is_own = |account: &String| wildcard.is_match(account) && !blocks.has_line_of(account);
        if blocks.lines.is_empty() || is_line() || blocks.accounts.iter().any(is_own) {
            return wildcard;
        }
        match blocks.renamed(name) {
            Some(renamed) => renamed.report(name, name.span, Severity::Error, &mut self.report),
            None => self.report.unknown("line", name, name.span, blocks.lines.names()),
        }
        wildcard
    }

    /// Hours without a zone would be those of Greenwich, whatever the clock on the wall says.
    fn wants_zone(&mut self, span: Option<Span>) {
        if let Some(span) = span.filter(|_| self.blocks.defaults.timezone.is_none()) {
            let message =
                "expected `timezone` in [defaults], because hours mean nothing without one, found none";
            self.report.error(span, message, "for example: timezone = \"Europe/Zurich\"");
        }
    }
}

/// Finds where a condition writes a caller that it means, and not one that it leaves out.
pub(super) fn caller_written(block: &ConditionBlock, written: &str) -> Option<Span> {
    let keys = &block.0;
    let here = keys.caller.iter().flat_map(|patterns| patterns.iter());
    let here = here.into_iter().find(|pattern| pattern.value == written).map(|pattern| pattern.span);
    let inner = [&keys.all, &keys.any].into_iter().flatten().flat_map(|inner| inner.iter());
    here.or_else(|| inner.into_iter().find_map(|inner| caller_written(&inner.value, written)))
}

fn of_history(keys: &ConditionKeys, all: &mut Vec<Condition>) {
    if let Some(repeat) = &keys.repeat {
        all.push(Condition::Repeat { count: repeat.count.value.0, within: signed(repeat.within.value) });
    }
    if let Some(within) = keys.dialed_within {
        all.push(Condition::DialedWithin(signed(within.value)));
    }
    if let Some(within) = keys.answered_within {
        all.push(Condition::AnsweredWithin(signed(within.value)));
    }
    if let Some(is) = keys.first_time {
        all.push(Condition::FirstTime(is.value));
    }
    if let Some(rate) = &keys.rate {
        all.push(Compiler::rate(rate));
    }
}

/// Makes one condition of several of which one is enough.
fn any(conditions: impl Iterator<Item = Condition>) -> Condition {
    let mut conditions: Vec<Condition> = conditions.collect();
    match conditions.len() {
        1 => conditions.remove(0),
        _ => Condition::Any(conditions),
    }
}

fn signed(within: Duration) -> SignedDuration {
    SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX)
}
