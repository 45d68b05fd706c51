//! The log: fields for machines, one line an event; who called is redacted unless it is asked for.

mod journal;
mod leveled;
mod line;
mod outlet;
mod plain;

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format as own_format;
use tracing_subscriber::fmt::format::JsonFields;

pub(crate) use journal::{say, takes_the_log as journal_takes_it};
use leveled::Leveled;
use line::Head;
pub(crate) use line::Line;
use outlet::Outlet;
use plain::Plain;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line of text an event.
    Text,
    /// One JSON object an event.
    Json,
}

/// A log that was started. Dropped, it waits a second at most for the last lines to be taken.
#[must_use = "the last lines go out when it is dropped"]
pub(crate) struct Started(());

impl Drop for Started {
    fn drop(&mut self) {
        OUTLET.drain(PATIENCE);
    }
}

const PATIENCE: Duration = Duration::from_secs(1);
/// What is logged where nothing else is asked for. A certificate that is not accepted is told with the line or the list
/// that it keeps from working, and there as often as that is tried: what verifies certificates need not call it an error
/// of the program beside that, in the peer's own words.
const USUAL: &str = "info,rustls_platform_verifier=off";

/// Starts the log on the standard error. `RUST_LOG` says what is logged; without it `info` and worse.
///
/// A thread of its own writes it: a log that nobody takes stops neither calls nor their records. Lines beyond a
/// mebibyte are lost then, and counted in the next one that goes out.
pub(crate) fn start(format: Format) -> io::Result<Started> {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    // Empty is what a unit or a container has for a variable that says nothing.
    let asked = asked.filter(|asked| !asked.trim().is_empty()).map(|asked| {
        // A log in a folder that is watched would tell of itself, and of that, without end.
        let rest = if asked.contains("notify") { "" } else { ",notify=off" };
        EnvFilter::builder().parse(format!("{asked}{rest}"))
    });
    let (filter, unreadable) = match asked {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(USUAL), Some(error)),
        None => (EnvFilter::new(USUAL), None),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines);
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_for_journal = journal::takes_the_log();
    journal::tell_panics();
    match format {
        Format::Text => {
            let is_coloured = !is_plain && std::io::stderr().is_terminal();
            let head = if is_for_journal { Head::Priority } else { Head::Time };
            if !is_coloured {
                // It is started once; what was started before would stay.
                let _ = PLAIN.set(head);
            }
            log.with_ansi(is_coloured).event_format(Plain::new(own_format().with_target(false), head)).init();
        }
        Format::Json => {
            let objects = own_format().with_target(false).json().flatten_event(true);
            let log = log.fmt_fields(JsonFields::new());
            if is_for_journal {
                log.event_format(Leveled(objects)).init();
            } else {
                log.event_format(objects).init();
            }
        }
    }
    let carry = || OUTLET.carry(&mut io::stderr(), |lines| tracing::warn!(lines, "log lost"));
    std::thread::Builder::new().name("log".to_owned()).spawn(carry)?;
    if let Some(error) = unreadable {
        tracing::warn!(%error, "RUST_LOG cannot be read: info and worse is logged");
    }
    Ok(Started(()))
}

/// What a line begins with, where it is text without colours.
static PLAIN: OnceLock<Head> = OnceLock::new();

/// Begins a line, for what is logged of every call and is in no span: an event takes several times as many instructions.
/// `None` where it would not read as an event does.
pub(crate) fn line(level: Level, at: SystemTime) -> Option<Line> {
    PLAIN.get().map(|head| Line::begin(*head, at, level))
}

/// Logs a line.
pub(crate) fn put(mut line: Line) {
    // It cannot fail: who writes it is told of no failure either.
    let _ = Lines.write(line.ended().as_bytes());
    line.reuse();
}

/// Holds the log back while many lines are written at once: they go out together when it is dropped.
#[must_use = "the lines go out when it is dropped"]
pub(crate) struct Gathering(());

/// Begins to hold the log back. To wake a thread for each line costs as much as the call that it tells of.
pub(crate) fn gather() -> Gathering {
    gathered().get_or_insert_default();
    Gathering(())
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if let Some(lines) = gathered().take() {
            OUTLET.put(&lines);
        }
    }
}

