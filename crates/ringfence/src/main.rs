//! The call-rejecting softphone: registers with any PBX, decides each call by a policy, says why.
//!
//! This file is the whole story: read the command line, do what it says, tell how it went. The verbs
//! are in `cli`, the product in `screen.rs`.

#[cfg(not(unix))]
compile_error!("ringfence runs on Linux and macOS: its control socket and its signals are those of Unix");

mod answer;
mod cli;
mod config;
mod control;
mod demo;
mod fleet;
mod journal;
mod ladder;
mod lock;
mod log;
mod mapped;
mod page;
mod runnable;
mod screen;
mod service;
mod sources;
mod store;
mod style;
mod supply;
mod trace;
mod user;
mod visible;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Answer, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let answer = match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(error.into()),
    };
    match answer {
        Ok(Answer::Fine) => ExitCode::SUCCESS,
        Ok(Answer::Negative) => ExitCode::from(NEGATIVE),
        Err(error) => cli::tell(&error),
    }
}

/// The exit code of a negative answer: the configuration has errors, a line is not registered.
const NEGATIVE: u8 = 1;
