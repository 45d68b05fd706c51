//! What is odd about a policy that can be used, each thing where it stands.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::diagnostic::{Diagnostic, Report, Severity, Span};
use super::draft::Draft;
use super::list::ListSpec;
use super::merge::Kind;
use crate::check::{Finding, check};
use crate::condition::Condition;
use crate::list::List;
use crate::policy::{NEVER_BLOCK, Policy};
use crate::rule::Rule;
use crate::treatment::{Treatment, Work};

impl Draft {
    /// Looks for what the owner of a policy probably did not mean: treatments that cannot do on
    /// their line what they say, rules that never match, calls that are let through by a mere name,
    /// lists that are empty, entries both allowed and refused, names that nothing uses.
    ///
    /// `policy` is what [`Draft::compile`] made of this draft and its lists.
    ///
    /// ```
    /// use ringfence_policy::{Draft, File};
    ///
    /// let text = "defaults.region = \"DE\"\nline.home.position = \"parallel\"\n\
    ///             [[rule]]\nid = \"withheld\"\nwhen = { caller_kind = \"anonymous\" }\nthen = \"busy\"\n\
    ///             [[rule]]\nid = \"all\"\nthen = \"stand_aside\"\n";
    /// let (draft, _) = Draft::read(File::new("policy.toml", text), &mut |_, _| Err("none".to_owned()), &[]);
    /// let policy = draft.compile(|list| list.inline()).expect("nothing is wrong");
    /// let odd = draft.check(&policy, jiff::Timestamp::UNIX_EPOCH);
    /// assert_eq!(
    ///     odd[0].summary(),
    ///     "policy.toml:4:6: rule withheld: 486 cannot stop the other phones on a parallel line (line home)"
    /// );
    /// ```
    #[must_use]
    pub fn check(&self, policy: &Policy, now: Timestamp) -> Vec<Diagnostic> {
        let mut report = Report::default();
        let spans = self.spans_of_rules();
        for finding in check(policy) {
            self.report_finding(&finding, &spans, &mut report);
        }
        for rule in policy.rules() {
            self.check_rule(policy, rule, spans.get(rule.id()).copied(), now, &mut report);
        }
        self.check_unused(policy, &mut report);
        report.diagnostics(self.files())
    }

    fn report_finding(&self, finding: &Finding, spans: &HashMap<String, Span>, report: &mut Report) {
        let spec = finding.list().and_then(|name| self.specs().iter().find(|spec| spec.name() == name));
        let span = match (finding.rule(), finding.file(), spec) {
            (Some(id), _, _) => spans.get(id).copied(),
            (None, None, Some(spec)) => spec.inline_span(finding.line()),
            (None, _, _) => None,
        };
        let message = match finding.file().filter(|_| span.is_none()) {
            Some(file) => format!("{file}:{}: {}", finding.line(), finding.message()),
            None => finding.message().to_owned(),
        };
        report.push(finding.severity(), span, message, "");
    }

    fn check_rule(
        &self,
        policy: &Policy,
        rule: &Rule,
        span: Option<Span>,
        now: Timestamp,
        report: &mut Report,
    ) {
        if let Some(until) = rule.until.filter(|until| *until <= now) {
            let message = format!(
                "rule {} ended by itself on {}",
                rule.id(),
                until.to_zoned(self.zone().clone()).date()
            );
            report.push(Severity::Warning, span, message, "take it out, or set another `until`");
        }
        if let Some(names) = self.all_empty(policy, rule.when()) {
            let message = format!("rule {} never matches: {} empty", rule.id(), names);
            report.push(Severity::Warning, span, message, "");
        }
        if rule.then().is_refusal()
            && let Some(name) = self.missing_lookup(policy, rule.when(), false)
        {
            let message = format!(
                "rule {} refuses every call that the look-up {name} does not answer in time",
                rule.id()
            );
            let hint = "refuse by what a look-up says, not by what it does not; or set on_miss = \"match\"";
            report.push(Severity::Warning, span, message, hint);
        }
    }

    /// Names the lists of a condition that can only hold of callers on lists that are all empty.
    fn all_empty(&self, policy: &Policy, condition: &Condition) -> Option<String> {
        let named = |places: &[usize]| {
            let lists: Vec<&Arc<List>> =
                places.iter().filter_map(|place| policy.lists().get(*place)).collect();
            let names: Vec<&str> = lists.iter().map(|list| list.name()).collect();
            let are = if let [one] = &names[..] {
                format!("the list {one} is")
            } else {
                format!("the lists {} are", names.join(", "))
            };
            lists.iter().all(|list| self.stays_empty(list)).then_some(are)
        };
        if let Condition::All(all) = condition {
            all.iter().find_map(|inner| self.all_empty(policy, inner))
        } else if let Condition::CallerIn(places) = condition {
            named(places)
        } else if let Condition::NearList { list, .. } | Condition::Score { list, .. } = condition {
            named(&[*list])
        } else {
            None
        }
    }

    /// Returns whether nothing is on a list, no look-up answers for it, and no rule adds to it. The
    /// lists that every policy has may be filled later, by a command.
    fn stays_empty(&self, list: &List) -> bool {
        let is_standard = ["allow", "reject", NEVER_BLOCK].contains(&list.name());
        let grows = self.blocks.rules.iter().filter_map(|rule| rule.add_to.as_ref());
        let mut grows = grows.map(|add_to| add_to.list.value.as_str());
        let spec = self.specs().iter().find(|spec| spec.name() == list.name());
        list.is_empty()
            && !is_standard
            && !grows.any(|name| name == list.name())
            && !spec.is_some_and(ListSpec::is_lookup)
    }

