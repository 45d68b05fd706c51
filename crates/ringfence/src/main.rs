//! The call-rejecting softphone: registers with any PBX, decides each call by a policy, says why.
//!
//! This file is the whole story: read the command line, do what it says, tell how it went. The verbs
//! are in `cli`, the product in `screen.rs`.

#[cfg(not(unix))]
compile_error!("ringfence runs on Linux and macOS: its control socket and its signals are those of Unix");

mod answer;
mod cli;
mod config;
mod confine;
mod control;
mod demo;
mod doctor;
mod fleet;
mod instance;
mod journal;
mod keyed;
mod ladder;
mod lock;
mod log;
mod mapped;
mod memory;
mod open_files;
mod page;
mod plain_text;
mod runnable;
mod screen;
mod second;
mod service;
mod sources;
mod store;
mod style;
mod supervisor;
mod supply;
mod trace;
mod user;
mod visible;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::cli::Answer;

fn main() -> ExitCode {
    memory::keep_bounds();
    let answer = cli::parse().prepare().and_then(|ready| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        to_end(runtime, ready.run())
    });
    match answer {
        Ok(Answer::Fine) => ExitCode::SUCCESS,
        Ok(Answer::Negative) => ExitCode::from(NEGATIVE),
        Err(error) => cli::tell(&error),
    }
}

/// Runs until the work is done. A thread that then still waits for a disk does not keep the program.
fn to_end<T>(runtime: Runtime, work: impl Future<Output = T>) -> T {
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(PARTING);
    done
}

/// How long tasks and threads that nobody waited for may take to end with the program.
const PARTING: Duration = Duration::from_secs(1);

/// The exit code of a negative answer: the configuration has errors, a line is not registered.
const NEGATIVE: u8 = 1;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_that_waits_for_a_disk_for_ever_does_not_keep_the_program() {
        let (disk, is_there) = channel::<()>();
        let (ended, has_ended) = channel();
        std::thread::spawn(move || {
            let work = async {
                let (begun, has_begun) = tokio::sync::oneshot::channel();
                tokio::task::spawn_blocking(move || {
                    let _ = begun.send(());
                    is_there.recv()
                });
                has_begun.await
            };
            ended.send(to_end(Runtime::new().unwrap(), work))
        });
        assert_eq!(has_ended.recv_timeout(5 * PARTING).expect("an end in time"), Ok(()));
        drop(disk);
    }
}
