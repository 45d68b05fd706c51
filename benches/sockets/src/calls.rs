//! By system calls for many datagrams.

use std::io;
use std::mem::{size_of, zeroed};
use std::ptr::null_mut;

use libc::{c_int, iovec, mmsghdr, msghdr, sockaddr_in};

use crate::{AT_ONCE, LONGEST, answer};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cuts {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sleeps {
    Yes,
    No,
}

/// Answers for ever.
pub(crate) fn serve(socket: c_int, cuts: Cuts, sleeps: Sleeps) -> io::Result<()> {
    let mut places = vec![[0_u8; LONGEST]; AT_ONCE];
    let mut responses = vec![Vec::with_capacity(LONGEST); AT_ONCE];
    // SAFETY: all of these are structs of integers and pointers, for which zero is a value.
    let (mut names, mut received, mut sent): (
        [sockaddr_in; AT_ONCE],
        [mmsghdr; AT_ONCE],
        [mmsghdr; AT_ONCE],
    ) = unsafe { (zeroed(), zeroed(), zeroed()) };
    let mut pieces = places.each_piece();
    let mut answers = [iovec { iov_base: null_mut(), iov_len: 0 }; AT_ONCE];
    loop {
        for ((header, name), piece) in received.iter_mut().zip(&mut names).zip(&mut pieces) {
            header.msg_hdr.msg_name = (&raw mut *name).cast();
            header.msg_hdr.msg_namelen = size_of::<sockaddr_in>() as u32;
            header.msg_hdr.msg_iov = piece;
            header.msg_hdr.msg_iovlen = 1;
        }
        let how = if sleeps == Sleeps::Yes { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        // SAFETY: the headers point to names and pieces, and these to places, that outlive the call.
        let count = unsafe { libc::recvmmsg(socket, received.as_mut_ptr(), AT_ONCE as u32, how, null_mut()) };
        let Ok(count) = usize::try_from(count) else {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::WouldBlock {
                continue;
            }
            return Err(error);
        };
        let mut answered = 0;
        for (header, place) in received.iter().zip(&places).take(count) {
            let response = &mut responses[answered];
            if answer(&place[..header.msg_len as usize], response) {
                answers[answered] = iovec { iov_base: response.as_mut_ptr().cast(), iov_len: response.len() };
                sent[answered].msg_hdr.msg_name = header.msg_hdr.msg_name;
                sent[answered].msg_hdr.msg_namelen = header.msg_hdr.msg_namelen;
                answered += 1;
            }
        }
        let is_equal = answers[..answered].iter().all(|piece| piece.iov_len == answers[0].iov_len);
        if cuts == Cuts::Yes && answered > 1 && is_equal {
            send_together(socket, &mut answers[..answered], &sent[0].msg_hdr)?;
        } else if answered > 0 {
            for (header, piece) in sent.iter_mut().zip(&mut answers).take(answered) {
                header.msg_hdr.msg_iov = piece;
                header.msg_hdr.msg_iovlen = 1;
            }
            // SAFETY: as above, of `responses`.
            checked(unsafe { libc::sendmmsg(socket, sent.as_mut_ptr(), answered as u32, 0) } as isize)?;
        }
    }
}

#[repr(C)]
struct Cut {
    header: libc::cmsghdr,
    length: u16,
    padding: [u8; 6],
}

/// Sends equally long answers to one peer, as one.
fn send_together(socket: c_int, answers: &mut [iovec], first: &msghdr) -> io::Result<()> {
    let length = answers[0].iov_len as u16;
    for some in answers.chunks_mut(65_000 / usize::from(length)) {
        // SAFETY: zero is a value of both.
        let (mut message, mut cut): (msghdr, Cut) = unsafe { (zeroed(), zeroed()) };
        cut.header.cmsg_len = (size_of::<libc::cmsghdr>() + size_of::<u16>()) as _;
        cut.header.cmsg_level = libc::SOL_UDP;
        cut.header.cmsg_type = libc::UDP_SEGMENT;
        cut.length = length;
        message.msg_name = first.msg_name;
        message.msg_namelen = first.msg_namelen;
        message.msg_iov = some.as_mut_ptr();
        message.msg_iovlen = some.len() as _;
        message.msg_control = (&raw mut cut).cast();
        message.msg_controllen = size_of::<Cut>() as _;
        // SAFETY: what the message points to outlives the call.
        checked(unsafe { libc::sendmsg(socket, &raw const message, 0) })?;
    }
    Ok(())
}

fn checked(result: isize) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

trait Pieces {
    fn each_piece(&mut self) -> Vec<iovec>;
}

impl Pieces for Vec<[u8; LONGEST]> {
    fn each_piece(&mut self) -> Vec<iovec> {
        self.iter_mut().map(|place| iovec { iov_base: place.as_mut_ptr().cast(), iov_len: LONGEST }).collect()
    }
}
