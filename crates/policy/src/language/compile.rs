//! Making a policy of its blocks: every name is found, every value takes its place.

mod condition;
mod line;
mod treatment;

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::diagnostic::{Report, Severity, Span};
use super::document::{AddTo as AddToBlock, GuardBlock, RateBlock, RuleBlock, TreatmentBlock};
use super::file::File;
use super::list::ListSpec;
use super::merge::{Blocks, Kind};
use super::read::{At, brief};
use super::value::{Line, NameOr};
use crate::condition::Condition;
use crate::decide::By;
use crate::list::List;
use crate::number::Region;
use crate::policy::{EmergencyEntry, Mode, NEVER_BLOCK, Policy, PolicyError, PolicyParts, Switch};
use crate::rule::{AddTo, Log, Rollout, Rule, Share};
use crate::schedule::{Hours, Schedule};
use crate::treatment::Treatment;

/// What a policy is made of.
pub(super) struct Compiler<'c> {
    pub(super) blocks: &'c Blocks,
    pub(super) specs: &'c [ListSpec],
    pub(super) schedules: &'c [Arc<Schedule>],
    pub(super) region: Region,
    pub(super) zone: &'c TimeZone,
    pub(super) report: Report,
    /// Whether a rule that is rolled out to a part counts for all, as it does in tests.
    pub(super) is_test: bool,
    /// Whether blocks are missing that could not be read, so that nobody can tell what is not there.
    pub(super) is_partial: bool,
    places: HashMap<&'c str, usize>,
    treatments: treatment::Treatments,
    /// Of each file the name, which its rules share, and where its lines end.
    lines: Vec<(Arc<str>, Vec<usize>)>,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(
        blocks: &'c Blocks,
        specs: &'c [ListSpec],
        schedules: &'c [Arc<Schedule>],
        files: &'c [File],
        region: Region,
        zone: &'c TimeZone,
    ) -> Self {
        Self {
            blocks,
            specs,
            schedules,
            region,
            zone,
            report: Report::default(),
            is_test: false,
            is_partial: false,
            places: specs.iter().enumerate().map(|(place, spec)| (spec.name(), place)).collect(),
            treatments: treatment::Treatments::default(),
            lines: files.iter().map(|file| (file.name().into(), newlines(file.text()))).collect(),
        }
    }

    /// Makes the policy. What is wrong is in the report, and then there is none.
    pub(super) fn policy(&mut self, lists: Vec<Arc<List>>) -> Option<Policy> {
        let treatments = self.compile_treatments();
        let [ring, ..] = &treatments[..] else { return None };
        let welcome = Arc::clone(ring);
        let on_error = self.on_error().unwrap_or_else(|| Arc::clone(ring));
        let mut rules: Vec<Rule> = Vec::new();
        rules.extend(self.blocks.guards.iter().filter_map(|(name, guard)| self.guard(name, guard?)));
        rules.extend(self.rules());
        let defaults = &self.blocks.defaults;
        let parts = PolicyParts {
            region: self.region,
            zone: self.zone.clone(),
            mode: defaults.mode.map_or(Mode::Enforce, |mode| mode.value),
            deadline: defaults.deadline.map_or(PolicyParts::DEADLINE, |deadline| deadline.value),
            on_error,
            welcome,
            treatments,
            lists,
            look_ups: (0..)
                .zip(self.specs)
                .filter(|(_, spec)| spec.is_lookup())
                .map(|(place, _)| place)
                .collect(),
            put_on: self.put_on(),
            schedules: self.schedules.to_vec(),
            switches: self.switches(),
            lines: self.lines(),
            groups: self.groups(),
            rules,
            checksum: self.checksum(),
        };
        if self.report.errors() > 0 || self.is_partial {
            return None;
        }
        match Policy::new(parts) {
            Ok(policy) => Some(policy),
            Err(PolicyError::NotTotal) => {
                self.report_no_last_rule();
                None
            }
            Err(PolicyError::Emergency(entries)) => {
                for entry in &entries {
                    self.report_emergency(entry);
                }
                None
            }
        }
    }

    /// Finds a block by its name, or reports that there is none.
    fn find<T>(&mut self, kind: &str, blocks: &'c Kind<T>, name: &At<String>) -> Option<usize> {
        let found = blocks.position(name);
        if found.is_none() {
            self.report.unknown(kind, name, name.span, blocks.names());
        }
        found
    }

    fn find_list(&mut self, name: &At<String>) -> Option<usize> {
        let found = self.places.get(name.value.as_str()).copied();
        if found.is_none() {
            let specs = self.specs;
            self.report.unknown("list", name, name.span, specs.iter().map(ListSpec::name));
        }
        found
    }

    fn on_error(&mut self) -> Option<Arc<Treatment>> {
        let blocks = self.blocks;
        let on_error = blocks.defaults.on_error.as_ref()?;
        let treatment = self.treatment(on_error)?;
        if treatment.is_refusal() {
            let message =
                format!("`on_error` is {}: when a decision fails, the call is refused", treatment.name());
            self.report.warning(on_error.span, message, "write on_error = \"ring\"");
        }
        Some(treatment)
    }

    fn guard(&mut self, name: &At<String>, guard: &'c GuardBlock) -> Option<Rule> {
        let then = guard.then.get().and_then(|then| self.treatment(then));
        let (per, more_than, within) = (guard.per.get(), guard.more_than.get()?, guard.within.get()?);
        let when = Self::rate(&RateBlock { per: Some(*per?), more_than: *more_than, within: *within });
        let then = then?;
        let mut rule = Rule::new(&format!("guard.{}", name.value), when, then);
        rule.place = self.place(name.span);
        Some(rule)
    }

    fn rules(&mut self) -> Vec<Rule> {
        let blocks = self.blocks;
        let mut ids: HashMap<&str, Span> = HashMap::new();
        let mut rules = Vec::with_capacity(blocks.rules.len());
        for rule in &blocks.rules {
            if let Some(id) = rule.id.get() {
                let first = ids.insert(&id.0, id.span);
                self.check_id(id, first);
            }
            rules.extend(self.rule(rule));
        }
        rules
    }

    /// Reports an id that means something else already, such as that of the rule at `first`.
    fn check_id(&mut self, id: &At<Line>, first: Option<Span>) {
        if let Some(first) = first {
            let (file, line) = self.place(first);
            let place = if first.file == id.span.file {
                format!("on line {line}")
            } else {
                format!("in {file}:{line}")
            };
            let message = format!("the rule \"{}\" is there already, {place}", brief(&id.0));
            self.report.error(id.span, message, "give one of the two another id");
        }
        if By::NO_RULES.into_iter().chain([By::UNDECIDED]).any(|word| id.0.trim() == word) {
            let message = format!("expected an id that no other decision has, found \"{}\"", brief(&id.0));
            let hint = "`calls`, `why` and `stats` say so of calls that no rule decided: give it another id";
            self.report.error(id.span, message, hint);
        }
        if id.0.is_empty() || id.0.starts_with("guard.") {
            let message =
                format!("expected an id that is not empty nor a guard's, found \"{}\"", brief(&id.0));
            self.report.error(id.span, message, "for example: id = \"family\"");
        }
    }

    fn rule(&mut self, rule: &'c At<RuleBlock>) -> Option<Rule> {
        let when = rule.when.as_ref().map_or(Some(Condition::Always), |when| self.condition(&when.value));
        let then = rule.then.get().and_then(|then| self.treatment(then));
        let until = rule.until.as_ref().and_then(|until| {
            let has_zone = self.blocks.defaults.timezone.is_some();
            until.value.wants_zone(until.span, has_zone, &mut self.report);
            let timestamp = until.timestamp(self.zone);
            if timestamp.is_none() {
                let message = "expected a moment within the years that a calendar has, found one beyond";
                self.report.error(until.span, message, "");
            }
            timestamp
        });
        let id = rule.id.get()?;
        let mut compiled = Rule::new(&id.0, when?, then?);
        compiled.until = until;
        compiled.is_shadow = rule.mode.is_some_and(|mode| mode.value == Mode::Shadow);
        compiled.rollout = rule.rollout.as_ref().filter(|_| !self.is_test).map(|rollout| Rollout {
            percent: u8::try_from(rollout.percent.value.0).unwrap_or(100),
            by: rollout.by.map_or(Share::Line, |by| by.value),
        });
        compiled.add_to = rule.add_to.as_ref().map(|AddToBlock { list, ttl }| AddTo {
            list: list.value.as_str().into(),
            ttl: ttl.map(|ttl| ttl.value),
        });
        compiled.notify =
            rule.notify.iter().flat_map(|notify| notify.iter()).map(|who| who.0.as_str().into()).collect();
        compiled.is_audited = rule.audit.is_some_and(|audit| audit.value);
        compiled.log = rule.log.map_or(Log::Call, |log| log.value);
        compiled.place = self.place(id.span);
        Some(compiled)
    }

    fn place(&self, span: Span) -> (Arc<str>, u32) {
        let Some((name, newlines)) = self.lines.get(usize::from(span.file)) else { return ("".into(), 0) };
        let before = newlines.partition_point(|newline| *newline < span.start as usize);
        (Arc::clone(name), u32::try_from(before + 1).unwrap_or(u32::MAX))
    }

    /// Returns the lists that only rules put callers on. Those that every policy has are also filled by commands.
    fn put_on(&self) -> Vec<usize> {
        let rules = self.blocks.rules.iter().filter_map(|rule| rule.add_to.as_ref());
        let grown: HashSet<&str> = rules.map(|add_to| add_to.list.value.as_str()).collect();
        let is_put_on = |spec: &ListSpec| {
            spec.says_nothing()
                && grown.contains(spec.name())
                && !["allow", "reject", NEVER_BLOCK].contains(&spec.name())
        };
        (0..).zip(self.specs).filter(|(_, spec)| is_put_on(spec)).map(|(place, _)| place).collect()
    }

    fn switches(&self) -> Vec<Switch> {
        let switches = self.blocks.switches.iter().map(|(name, switch)| Switch {
            name: name.value.as_str().into(),
            default: switch.and_then(|switch| switch.default).is_some_and(|on| on.value),
            auto_off: switch.and_then(|switch| switch.auto_off).map(|after| after.value),
        });
        switches.collect()
    }

    fn report_no_last_rule(&mut self) {
        let message = "expected a last rule without `when`, so that every call is decided, found none";
        let hint = "add at the end:\n      [[rule]]\n      id   = \"everyone-else\"\n      then = \"ring\"";
        let last = self.blocks.rules.last().map(|rule| rule.id.get().map_or(rule.span, |id| id.span));
        self.report.push(Severity::Error, last, message, hint);
    }

    fn report_emergency(&mut self, entry: &EmergencyEntry) {
        let spec = self.specs.iter().find(|spec| spec.name() == entry.list());
        let span = spec.and_then(|spec| spec.inline_span(entry.line()));
        let of_rule = || {
            let ids = self.blocks.rules.iter().filter_map(|rule| Some((rule.id.get()?, rule)));
            let (id, rule) = ids.into_iter().find(|(id, _)| id.0 == entry.rule())?;
            let in_it = rule.when.as_ref().filter(|_| entry.list().is_empty());
            let in_it = in_it.and_then(|when| condition::caller_written(&when.value, entry.written()));
            Some(in_it.unwrap_or(id.span))
        };
        let would = if entry.is_refused() { "refuse it" } else { "not let it ring" };
        let rule = brief(entry.rule());
        let written = entry.written();
        let message = format!("{written} is an emergency number, and the rule \"{rule}\" would {would}");
        let hint = "leave it out: emergency numbers are never refused, whatever the rules say";
        self.report.push(Severity::Error, span.or_else(of_rule), message, hint);
    }

    /// Makes a number of all that the policy says, whatever the spaces and comments.
    fn checksum(&self) -> Box<str> {
        let mut hash = Hash(0xcbf2_9ce4_8422_2325);
        let blocks = self.blocks;
        let written = write!(
            hash,
            "{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
            blocks.defaults,
            blocks.lines,
            blocks.groups,
            blocks.treatments,
            blocks.lists,
            self.schedules,
            blocks.switches,
            blocks.guards,
            blocks.rules
        );
        debug_assert!(written.is_ok());
        // What another block of a list says of its own numbers is in none of these.
        for (list, spec) in self.specs.iter().enumerate() {
            for (entry, region) in spec.read_otherwise() {
                let written = write!(hash, "{list} {entry} {}", region.as_str());
                debug_assert!(written.is_ok());
            }
        }
        format!("{:016x}", hash.0).into()
    }
}

/// The hash FNV-1a of 64 bits: it is the same on every machine.
struct Hash(u64);

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

fn newlines(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place).collect()
}

/// Makes the schedule of a block, with the events of its calendars.
pub(super) fn schedule(
    name: &str,
    block: &super::document::ScheduleBlock,
    events: Vec<crate::schedule::Event>,
) -> Schedule {
    let mut schedule = Schedule::new(name);
    if let Some(days) = &block.days {
        schedule = schedule.days(days.iter().map(|day| day.0));
    }
    let only_events = block.ics.is_some() && block.days.is_none() && block.hours.is_none();
    if only_events {
        schedule = schedule.hours([]);
    } else if let Some(hours) = &block.hours {
        schedule = schedule.hours(hours.iter().map(|hours| hours.value).collect::<Vec<Hours>>());
    }
    if let Some(dates) = &block.except_dates {
        schedule = schedule.except(dates.iter().map(|date| date.value));
    }
    schedule.events(events)
}

/// A treatment by name or written out.
pub(super) type Chosen = At<NameOr<TreatmentBlock>>;
