//! What keeps a flow open through a NAT or a firewall, and finds out that it is not: a double CRLF or a STUN request
//! towards each registrar, once for all the lines that are registered there.
//!
//! A double CRLF over UDP is answered by nobody. Over a connection a server that knows RFC 5626 answers with a CRLF, the
//! *pong*; from one that does, silence for 10 s is the end of the connection. A CRLF that answers nothing, or stands beside
//! a message, does not show that the server answers: many write one before or behind what they send. STUN goes over UDP alone, to servers
//! that are known to expect it (section 8), and its answer says where we are seen: silence for 39.5 s from one that
//! answered before is the end of the flow, and so is another address. Who never answers is sent CRLF from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::stun::{Answer, TransactionId};

use super::flow::{ConnectionId, Flow};
use crate::id::Generator;

mod probe;

use probe::{News, Next, Probe};

/// What is sent: RFC 5626 section 3.5.1's ping, which every SIP server ignores over UDP.
pub(crate) const PING: &[u8] = b"\r\n\r\n";
/// What a ping over a connection is answered with.
pub(crate) const PONG: &[u8] = b"\r\n";

/// Consumer NATs forget a UDP mapping after as little as 30 s without traffic. The wait is as section 4.4.2 has it
/// for UDP, drawn anew for each ping, so that phones that were started together do not stay together.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//# When a Flow-Timer header field is not included in a successful
//# registration response, the time between each keep-alive request
//# SHOULD be a random number between 24 and 29 seconds.
const UDP: Wait = Wait { shortest: Duration::from_secs(24), longest: Duration::from_secs(29) };
/// Mappings of connections are kept for longer.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
//# The fixed upper bound or the default
//# configurable upper bound SHOULD be 120 seconds (95 seconds for the
//# lower bound) where battery power is not a concern
const CONNECTION: Wait = Wait { shortest: Duration::from_secs(95), longest: Duration::from_secs(120) };
/// How long a pong may take.
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// The flows that are kept open.
#[derive(Debug, Default)]
pub(crate) struct KeepAlive {
    flows: BTreeMap<Flow, Kept>,
    /// The same flows, the one next in turn first.
    order: BTreeSet<(Instant, Flow)>,
}

/// By what a flow is kept open.
///
/// ```
/// assert_eq!(ringfence_ua::Ping::default(), ringfence_ua::Ping::Automatic);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ping {
    /// By STUN over UDP where the registrar says that it supports RFC 5626, else by CRLF.
    #[default]
    Automatic,
    /// By CRLF always.
    Crlf,
    /// By STUN over UDP: whoever says so knows that the first hop expects it (RFC 5626 section 8). Over a connection by
    /// CRLF.
    Stun,
}

/// Where a single CRLF stood that came over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crlf {
    Alone,
    /// Directly before or behind a message that came together with it.
    BesideMessage,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// A ping is to be sent.
    Ping(Flow),
    /// A Binding request is to be sent.
    Probe(Flow, TransactionId),
    /// The pong did not come: the connection leads nowhere.
    Dead(ConnectionId),
    /// A server that has told where it sees us tells it no longer.
    Silent(Flow),
}

/// What the answer to a Binding request says of a flow that is no more what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// We are seen elsewhere now.
    Moved(SocketAddr),
    /// The server that has told it before cannot tell where it sees us.
    Refused,
}

#[derive(Debug)]
struct Kept {
    lines: usize,
    due: Instant,
    /// What the registrar asks for.
    within: Option<Duration>,
    /// Whether what is due is the pong.
    awaits_pong: bool,
    /// When the last ping went out.
    pinged: Option<Instant>,
    /// Whether a ping over it was answered, and no CRLF came since that answers none.
    answers: bool,
    /// What is sent instead of pings.
    probe: Option<Probe>,
    /// Whether it was found that the server answers no probe.
    is_without_stun: bool,
}

/// Between how much and how much.
struct Wait {
    shortest: Duration,
    longest: Duration,
}

