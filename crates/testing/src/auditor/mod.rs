//! Judges every message that a user agent sends, by what it was sent: one small rule for each sentence of RFC 3261 that the
//! wire can show.
//!
//! ```text
//!  received ─▶ what is asked of it ─┐
//!                                   ├─▶ rules ─▶ faults
//!  sent ─────▶ what it asks ────────┘
//!              any message: form.rs, requests: requests.rs, responses: responses.rs, their order: order.rs
//! ```
//!
//! It knows nothing of the user agent but its messages, and reads none of its code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ringfence_ua::Transport;
use ringfence_wire::sip::{Framing, HeaderName, Message, Method, StatusCode};
use ringfence_wire::stun::is_stun;

mod asked;
mod branches;
mod credentials;
mod due;
mod fields;
mod form;
mod judge;
mod key;
mod misunderstood;
mod order;
mod requests;
mod responses;
mod served;
#[cfg(test)]
mod tests;
mod time;
mod witness;

use asked::{Asked, Registration};
use branches::Branches;
use due::Dues;
use form::Written;
pub use judge::Judge;
use key::Key;
use misunderstood::Misunderstood;
use served::Served;
use time::{SLACK, Time};
pub use witness::Witness;

/// RFC 3261 section 17.1.1.1.
const T1: Duration = Duration::from_millis(500);
/// Table 4.
const T2: Duration = Duration::from_secs(4);
const T4: Duration = Duration::from_secs(5);
/// Fewer transactions than that are not worth forgetting.
const MANY: usize = 512;

/// How many faults are told: more say nothing more.
const MOST_FAULTS: usize = 100;

/// The judge of one user agent.
///
/// ```
/// use std::time::Instant;
/// use ringfence_testing::Auditor;
/// use ringfence_ua::Transport;
///
/// let (now, peer) = (Instant::now(), "192.0.2.1:5060".parse()?);
/// let head = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\nCall-ID: c\r\n\
///     CSeq: 1 OPTIONS\r\nTo: <sip:b@b.example>";
/// let mut auditor = Auditor::default();
/// auditor.received(now, Transport::Udp, peer, format!("OPTIONS sip:b@b.example SIP/2.0\r\n{head}\r\n\r\n").as_bytes());
/// auditor.sent(now, Transport::Udp, peer, format!("SIP/2.0 200 OK\r\n{head}\r\n\r\n").as_bytes());
/// let [fault] = auditor.faults() else { panic!("{:?}", auditor.faults()) };
/// assert_eq!(fault.to_string(), "RFC 3261 section 8.2.6.2: To has a tag, but for 100: SIP/2.0 200 OK");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Auditor {
    served: BTreeMap<Key, Served>,
    asked: BTreeMap<Key, Asked>,
    branches: Branches,
    /// By Call-ID.
    registrations: BTreeMap<Vec<u8>, Registration>,
    /// How many requests came in which the transaction cannot be read, and were not answered yet.
    unreadable: u64,
    /// Whether there ever were.
    has_unreadable: bool,
    misunderstood: Misunderstood,
    faults: Vec<Fault>,
    /// The hosts that the user agent does not know.
    strangers: BTreeSet<IpAddr>,
    /// The servers that were tried to be connected to and are not: what is too long for UDP may go there by it.
    unconnected: BTreeSet<SocketAddr>,
    /// What is owed, where what is not sent is judged as well.
    dues: Option<Dues>,
    /// The Call-IDs of which nothing is owed in the transaction that begins next.
    excused: BTreeSet<Vec<u8>>,
    /// The Call-IDs of all of which that was ever said.
    with_excused: BTreeSet<Vec<u8>>,
    /// Whether nothing is judged by when it is sent.
    is_timeless: bool,
    /// Whether the times are those of a busy machine.
    is_lenient: bool,
    /// How many transactions there may be before those that are over are forgotten.
    room: usize,
}

