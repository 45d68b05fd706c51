//! Requests that are too long for UDP: each goes by TCP, and the line that it is for stays one by UDP (RFC 3261 section
//! 18.1.1). Its Contact and the flow that is kept open are what they were, unless the registrar has it otherwise
//! (`registration/binding/nat.rs`).
//!
//! ```text
//!             a long request            connected
//!  (nothing) ───────────────▶ Opening ────────────▶ Open ───▶ (nothing)
//!      ▲                         │ refused, or 4 s    │  lost
//!      │         an hour         ▼                    │ silent, or lost instead of an answer
//!      └───────────────────── Refused ◀───────────────┘
//! ```
//!
//! Who refuses is sent long requests by UDP, whatever becomes of their fragments. So is, and for twice as long each time, who
//! takes a connection and answers nothing over it: to find that out takes 32 s, in which the line's binding may expire.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::flow::{ConnectionId, Flow};
use crate::id::LineId;

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//# If a request is within 200 bytes of the path MTU, or if it is larger
//# than 1300 bytes and the path MTU is unknown, the request MUST be sent
//# using an RFC 2914 [43] congestion controlled transport protocol, such
//# as TCP.
/// Nobody tells us the path MTU.
const LONGEST: usize = 1300;
/// How long a connection is waited for. Many a firewall drops what it does not let through, and tells nobody: the line is
/// to register all the same, within what a lost REGISTER takes anyway.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a server that takes no connection is sent long requests by UDP at once.
const REFUSED: Duration = Duration::from_secs(60 * 60);
/// The longest that one that takes connections and answers nothing over them is sent long requests by UDP at once.
const LONGEST_REFUSED: Duration = Duration::from_secs(24 * 60 * 60);
/// A connection that is lost sooner than that is of a server that keeps none.
const LASTING: Duration = Duration::from_secs(60);
/// Servers that are remembered: those of more registrars than one fleet has. At the bound others are asked by UDP.
const MOST: usize = 1024;

/// The ways by TCP to servers whose lines go by UDP.
#[derive(Debug, Default)]
pub(crate) struct Detours {
    servers: BTreeMap<SocketAddr, Detour>,
    /// Those that were begun to be opened, in that order, and so in the order of when that is over.
    openings: VecDeque<(Instant, SocketAddr)>,
    /// The servers that took a connection and answered nothing over it, and for how long they were done without last.
    mute: BTreeMap<SocketAddr, Duration>,
}

#[derive(Debug)]
enum Detour {
    Opening { until: Instant, waiting: Vec<(LineId, Vec<u8>)> },
    Open { flow: Flow, local: SocketAddr, since: Instant },
    Refused { until: Instant },
}

/// A request, and what it goes over now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) line: LineId,
    pub(crate) flow: Flow,
    pub(crate) request: Vec<u8>,
}

/// What is to be done with a long request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is sent.
    Send(Ready),
    /// It waits for a connection, which is to be opened.
    Connect,
    /// It waits with others.
    Wait,
}

/// A connection that is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) flow: Flow,
    /// Whether it was there for long.
    pub(crate) has_lasted: bool,
}

impl Detours {
    /// Returns whether a request is too long for the flow that it is for.
    pub(crate) fn is_needed(flow: Flow, request: &[u8]) -> bool {
        !flow.is_reliable() && request.len() > LONGEST
    }

