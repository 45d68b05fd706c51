//! Whether the journal of systemd takes the log, and how it is told what a line is worth: by a number before it, which the
//! journal takes away (`SyslogLevelPrefix=`, sd-daemon(3)). It has the time of each line itself.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::{panic, thread};

use tracing::Level;

/// Whether the standard error leads to the journal, as systemd says in `JOURNAL_STREAM`: it may have been redirected since.
pub(crate) fn takes_the_log() -> bool {
    std::env::var_os("JOURNAL_STREAM")
        .is_some_and(|stream| standard_error().is_some_and(|file| is_named(&stream, file)))
}

/// The device and the inode of the standard error.
fn standard_error() -> Option<(u64, u64)> {
    let file = io::stderr().as_fd().try_clone_to_owned().and_then(|file| File::from(file).metadata()).ok()?;
    Some((file.dev(), file.ino()))
}

fn is_named(stream: &OsStr, (device, inode): (u64, u64)) -> bool {
    stream == OsStr::new(&format!("{device}:{inode}"))
}

/// Tells people on the standard error: where the journal takes it, each line with what it is worth.
pub(crate) fn say(level: Level, text: &str) {
    let lines = if takes_the_log() { leveled(level, text) } else { format!("{text}\n") };
    // Who does not take it is told nothing; a thread that panics is not to panic again.
    let _ = anstream::stderr().write_all(lines.as_bytes());
}

/// Has the journal told that it is an error when a thread panics.
pub(super) fn tell_panics() {
    if takes_the_log() {
        panic::set_hook(Box::new(|panic| {
            let thread = thread::current();
            let trace = Backtrace::capture();
            let trace =
                if trace.status() == BacktraceStatus::Captured { trace.to_string() } else { String::new() };
            say(Level::ERROR, &format!("thread '{}' {panic}\n{trace}", thread.name().unwrap_or("unnamed")));
        }));
    }
}

/// Returns each line of a text with what it is worth before it.
pub(super) fn leveled(level: Level, text: &str) -> String {
    text.lines().fold(String::new(), |told, line| told + priority(level) + line + "\n")
}

/// Returns what stands before a line of a level: the number of syslog(3).
pub(super) fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_known_by_its_device_and_inode() {
        assert!(is_named(OsStr::new("8:12345"), (8, 12345)));
        for other in ["8:1234", "81:2345", "", "8", "8:12345 "] {
            assert!(!is_named(OsStr::new(other), (8, 12345)), "{other}");
        }
    }

    /// Run by itself, in a process of its own, where the variable says so.
    #[test]
    fn a_thread_that_panics() {
        if std::env::var_os("RINGFENCE_TEST_PANICS").is_some() {
            tell_panics();
            panic!("for the\njournal");
        }
    }

    #[test]
    fn each_line_of_a_panic_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        let mut tests = std::process::Command::new(std::env::current_exe().unwrap());
        let tests = tests.args(["--exact", "log::journal::tests::a_thread_that_panics", "--nocapture"]);
        let tests = tests.env("RINGFENCE_TEST_PANICS", "1").env("RUST_BACKTRACE", "0");
        let tests = tests.env("JOURNAL_STREAM", format!("{}:{}", metadata.dev(), metadata.ino()));
        // What it says of its failure is no failure of these tests.
        let tests = tests.stdout(std::process::Stdio::null()).stderr(file.reopen().unwrap());
        assert!(!tests.status().unwrap().success());
        let told = std::fs::read_to_string(file.path()).unwrap();
        let lines: Vec<_> = told.lines().filter(|line| line.starts_with('<')).collect();
        let begins = [
            "<3>thread 'log::journal::tests::a_thread_that_panics' panicked at ",
            "<3>for the",
            "<3>journal",
        ];
        assert!(
            lines.len() == 3 && lines.iter().zip(begins).all(|(line, begin)| line.starts_with(begin)),
            "{told}"
        );
    }

    #[test]
    fn each_line_of_a_text_has_its_level() {
        assert_eq!(leveled(Level::ERROR, "a\n\n<0>b\r\n"), "<3>a\n<3>\n<3><0>b\n");
    }

    #[test]
    fn every_level_has_the_number_that_syslog_gives_it() {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        assert_eq!(levels.map(priority), ["<3>", "<4>", "<6>", "<7>", "<7>"]);
    }
}