/// A message that RFC 3261 forbids.
///
/// ```
/// use std::time::Instant;
/// use ringfence_testing::Fault;
///
/// let fault = Fault { at: Instant::now(), section: "7.1", rule: "the version is SIP/2.0", message: "SIP/3.0 200 OK".into() };
/// assert_eq!(fault.to_string(), "RFC 3261 section 7.1: the version is SIP/2.0: SIP/3.0 200 OK");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// When it was sent.
    pub at: Instant,
    /// The section that forbids it.
    pub section: &'static str,
    /// What is to hold.
    pub rule: &'static str,
    /// The message's first line.
    pub message: String,
}

/// What has to hold of what is sent.
struct Rule<T: Judged> {
    section: &'static str,
    says: &'static str,
    holds: fn(&T::With<'_>) -> bool,
}

/// Something that rules are about, and what they look at.
trait Judged {
    type With<'a>;
}

impl Auditor {
    /// One that judges nothing by its time: it is told of messages when it comes to it, or at the other end of a network.
    #[must_use]
    pub fn timeless() -> Self {
        Self { is_timeless: true, ..Self::default() }
    }

    /// One for the times that a user agent on a busy machine has written down itself: what is sent a quarter of a second sooner
    /// than a timer has it, or so much later than 64*T1, is not wrong. It may have taken several messages before it answers
    /// the first of them.
    #[must_use]
    pub fn lenient() -> Self {
        Self { is_lenient: true, ..Self::default() }
    }

    /// Takes a message that the user agent has received.
    pub fn received(&mut self, now: Instant, transport: Transport, source: SocketAddr, bytes: &[u8]) {
        self.passed(now);
        let Some(message) = sip(bytes).and_then(|bytes| Message::parse(bytes).ok()) else { return };
        match (Key::of(&message).filter(|_| is_readable(&message)), message.method()) {
            (Some(key), Some(method)) => {
                self.misunderstood.understood(now, &key);
                let is_over = self.served.get(&key).is_some_and(|served| served.is_over(now));
                if is_over {
                    self.served.remove(&key);
                }
                let is_reliable = transport.is_reliable() && method != Method::Invite;
                let responses = self.served.get(&key).filter(|_| !is_reliable).map(|served| served.responses);
                self.owe_response(now, &key, &message, source, responses);
                let is_excused = !self.served.contains_key(&key)
                    && (self.excused.remove(&key.call_id) || self.is_copy_of_excused(&key, &message));
                let has_no_order = self.is_timeless || self.is_lenient;
                let served = self.served.entry(key).or_insert_with(|| Served::new(has_no_order));
                served.is_excused |= is_excused;
                served.received(now, method == Method::Ack, (transport, source), message.into_owned());
            }
            (None, Some(_)) => match Key::of(&message) {
                Some(key) if self.misunderstood.received(now, key.clone()) => {}
                Some(_) | None => {
                    self.unreadable += 1;
                    self.has_unreadable = true;
                }
            },
            (Some(key), None) if is_whole(&message) => self.answered(now, &key, &message),
            (Some(_) | None, None) => {}
        }
        self.forget(now);
    }

    /// Takes a message that the user agent sends.
    pub fn sent(&mut self, now: Instant, transport: Transport, destination: SocketAddr, bytes: &[u8]) {
        self.passed(now);
        let Some(bytes) = sip(bytes) else { return };
        let Ok(message) = Message::parse(bytes) else {
            return self.note(now, "7", "what is sent is a SIP message", bytes);
        };
        let may_have_nul = self.may_have_nul(now, &message);
        let written = Written { message: &message, bytes, transport, may_have_nul };
        self.note_all(now, faults_of(form::RULES, &written), bytes);
        self.note_all(now, faults_of(fields::RULES, &written), bytes);
        if message.is_request() {
            self.judge_request(now, &written, destination);
        } else {
            self.judge_response(now, &written, destination);
        }
    }