    /// Takes a request of a line that is too long for UDP. No more wait for one server than there is room for.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        line: LineId,
        server: SocketAddr,
        request: Vec<u8>,
        room: usize,
    ) -> Step {
        let by_udp = |request| Step::Send(Ready { line, flow: server.into(), request });
        let is_over = |detour: &Detour| matches!(detour, Detour::Refused { until } if *until <= now);
        if self.servers.get(&server).is_some_and(is_over) {
            self.servers.remove(&server);
        }
        if self.servers.len() >= MOST {
            self.servers.retain(|_, detour| !is_over(detour));
        }
        let is_full = self.servers.len() >= MOST;
        match self.servers.get_mut(&server) {
            Some(Detour::Open { flow, local, .. }) => Step::Send(by_tcp(line, *flow, *local, request)),
            Some(Detour::Opening { waiting, .. }) if waiting.len() < room => {
                waiting.push((line, request));
                Step::Wait
            }
            Some(Detour::Opening { .. } | Detour::Refused { .. }) => by_udp(request),
            None if is_full => by_udp(request),
            None => {
                let (until, waiting) = (now + PATIENCE, vec![(line, request)]);
                self.servers.insert(server, Detour::Opening { until, waiting });
                self.openings.push_back((until, server));
                Step::Connect
            }
        }
    }

    /// Takes a connection to a server, and the address that it is from. Returns what has waited for it.
    pub(crate) fn opened(
        &mut self,
        now: Instant,
        server: SocketAddr,
        flow: Flow,
        local: SocketAddr,
    ) -> Vec<Ready> {
        let before = self.servers.insert(server, Detour::Open { flow, local, since: now });
        let Some(Detour::Opening { waiting, .. }) = before else { return Vec::new() };
        waiting.into_iter().map(|(line, request)| by_tcp(line, flow, local, request)).collect()
    }

    /// Takes that a server takes no connection. Returns what has waited for one.
    pub(crate) fn refused(&mut self, now: Instant, server: SocketAddr) -> Vec<Ready> {
        let before = self.servers.insert(server, Detour::Refused { until: now + REFUSED });
        let Some(Detour::Opening { waiting, .. }) = before else { return Vec::new() };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
        //# if the attempt to establish the connection generates either an
        //# ICMP Protocol Not Supported, or results in a TCP reset, the element
        //# SHOULD retry the request, using UDP.
        // So it is here after 4 s, after silence and at a bound as well, for which no sentence asks: the line is to register.
        let flow = server.into();
        waiting.into_iter().map(|(line, request)| Ready { line, flow, request }).collect()
    }

    /// Takes that a server has answered nothing over a connection, which is no more.
    pub(crate) fn mute(&mut self, now: Instant, server: SocketAddr) {
        let is_full = self.mute.len() >= MOST;
        let last = self.mute.get(&server).copied();
        let refused = last.map_or(REFUSED, |last| (last * 2).min(LONGEST_REFUSED));
        if last.is_some() || !is_full {
            self.mute.insert(server, refused);
        }
        self.servers.insert(server, Detour::Refused { until: now + refused });
    }

    /// Takes that a server has answered over a connection.
    pub(crate) fn answered(&mut self, server: SocketAddr) {
        self.mute.remove(&server);
    }

    /// Returns what has waited for a connection for too long.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Vec<Ready>> {
        while let Some((_, server)) = self.openings.front().copied().filter(|(until, _)| *until <= now) {
            self.openings.pop_front();
            // Most have been opened, or refused, meanwhile.
            let is_due = |detour: &Detour| matches!(detour, Detour::Opening { until, .. } if *until <= now);
            if self.servers.get(&server).is_some_and(is_due) {
                return Some(self.refused(now, server));
            }
        }
        None
    }

    /// Takes that a connection is no more. Returns it where it was one of these.
    pub(crate) fn disconnected(&mut self, now: Instant, connection: ConnectionId) -> Option<Lost> {
        let (&server, lost) = self.servers.iter().find_map(|(server, detour)| match *detour {
            Detour::Open { flow, since, .. } if flow.connection_id() == Some(connection) => {
                let has_lasted = now.saturating_duration_since(since) >= LASTING;
                Some((server, Lost { flow, has_lasted }))
            }
            Detour::Open { .. } | Detour::Opening { .. } | Detour::Refused { .. } => None,
        })?;
        self.servers.remove(&server);
        if lost.has_lasted {
            self.mute.remove(&server);
        }
        Some(lost)
    }

    /// Returns the connection to a server, and the address that it is from.
    pub(crate) fn to(&self, server: SocketAddr) -> Option<(Flow, SocketAddr)> {
        self.servers.get(&server).and_then(Detour::open)
    }

    /// Returns the connections to an address that are from another one of ours than what is sent there now.
    pub(crate) fn astray(&self, remote: IpAddr, from: Option<IpAddr>) -> impl Iterator<Item = ConnectionId> {
        let to_it = self.servers.iter().filter(move |(server, _)| server.ip().to_canonical() == remote);
        let open = to_it.filter_map(|(_, detour)| detour.open());
        let astray = open.filter(move |(_, local)| from != Some(local.ip().to_canonical()));
        astray.filter_map(|(flow, _)| flow.connection_id())
    }

    /// Returns when something has waited for too long, or did not have to.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.openings.front().map(|(until, _)| *until)
    }
}

