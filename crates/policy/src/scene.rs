//! One call under one policy at one instant: whether a condition holds of it.

mod holds;
mod past;

use std::cell::{Cell, OnceCell};

use jiff::Timestamp;

use crate::caller::{Caller, CallerId};
use crate::condition::Text;
use crate::facts::Facts;
use crate::history::Answer;
use crate::kind::KindSet;
use crate::list::{Entry, List, Mark};
use crate::number::{Number, Region, decimal_digits};
use crate::policy::Policy;
use crate::schedule::WallClock;
use crate::wildcard::{Shown, Wildcard};
use past::Past;

/// How a list was found to have the caller.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'p> {
    /// By an entry that is written on it.
    Written(Entry<'p>),
    /// Somebody has put the caller on it for a time, or says that it is on it.
    Put(&'p List),
}

impl<'p> Found<'p> {
    /// Returns the entry that is written.
    pub(crate) fn entry(self) -> Option<Entry<'p>> {
        match self {
            Self::Written(entry) => Some(entry),
            Self::Put(_) => None,
        }
    }

    /// Returns the name of the list; what a rule writes itself is on none.
    pub(crate) fn list(self) -> Option<&'p str> {
        let name = match self {
            Self::Written(entry) => entry.list(),
            Self::Put(list) => list.name(),
        };
        (!name.is_empty()).then_some(name)
    }
}

/// One call under one policy at one instant. What several rules ask for is worked out once.
#[derive(Debug)]
pub(crate) struct Scene<'p, 'f> {
    pub(crate) policy: &'p Policy,
    pub(crate) facts: &'f Facts<'f>,
    pub(crate) now: Timestamp,
    clock: OnceCell<WallClock>,
    called: OnceCell<CallerId<'f>>,
    /// By what the caller is found, and who was called.
    marks: [OnceCell<Mark>; 2],
    /// Of the caller's number.
    calling_code: OnceCell<Option<u16>>,
    by_use: OnceCell<KindSet>,
    by_country: OnceCell<KindSet>,
    past: Past,
    name: OnceCell<Shown<'f>>,
    line: OnceCell<Shown<'f>>,
    user_agent: OnceCell<Shown<'f>>,
    /// In how many digits the caller's number begins as the called one does, behind the same code.
    alike: OnceCell<Option<usize>>,
    /// Which of the first lists do not have the caller, a bit each: several rules may ask for one.
    lacking: Cell<u64>,
    /// Which of them nobody has put the caller on either.
    absent: Cell<u64>,
    /// Which of them are asked of nobody outside, or nobody outside has said anything.
    silent: Cell<u64>,
    is_shadow: Cell<bool>,
    /// Which of the first switches are off.
    off: Cell<u64>,
    /// What was found last.
    found: Cell<Option<Found<'p>>>,
    /// Whether a list was asked that did not answer.
    has_missed: Cell<bool>,
}

impl<'p, 'f> Scene<'p, 'f> {
    pub(crate) fn new(policy: &'p Policy, facts: &'f Facts<'f>, now: Timestamp) -> Self {
        Self {
            policy,
            facts,
            now,
            clock: OnceCell::new(),
            called: OnceCell::new(),
            marks: [OnceCell::new(), OnceCell::new()],
            calling_code: OnceCell::new(),
            by_use: OnceCell::new(),
            by_country: OnceCell::new(),
            past: Past::default(),
            name: OnceCell::new(),
            line: OnceCell::new(),
            user_agent: OnceCell::new(),
            alike: OnceCell::new(),
            lacking: Cell::new(0),
            absent: Cell::new(0),
            silent: Cell::new(0),
            is_shadow: Cell::new(false),
            off: Cell::new(0),
            found: Cell::new(None),
            has_missed: Cell::new(false),
        }
    }

