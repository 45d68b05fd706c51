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

type Screen = dyn Fn(&Invite<'_>) -> Verdict + Send + Sync;
type Trace = dyn Fn(&Traced<'_>) + Send + Sync;
type OnEnded = dyn Fn(&Ended) + Send + Sync;

impl Hooks {
    /// Returns the screen's verdict; a call that it panics on is the application's to decide.
    pub(crate) fn screen(&self, invite: &Invite<'_>) -> Verdict {
        let verdict = self.screen.as_ref().and_then(|screen| self.run("screen", || screen(invite)));
        verdict.unwrap_or(Verdict::Offer)
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
