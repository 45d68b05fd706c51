//! A look at no more of an ACK than says which transaction it belongs to.

use memchr::memchr;

/// Returns what stands in the topmost Via of an ACK whose first lines are as nearly all write them: the request line of a
/// request of SIP/2.0, and after it a Via in one line. The rest of the message is not looked at, and the Via is not read.
///
/// `None` says nothing but that it is to be read as every other message is, by [`Message::parse`](super::Message::parse).
/// An ACK of a response that is no 2xx is of a transaction that its topmost Via names (RFC 3261 section 17.2.3), and is
/// absorbed there whatever else it says.
///
/// ```
/// use ringfence_wire::sip::{Via, topmost_via_of_ack};
///
/// let ack = b"ACK sip:858@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK77\r\nCSeq: 1 ACK\r\n\r\n";
/// let via = topmost_via_of_ack(ack).and_then(|via| Via::parse(via).ok());
/// assert_eq!(via.and_then(|via| via.branch()), Some(&b"z9hG4bK77"[..]));
/// assert!(topmost_via_of_ack(b"BYE sip:858@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n").is_none());
/// ```
#[must_use]
pub fn topmost_via_of_ack(datagram: &[u8]) -> Option<&[u8]> {
    let (request_line, headers) = split_line(datagram.strip_prefix(b"ACK ")?)?;
    request_line.strip_suffix(b" SIP/2.0")?;
    let (via, rest) = split_line(headers.strip_prefix(b"Via: ").or_else(|| headers.strip_prefix(b"v: "))?)?;
    let is_continued = matches!(rest, [b' ' | b'\t', ..]);
    (!is_continued).then_some(via)
}

/// Splits off the first line, without its end.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b'\n', bytes)?;
    Some((bytes[..end].strip_suffix(b"\r")?, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Message, Via};

    #[test]
    fn what_is_seen_is_what_the_whole_message_says() {
        for via in ["SIP/2.0/UDP a;branch=z9hG4bK1;rport", "SIP/2.0/TCP [2001:db8::1]:5061;branch=z9hG4bK1"] {
            for name in ["Via: ", "v: "] {
                let ack = format!("ACK sip:a@b SIP/2.0\r\n{name}{via}\r\nCSeq: 1 ACK\r\n\r\n");
                let seen = topmost_via_of_ack(ack.as_bytes()).unwrap();
                let message = Message::parse(ack.as_bytes()).unwrap();
                assert_eq!(seen, message.via().unwrap().as_bytes());
            }
        }
    }

    #[test]
    fn what_is_written_another_way_is_left_to_the_parser() {
        let usual = "ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq: 1 ACK\r\n\r\n";
        assert!(topmost_via_of_ack(usual.as_bytes()).is_some());
        for (usually, otherwise) in [
            ("ACK ", "\r\nACK "),
            ("ACK ", "ack "),
            ("ACK ", "INVITE "),
            ("SIP/2.0\r\n", "SIP/3.0\r\n"),
            ("SIP/2.0\r\n", "SIP/2.0\n"),
            ("Via: ", "VIA: "),
            ("Via: ", "From: <sip:a@b>\r\nVia: "),
            ("bK1\r\n", "bK1\r\n ;rport\r\n"),
            ("bK1\r\n", "bK1, SIP/2.0/UDP b;branch=z9hG4bK2\r\n"),
            ("SIP/2.0/UDP a", "SIP/2.0"),
            ("\r\nCSeq: 1 ACK\r\n\r\n", ""),
        ] {
            let ack = usual.replacen(usually, otherwise, 1);
            let via = topmost_via_of_ack(ack.as_bytes()).and_then(|via| Via::parse(via).ok());
            assert!(via.is_none(), "{ack:?}");
        }
    }
}
