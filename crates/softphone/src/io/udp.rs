//! The UDP socket of one shard.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Instant;
use std::{fmt, io};

use ringfence_ua::{Counters, Transmits};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::datagrams::{self, CUTS, Plan, Received};
use super::shedding::{Parts, Shedding};

/// The receive buffer that is asked for: the default of most kernels holds about 90 INVITEs, and a PBX that
/// comes back sends more at once. The kernel gives as much as `net.core.rmem_max` allows.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
const SEND_BUFFER: usize = 1024 * 1024;

/// A UDP socket that speaks of IPv4 peers as IPv4, whatever family it has.
pub(crate) struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
    received: Received,
    plan: Plan,
    /// Whether the kernel cuts what is sent together: until it has refused to.
    cuts: bool,
    /// Whether the kernel joins what comes side by side from one peer.
    joins: bool,
    shedding: Shedding,
}

impl Udp {
    /// Binds a socket; an IPv6 wildcard takes IPv4 too. Needs a runtime.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        // Some kernels clamp what they do not allow, some refuse it; either way the socket works.
        let sized = [socket.set_recv_buffer_size(RECEIVE_BUFFER), socket.set_send_buffer_size(SEND_BUFFER)];
        for error in sized.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "socket buffer");
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let (received, plan, shedding) = (Received::new(), Plan::default(), Shedding::default());
        let local = socket.local_addr()?;
        let mut udp = Self { local, socket, received, plan, cuts: CUTS, joins: false, shedding };
        udp.join(true);
        Ok(udp)
    }

    /// Has the kernel join what comes side by side, where it can, or not. It joins by what is equally long, and a filter sees of
    /// what is joined only how it begins: an ACK behind an INVITE would share its fate.
    fn join(&mut self, joins: bool) {
        if self.joins == joins {
            return;
        }
        match datagrams::join(&self.socket, joins) {
            Ok(()) => self.joins = joins,
            Err(error) => tracing::debug!(%error, "each datagram comes by itself"),
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Waits until there is something to be taken.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.received.has_more() { Ok(()) } else { self.socket.readable().await }
    }

    /// Takes a batch of what is there, and returns how many datagrams that is.
    pub(crate) fn try_receive(&mut self) -> io::Result<usize> {
        datagrams::receive(&self.socket, &mut self.received)?;
        Ok(self.received.len())
    }

    /// Returns when [`Udp::shed`] is to be asked for even if nothing comes.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.shedding.poll_timeout()
    }

    /// Tells whether it is time for [`Udp::shed`].
    pub(crate) fn is_shedding_due(&self, now: Instant) -> bool {
        let is_busy = self.received.is_full() && self.shedding.is_due(now);
        is_busy || self.poll_timeout().is_some_and(|due| now >= due)
    }

    /// Has the kernel let in what part of the new requests there is room for, those of `known` before others.
    pub(crate) fn shed(&mut self, now: Instant, known: impl Iterator<Item = IpAddr>) {
        let is_told = match datagrams::queue(&self.socket).map(|queue| self.shedding.see(now, queue)) {
            Some(Some(parts)) => self
                .let_in(parts, known)
                .inspect_err(|error| tracing::warn!(%error, "overloaded, and the system takes nothing away"))
                .is_ok(),
            Some(None) => true,
            None => false,
        };
        if is_told {
            return self.shedding.note(now);
        }
        self.shedding.give_up();
        // The filter of before would be one for ever. Where there is none there is nothing to be rid of.
        let _ = self.let_in(Parts::ALL, std::iter::empty());
    }

    /// Has the kernel let in parts of what comes from now on.
    fn let_in(&mut self, parts: Parts, known: impl Iterator<Item = IpAddr>) -> io::Result<()> {
        // Before there is a filter, and when there is none any more.
        let is_all = parts == Parts::ALL;
        if !is_all {
            self.join(false);
        }
        let is_told = datagrams::let_in(&self.socket, parts, known);
        if is_all {
            self.join(true);
        }
        is_told
    }

    /// Returns one of the datagrams that were received last, and where it came from.
    pub(crate) fn received(&self, index: usize) -> Option<(SocketAddr, &[u8])> {
        let (datagram, source) = self.received.get(index)?;
        let source = match source.ip().to_canonical() {
            ip @ IpAddr::V4(_) => SocketAddr::new(ip, source.port()),
            // Whole: a link-local address is reached through its scope only.
            IpAddr::V6(_) => source,
        };
        Some((source, datagram))
    }

    /// Sends datagrams, waiting for room in the socket's buffer. Those that cannot be sent are left out: a transaction
    /// retransmits, and tells when it gives up.
    pub(crate) async fn send(&mut self, transmits: Transmits<'_>) {
        let is_ipv6 = self.local.is_ipv6();
        self.plan.make(transmits, self.cuts);
        // The first of those that were refused together, until it is known whether each goes by itself.
        let mut refused: Option<usize> = None;
        while !self.plan.is_done() {
            let sent = datagrams::send(&self.socket, transmits, &mut self.plan, |to| in_family(to, is_ipv6));
            // Where it does not, it is where they go to that is refused, not that they go together.
            if refused.take_if(|first| sent.is_ok() || self.plan.done() > *first + 1).is_some() {
                // A device that cannot sum what it cuts, or an old kernel, goes without from now on.
                self.cuts = false;
            }
            let Err(error) = sent else { return };
            if error.kind() == io::ErrorKind::WouldBlock {
                if self.socket.writable().await.is_err() {
                    return;
                }
                continue;
            }
            let is_too_long = error.raw_os_error().is_some_and(datagrams::is_too_long);
            let is_refused = error.raw_os_error().is_some_and(datagrams::refuses_to_cut);
            if (is_too_long || is_refused) && self.plan.split() {
                refused = is_refused.then(|| self.plan.done());
                continue;
            }
            refused = None;
            tracing::debug!(%error, "send");
        }
    }

    /// Counts what was dropped before it was received, where the system tells.
    pub(crate) fn count(&self, counters: &mut Counters) {
        counters.dropped_by_system = datagrams::queue(&self.socket).map_or(0, |queue| queue.dropped.into());
        let (is_overloaded, overloads) = self.shedding.counted();
        (counters.overloaded, counters.overloads) = (is_overloaded.into(), overloads);
    }
}