    /// Takes that the user agent is another one from now on: what the old one was asked is not known to it.
    pub fn restarted(&mut self) {
        let (faults, strangers) = (std::mem::take(&mut self.faults), std::mem::take(&mut self.strangers));
        let dues = self.dues.take().map(|_| Dues::default());
        let Self { is_timeless, is_lenient, .. } = *self;
        *self = Self { faults, strangers, dues, is_timeless, is_lenient, ..Self::default() };
    }

    /// Takes that the user agent does not know a host: where `maddr` says what it sends is to have the responses counts for
    /// nothing, as it could be a third one's address.
    pub fn does_not_know(&mut self, host: IpAddr) {
        self.strangers.insert(host.to_canonical());
    }

    /// Takes that the user agent wants a connection to a server, or has none any more: until it has one, what is too long for
    /// UDP may go there by UDP.
    pub fn unconnected(&mut self, server: SocketAddr) {
        self.unconnected.insert(server);
    }

    /// Takes that the user agent has a connection to a server.
    pub fn connected(&mut self, server: SocketAddr) {
        self.unconnected.remove(&server);
    }

    /// Returns what was wrong, in the order of its sending: the first hundred.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn answered(&mut self, now: Instant, key: &Key, response: &Message<'_>) {
        let is_final = response.status().is_some_and(StatusCode::is_final);
        // What comes when the transaction is over is heard by nobody.
        let is_under_way = |asked: &&mut Asked| asked.ends_at().is_none_or(|end| now < end);
        let asked = self.asked.get_mut(key).filter(is_under_way);
        let is_news = is_final && asked.as_ref().is_some_and(|asked| !asked.is_answered());
        if let Some(asked) = asked {
            asked.answered(is_final);
        }
        self.branches.answered(response);
        let branch = response.via().ok().and_then(|via| via.branch()).unwrap_or_default();
        let registration = response.call_id().ok().and_then(|id| self.registrations.get_mut(id));
        if let Some(registration) = registration.filter(|_| is_news) {
            registration.answered(branch, response);
        }
    }

    fn judge_request(&mut self, now: Instant, written: &Written<'_>, destination: SocketAddr) {
        let Some(key) = Key::of(written.message) else {
            return self.note(now, "8.1.1", "a request has Via, Call-ID and CSeq", written.bytes);
        };
        let call_id = written.message.call_id().unwrap_or_default().to_vec();
        let is_register = written.message.method() == Some(Method::Register);
        // An ACK makes no transaction: it goes again whenever what it acknowledges comes again.
        let is_ack = written.message.method() == Some(Method::Ack);
        let asking = requests::Asking {
            time: self.time(now),
            written: *written,
            earlier: self.asked.get(&key).filter(|_| !is_ack),
            branch: self.branches.get(written.message),
            may_be_long: self.unconnected.contains(&destination),
            registration: self.registrations.get(&call_id).filter(|_| is_register),
        };
        let faults = faults_of(requests::RULES, &asking);
        let is_new = asking.earlier.is_none();
        self.note_all(now, faults, written.bytes);
        if is_register {
            let registration = self.registrations.entry(call_id).or_default();
            if is_new { registration.asks(now, written) } else { registration.credentials.asks_again() }
        }
        self.branches.sent(written.message);
        if !is_ack {
            let is_excused = is_new && self.excused.remove(&key.call_id);
            let asked = self.asked.entry(key.clone()).or_default();
            asked.is_excused |= is_excused;
            asked.sent(now, written);
            self.owe_request(&key, written);
        }
    }

