//! What a line makes of the responses to its REGISTER: RFC 3261 sections 8.1.3, 10.2 and 20.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod probe;

use std::time::Duration;

use ringfence_ua::{Account, Cause, Config, Event, RegistrationState, Target, Verdict};
use ringfence_wire::sip::{HeaderName, Message};

use probe::{Probe, Sent, Shown, phone_address, seconds};

fn account() -> Account {
    Account::new("858", "pbx.example.com", 5060)
}

/// A line that has sent its first REGISTER.
fn registering() -> (Probe, Sent) {
    Probe::registering(Config::new(phone_address()), account(), Shown::default().screen(Verdict::busy()))
}

fn answer(register: &Sent, status: &str, headers: &str) -> String {
    let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
    let echoed = ["Via", "From", "To", "Call-ID", "CSeq"].map(field).concat();
    format!("SIP/2.0 {status}\r\n{echoed}{headers}Content-Length: 0\r\n\r\n")
}

fn granted(register: &Sent, more: &str) -> String {
    answer(
        register,
        "200 OK",
        &format!("Contact: {}\r\nExpires: 60\r\n{more}", register.header("Contact").unwrap()),
    )
}

fn is_asking(probe: &Probe) -> bool {
    matches!(states(probe).last(), Some(RegistrationState::Registering { .. }) | None)
}

fn states(probe: &Probe) -> Vec<&RegistrationState> {
    probe.events().iter().filter_map(state).collect()
}

fn state(event: &Event) -> Option<&RegistrationState> {
    if let Event::Registration { state, .. } = event { Some(state) } else { None }
}

/// Why the line has failed, and how long it waits.
fn failure(probe: &Probe) -> (&Cause, Duration) {
    let Some(RegistrationState::Failed { cause, retry_at: Some(at) }) = states(probe).last() else {
        panic!("{:?}", states(probe))
    };
    (cause, at.duration_since(probe.now()))
}

