//! Names that nothing uses: one is often a slip in another.

use std::collections::BTreeSet;

use crate::condition::Condition;
use crate::language::diagnostic::{Report, Severity};
use crate::language::draft::Draft;
use crate::language::merge::Kind;
use crate::policy::{NEVER_BLOCK, Policy};
use crate::treatment::{Treatment, Work};

impl Draft {
    /// Tells of names that nothing uses: one is often a slip in another.
    pub(super) fn check_unused(&self, policy: &Policy, report: &mut Report) {
        let mut used = Used::of(policy);
        let blocks = &self.blocks;
        let inherited = blocks.groups.iter().filter_map(|(_, group)| group?.inherits.as_ref());
        used.groups.extend(inherited.flat_map(|names| names.iter()).map(|name| name.value.clone()));
        report_unused("treatment", &blocks.treatments, &used.treatments, report);
        report_unused("list", &blocks.lists, &used.lists, report);
        report_unused("schedule", &blocks.schedules, &used.schedules, report);
        report_unused("switch", &blocks.switches, &used.switches, report);
        report_unused("group", &blocks.groups, &used.groups, report);
        for (id, add_to) in
            blocks.rules.iter().filter_map(|rule| Some((rule.id.get()?, rule.add_to.as_ref()?)))
        {
            if !used.lists.contains(&add_to.list.value) {
                let message = format!(
                    "no rule asks for the list {}, on which {} puts callers",
                    add_to.list.value, id.0
                );
                let hint = "ask for it in a rule: when = { caller_in = … }";
                report.push(Severity::Note, Some(add_to.list.span), message, hint);
            }
        }
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
        let message = format!("nothing uses the {kind} {}", name.value);
        report.push(Severity::Note, Some(name.span), message, "take it out, or look for a slip in a name");
    }
}
