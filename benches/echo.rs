//! The least that can answer an INVITE with a valid 486: no transaction, no policy, a datagram at a time. What any
//! server takes beyond it is its own.
//!
//!     echo PORT
//!
//! It listens on 127.0.0.1, answers each INVITE with the five headers that a response must have, and absorbs all else.

mod answer;

use std::net::UdpSocket;

use answer::answer;

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|argument| argument.parse().ok());
    let socket = UdpSocket::bind(("127.0.0.1", port.expect("usage: echo PORT")))?;
    let (mut buffer, mut response) = (vec![0; 65_535], Vec::with_capacity(2_048));
    loop {
        let (length, source) = socket.recv_from(&mut buffer)?;
        if answer(&buffer[..length], &mut response) {
            socket.send_to(&response, source)?;
        }
    }
}
