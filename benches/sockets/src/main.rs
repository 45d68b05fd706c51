//! The least that can answer an INVITE with a valid 486, like `benches/echo.rs`, by every way that Linux has of taking and
//! sending datagrams:
//!
//!     ringfence-sockets PORT one      a datagram a call: recvfrom and sendto
//!     ringfence-sockets PORT batch    up to 64 a call: recvmmsg and sendmmsg
//!     ringfence-sockets PORT cut      the same, and what is equally long goes to one peer as one, which the kernel cuts
//!     ringfence-sockets PORT spin     as `cut`, and asks again and again instead of sleeping until something comes
//!     ringfence-sockets PORT uring    one io_uring: a receive that is asked for once, answers by the batch
//!
//! It listens on 127.0.0.1 and takes one peer to be the only one.

#[path = "../../answer.rs"]
mod answer;
mod calls;
mod ring;

use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

use answer::answer;

/// How many datagrams are taken at once.
const AT_ONCE: usize = 64;
/// The longest that is taken.
const LONGEST: usize = 2_048;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok());
    let socket = UdpSocket::bind(("127.0.0.1", port.expect("usage: ringfence-sockets PORT WAY")))?;
    let fd = socket.as_raw_fd();
    match arguments.next().as_deref() {
        Some("one") => one(&socket),
        Some("batch") => calls::serve(fd, calls::Cuts::No, calls::Sleeps::Yes),
        Some("cut") => calls::serve(fd, calls::Cuts::Yes, calls::Sleeps::Yes),
        Some("spin") => calls::serve(fd, calls::Cuts::Yes, calls::Sleeps::No),
        Some("uring") => ring::serve(fd),
        _ => panic!("a way is one of: one, batch, cut, spin, uring"),
    }
}

fn one(socket: &UdpSocket) -> std::io::Result<()> {
    let (mut buffer, mut response) = (vec![0; LONGEST], Vec::with_capacity(LONGEST));
    loop {
        let (length, source) = socket.recv_from(&mut buffer)?;
        if answer(&buffer[..length], &mut response) {
            socket.send_to(&response, source)?;
        }
    }
}