impl Detour {
    /// Returns the connection, and the address that it is from.
    fn open(&self) -> Option<(Flow, SocketAddr)> {
        match *self {
            Self::Open { flow, local, .. } => Some((flow, local)),
            Self::Opening { .. } | Self::Refused { .. } => None,
        }
    }
}

/// Has a request go over a connection.
fn by_tcp(line: LineId, flow: Flow, local: SocketAddr, request: Vec<u8>) -> Ready {
    Ready { line, flow, request: with_via(&request, flow, local).unwrap_or(request) }
}

/// Returns a request of ours with a Via that says what it goes over; nothing where it has none that says UDP.
fn with_via(request: &[u8], flow: Flow, local: SocketAddr) -> Option<Vec<u8>> {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
    //# If this causes a change in the transport protocol from the
    //# one indicated in the top Via, the value in the top Via MUST be
    //# changed.
    let start = request.windows(VIA.len()).position(|bytes| bytes == VIA)?;
    let parameters = start + request[start..].iter().position(|&byte| byte == b';')?;
    // A zone is of this machine only.
    let local = SocketAddr::new(local.ip(), local.port());
    let via = format!("\r\nVia: SIP/2.0/{} {local}", flow.transport());
    Some([&request[..start], via.as_bytes(), &request[parameters..]].concat())
}