impl fmt::Debug for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Udp").field("local", &self.local).finish_non_exhaustive()
    }
}

/// Returns an address as a socket of a family is given it.
fn in_family(address: SocketAddr, is_ipv6: bool) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if is_ipv6 => SocketAddrV6::new(ip.to_ipv6_mapped(), address.port(), 0, 0).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ringfence_ua::Outbox;
    use socket2::SockRef;

    use super::*;

    /// Sends datagrams to an address.
    async fn send(udp: &mut Udp, datagrams: &[&[u8]], destination: SocketAddr) {
        let mut outbox = Outbox::default();
        for datagram in datagrams {
            outbox.push(destination, datagram);
        }
        udp.send(outbox.all()).await;
    }

    /// Receives so many datagrams.
    async fn receive(udp: &mut Udp, count: usize) -> Vec<(Vec<u8>, SocketAddr)> {
        let mut all = Vec::new();
        while all.len() < count {
            let readable = tokio::time::timeout(Duration::from_secs(10), udp.readable()).await;
            readable.expect("datagrams are there").unwrap();
            let count = udp.try_receive().unwrap_or(0);
            let datagrams = (0..count).filter_map(|index| udp.received(index));
            all.extend(datagrams.map(|(source, datagram)| (datagram.to_vec(), source)));
        }
        all
    }

    fn pair() -> (Udp, Udp) {
        let bind = || Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        (bind(), bind())
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn an_ipv6_wildcard_talks_to_ipv4_peers_as_such() {
        let mut dual = Udp::bind("[::]:0".parse().unwrap()).unwrap();
        let mut peer = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let to = SocketAddr::new("127.0.0.1".parse().unwrap(), dual.local().port());
        send(&mut peer, &[b"there"], to).await;
        assert_eq!(receive(&mut dual, 1).await, [(b"there".to_vec(), peer.local())]);
        send(&mut dual, &[b"back", b"more"], peer.local()).await;
        let told: Vec<_> = receive(&mut peer, 2).await.into_iter().map(|(datagram, _)| datagram).collect();
        assert_eq!(told, [&b"back"[..], b"more"]);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_to_one_peer_still_goes_together_to_others() {
        let (mut one, other) = pair();
        let cuts = one.cuts;
        send(&mut one, &[b"to", b"no", b"by"], address("127.0.0.1:0")).await;
        send(&mut one, &[b"to", b"no"], address("[::1]:9")).await;
        assert_eq!(one.cuts, cuts);
        send(&mut one, &[b"to", b"by"], other.local()).await;
        assert_eq!(one.cuts, cuts);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
    //= type=test
    //# However, implementations MUST be able to handle messages up to the maximum datagram packet
    //# size.
    #[tokio::test]
    async fn datagrams_of_every_length_and_number_arrive_as_they_were() {
        let (mut one, mut other) = pair();
        let lengths = [0, 1, 3, 400, 400, 1_200, 1_201, 9_000, 65_507];
        let datagrams: Vec<Vec<u8>> = (0..300_usize)
            .map(|number| number.to_string().bytes().cycle().take(lengths[number % lengths.len()]).collect())
            .collect();
        let mut expected = datagrams.clone();
        expected.sort();
        for datagrams in datagrams.chunks(20) {
            send(&mut one, &datagrams.iter().map(Vec::as_slice).collect::<Vec<_>>(), other.local()).await;
        }
        let mut told: Vec<_> =
            receive(&mut other, 300).await.into_iter().map(|(datagram, _)| datagram).collect();
        told.sort();
        assert!(told == expected);
    }

    /// Receives in one call, and returns the datagrams.
    #[cfg(target_os = "linux")]
    async fn receive_once(udp: &mut Udp) -> Vec<Vec<u8>> {
        let readable = tokio::time::timeout(Duration::from_secs(10), udp.readable()).await;
        readable.expect("datagrams are there").unwrap();
        let count = udp.try_receive().unwrap();
        (0..count).filter_map(|index| udp.received(index)).map(|(_, datagram)| datagram.to_vec()).collect()
    }

    /// Requests of one length: INVITEs, and ACKs behind them.
    #[cfg(target_os = "linux")]
    fn requests() -> Vec<Vec<u8>> {
        let request = |number| {
            let method = if number < 25 { "INVITE" } else { "ACK   " };
            format!("{method} sip:858@192.0.2.1 SIP/2.0\r\nCSeq: {number:09}\r\n").into_bytes()
        };
        (0..50).map(request).collect()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_sent_together_is_taken_in_one_call_and_apart_from_each_other() {
        let (mut one, mut other) = pair();
        let requests = requests();
        send(&mut one, &requests.iter().map(Vec::as_slice).collect::<Vec<_>>(), other.local()).await;
        // By itself each would take a place, of which the kernel is told of eight.
        assert!(receive_once(&mut other).await == requests);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_left_of_what_was_received_is_waited_for_no_longer() {
        let (mut one, mut other) = pair();
        for _ in 0..4 {
            send(&mut one, &requests().iter().map(Vec::as_slice).collect::<Vec<_>>(), other.local()).await;
        }
        let mut batches = Vec::new();
        while batches.iter().sum::<usize>() < 4 * 50 {
            batches.push(receive_once(&mut other).await.len());
        }
        // Where all of it came before it was asked for, it was received in one call.
        assert!(batches.iter().all(|batch| *batch <= 64), "{batches:?}");
        assert_eq!(other.try_receive().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(!other.received.is_full());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_ipv6_wildcard_takes_what_ipv4_peers_send_together() {
        let mut dual = Udp::bind("[::]:0".parse().unwrap()).unwrap();
        let mut peer = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let to = SocketAddr::new("127.0.0.1".parse().unwrap(), dual.local().port());
        let requests = requests();
        send(&mut peer, &requests.iter().map(Vec::as_slice).collect::<Vec<_>>(), to).await;
        assert!(receive_once(&mut dual).await == requests);
        assert_eq!(dual.received(49).map(|(source, _)| source), Some(peer.local()));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn no_ack_shares_the_fate_of_invites_that_it_came_with() {
        use super::super::shedding::Part;

        let (mut one, mut other) = pair();
        let requests = requests();
        let sent: Vec<&[u8]> = requests.iter().map(Vec::as_slice).collect();
        let parts = Parts { strangers: Part::LEAST, ..Parts::ALL };
        other.let_in(parts, std::iter::empty()).unwrap();
        send(&mut one, &sent, other.local()).await;
        let mut acks = Vec::new();
        while acks.len() < 25 {
            let taken = receive_once(&mut other).await;
            acks.extend(taken.into_iter().filter(|request| request.starts_with(b"ACK")));
        }
        assert!(acks == requests[25..]);

        let (mut one, mut other) = pair();
        other.let_in(parts, std::iter::empty()).unwrap();
        other.let_in(Parts::ALL, std::iter::empty()).unwrap();
        send(&mut one, &sent, other.local()).await;
        assert!(receive_once(&mut other).await == requests, "without a filter they are joined again");
    }

    #[tokio::test]
    async fn what_cannot_be_sent_keeps_nothing_else_back() {
        let (mut one, mut other) = pair();
        let mut outbox = Outbox::default();
        for _ in 0..3 {
            outbox.push(address("255.255.255.255:5060"), b"no broadcast is allowed");
            outbox.push(address("[2001:db8::1]:5060"), b"not of this family");
            outbox.push(other.local(), b"this");
        }
        one.send(outbox.all()).await;
        assert_eq!(receive(&mut other, 3).await.len(), 3);
        assert!(one.cuts || !CUTS, "an address that cannot be reached is no refusal to cut");
    }

    #[tokio::test]
    async fn no_provisional_response_comes_behind_a_final_one_of_its_batch() {
        let (mut one, mut other) = pair();
        let call: [&[u8]; 4] =
            [b"SIP/2.0 100 T", b"SIP/2.0 180 R, longer", b"SIP/2.0 200 OK", b"SIP/2.0 487 Gone"];
        send(&mut one, &[call, call, call].concat(), other.local()).await;
        let told: Vec<_> =
            receive(&mut other, 12).await.into_iter().map(|(datagram, _)| datagram[8]).collect();
        let first_final = told.iter().position(|class| *class != b'1').unwrap();
        assert_eq!((first_final, told[first_final..].contains(&b'1')), (6, false));
    }

    #[tokio::test]
    async fn what_the_kernel_does_not_cut_goes_one_by_one() {
        let (one, mut other) = pair();
        let mut outbox = Outbox::default();
        for _ in 0..10 {
            outbox.push(other.local(), b"this");
            outbox.push(other.local(), b"and that");
        }
        let mut plan = Plan::default();
        plan.make(outbox.all(), true);
        plan.give_up();
        assert!(plan.split());
        one.socket.writable().await.unwrap();
        datagrams::send(&one.socket, outbox.all(), &mut plan, |to| to).unwrap();
        assert_eq!(receive(&mut other, 20).await.len(), 20);
    }

    #[tokio::test]
    async fn what_the_system_had_no_room_for_is_counted() {
        let (mut one, other) = pair();
        SockRef::from(&other.socket).set_recv_buffer_size(4_096).unwrap();
        let dropped = || {
            let mut counters = Counters::default();
            other.count(&mut counters);
            counters.dropped_by_system
        };
        assert_eq!(dropped(), 0);
        // An empty buffer takes one, however long: of what is joined all.
        for _ in 0..2 {
            send(&mut one, &[&[b'x'; 1_000][..]; 60], other.local()).await;
        }
        assert!(dropped() > 0 || !CUTS);
    }

    #[tokio::test]
    async fn an_address_can_be_listened_on_once() {
        let first = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(Udp::bind(first.local()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
