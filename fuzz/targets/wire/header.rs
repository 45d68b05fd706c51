//! The value of a header field: the first byte says of which, the rest is the value.

use ringfence_wire::sip::{
    CSeq, Challenge, Contact, Date, Disposition, Fault, HeaderName, Host, MAX_PARAMETERS, MediaType, Message,
    NameAddr, Params, Printer, Reason, RetryAfter, StatusCode, Via, Warning, quote, unquote,
};

use super::again::{address, one_line, parameters, uri, within};

/// A value breaks its grammar and it is said how, or it says the same when it is written again from what was read.
pub fn run(bytes: &[u8]) {
    let Some((which, value)) = bytes.split_first() else { return };
    let (name, read) = READERS[usize::from(*which) % READERS.len()];
    if let Err(fault) = read(value) {
        one_line(&fault);
    }
    in_a_message(name, value);
    text(value);
}

/// Reads a value, and says what is wrong with it.
type Reader = fn(&[u8]) -> Result<(), Fault>;

/// Those of one grammar stand for each other.
const READERS: [(HeaderName, Reader); 22] = [
    (HeaderName::Via, via),
    (HeaderName::From, name_addr),
    (HeaderName::Contact, contact),
    (HeaderName::CSeq, cseq),
    (HeaderName::Warning, warning),
    (HeaderName::RetryAfter, retry_after),
    (HeaderName::Reason, reason),
    (HeaderName::Date, date),
    (HeaderName::ContentType, media_type),
    (HeaderName::ContentDisposition, disposition),
    (HeaderName::WwwAuthenticate, anything),
    (HeaderName::Authorization, anything),
    (HeaderName::AuthenticationInfo, anything),
    (HeaderName::Allow, anything),
    (HeaderName::Accept, media_type),
    (HeaderName::Privacy, anything),
    (HeaderName::Expires, anything),
    (HeaderName::MaxForwards, anything),
    (HeaderName::CallId, anything),
    (HeaderName::ContentLength, anything),
    (HeaderName::Route, name_addr),
    (HeaderName::Other, host),
];

/// What is read only as a part of a message.
#[allow(clippy::unnecessary_wraps, reason = "it is a reader as the others are")]
fn anything(_: &[u8]) -> Result<(), Fault> {
    Ok(())
}

fn via(value: &[u8]) -> Result<(), Fault> {
    let via = Via::parse(value)?;
    within(value, via.as_bytes());
    assert!(via.port().is_none() || via.sent_by().contains(&b':'));
    let protocol = format!("SIP/{}/{} ", String::from_utf8_lossy(via.version()), via.transport());
    let written = [protocol.as_bytes(), via.sent_by(), params(value, via.params())].concat();
    let again = Via::parse(&written).expect("what is written can be read");
    let said = |via: &Via<'_>| (via.rport(), via.received(), via.ttl(), via.port(), via.host().to_string());
    assert_eq!(said(&again), said(&via));
    assert_eq!(
        (again.branch(), again.maddr(), again.transport()),
        (via.branch(), via.maddr(), via.transport())
    );
    assert_eq!(parameters(again.params()), parameters(via.params()));
    if let Some((before, behind)) = via.around_rport() {
        // As a response says where the request came from.
        let answered = [before, b"=5061", behind, b";received=192.0.2.1"].concat();
        if via.rport().is_some() {
            let answered = Via::parse(&answered).expect("what is answered can be read");
            assert_eq!(answered.rport(), Some(Some(5061)));
            assert_eq!((answered.branch(), answered.sent_by()), (via.branch(), via.sent_by()));
        } else {
            assert_eq!((before, behind), (via.as_bytes(), &b""[..]));
        }
    }
    Ok(())
}

fn name_addr(value: &[u8]) -> Result<(), Fault> {
    let read = NameAddr::parse(value)?;
    within(value, read.uri_bytes());
    params(value, read.params());
    address(&read);
    match read.uri() {
        // A number with spaces is none by itself.
        Ok(found) if !found.as_bytes().iter().any(u8::is_ascii_whitespace) => uri(&found),
        Ok(_) => {}
        Err(error) => one_line(&error),
    }
    Ok(())
}

