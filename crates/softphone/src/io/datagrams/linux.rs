//! `recvmmsg`, `sendmmsg`, and what is cut and joined by the kernel: the one module of the SDK that needs `unsafe`.
//!
//! Each call is given arrays that live on this stack or are borrowed for its time, and keeps no pointer. What the kernel
//! writes is read only as far as it says that it has written.

#![expect(unsafe_code, reason = "the standard library has no call for many datagrams")]
#![expect(clippy::cast_possible_truncation, reason = "what is cast is the size of an array of this file")]

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::ptr;

use ringfence_ua::Transmits;
use socket2::SockAddr;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::super::shedding::Queue;
use super::received::{AT_ONCE, PLACE, Received};
use super::{Group, LONGEST_DATAGRAM, Plan};

/// Whether the kernel may be asked to cut what is sent together.
pub(in super::super) const CUTS: bool = true;

/// Takes the next batch of what was received, or else receives what is there.
pub(in super::super) fn receive(socket: &UdpSocket, received: &mut Received) -> io::Result<()> {
    if received.go_on() {
        return Ok(());
    }
    socket.try_io(Interest::READABLE, || receive_into(socket.as_fd(), received))
}

fn receive_into(socket: BorrowedFd<'_>, received: &mut Received) -> io::Result<()> {
    let mut names = [const { MaybeUninit::<libc::sockaddr_storage>::uninit() }; AT_ONCE];
    let mut places = [const { MaybeUninit::<libc::iovec>::uninit() }; AT_ONCE];
    let mut joints = [const { MaybeUninit::<Joint>::uninit() }; AT_ONCE];
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; AT_ONCE];
    let each = received.places().chunks_exact_mut(PLACE);
    let mut written = 0;
    let told = names.iter_mut().zip(&mut places).zip(&mut joints).zip(&mut headers).zip(each);
    for ((((name, place), joint), header), bytes) in told {
        let room = bytes.len().min(LONGEST_DATAGRAM);
        let place = place.write(libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: room });
        let mut one = message(name.as_mut_ptr().cast(), NAME, place, 1);
        *joint = MaybeUninit::zeroed();
        one.msg_control = joint.as_mut_ptr().cast();
        one.msg_controllen = mem::size_of::<Joint>() as _;
        header.write(libc::mmsghdr { msg_hdr: one, msg_len: 0 });
        written += 1;
    }
    // SAFETY: the first `written` headers were written above, and the kernel is told of no more. Each points to a name of NAME
    // octets, to one place, which points to bytes and counts no more than there are, and to a control message of the size that
    // it says; all of them are other ones for each header, and live and are touched by nobody else until the call returns.
    // There is no timeout (null), and the kernel keeps none of the pointers.
    let count = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr().cast(),
            written,
            libc::MSG_DONTWAIT,
            ptr::null_mut(),
        )
    };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    for (place, ((header, name), joint)) in headers.iter().zip(&names).zip(&joints).take(count).enumerate() {
        // SAFETY: the kernel counts no more than the `written` headers that it was told of, which were all written before.
        let header = unsafe { header.assume_init_ref() };
        let length = (header.msg_len as usize).min(LONGEST_DATAGRAM);
        // SAFETY: of a datagram that it counts the kernel has written its source's name, and in `msg_namelen` how many octets
        // that are: no more than NAME, as no name is longer than a `sockaddr_storage`.
        let source = unsafe { address(name, header.msg_hdr.msg_namelen) };
        // SAFETY: it is a struct of integers, all of which were zero for each of the `written` headers before the kernel wrote.
        let joint = unsafe { joint.assume_init_ref() };
        received.take(place, length, joint.length(), source);
    }
    received.taken(count);
    Ok(())
}

