//! Credentials that were rejected (RFC 3261 section 22.1).

use super::*;

const AGAIN: &str = "credentials that were rejected are not offered again";
const AT_ONCE: &str = "a password that was rejected just now is not tried again at once";

/// A line that registers with nonces, and is challenged each time.
struct Registering {
    bench: Bench,
    cseq: u32,
}

impl Registering {
    fn new() -> Self {
        Self { bench: Bench::new(), cseq: 0 }
    }

    /// Sends the next REGISTER, with an answer to a nonce or without, and has it challenged so, or else accepted.
    fn asks(&mut self, nonce: Option<(&str, u32)>, challenge: Option<&str>) -> &mut Self {
        self.asks_and_hears(nonce, if challenge.is_some() { "401 Unauthorized" } else { "200 OK" }, challenge)
    }

    fn asks_and_hears(
        &mut self,
        nonce: Option<(&str, u32)>,
        status: &str,
        challenge: Option<&str>,
    ) -> &mut Self {
        self.asks_and_hears_after(nonce, Duration::ZERO, status, challenge)
    }

    fn asks_and_hears_after(
        &mut self,
        nonce: Option<(&str, u32)>,
        time: Duration,
        status: &str,
        challenge: Option<&str>,
    ) -> &mut Self {
        self.cseq += 1;
        let new = nonce.map(|(nonce, count)| {
            // None is counted where nothing is protected.
            let count = if count > 0 {
                format!("qop=auth,cnonce=\"c\",nc={count:08}")
            } else {
                "opaque=\"o\"".to_owned()
            };
            format!("Authorization: Digest realm=\"b.example\",nonce=\"{nonce}\",{count}\r\n")
        });
        let register = REGISTER.replace(AUTHORIZATION, &new.unwrap_or_default());
        let register = register.replace("bKr", &format!("bK{}", self.cseq));
        let register = register.replace("CSeq: 7", &format!("CSeq: {}", self.cseq));
        self.bench.sent(&register);
        let answer = register.replacen("REGISTER sip:b.example SIP/2.0", &format!("SIP/2.0 {status}"), 1);
        let challenge = challenge
            .map(|it| format!("WWW-Authenticate: Digest realm=\"b.example\",{it}\r\nContent-Length"));
        let answer = answer.replacen("Content-Length", challenge.as_deref().unwrap_or("Content-Length"), 1);
        self.bench.now += time;
        self.bench.received(&answer);
        self
    }
}

#[test]
fn what_was_rejected_is_not_offered_again_however_much_later() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 1)), None).asks(Some(("a", 2)), Some("nonce=\"b\""));
    assert_eq!(line.bench.broken(), BTreeSet::new());
    line.asks(Some(("a", 3)), None);
    line.bench.expect("credentials that were rejected are not offered again");
}

#[test]
fn a_nonce_that_was_rejected_and_is_given_again_for_one_that_was_stale_may_be_used() {
    let again = |given: &str| {
        let mut line = Registering::new();
        line.asks(None, Some("nonce=\"a\""))
            .asks(Some(("a", 1)), None)
            .asks(Some(("a", 2)), Some("nonce=\"b\""));
        line.asks(Some(("b", 1)), Some(given)).asks(Some(("a", 3)), None);
        line.bench.broken()
    };
    assert_eq!(again("nonce=\"a\",stale=true"), BTreeSet::new());
    assert_eq!(again("nonce=\"a\""), [AGAIN, AT_ONCE].into());
    assert_eq!(again("nonce=\"c\",stale=true"), [AGAIN].into());
}

#[test]
fn what_is_rejected_when_its_request_was_given_up_was_not_heard() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 1)), None);
    line.asks_and_hears_after(Some(("a", 2)), 64 * T1, "401 Unauthorized", Some("nonce=\"b\""));
    line.asks(Some(("a", 3)), None);
    assert_eq!(line.bench.broken(), BTreeSet::new());
}

#[test]
fn a_password_that_was_rejected_at_the_first_try_is_not_tried_again_with_the_next_nonce() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 1)), Some("nonce=\"b\"")).asks(Some(("b", 1)), None);
    line.bench.expect("a password that was rejected just now is not tried again at once");

    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 1)), Some("nonce=\"a\"")).asks(Some(("a", 2)), None);
    assert_eq!(line.bench.broken(), [AGAIN, AT_ONCE].into());
}

#[test]
fn a_nonce_that_was_stale_is_replaced_and_so_is_one_that_was_good_for_a_while() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 1)), Some("nonce=\"b\",stale=TRUE"));
    line.asks(Some(("b", 1)), None).asks(Some(("b", 2)), Some("nonce=\"c\"")).asks(Some(("c", 1)), None);
    assert_eq!(line.bench.broken(), BTreeSet::new());
}

#[test]
fn who_asks_without_credentials_first_may_try_them_again() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 1)), Some("nonce=\"b\""));
    line.asks(None, Some("nonce=\"c\"")).asks(Some(("c", 1)), None);
    assert_eq!(line.bench.broken(), BTreeSet::new());
}

#[test]
fn what_stands_in_another_response_than_a_challenge_rejects_nothing() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks_and_hears(Some(("a", 1)), "420 No", Some("nonce=\"a\""));
    line.asks(Some(("a", 2)), None);
    assert_eq!(line.bench.broken(), BTreeSet::new());
}

#[test]
fn who_was_asked_with_qop_answers_with_it() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\",qop=\"auth\"")).asks(Some(("a", 1)), Some("nonce=\"b\",stale=true"));
    line.asks(Some(("b", 0)), Some("nonce=\"c\",qop=\"auth\",stale=true"));
    assert_eq!(line.bench.broken(), BTreeSet::new());
    line.asks(Some(("c", 0)), None);
    line.bench.expect("who was asked with qop answers with it");
}

#[test]
fn what_was_rejected_may_be_offered_by_who_asked_without_credentials_meanwhile() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 1)), Some("nonce=\"a\""));
    line.asks(None, Some("nonce=\"a\"")).asks(Some(("a", 2)), None);
    assert_eq!(line.bench.broken(), BTreeSet::new());
}

#[test]
fn who_is_asked_without_qop_at_last_answers_without_it() {
    let mut line = Registering::new();
    line.asks(None, Some("nonce=\"a\",qop=\"auth\"")).asks(Some(("a", 1)), Some("nonce=\"a\",stale=true"));
    line.asks(Some(("a", 0)), None);
    assert_eq!(line.bench.broken(), BTreeSet::new());
}

#[test]
fn nonces_by_turns_are_each_counted() {
    let mut line = Registering::new();
    line.asks(None, None).asks(Some(("a", 5)), None).asks(Some(("b", 1)), None).asks(Some(("a", 6)), None);
    assert_eq!(line.bench.broken(), BTreeSet::new());
    line.asks(Some(("b", 1)), None);
    line.bench.expect("the count of a nonce grows");
}
