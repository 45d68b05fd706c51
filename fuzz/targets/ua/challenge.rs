//! Digest challenges: what a server asks for is answered rightly, or refused with a reason.

use std::collections::BTreeMap;
use std::time::Instant;

use ringfence_testing::{Random, Verifier};
use ringfence_ua::auth::{Algorithm, AuthError, Authenticator, Credentials, Qop};
use ringfence_wire::sip::{Challenge, HeaderName, Message, Printer, StatusCode};

use super::draw::Draw;

/// The first choice is whether the challenges are those of a registrar, or any bytes.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    if draw.is() { of_a_registrar(&mut draw) } else { of_anyone(draw) }
}

const USER: &str = "858";
const PASSWORD: &str = "secret";
const URI: &[u8] = b"sip:example.com";
const BODY: &[u8] = b"v=0";

/// Whatever a registrar wants in whatever order, it takes the answer to its newest challenge.
fn of_a_registrar(draw: &mut Draw<'_>) {
    let now = Instant::now();
    let mut verifier = Verifier::new(&realm(draw), Random::new(1));
    let mut authenticator = Authenticator::new(Credentials::new(USER, PASSWORD));
    let passwords = BTreeMap::from([(USER.to_owned(), PASSWORD.to_owned())]);
    let (status, header) =
        *draw.one_of(&[(StatusCode::UNAUTHORIZED, "WWW-Authenticate"), (PROXY, "Proxy-Authenticate")]);
    for step in 0..draw.below(12) {
        match draw.below(6) {
            0 => wants(&mut verifier, draw),
            1 => verifier.set_realm(&realm(draw)),
            2 => verifier.forget_nonces(),
            3 => authenticator.handle_repetition(),
            _ => {}
        }
        let is_stale = draw.is();
        let challenges = verifier.challenge(now, is_stale);
        let response = response(status, header, &challenges);
        let challenge = Message::parse(&response).expect("a challenge");
        if let Err(error) = authenticator.handle_challenge(&challenge) {
            is_told(&error);
            continue;
        }
        let request = authorized(&mut authenticator, step);
        let request = Message::parse(&request).expect("a request");
        let verified = verifier.verify(now, &request, &passwords).expect("the answer is right");
        assert_eq!(verified.user, USER);
        if draw.is() {
            let next = draw.is().then(|| verifier.next_nonce(now, &verified.nonce));
            goes_on(&mut authenticator, &mut verifier, next.as_deref(), &passwords, now);
        }
    }
}

/// RFC 3261 section 21.4.8.
const PROXY: StatusCode = match StatusCode::new(407) {
    Some(status) => status,
    None => unreachable!(),
};

fn realm(draw: &mut Draw<'_>) -> String {
    // What has a control character in it is refused, as `of_anyone` shows.
    draw.text().replace(char::is_control, ".")
}

fn wants(verifier: &mut Verifier, draw: &mut Draw<'_>) {
    const PLAIN: [Algorithm; 3] = [Algorithm::MD5, Algorithm::SHA_256, Algorithm::SHA_512_256];
    let one = |draw: &mut Draw<'_>| {
        let algorithm = *draw.one_of(&PLAIN);
        if draw.is() { algorithm.session() } else { algorithm }
    };
    let first = one(draw);
    let mut algorithms = draw.several(3, one);
    algorithms.push(first);
    // A session variant needs a qop (RFC 3261 section 22.4).
    let is_session = algorithms.iter().any(|algorithm| algorithm.is_session());
    let mut qops = draw.several(2, |draw| *draw.one_of(&[Qop::Auth, Qop::AuthInt]));
    if is_session && qops.is_empty() {
        qops.push(Qop::Auth);
    }
    verifier.set_algorithms(&algorithms);
    verifier.set_qops(&qops);
    verifier.set_userhash(draw.is());
}