    /// Returns what was found last.
    pub(crate) fn found(&self) -> Option<Found<'p>> {
        self.found.get()
    }

    /// Returns whether a list was asked that did not answer.
    pub(crate) fn has_missed(&self) -> bool {
        self.has_missed.get()
    }

    /// Says whether one was, for rules that may miss what they like.
    pub(crate) fn set_missed(&self, has_missed: bool) {
        self.has_missed.set(has_missed);
    }

    pub(crate) fn forget_found(&self) {
        self.found.set(None);
    }

    /// Keeps what was found before where nothing is found now.
    pub(crate) fn found_or(&self, find: impl FnOnce()) {
        let before = self.found.take();
        find();
        if self.found.get().is_none() {
            self.found.set(before);
        }
    }

    /// Says whether the rule that is tried is in shadow mode: nobody is asked for such a one.
    pub(crate) fn in_shadow(&self, is_shadow: bool) {
        self.is_shadow.set(is_shadow);
        self.facts.history.in_shadow(is_shadow);
    }

    /// Returns what the clock of the policy's zone shows.
    pub(crate) fn clock(&self) -> &WallClock {
        self.clock.get_or_init(|| WallClock::new(self.policy.zone().to_datetime(self.now)))
    }

    /// Returns which of some kinds the caller is of. What takes long to find out is found out only where it is wanted.
    pub(crate) fn kinds(&self, wanted: KindSet) -> KindSet {
        let (caller, region) = (&self.facts.caller, self.policy.region());
        let mut kinds = KindSet::of_form(caller);
        if wanted.meets(KindSet::BY_USE) {
            kinds = kinds.with(*self.by_use.get_or_init(|| KindSet::by_use(caller)));
        }
        if wanted.meets(KindSet::INTERNATIONAL) {
            kinds = kinds.with(*self.by_country.get_or_init(|| KindSet::by_country(caller, region)));
        }
        kinds
    }

    /// Returns who was called.
    pub(crate) fn called(&self) -> Option<&CallerId<'f>> {
        let (called, _) = self.facts.called?;
        Some(self.called.get_or_init(|| Caller::from_header(called, "").identify(self.policy.region())))
    }

    /// Returns how much speaks against the caller.
    pub(crate) fn score(&self, place: usize) -> u32 {
        let Some(list) = self.policy.lists().get(place) else { return 0 };
        let answered = self.answer(place, list).map_or(0, |answer| answer.score);
        let is_lacking = self.lacks(place) || list.lacks(self.caller_mark());
        let entry = if is_lacking { None } else { list.find(&self.facts.caller, self.now) };
        // One whose weight is 0 is on the list all the same.
        if entry.is_none() {
            self.note_lacking(place);
        }
        answered.max(entry.map_or(0, |entry| entry.weight()))
    }

    pub(crate) fn is_switched_on(&self, place: usize) -> bool {
        let bit = bit(place);
        if self.off.get() & bit != 0 {
            return false;
        }
        let Some(switch) = self.policy.switches().get(place) else { return false };
        let is_on = self.facts.history.switch(&switch.name, self.now).unwrap_or(switch.default);
        if !is_on {
            self.off.set(self.off.get() | bit);
        }
        is_on
    }

    /// Returns whether the caller is on a list: written there, added to it, or said to be.
    fn is_on(&self, place: usize) -> bool {
        if self.absent.get() & self.silent.get() & bit(place) != 0 {
            return false;
        }
        self.is_looked_up_on(place)
    }

    #[inline(never)]
    fn is_looked_up_on(&self, place: usize) -> bool {
        let Some(list) = self.policy.lists().get(place) else { return false };
        self.is_put_on(place, list) || self.answer(place, list).is_some_and(|answer| answer.is_listed)
    }

    /// Returns whether the caller is on a list without anybody being asked.
    fn is_put_on(&self, place: usize, list: &'p List) -> bool {
        if self.absent.get() & bit(place) != 0 {
            return false;
        }
        let facts = self.facts;
        if self.is_written_on(place, list) {
            return true;
        }
        let is_put = facts.listed.iter().any(|listed| **listed == *list.name())
            || facts.history.added(list.name(), &facts.caller, self.now);
        if is_put {
            self.found.set(Some(Found::Put(list)));
        } else {
            self.absent.set(self.absent.get() | bit(place));
        }
        is_put
    }

    /// Returns what a list that is asked for each call said, and notes when it did not answer.
    fn answer(&self, place: usize, list: &List) -> Option<Answer> {
        if self.silent.get() & bit(place) != 0 {
            return None;
        }
        let history = self.facts.history;
        let answer = history.answer(list.name());
        if answer.is_none() && history.is_unanswered(list.name()) {
            self.has_missed.set(true);
        } else if answer.is_none() && !self.is_shadow.get() {
            self.silent.set(self.silent.get() | bit(place));
        }
        answer
    }

    /// Returns whether an entry of the list is the caller's.
    fn is_written_on(&self, place: usize, list: &'p List) -> bool {
        if self.lacks(place) {
            return false;
        }
        let is_found = self.find(list);
        if !is_found {
            self.note_lacking(place);
        }
        is_found
    }

    fn lacks(&self, place: usize) -> bool {
        self.lacking.get() & bit(place) != 0
    }

    fn note_lacking(&self, place: usize) {
        self.lacking.set(self.lacking.get() | bit(place));
    }

    #[inline(never)]
    fn find(&self, list: &'p List) -> bool {
        if list.lacks(self.caller_mark()) {
            return false;
        }
        let entry = list.find(&self.facts.caller, self.now);
        if entry.is_some() {
            self.found.set(entry.map(Found::Written));
        }
        entry.is_some()
    }

    fn caller_mark(&self) -> Mark {
        *self.marks[0].get_or_init(|| Mark::of_caller(&self.facts.caller))
    }

    #[inline(never)]
    fn is_near(&self, place: usize, last_digits: u8) -> bool {
        let list = self.policy.lists().get(place);
        let number = self.facts.caller.number();
        let (Some(list), Some(number)) = (list, number) else { return false };
        if list.has_none_near(self.caller_mark(), number, last_digits) {
            return false;
        }
        let entry = list.near(number, last_digits, self.now);
        if entry.is_some() {
            self.found.set(entry.map(Found::Written));
        }
        entry.is_some()
    }

    #[inline(never)]
    fn is_called(&self, list: &List) -> bool {
        let Some(called) = self.called() else { return false };
        let mark = *self.marks[1].get_or_init(|| Mark::of_caller(called));
        !list.lacks(mark) && list.find(called, self.now).is_some()
    }

    #[inline(never)]
    fn is_diverted_by(&self, list: &List) -> bool {
        let Some(by) = self.facts.diverted else { return false };
        let by = Caller::from_header(by, "").identify(self.policy.region());
        list.find(&by, self.now).is_some()
    }

    #[inline(never)]
    fn is_on_line(&self, lines: &[Wildcard]) -> bool {
        let shown = self.line.get_or_init(|| Shown::new(self.facts.line));
        lines.iter().any(|line| line.means(shown))
    }

    #[inline(never)]
    fn is_like_called(&self, first_digits: u8) -> bool {
        let alike = *self.alike.get_or_init(|| self.alike());
        alike.is_some_and(|digits| digits >= usize::from(first_digits))
    }

    fn alike(&self) -> Option<usize> {
        let full = |id: &CallerId<'_>| match id.number() {
            Some(Number::E164(number)) => Some(number),
            Some(Number::Internal(_)) | None => None,
        };
        let (caller, called) = (full(&self.facts.caller)?, full(self.called()?)?);
        let code = caller.calling_code()?;
        let after_code = caller.alike(called).checked_sub(decimal_digits(code.into()));
        after_code.filter(|_| called.calling_code() == Some(code))
    }

    #[inline(never)]
    fn is_of(&self, regions: &[Region]) -> bool {
        match self.facts.caller.number() {
            Some(Number::E164(number)) => {
                let code = *self.calling_code.get_or_init(|| number.calling_code());
                let is_behind = |region: &&Region| code == Some(region.calling_code());
                regions.iter().filter(is_behind).any(|region| number.is_of(*region))
            }
            Some(Number::Internal(_)) | None => false,
        }
    }
}

fn means<'f>(names: &[Text], shown: &OnceCell<Shown<'f>>, found: Option<&'f str>) -> bool {
    let shown = shown.get_or_init(|| Shown::new(found.unwrap_or_default()));
    names.iter().any(|name| name.means(shown))
}

/// Returns the bit of one of the first 64 lists, and none of another.
fn bit(place: usize) -> u64 {
    u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
}
