//! What the journal still has in hand when the program ends: it is written, or told to be lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::journal::{Health, Journal};

/// How long the disk may take to write the last calls.
const PARTING: Duration = Duration::from_secs(5);

/// Has the journal write what is left. Returns whether all of it is written; what is not is logged: a switch that was
/// flipped is not as it was told to be after a restart.
pub(super) async fn close(journal: Arc<Journal>) -> bool {
    let before = journal.health().lost;
    let closing = Arc::clone(&journal);
    if timeout(PARTING, spawn_blocking(move || closing.close())).await.is_err() {
        tracing::error!(
            "the disk does not take the journal: calls, switches and entries noted last may be lost"
        );
        return false;
    }
    let Health { lost, failing, .. } = journal.health();
    let lost = lost.saturating_sub(before);
    if lost > 0 {
        let (since, why) =
            failing.map(|failing| (failing.since.to_string(), failing.why)).unwrap_or_default();
        tracing::error!(
            lost,
            since,
            why,
            "ended before the journal could be written: calls, switches and entries noted since then are lost"
        );
    }
    lost == 0
}
