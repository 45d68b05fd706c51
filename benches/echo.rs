//! The least that can answer an INVITE with a valid 486: no transaction, no policy, a datagram at a time. What any
//! server takes beyond it is its own.
//!
//!     echo PORT
//!
//! It listens on 127.0.0.1, answers each INVITE with the five headers that a response must have, and absorbs all else.

use std::net::UdpSocket;

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|argument| argument.parse().ok());
    let socket = UdpSocket::bind(("127.0.0.1", port.expect("usage: echo PORT")))?;
    let (mut buffer, mut response) = (vec![0; 65_535], Vec::with_capacity(2_048));
    loop {
        let (length, source) = socket.recv_from(&mut buffer)?;
        let request = &buffer[..length];
        if !request.starts_with(b"INVITE ") {
            continue;
        }
        response.clear();
        response.extend_from_slice(b"SIP/2.0 486 Busy Here\r\n");
        for line in request.split_inclusive(|byte| *byte == b'\n').skip(1).take_while(|line| line.len() > 2) {
            let is_echoed = |name: &&[u8]| line.starts_with(name);
            if [&b"Via:"[..], b"From:", b"Call-ID:", b"CSeq:"].iter().any(is_echoed) {
                response.extend_from_slice(line);
            } else if line.starts_with(b"To:") {
                response.extend_from_slice(line.trim_ascii_end());
                response.extend_from_slice(b";tag=1\r\n");
            }
        }
        response.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        socket.send_to(&response, source)?;
    }
}
