//! The program that takes new requests away before they are received, in the words of the kernel's packet filter
//! (`linux/filter.h`). It sees a datagram from its UDP header on.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};

use socket2::{SockFilter, SockRef};
use tokio::net::UdpSocket;

use crate::io::shedding::{Part, Parts};

/// Lets parts of the new requests in from now on; with all of them the filter is gone. Where more are known than are told
/// apart, new requests of all are strangers', and all else of all is let in.
pub(in super::super) fn let_in(
    socket: &UdpSocket,
    parts: Parts,
    known: impl Iterator<Item = IpAddr>,
) -> io::Result<()> {
    let socket = SockRef::from(socket);
    if parts == Parts::ALL {
        return socket.detach_filter();
    }
    let known: Vec<_> = known.take(MOST_KNOWN + 1).collect();
    let (parts, known) = match known.len() {
        0..=MOST_KNOWN => (parts, &known[..]),
        _ => (Parts { others: Part::ALL, ..parts }, &[][..]),
    };
    socket.attach_filter(&program(parts, known))
}

/// An address takes nine steps at most: to have the kernel take the program anew, each 2 ms, is to cost less than what it
/// saves.
const MOST_KNOWN: usize = 128;

/// How that begins which is no new request: responses, and the requests that belong to one that was let in before.
const RESPONSE: u32 = u32::from_be_bytes(*b"SIP/");
const ACK: u32 = u32::from_be_bytes(*b"ACK ");
const CANCEL: u32 = u32::from_be_bytes(*b"CANC");
const BYE: u32 = u32::from_be_bytes(*b"BYE ");
/// What keeps a way open, where nothing stands behind it.
const PING: u32 = u32::from_be_bytes(*b"\r\n\r\n");
/// Below this the first word is of STUN, whose first two bits are zero and whose types are few (RFC 8489 section 5).
const BEYOND_STUN: u32 = 0x0200_0000;

const UDP_HEADER: u32 = 8;
const WORD: u32 = 4;
const WORDS_OF_IPV6: usize = 4;
/// Where the octets of the IP header begin (`SKF_NET_OFF`), and in them the source.
const IP_HEADER: u32 = 0_u32.wrapping_sub(0x10_0000);
const IPV4_SOURCE: u32 = IP_HEADER.wrapping_add(12);
const IPV6_SOURCE: u32 = IP_HEADER.wrapping_add(8);
/// The first octet of an IP header: below this it is one of IPv4.
const BEYOND_IPV4: u32 = 0x60;
/// Where a random word is read (`SKF_AD_OFF` and `SKF_AD_RANDOM`).
const RANDOM: u32 = 0_u32.wrapping_sub(0x1000).wrapping_add(56);

// Of `linux/bpf_common.h`.
const LOAD_LENGTH: u16 = 0x80;
const LOAD_WORD: u16 = 0x20;
const LOAD_OCTET: u16 = 0x30;
const LOAD_NUMBER: u16 = 0x00;
const LOAD_NOTE: u16 = 0x60;
const NOTE: u16 = 0x02;
const GO: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// What is noted of a datagram while its source is looked at.
const IS_NEW: u32 = 0;
const IS_OTHER: u32 = 1;

