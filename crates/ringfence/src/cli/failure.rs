//! How a verb fails: one line that says why, and a hint that leads on.

use std::io;
use std::process::ExitCode;

use tracing::Level;

use crate::config::edit::EditError;
use crate::log;
use crate::style::{BAD, LEAD, paint};

/// An error with a hint.
#[derive(Debug)]
struct Hinted {
    message: String,
    hint: String,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// Makes an error with a hint.
pub(super) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Hinted { message: message.into(), hint: hint.into() })
}

/// Tells why the program ends, and returns its exit code. That a reader of our output, such as `head`,
/// has read enough is no failure.
pub(crate) fn tell(error: &anyhow::Error) -> ExitCode {
    let is_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().any(|cause| cause.downcast_ref().is_some_and(is_pipe)) {
        return ExitCode::SUCCESS;
    }
    log::say(Level::ERROR, &format!("{} {error:#}", paint(BAD, "error:")));
    if let Some(hint) = error.downcast_ref::<Hinted>().map(|hinted| &*hinted.hint).or_else(|| of_io(error)) {
        log::say(Level::ERROR, &format!("{} {hint}", paint(LEAD, "hint:")));
    }
    ExitCode::from(FAILED)
}

/// Returns what to do about an error of a file that says nothing of that itself.
fn of_io(error: &anyhow::Error) -> Option<&'static str> {
    let kind = error.chain().find_map(|cause| match cause.downcast_ref::<EditError>() {
        Some(error) => error.kind(),
        None => cause.downcast_ref().map(io::Error::kind),
    });
    let hints = [
        (
            io::ErrorKind::PermissionDenied,
            "do it as the owner of the file and its directory, or name another",
        ),
        (io::ErrorKind::NotFound, "make the directory first, or name another"),
        (io::ErrorKind::NotADirectory, "make the directory first, or name another"),
        (io::ErrorKind::ReadOnlyFilesystem, "the disk can only be read: name a place on another"),
        (io::ErrorKind::StorageFull, "the disk is full: make room"),
    ];
    hints.into_iter().find(|(known, _)| Some(*known) == kind).map(|(_, hint)| hint)
}

/// The exit code of an error: no file, no running program, a wrong command line.
const FAILED: u8 = 2;

/// Prints a hint that follows an error or an answer.
pub(super) fn hint(hint: &str) {
    anstream::eprintln!("{} {hint}", paint(LEAD, "hint:"));
}

/// Returns a text as one word of a command that somebody is to type.
pub(super) fn for_shell(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
