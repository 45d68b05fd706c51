//! How a shard is started: a thread of its own, with a runtime of its own.

use std::io;

use ringfence_ua::Config;
use tokio::sync::oneshot;

use super::Builder;
use crate::error::{Kind, Result};
use crate::hooks::Hooks;
use crate::io::locate::Names;
use crate::shard::{Shard, Sockets};
use crate::softphone::{NewShard, ShardHandle};

impl Builder {
    /// Starts the thread of one shard.
    pub(super) async fn start_shard(&self, index: u16, names: Names) -> Result<NewShard> {
        let (hooks, config, sockets) = (self.hooks.clone(), self.config.clone(), self.sockets.clone());
        let (started, result) = oneshot::channel();
        let processor = self.processors.iter().cycle().nth(index.into()).copied();
        let run = move || match runtime() {
            Ok(runtime) => {
                if let Some(processor) = processor {
                    stay_on(processor);
                }
                runtime.block_on(serve(index, sockets, names, hooks, config, started));
                runtime.shutdown_background();
            }
            Err(error) => {
                // Who asked may have gone.
                let _ = started.send(Err(error));
            }
        };
        std::thread::Builder::new()
            .name(format!("softphone-{index}"))
            .spawn(run)
            .map_err(|error| Kind::System { what: "no thread for a shard", error })?;
        result.await.map_err(|_| Kind::Closed)?
    }
}

async fn serve(
    index: u16,
    sockets: Sockets,
    names: Names,
    hooks: Hooks,
    config: Config,
    started: oneshot::Sender<Result<NewShard>>,
) {
    match Shard::bind(index, &sockets, names, hooks, &config) {
        Ok(shard) => {
            let handle = ShardHandle {
                local: shard.local(),
                listening: shard.listening().to_vec(),
                commands: shard.commands(),
            };
            if started.send(Ok(NewShard::new(handle))).is_ok() {
                shard.run().await;
            }
        }
        Err(error) => {
            // Who asked may have gone.
            let _ = started.send(Err(error));
        }
    }
}

/// Has this thread run on one processor.
#[cfg(target_os = "linux")]
fn stay_on(processor: u16) {
    let mut set = rustix::thread::CpuSet::new();
    let is_known = usize::from(processor) < rustix::thread::CpuSet::MAX_CPU;
    if is_known {
        set.set(processor.into());
    }
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        tracing::warn!(processor, %error, "processor not to be had");
    }
}

#[cfg(not(target_os = "linux"))]
fn stay_on(processor: u16) {
    tracing::warn!(processor, "this system places threads by itself");
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error: io::Error| Kind::System { what: "no runtime for a shard", error }.into())
}