fn contact(value: &[u8]) -> Result<(), Fault> {
    match Contact::parse(value)? {
        Contact::Star => assert_eq!(value.trim_ascii(), b"*"),
        Contact::Addr(read) => address(&read),
    }
    Ok(())
}

fn cseq(value: &[u8]) -> Result<(), Fault> {
    let CSeq { number, method } = CSeq::parse(value)?;
    assert!(number < 1 << 31);
    assert_eq!(CSeq::parse(format!("{number} {method}").as_bytes()), Ok(CSeq { number, method }));
    Ok(())
}

fn warning(value: &[u8]) -> Result<(), Fault> {
    let warning = Warning::parse(value)?;
    assert!(warning.code < 1000);
    let (code, text) = (format!("{:03} ", warning.code), format!(" {}", quote(&warning.text)));
    let written = [code.as_bytes(), warning.agent, text.as_bytes()].concat();
    let again = Warning::parse(&written).expect("what is written can be read");
    assert_eq!((again.code, again.agent), (warning.code, warning.agent));
    assert_eq!(again.text, warning.text.replace('\0', " "));
    Ok(())
}

fn retry_after(value: &[u8]) -> Result<(), Fault> {
    let RetryAfter { seconds, comment, duration, params: found } = RetryAfter::parse(value)?;
    let written = [seconds.to_string().as_bytes(), params(value, found)].concat();
    let again = RetryAfter::parse(&written).expect("what is written can be read");
    assert_eq!((again.seconds, again.comment, again.duration), (seconds, None, duration));
    assert!(comment.is_none_or(|comment| !comment.contains(['\r', '\n'])));
    Ok(())
}

fn reason(value: &[u8]) -> Result<(), Fault> {
    let reason = Reason::parse(value)?;
    let written = [reason.protocol.as_bytes(), params(value, reason.params)].concat();
    let again = Reason::parse(&written).expect("what is written can be read");
    assert_eq!((again.protocol, again.cause, again.text), (reason.protocol, reason.cause, reason.text));
    Ok(())
}

fn date(value: &[u8]) -> Result<(), Fault> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let date = Date::parse(value)?;
    let Date { year, month, day, hour, minute, second } = date;
    // 1970 began on a Thursday.
    let days =
        usize::try_from(date.unix_seconds().div_euclid(86_400).rem_euclid(7)).expect("less than seven");
    let (weekday, month) = (WEEKDAYS[days], MONTHS[usize::from(month) - 1]);
    let written = format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
    assert_eq!(Date::parse(written.as_bytes()), Ok(date));
    let in_day = date.unix_seconds().rem_euclid(86_400);
    // A leap second is the first one of the next minute.
    assert_eq!(in_day, (i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)) % 86_400);
    Ok(())
}

fn media_type(value: &[u8]) -> Result<(), Fault> {
    let MediaType { kind, subtype, params: found } = MediaType::parse(value)?;
    let written = [kind.as_bytes(), b"/", subtype.as_bytes(), params(value, found)].concat();
    let again = MediaType::parse(&written).expect("what is written can be read");
    assert!(again.is(kind, subtype) && again.covers(&again));
    assert!(MediaType::parse(b"*/*").expect("a range").covers(&again));
    assert_eq!(parameters(again.params), parameters(found));
    Ok(())
}

fn disposition(value: &[u8]) -> Result<(), Fault> {
    let read = Disposition::parse(value)?;
    let written = [read.kind.as_bytes(), params(value, read.params)].concat();
    let again = Disposition::parse(&written).expect("what is written can be read");
    assert_eq!((again.kind, again.is_optional()), (read.kind, read.is_optional()));
    Ok(())
}

