//! Whether a condition holds of a call.
//!
//! It is asked for each rule, and most say no after a look at one fact. What needs registers or room of its own stands
//! in a function of its own, which is jumped to, so that the others need not make that room.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Scene, means};
use crate::condition::{Condition, Text};
use crate::history::Per;
use crate::kind::KindSet;
use crate::schedule::{Hours, Schedule};

impl<'p> Scene<'p, '_> {
    /// Returns whether a condition holds. It goes as deep as conditions may be composed, which the
    /// reader of policies bounds.
    #[expect(clippy::inline_always, reason = "a decision asks it of each rule, and most need no call then")]
    #[inline(always)]
    pub(crate) fn holds(&self, condition: &'p Condition) -> bool {
        match condition {
            Condition::Always => true,
            Condition::All(all) => self.first_lacking(all).is_none(),
            Condition::Any(any) => self.one_holds(any),
            Condition::Not(inner) => self.does_not_hold(inner),
            Condition::Caller(list) => self.find(list),
            Condition::CallerIn(places) => self.is_on_one(places),
            Condition::CallerKind(wanted) => self.is_of_kind(*wanted),
            Condition::Name(names) => self.has_name(names),
            Condition::Country(regions) => self.is_of(regions),
            Condition::NearList { list, last_digits } => self.is_near(*list, *last_digits),
            Condition::LikeCalled { first_digits } => self.is_like_called(*first_digits),
            Condition::Called(list) => self.is_called(list),
            Condition::Line(lines) => self.is_on_line(lines),
            Condition::Group(groups) => self.is_in_group(groups),
            Condition::Source(arrivals) => arrivals.contains(&self.facts.arrival),
            Condition::Verification(wanted) => wanted.contains(&self.facts.verification),
            Condition::Attestation(wanted) => wanted.contains(&self.facts.attestation),
            Condition::Score { list, at_least } => self.has_score(*list, *at_least),
            Condition::Repeat { count, within } => self.is_repeated(*count, *within),
            Condition::DialedWithin(within) => self.was_dialed(*within),
            Condition::AnsweredWithin(within) => self.was_answered(*within),
            Condition::FirstTime(wanted) => self.is_first_time(*wanted),
            Condition::Rate { per, more_than, within } => self.exceeds_rate(*per, *more_than, *within),
            Condition::Hours(hours) => self.is_in_hours(hours),
            Condition::Schedule(schedules) => self.is_in_schedule(schedules),
            Condition::Switch(places) => self.is_one_switched_on(places),
            Condition::UserAgent(names) => self.has_user_agent(names),
            Condition::Diverted(wanted) => self.facts.diverted.is_some() == *wanted,
            Condition::DivertedBy(list) => self.is_diverted_by(list),
        }
    }

    /// Finds again what a condition that holds has found, in the order in which it is written: which list is told must
    /// not depend on who was asked last. Nobody is asked for it.
    #[cold]
    pub(crate) fn find_as_written(&self, written: &'p Condition) {
        let has_missed = self.has_missed();
        self.in_shadow(true);
        self.found_or(|| {
            let _ = self.holds(written);
        });
        self.in_shadow(false);
        self.set_missed(has_missed);
    }

    /// Returns the place of the first part of a condition that does not hold, if it does not hold.
    #[expect(clippy::inline_always, reason = "a decision asks it of each rule")]
    #[inline(always)]
    pub(crate) fn lacking_part(&self, condition: &'p Condition) -> Option<usize> {
        if let Condition::All(all) = condition {
            return self.first_lacking(all);
        }
        (!self.holds(condition)).then_some(0)
    }

    #[inline(never)]
    fn first_lacking(&self, all: &'p [Condition]) -> Option<usize> {
        all.iter().position(|part| !self.holds(part))
    }

    #[inline(never)]
    fn one_holds(&self, any: &'p [Condition]) -> bool {
        any.iter().any(|inner| self.holds_or_finds_nothing(inner))
    }

    #[inline(never)]
    fn is_on_one(&self, places: &[usize]) -> bool {
        places.iter().any(|place| self.is_on(*place))
    }

    #[inline(never)]
    fn is_of_kind(&self, wanted: KindSet) -> bool {
        self.kinds(wanted).meets(wanted)
    }

    #[inline(never)]
    fn has_name(&self, names: &[Text]) -> bool {
        means(names, &self.name, self.facts.display_name)
    }

    #[inline(never)]
    fn has_user_agent(&self, names: &[Text]) -> bool {
        means(names, &self.user_agent, self.facts.user_agent)
    }

    #[inline(never)]
    fn is_in_group(&self, groups: &[Box<str>]) -> bool {
        groups.iter().any(|group| self.facts.groups.contains(group))
    }

    #[inline(never)]
    fn has_score(&self, place: usize, at_least: u32) -> bool {
        self.score(place) >= at_least
    }

    #[inline(never)]
    fn is_repeated(&self, count: u32, within: SignedDuration) -> bool {
        self.calls(within) >= count
    }

    #[inline(never)]
    fn was_dialed(&self, within: SignedDuration) -> bool {
        self.is_within(self.dialed(), within)
    }

    #[inline(never)]
    fn was_answered(&self, within: SignedDuration) -> bool {
        self.is_within(self.answered(), within)
    }

    #[inline(never)]
    fn is_first_time(&self, wanted: bool) -> bool {
        self.facts.history.is_known(&self.facts.caller) != wanted
    }

    #[inline(never)]
    fn exceeds_rate(&self, per: Per, more_than: u32, within: SignedDuration) -> bool {
        self.rate(per, within) > more_than
    }

    #[inline(never)]
    fn is_in_hours(&self, hours: &[Hours]) -> bool {
        hours.iter().any(|hours| hours.is_shown_by(self.clock()))
    }

    #[inline(never)]
    fn is_in_schedule(&self, schedules: &[Arc<Schedule>]) -> bool {
        schedules.iter().any(|schedule| schedule.is_shown_by(self.clock()))
    }

    #[inline(never)]
    fn is_one_switched_on(&self, places: &[usize]) -> bool {
        places.iter().any(|place| self.is_switched_on(*place))
    }

    #[inline(never)]
    fn does_not_hold(&self, condition: &'p Condition) -> bool {
        let before = self.found.get();
        let holds = self.holds(condition);
        self.found.set(before);
        !holds
    }

    /// Returns whether an alternative holds. What it found on the way counts only when it does.
    fn holds_or_finds_nothing(&self, alternative: &'p Condition) -> bool {
        let before = self.found.get();
        let holds = self.holds(alternative);
        if !holds {
            self.found.set(before);
        }
        holds
    }
}
