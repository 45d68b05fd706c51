//! How the demo is told: a heading, a ladder and a verdict for each call, a summary.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_testing::{Direction, Record as Message};
use serde::Serialize;

use super::scenes::{RULES, Scene};
use crate::journal::{Call, Outcome};
use crate::ladder::{self, Ladder};
use crate::page::{Page, table};
use crate::style::{BAD, CAUTION, DIM, GOOD, LEAD, STRONG, paint};

/// What came of one call.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    title: String,
    caller: String,
    /// What the caller was answered, without 100 Trying.
    answers: Vec<u16>,
    verdict: Option<Outcome>,
    reason: String,
    /// The rule, and the entry that matched.
    why: String,
    #[serde(skip)]
    moral: &'static str,
    /// Whether it came as it should.
    ok: bool,
    /// What was not as it should be.
    faults: Vec<String>,
    #[serde(skip)]
    left: String,
    #[serde(skip)]
    messages: Vec<Message>,
    #[serde(skip)]
    start: Instant,
}

impl Told {
    pub(super) fn of_call(
        scene: &Scene,
        call: Option<Arc<Call>>,
        answers: Vec<u16>,
        mut faults: Vec<String>,
        messages: Vec<Message>,
        start: Instant,
    ) -> Self {
        if answers != scene.answers {
            faults.push(format!("expected the answers {:?}, found {answers:?}", scene.answers));
        }
        match &call {
            Some(call) if call.verdict != scene.verdict => {
                faults.push(format!("expected the verdict {:?}, found {:?}", scene.verdict, call.verdict));
            }
            Some(_) => {}
            None => faults.push("expected the call in the journal, found nothing".to_owned()),
        }
        Self {
            title: scene.title.to_owned(),
            caller: scene.caller.to_owned(),
            answers,
            reason: call.as_ref().map(|call| call.reason.clone()).unwrap_or_default(),
            why: call.as_ref().map(|call| why(call)).unwrap_or_default(),
            moral: scene.moral,
            verdict: call.map(|call| call.verdict.clone()),
            ok: faults.is_empty(),
            faults,
            left: "PBX".to_owned(),
            messages,
            start,
        }
    }

    pub(super) fn of_stranger(
        address: SocketAddr,
        answers: Vec<u16>,
        is_counted: bool,
        messages: Vec<Message>,
        start: Instant,
    ) -> Self {
        let mut faults = Vec::new();
        if !answers.is_empty() {
            faults.push(format!("expected no answer, found {answers:?}"));
        }
        if !is_counted {
            faults.push("expected the call to be counted as dropped".to_owned());
        }
        Self {
            title: "Someone on the Internet who found the port".to_owned(),
            caller: format!("100 at {}", address.ip()),
            answers,
            verdict: None,
            reason: "dropped unanswered: it came neither from the registrar nor from a peer, nor with the line's token"
                .to_owned(),
            why: "not through the PBX".to_owned(),
            moral: "An answer would tell a scanner that a phone is here.",
            ok: faults.is_empty(),
            faults,
            left: format!("stranger {}", address.ip()),
            messages,
            start,
        }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.ok
    }

    /// Returns the scene: a title, the ladder, the verdict.
    pub(crate) fn scene(&self, number: usize) -> Page {
        let messages: Vec<_> = self.messages.iter().collect();
        let mut page = Page::new();
        page.line(title(&number.to_string(), &self.title));
        page.add(draw(&self.left, &messages, self.start));
        if self.answers.is_empty() {
            page.add(Ladder::remark("(silence)"));
        }
        let (style, _) = self.answer();
        page.line(format_args!("{:11}{} {}", "", paint(style, '▸'), wrapped(&self.reason)));
        if !self.moral.is_empty() {
            page.line(format_args!("{:13}{}", "", paint(DIM, self.moral)));
        }
        for fault in &self.faults {
            page.line(format_args!("{:11}{}", "", paint(BAD, format_args!("not as it should be: {fault}"))));
        }
        page.line("");
        page
    }

    /// Returns the scene in one row.
    fn row(&self, number: usize) -> Vec<String> {
        let (style, answer) = self.answer();
        let mark = if self.ok { paint(GOOD, '✓') } else { paint(BAD, '✗') };
        vec![format!("  {mark} {number}"), self.caller.clone(), paint(style, answer), paint(DIM, &self.why)]
    }