/// The way out, or the lines that are held back.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut gathered = gathered();
        match gathered.as_mut() {
            Some(lines) => {
                if lines.capacity() == 0 {
                    lines.reserve(USUALLY_GATHERED);
                }
                lines.extend_from_slice(line);
                if lines.len() >= MOST_GATHERED {
                    OUTLET.put(lines);
                    lines.clear();
                }
            }
            None => OUTLET.put(line),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gathered() -> MutexGuard<'static, Option<Vec<u8>>> {
    GATHERED.lock().unwrap_or_else(PoisonError::into_inner)
}

static GATHERED: Mutex<Option<Vec<u8>>> = Mutex::new(None);
/// To grow in steps copies each line more than once.
const USUALLY_GATHERED: usize = 4 * 1024;
/// What is held back at most, in bytes.
const MOST_GATHERED: usize = 64 * 1024;

static OUTLET: Outlet = Outlet::new();

/// Returns a caller so that two can be told apart and neither can be dialled: `+417xxxxxx67`. Of a number half
/// the digits at most are shown, of a name, or of a short number, nothing. What is left out is ASCII: any other
/// character costs the log more than the rest of the line.
pub(crate) fn redacted(caller: &str) -> String {
    redacted_in_pieces(caller).concat()
}

/// Returns the same in pieces, each of printable ASCII: a beginning, what stands for the rest, and an end.
pub(crate) fn redacted_in_pieces(caller: &str) -> [&str; 3] {
    if ["anonymous", "unavailable", "invalid"].contains(&caller) {
        return [caller, "", ""];
    }
    let plus = usize::from(caller.starts_with('+'));
    let digits = &caller[plus..];
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || digits.len() < FEWEST_DIGITS {
        return ["", HIDDEN, ""];
    }
    let head = plus + (digits.len() / 2).saturating_sub(TAIL).min(MOST_HEAD);
    let tail = caller.len() - TAIL;
    let hidden = &MOST_HIDDEN[..(tail - head).min(MOST_HIDDEN.len())];
    [&caller[..head], hidden, &caller[tail..]]
}

/// What stands in the place of a caller of whom nothing is shown.
const HIDDEN: &str = "xxxx";
/// Shorter numbers are guessed from what is left of them.
const FEWEST_DIGITS: usize = 7;
/// So many digits are shown at the end, and at most so many at the beginning.
const TAIL: usize = 2;
const MOST_HEAD: usize = 4;
/// So many digits are left out by as many letters; more are not counted.
const MOST_HIDDEN: &str = "xxxxxxxx";

/// Returns a line as it is written, without its time.
#[cfg(test)]
pub(crate) fn shown(write: impl FnOnce(&mut Line)) -> String {
    let mut line = Line::begin(Head::Time, SystemTime::UNIX_EPOCH, Level::INFO);
    write(&mut line);
    line.ended().split_once('Z').unwrap().1.to_owned()
}

#[cfg(test)]
pub(crate) use plain::tests::{lines_of, logged};

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn a_number_keeps_its_country_and_its_end() {
        assert_eq!(redacted("+41791234567"), "+417xxxxxx67");
        assert_eq!(redacted("+442079460123"), "+4420xxxxxx23");
    }

    #[test]
    fn what_is_short_or_a_name_is_not_shown() {
        assert_eq!(redacted("anonymous"), "anonymous");
        for caller in
            ["1002", "alice", "alice.smith", "bob.jones", "+41 79 123 45 67", "٣٤٥٦٧٨٩٠١٢", "a\r\nb", ""]
        {
            assert_eq!(redacted(caller), "xxxx", "{caller}");
        }
    }

    #[test]
    fn half_the_digits_of_a_number_are_hidden_however_short_it_is() {
        assert_eq!(redacted("+6831234"), "+6xxxx34");
        for length in 0..40 {
            let number = "1234567890".repeat(4)[..length].to_owned();
            let shown = redacted(&number).bytes().filter(u8::is_ascii_digit).count();
            assert!(shown * 2 <= length, "{number}");
        }
    }
}
