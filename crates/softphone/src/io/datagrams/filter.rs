//! The program that takes new requests away before they are received, in the words of the kernel's packet filter
//! (`linux/filter.h`). It sees a datagram from its UDP header on.

use std::io;

use socket2::{SockFilter, SockRef};
use tokio::net::UdpSocket;

use crate::io::shedding::Part;

/// Lets a part of the new requests in from now on; with all of them the filter is gone.
pub(in super::super) fn let_in(socket: &UdpSocket, part: Part) -> io::Result<()> {
    let socket = SockRef::from(socket);
    if part == Part::ALL { socket.detach_filter() } else { socket.attach_filter(&program(part)) }
}

/// How that begins which is no new request: responses, and the requests that belong to one that was let in before.
const RESPONSE: u32 = u32::from_be_bytes(*b"SIP/");
const ACK: u32 = u32::from_be_bytes(*b"ACK ");
const CANCEL: u32 = u32::from_be_bytes(*b"CANC");
const BYE: u32 = u32::from_be_bytes(*b"BYE ");
/// What keeps a way open.
const PING: u32 = u32::from_be_bytes(*b"\r\n\r\n");
/// Below this the first word is of STUN, whose first two bits are zero and whose types are few (RFC 8489 section 5).
const BEYOND_STUN: u32 = 0x0200_0000;

const UDP_HEADER: u32 = 8;
const WORD: u32 = 4;

// Of `linux/bpf_common.h`.
const LOAD_LENGTH: u16 = 0x80;
const LOAD_WORD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Where a random word is read: `SKF_AD_OFF` and `SKF_AD_RANDOM`.
const RANDOM: u32 = 0_u32.wrapping_sub(0x1000).wrapping_add(56);

const INSTRUCTIONS: u8 = 13;
const PASS: u8 = INSTRUCTIONS - 2;
const DROP: u8 = INSTRUCTIONS - 1;

fn program(part: Part) -> [SockFilter; INSTRUCTIONS as usize] {
    [
        SockFilter::new(LOAD_LENGTH, 0, 0, 0),
        // What has no whole word is no request: to read one would drop it.
        branch(1, IF_AT_LEAST, UDP_HEADER + WORD, 2, PASS),
        SockFilter::new(LOAD_WORD, 0, 0, UDP_HEADER),
        branch(3, IF_EQUAL, RESPONSE, PASS, 4),
        branch(4, IF_EQUAL, ACK, PASS, 5),
        branch(5, IF_EQUAL, CANCEL, PASS, 6),
        branch(6, IF_EQUAL, BYE, PASS, 7),
        branch(7, IF_EQUAL, PING, PASS, 8),
        branch(8, IF_AT_LEAST, BEYOND_STUN, 9, PASS),
        SockFilter::new(LOAD_WORD, 0, 0, RANDOM),
        branch(10, IF_GREATER, part.threshold(), DROP, PASS),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

/// Returns the instruction at a place that goes on at one place or another.
const fn branch(at: u8, code: u16, value: u32, then: u8, otherwise: u8) -> SockFilter {
    SockFilter::new(code, then - at - 1, otherwise - at - 1, value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sends each datagram so many times to a socket that lets a part in, and counts which arrive.
    async fn arriving(part: Part, times: usize, datagrams: &[&[u8]]) -> Vec<usize> {
        let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let_in(&receiver, Part::LEAST).unwrap();
        let_in(&receiver, part).unwrap();
        sender.connect(receiver.local_addr().unwrap()).await.unwrap();
        let mut counts = vec![0; datagrams.len()];
        let mut buffer = [0; 100];
        for _ in 0..times {
            for datagram in datagrams.iter().chain(&[&b"SIP/2.0 299 end of the round"[..]]) {
                sender.send(datagram).await.unwrap();
            }
            loop {
                let next = tokio::time::timeout(Duration::from_secs(10), receiver.recv(&mut buffer)).await;
                let length = next.expect("a response is never taken away").unwrap();
                match datagrams.iter().position(|datagram| *datagram == &buffer[..length]) {
                    Some(index) => counts[index] += 1,
                    None => break,
                }
            }
        }
        counts
    }

    #[tokio::test]
    async fn new_requests_are_taken_away_and_nothing_else() {
        let kept: [&[u8]; 9] = [
            b"SIP/2.0 200 OK",
            b"ACK sip:a@b SIP/2.0",
            b"CANCEL sip:a@b SIP/2.0",
            b"BYE sip:a@b SIP/2.0",
            b"\r\n\r\n",
            b"\r\n",
            b"",
            b"\x01\x01\0\0\x21\x12\xa4\x42",
            b"INV",
        ];
        assert_eq!(arriving(Part::LEAST, 100, &kept).await, [100; 9]);
        let new: [&[u8]; 4] = [b"INVITE sip:a@b SIP/2.0", b"REGISTER sip:b SIP/2.0", b"OPTIONS", b"\x80RTP"];
        let arrived = arriving(Part::LEAST, 500, &new).await;
        assert!(
            arrived.iter().all(|count| *count < 25),
            "{arrived:?} of 500, where one of a thousand is let in"
        );
        assert_eq!(arriving(Part::ALL, 100, &new).await, [100; 4]);
    }
}
