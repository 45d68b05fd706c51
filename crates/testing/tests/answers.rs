//! What the endpoint answers, datagram by datagram: RFC 3261 sections 8.2, 9.2, 12.2.2, 17.2 and 18.2.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::sync::Arc;

use ringfence_testing::audit;
use ringfence_ua::{
    Account, CallEnd, Config, Decided, Endpoint, Limits, Redirection, Rejection, Verdict, Wait,
};
use ringfence_wire::sip::Message;

use probe::{
    Probe, Sent, Shown, account, ack, in_dialog, millis, peer_address, phone_address, request, seconds,
    statuses, with,
};

fn busy() -> Verdict {
    Verdict::busy()
}

fn ring() -> Verdict {
    Verdict::Ring { limit: None }
}

/// An endpoint of these bounds.
fn bounded(limits: Limits, verdict: Verdict) -> Probe {
    let config = Config { limits, ..Config::new(phone_address()) };
    Probe::of(config, account(), Shown::default().screen(verdict))
}

/// An endpoint that has no room for a single transaction.
fn without_room(verdict: Verdict) -> Probe {
    bounded(Limits { server_transactions: 0, ..Limits::default() }, verdict)
}

/// A request of the client of RFC 2543: its branch identifies nothing.
fn of_rfc_2543(request: &str) -> String {
    request.replacen(";branch=z9hG4bK776asdhds", "", 1)
}

/// A request with another branch.
fn other_way(request: &str) -> String {
    request.replacen("z9hG4bK776asdhds", "z9hG4bKother", 1)
}

/// The CANCEL of an INVITE.
fn cancel(invite: &str) -> String {
    invite.replacen("INVITE ", "CANCEL ", 1).replacen(" INVITE\r\n", " CANCEL\r\n", 1)
}

fn to_tag(sent: &Sent) -> Option<String> {
    sent.message().to().unwrap().tag().map(|tag| String::from_utf8_lossy(tag).into_owned())
}

