//! The log: fields for machines, one line an event; who called is redacted unless it is asked for.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line of text an event.
    Text,
    /// One JSON object an event.
    Json,
}

/// Starts the log on the standard error. `RUST_LOG` says what is logged; without it `info` and worse.
pub(crate) fn start(format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines).with_target(false);
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match format {
        Format::Text => log.with_ansi(!is_plain && std::io::stderr().is_terminal()).init(),
        Format::Json => log.json().flatten_event(true).init(),
    }
}

/// Holds the log back while many lines are written at once: they go out together when it is dropped.
#[must_use = "the lines go out when it is dropped"]
pub(crate) struct Gathering(());

/// Begins to hold the log back. A system call for each line costs as much as the call that it tells of.
pub(crate) fn gather() -> Gathering {
    gathered().get_or_insert_default();
    Gathering(())
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if let Some(lines) = gathered().take() {
            write_out(&lines);
        }
    }
}

/// The standard error, or the lines that are held back.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut gathered = gathered();
        match gathered.as_mut() {
            Some(lines) => {
                lines.extend_from_slice(line);
                if lines.len() >= MOST_GATHERED {
                    write_out(lines);
                    lines.clear();
                }
            }
            None => write_out(line),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_out(lines: &[u8]) {
    // A log that nobody takes must not stop the calls.
    let _ = io::stderr().write_all(lines);
}

fn gathered() -> MutexGuard<'static, Option<Vec<u8>>> {
    GATHERED.lock().unwrap_or_else(PoisonError::into_inner)
}

static GATHERED: Mutex<Option<Vec<u8>>> = Mutex::new(None);
/// What is held back at most, in bytes.
const MOST_GATHERED: usize = 64 * 1024;

/// Returns a caller so that two can be told apart and neither can be dialled: `+4179xxxxx67`. What is left out is
/// ASCII: any other character costs the log more than the rest of the line.
pub(crate) fn redacted(caller: &str) -> String {
    let letters: Vec<char> = caller.chars().filter(|letter| !letter.is_control()).collect();
    let digits = letters.iter().filter(|letter| letter.is_ascii_digit()).count();
    if digits == 0 && ["anonymous", "unavailable", "invalid"].contains(&caller) {
        return caller.to_owned();
    }
    if letters.len() < 8 {
        return "x".repeat(letters.len().max(1));
    }
    let (head, tail) = (&letters[..5], &letters[letters.len() - 2..]);
    head.iter().chain(&vec!['x'; (letters.len() - 7).min(8)]).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn a_number_keeps_its_country_and_its_end() {
        assert_eq!(redacted("+41791234567"), "+4179xxxxx67");
        assert_eq!(redacted("+442079460123"), "+4420xxxxxx23");
    }

    #[test]
    fn what_is_short_or_a_name_is_not_shown() {
        assert_eq!(redacted("1002"), "xxxx");
        assert_eq!(redacted("anonymous"), "anonymous");
        assert_eq!(redacted("alice.smith"), "alicexxxxth");
        assert_eq!(redacted(""), "x");
    }
}