/// A step of the program. What is jumped to stands behind it.
#[derive(Clone, Copy)]
enum Step {
    Load {
        how: u16,
        at: u32,
    },
    /// Goes on at the label where it holds.
    If {
        how: u16,
        value: u32,
        to: Label,
    },
    /// Goes on at the label where it does not hold.
    Unless {
        how: u16,
        value: u32,
        to: Label,
    },
    Go(Label),
    /// Where those jump to that have the label. It is no instruction.
    Here(Label),
    Return(u32),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Label {
    New,
    Ping,
    Other,
    Source,
    OtherOfStranger,
    Pass,
    Drop,
    Known,
    Stranger,
    OfIpv4,
    OfIpv6,
    /// Behind the comparison with one address.
    Next(usize),
}

fn program(parts: Parts, known: &[IpAddr]) -> Vec<SockFilter> {
    use Label::{Drop, Known, New, OfIpv4, OfIpv6, Other, OtherOfStranger, Pass, Ping, Source, Stranger};
    use Step::{Go, Here, If, Load, Return, Unless};
    let mut steps = vec![
        Load { how: LOAD_LENGTH, at: 0 },
        // What has no whole word is no request: to read one would drop it.
        Unless { how: IF_AT_LEAST, value: UDP_HEADER + WORD, to: Other },
        Load { how: LOAD_WORD, at: UDP_HEADER },
    ];
    steps.extend([RESPONSE, ACK, CANCEL, BYE].map(|value| If { how: IF_EQUAL, value, to: Other }));
    steps.extend([
        If { how: IF_EQUAL, value: PING, to: Ping },
        Unless { how: IF_AT_LEAST, value: BEYOND_STUN, to: Other },
        Go(New),
        Here(Ping),
        Load { how: LOAD_LENGTH, at: 0 },
        // Line ends before a request are skipped where it is read.
        Unless { how: IF_EQUAL, value: UDP_HEADER + WORD, to: New },
        Here(Other),
        Load { how: LOAD_NUMBER, at: IS_OTHER },
        Load { how: NOTE, at: 0 },
        Go(Source),
        Here(New),
        Load { how: LOAD_NUMBER, at: IS_NEW },
        Load { how: NOTE, at: 0 },
        Here(Source),
        Load { how: LOAD_OCTET, at: IP_HEADER },
        If { how: IF_AT_LEAST, value: BEYOND_IPV4, to: OfIpv6 },
        Go(OfIpv4),
        Here(OfIpv6),
    ]);
    for (index, address) in known.iter().enumerate() {
        if let IpAddr::V6(address) = address {
            steps.extend(is_from(*address, index));
        }
    }
    steps.extend([Go(Stranger), Here(OfIpv4), Load { how: LOAD_WORD, at: IPV4_SOURCE }]);
    for (index, address) in known.iter().enumerate() {
        if let IpAddr::V4(address) = address {
            let to = Label::Next(index);
            steps.extend([Unless { how: IF_EQUAL, value: address.to_bits(), to }, Go(Known), Here(to)]);
        }
    }
    let by_chance = |part: Part| {
        let chance = If { how: IF_GREATER, value: part.threshold(), to: Drop };
        [Load { how: LOAD_WORD, at: RANDOM }, chance, Go(Pass)]
    };
    let is_other = |to| [Load { how: LOAD_NOTE, at: 0 }, If { how: IF_EQUAL, value: IS_OTHER, to }];
    steps.push(Here(Stranger));
    steps.extend(is_other(OtherOfStranger));
    steps.extend(by_chance(parts.strangers));
    steps.push(Here(OtherOfStranger));
    steps.extend(by_chance(parts.others));
    steps.push(Here(Known));
    steps.extend(is_other(Pass));
    steps.extend(by_chance(parts.known));
    steps.extend([Here(Pass), Return(u32::MAX), Here(Drop), Return(0)]);
    assembled(&steps)
}

/// Goes on at `Known` where the source is an address, and behind these steps where it is another.
fn is_from(address: Ipv6Addr, index: usize) -> impl Iterator<Item = Step> {
    let octets = address.octets();
    let (words, _) = octets.as_chunks::<4>();
    let words: [u32; WORDS_OF_IPV6] = std::array::from_fn(|word| u32::from_be_bytes(words[word]));
    let to = Label::Next(index);
    let mut at = IPV6_SOURCE;
    let steps = words.map(|value| {
        let load = Step::Load { how: LOAD_WORD, at };
        at = at.wrapping_add(WORD);
        [load, Step::Unless { how: IF_EQUAL, value, to }]
    });
    steps.into_iter().flatten().chain([Step::Go(Label::Known), Step::Here(to)])
}

/// Replaces labels by how far they are. All but [`Step::Go`] lead over 255 steps at most.
fn assembled(steps: &[Step]) -> Vec<SockFilter> {
    let mut places = HashMap::new();
    let mut count: u32 = 0;
    for step in steps {
        match step {
            Step::Here(label) => drop(places.insert(*label, count)),
            Step::Load { .. } | Step::If { .. } | Step::Unless { .. } | Step::Go(_) | Step::Return(_) => {
                count += 1;
            }
        }
    }
    let place = |label: Label| places.get(&label).copied().unwrap_or(count);
    let mut assembled = Vec::with_capacity(steps.len());
    for step in steps {
        let behind = u32::try_from(assembled.len()).unwrap_or(u32::MAX).saturating_add(1);
        let over = |label| place(label).saturating_sub(behind);
        let near = |label| u8::try_from(over(label)).unwrap_or(u8::MAX);
        assembled.push(match *step {
            Step::Load { how, at } => SockFilter::new(how, 0, 0, at),
            Step::If { how, value, to } => SockFilter::new(how, near(to), 0, value),
            Step::Unless { how, value, to } => SockFilter::new(how, 0, near(to), value),
            Step::Go(to) => SockFilter::new(GO, 0, 0, over(to)),
            Step::Return(value) => SockFilter::new(RETURN, 0, 0, value),
            Step::Here(_) => continue,
        });
    }
    assembled
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY_NEW: Parts = Parts { strangers: Part::LEAST, others: Part::ALL, known: Part::LEAST };
    const THE_KNOWN: Parts = Parts { strangers: Part::LEAST, others: Part::LEAST, known: Part::ALL };

    /// Sends each datagram so many times from an address to a socket with a filter, and counts which arrive: on the loopback
    /// interface what has been sent is there.
    async fn arriving(
        from: &str,
        parts: Parts,
        known: &[&str],
        times: usize,
        datagrams: &[&[u8]],
    ) -> Vec<usize> {
        // An IPv6 wildcard hears peers of both families.
        let listening = if from == "127.0.0.1" { "127.0.0.1:0" } else { "[::]:0" };
        let receiver = std::net::UdpSocket::bind(listening).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let filtered = UdpSocket::from_std(receiver.try_clone().unwrap()).unwrap();
        let known = || known.iter().map(|address| address.parse().unwrap());
        let_in(&filtered, NOBODY_NEW, known()).unwrap();
        let_in(&filtered, parts, known()).unwrap();
        let sender = UdpSocket::bind(format!("{from}:0")).await.unwrap();
        let loopback = if from.contains("::") { "[::1]" } else { "127.0.0.1" };
        let port = receiver.local_addr().unwrap().port();
        sender.connect(format!("{loopback}:{port}")).await.unwrap();
        let mut counts = vec![0; datagrams.len()];
        let mut buffer = [0; 100];
        for _ in 0..times {
            for datagram in datagrams {
                sender.send(datagram).await.unwrap();
            }
            while let Ok(length) = receiver.recv(&mut buffer) {
                let is_it = |datagram: &&[u8]| *datagram == &buffer[..length];
                counts[datagrams.iter().position(is_it).unwrap()] += 1;
            }
        }
        counts
    }

    const NEW: [&[u8]; 5] = [
        b"INVITE sip:a@b SIP/2.0",
        b"REGISTER sip:b SIP/2.0",
        b"OPTIONS",
        b"\x80RTP",
        b"\r\n\r\nINVITE sip:a@b SIP/2.0",
    ];

    const OTHER: [&[u8]; 9] = [
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

    /// Tells whether next to nothing arrived of what came 500 times, where one of a thousand is let in.
    fn is_hardly_any(arrived: &[usize]) -> bool {
        arrived.iter().all(|count| *count < 25)
    }

    #[tokio::test]
    async fn new_requests_are_taken_away_and_nothing_else() {
        assert_eq!(arriving("127.0.0.1", NOBODY_NEW, &["127.0.0.1"], 100, &OTHER).await, [100; 9]);
        for known in [&["127.0.0.1"][..], &[]] {
            let arrived = arriving("127.0.0.1", NOBODY_NEW, known, 500, &NEW).await;
            assert!(is_hardly_any(&arrived), "{arrived:?}");
        }
        assert_eq!(arriving("127.0.0.1", Parts::ALL, &[], 100, &NEW).await, [100; 5]);
    }

    #[tokio::test]
    async fn those_whom_a_line_knows_are_told_from_strangers() {
        let known = ["192.0.2.1", "2001:db8::1", "127.0.0.3", "::1", "127.0.0.2", "2001:db8::2"];
        for (from, is_known) in
            [("127.0.0.2", true), ("127.0.0.3", true), ("127.0.0.4", false), ("[::1]", true)]
        {
            let arrived = arriving(from, THE_KNOWN, &known, 500, &NEW).await;
            let is_right = if is_known { arrived == [500; 5] } else { is_hardly_any(&arrived) };
            assert!(is_right, "{from}: {arrived:?}");
        }
        let arrived = arriving("[::1]", THE_KNOWN, &["2001:db8::1", "::2", "127.0.0.1"], 500, &NEW).await;
        assert!(is_hardly_any(&arrived), "{arrived:?}");
    }

    #[tokio::test]
    async fn of_a_stranger_all_else_can_be_taken_away_as_well_and_of_the_known_it_never_is() {
        let nearly_nothing = Parts { strangers: Part::LEAST, others: Part::LEAST, known: Part::LEAST };
        let arrived = arriving("127.0.0.1", nearly_nothing, &["127.0.0.2"], 500, &OTHER).await;
        assert!(is_hardly_any(&arrived), "{arrived:?}");
        assert_eq!(arriving("127.0.0.2", nearly_nothing, &["127.0.0.2"], 500, &OTHER).await, [500; 9]);
    }

    #[tokio::test]
    async fn as_many_are_told_apart_as_there_is_room_for() {
        for (from, other) in [("[::1]", "2001:db8::"), ("127.0.0.2", "192.0.2."), ("127.0.0.2", "2001:db8::")]
        {
            let known: Vec<String> = (0..MOST_KNOWN).map(|index| format!("{other}{index}")).collect();
            for place in [0, MOST_KNOWN / 2, MOST_KNOWN - 1] {
                let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
                known[place] = from.trim_matches(['[', ']']);
                assert_eq!(arriving(from, THE_KNOWN, &known, 50, &NEW).await, [50; 5], "{from} at {place}");
            }
        }
    }

    #[tokio::test]
    async fn beyond_that_new_requests_of_all_are_taken_away_and_nothing_else_of_anybody() {
        let known: Vec<String> = (0..=MOST_KNOWN).map(|index| format!("2001:db8::{index:x}")).collect();
        let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
        known[0] = "::1";
        let arrived = arriving("[::1]", THE_KNOWN, &known, 500, &NEW).await;
        assert!(is_hardly_any(&arrived), "{arrived:?}");
        assert_eq!(arriving("[::1]", THE_KNOWN, &known, 100, &OTHER).await, [100; 9]);
    }
}