/// The next request is taken without a challenge, with the nonce that was used or the one that was given.
fn goes_on(
    authenticator: &mut Authenticator,
    verifier: &mut Verifier,
    next: Option<&str>,
    passwords: &BTreeMap<String, String>,
    now: Instant,
) {
    let info: Vec<String> = next.iter().map(|next| format!("nextnonce=\"{next}\"")).collect();
    let response = response(StatusCode::OK, "Authentication-Info", &info);
    authenticator.handle_success(&Message::parse(&response).expect("a response"));
    let request = authorized(authenticator, 77);
    let request = Message::parse(&request).expect("a request");
    let verified = verifier.verify(now, &request, passwords);
    // A proxy's realm has no nextnonce of a server (RFC 3261 section 20.6).
    let is_server = request.has(HeaderName::Authorization);
    assert_eq!(verified.as_ref().map(|verified| verified.user.as_str()), Ok(USER));
    assert!(next.is_none() || !is_server || verified.is_ok_and(|verified| Some(&*verified.nonce) == next));
}

fn response(status: StatusCode, header: &str, values: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut printer = Printer::response(&mut out, status, None);
    for value in values {
        printer.header(header, value.as_bytes());
    }
    printer.finish();
    out
}

fn authorized(authenticator: &mut Authenticator, step: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut printer = Printer::request(&mut out, "REGISTER", URI);
    authenticator.authorize("REGISTER", URI, BODY, &format!("c{step}"), &mut printer);
    printer.body("application/sdp", BODY);
    out
}

fn is_told(error: &AuthError) {
    let told = error.to_string();
    assert!(!told.is_empty() && told.len() < 8_192 && !told.contains(char::is_control), "{told:?}");
}

/// Whatever the values of the challenges are, a request has as many answers as there are realms that asked, each with what
/// that realm said, and no other header field.
fn of_anyone(mut draw: Draw<'_>) {
    let mut authenticator = Authenticator::new(Credentials::new(USER, PASSWORD));
    let mut asked: Vec<(String, String)> = Vec::new();
    let mut step = 0;
    while !draw.is_over() && step < 12 {
        step += 1;
        let status = *draw.one_of(&[StatusCode::UNAUTHORIZED, PROXY, StatusCode::OK]);
        let mut out = Vec::new();
        let mut printer = Printer::response(&mut out, status, None);
        for _ in 0..=draw.below(3) {
            let header = draw.one_of(&["WWW-Authenticate", "Proxy-Authenticate", "Authentication-Info"]);
            printer.header(header, draw.text().as_bytes());
        }
        printer.finish();
        let response = Message::parse(&out).expect("what is printed can be read");
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            asked.extend(response.challenges(name).map(|challenge| said(&challenge)));
        }
        if status == StatusCode::OK {
            authenticator.handle_success(&response);
        } else if let Err(error) = authenticator.handle_challenge(&response) {
            is_told(&error);
        }
        let next = response.authentication_info();
        asked.extend(next.map(|next| (String::new(), next.param("nextnonce").unwrap_or_default().into())));
        let is_challenged = authenticator.is_challenged();
        let request = authorized(&mut authenticator, step);
        answers(&request, is_challenged, &asked);
    }
}

/// The realm and the nonce.
fn said(challenge: &Challenge<'_>) -> (String, String) {
    let said = |name| challenge.param(name).unwrap_or_default().into_owned();
    (said("realm"), said("nonce"))
}

fn answers(request: &[u8], is_challenged: bool, asked: &[(String, String)]) {
    let request = Message::parse(request).expect("what is printed can be read");
    let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let count: usize = names.iter().map(|name| request.count(*name)).sum();
    assert_eq!((request.malformed_line(), request.body()), (None, BODY));
    assert_eq!(request.fields().count(), count + 2, "a header field too many");
    assert_eq!(count > 0, is_challenged);
    for name in names {
        let answers: Vec<Challenge<'_>> = request.challenges(name).collect();
        assert_eq!(answers.len(), request.count(name), "one answer in each");
        for answer in answers {
            let (realm, nonce) = said(&answer);
            assert!(asked.iter().any(|(known, _)| *known == realm), "{realm:?} did not ask");
            assert!(asked.iter().any(|(_, known)| *known == nonce), "{nonce:?} was not given");
            assert_eq!(answer.param("uri").as_deref().map(str::as_bytes), Some(URI));
            assert!(answer.param("response").is_some_and(|digits| matches!(digits.len(), 32 | 64)));
            assert!(!answer.params().any(|(_, value)| value.contains(PASSWORD)
                && value != realm
                && value != nonce
                && Some(&value) != answer.param("opaque").as_ref()));
        }
    }
}
