//! What is told of calls: to the log as the journal holds them, to those who follow as they read them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Journal;
use super::call::Call;
use super::kept::Kept;

/// What is told of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum News<C = Call> {
    /// A call was decided. Its end, if the journal has it already, is told apart.
    Call(Arc<C>),
    /// A call that was told before has ended.
    Ended(Arc<C>),
}

impl News<Kept> {
    /// Returns the same for those who read it.
    pub(super) fn readable(&self) -> News {
        match self {
            Self::Call(call) => News::Call(Arc::new(Call { ended: None, ..call.call() })),
            Self::Ended(call) => News::Ended(Arc::new(call.call())),
        }
    }
}

impl Journal {
    /// Tells those who follow, if anyone does.
    pub(super) fn tell(&self, news: impl FnOnce() -> News<Kept>) {
        if self.news.receiver_count() > 0 {
            // It fails when the last follower has just left.
            let _ = self.news.send(news().readable());
        }
    }
}

/// Returns calls for those who read them. It takes a while for many.
pub(super) fn readable(calls: &[Arc<Kept>]) -> Vec<Arc<Call>> {
    calls.iter().map(|call| Arc::new(call.call())).collect()
}