mod echoed {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.1
    //= type=test
    //# When a 100 (Trying) response is generated, any Timestamp header field present in the request
    //# MUST be copied into this 100 (Trying) response.
    #[test]
    fn a_timestamp_is_copied_into_the_100_and_no_further() {
        let sent = Probe::new(busy()).receive(with(&request("INVITE"), "Timestamp: 54.21"));
        assert_eq!(statuses(&sent), [100, 486]);
        assert_eq!(sent[0].header("Timestamp").as_deref(), Some("54.21"));
        assert_eq!(sent[1].header("Timestamp"), None);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# When a UAS responds to a request with a response that establishes a dialog (such as a 2xx to
    //# INVITE), the UAS MUST copy all Record-Route header field values from the request into the
    //# response (including the URIs, URI parameters, and any Record-Route header field parameters,
    //# whether they are known or unknown to the UAS) and MUST maintain the order of those values.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# The UAS MUST add a Contact header field to the response.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# The URI provided in the Contact header field MUST be a SIP or SIPS URI.
    #[test]
    fn a_180_repeats_the_record_route_and_says_where_we_are_without_our_token() {
        let routes = "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\nRecord-Route: <sip:192.0.2.1;lr>";
        let sent = Probe::new(ring()).receive(with(&request("INVITE"), routes));
        assert_eq!(statuses(&sent), [100, 180]);
        let repeated = sent[1].headers("Record-Route");
        assert_eq!(repeated, ["<sip:p2.example.com;lr>, <sip:p1.example.com;lr>", "<sip:192.0.2.1;lr>"]);
        assert_eq!(sent[1].headers("Contact"), ["<sip:858@192.0.2.7:5060>"]);
        assert_eq!(sent[0].header("Record-Route"), None);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //= type=test
    //# The Via header field values in the response MUST equal the Via header field values in the
    //# request and MUST maintain the same ordering.
    #[test]
    fn via_values_keep_their_order_however_they_are_spread_over_fields() {
        let top = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds";
        let vias = format!(
            "{top} , SIP/2.0/TCP b.example:5061;branch=z9hG4bK2\r\nv: SIP/2.0/UDP c.example,\r\n \
            SIP/2.0/UDP [2001:db8::9];branch=4"
        );
        let text = request("INVITE").replacen(top, &vias, 1);
        for sent in Probe::new(busy()).receive(&text) {
            let (asked, answer) = (Message::parse(text.as_bytes()).unwrap(), sent.message());
            assert_eq!(audit(&asked, &answer, None), [""; 0]);
            let hosts: Vec<String> = answer.vias().map(|via| via.unwrap().host().to_string()).collect();
            assert_eq!(hosts, ["192.0.2.1", "b.example", "c.example", "[2001:db8::9]"]);
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1
    //= type=test
    //# When the server transport receives a request over any transport, it MUST examine the value
    //# of the "sent-by" parameter in the top Via header field value.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //= type=test
    //# It MUST follow the following process:
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //= type=test
    //# Otherwise, if the Via header field value contains a "maddr" parameter, the response MUST be
    //# forwarded to the address listed there, using the port indicated in "sent-by", or port 5060
    //# if none is present.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //= type=test
    //# Otherwise (for unreliable unicast transports), if the top Via has a "received" parameter,
    //# the response MUST be sent to the address in the "received" parameter, using the port
    //# indicated in the "sent-by" value, or using port 5060 if none is specified explicitly.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //= type=test
    //# Otherwise, if it is not receiver-tagged, the response MUST be sent to the address indicated
    //# by the "sent-by" value, using the procedures in Section 5 of [4].
    #[test]
    fn responses_go_where_the_top_via_says() {
        let destination = |sent_by: &str, parameters: &str| {
            let old = "192.0.2.1:5060;branch=z9hG4bK776asdhds";
            let text = request("INVITE").replacen(old, &format!("{sent_by};branch=z9hG4bKx{parameters}"), 1);
            let sent = Probe::new(busy()).receive_from("192.0.2.1:5099".parse().unwrap(), text);
            assert!(
                sent.iter().all(|one| one.destination == sent[0].destination),
                "100 and 486 go to one place"
            );
            sent[0].destination.to_string()
        };
        assert_eq!(destination("192.0.2.1", ""), "192.0.2.1:5060");
        assert_eq!(destination("pbx.example.com", ""), "192.0.2.1:5060");
        assert_eq!(destination("pbx.example.com:5060", ""), "192.0.2.1:5060");
        assert_eq!(destination("pbx.example.com:5070", ""), "192.0.2.1:5070");
        assert_eq!(destination("pbx.example.com:5070", ";rport"), "192.0.2.1:5099");
        assert_eq!(destination("pbx.example.com:5070", ";received=203.0.113.9"), "192.0.2.1:5070");
        assert_eq!(destination("pbx.example.com:5070", ";rport;maddr=192.0.2.9"), "192.0.2.9:5070");
        assert_eq!(destination("pbx.example.com", ";rport;maddr=192.0.2.9"), "192.0.2.9:5060");
    }

    #[test]
    fn what_a_dual_stack_socket_receives_over_ipv4_is_answered_there_and_named_as_ipv4() {
        let source = "[::ffff:192.0.2.1]:5060".parse().unwrap();
        let text = request("INVITE").replacen(";branch", ";rport;branch", 1);
        let sent = Probe::new(busy()).receive_from(source, text);
        assert_eq!(statuses(&sent), [100, 486]);
        assert_eq!(sent[1].destination, source);
        let via = sent[1].header("Via").unwrap();
        assert!(via.ends_with(";received=192.0.2.1"), "{via}");
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //= type=test
    //# However, if the To header field in the request did not contain a tag, the URI in the To
    //# header field in the response MUST equal the URI in the To header field; additionally, the
    //# UAS MUST add a tag to the To header field in the response (with the exception of the 100
    //# (Trying) response, in which a tag MAY be present).
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //= type=test
    //# The same tag MUST be used for all responses to that request, both final and provisional
    //# (again excepting the 100 (Trying)).
    #[test]
    fn every_response_to_a_call_has_one_tag_and_another_call_another() {
        let mut probe = Probe::new(Verdict::Ring { limit: Some(seconds(20)) });
        let mut sent = probe.receive(request("INVITE"));
        sent.extend(probe.pass(seconds(20)).into_iter().map(|(_, sent)| sent));
        assert_eq!(statuses(&sent), [100, 180, 480]);
        assert_eq!(to_tag(&sent[0]), None);
        assert!(to_tag(&sent[1]).is_some() && to_tag(&sent[1]) == to_tag(&sent[2]));
        let other = probe.receive(other_way(&request("INVITE")).replacen("CSeq: 3", "CSeq: 4", 1));
        assert_ne!(to_tag(&sent[1]), to_tag(&other[1]));
    }
}

mod cancelled {
    use super::*;

    #[test]
    fn neither_an_ignored_invite_nor_its_cancel_hears_anything() {
        let mut probe = Probe::new(Verdict::Ignore);
        let invite = request("INVITE");
        probe.excuse(&invite);
        for datagram in [&invite, &invite, &cancel(&invite), &cancel(&invite)] {
            assert_eq!(probe.receive(datagram), []);
        }
        assert_eq!(probe.pass(seconds(64)), []);
        assert_eq!(probe.ends(), [(None, CallEnd::Ignored)]);
    }

    #[test]
    fn a_call_that_the_application_ignores_after_its_100_is_not_answered_when_it_is_cancelled() {
        let mut probe = Probe::new(Verdict::Offer);
        let invite = request("INVITE");
        assert_eq!(statuses(&probe.receive(&invite)), [100]);
        let call = probe.offered();
        let sent = probe.act(|endpoint, now| assert_eq!(endpoint.ignore(now, call), Decided::Sent));
        assert_eq!(sent, []);
        assert_eq!(statuses(&probe.receive(cancel(&invite))), [200], "the CANCEL alone is answered");
        assert_eq!(probe.pass(seconds(700)), []);
        assert_eq!(probe.ends(), [(None, CallEnd::Ignored)]);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2
    //= type=test
    //# If a request is accepted, all state changes associated with it MUST be performed.
    #[test]
    fn a_cancel_that_comes_again_is_answered_again_and_cancels_once() {
        let mut probe = Probe::new(ring());
        let invite = request("INVITE");
        probe.receive(&invite);
        assert_eq!(statuses(&probe.receive(cancel(&invite))), [200, 487]);
        assert_eq!(statuses(&probe.receive(cancel(&invite))), [200]);
        assert_eq!(probe.counter("cancelled"), 1);
    }

    /// The CANCEL has the Request-URI of its INVITE, and so its fault.
    #[test]
    fn a_call_that_was_objected_to_is_cancelled_by_a_cancel_as_wrong_as_itself() {
        for uri in ["sip:858@192.0.2.7?Subject=x", "<sip:858@192.0.2.7>", "soap.beep://192.0.2.7"] {
            let mut probe = Probe::new(Verdict::Offer);
            let invite = request("INVITE").replacen("sip:858@192.0.2.7:5060", uri, 1);
            assert_eq!(statuses(&probe.receive(&invite)), [100]);
            assert_eq!(statuses(&probe.receive(cancel(&invite))), [200, 487], "{uri}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2
    //= type=test
    //# If it is rejected, all state changes MUST NOT be performed.
    #[test]
    fn a_cancel_of_another_transaction_is_told_so() {
        let mut probe = Probe::new(ring());
        probe.receive(request("INVITE"));
        assert_eq!(statuses(&probe.receive(other_way(&cancel(&request("INVITE"))))), [481]);
        assert_eq!(probe.counter("undecided_calls"), 1);
    }
}

mod in_dialogs_that_do_not_exist {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //= type=test
    //# If a request contained a To tag in the request, the To header field in the response MUST
    //# equal that of the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
    //= type=test
    //# If the UAS wishes to reject the request because it does not wish to recreate the dialog, it
    //# MUST respond to the request with a 481 (Call/Transaction Does Not Exist) status code and
    //# pass that to the server transaction.
    #[test]
    fn the_missing_dialog_counts_before_what_the_request_requires() {
        for method in ["INVITE", "BYE", "OPTIONS"] {
            let text = in_dialog(&with(&request(method), "Require: nothingSupportsThis"), "gone");
            let sent = Probe::new(ring()).receive(text);
            assert_eq!(statuses(&sent), [481], "{method}");
            assert_eq!(to_tag(&sent[0]).as_deref(), Some("gone"), "the tag is not replaced");
        }
    }

    #[test]
    fn what_cannot_be_understood_or_done_anyway_is_told_first() {
        let mut probe = Probe::new(ring());
        assert_eq!(statuses(&probe.receive(in_dialog(&request("INFO"), "gone"))), [405]);
        let wrong = in_dialog(&request("INVITE"), "gone").replacen("sip:858@192.0.2.7:5060", "sip:", 1);
        assert_eq!(statuses(&probe.receive(wrong)), [400]);
        assert_eq!(probe.counter("invites"), 0);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1
    //= type=test
    //# UAs MUST assign values to the dialog ID components as described below.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# The call identifier component of the dialog ID MUST be set to the value of the Call-ID in
    //# the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# The local tag component of the dialog ID MUST be set to the tag in the To field in the
    //# response to the request (which always includes a tag), and the remote tag component of the
    //# dialog ID MUST be set to the tag from the From field in the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
    //= type=test
    //# A UAS core receiving a BYE request for an existing dialog MUST follow the procedures of
    //# Section 12.2.2 to process the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
    //= type=test
    //# Whether or not it ends its participation on the session, the UAS core MUST generate a 2xx
    //# response to the BYE, and MUST pass that to the server transaction for transmission.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
    //= type=test
    //# The UAS MUST still respond to any pending requests received for that dialog.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-13.1
    //= type=test
    //# A UA that supports INVITE MUST also support ACK, CANCEL and BYE.
    #[test]
    fn a_bye_ends_the_early_dialog_of_a_ringing_call_and_no_other() {
        let mut probe = Probe::new(ring());
        let invite = request("INVITE");
        let ringing = probe.receive(&invite).pop().unwrap();
        let bye = |call_id: &str, branch: &str| {
            let bye = in_dialog(&request("BYE"), &to_tag(&ringing).unwrap());
            bye.replacen("a84b4c76e66710", call_id, 1).replacen("z9hG4bK776asdhds", branch, 1)
        };
        assert_eq!(statuses(&probe.receive(bye("other", "z9hG4bK1"))), [481]);
        let of_another_callee =
            bye("a84b4c76e66710", "z9hG4bK4").replacen(&to_tag(&ringing).unwrap(), "other", 1);
        assert_eq!(statuses(&probe.receive(of_another_callee)), [481]);
        let of_another_caller = bye("a84b4c76e66710", "z9hG4bK5").replacen("tag=1928301774", "tag=other", 1);
        assert_eq!(statuses(&probe.receive(of_another_caller)), [481]);
        assert_eq!(statuses(&probe.receive(bye("a84b4c76e66710", "z9hG4bK2"))), [200, 487]);
        assert_eq!(statuses(&probe.receive(bye("a84b4c76e66710", "z9hG4bK3"))), [481]);
    }
}

mod merged {
    use super::*;

    #[test]
    fn a_call_with_an_objection_that_comes_by_two_ways_is_shown_once() {
        let shown = Shown::default();
        let mut probe = Probe::of(Config::new(phone_address()), account(), shown.screen(Verdict::Offer));
        let invite = request("INVITE").replacen("Content-Length: 0", "Content-Length: 9", 1);
        assert_eq!(statuses(&probe.receive(&invite)), [100]);
        assert_eq!(statuses(&probe.receive(other_way(&invite))), [482]);
        assert_eq!((shown.count(), probe.counter("merged")), (1, 1));
    }

    /// A proxy that forks to two of our Contacts, or that the call comes round to once more.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.2
    //= type=test
    //# If the request has no tag in the To header field, the UAS core MUST check the request
    //# against ongoing transactions.
    #[test]
    fn a_call_that_spirals_is_decided_once_whatever_was_decided() {
        for verdict in [busy(), ring(), Verdict::Offer] {
            let shown = Shown::default();
            let mut probe = Probe::of(Config::new(phone_address()), account(), shown.screen(verdict));
            let invite = request("INVITE");
            probe.receive(&invite);
            let round = other_way(&invite).replacen("sip:858@192.0.2.7:5060", "sip:859@192.0.2.7:5060", 1);
            let round = round.replacen(
                "Max-Forwards: 70",
                "Via: SIP/2.0/UDP b.example;branch=z9hG4bK3\r\nMax-Forwards: 66",
                1,
            );
            assert_eq!(statuses(&probe.receive(&round)), [482]);
            assert_eq!(statuses(&probe.receive(&round)), [482], "and its retransmission");
            assert_eq!((shown.count(), probe.counter("merged"), probe.counter("invites")), (1, 1, 1));
        }
    }

    #[test]
    fn a_copy_of_an_ignored_call_hears_nothing_and_neither_does_its_cancel() {
        let mut probe = Probe::new(Verdict::Ignore);
        let (invite, copy) = (request("INVITE"), other_way(&request("INVITE")));
        for datagram in [&invite, &copy, &copy, &cancel(&copy)] {
            assert_eq!(probe.receive(datagram), []);
            probe.excuse(&invite);
        }
        assert_eq!((probe.counter("merged"), probe.counter("invites")), (1, 1));
        assert_eq!(probe.pass(seconds(64)), []);
        assert_eq!(probe.ends(), [(None, CallEnd::Ignored)]);
        assert_eq!(probe.counter("transactions"), 0);
    }

    #[test]
    fn a_copy_of_a_call_that_the_application_ignores_hears_nothing_more() {
        let mut probe = Probe::new(Verdict::Offer);
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100]);
        let call = probe.offered();
        probe.act(|endpoint, now| assert_eq!(endpoint.ignore(now, call), Decided::Sent));
        assert_eq!(probe.receive(other_way(&request("INVITE"))), []);
        probe.excuse(&request("INVITE"));
        let next = request("INVITE").replacen("776asdhds", "next", 1).replacen("314159", "314160", 1);
        assert_eq!(statuses(&probe.receive(next)), [100]);
    }

    #[test]
    fn a_copy_that_comes_after_the_ack_is_still_the_same_call_and_the_next_number_is_another() {
        let shown = Shown::default();
        let mut probe = Probe::of(Config::new(phone_address()), account(), shown.screen(busy()));
        let invite = request("INVITE");
        let rejected = probe.receive(&invite).pop().unwrap();
        probe.receive(ack(&invite, &rejected));
        probe.pass(millis(4900));
        assert_eq!(statuses(&probe.receive(other_way(&invite))), [482]);
        let next = invite.replacen("776asdhds", "next", 1).replacen("314159", "314160", 1);
        assert_eq!(statuses(&probe.receive(next)), [100, 486]);
        assert_eq!(shown.count(), 2);
    }
}

mod of_rfc_2543 {
    use super::*;

    #[test]
    fn an_ack_with_another_tag_than_ours_is_not_absorbed() {
        let mut probe = Probe::new(busy());
        let invite = of_rfc_2543(&request("INVITE"));
        let rejected = probe.receive(&invite).pop().unwrap();
        let ack = ack(&invite, &rejected);
        let tag = to_tag(&rejected).unwrap();
        for wrong in [ack.replacen(&tag, "another", 1), ack.replacen(&format!(";tag={tag}"), "", 1)] {
            assert_eq!(probe.receive(wrong), []);
        }
        assert_eq!(probe.counter("dropped_stray_ack"), 2);
        assert_eq!(probe.pass(millis(500)).len(), 1, "timer G still runs");
        assert_eq!(probe.receive(ack), []);
        assert_eq!(probe.pass(seconds(64)), []);
        assert_eq!(probe.ends(), [(Some(486), CallEnd::Acknowledged)]);
    }

    #[test]
    fn the_ack_of_a_481_has_the_tag_that_its_invite_had() {
        let mut probe = Probe::new(busy());
        let invite = in_dialog(&of_rfc_2543(&request("INVITE")), "gone");
        let refused = probe.receive(&invite).pop().unwrap();
        assert_eq!(refused.status(), 481);
        assert_eq!(probe.receive(ack(&invite, &refused)), []);
        assert_eq!(probe.pass(seconds(64)), [], "it is acknowledged");
    }

    #[test]
    fn retransmissions_and_cancel_find_the_call() {
        let mut probe = Probe::new(ring());
        let invite = of_rfc_2543(&request("INVITE"));
        assert_eq!(statuses(&probe.receive(&invite)), [100, 180]);
        assert_eq!(statuses(&probe.receive(&invite)), [180]);
        assert_eq!(statuses(&probe.receive(cancel(&invite))), [200, 487]);
    }
}

mod without_a_transaction {
    use super::*;

    /// RFC 3261 section 8.2.7.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
    //= type=test
    //# To header tags MUST be generated for responses in a stateless manner - in a manner that will
    //# generate the same tag for the same request consistently.
    #[test]
    fn a_retransmission_gets_the_same_bytes_again() {
        let malformed = request("INVITE").replacen("Content-Length: 0", "Content-Length: -1", 1);
        let requests = [
            (request("INVITE"), 486),
            (of_rfc_2543(&request("INVITE")), 486),
            (in_dialog(&request("INVITE"), "gone"), 481),
            (malformed, 486),
            (request("OPTIONS"), 200),
            (request("BYE"), 481),
            (request("REGISTER"), 405),
        ];
        for (text, status) in requests {
            let mut probe = without_room(busy());
            probe.excuse(&text);
            let first = probe.receive(&text);
            assert_eq!(statuses(&first), [status], "{text}");
            assert!(to_tag(&first[0]).is_some());
            probe.pass(seconds(7));
            assert_eq!(probe.receive(&text), first, "{text}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
    //= type=test
    //# A stateless UAS MUST NOT retransmit responses.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
    //= type=test
    //# A stateless UAS MUST ignore ACK requests.
    #[test]
    fn nothing_is_repeated_or_kept_and_the_ack_is_swallowed() {
        let mut probe = without_room(busy());
        let invite = request("INVITE");
        probe.excuse(&invite);
        let rejected = probe.receive(&invite).pop().unwrap();
        assert_eq!(probe.pass(seconds(5)), []);
        assert_eq!(probe.receive(ack(&invite, &rejected)), []);
        assert_eq!(probe.pass(seconds(64)), []);
        assert_eq!((probe.counter("transactions"), probe.counter("dropped_stray_ack")), (0, 1));
        assert_eq!((probe.counter("rejected"), probe.ends()), (1, vec![(Some(486), CallEnd::Stateless)]));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
    //= type=test
    //# A stateless UAS MUST NOT send provisional (1xx) responses.
    #[test]
    fn what_would_have_to_wait_is_told_when_to_come_back() {
        for verdict in [Verdict::Offer, ring()] {
            let mut probe = without_room(verdict);
            let sent = probe.receive(request("INVITE"));
            assert_eq!(statuses(&sent), [503]);
            assert_eq!(sent[0].header("Retry-After").as_deref(), Some("32"));
            assert_eq!(probe.receive(request("INVITE")), sent);
        }
    }

    #[test]
    fn an_ignored_call_hears_nothing_and_is_told_of_as_any_other() {
        let mut probe = without_room(Verdict::Ignore);
        assert_eq!(probe.receive(request("INVITE")), []);
        assert_eq!(probe.counter("ignored"), 1);
        assert_eq!(probe.ends(), [(None, CallEnd::Ignored)]);
    }

    #[test]
    fn redirects_and_objections_go_out_as_they_are() {
        let target = Arc::new(Redirection::new("sip:1000@192.0.2.1").unwrap());
        let sent = without_room(Verdict::Redirect(target)).receive(request("INVITE"));
        assert_eq!(
            (sent[0].status(), sent[0].headers("Contact")),
            (302, vec!["<sip:1000@192.0.2.1>".to_owned()])
        );
        let ringing = Verdict::Wait(Wait::ringing(seconds(3)));
        for verdict in [ring(), ringing, Verdict::Offer] {
            let sent = without_room(verdict).receive(with(&request("INVITE"), "Require: x"));
            assert_eq!((sent[0].status(), sent[0].header("Unsupported").as_deref()), (420, Some("x")));
        }
        let silent = Verdict::Wait(Wait::silent(seconds(3)).then_reject(Rejection::new(603).unwrap().into()));
        for (verdict, status) in [(silent, 603), (Verdict::busy(), 486)] {
            let sent = without_room(verdict).receive(with(&request("INVITE"), "Require: x"));
            assert_eq!(statuses(&sent), [status], "nothing stands against it");
        }
    }
}

mod waiting {
    use super::*;

    #[test]
    fn what_stands_against_a_ring_comes_before_too_many_undecided_and_against_silence_nothing_does() {
        let ringing = Verdict::Wait(Wait::ringing(seconds(3)));
        let silent = Verdict::Wait(Wait::silent(seconds(3)).then_reject(Rejection::new(603).unwrap().into()));
        for (verdict, status, turned_away) in [(ring(), 420, 0), (ringing, 420, 0), (silent, 603, 1)] {
            let mut probe = bounded(Limits { undecided_calls: 0, ..Limits::default() }, verdict);
            let sent = probe.receive(with(&request("INVITE"), "Require: x"));
            assert_eq!((statuses(&sent), probe.counter("turned_away")), (vec![100, status], turned_away));
        }
    }

    #[test]
    fn a_call_that_finds_too_many_undecided_is_told_when_to_come_back() {
        let mut probe = bounded(Limits { undecided_calls: 1, ..Limits::default() }, Verdict::Offer);
        let invite = request("INVITE");
        let second = other_way(&invite).replacen("Call-ID: a", "Call-ID: b", 1);
        probe.receive(&invite);
        let first_call = probe.offered();
        let sent = probe.receive(second);
        assert_eq!(statuses(&sent), [100, 503]);
        assert_eq!(sent[1].header("Retry-After").as_deref(), Some("32"));
        probe.act(|endpoint, now| {
            assert_eq!(endpoint.reject(now, first_call, &Rejection::busy()), Decided::Sent);
        });
        let third = invite.replacen("hds", "hds3", 1).replacen("Call-ID: a", "Call-ID: c", 1);
        assert_eq!(statuses(&probe.receive(third)), [100], "there is room again");
        assert_eq!(probe.counter("turned_away"), 1);
    }

    #[test]
    fn a_call_rings_for_ten_minutes_at_the_most_and_is_reminded_of_each_minute() {
        let mut probe = Probe::new(ring());
        probe.receive(request("INVITE"));
        let sent: Vec<(u64, u16)> =
            probe.pass(seconds(602)).iter().map(|(at, sent)| (at.as_secs(), sent.status())).collect();
        let minutes = (1..10).map(|minute| (60 * minute, 180));
        let expected: Vec<_> = minutes.chain([(600, 480), (600, 480), (601, 480)]).collect();
        assert_eq!(sent, expected); // 480 again on timer G: 0.5 s and 1.5 s after the first
    }

    #[test]
    fn a_call_that_the_application_lets_ring_is_over_ten_minutes_after_it_came() {
        let mut probe = Probe::new(Verdict::Offer);
        let invite = request("INVITE");
        probe.receive(&invite);
        probe.pass(seconds(590));
        let call = probe.offered();
        let ringing = probe.act(|endpoint, now| assert_eq!(endpoint.ring(now, call), Decided::Sent));
        assert_eq!(statuses(&ringing), [180]);
        let ended = probe.pass(seconds(10));
        assert_eq!(
            ended.iter().map(|(at, sent)| (at.as_secs(), sent.status())).collect::<Vec<_>>(),
            [(10, 480)]
        );
        let decided = probe.act(|endpoint, now| assert_eq!(endpoint.ring(now, call), Decided::Gone));
        assert_eq!(decided, []);
    }

    #[test]
    fn a_limit_longer_than_ten_minutes_is_ten_minutes() {
        let mut probe = Probe::new(Verdict::Ring { limit: Some(seconds(100_000_000_000)) });
        probe.receive(request("INVITE"));
        let sent = probe.pass(seconds(600));
        assert_eq!(sent.last().unwrap().1.status(), 480);
    }

    #[test]
    fn a_limit_of_no_time_rings_and_ends_at_once() {
        let mut probe = Probe::new(Verdict::Ring { limit: Some(seconds(0)) });
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100, 180]);
        let sent = probe.pass(seconds(0));
        assert_eq!(sent.iter().map(|(_, sent)| sent.status()).collect::<Vec<_>>(), [480]);
    }
}

mod ended {
    use super::*;

    /// How the calls end of an endpoint that says this, when each final response is acknowledged or none is.
    fn ends(mut probe: Probe, acknowledges: bool) -> Vec<(Option<u16>, CallEnd)> {
        let invite = request("INVITE");
        let mut sent = probe.receive(&invite);
        sent.extend(probe.pass(seconds(600)).into_iter().map(|(_, sent)| sent));
        if acknowledges && let Some(last) = sent.iter().find(|sent| sent.status() >= 300) {
            for _ in 0..2 {
                probe.receive(ack(&invite, last));
            }
        }
        probe.pass(seconds(700));
        assert_eq!((probe.counter("transactions"), probe.counter("undecided_calls")), (0, 0));
        probe.ends()
    }

    #[test]
    fn each_call_is_told_of_once_however_it_ended() {
        for verdict in [Verdict::Offer, ring(), Verdict::Ring { limit: Some(seconds(580)) }] {
            assert_eq!(ends(Probe::new(verdict.clone()), true), [(Some(480), CallEnd::Acknowledged)]);
            assert_eq!(ends(Probe::new(verdict.clone()), false), [(Some(480), CallEnd::Unacknowledged)]);
            let mut probe = without_room(verdict);
            probe.excuse(&request("INVITE"));
            assert_eq!(ends(probe, true), [(Some(503), CallEnd::Stateless)]);
        }
        assert_eq!(ends(Probe::new(busy()), false), [(Some(486), CallEnd::Unacknowledged)]);
        let mut probe = Probe::new(Verdict::Ignore);
        probe.excuse(&request("INVITE"));
        assert_eq!(ends(probe, false), [(None, CallEnd::Ignored)]);
    }

    #[test]
    fn what_is_no_call_is_never_told_of() {
        let no_calls = [in_dialog(&request("INVITE"), "gone"), request("OPTIONS"), request("BYE")];
        for text in no_calls {
            let mut probe = Probe::new(busy());
            probe.receive(text);
            probe.pass(seconds(64));
            assert!(probe.events().is_empty(), "{:?}", probe.events());
        }
    }

    #[test]
    fn each_call_that_was_decided_is_told_of_when_the_endpoint_is_closed() {
        for (verdict, end) in [
            (ring(), (Some(480), CallEnd::Unacknowledged)),
            (busy(), (Some(486), CallEnd::Unacknowledged)),
            (Verdict::Ignore, (None, CallEnd::Ignored)),
        ] {
            let mut probe = Probe::new(verdict);
            probe.receive(request("INVITE"));
            probe.act(Endpoint::reject_all);
            assert_eq!(probe.act(Endpoint::close), []);
            assert_eq!(probe.ends(), [end]);
            probe.act(Endpoint::close);
            assert_eq!(probe.ends(), [end], "once");
        }
        let mut probe = Probe::new(ring());
        probe.receive(request("INVITE"));
        let last = probe.act(Endpoint::reject_all).pop().unwrap();
        probe.receive(ack(&request("INVITE"), &last));
        probe.act(Endpoint::close);
        assert_eq!(probe.ends(), [(Some(480), CallEnd::Acknowledged)]);
    }

    #[test]
    fn who_calls_while_the_endpoint_leaves_is_not_rung_for() {
        let hold = || Verdict::Wait(Wait::silent(seconds(5)).then_reject(Arc::new(Rejection::busy())));
        for (verdict, statuses_sent) in [
            (ring(), vec![100, 480]),
            (Verdict::Offer, vec![100, 480]),
            (hold(), vec![100, 486]),
            (busy(), vec![100, 486]),
            (Verdict::Ignore, vec![]),
        ] {
            let mut probe = Probe::new(verdict);
            probe.act(Endpoint::leave);
            assert_eq!(statuses(&probe.receive(request("INVITE"))), statuses_sent);
        }
    }

    #[test]
    fn calls_still_undecided_when_all_are_rejected_end_as_480() {
        let mut probe = Probe::new(Verdict::Offer);
        probe.receive(request("INVITE"));
        let sent = probe.act(Endpoint::reject_all);
        assert_eq!(statuses(&sent), [480]);
        assert_eq!(probe.act(Endpoint::reject_all), []);
    }
}

mod responses {
    use super::*;

    /// RFC 3261 section 8.1.3.3.
    #[test]
    fn a_response_with_a_second_via_is_discarded() {
        let account = Account { is_registering: true, ..account() };
        let screen = Shown::default().screen(busy());
        let (mut probe, register) = Probe::registering(Config::new(phone_address()), account, screen);
        let message = register.message();
        let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
        let head: String = ["From", "To", "Call-ID", "CSeq"].map(field).concat();
        let (via, contact) = (field("Via"), field("Contact"));
        assert_eq!(message.vias().count(), 1);
        let response = |vias: &str| format!("SIP/2.0 200 OK\r\n{vias}{head}{contact}Expires: 60\r\n\r\n");
        probe.receive(response(&format!("{via}Via: SIP/2.0/UDP 255.255.255.255;branch=1\r\n")));
        assert_eq!((probe.counter("dropped_unmatched_response"), probe.is_registered()), (1, false));
        probe.receive_from(peer_address(), response(&via));
        assert!(probe.is_registered());
    }
}
