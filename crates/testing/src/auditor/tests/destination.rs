//! Where a response goes (RFC 3261 section 18.2.2, RFC 3581 section 4).

use super::*;

const RULE: &str = "a response goes where its Via says";
const VIA: &str = "192.0.2.9:5080;branch=z9hG4bK7;rport";
const ECHO: &str = "192.0.2.9:5080;branch=z9hG4bK7;rport=5060;received=192.0.2.1";

/// One that was called from 192.0.2.1:5060 with a Via, and what it has answered to some address.
fn answered_to(destination: &str, via: &str, echo: &str, prepare: impl FnOnce(&mut Bench)) -> Bench {
    let mut bench = Bench::new();
    prepare(&mut bench);
    bench.received(&INVITE.replacen(VIA, via, 1));
    let busy = answer("486 Busy Here").replacen(ECHO, echo, 1);
    bench.auditor.sent(bench.now, bench.transport, destination.parse().unwrap(), busy.as_bytes());
    bench
}

#[test]
fn without_rport_a_response_goes_to_the_port_of_sent_by_and_to_no_other() {
    let (via, echo) = ("192.0.2.9:5080;branch=z9hG4bK7", "192.0.2.9:5080;branch=z9hG4bK7;received=192.0.2.1");
    let to = |destination| answered_to(destination, via, echo, |_| {});
    assert_eq!(to("192.0.2.1:5080").broken(), BTreeSet::new());
    to("192.0.2.1:5060").expect(RULE);
    to("192.0.2.9:5080").expect(RULE);
}

#[test]
fn with_rport_a_response_goes_to_where_the_request_came_from() {
    let to = |destination| answered_to(destination, VIA, ECHO, |_| {});
    assert_eq!(to("192.0.2.1:5060").broken(), BTreeSet::new());
    to("192.0.2.1:5080").expect(RULE);
}

#[test]
fn maddr_leads_elsewhere_but_for_who_is_not_known() {
    let (via, echo) = (format!("{VIA};maddr=192.0.2.66"), format!("{ECHO};maddr=192.0.2.66"));
    let to = |destination| answered_to(destination, &via, &echo, |_| {});
    assert_eq!(to("192.0.2.66:5080").broken(), BTreeSet::new());
    to("192.0.2.1:5060").expect(RULE);

    let to =
        |destination| answered_to(destination, &via, &echo, |bench| bench.auditor.does_not_know(peer().ip()));
    assert_eq!(to("192.0.2.1:5060").broken(), BTreeSet::new());
    to("192.0.2.66:5080").expect(RULE);
}
