//! What lies on servers: the lists that are fetched, put into the policy in force as they come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ringfence_policy::List;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::config::Config;
use crate::service::Service;
use crate::sources::{Sources, SourcesStatus, Surroundings};
use crate::user::own_user;

/// The sources of the configuration in force.
#[derive(Debug, Default)]
pub(crate) struct Supply {
    current: Mutex<Current>,
}

#[derive(Debug, Default)]
struct Current {
    sources: Arc<Sources>,
    /// The task that looks after them.
    running: Option<AbortHandle>,
}

impl Supply {
    /// Reads what is on this machine of the lists that are fetched, and puts it into a configuration.
    pub(crate) async fn open(&self, config: &mut Config) -> Arc<Sources> {
        let before = Arc::clone(&self.current().sources);
        let surroundings = Surroundings::usual(own_user().unwrap_or(u32::MAX));
        let sources =
            Sources::open(config.remote.clone(), config.look_ups.clone(), &surroundings, Some(&before)).await;
        for list in sources.lists() {
            put(config, list);
        }
        Arc::new(sources)
    }

    /// Looks after these sources from now on, and after no others.
    pub(crate) fn run(&self, sources: Arc<Sources>, service: Weak<Service>) {
        let (updates, lists) = mpsc::channel(WAITING);
        let looked_after = Arc::clone(&sources);
        let task = tokio::spawn(async move {
            tokio::join!(looked_after.run(updates), take(lists, service));
        });
        let mut current = self.current();
        current.sources = sources;
        if let Some(before) = current.running.replace(task.abort_handle()) {
            before.abort();
        }
    }

    /// Returns the sources that are looked after.
    pub(crate) fn sources(&self) -> Arc<Sources> {
        Arc::clone(&self.current().sources)
    }

    /// Returns how the sources stand.
    pub(crate) fn status(&self) -> SourcesStatus {
        self.current().sources.status()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many lists may wait to be put into the policy.
const WAITING: usize = 16;

async fn take(mut lists: mpsc::Receiver<Arc<List>>, service: Weak<Service>) {
    while let Some(list) = lists.recv().await {
        let Some(service) = service.upgrade() else { return };
        service.take_list(list).await;
    }
}

/// Puts a list into a configuration. Its rows that are emergency numbers do not count, and are counted.
pub(crate) fn put(config: &mut Config, list: Arc<List>) -> bool {
    let name = list.name().to_owned();
    match config.policy.with_list(list) {
        Ok(policy) => {
            let rows = policy.left_out(&name);
            if rows > 0 {
                tracing::warn!(list = name, rows, "emergency numbers left out: they ring all the same");
            }
            config.policy = Arc::new(policy);
            true
        }
        Err(error) => {
            tracing::error!(list = name, %error, "list not taken up, the one before stays");
            false
        }
    }
}