    fn judge_response(&mut self, now: Instant, written: &Written<'_>, destination: SocketAddr) {
        let time = self.time(now);
        let key = Key::of(written.message);
        // Without one it repeats what could not be read, as often as that was not acknowledged.
        if key.as_ref().map_or(self.has_unreadable, |key| self.misunderstood.has(now, key)) {
            return;
        }
        let key = key.filter(|_| is_readable(written.message));
        let Some((key, served)) = key.and_then(|key| Some((key.clone(), self.served.get_mut(&key)?))) else {
            if self.unreadable == 0 {
                return self.note(now, "17.2", "a response answers a request", written.bytes);
            }
            self.unreadable -= 1;
            return;
        };
        let strangers = &self.strangers;
        let answering = responses::Answering { written: *written, destination, served, strangers };
        let mut faults = faults_of(responses::RULES, &answering);
        faults.extend(faults_of(order::RULES, &order::Next { time, written: *written, served }));
        served.sent(now, written);
        self.note_all(now, faults, written.bytes);
        self.owe_final(&key, written);
    }

    /// Returns whether a message is a response to something that has a NUL in it, of which it repeats a part.
    fn may_have_nul(&self, now: Instant, message: &Message<'_>) -> bool {
        let Some(key) = Key::of(message) else { return !message.is_request() && self.unreadable > 0 };
        let has_nul = |served: &Served| served.any(|request| request.message.as_bytes().contains(&0));
        let is_asked_so = self.served.get(&key).is_some_and(has_nul) || self.misunderstood.has(now, &key);
        !message.is_request() && is_asked_so
    }

    /// Returns when something is sent, where that counts.
    fn time(&self, now: Instant) -> Option<Time> {
        (!self.is_timeless).then(|| if self.is_lenient { Time::lenient(now) } else { Time::exact(now) })
    }

    fn note_all(&mut self, now: Instant, faults: Vec<(&'static str, &'static str)>, bytes: &[u8]) {
        for (section, rule) in faults {
            self.note(now, section, rule, bytes);
        }
    }

    fn note(&mut self, at: Instant, section: &'static str, rule: &'static str, bytes: &[u8]) {
        if self.faults.len() >= MOST_FAULTS {
            return;
        }
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        self.faults.push(Fault { at, section, rule, message: String::from_utf8_lossy(line).into_owned() });
    }

    /// Forgets the transactions that are over, where there are many.
    fn forget(&mut self, now: Instant) {
        if self.served.len() + self.asked.len() > self.room {
            self.served.retain(|_, served| !served.is_over(now));
            self.asked.retain(|_, asked| !asked.is_over(now));
            self.room = (2 * (self.served.len() + self.asked.len())).max(MANY);
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { section, rule, message, .. } = self;
        write!(f, "RFC 3261 section {section}: {rule}: {message}")
    }
}

/// Returns whether what every message says is there once, and can be read. Who asks otherwise is answered as far as he is
/// understood, which no rule is about.
fn is_readable(message: &Message<'_>) -> bool {
    use HeaderName::{CSeq, CallId, From, To};
    let are_single = [From, To, CallId, CSeq].into_iter().all(|name| message.count(name) == 1);
    are_single && message.from().is_ok() && message.to().is_ok()
}

/// Returns whether a response is one of SIP/2.0, and all of it came.
fn is_whole(response: &Message<'_>) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
    //# If the message is a response, it MUST
    //# be discarded.
    let is_cut = matches!(response.framing(), Framing::Short { .. } | Framing::Unterminated);
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.3
    //# If more than one Via header field value is present in a response, the
    //# UAC SHOULD discard the message.
    let is_ours = response.values(HeaderName::Via).count() == 1;
    !is_cut && is_ours && response.version().eq_ignore_ascii_case(b"SIP/2.0")
}

/// Returns what of a datagram is a SIP message: a ping and STUN are none.
fn sip(bytes: &[u8]) -> Option<&[u8]> {
    let is_ping = bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
    (!is_ping && !is_stun(bytes)).then_some(bytes)
}

fn faults_of<T: Judged>(rules: &[Rule<T>], what: &T::With<'_>) -> Vec<(&'static str, &'static str)> {
    rules.iter().filter(|rule| !(rule.holds)(what)).map(|rule| (rule.section, rule.says)).collect()
}
