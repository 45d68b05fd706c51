//! Asks a program of this machine: one process that lives as long as ours, one line of JSON for each
//! question and each answer, in any order.
//!
//! ```text
//! stdin   {"id":7,"number":"+41791234567","line":"home","called":"+41445551234"}⏎
//! stdout  {"id":7,"score":3,"listed":true,"name":"Wine shop"}⏎
//! ```
//!
//! There is no shell, no argument and no environment; what it writes to stderr is thrown away. A
//! program that ends, writes something else, or leaves a question open is ended and started again,
//! later each time.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::answer::{Answer, Written};
use super::service::Posed;
use super::{LONGEST_FLIGHT, Question};
use crate::confine::may_run;
use crate::sources::error::SourceError;

/// A program that is asked. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    questions: mpsc::Sender<Put>,
}

/// A question that was put, and who waits for the answer.
#[derive(Debug)]
struct Put {
    question: Question,
    answer: oneshot::Sender<Result<Answer, SourceError>>,
}

impl Program {
    /// Starts the program, and starts it again whenever it ends.
    pub(crate) fn start(path: PathBuf) -> Self {
        let (sender, questions) = mpsc::channel(MOST_WAITING);
        tokio::spawn(keep_running(path, questions));
        Self { questions: sender }
    }

    /// Asks about a caller.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Answer, SourceError> {
        let ended = || SourceError::Program { why: "the program is not running".to_owned() };
        let (answer, answered) = oneshot::channel();
        self.questions.send(Put { question: question.clone(), answer }).await.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// Why a program does not start that is named since the program was confined.
const CONFINED: &str = "the sandbox was made without it: restart ringfence";

/// Runs the program until nobody can ask any more.
async fn keep_running(path: PathBuf, mut questions: mpsc::Receiver<Put>) {
    let mut failures = 0;
    loop {
        let started = Instant::now();
        let error = match Process::start(&path) {
            Ok(mut process) => match process.serve(&mut questions).await {
                Some(error) => error,
                None => return,
            },
            Err(error) => error,
        };
        tracing::warn!(program = %path.display(), error = %error.without_content(), "a program that is asked about callers failed");
        failures = if started.elapsed() > STEADY { 1 } else { failures + 1 };
        let until = Instant::now() + back_off(failures);
        // Whoever asks meanwhile is told at once.
        while let Ok(put) = timeout_at(until, questions.recv()).await {
            let Some(put) = put else { return };
            let _ = put.answer.send(Err(error.clone()));
        }
    }
}

struct Process {
    /// Dropping it kills the process.
    _child: Child,
    stdin: ChildStdin,
    lines: mpsc::Receiver<Result<Vec<u8>, SourceError>>,
    pending: BTreeMap<u64, Pending>,
    next_id: u64,
}

struct Pending {
    answer: oneshot::Sender<Result<Answer, SourceError>>,
    until: Instant,
}

#[derive(Debug, Serialize)]
struct Asking<'a> {
    id: u64,
    #[serde(flatten)]
    question: Posed<'a>,
}

#[derive(Debug, Deserialize)]
struct Answering {
    id: u64,
    #[serde(flatten)]
    answer: Written,
}

impl Process {
    fn start(path: &Path) -> Result<Self, SourceError> {
        let failed =
            |why: &str| SourceError::Program { why: format!("cannot run {}: {why}", path.display()) };
        // The process begins in another directory.
        let whole = std::path::absolute(path).map_err(|error| failed(&error.to_string()))?;
        let mut command = Command::new(whole);
        command.env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| {
            let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
            if is_denied && !may_run(path) { failed(CONFINED) } else { failed(&error.to_string()) }
        })?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes"));
        };
        let (sender, lines) = mpsc::channel(MOST_WAITING);
        tokio::spawn(read_lines(stdout, sender));
        Ok(Self { _child: child, stdin, lines, pending: BTreeMap::new(), next_id: 1 })
    }

    /// Puts questions and hears answers until the program fails. `None` says that nobody can ask.
    async fn serve(&mut self, questions: &mut mpsc::Receiver<Put>) -> Option<SourceError> {
        let error = loop {
            // The smallest id was asked first.
            let oldest = self.pending.first_key_value().map(|(_, pending)| pending.until);
            let outcome = tokio::select! {
                line = self.lines.recv() => match line {
                    Some(line) => line.and_then(|line| self.hear(&line)),
                    None => Err(SourceError::Program { why: "the program has ended".to_owned() }),
                },
                () = sleep_until(oldest.unwrap_or_else(Instant::now)), if oldest.is_some() => {
                    Err(SourceError::Late { patience: LONGEST_FLIGHT })
                }
                put = questions.recv() => match put {
                    Some(put) => self.put(put).await,
                    None => return None,
                },
            };
            if let Err(error) = outcome {
                break error;
            }
        };
        for pending in std::mem::take(&mut self.pending).into_values() {
            let _ = pending.answer.send(Err(error.clone()));
        }
        Some(error)
    }

    async fn put(&mut self, put: Put) -> Result<(), SourceError> {
        if put.answer.is_closed() {
            // Nobody waits for it any more.
            return Ok(());
        }
        let id = self.next_id;
        self.next_id += 1;
        let until = Instant::now() + LONGEST_FLIGHT;
        let asking = Asking { id, question: Posed::new(&put.question) };
        let garbage = |error: serde_json::Error| SourceError::Garbage { why: error.to_string() };
        let mut line = serde_json::to_vec(&asking).map_err(garbage)?;
        line.push(b'\n');
        self.pending.insert(id, Pending { answer: put.answer, until });
        match timeout(LONGEST_FLIGHT, self.stdin.write_all(&line)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                Err(SourceError::Program { why: format!("the program does not listen: {error}") })
            }
            Err(_) => Err(SourceError::Late { patience: LONGEST_FLIGHT }),
        }
    }

    fn hear(&mut self, line: &[u8]) -> Result<(), SourceError> {
        let garbage = |why: String| SourceError::Garbage { why };
        let answering: Answering =
            serde_json::from_slice(line).map_err(|error| garbage(error.to_string()))?;
        let Some(pending) = self.pending.remove(&answering.id) else {
            return Err(garbage(format!("no question has the id {}", answering.id)));
        };
        // Whoever asked may not wait any more.
        let _ = pending.answer.send(answering.answer.read());
        Ok(())
    }
}

/// Reads lines until there are no more, or one is too long.
async fn read_lines(stdout: ChildStdout, lines: mpsc::Sender<Result<Vec<u8>, SourceError>>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader).take(MOST_LINE).read_until(b'\n', &mut line).await;
        let line = match read {
            Ok(0) | Err(_) => return,
            Ok(_) if line.last() == Some(&b'\n') => Ok(line),
            Ok(read) if u64::try_from(read) == Ok(MOST_LINE) => {
                Err(SourceError::TooLarge { most: MOST_LINE })
            }
            Ok(_) => {
                Err(SourceError::Program { why: "the program ended in the middle of a line".to_owned() })
            }
        };
        let is_last = line.is_err();
        if lines.send(line).await.is_err() || is_last {
            return;
        }
    }
}

/// A second, two, four, up to a minute.
fn back_off(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(6)).min(LONGEST_REST)
}

/// Questions and answers that wait in a pipe; more wait in front of it.
const MOST_WAITING: usize = 16;
/// A score and a name, in bytes.
const MOST_LINE: u64 = 64 * 1024;
/// Whoever ran so long was no failure from the start.
const STEADY: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(60);
