//! What this project's parser reads.

use ringfence_wire::sip::{HeaderName, Message, NameAddr, Uri, Via};

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
