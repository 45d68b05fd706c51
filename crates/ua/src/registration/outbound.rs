//! The flows of RFC 5626: who we are to a registrar, whatever address we have. A binding that is made anew, after a restart
//! or over another connection, takes the place of the old one.

use std::time::Duration;

use ringfence_wire::sip::{HeaderName, Message, NameAddr};
use sha2::{Digest as _, Sha256};

use crate::id::Uuid;

/// The option tag (RFC 5626 section 11.4).
const OUTBOUND: &[u8] = b"outbound";
/// The shortest time between keep-alives that a registrar is granted: what asks for more is an error or an attack.
const SHORTEST_FLOW_TIMER: Duration = Duration::from_secs(5);
/// The longest that is obeyed: nothing keeps a flow open with less.
const LONGEST_FLOW_TIMER: Duration = Duration::from_secs(3600);

/// Returns the parameters of a Contact that say which user agent it is, and which of its flows.
pub(super) fn parameters(device: &str, address_of_record: &str, label: &str, reg_id: u8) -> String {
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
    //# A UAC conforming to this specification MUST include in the Contact
    //# header field, a "reg-id" parameter that is distinct from other
    //# "reg-id" parameters used in other registrations that use the same
    //# "+sip.instance" Contact header field parameter and AOR.
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
    //# REGISTER requests, other than those described in Section 4.2.3, MUST include an instance-id
    //# media feature tag as specified in Section 4.1.
    format!(";+sip.instance=\"<{}>\";reg-id={reg_id}", instance(device, address_of_record, label))
}

/// Returns the instance-id of a line: a URN of its own, made of the device's, so that two lines of one address-of-record
/// do not take each other's place.
///
/// It is a UUID of version 8 (RFC 9562 section 5.8): a hash.
pub(super) fn instance(device: &str, address_of_record: &str, label: &str) -> String {
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.1
    //# This
    //# URN MUST be persistent across power cycles of the device.
    let mut hasher = Sha256::new();
    for part in [device, address_of_record, label] {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    uuid_urn(bytes, 8)
}

/// Returns the URN of a UUID (RFC 9562 section 4): of these bytes, but for the bits that say its version and variant.
///
/// ```
/// let urn = ringfence_ua::uuid_urn([0xab; 16], 4);
/// assert_eq!(urn, "urn:uuid:abababab-abab-4bab-abab-abababababab");
/// ```
#[must_use]
pub fn uuid_urn(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    format!("urn:uuid:{}", Uuid::new(bytes))
}

/// What a registrar and the first hop to it want of keep-alives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// Within how much time there is to be one.
    pub(super) within: Option<Duration>,
    /// Whether the first hop expects STUN.
    pub(super) expects_stun: bool,
}

impl Wanted {
    /// Reads it from the response to a REGISTER.
    pub(super) fn of(response: &Message<'_>) -> Self {
        let expects_stun = is_granted(response) || has_first_hop(response);
        Self { within: flow_timer(response), expects_stun }
    }
}

/// Returns whether a registrar has bound us by instance and flow.
pub(super) fn is_granted(response: &Message<'_>) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
    //# The UAC examines successful registration responses for the presence
    //# of an outbound option-tag in a Require header field value.
    response.tokens(HeaderName::Require).any(|tag| tag.eq_ignore_ascii_case(OUTBOUND))
}

/// Returns whether the first hop says that it knows flows, and with them their keep-alives.
fn has_first_hop(response: &Message<'_>) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc5626#section-8
    //# A UAC MAY use the presence
    //# of an "ob" URI parameter in the Path header in a registration
    //# response as an indication that its first edge proxy supports the
    //# keep-alives defined in this document.
    response.values(HeaderName::Path).any(|value| {
        let hop = NameAddr::parse(value).ok();
        hop.is_some_and(|hop| hop.uri().is_ok_and(|uri| uri.param("ob").is_some()))
    })
}

/// Returns within how much time the registrar wants a keep-alive.
fn flow_timer(response: &Message<'_>) -> Option<Duration> {
    let value = response.named("Flow-Timer").next()?;
    let seconds = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).clamp(SHORTEST_FLOW_TIMER, LONGEST_FLOW_TIMER))
}

#[cfg(test)]
mod tests {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.1
    //= type=test
    //# The
    //# instance ID MUST NOT change as the device moves from one network to
    //# another.
    #[test]
    fn an_instance_is_the_line_of_a_device_and_nothing_else() {
        let of = |device, address, label| instance(device, address, label);
        let ours = of("urn:uuid:1", "sip:858@pbx.example.com", "858");
        assert_eq!(ours, of("urn:uuid:1", "sip:858@pbx.example.com", "858"));
        let others = [
            of("urn:uuid:2", "sip:858@pbx.example.com", "858"),
            of("urn:uuid:1", "sip:859@pbx.example.com", "858"),
            of("urn:uuid:1", "sip:858@pbx.example.com", "second"),
        ];
        assert!(!others.contains(&ours));
        assert_eq!(ours.len(), "urn:uuid:".len() + 36);
        assert!(ours.starts_with("urn:uuid:") && ours[23..].starts_with('8'), "{ours}");
        assert!(ours[28..].starts_with(['8', '9', 'a', 'b']), "{ours}");
    }

    #[test]
    fn what_a_registrar_asks_for_is_kept_within_reason() {
        let timer = |value: &str| {
            let text = format!("SIP/2.0 200 OK\r\nRequire: path, Outbound\r\nFlow-Timer:{value}\r\n\r\n");
            let response = Message::parse(text.as_bytes()).unwrap();
            assert!(is_granted(&response));
            flow_timer(&response).map(|timer| timer.as_secs())
        };
        let cases =
            [(" 120", Some(120)), ("0", Some(5)), ("4294967296", Some(3600)), ("soon", None), ("-1", None)];
        for (value, expected) in cases {
            assert_eq!(timer(value), expected, "{value:?}");
        }
    }
}
