//! A line reads as the subscriber's own format has it.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::format::JsonFields;

use super::*;

/// What was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logged {
    /// Returns the lines, each without its time.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.split_once('Z').map_or(line, |(_, rest)| rest).to_owned()).collect()
    }
}

/// An error that has a source.
#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not written\u{7}")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn full() -> Format<Full> {
    format().with_target(false).with_ansi(false)
}

/// Logs by this format and by the subscriber's own, and returns the lines of each.
fn both(log: impl Fn()) -> [Vec<String>; 2] {
    let [plain, own] = [Logged::default(), Logged::default()];
    let to = |logged: &Logged| {
        let logged = logged.clone();
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(Level::TRACE)
            .with_writer(move || logged.clone())
    };
    tracing::subscriber::with_default(to(&plain).event_format(Plain::new(full(), Head::Time)).finish(), &log);
    tracing::subscriber::with_default(to(&own).event_format(full()).finish(), &log);
    [plain.lines(), own.lines()]
}

/// Logs by this format what can be logged once, and returns the lines without their times.
pub(crate) fn lines_of(log: impl FnOnce()) -> Vec<String> {
    let logged = Logged::default();
    let writer = logged.clone();
    let of = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    tracing::subscriber::with_default(of.event_format(Plain::new(full(), Head::Time)).finish(), log);
    logged.lines()
}

/// Logs by this format, and returns the line without its time.
pub(crate) fn logged(log: impl Fn()) -> String {
    let [plain, _] = both(log);
    plain.concat() + "\n"
}

#[test]
fn every_kind_of_field_and_level_reads_as_in_the_subscribers_own_format() {
    let [plain, own] = both(|| {
        let (caller, status, no) = ("+417xxxxxx67", Some(486_u16), None::<u16>);
        tracing::info!(caller, status, no, is = true, change = -3, share = 0.5, "call decided");
        tracing::warn!(list = %caller, lists = ?["a", "b"], "list kept as it was: {}", 1);
        tracing::error!(r#type = ?'x', "\u{1b}[31mred\u{7f}\u{9b} Zoë\n");
        tracing::debug!(caller = "a \"quoted\" \\ name\r\n\u{1b}\u{202e} Zoë");
        tracing::trace!(empty = "", log.target = "other", "");
    });
    assert_eq!(plain, own);
    assert_eq!(plain.len(), 6, "{plain:?}");
    assert_eq!(
        plain[0],
        "  INFO call decided caller=\"+417xxxxxx67\" status=486 is=true change=-3 share=0.5"
    );
}

#[test]
fn an_error_reads_with_what_it_came_from() {
    let outer = Outer(io::Error::other("the disk is\u{1b} full"));
    let [plain, own] = both(|| {
        tracing::warn!(error = &outer as &dyn Error, "journal not written");
        tracing::warn!(error = &io::Error::other("alone") as &dyn Error, "journal not written");
    });
    assert_eq!(plain, own);
}

#[test]
fn an_event_in_a_span_names_it() {
    let [plain, own] =
        both(|| tracing::info_span!("reload", line = "home").in_scope(|| tracing::info!("done")));
    assert_eq!(plain, own);
    assert!(plain[0].contains("reload{line=\"home\"}"), "{plain:?}");
}

#[test]
fn a_journal_is_told_what_a_line_is_worth_and_no_time() {
    let logged = Logged::default();
    let writer = logged.clone();
    let log = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .event_format(Plain::new(full(), Head::Priority));
    tracing::subscriber::with_default(log.finish(), || {
        tracing::error!(status = 486, "not rejected");
        tracing::error!("two\n<0>lines");
        tracing::info_span!("reload").in_scope(|| tracing::warn!("list\n<0>kept"));
    });
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..3], ["<3>ERROR not rejected status=486", "<3>ERROR two", "<3><0>lines"]);
    // What is in a span is written by the subscriber's own format, with its time.
    assert!(lines[3].starts_with("<4>2") && lines[4] == "<4><0>kept", "{text:?}");
}

#[test]
fn a_journal_is_told_what_an_object_is_worth() {
    let logged = Logged::default();
    let writer = logged.clone();
    let log = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .fmt_fields(JsonFields::new())
        .event_format(Leveled(format().with_target(false).json().flatten_event(true)));
    tracing::subscriber::with_default(log.finish(), || tracing::warn!(status = 486, "not rejected"));
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let object: serde_json::Value = serde_json::from_str(text.strip_prefix("<4>").unwrap()).unwrap();
    assert_eq!((&object["level"], &object["status"]), (&"WARN".into(), &486.into()));
}
