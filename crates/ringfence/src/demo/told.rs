//! How the demo is told: a heading, a ladder and a verdict for each call, a summary.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::{Direction, Record as Message};
use serde::Serialize;

use super::scenes::{RULES, Scene};
use crate::journal::{Call, Outcome};
use crate::ladder::{self, Ladder};
use crate::style::{BAD, CAUTION, DIM, GOOD, LEAD, STRONG, paint, width};

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
        scene: Scene,
        call: Option<Call>,
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
            why: call.as_ref().map(why).unwrap_or_default(),
            moral: scene.moral,
            verdict: call.map(|call| call.verdict),
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
    pub(crate) fn scene(&self, number: usize) -> String {
        let messages: Vec<_> = self.messages.iter().collect();
        let mut text = title(&number.to_string(), &self.title);
        text += &draw(&self.left, &messages, self.start);
        if self.answers.is_empty() {
            text += &Ladder::remark("(silence)");
        }
        let (style, _) = self.answer();
        text += &format!("{:11}{} {}\n", "", paint(style, '▸'), wrapped(&self.reason));
        if !self.moral.is_empty() {
            text += &format!("{:13}{}\n", "", paint(DIM, self.moral));
        }
        for fault in &self.faults {
            text += &format!("{:11}{}\n", "", paint(BAD, format_args!("not as it should be: {fault}")));
        }
        text + "\n"
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
pub(crate) fn heading() -> String {
    let mut text = format!(
        "{}\nA PBX, a softphone and some callers: all in this process, all on loopback.\n\n",
        paint(STRONG, "ringfence demo")
    );
    text += "The softphone is extension 858. This decides who gets through to it:\n\n";
    for line in RULES.lines() {
        let (rule, comment) = line.split_once('#').map_or((line, ""), |(rule, comment)| (rule, comment));
        let comment = if comment.is_empty() { String::new() } else { paint(DIM, format_args!("#{comment}")) };
        let line = format!("{}{comment}", paint(LEAD, rule));
        text += if width(&line) == 0 { "\n" } else { "    " };
        text += &if width(&line) == 0 { String::new() } else { format!("{line}\n") };
    }
    text + "\n"
}

/// Returns the ladder of the registration.
pub(crate) fn registration(messages: &[&Message]) -> String {
    let start = messages.first().map_or_else(Instant::now, |message| message.at);
    let mut text = title("•", "The softphone registers with its password, which never crosses the wire");
    text += &draw("PBX", messages, start);
    text += &format!("{:11}{} registered, and refreshed before it expires\n\n", "", paint(GOOD, '▸'));
    text
}

/// Returns the table at the end, and what to do next.
pub(crate) fn summary(told: &[Told], is_unregistered: bool, took: Duration) -> String {
    let most = told.iter().map(|told| told.caller.chars().count()).max().unwrap_or_default();
    let mut text = format!("{}\n", paint(STRONG, "What came of it"));
    for (number, told) in (1..).zip(told) {
        let (style, answer) = told.answer();
        let mark = if told.ok { paint(GOOD, '✓') } else { paint(BAD, '✗') };
        let answer = paint(style, answer);
        let (caller_gap, answer_gap) = (most - told.caller.chars().count(), 16_usize.saturating_sub(width(&answer)));
        text += &format!(
            "  {mark} {number}  {}{:caller_gap$}  {answer}{:answer_gap$}{}\n",
            told.caller,
            "",
            "",
            paint(DIM, &told.why)
        );
    }
    let wrong = told.iter().filter(|told| !told.ok).count();
    let seconds = took.as_secs_f64();
    let gone = if is_unregistered { "The softphone has unregistered." } else { "The softphone did NOT unregister." };
    if wrong == 0 {
        text += &format!(
            "\n{} calls in {seconds:.1} s, each answered as RFC 3261 and the lists want it. {gone}\n",
            told.len()
        );
    } else {
        text += &format!("\n{} of {} calls went wrong. {gone}\n", paint(BAD, wrong), told.len());
    }
    text += &format!("\n{} {}  write a configuration for your own PBX\n", paint(LEAD, "next:"), paint(STRONG, "ringfence init"));
    text += &format!("      {}   register with it, and screen every call\n", paint(STRONG, "ringfence run"));
    text
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
    format!("{} {}\n", paint(LEAD, format_args!("{number:>2} ")), paint(STRONG, title))
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
