//! What a user agent server must say and must not: RFC 3261 sections 8.2, 12.1.1, 12.2.2 and 20.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::sync::Arc;

use ringfence_ua::{Account, Config, Limits, Redirection, Rejection, Verdict};

use probe::{Probe, Sent, Shown, account, in_dialog, phone_address, request, statuses, with};

fn ring() -> Verdict {
    Verdict::Ring { limit: None }
}

/// Gives a request a body.
fn with_body(request: &str, fields: &str) -> String {
    request.replacen("Content-Length: 0\r\n\r\n", &format!("{fields}Content-Length: 4\r\n\r\nbody"), 1)
}

/// The last answer to a request.
fn answered(verdict: Verdict, request: &str) -> Sent {
    Probe::new(verdict).receive(request).pop().unwrap()
}

fn of_another_branch(request: &str) -> String {
    request.replacen("z9hG4bK776asdhds", "z9hG4bKanother", 1)
}

mod refused {
    use super::*;

    /// What is wrong first counts: the screen has the call, however little of it can be read.
    #[test]
    fn a_request_line_that_is_wrong_is_shown_even_where_there_is_no_call_id() {
        let version = request("INVITE").replacen("SIP/2.0\r\n", "SIP/3.0\r\n", 1);
        let uri = request("INVITE").replacen("sip:858@", "sip:@", 1);
        let call_id = |invite: &str| -> String {
            invite.split_inclusive("\r\n").filter(|line| !line.starts_with("Call-ID:")).collect()
        };
        for (invite, status) in [(version, 505), (uri, 400)] {
            for invite in [call_id(&invite), invite] {
                for (verdict, expected) in [(ring(), status), (Verdict::busy(), 486)] {
                    let shown = Shown::default();
                    let mut probe = Probe::of(Config::new(phone_address()), account(), shown.screen(verdict));
                    let sent = probe.receive(&invite);
                    assert_eq!((statuses(&sent), shown.count()), (vec![100, expected], 1), "{invite}");
                }
            }
        }
        let unreadable = call_id(&request("INVITE"));
        assert_eq!(answered(Verdict::busy(), &unreadable).status(), 400, "it cannot be told from others");
    }