/// How the top Via begins that we write.
const VIA: &[u8] = b"\r\nVia: SIP/2.0/UDP ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Transport;

    #[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
    fn epoch() -> Instant {
        Instant::now()
    }

    fn server(last: u16) -> SocketAddr {
        let [high, low] = last.to_be_bytes();
        SocketAddr::from(([192, 0, high, low], 5060))
    }

    fn connection(server: SocketAddr) -> Flow {
        Flow::connection(ConnectionId::new(7), Transport::Tcp, server)
    }

    fn line(number: u32) -> LineId {
        LineId::new(number)
    }

    const ROOM: usize = 2;

    fn by_udp(line: u32, to: SocketAddr, request: &[u8]) -> Ready {
        Ready { line: LineId::new(line), flow: to.into(), request: request.to_vec() }
    }

    #[test]
    fn what_is_longer_than_1300_bytes_is_too_long_for_udp_alone() {
        let udp = Flow::from(server(1));
        assert!(!Detours::is_needed(udp, &[b'x'; 1300]) && Detours::is_needed(udp, &[b'x'; 1301]));
        assert!(!Detours::is_needed(connection(server(1)), &[b'x'; 1301]));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
    //= type=test
    //# If this causes a change in the transport protocol from the
    //# one indicated in the top Via, the value in the top Via MUST be
    //# changed.
    #[test]
    fn the_via_alone_is_changed_and_its_parameters_stay() {
        let request =
            b"R s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=b;rport\r\nX: SIP/2.0/UDP a;b\r\n\r\n";
        let moved = |local: &str| {
            let moved = with_via(request, connection(server(1)), local.parse().unwrap());
            String::from_utf8(moved.unwrap()).unwrap()
        };
        let expected = |local| {
            format!("R s SIP/2.0\r\nVia: SIP/2.0/TCP {local};branch=b;rport\r\nX: SIP/2.0/UDP a;b\r\n\r\n")
        };
        assert_eq!(moved("192.0.2.7:40001"), expected("192.0.2.7:40001"));
        assert_eq!(moved("[fe80::1%3]:40001"), expected("[fe80::1]:40001"));
    }

    #[test]
    fn requests_wait_together_and_go_by_udp_where_there_is_no_connection() {
        let (mut detours, now, to) = (Detours::default(), epoch(), server(1));
        assert_eq!(detours.take(now, line(1), to, b"one".to_vec(), ROOM), Step::Connect);
        assert_eq!(detours.take(now, line(2), to, b"two".to_vec(), ROOM), Step::Wait);
        let third = detours.take(now, line(3), to, b"three".to_vec(), ROOM);
        assert_eq!(third, Step::Send(by_udp(3, to, b"three")), "there is no room");
        assert_eq!(detours.poll_timeout(), Some(now + PATIENCE));
        assert_eq!(detours.pop_due(now + PATIENCE.mul_f64(0.99)), None);
        let due = now + PATIENCE;
        assert_eq!(detours.pop_due(due), Some(vec![by_udp(1, to, b"one"), by_udp(2, to, b"two")]));
        assert_eq!((detours.pop_due(due), detours.poll_timeout()), (None, None));
        let mut take = |now| detours.take(now, line(1), to, b"one".to_vec(), ROOM);
        assert_eq!(
            take(due + REFUSED.mul_f64(0.99)),
            Step::Send(by_udp(1, to, b"one")),
            "that is remembered"
        );
        assert_eq!(take(due + REFUSED), Step::Connect, "for an hour");
    }

    #[test]
    fn a_connection_that_comes_late_is_used_from_then_on() {
        let (mut detours, now, to) = (Detours::default(), epoch(), server(1));
        detours.take(now, line(1), to, b"one".to_vec(), ROOM);
        assert!(detours.pop_due(now + PATIENCE).is_some());
        let local = "192.0.2.7:40001".parse().unwrap();
        assert_eq!(detours.opened(now + PATIENCE, to, connection(to), local), []);
        let Step::Send(ready) = detours.take(now, line(1), to, b"one".to_vec(), ROOM) else {
            panic!("waits")
        };
        assert_eq!(ready.flow, connection(to));
        assert_eq!(detours.to(to), Some((connection(to), local)));
        let astray = |from: &str| detours.astray(to.ip(), from.parse().ok()).collect::<Vec<_>>();
        assert_eq!((astray("192.0.2.7"), astray("192.0.2.8")), (vec![], vec![ConnectionId::new(7)]));
        assert_eq!(astray("nowhere"), [ConnectionId::new(7)]);
    }

    #[test]
    fn a_connection_that_is_lost_is_opened_again() {
        let (mut detours, now, to) = (Detours::default(), epoch(), server(1));
        let local = "192.0.2.7:40001".parse().unwrap();
        for (lived, has_lasted) in [(Duration::from_secs(1), false), (LASTING, true)] {
            detours.opened(now, to, connection(to), local);
            assert_eq!(detours.disconnected(now + lived, ConnectionId::new(8)), None);
            let lost = detours.disconnected(now + lived, ConnectionId::new(7));
            assert_eq!(lost, Some(Lost { flow: connection(to), has_lasted }));
        }
        assert_eq!(detours.take(now, line(1), to, b"one".to_vec(), ROOM), Step::Connect);
    }

    #[test]
    fn who_answers_nothing_over_a_connection_is_left_alone_for_twice_as_long_each_time_until_he_answers() {
        let (mut detours, mut now, to) = (Detours::default(), epoch(), server(1));
        let hours = |hours: u32| REFUSED * hours;
        for refused in [1, 2, 4, 8, 16, 24, 24].map(hours) {
            detours.mute(now, to);
            let mut take = |now| detours.take(now, line(1), to, b"one".to_vec(), ROOM);
            assert_eq!(take(now + refused.mul_f64(0.99)), Step::Send(by_udp(1, to, b"one")));
            now += refused;
            assert_eq!(take(now), Step::Connect, "{refused:?}");
            detours.servers.remove(&to);
        }
        detours.answered(to);
        detours.mute(now, to);
        assert_eq!(detours.take(now + REFUSED, line(1), to, b"one".to_vec(), ROOM), Step::Connect);
        assert_eq!(detours.mute.get(&to), Some(&REFUSED));
    }

    #[test]
    fn no_more_servers_are_remembered_than_there_is_room_for() {
        let (mut detours, now) = (Detours::default(), epoch());
        for number in 1..=u16::try_from(MOST).unwrap() {
            detours.refused(now, server(number));
        }
        let mut take = |now| detours.take(now, line(1), server(9_999), b"one".to_vec(), ROOM);
        assert_eq!(take(now), Step::Send(by_udp(1, server(9_999), b"one")));
        assert_eq!(take(now + REFUSED), Step::Connect, "the old ones have given way");
    }
}