    /// Returns the final answer in a word, and its colour.
    fn answer(&self) -> (anstyle::Style, String) {
        match self.answers.last() {
            Some(302) => (CAUTION, "302 redirected".to_owned()),
            Some(480) => (GOOD, "rang, 480".to_owned()),
            Some(487) => (GOOD, "rang, 487".to_owned()),
            Some(status) => (BAD, format!("{status} rejected")),
            None => (DIM, "dropped".to_owned()),
        }
    }
}

/// Returns what is shown first.
pub(crate) fn heading() -> Page {
    let mut page = Page::new();
    page.line(paint(STRONG, "ringfence demo"));
    page.line("A PBX, a softphone and some callers: all in this process, all on loopback.\n");
    page.line("The softphone is extension 858. This decides who gets through to it:\n");
    for line in RULES.lines() {
        match line.split_once('#') {
            Some((rule, comment)) => {
                page.line(format_args!(
                    "    {}{}",
                    paint(LEAD, rule),
                    paint(DIM, format_args!("#{comment}"))
                ));
            }
            None if line.is_empty() => page.line(""),
            None => page.line(format_args!("    {}", paint(LEAD, line))),
        }
    }
    page.line("");
    page
}

/// Returns the ladder of the registration.
pub(crate) fn registration(messages: &[&Message]) -> Page {
    let start = messages.first().map_or_else(Instant::now, |message| message.at);
    let mut page = Page::new();
    page.line(title("•", "The softphone registers with its password, which never crosses the wire"));
    page.add(draw("PBX", messages, start));
    page.line(format_args!("{:11}{} registered, and refreshed before it expires\n", "", paint(GOOD, '▸')));
    page
}

/// Returns the table at the end, and what to do next.
pub(crate) fn summary(told: &[Told], is_unregistered: bool, took: Duration) -> Page {
    let mut page = Page::new();
    page.line(paint(STRONG, "What came of it"));
    let rows: Vec<_> = (1..).zip(told).map(|(number, told)| told.row(number)).collect();
    page.add(table(&[], &rows));
    let wrong = told.iter().filter(|told| !told.ok).count();
    let (calls, seconds) = (told.len(), took.as_secs_f64());
    page.line(match wrong {
        0 => format!("\n{calls} calls in {seconds:.1} s, each answered as RFC 3261 and the lists want it."),
        _ => format!("\n{} of {calls} calls went wrong.", paint(BAD, wrong)),
    });
    page.line(if is_unregistered {
        "The softphone has unregistered."
    } else {
        "The softphone did not unregister."
    });
    let (next, init, run) =
        (paint(LEAD, "next:"), paint(STRONG, "ringfence init"), paint(STRONG, "ringfence run"));
    page.line(format_args!("\n{next} {init}  write a configuration for your own PBX"));
    page.line(format_args!("      {run}   register with it, and screen every call"));
    page
}

/// Returns the rule and the entry that matched, in a few words.
fn why(call: &Call) -> String {
    match (call.rule.as_str(), &call.entry) {
        ("allowed", Some(entry)) => format!("allow list: {entry}"),
        ("listed", Some(entry)) => format!("reject list: {entry}"),
        (_, _) => "on no list".to_owned(),
    }
}

fn title(number: &str, title: &str) -> String {
    format!("{} {}", paint(LEAD, format_args!("{number:>2} ")), paint(STRONG, title))
}

/// Draws messages as the PBX, or the stranger, sent and received them.
fn draw(left: &str, messages: &[&Message], start: Instant) -> String {
    let mut ladder = Ladder::new(left, "softphone 858");
    let mut text = ladder.head();
    for message in messages {
        let direction = match message.direction {
            Direction::Sent => ladder::Direction::Right,
            Direction::Received => ladder::Direction::Left,
        };
        let at = message.at.saturating_duration_since(start);
        text += &ladder.rows(&ladder::Message { at, direction, datagram: &message.message });
    }
    text
}

/// Breaks a sentence that is too long for the space beside the gutter.
fn wrapped(sentence: &str) -> String {
    ladder::wrap(sentence, 66).join(&format!("\n{:13}", ""))
}