/// Has the kernel hand over as one what has come from one peer side by side at one length (`UDP_GRO`), or each by itself.
pub(in super::super) fn join(socket: &UdpSocket, joins: bool) -> io::Result<()> {
    let joins = libc::c_int::from(joins);
    // SAFETY: the kernel reads one `c_int`, which lives until the call returns.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_GRO,
            (&raw const joins).cast(),
            mem::size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sends what is planned and not sent yet. An error is of the datagrams that come next, which are then given up; with
/// `WouldBlock` they are not.
pub(in super::super) fn send(
    socket: &UdpSocket,
    transmits: Transmits<'_>,
    plan: &mut Plan,
    name: impl Fn(SocketAddr) -> SocketAddr,
) -> io::Result<()> {
    while !plan.is_done() {
        let sent = socket.try_io(Interest::WRITABLE, || send_some(socket.as_fd(), transmits, plan, &name));
        match sent {
            Ok(sent) => plan.done += sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            Err(error) => {
                plan.give_up();
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Sends as many of the groups that come next as one call takes. Returns how many it took.
fn send_some(
    socket: BorrowedFd<'_>,
    transmits: Transmits<'_>,
    plan: &Plan,
    name: impl Fn(SocketAddr) -> SocketAddr,
) -> io::Result<usize> {
    let groups = plan.groups.get(plan.done..).unwrap_or_default();
    let mut pieces = [const { MaybeUninit::<libc::iovec>::uninit() }; MOST_PIECES];
    let mut used = 0;
    let fits = |group: &&Group| {
        used += group.count;
        used <= MOST_PIECES
    };
    let groups = &groups[..groups.iter().take(AT_ONCE).take_while(fits).count()];
    // How many pieces of each group are written.
    let mut counts = [0; AT_ONCE];
    let mut rest = pieces.iter_mut();
    for (group, count) in groups.iter().zip(&mut counts) {
        for (index, piece) in plan.members(group).zip(rest.by_ref()) {
            let payload = transmits.get(index).map_or(&[][..], |transmit| transmit.payload);
            // The kernel reads what is sent, and does not write it.
            let start = payload.as_ptr().cast_mut().cast();
            piece.write(libc::iovec { iov_base: start, iov_len: payload.len() });
            *count += 1;
        }
    }

    let pieces = pieces.as_mut_ptr().cast::<libc::iovec>();
    let mut names = [const { MaybeUninit::<SockAddr>::uninit() }; AT_ONCE];
    let mut cuts = [const { MaybeUninit::<Cut>::uninit() }; AT_ONCE];
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; AT_ONCE];
    let mut first = 0;
    let mut written = 0;
    let each = groups.iter().zip(counts).zip(&mut names).zip(&mut cuts).zip(&mut headers);
    for ((((group, count), place), cut), header) in each {
        let to = place.write(SockAddr::from(name(group.destination)));
        let to = (to.as_ptr().cast_mut().cast(), to.len());
        let mut together = message(to.0, to.1, pieces.wrapping_add(first), count);
        if count > 1 {
            together.msg_control = ptr::from_mut(cut.write(Cut::into(group.length))).cast();
            together.msg_controllen = mem::size_of::<Cut>() as _;
        }
        header.write(libc::mmsghdr { msg_hdr: together, msg_len: 0 });
        first += count;
        written += 1;
    }
    // SAFETY: the first `written` headers were written above, and the kernel is told of no more. Each points to a name and
    // perhaps a control message that were written and are as long as it says, and to `count` pieces: those that were
    // counted as they were written, side by side behind the `first` ones of the groups before. Each piece is a
    // slice of `transmits`, which is borrowed; all else lies in arrays of this function. The kernel only reads
    // them, writes `msg_len` of the headers, and keeps no pointer.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr().cast(),
            written,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Returns how full the receive buffer is, and how many datagrams were dropped since the socket was made.
pub(in super::super) fn queue(socket: &UdpSocket) -> Option<Queue> {
    let mut values = [0_u32; MEMINFO_VALUES];
    let mut length = mem::size_of_val(&values) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` octets to `values`, which has as many, and `length` itself.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            values.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    let is_whole = result == 0 && length as usize > MEMINFO_DROPS * mem::size_of::<u32>();
    is_whole.then(|| Queue {
        taken: values[MEMINFO_TAKEN],
        room: values[MEMINFO_ROOM],
        dropped: values[MEMINFO_DROPS],
    })
}

/// Tells whether an error says that what was to be cut does not fit a packet of the way.
pub(in super::super) fn is_too_long(error: i32) -> bool {
    error == libc::EMSGSIZE
}

/// Tells whether an error says that what is sent together cannot be cut.
pub(in super::super) fn refuses_to_cut(error: i32) -> bool {
    matches!(error, libc::EIO | libc::EINVAL | libc::EOPNOTSUPP | libc::ENOPROTOOPT)
}

/// `SK_MEMINFO_RMEM_ALLOC`, `SK_MEMINFO_RCVBUF` and `SK_MEMINFO_DROPS` of `linux/sock_diag.h`, and how many values there are
/// (`SK_MEMINFO_VARS`).
const MEMINFO_TAKEN: usize = 0;
const MEMINFO_ROOM: usize = 1;
const MEMINFO_DROPS: usize = 8;
const MEMINFO_VALUES: usize = 9;

/// Datagrams that one call sends: twice what one receives, a 100 and a 486 each.
const MOST_PIECES: usize = 2 * AT_ONCE;

const NAME: libc::socklen_t = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;

fn message(
    name: *mut libc::c_void,
    name_length: libc::socklen_t,
    pieces: *mut libc::iovec,
    count: usize,
) -> libc::msghdr {
    // SAFETY: it is a struct of integers and pointers, for which zero is a value; some C libraries have padding in it.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = name;
    header.msg_namelen = name_length;
    header.msg_iov = pieces;
    header.msg_iovlen = count as _;
    header
}

/// A control message that has the kernel cut what is sent into datagrams of one length.
#[repr(C)]
struct Cut {
    header: libc::cmsghdr,
    length: u16,
    padding: [u8; mem::align_of::<libc::cmsghdr>() - 2],
}

impl Cut {
    fn into(length: usize) -> Self {
        // SAFETY: as in `message`.
        let mut header: libc::cmsghdr = unsafe { mem::zeroed() };
        header.cmsg_len = (mem::size_of::<libc::cmsghdr>() + mem::size_of::<u16>()) as _;
        header.cmsg_level = libc::SOL_UDP;
        header.cmsg_type = libc::UDP_SEGMENT;
        // A plan makes no group of longer ones.
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        Self { header, length, padding: [0; mem::align_of::<libc::cmsghdr>() - 2] }
    }
}

/// A control message that says how long each of the datagrams is that were joined. All of it is zero where the kernel has
/// written none.
#[repr(C)]
struct Joint {
    header: libc::cmsghdr,
    length: libc::c_int,
    padding: [u8; mem::align_of::<libc::cmsghdr>() - mem::size_of::<libc::c_int>()],
}

impl Joint {
    fn length(&self) -> Option<usize> {
        let is_one = self.header.cmsg_level == libc::SOL_UDP && self.header.cmsg_type == libc::UDP_GRO;
        if is_one { usize::try_from(self.length).ok() } else { None }
    }
}

/// Reads an address that the kernel wrote.
///
/// # Safety
///
/// The first `length` octets of `name` are written.
unsafe fn address(name: &MaybeUninit<libc::sockaddr_storage>, length: libc::socklen_t) -> Option<SocketAddr> {
    let length = length as usize;
    if length < mem::size_of::<libc::sa_family_t>() {
        return None;
    }
    let name = name.as_ptr();
    // SAFETY: the family is the first field on Linux, and was just seen to be written.
    let family = unsafe { name.cast::<libc::sa_family_t>().read() };
    match libc::c_int::from(family) {
        libc::AF_INET if length >= mem::size_of::<libc::sockaddr_in>() => {
            // SAFETY: it is written to its whole length, and a `sockaddr_storage` is aligned for it.
            let name = unsafe { name.cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(name.sin_port)).into())
        }
        libc::AF_INET6 if length >= mem::size_of::<libc::sockaddr_in6>() => {
            // SAFETY: the same.
            let name = unsafe { name.cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            let port = u16::from_be(name.sin6_port);
            Some(SocketAddrV6::new(ip, port, name.sin6_flowinfo, name.sin6_scope_id).into())
        }
        _ => None,
    }
}