    /// Finds a look-up under `not`, whose missing answer would make the condition hold. Where the
    /// policy does not say what a missing answer means, the call is treated as `on_error` says.
    fn missing_lookup(&self, policy: &Policy, condition: &Condition, is_inverted: bool) -> Option<String> {
        let of_list = |place: usize| {
            let name = policy.lists().get(place)?.name();
            let spec = self.specs().iter().find(|spec| spec.name() == name)?;
            (is_inverted && spec.is_lookup() && spec.on_miss() == Some(false)).then(|| name.to_owned())
        };
        if let Condition::Not(inner) = condition {
            self.missing_lookup(policy, inner, !is_inverted)
        } else if let Condition::All(inner) | Condition::Any(inner) = condition {
            inner.iter().find_map(|inner| self.missing_lookup(policy, inner, is_inverted))
        } else if let Condition::CallerIn(places) = condition {
            places.iter().find_map(|place| of_list(*place))
        } else if let Condition::Score { list, .. } = condition {
            of_list(*list)
        } else {
            None
        }
    }

    /// Tells of names that nothing uses: one is often a slip in another.
    fn check_unused(&self, policy: &Policy, report: &mut Report) {
        let mut used = Used::of(policy);
        let blocks = &self.blocks;
        let inherited = blocks.groups.iter().filter_map(|(_, group)| group?.inherits.as_ref());
        used.groups.extend(inherited.flat_map(|names| names.iter()).map(|name| name.value.clone()));
        report_unused("treatment", &blocks.treatments, &used.treatments, report);
        report_unused("list", &blocks.lists, &used.lists, report);
        report_unused("schedule", &blocks.schedules, &used.schedules, report);
        report_unused("switch", &blocks.switches, &used.switches, report);
        report_unused("group", &blocks.groups, &used.groups, report);
        for (rule, add_to) in blocks.rules.iter().filter_map(|rule| Some((rule, rule.add_to.as_ref()?))) {
            if !used.lists.contains(&add_to.list.value) {
                let message = format!(
                    "no rule asks for the list {}, on which {} puts callers",
                    add_to.list.value, rule.id.0
                );
                report.push(Severity::Note, Some(add_to.list.span), message, "");
            }
        }
    }

    fn spans_of_rules(&self) -> HashMap<String, Span> {
        let guards = self.blocks.guards.iter().map(|(name, _)| (format!("guard.{}", name.value), name.span));
        let rules = self.blocks.rules.iter().map(|rule| (rule.id.0.clone(), rule.id.span));
        guards.chain(rules).collect()
    }
}

/// The names that the rules of a policy use.
#[derive(Debug, Default)]
struct Used {
    treatments: BTreeSet<String>,
    lists: BTreeSet<String>,
    schedules: BTreeSet<String>,
    switches: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Used {
    fn of(policy: &Policy) -> Self {
        let mut used = Self::default();
        let standard = ["allow", "reject", NEVER_BLOCK];
        used.lists.extend(standard.map(str::to_owned));
        used.treatment(policy.on_error());
        used.treatment(policy.welcome());
        for rule in policy.rules() {
            used.treatment(rule.then());
            rule.when().visit(&mut |condition| used.condition(policy, condition));
        }
        used
    }

    fn treatment(&mut self, treatment: &Treatment) {
        if !self.treatments.insert(treatment.name().to_owned()) {
            return;
        }
        match treatment.work() {
            Work::Hold(hold) => self.treatment(&hold.then),
            Work::Challenge(challenge) => {
                self.treatment(&challenge.on_pass);
                self.treatment(&challenge.on_fail);
            }
            Work::Reject(rejection) => {
                if let Some(crate::rejection::RetryAfter::UntilEndOf(schedule)) = rejection.retry() {
                    self.schedules.insert(schedule.to_string());
                }
            }
            Work::Forward(_) | Work::Answer(_) | Work::Ring(_) | Work::StandAside | Work::Drop(_) => {}
        }
    }

    fn condition(&mut self, policy: &Policy, condition: &Condition) {
        let mut list = |place: usize| {
            self.lists.extend(policy.lists().get(place).map(|list| list.name().to_owned()));
        };
        if let Condition::CallerIn(places) = condition {
            for place in places {
                list(*place);
            }
        } else if let Condition::NearList { list: place, .. } | Condition::Score { list: place, .. } =
            condition
        {
            list(*place);
        } else if let Condition::Schedule(schedules) = condition {
            self.schedules.extend(schedules.iter().map(|schedule| schedule.name().to_owned()));
        } else if let Condition::Switch(places) = condition {
            let switches = places.iter().filter_map(|place| policy.switches().get(*place));
            self.switches.extend(switches.map(|switch| switch.name.to_string()));
        } else if let Condition::Group(groups) = condition {
            self.groups.extend(groups.iter().map(ToString::to_string));
        }
    }
}

fn report_unused<T>(kind: &str, blocks: &Kind<T>, used: &BTreeSet<String>, report: &mut Report) {
    for (name, _) in blocks.iter().filter(|(name, _)| !used.contains(&name.value)) {
        report.push(Severity::Note, Some(name.span), format!("nothing uses the {kind} {}", name.value), "");
    }
}