impl KeepAlive {
    /// Keeps a flow open for one more line, with a ping within some time where its registrar asks for that, and by STUN
    /// where that is expected.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        flow: Flow,
        within: Option<Duration>,
        by_stun: bool,
        generator: &mut Generator,
    ) {
        let Self { flows, order } = self;
        let kept = flows.entry(flow).or_insert_with(|| {
            let due = now + interval(flow, within, generator);
            order.insert((due, flow));
            let (pinged, probe, is_without_stun) = (None, None, false);
            Kept { lines: 0, due, within, awaits_pong: false, pinged, answers: false, probe, is_without_stun }
        });
        kept.lines += 1;
        if by_stun && !flow.is_reliable() && !kept.is_without_stun {
            kept.probe.get_or_insert_default();
        }
        if let Some(within) = within
            && kept.within.is_none_or(|known| within < known)
        {
            kept.within = Some(within);
            if !kept.awaits_pong {
                kept.reschedule(flow, now + interval(flow, Some(within), generator), order);
            }
        }
    }

    /// Keeps a flow open for one line less.
    pub(crate) fn remove(&mut self, flow: Flow) {
        if let Some(kept) = self.flows.get_mut(&flow) {
            kept.lines -= 1;
            if kept.lines == 0 {
                self.order.remove(&(kept.due, flow));
                self.flows.remove(&flow);
            }
        }
    }

    /// Takes a CRLF: behind a ping its answer, and else a sign that the server writes them for nothing.
    pub(crate) fn handle_crlf(&mut self, now: Instant, flow: Flow, crlf: Crlf, generator: &mut Generator) {
        let Self { flows, order } = self;
        let Some(kept) = flows.get_mut(&flow) else { return };
        // One beside a message may be the message's, or the pong that was read along with it: it keeps the connection, and
        // tells nothing new of the server.
        kept.answers = kept.is_pinged(now) && (crlf == Crlf::Alone || kept.answers);
        if std::mem::take(&mut kept.awaits_pong) {
            kept.reschedule(flow, now + interval(flow, kept.within, generator), order);
        }
    }

    /// Takes an answer to a Binding request. Returns whether it is one, and what it says of the flow where that is no more
    /// what it was.
    pub(crate) fn handle_answer(
        &mut self,
        now: Instant,
        flow: Flow,
        answer: &Answer,
        generator: &mut Generator,
    ) -> (bool, Option<Failed>) {
        let Self { flows, order } = self;
        let Some(kept) = flows.get_mut(&flow) else { return (false, None) };
        let Some(probe) = &mut kept.probe else { return (false, None) };
        let Some(news) = probe.handle_answer(answer) else { return (false, None) };
        let failed = match news {
            News::Alive => None,
            News::Moved(mapped) => Some(Failed::Moved(mapped)),
            News::Refused if probe.has_answered() => Some(Failed::Refused),
            News::Refused => {
                kept.give_up_stun();
                None
            }
        };
        kept.reschedule(flow, now + interval(flow, kept.within, generator), order);
        (true, failed)
    }

    /// Returns what is due.
    pub(crate) fn pop_due(&mut self, now: Instant, generator: &mut Generator) -> Option<Due> {
        let Self { flows, order } = self;
        let &(due, flow) = order.first().filter(|&&(due, _)| due <= now)?;
        let Some(kept) = flows.get_mut(&flow) else {
            order.remove(&(due, flow));
            return None;
        };
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
        //# If a pong is not received within 10 seconds after sending a ping (or
        //# immediately after processing any incoming message being received when
        //# that 10 seconds expires), then the client MUST treat the flow as
        //# failed.
        if kept.awaits_pong {
            kept.awaits_pong = false;
            kept.reschedule(flow, now + interval(flow, kept.within, generator), order);
            return flow.connection_id().map(Due::Dead);
        }
        if let Some(probe) = &mut kept.probe {
            //= https://www.rfc-editor.org/rfc/rfc5626#section-8
            //# Once a flow is established, failure of a STUN request (including its
            //# retransmissions) is considered a failure of the underlying flow.
            let (due, wait) = match probe.next(generator) {
                Next::Send(id, wait) => (Due::Probe(flow, id), wait),
                Next::GiveUp if probe.has_answered() => {
                    (Due::Silent(flow), interval(flow, kept.within, generator))
                }
                Next::GiveUp => {
                    kept.give_up_stun();
                    (Due::Ping(flow), interval(flow, kept.within, generator))
                }
            };
            kept.reschedule(flow, now + wait, order);
            return Some(due);
        }
        // Many servers answer no ping, and what they do not know of is no sign of anything.
        kept.awaits_pong = flow.is_reliable() && kept.answers;
        kept.pinged = Some(now);
        let wait = if kept.awaits_pong { PONG_WITHIN } else { interval(flow, kept.within, generator) };
        kept.reschedule(flow, now + wait, order);
        Some(Due::Ping(flow))
    }

    /// Returns when something is due next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.order.first().map(|&(due, _)| due)
    }
}

impl Kept {
    /// Returns whether a CRLF may be the answer to a ping.
    fn is_pinged(&self, now: Instant) -> bool {
        let is_recent = |pinged| now.saturating_duration_since(pinged) <= PONG_WITHIN;
        self.awaits_pong || self.pinged.is_some_and(is_recent)
    }

    /// Sends pings from now on: a server that does not answer STUN may be one that blocks who sends it.
    fn give_up_stun(&mut self) {
        self.probe = None;
        self.is_without_stun = true;
    }

    fn reschedule(&mut self, flow: Flow, due: Instant, order: &mut BTreeSet<(Instant, Flow)>) {
        order.remove(&(self.due, flow));
        order.insert((due, flow));
        self.due = due;
    }
}

fn interval(flow: Flow, within: Option<Duration>, generator: &mut Generator) -> Duration {
    let Wait { shortest, longest } = match within {
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4
        //# If the
        //# UA uses the server-recommended keep-alive frequency it SHOULD send
        //# its keep-alives so that the interval between each keep-alive is
        //# randomly distributed between 80% and 100% of the server-provided
        //# time.
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4
        //# The UA MUST send keep-alives at least as often as this number of seconds.
        Some(within) => Wait { shortest: within.mul_f64(0.8), longest: within },
        None if flow.is_reliable() => CONNECTION,
        None => UDP,
    };
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
    //# The UA MUST select a random number between a fixed or configurable upper bound and a lower
    //# bound, where the lower bound is 20% less then the upper bound.
    shortest + longest.saturating_sub(shortest).mul_f64(generator.fraction())
}

#[cfg(test)]
mod tests;