/// Why a line has failed that was answered this, and how long it waits.
fn failure_after(status: &str, headers: &str) -> (String, Duration) {
    let (mut probe, register) = registering();
    assert_eq!(probe.receive(answer(&register, status, headers)), []);
    let (cause, wait) = failure(&probe);
    (cause.to_string(), wait)
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
//= type=test
//# The SIP-Version string is case-insensitive,
#[test]
fn a_version_in_small_letters_is_the_same() {
    let (mut probe, register) = registering();
    probe.receive(granted(&register, "").replacen("SIP/2.0", "sip/2.0", 1));
    assert!(matches!(states(&probe).last(), Some(RegistrationState::Registered { .. })));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.2
//= type=test
//# A UAC MUST treat any final response it does not recognize as being equivalent to the x00
//# response code of that class, and MUST be able to process the x00 response code for all classes.
#[test]
fn a_final_response_that_nobody_knows_is_the_first_of_its_class() {
    for (unknown, known) in [("499 What", "400 What"), ("599 What", "500 What"), ("699 What", "600 What")] {
        let as_known =
            |(cause, wait): (String, Duration)| (cause.replacen(&known[..3], &unknown[..3], 1), wait);
        assert_eq!(failure_after(unknown, ""), as_known(failure_after(known, "")));
    }
    for status in ["300 Here", "399 What"] {
        let (mut probe, register) = registering();
        probe.receive(answer(&register, status, "Contact: <sip:r2.example.com>\r\n"));
        let asked = probe.events().last();
        assert!(matches!(asked, Some(Event::Resolve { host, .. }) if host == "r2.example.com"), "{status}");
    }
    let (mut probe, register) = registering();
    probe.receive(granted(&register, "").replacen("200 OK", "299 What", 1));
    assert!(probe.is_registered());
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.2
//= type=test
//# A UAC MUST treat any provisional response different than 100 that it does not recognize as 183
//# (Session Progress).
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.2
//= type=test
//# A UAC MUST be able to process 100 and 183 responses.
#[test]
fn a_provisional_response_is_waited_behind_whichever_it_is() {
    for status in ["100 Trying", "183 Session Progress", "199 What"] {
        let (mut probe, register) = registering();
        assert_eq!(probe.receive(answer(&register, status, "")), []);
        assert!(is_asking(&probe) && !probe.is_registered(), "{status}");
        let again: Vec<_> = probe.pass(seconds(5)).into_iter().map(|(after, _)| after.as_millis()).collect();
        assert_eq!(again, [500, 4500], "it is repeated each 4 s");
        probe.receive(granted(&register, ""));
        assert!(probe.is_registered(), "{status}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.1
//= type=test
//# When a timeout error is received from the transaction layer, it MUST be treated as if a 408
//# (Request Timeout) status code has been received.
#[test]
fn no_answer_is_waited_behind_as_a_408_is() {
    let (mut silent, _) = registering();
    silent.pass(seconds(32));
    assert_eq!(failure(&silent).0, &Cause::TimedOut);
    assert_eq!(failure(&silent).1, failure_after("408 Request Timeout", "").1);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.2
//= type=test
//# If a header field appears in a message not matching its category (such as a request header field
//# in a response), it MUST be ignored.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20
//= type=test
//# the UAC MUST ignore the header field in the response.
#[test]
fn header_fields_that_are_not_for_a_response_change_nothing() {
    for field in [
        "Max-Forwards: x",
        "Authorization: Digest",
        "Route: <sip:192.0.2.9;lr>",
        "Subject:",
        "Min-Expires: 9",
    ] {
        let (mut probe, register) = registering();
        probe.receive(granted(&register, &format!("{field}\r\n")));
        assert!(probe.is_registered(), "{field}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
//= type=test
//# The Record-Route header field has no meaning in REGISTER requests or responses, and MUST be
//# ignored if present.
//= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
//= type=test
//# In particular, the UAC MUST NOT create a new route set based on the presence or absence of a
//# Record-Route header field in any response to a REGISTER request.
#[test]
fn a_record_route_makes_no_route() {
    let (mut probe, register) = registering();
    probe.receive(granted(&register, "Record-Route: <sip:192.0.2.9;lr>\r\n"));
    let sent = probe.pass(seconds(60));
    let refresh = sent.iter().find(|(_, it)| it.payload.starts_with(b"REGISTER ")).unwrap();
    let (before, now): (Message<'_>, Message<'_>) = (register.message(), refresh.1.message());
    assert!(!now.has(HeaderName::Route) && now.request_uri() == before.request_uri());
    assert_eq!(refresh.1.destination, register.destination);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-20.43
//= type=test
//# A system receiving this warning MUST NOT take any automated action.
#[test]
fn a_miscellaneous_warning_is_for_people() {
    let warning = "Warning: 399 pbx.example.com \"redirect to sip:192.0.2.9\"\r\n";
    for status in ["403 Forbidden", "500 Server Internal Error"] {
        let ((told, wait), (told_without, same)) =
            (failure_after(status, warning), failure_after(status, ""));
        assert_eq!((told, wait), (format!("{told_without}: redirect to sip:192.0.2.9"), same));
    }
}

//= https://www.rfc-editor.org/rfc/rfc3263#section-4
//= type=test
//# The procedures here MUST be done exactly once per transaction, where transaction is as defined
//# in [1].
//= https://www.rfc-editor.org/rfc/rfc3263#section-4
//= type=test
//# That is, once a SIP server has successfully been contacted (success is defined below), all
//# retransmissions of the SIP request and the ACK for non-2xx SIP responses to INVITE MUST be sent
//# to the same host.
//= https://www.rfc-editor.org/rfc/rfc3263#section-4.4
//= type=test
//# When a server is contacted successfully, all retransmissions of the request for the transaction,
//# as well as ACK for a non-2xx final response, and CANCEL requests for that transaction, MUST go
//# to the same server.
#[test]
fn one_look_up_is_for_all_copies_of_a_request_and_they_go_to_one_server() {
    let mut probe = Probe::resolving(Config::new(phone_address()), account());
    let (line, local) = (probe.line, phone_address());
    let targets = ["192.0.2.1:5060", "192.0.2.2:5060"].map(|it| Target::udp(it.parse().unwrap(), local));
    let first = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(targets.to_vec())));
    let copies = probe.pass(Duration::from_millis(31_999));
    assert!(copies.len() == 10 && copies.iter().all(|(_, copy)| copy == &first[0]));
    let look_ups = probe.events().iter().filter(|event| matches!(event, Event::Resolve { .. })).count();
    assert_eq!(look_ups, 1);
}
