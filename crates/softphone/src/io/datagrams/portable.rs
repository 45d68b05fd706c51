//! One datagram a call, where the system has no call for many.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ringfence_ua::Transmits;
use tokio::net::UdpSocket;

use super::super::shedding::{Parts, Queue};
use super::{LONGEST_DATAGRAM, Plan};

/// Whether the kernel may be asked to cut what is sent together.
pub(in super::super) const CUTS: bool = false;

/// What was received last: one datagram.
pub(in super::super) struct Received {
    place: Vec<u8>,
    it: Option<(usize, SocketAddr)>,
}

impl Received {
    pub(in super::super) fn new() -> Self {
        Self { place: vec![0; LONGEST_DATAGRAM], it: None }
    }

    /// Returns how many there are.
    pub(in super::super) fn len(&self) -> usize {
        usize::from(self.it.is_some())
    }

    /// Tells whether there is another batch: what is received is one datagram.
    pub(in super::super) fn has_more(&self) -> bool {
        self.len() > 1
    }

    /// Tells whether a batch or more was there, so that the socket may have still more.
    pub(in super::super) fn is_full(&self) -> bool {
        self.has_more()
    }

    /// Returns one of them, and where it came from.
    pub(in super::super) fn get(&self, index: usize) -> Option<(&[u8], SocketAddr)> {
        let (length, source) = self.it.filter(|_| index == 0)?;
        Some((self.place.get(..length)?, source))
    }
}

/// Fails unless each datagram is to be handed over by itself: nothing is joined here.
pub(in super::super) fn join(_: &UdpSocket, joins: bool) -> io::Result<()> {
    if joins { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
}

/// Receives one datagram, if it is there.
pub(in super::super) fn receive(socket: &UdpSocket, received: &mut Received) -> io::Result<()> {
    received.it = None;
    received.it = Some(socket.try_recv_from(&mut received.place)?);
    Ok(())
}

/// Sends what is planned and not sent yet. An error is of the datagram that comes next, which is then given up; with
/// `WouldBlock` it is not.
pub(in super::super) fn send(
    socket: &UdpSocket,
    transmits: Transmits<'_>,
    plan: &mut Plan,
    name: impl Fn(SocketAddr) -> SocketAddr,
) -> io::Result<()> {
    // Nothing is cut here, so that each group is one datagram.
    while let Some(group) = plan.groups.get(plan.done) {
        let sent = plan.members(group).filter_map(|index| transmits.get(index)).try_for_each(|transmit| {
            socket.try_send_to(transmit.payload, name(transmit.destination)).map(drop)
        });
        if !sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            plan.done += 1;
        }
        sent?;
    }
    Ok(())
}

/// Returns nothing: the system does not say how full the receive buffer is, and what it had no room for.
pub(in super::super) fn queue(_: &UdpSocket) -> Option<Queue> {
    None
}

/// Fails: there is no filter.
pub(in super::super) fn let_in(_: &UdpSocket, _: Parts, _: impl Iterator<Item = IpAddr>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Tells whether an error says that what was to be cut does not fit a packet of the way: nothing is cut here.
pub(in super::super) fn is_too_long(_: i32) -> bool {
    false
}

/// Tells whether an error says that what is sent together cannot be cut.
pub(in super::super) fn refuses_to_cut(_: i32) -> bool {
    false
}
