//! Who sent a call on before it came here: `Diversion` (RFC 5806) and `History-Info` (RFC 7044).

use std::borrow::Cow;

use ringfence_wire::sip::{HeaderName, Message, NameAddr, Uri};

use super::Address;

/// Someone who sent a call on, as the INVITE claims. `Debug` shows no number.
///
/// ```
/// # fn show(invite: &softphone::Invite<'_>) {
/// for diversion in invite.diversions() {
///     println!("{} sent it on: {}", diversion.by.user(), diversion.reason.as_deref().unwrap_or("unknown"));
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Diversion<'a> {
    /// Who was called, and sent it on.
    pub by: Address<'a>,
    /// Why, in the words of RFC 5806 (`unconditional`, `user-busy`, `no-answer`, `time-of-day`, …) or any others.
    pub reason: Option<Cow<'a, str>>,
}

/// How many are read: more would be a loop of forwardings, or an attack.
const MOST: usize = 32;

/// Returns who sent a call on, the last of them first.
pub(super) fn of<'a>(invite: &'a Message<'a>) -> Vec<Diversion<'a>> {
    // As nearly all are.
    if !invite.has(HeaderName::Diversion) && !invite.has(HeaderName::HistoryInfo) {
        return Vec::new();
    }
    let told = invite.addresses(HeaderName::Diversion).take(MOST).filter_map(Result::ok);
    let told: Vec<_> = told
        .map(Address::new)
        .map(|by| Diversion { by, reason: by.header_param("reason").filter(|reason| !reason.is_empty()) })
        .collect();
    if told.is_empty() { of_history(invite) } else { told }
}

/// Reads the diversions out of the history of all targets, which says in its order what the call was sent to, and of
/// each target out of which other one it came (RFC 7044 section 5).
fn of_history<'a>(invite: &'a Message<'a>) -> Vec<Diversion<'a>> {
    let entries = invite.addresses(HeaderName::HistoryInfo).take(MOST).filter_map(Result::ok);
    let entries: Vec<_> = entries.map(|address| (address, address.uri().ok())).collect();
    let mut diversions = Vec::new();
    for (at, (target, uri)) in entries.iter().enumerate().skip(1).rev() {
        let (before, before_uri) = &entries[at - 1];
        let cause = uri.and_then(|uri| cause_of_target(&uri));
        match target.param("mp") {
            // It is another user than the target of that index.
            Some(mapped) => {
                let origin = entries[..at].iter().find(|(entry, _)| entry.param("index") == Some(mapped));
                let (by, by_uri) = origin.unwrap_or(&entries[at - 1]);
                let cause = cause.or_else(|| by_uri.and_then(|uri| cause_of_failure(&uri)));
                diversions.push(diversion(by, cause));
            }
            // A registrar's binding is the same user.
            None if target.param("rc").is_some() || target.param("np").is_some() => {}
            // Before RFC 7044 only the causes told a diversion from another step.
            None => {
                let cause = cause.or_else(|| before_uri.and_then(|uri| cause_of_failure(&uri)));
                if cause.is_some() {
                    diversions.push(diversion(before, cause));
                }
            }
        }
    }
    diversions
}

fn diversion<'a>(by: &NameAddr<'a>, cause: Option<u16>) -> Diversion<'a> {
    Diversion { by: Address::new(*by), reason: cause.and_then(reason).map(Cow::Borrowed) }
}

/// The `cause` parameter of the URI that a call was sent on to.
fn cause_of_target(uri: &Uri<'_>) -> Option<u16> {
    number(&uri.param("cause")?)
}

/// The cause in the Reason that stands, escaped, in the headers of the URI that a call was sent on from.
fn cause_of_failure(uri: &Uri<'_>) -> Option<u16> {
    let headers = uri.headers()?;
    let reason = headers.split(|&byte| byte == b'&').find_map(|header| {
        let (name, value) = header.split_at(header.iter().position(|&byte| byte == b'=')?);
        name.eq_ignore_ascii_case(b"Reason").then_some(value)
    })?;
    let is_cause = |part: &&[u8]| part[..5].eq_ignore_ascii_case(b"cause");
    let after = reason.windows(5).position(|part| is_cause(&part)).map(|at| &reason[at + 5..])?;
    let value = [&b"="[..], b"%3D", b"%3d"].into_iter().find_map(|equals| after.strip_prefix(equals))?;
    number(value.get(..3)?)
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The word that RFC 5806 has for what made a call be sent on.
fn reason(cause: u16) -> Option<&'static str> {
    match cause {
        302 => Some("unconditional"),
        408 => Some("no-answer"),
        480 | 487 => Some("deflection"),
        486 => Some("user-busy"),
        503 => Some("unavailable"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who sent a call on, and why, of an INVITE with these header lines.
    fn told(headers: &str) -> Vec<String> {
        let datagram = format!("INVITE sip:a@b SIP/2.0\r\n{headers}\r\n\r\n");
        let message = Message::parse(datagram.as_bytes()).unwrap();
        let tell = |it: Diversion<'_>| format!("{} {}", it.by.user(), it.reason.as_deref().unwrap_or("?"));
        of(&message).into_iter().map(tell).collect()
    }

    #[test]
    fn the_last_diversion_comes_first() {
        let headers = "Diversion: <sip:+2@b>;reason=no-answer;counter=1, \"Office\" <tel:+1>;reason=\"in a meeting\"\r\n\
            Diversion: sip:+0@b\r\nDiversion: <";
        assert_eq!(told(headers), ["+2 no-answer", "+1 in a meeting", "+0 ?"]);
        assert_eq!(told("Subject: x"), [""; 0]);
    }

    #[test]
    fn the_history_tells_of_each_target_that_is_another_user() {
        let headers = "History-Info: <sip:bob@b.example>;index=1, <sip:bob@192.0.2.4>;index=1.1;rc=1,\r\n \
            <sip:office@b.example;cause=302>;index=1.2;mp=1, \
            <sip:office@192.0.2.5?Reason=SIP%3Bcause%3D486>;index=1.2.1;rc=1.2,\
            <sip:voicemail@b.example;target=sip:bob%40b.example;cause=486>;index=1.3;mp=1.2";
        assert_eq!(told(headers), ["office user-busy", "bob unconditional"]);
    }

    #[test]
    fn the_history_of_older_proxies_tells_by_its_causes() {
        let headers = "History-Info: <sip:bob@b?Reason=SIP%3bcause%3d408%3Btext%3D%22x%22>;index=1\r\n\
            History-Info: <sip:office@b>;index=1.1, <sip:858@192.0.2.7>;index=1.1.1";
        assert_eq!(told(headers), ["bob no-answer"]);
        assert_eq!(told("History-Info: <sip:bob@b>;index=1, <sip:858@192.0.2.7>;index=1.1"), [""; 0]);
    }

    #[test]
    fn a_history_without_end_is_read_in_part_only() {
        let entries = ", <sip:a@b>;index=1;mp=9999".repeat(1000);
        assert_eq!(told(&format!("History-Info: <sip:a@b>;index=0{entries}")).len(), MOST - 1);
    }
}