fn host(value: &[u8]) -> Result<(), Fault> {
    let host = Host::parse(value)?;
    assert_eq!(Host::parse(host.to_string().as_bytes()), Ok(host));
    assert_eq!(host.ip().is_none(), matches!(host, Host::Name(_)));
    Ok(())
}

/// Asserts that parameters lie within the value and are bounded, and returns them as they are written.
fn params<'a>(value: &[u8], params: Params<'a>) -> &'a [u8] {
    within(value, params.as_bytes());
    assert!(params.iter().count() <= MAX_PARAMETERS);
    for (name, value) in params {
        within(params.as_bytes(), name);
        assert!(!name.is_empty());
        within(params.as_bytes(), value.unwrap_or_default());
        let name = String::from_utf8(name.to_vec()).expect("a name is a token");
        assert!(params.find(&name.to_ascii_uppercase()).is_some());
    }
    params.as_bytes()
}

/// In a message it is one line, which says the same by whatever name it is asked for; several values say the same in one
/// field and in a field each (RFC 3261 section 7.3.1).
fn in_a_message(name: HeaderName, value: &[u8]) {
    let mut out = Vec::new();
    let mut printer = Printer::response(&mut out, StatusCode::OK, None);
    printer.header(name.as_str(), value);
    printer.finish();
    let message = Message::parse(&out).expect("what is printed can be read");
    assert_eq!((message.fields().count(), message.malformed_line()), (2, None));
    let values: Vec<&[u8]> = message.values(name).filter(|value| !value.is_empty()).collect();

    let mut apart = Vec::new();
    let mut printer = Printer::response(&mut apart, StatusCode::OK, None);
    for value in values.iter().take(200) {
        printer.header(name.as_str(), value);
    }
    printer.finish();
    let apart = Message::parse(&apart).expect("what is printed can be read");
    assert!(apart.values(name).eq(values.iter().copied().take(200)) || name == HeaderName::ContentLength);

    for challenge in message.challenges(name) {
        is_written(&challenge);
    }
    if let Some(info) = message.authentication_info() {
        assert_eq!(info.raw_params().count(), info.params().count());
    }
    let wrong = [
        message.via().err(),
        message.cseq().err(),
        message.call_id().err(),
        message.from().err(),
        message.to().err(),
        message.max_forwards().and_then(Result::err),
        message.expires().and_then(Result::err),
        message.content_length().and_then(Result::err),
        message.content_type().and_then(Result::err),
        message.addresses(name).find_map(Result::err),
    ];
    for wrong in wrong.into_iter().flatten() {
        one_line(&wrong);
    }
    assert!(message.privacy().all(|word| !word.is_empty() && !word.contains(&b';')));
}

/// A challenge says the same when each of its values is quoted.
fn is_written(challenge: &Challenge<'_>) {
    let mut out = Vec::new();
    let mut printer = Printer::response(&mut out, StatusCode::UNAUTHORIZED, None);
    let said = |(name, value): (&[u8], std::borrow::Cow<'_, str>)| {
        format!("{}={}", String::from_utf8_lossy(name), quote(&value))
    };
    let params: Vec<String> = challenge.params().map(said).collect();
    let scheme = String::from_utf8_lossy(challenge.scheme());
    printer.header("WWW-Authenticate", format!("{scheme} {}", params.join(", ")).as_bytes());
    printer.finish();
    let message = Message::parse(&out).expect("what is printed can be read");
    let again = message.challenges(HeaderName::WwwAuthenticate).next().expect("a challenge");
    assert_eq!(again.scheme(), challenge.scheme());
    assert!(again.params().eq(challenge.params()), "{params:?}");
}

/// Any text is the same when it was quoted and unquoted, but for what ends a line.
fn text(value: &[u8]) {
    let text = String::from_utf8_lossy(value);
    let quoted = quote(&text).to_string();
    assert!(!quoted.contains(['\r', '\n', '\0']));
    assert_eq!(*unquote(quoted.as_bytes()), *text.replace(['\r', '\n', '\0'], " ").as_bytes());
}