    /// Nothing tells them apart, and nothing says that they are one.
    #[test]
    fn different_requests_without_a_call_id_are_no_copies_of_each_other() {
        let wrong = |method: &str| {
            let request = request(method).replacen("SIP/2.0\r\n", "SIP/3.0\r\n", 1);
            request.split_inclusive("\r\n").filter(|line| !line.starts_with("Call-ID:")).collect::<String>()
        };
        let other = |request: &str| of_another_branch(request).replacen("sip:1002@", "sip:1003@", 1);
        let mut probe = Probe::new(ring());
        assert_eq!(statuses(&probe.receive(wrong("INVITE"))), [100, 505]);
        assert_eq!(statuses(&probe.receive(other(&wrong("INVITE")))), [100, 505]);
        let options = |request: String| request.replacen("sip:858@192.0.2.7:5060", "http://example.com", 1);
        for request in [wrong("OPTIONS"), other(&wrong("OPTIONS"))] {
            let request = options(request.replacen("SIP/3.0\r\n", "SIP/2.0\r\n", 1));
            assert_eq!(statuses(&probe.receive(request)), [416]);
        }
        assert_eq!(probe.counter("merged"), 0);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
    //= type=test
    //# The UAS MUST also add an Allow header field to the 405 (Method Not Allowed) response.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
    //= type=test
    //# The Allow header field MUST list the set of methods supported by the UAS generating the
    //# message.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.5
    //= type=test
    //# All methods, including ACK and CANCEL, understood by the UA MUST be included in the list of
    //# methods in the Allow header field, when present.
    #[test]
    fn who_asks_for_a_method_that_is_not_allowed_is_told_which_are() {
        for (method, status) in [("SUBSCRIBE", 405), ("FROBNICATE", 501)] {
            let answer = answered(ring(), &request(method));
            assert_eq!(answer.status(), status);
            assert_eq!(answer.header("Allow").as_deref(), Some("INVITE, ACK, CANCEL, BYE, OPTIONS"));
        }
        let allowed = answered(ring(), &request("OPTIONS")).header("Allow");
        assert_eq!(allowed.as_deref(), Some("INVITE, ACK, CANCEL, BYE, OPTIONS"));
        let of_a_policy = Verdict::Reject(Rejection::new(405).unwrap().into());
        assert!(answered(of_a_policy, &request("INVITE")).header("Allow").is_some());
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.3
    //= type=test
    //# The response MUST contain an Accept header field listing the types of all bodies it
    //# understands, in the event the request contained bodies of types not supported by the UAS.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.3
    //= type=test
    //# If the request contained content encodings not understood by the UAS, the response MUST
    //# contain an Accept-Encoding header field listing the encodings understood by the UAS.
    #[test]
    fn who_sends_a_body_that_is_not_understood_is_told_what_is() {
        let answer = answered(ring(), &with_body(&request("INVITE"), "Content-Type: text/plain\r\n"));
        let understood = "application/sdp, multipart/mixed, multipart/alternative, multipart/related";
        assert_eq!((answer.status(), answer.header("Accept").as_deref()), (415, Some(understood)));
        let coded = "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n";
        let answer = answered(ring(), &with_body(&request("INVITE"), coded));
        assert_eq!((answer.status(), answer.header("Accept-Encoding").as_deref()), (415, Some("identity")));
        let foreign = "Content-Type: application/sdp\r\nContent-Language: tlh\r\n";
        let answer = answered(ring(), &with_body(&request("INVITE"), foreign));
        assert_eq!(answer.status(), 180, "no language is not understood");
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
    //= type=test
    //# The UAS MUST add an Unsupported header field, and list in it those options it does not
    //# understand amongst those in the Require header field of the request.
    #[test]
    fn who_requires_what_is_not_supported_is_told_what_that_is() {
        let answer = answered(ring(), &with(&request("INVITE"), "Require: 100rel, timer"));
        assert_eq!(
            (answer.status(), answer.headers("Unsupported")),
            (420, vec!["100rel".into(), "timer".into()])
        );
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.3
    //= type=test
    //# Redirect servers MUST ignore features that are not understood (including unrecognized header
    //# fields, any unknown option tags in Require, or even method names) and proceed with the
    //# redirection of the request in question.
    #[test]
    fn a_call_is_redirected_whatever_it_requires() {
        let target = Arc::new(Redirection::new("sip:1000@192.0.2.1").unwrap());
        let strange = with(&request("INVITE"), "Require: 100rel\r\nX-Unheard-Of: y");
        assert_eq!(answered(Verdict::Redirect(target), &strange).status(), 302);
    }
}

/// A redirect to where the call came already would lead it round for ever.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.3
//= type=test
//# However, redirect servers MUST NOT redirect a request to a URI equal to the one in the
//# Request-URI; instead, provided that the URI does not point to itself, the server MAY proxy the
//# request to the destination URI, or MAY reject it with a 404.
#[test]
fn a_call_is_not_redirected_to_the_uri_that_was_called() {
    let called = ["sip:858@192.0.2.7:5060", "sip:%38%358@192.0.2.7:5060;x=y"];
    let limits = Limits { server_transactions: 0, ..Limits::default() };
    for (target, limits) in called.map(|uri| [(uri, Limits::default()), (uri, limits)]).concat() {
        let target = Arc::new(Redirection::new(target).unwrap());
        let config = Config { limits, ..Config::new(phone_address()) };
        let screen = Shown::default().screen(Verdict::Redirect(target));
        let answer = Probe::of(config, account(), screen).receive(request("INVITE")).pop().unwrap();
        assert_eq!((answer.status(), answer.header("Contact")), (404, None));
        assert!(answer.header("Warning").unwrap().contains("URI that was called"));
    }
    let other = Arc::new(Redirection::new("sip:858@192.0.2.7:5070").unwrap());
    assert_eq!(answered(Verdict::Redirect(other), &request("INVITE")).status(), 302);
}

mod ignored {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.2
    //= type=test
    //# If a header field appears in a message not matching its category (such as a request header
    //# field in a response), it MUST be ignored.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2
    //= type=test
    //# If a UAS does not understand a header field in a request (that is, the header field is not
    //# defined in this specification or in any supported extension), the server MUST ignore that
    //# header field and continue processing the message.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20
    //= type=test
    //# If one is placed in a request by mistake, it MUST be ignored by the UAS receiving the
    //# request.
    #[test]
    fn header_fields_that_nobody_knows_or_that_are_for_responses_change_nothing() {
        let plain = statuses(&Probe::new(ring()).receive(request("INVITE")));
        for field in ["X-Unheard-Of: y", "WWW-Authenticate: Digest", "Unsupported: 100rel", "Min-Expires: x"]
        {
            let answers = Probe::new(ring()).receive(with(&request("INVITE"), field));
            assert_eq!(statuses(&answers), plain, "{field}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.5
    //= type=test
    //# The absence of an Allow header field MUST NOT be interpreted to mean that the UA sending the
    //# message supports no methods.
    #[test]
    fn a_caller_need_not_say_which_methods_he_takes() {
        assert!(!request("INVITE").contains("Allow:"));
        assert_eq!(answered(ring(), &request("INVITE")).status(), 180);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
    //= type=test
    //# A stateless UAS MUST ignore CANCEL requests.
    #[test]
    fn a_cancel_is_ignored_where_its_invite_may_have_been_answered_without_a_transaction() {
        let limits = Limits { server_transactions: 0, ..Limits::default() };
        let config = Config { limits, ..Config::new(phone_address()) };
        let mut probe = Probe::of(config, account(), Shown::default().screen(Verdict::busy()));
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [486]);
        assert_eq!(probe.receive(request("CANCEL")), []);
    }
}

mod answered {
    use super::*;

    /// Tables 2 and 3: what stands in requests alone, and what no body of ours gives cause to.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20
    //= type=test
    //# the UAS MUST NOT place the header field in the response
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.4
    //= type=test
    //# A UAS that wishes to apply some extension when generating the response MUST NOT do so unless
    //# support for that extension is indicated in the Supported header field in the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.4
    //= type=test
    //# Of course, the server MUST NOT apply extensions not listed in the Supported header field in
    //# the request.
    #[test]
    fn no_answer_has_a_header_field_that_is_not_for_it() {
        let not_for_it = "Max-Forwards, Route, Authorization, Proxy-Authorization, Proxy-Require, Priority, Subject, \
            In-Reply-To, Require, Content-Encoding, Content-Type, Transfer-Encoding";
        let verdicts = [ring(), Verdict::busy(), Verdict::Reject(Rejection::new(420).unwrap().into())];
        let methods = ["INVITE", "OPTIONS", "BYE", "REGISTER", "FROBNICATE"];
        for (verdict, method) in verdicts.iter().flat_map(|verdict| methods.map(|method| (verdict, method))) {
            let asked = with(&request(method), "Route: <sip:192.0.2.7;lr>\r\nSubject: x\r\nPriority: urgent");
            for answer in Probe::new(verdict.clone()).receive(asked) {
                for name in not_for_it.split(", ") {
                    assert_eq!(answer.header(name), None, "{name} in {answer:?}");
                }
                assert_eq!(answer.header("Content-Length").as_deref(), Some("0"));
            }
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# SIPS URI in the Request-URI or in the top Record-Route header field value, if there was any,
    //# or the Contact header field if there was no Record-Route header field, the Contact header
    //# field in the response MUST be a SIPS URI.
    #[test]
    fn a_call_to_a_sips_uri_is_given_one_for_what_follows() {
        let secure = request("INVITE").replacen("INVITE sip:", "INVITE sips:", 1);
        for (invite, scheme) in [(request("INVITE"), "<sip:858@"), (secure, "<sips:858@")] {
            let contact = answered(ring(), &invite).header("Contact").unwrap();
            assert!(contact.starts_with(scheme), "{contact}");
        }
    }
}

mod in_an_early_dialog {
    use super::*;

    /// A request within the dialog that the ringing of an INVITE made.
    fn request_within(ringing: &Sent, method: &str, number: u32) -> String {
        let tag = String::from_utf8(ringing.message().to().unwrap().tag().unwrap().to_vec()).unwrap();
        in_dialog(&of_another_branch(&request(method)), &tag).replacen("314159", &number.to_string(), 1)
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# The remote sequence number MUST be set to the value of the sequence number in the CSeq
    //# header field of the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
    //= type=test
    //# If the remote sequence number was not empty, but the sequence number of the request is lower
    //# than the remote sequence number, the request is out of order and MUST be rejected with a 500
    //# (Server Internal Error) response.
    #[test]
    fn a_bye_that_was_made_before_its_invite_is_out_of_order() {
        let mut probe = Probe::new(ring());
        let ringing = probe.receive(request("INVITE")).pop().unwrap();
        assert_eq!(statuses(&probe.receive(request_within(&ringing, "BYE", 314_158))), [500]);
        assert_eq!(probe.counter("undecided_calls"), 1);
        let bye = request_within(&ringing, "BYE", 314_160).replacen("another", "third", 1);
        assert_eq!(statuses(&probe.receive(bye)), [200, 487]);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
    //= type=test
    //# The UAS MUST then set the remote sequence number to the value of the sequence number in the
    //# CSeq header field value in the request.
    #[test]
    fn a_bye_that_was_made_before_an_options_is_out_of_order_as_well() {
        let mut probe = Probe::new(ring());
        let ringing = probe.receive(request("INVITE")).pop().unwrap();
        let of =
            |method, number, branch| request_within(&ringing, method, number).replacen("another", branch, 1);
        assert_eq!(statuses(&probe.receive(of("OPTIONS", 314_162, "first"))), [200]);
        assert_eq!(statuses(&probe.receive(of("BYE", 314_160, "second"))), [500]);
        assert_eq!(statuses(&probe.receive(of("OPTIONS", 314_161, "third"))), [500]);
        assert_eq!(statuses(&probe.receive(of("BYE", 314_163, "fourth"))), [200, 487]);
    }

    #[test]
    fn options_are_answered_as_they_are_outside_of_a_dialog_and_the_call_rings_on() {
        let mut probe = Probe::new(ring());
        let ringing = probe.receive(request("INVITE")).pop().unwrap();
        let outside = answered(ring(), &request("OPTIONS"));
        let [within] = probe.receive(request_within(&ringing, "OPTIONS", 314_160)).try_into().unwrap();
        assert_eq!(within.status(), 200);
        for header in ["Allow", "Accept", "Accept-Encoding", "Supported"] {
            assert_eq!(within.header(header), outside.header(header), "{header}");
        }
        let other_branch = |text: String, branch| text.replacen("another", branch, 1);
        let early = other_branch(request_within(&ringing, "OPTIONS", 314_158), "early");
        assert_eq!(statuses(&probe.receive(early)), [500], "out of order");
        let demanding = with(&request_within(&ringing, "OPTIONS", 314_161), "Require: nothingSupportsThis");
        assert_eq!(statuses(&probe.receive(other_branch(demanding, "demanding"))), [420]);
        let stranger = in_dialog(&of_another_branch(&request("OPTIONS")), "gone");
        assert_eq!(statuses(&probe.receive(other_branch(stranger, "gone"))), [481]);
        assert_eq!(probe.counter("undecided_calls"), 1);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# A UAS MUST be prepared to receive a request without a tag in the From field, in which case
    //# the tag is considered to have a value of null.
    #[test]
    fn a_caller_without_a_tag_has_one_that_is_empty() {
        let untagged = |request: &str| request.replacen(";tag=1928301774", "", 1);
        let open = Account { is_open: true, ..account() };
        let mut probe = Probe::of(Config::new(phone_address()), open, Shown::default().screen(ring()));
        let ringing = probe.receive(untagged(&request("INVITE"))).pop().unwrap();
        assert_eq!(ringing.status(), 180);
        let bye = request_within(&ringing, "BYE", 314_160);
        assert_eq!(
            statuses(&probe.receive(bye.replacen("another", "tagged", 1))),
            [481],
            "of another dialog"
        );
        assert_eq!(statuses(&probe.receive(untagged(&bye))), [200, 487]);
    }
}
