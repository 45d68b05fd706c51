//! What this project's parser reads.

use ringfence_wire::sip::{Framing, HeaderName, Message, Method, NameAddr, ParseError, Uri, Via};

use super::Reading;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::new();
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(error) => {
            reading.insert("start line", Err(error.to_string()));
            return reading;
        }
    };
    let first = match (message.method(), message.status()) {
        (Some(method), _) => method.to_string(),
        (None, status) => status.map_or(0, |status| status.as_u16()).to_string(),
    };
    let fault = message.start_line_fault().map(|fault| fault.to_string());
    reading.insert("start line", fault.map_or(Ok(first), Err));
    if let Some(uri) = message.request_uri() {
        reading.insert(
            "Request-URI",
            Uri::parse(uri).map(|uri| of_uri(&uri)).map_err(|error| error.to_string()),
        );
    }
    let vias: Result<Vec<Via<'_>>, _> = message.vias().collect();
    let vias = vias.map(|vias| vias.iter().map(of_via).collect::<Vec<_>>().join(", "));
    let vias = if message.has(HeaderName::Via) { vias } else { message.via().map(|_| String::new()) };
    reading.insert("Via", vias.map_err(|error| error.to_string()));
    reading
        .insert("From", message.from().map_err(|error| error.to_string()).and_then(|from| of_address(&from)));
    reading.insert("To", message.to().map_err(|error| error.to_string()).and_then(|to| of_address(&to)));
    reading.insert("Call-ID", message.call_id().map(lossy).map_err(|error| error.to_string()));
    let cseq = message.cseq().map(|cseq| format!("{} {}", cseq.number, cseq.method));
    reading.insert("CSeq", cseq.map_err(|error| error.to_string()));
    if let Some(hops) = message.max_forwards() {
        reading.insert("Max-Forwards", hops.map(|hops| hops.to_string()).map_err(|error| error.to_string()));
    }
    if let Some(length) = message.content_length() {
        let length = length.map(|length| length.to_string()).map_err(|error| error.to_string());
        reading.insert("Content-Length", length);
    }
    if message.has(HeaderName::Contact) {
        let contacts: Result<Vec<_>, _> = message.contacts().collect();
        let count = contacts.map(|contacts| format!("{} values", contacts.len()));
        reading.insert("Contact", count.map_err(|error| error.to_string()));
    }
    reading
}

/// What is wrong with a request that is to be answered, or that nothing is; `None` of anything else.
pub(super) fn verdict(bytes: &[u8]) -> Option<String> {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(ParseError::KeepAlive) => return None,
        Err(error) => return (!bytes.starts_with(b"SIP/")).then(|| format!("refused: {error}")),
    };
    let method = message.method().filter(|method| *method != Method::Ack)?;
    let faults = read(bytes).into_iter().filter_map(|(_, part)| part.err());
    let is_mismatched = message.cseq().is_ok_and(|cseq| cseq.method != method);
    let others = [
        (is_mismatched, "CSeq has another method"),
        (message.framing() != Framing::Complete, "the length is not the body's"),
        (message.malformed_line().is_some(), "a line is no header field"),
    ];
    let others = others.into_iter().filter(|(is_so, _)| *is_so).map(|(_, fault)| fault.to_owned());
    Some(faults.chain(others).next().map_or("taken".to_owned(), |fault| format!("refused: {fault}")))
}

fn of_uri(uri: &Uri<'_>) -> String {
    let user = uri.user_unescaped().map(|user| format!("{}@", lossy(&user))).unwrap_or_default();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    if uri.is_sip() { format!("{user}{}{port}", uri.host()) } else { lossy(uri.as_bytes()) }
}

fn of_via(via: &Via<'_>) -> String {
    let port = via.port().map(|port| format!(":{port}")).unwrap_or_default();
    let branch = lossy(via.branch().unwrap_or_default());
    format!("{} {}{port} branch={branch}", via.transport(), via.host())
}

fn of_address(address: &NameAddr<'_>) -> Result<String, String> {
    let uri = address.uri().map_err(|error| error.to_string())?;
    Ok(format!("{} tag={}", of_uri(&uri), lossy(address.tag().unwrap_or_default())))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
