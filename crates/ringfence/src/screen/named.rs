//! Who calls, in all the ways an INVITE may say it: what is decided, and what is written down.

use std::sync::Arc;
use std::time::Instant;

use super::program::Program;
use crate::journal::{Call, Outcome};

/// Screens one INVITE of the PBX with these header lines by rules, and returns its record.
fn screened(rules: &str, user: u64, headers: &str) -> Arc<Call> {
    let now = Instant::now();
    let mut program = Program::start(now, rules);
    let invite = format!(
        "INVITE sip:{user}@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         {headers}\r\nTo: <sip:{user}@192.0.2.1>\r\nCall-ID: call-1\r\n\
         CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    );
    program.take(now, &[invite.into_bytes()]);
    let calls = program.calls();
    assert_eq!(calls.len(), 1, "{headers}");
    Arc::clone(&calls[0])
}

/// Returns who called, and by which rule that was decided.
fn told(rules: &str, headers: &str) -> (String, String) {
    let call = screened(rules, 858, headers);
    (call.caller.clone(), call.rule.clone())
}

fn words(caller: &str, rule: &str) -> (String, String) {
    (caller.to_owned(), rule.to_owned())
}

const FAMILY: &str = r#"
[list.family]
entries = ["020 7946 0123"]

[[rule]]
id = "family"
when = { caller_in = "family" }
then = "busy"

[[rule]]
id = "rest"
then = "decline"
"#;

#[test]
fn of_two_asserted_identities_the_number_is_matched() {
    let bob = "From: <sip:bob@192.0.2.1>;tag=1";
    for asserted in [
        "P-Asserted-Identity: <sip:bob@192.0.2.1>, <tel:+442079460123>",
        "P-Asserted-Identity: <sip:bob@192.0.2.1>\r\nP-Asserted-Identity: <tel:+44-20-7946-0123>",
        "P-Asserted-Identity: <tel:+442079460123>, <sip:bob@192.0.2.1>",
    ] {
        assert_eq!(told(FAMILY, &format!("{bob}\r\n{asserted}")), words("+442079460123", "family"));
    }
    let names = format!("{bob}\r\nP-Asserted-Identity: <sip:bob@192.0.2.1>, <sip:eve@192.0.2.1>");
    assert_eq!(told(FAMILY, &names), words("bob", "rest"));
}

#[test]
fn of_two_asserted_identities_the_name_of_one_goes_with_the_number_of_the_other() {
    let asserted =
        "P-Asserted-Identity: \"Anna\" <sip:bob@192.0.2.1>\r\nP-Asserted-Identity: <tel:+442079460123>";
    let call = screened(FAMILY, 858, &format!("From: \"Eve\" <sip:bob@192.0.2.1>;tag=1\r\n{asserted}"));
    assert_eq!((&*call.caller, call.display_name.as_deref()), ("+442079460123", Some("Anna")));
}

#[test]
fn what_is_asserted_hides_nobody_where_from_is_believed() {
    let believed = format!("[line.858]\nposition = \"sole\"\ntrust.identity = [\"from\"]\n{FAMILY}");
    let account = "[account.858]\nuser = \"858\"\ndomain = \"192.0.2.1\"\npassword = \"secret\"\n";
    let headers = "From: <sip:+442079460123@192.0.2.1>;tag=1\r\n\
                   P-Asserted-Identity: <sip:anonymous@anonymous.invalid>, <tel:+442079460199>";
    assert_eq!(told(&format!("{account}{believed}"), headers), words("+442079460123", "family"));
}

#[test]
fn a_number_beside_an_identity_that_hides_is_matched_and_not_shown() {
    for headers in [
        "From: <sip:bob@192.0.2.1>;tag=1\r\n\
         P-Asserted-Identity: <sip:anonymous@anonymous.invalid>, <tel:+442079460123>",
        "From: <sip:bob@192.0.2.1>;tag=1\r\nPrivacy: id\r\n\
         P-Asserted-Identity: <sip:bob@192.0.2.1>, <tel:+442079460123>",
        "From: <sip:02079460123@anonymous.invalid>;tag=1",
    ] {
        let call = screened(FAMILY, 858, headers);
        assert_eq!((&*call.caller, &*call.rule), ("anonymous", "family"), "{headers}");
        assert!(!call.reason.contains("7946"), "{}", call.reason);
    }
}

#[test]
fn what_was_verified_of_a_number_counts_however_it_is_asserted() {
    let rules = "[[rule]]\nid = \"forged\"\nwhen = { verification = \"failed\" }\nthen = \"busy\"\n\
                 [[rule]]\nid = \"rest\"\nthen = \"decline\"\n";
    let from = "From: <sip:+442079460123;verstat=TN-Validation-Failed@192.0.2.1;user=phone>;tag=1";
    for (asserted, rule) in [
        ("<sip:+442079460123@192.0.2.1>", "forged"),
        ("<sip:02079460123@192.0.2.1>", "forged"),
        ("<tel:+44-20-7946-0123>", "forged"),
        ("<tel:+442079460124>", "rest"),
    ] {
        let headers = format!("{from}\r\nP-Asserted-Identity: {asserted}");
        assert_eq!(&*screened(rules, 858, &headers).rule, rule, "{asserted}");
    }
}

#[test]
fn a_name_is_known_without_the_parameters_in_its_user() {
    let rules = "[list.friends]\nentries = [\"sip:alice\"]\n\
                 [[rule]]\nid = \"friends\"\nwhen = { caller_in = \"friends\" }\nthen = \"busy\"\n\
                 [[rule]]\nid = \"rest\"\nthen = \"decline\"\n";
    for (user, caller, rule) in [
        ("alice;cpc=ordinary", "alice", "friends"),
        ("unavailable;verstat=No-TN-Validation", "unavailable", "rest"),
    ] {
        let call = screened(rules, 858, &format!("From: <sip:{user}@192.0.2.1>;tag=1"));
        assert_eq!((&*call.caller, &*call.rule), (caller, rule));
        let identity = (caller == "alice").then_some("alice");
        assert_eq!(call.evidence.identity.as_deref(), identity);
    }
}

/// A line that is not started, since a rule can have it answer, and a caller who is never refused.
const UNSTARTED: &str = r#"
[account.859]
user = "859"
domain = "192.0.2.1"
password = "secret"

[list.never_block]
entries = ["020 7946 0124"]

[[rule]]
id = "sorry"
when = { line = "859" }
then = { answer = { play = "sorry.wav", max_seconds = 9 } }

[[rule]]
id = "rest"
then = "busy"
"#;

#[test]
fn who_is_never_refused_rings_also_on_a_line_that_is_not_started() {
    let psap = "From: <sip:+442079460199@192.0.2.1>;tag=1\r\nPriority: psap-callback";
    for (headers, caller, rule) in [
        ("From: <sip:112@192.0.2.1>;tag=1", "112", "emergency"),
        ("From: <sip:999@anonymous.invalid>;tag=1", "anonymous", "emergency"),
        ("From: <sip:112@192.0.2.1>;tag=1\r\nPrivacy: id", "anonymous", "emergency"),
        (psap, "+442079460199", "emergency-callback"),
        ("From: <sip:02079460124@192.0.2.1>;tag=1", "+442079460124", "never_block"),
    ] {
        let call = screened(UNSTARTED, 859, headers);
        assert_eq!((&*call.caller, &*call.rule, &call.verdict), (caller, rule, &Outcome::Ring), "{headers}");
        assert_eq!((&*call.line, call.reason.contains("not started")), ("859", false), "{}", call.reason);
    }
    let call = screened(UNSTARTED, 859, "From: <sip:+442079460123@192.0.2.1>;tag=1");
    assert_eq!((&*call.rule, &call.verdict), ("undecided", &Outcome::Refuse { status: 480 }));
    assert!(call.reason.starts_with("the line is not started: it can reach `answer"), "{}", call.reason);
}
