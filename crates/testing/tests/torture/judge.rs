//! What an endpoint makes of one message, and what is wrong with that.

use std::net::SocketAddr;
use std::sync::Arc;

use ringfence_ua::{Config, Decided, Event, Rejection, Verdict};
use ringfence_wire::sip::{Host, Message};

use crate::probe::{Probe, Sent, Shown, account, faults, phone_address, seconds, statuses};
use crate::table::{Expect, Outcome, Row};

/// What was found out about one message.
pub(crate) struct Judgement {
    /// The status line of what it is answered with, if it is.
    pub(crate) answer: Option<String>,
    /// What differs from the table.
    pub(crate) faults: Vec<String>,
}

/// One message at an endpoint of its own.
struct Run {
    probe: Probe,
    shown: Shown,
    source: SocketAddr,
    datagram: Vec<u8>,
    sent: Vec<Sent>,
}

/// Gives a message to endpoints whose screens want this and that, and compares what they do with the table.
pub(crate) fn judge(row: &Row) -> Judgement {
    let mut faults = Vec::new();
    let mut answer = None;
    match row.expect.outcome() {
        Outcome::Acted => check_acted(row, &mut faults),
        Outcome::Told(status) => answer = check_told(row, status, &mut faults),
        Outcome::Response(status) => answer = check_response(row, status, &mut faults),
        Outcome::Dropped(counter) => check_dropped(row, counter, &mut faults),
    }
    Judgement { answer: answer.map(|sent| status_line(&sent)), faults }
}

fn check_acted(row: &Row, faults: &mut Vec<String>) {
    for (verdict, expected) in
        [(Verdict::Offer, vec![100]), (ring(), vec![100, 180]), (decline(), vec![100, 603])]
    {
        let run = Run::of(row, verdict);
        if run.objections() != [None] {
            faults.push(format!("the screen was shown {:?}", run.objections()));
        }
        run.check_answers(&expected, faults);
    }
}

fn check_told(row: &Row, status: u16, faults: &mut Vec<String>) -> Option<Sent> {
    let ringing = Run::of(row, ring());
    ringing.check_answers(&[100, status], faults);
    Run::of(row, decline()).check_answers(&[100, 603], faults);
    let mut offered = Run::of(row, Verdict::Offer);
    offered.check_answers(&[100], faults);
    if offered.is_offered() {
        let call = offered.probe.offered();
        offered.sent = offered.probe.act(|endpoint, now| {
            let decided = endpoint.ring(now, call);
            if !matches!(decided, Decided::Objected(objection) if objection.status().as_u16() == status) {
                faults.push(format!("ring() made {decided:?} of it"));
            }
        });
        offered.check_answers(&[status], faults);
    } else {
        faults.push("the application was not offered the call".to_owned());
    }
    for run in [&ringing, &offered] {
        if run.objections() != [Some(status)] {
            faults.push(format!("the screen was shown {:?}", run.objections()));
        }
    }
    let answer = ringing.sent.last().cloned();
    check_contents(&row.expect, answer.as_ref(), faults);
    answer
}

fn check_response(row: &Row, status: u16, faults: &mut Vec<String>) -> Option<Sent> {
    let mut run = Run::of(row, Verdict::Offer);
    run.check_answers(&[status], faults);
    if !run.objections().is_empty() {
        faults.push("it was shown to the screen".to_owned());
    }
    if !run.probe.events().is_empty() {
        faults.push(format!("the application was told {:?}", run.probe.events()));
    }
    let (source, datagram) = (run.source, run.datagram.clone());
    if run.probe.receive_from(source, datagram) != run.sent {
        faults.push("its retransmission is not answered alike".to_owned());
    }
    let answer = run.sent.pop();
    check_contents(&row.expect, answer.as_ref(), faults);
    answer
}

fn check_dropped(row: &Row, counter: &str, faults: &mut Vec<String>) {
    let mut run = Run::of(row, Verdict::Offer);
    run.check_answers(&[], faults);
    if !run.probe.pass(seconds(64)).is_empty()
        || !run.objections().is_empty()
        || !run.probe.events().is_empty()
    {
        faults.push("it was not dropped".to_owned());
    }
    let counted = run.probe.endpoint.counters();
    let dropped: Vec<_> =
        counted.iter().filter(|(name, count)| name.starts_with("dropped_") && *count > 0).collect();
    if dropped != [(format!("dropped_{counter}").as_str(), 1)] {
        faults.push(format!("counted are {dropped:?}"));
    }
}

/// What the table wants the final response to say.
fn check_contents(expect: &Expect, response: Option<&Sent>, faults: &mut Vec<String>) {
    let Some(response) = response else { return };
    let line = status_line(response);
    let phrases = expect.phrases();
    if !phrases.is_empty() && !phrases.iter().any(|phrase| line.contains(phrase)) {
        faults.push(format!("{line:?} contains none of {phrases:?}"));
    }
    for name in expect.headers.iter().filter(|name| response.header(name).is_none()) {
        faults.push(format!("the response has no {name}"));
    }
    let unsupported = response.headers("Unsupported");
    if unsupported != expect.unsupported {
        faults.push(format!("Unsupported says {unsupported:?}"));
    }
}

impl Run {
    fn of(row: &Row, verdict: Verdict) -> Self {
        let shown = Shown::default();
        let (source, datagram) = (source(row), row.datagram());
        // Whoever is unknown is told less.
        let mut account = account();
        account.extras_mut().peers = vec![source.ip()];
        let mut probe = Probe::of(Config::new(phone_address()), account, shown.screen(verdict)).unjudged();
        let sent = probe.receive_from(source, &datagram);
        Self { probe, shown, source, datagram, sent }
    }

    /// The status codes of the objections that the screen was shown, of each call.
    fn objections(&self) -> Vec<Option<u16>> {
        let objections = self.shown.objections();
        objections.into_iter().map(|it| it.map(|objection| objection.status().as_u16())).collect()
    }

    fn is_offered(&self) -> bool {
        self.probe.events().iter().any(|event| matches!(event, Event::Incoming { .. }))
    }

    /// Compares the status codes of what was sent, and audits each response.
    fn check_answers(&self, expected: &[u16], faults: &mut Vec<String>) {
        if statuses(&self.sent) != expected {
            faults.push(format!("expected {expected:?}, got {:?}", statuses(&self.sent)));
        }
        for sent in &self.sent {
            let found = self::faults(&self.datagram, &sent.payload);
            faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", status_line(sent))));
            if sent.destination.ip() != self.source.ip() {
                faults.push(format!("{} goes to {}", status_line(sent), sent.destination));
            }
        }
    }
}

/// An address of the family that the message came over.
fn source(row: &Row) -> SocketAddr {
    let datagram = row.datagram();
    let is_v6 = Message::parse(&datagram)
        .is_ok_and(|message| message.via().is_ok_and(|via| matches!(via.host(), Host::V6(_))));
    let address = if is_v6 { "[2001:db8::9:1]:5062" } else { "192.0.2.77:5062" };
    address.parse().unwrap()
}

fn ring() -> Verdict {
    Verdict::Ring { limit: None }
}

fn decline() -> Verdict {
    Verdict::Reject(Arc::new(Rejection::new(603).unwrap()))
}

fn status_line(sent: &Sent) -> String {
    let message = sent.message();
    let phrase = String::from_utf8_lossy(message.reason_phrase().unwrap()).into_owned();
    format!("{} {phrase}", sent.status())
}
