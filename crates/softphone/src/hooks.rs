//! What the application has run within the shards, fenced: a hook that panics ends nothing but that run of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::attendant::Desk;
use crate::call::Ended;
use crate::screen::{Invite, Verdict};
use crate::trace::Traced;

/// The hooks of one softphone, shared by its shards.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) screen: Option<Arc<Screen>>,
    pub(crate) trace: Option<Arc<Trace>>,
    pub(crate) ended: Option<Arc<OnEnded>>,
    /// Where it is told what happens to all lines.
    pub(crate) desk: Option<Desk>,
    panics: Arc<AtomicU64>,
}

/// Decides on calls that came together, by a verdict for each in their order.
type Screen = dyn Fn(&[Invite<'_>], &mut Vec<Verdict>) + Send + Sync;
type Trace = dyn Fn(&Traced<'_>) + Send + Sync;
type OnEnded = dyn Fn(&Ended) + Send + Sync;

impl Hooks {
    /// Has the screen say what becomes of calls that came together; one that it panics on is the application's to decide, as is
    /// one that it says nothing of. Of `verdicts` nothing is to be there.
    pub(crate) fn screen(&self, invites: &[Invite<'_>], verdicts: &mut Vec<Verdict>) {
        let Some(screen) = &self.screen else { return };
        let (mut left, mut done) = (invites, Vec::new());
        while let [_, behind @ ..] = left {
            if self.run("screen", || screen(left, verdicts)).is_some() {
                break;
            }
            // Whatever it has made of the verdicts: the call that it panicked on is the first that has none.
            verdicts.truncate(behind.len());
            left = &behind[verdicts.len()..];
            done.append(verdicts);
            done.push(Verdict::Offer);
        }
        if !done.is_empty() {
            done.append(verdicts);
            *verdicts = done;
        }
    }

    pub(crate) fn trace(&self, traced: &Traced<'_>) {
        if let Some(trace) = &self.trace {
            self.run("trace", || trace(traced));
        }
    }

    pub(crate) fn ended(&self, how: &Ended) {
        if let Some(ended) = &self.ended {
            self.run("ended", || ended(how));
        }
    }

    /// Counts the runs of a hook that panicked.
    pub(crate) fn panics(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.panics)
    }

    /// Runs a hook. What it leaves half done when it panics is its own and the application's.
    fn run<T>(&self, hook: &'static str, run: impl FnOnce() -> T) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(run)).ok();
        if result.is_none() && self.panics.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(hook, "panicked; further panics of hooks are counted only");
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use ringfence_ua::CallNumber;
    use ringfence_wire::sip::{Head, Message};

    use super::*;
    use crate::reject::Reject;

    /// Has a screen decide on four calls, and returns which of them it rejects and how often it has panicked.
    fn rejected(
        screen: impl Fn(&[Invite<'_>], &mut Vec<Verdict>) + Send + Sync + 'static,
    ) -> (Vec<bool>, u64) {
        let hooks = Hooks { screen: Some(Arc::new(screen)), ..Hooks::default() };
        let message = Message::parse(b"INVITE sip:858@b SIP/2.0\r\n\r\n").unwrap();
        let head = Head::of(&message);
        let invites = [1, 2, 3, 4].map(|number| {
            Invite::of(
                0,
                &ringfence_ua::Invite {
                    head: &head,
                    call: CallNumber::new(number),
                    line: ringfence_ua::LineId::new(0),
                    label: "",
                    source: SocketAddr::from(([192, 0, 2, 1], 5060)),
                    origin: ringfence_ua::Origin::Anyone,
                },
            )
        });
        let mut verdicts = Vec::new();
        hooks.screen(&invites, &mut verdicts);
        let rejected = verdicts.iter().map(|verdict| matches!(verdict, Verdict::Reject(_))).collect();
        (rejected, hooks.panics().load(Ordering::Relaxed))
    }

    #[test]
    fn a_screen_that_panics_on_a_call_is_asked_again_for_those_behind_it() {
        let screen = |invites: &[Invite<'_>], verdicts: &mut Vec<Verdict>| {
            for invite in invites {
                assert_ne!(invite.id().number % 3, 2, "a test wants it");
                verdicts.push(Reject::busy().into());
            }
        };
        assert_eq!(rejected(screen), (vec![true, false, true, true], 1));
        let always = |_: &[Invite<'_>], _: &mut Vec<Verdict>| panic!("a test wants it");
        assert_eq!(rejected(always), (vec![false; 4], 4));
        let in_place = |invites: &[Invite<'_>], verdicts: &mut Vec<Verdict>| {
            *verdicts = vec![Reject::busy().into(); invites.len() + 1];
            assert!(invites.len() < 4, "a test wants it");
            verdicts.truncate(invites.len());
        };
        assert_eq!(rejected(in_place), (vec![true, true, true, false], 1));
        let from_nothing = |_: &[Invite<'_>], verdicts: &mut Vec<Verdict>| {
            verdicts.clear();
            panic!("a test wants it");
        };
        assert_eq!(rejected(from_nothing), (vec![false; 4], 4));
    }

    #[test]
    fn a_screen_may_say_nothing_of_the_last_calls() {
        let screen = |_: &[Invite<'_>], verdicts: &mut Vec<Verdict>| verdicts.push(Reject::busy().into());
        assert_eq!(rejected(screen), (vec![true], 0));
    }
}
