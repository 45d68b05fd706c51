//! What the parser of `ezk` reads: its lines, its start line and its typed header fields, as its own transports do.

use bytes::Bytes;
use ezk_sip_types::header::typed::{CSeq, CallID, Contact, ContentLength, FromTo, MaxForwards, Via};
use ezk_sip_types::msg::{Line, MessageLine, PullParser};
use ezk_sip_types::parse::Parse as _;
use ezk_sip_types::uri::{SipUri, SipUriUserPart};
use ezk_sip_types::{Headers, Name};

use super::Reading;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::new();
    let source = Bytes::copy_from_slice(bytes);
    let mut lines = PullParser::new(&source, 0);
    let refused = || Err(String::new());
    let Some(Ok(first)) = lines.next() else {
        reading.insert("start line", refused());
        return reading;
    };
    let first = std::str::from_utf8(first).ok();
    match first.and_then(|first| MessageLine::parse(&source)(first).ok()) {
        Some((rest, line)) if rest.trim().is_empty() => start_line(&mut reading, &line),
        Some(_) | None => drop(reading.insert("start line", refused())),
    }
    let mut headers = Headers::new();
    for line in lines.map_while(Result::ok) {
        let line = std::str::from_utf8(line).ok();
        if let Some((_, line)) = line.and_then(|line| Line::parse(&source, line).ok()) {
            headers.insert(line.name, line.value);
        }
    }
    fields(&mut reading, &headers);
    reading
}

fn start_line(reading: &mut Reading, line: &MessageLine) {
    match line {
        MessageLine::Request(line) => {
            reading.insert("start line", Ok(line.method.to_string()));
            reading.insert("Request-URI", Ok(of_uri(&line.uri)));
        }
        MessageLine::Response(line) => {
            reading.insert("start line", Ok(line.code.into_u16().to_string()));
        }
    }
}

fn fields(reading: &mut Reading, headers: &Headers) {
    let vias = headers.get_named::<Vec<Via>>().ok().filter(|vias| !vias.is_empty());
    let vias = vias.map(|vias| vias.iter().map(of_via).collect::<Vec<_>>().join(", "));
    let address = |name| headers.get::<FromTo>(name).ok().map(|address| of_address(&address));
    let mut insert = |part, value: Option<String>| reading.insert(part, value.ok_or_else(String::new));
    insert("Via", vias);
    insert("From", address(Name::FROM));
    insert("To", address(Name::TO));
    insert("Call-ID", headers.get_named::<CallID>().ok().map(|id| id.0.to_string()));
    insert("CSeq", headers.get_named::<CSeq>().ok().map(|cseq| format!("{} {}", cseq.cseq, cseq.method)));
    if let Some(hops) = headers.try_get_named::<MaxForwards>() {
        insert("Max-Forwards", hops.ok().map(|hops| hops.0.to_string()));
    }
    if let Some(length) = headers.try_get_named::<ContentLength>() {
        insert("Content-Length", length.ok().map(|length| length.0.to_string()));
    }
    if let Some(contacts) = headers.try_get_named::<Vec<Contact>>() {
        insert("Contact", contacts.ok().map(|contacts| format!("{} values", contacts.len())));
    }
}

fn of_uri(uri: &SipUri) -> String {
    let user = match &uri.user_part {
        SipUriUserPart::Empty => String::new(),
        SipUriUserPart::User(user) => format!("{user}@"),
        SipUriUserPart::UserPw(both) => format!("{}@", both.user),
    };
    let port = uri.host_port.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{user}{}{port}", uri.host_port.host)
}

fn of_via(via: &Via) -> String {
    let port = via.sent_by.port.map(|port| format!(":{port}")).unwrap_or_default();
    let branch = via.params.get_val("branch").map(ToString::to_string).unwrap_or_default();
    format!("{} {}{port} branch={branch}", via.transport, via.sent_by.host)
}

fn of_address(address: &FromTo) -> String {
    let tag = address.tag.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{} tag={tag}", of_uri(&address.uri.uri))
}
