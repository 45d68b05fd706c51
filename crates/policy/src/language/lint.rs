//! What is odd about a policy that can be used, each thing where it stands.

mod lines;
mod unused;
mod written;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::diagnostic::{Diagnostic, Report, Severity, Span};
use super::draft::Draft;
use super::list::ListSpec;
use crate::check::{Finding, check_with};
use crate::condition::Condition;
use crate::list::List;
use crate::policy::{NEVER_BLOCK, Policy};
use crate::position::Line;
use crate::rule::Rule;

impl Draft {
    /// Looks for what the owner of a policy probably did not mean: treatments that cannot do on
    /// their line what they say, rules that never match, calls that are let through by a mere name,
    /// lists that are empty, entries both allowed and refused or over, hours and times that mean
    /// nothing, names that nothing uses.
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
        for finding in check_with(policy, &self.lines_of_their_own(policy)) {
            self.report_finding(&finding, &spans, &mut report);
        }
        for rule in policy.rules() {
            self.check_rule(policy, rule, spans.get(rule.id()).copied(), now, &mut report);
        }
        self.check_lists(policy, now, &mut report);
        self.check_written(&mut report);
        self.check_unused(policy, &mut report);
        report.diagnostics(self.files())
    }

    /// Returns the lines of accounts that no `[line]` names: each is the only phone of its number.
    fn lines_of_their_own(&self, policy: &Policy) -> Vec<Line> {
        let known: BTreeSet<&str> = policy.lines().iter().map(|line| &*line.name).collect();
        let lines = self.blocks.lines_of_accounts().into_iter();
        lines.filter(|(line, _)| !known.contains(line)).map(|(line, _)| Line::new(line)).collect()
    }

    fn report_finding(&self, finding: &Finding, spans: &HashMap<String, Span>, report: &mut Report) {
        let spec = finding.list().and_then(|name| self.specs().iter().find(|spec| spec.name() == name));
        let span = match (finding.rule(), finding.file(), spec) {
            (Some(id), _, _) => spans.get(id).copied(),
            (None, None, Some(spec)) => spec.inline_span(finding.line()).or(Some(spec.span())),
            (None, _, _) => None,
        };
        let message = match finding.file().filter(|_| span.is_none()) {
            Some(file) => format!("{file}:{}: {}", finding.line(), finding.message()),
            None => finding.message().to_owned(),
        };
        report.push(finding.severity(), span, message, finding.hint().unwrap_or_default());
    }

    /// Tells of entries whose time is over, and of lists beside others that nobody can ever be on. A
    /// rule over such lists alone is told by itself, and so is a source that cannot be read.
    fn check_lists(&self, policy: &Policy, now: Timestamp, report: &mut Report) {
        let mut empty: BTreeSet<usize> = BTreeSet::new();
        for rule in policy.rules() {
            rule.when().visit(&mut |condition| {
                let Condition::CallerIn(places) = condition else { return };
                let stays_empty =
                    |place: &&usize| policy.lists().get(**place).is_some_and(|list| self.stays_empty(list));
                if !places.iter().all(|place| stays_empty(&place)) {
                    empty.extend(places.iter().filter(stays_empty));
                }
            });
        }
        for spec in self.specs() {
            for (span, pattern, until) in spec.ended(now) {
                let ended = until.to_zoned(self.zone().clone()).date();
                let message = format!("{pattern} ended by itself on {ended}");
                report.push(Severity::Note, Some(span), message, "take it out, or set another `until`");
            }
            let list = policy.lists().iter().position(|list| list.name() == spec.name());
            if spec.sources().is_empty() && list.is_some_and(|list| empty.contains(&list)) {
                let message = format!("the list {} is empty, and no rule adds to it", spec.name());
                report.push(Severity::Note, Some(spec.span()), message, "write who is on it, or take it out");
            }
        }
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

    /// Returns whether nothing is on a list, nothing is fetched or looked up for it, and no rule adds to it. The
    /// lists that every policy has may be filled later, by a command.
    fn stays_empty(&self, list: &List) -> bool {
        let is_standard = ["allow", "reject", NEVER_BLOCK].contains(&list.name());
        if !list.is_empty() || is_standard {
            return false;
        }
        let grows = self.blocks.rules.iter().filter_map(|rule| rule.add_to.as_ref());
        let mut grows = grows.map(|add_to| add_to.list.value.as_str());
        let spec = self.specs().iter().find(|spec| spec.name() == list.name());
        let is_from_elsewhere = |spec: &ListSpec| {
            spec.is_lookup() || spec.sources().iter().any(|source| source.source.is_fetched())
        };
        !grows.any(|name| name == list.name()) && !spec.is_some_and(is_from_elsewhere)
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

    fn spans_of_rules(&self) -> HashMap<String, Span> {
        let guards = self.blocks.guards.iter().map(|(name, _)| (format!("guard.{}", name.value), name.span));
        let rules =
            self.blocks.rules.iter().filter_map(|rule| rule.id.get()).map(|id| (id.0.clone(), id.span));
        guards.chain(rules).collect()
    }
}
