//! A line with two outbound proxies (RFC 5626 section 4.2): it is registered through both, and can be called while one of
//! them lives. Here each proxy is a registrar, too, which makes no difference to the line.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_testing::{CallPlan, Node as _, NodeId, Outcome, Pbx, PbxConfig, Phone};
use ringfence_ua::{Cause, RegistrationState};
use ringfence_wire::sip::{HeaderName, Method};

mod scene;

use scene::{Scene, account, pbx_address, phone_address, seconds};

fn second_address() -> SocketAddr {
    "192.0.2.2:5060".parse().unwrap()
}

/// A line of which the first proxy is the scene's PBX, and the second PBX.
struct Two {
    scene: Scene,
    second: NodeId<Pbx>,
}

impl Two {
    fn new(seed: u64) -> Self {
        let mut account = account();
        account.extras_mut().outbound_proxy = Some(("192.0.2.1".to_owned(), None));
        account.extras_mut().other_proxies = vec![("192.0.2.2".to_owned(), Some(5060))];
        account.instance = Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".into());
        account.expires = seconds(600);
        let config = PbxConfig::new(pbx_address());
        let mut scene = Scene::of(seed, config, account, Phone::new(phone_address(), seed));
        let mut second = Pbx::new(PbxConfig::new(second_address()), seed);
        second.add_user("858", "secret");
        let second = scene.network.add(second_address(), second);
        scene.run(seconds(5));
        Self { scene, second }
    }

    /// What the state is and why one of the flows is lost, where one is.
    fn state(&self) -> (bool, Option<Cause>) {
        match self.scene.last_state().clone() {
            RegistrationState::Registered { lost, .. } => (true, lost.map(|lost| lost.cause)),
            RegistrationState::Failed { cause, .. } => (false, Some(cause)),
            RegistrationState::Registering { .. } | _ => (false, None),
        }
    }

    /// How long each REGISTER to the first proxy waited since the one before, if more than a retransmission does.
    fn waits_of_first(&self) -> Vec<Duration> {
        let packets = self.scene.network.packets().iter();
        let asked =
            packets.filter(|it| it.destination == pbx_address() && it.payload.starts_with(b"REGISTER"));
        let at: Vec<_> = asked.map(|it| self.scene.network.clock().since_epoch(it.sent_at)).collect();
        let waits = at.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        waits.filter(|wait| *wait > seconds(40)).collect()
    }
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# A UAC conforming to this specification MUST include in the Contact
//# header field, a "reg-id" parameter that is distinct from other
//# "reg-id" parameters used in other registrations that use the same
//# "+sip.instance" Contact header field parameter and AOR.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# Each of these REGISTER requests
//# will use a unique Call-ID.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.1
//= type=test
//# Each UA MUST have an Instance Identifier Uniform Resource Name (URN) [RFC2141] that uniquely
//# identifies the device.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# However, a UA MUST support sets with at least two outbound proxy URIs and SHOULD support sets
//# with up to four URIs.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# If the set has more than one URI, the UAC MUST send a REGISTER request to at least two of the
//# default outbound proxies from the set.
//= https://www.rfc-editor.org/rfc/rfc5626#section-10
//= type=test
//# The value of the reg-id MUST NOT be 0 and MUST be less than 2^31.
#[test]
fn a_line_is_registered_through_each_of_its_proxies() {
    let two = Two::new(1);
    assert!(two.scene.pbx().is_registered("858") && two.scene.network.node(two.second).is_registered("858"));
    assert_eq!(two.state(), (true, None));
    let registers = two.scene.requests(Method::Register);
    let mut bindings: Vec<_> = registers
        .iter()
        .map(|(_, register)| {
            let contact = register.contacts().next().unwrap().unwrap();
            let ringfence_wire::sip::Contact::Addr(contact) = contact else { panic!("a star") };
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            (
                text(contact.param("+sip.instance").unwrap()),
                text(contact.param("reg-id").unwrap()),
                text(register.call_id().unwrap()),
            )
        })
        .collect();
    bindings.sort();
    bindings.dedup();
    let [(one, first, id), (other, second, other_id)] = &bindings[..] else { panic!("{bindings:?}") };
    assert_eq!((one, &first[..], &second[..]), (other, "1", "2"));
    assert_ne!(id, other_id);
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# The sequence of reg-id values does not have to be sequential but MUST be exactly the same
//# sequence of reg-id values each time the UA instance power cycles or reboots, so that the reg-id
//# values will collide with the previously used reg-id values.
#[test]
fn a_flow_has_its_number_by_the_place_of_its_proxy_each_time_the_device_starts() {
    for seed in 0..10 {
        let two = Two::new(seed);
        for (_, register) in two.scene.requests(Method::Register) {
            let route = String::from_utf8(register.first(HeaderName::Route).unwrap().to_vec()).unwrap();
            let reg_id = if route.starts_with("<sip:192.0.2.1;") { ";reg-id=1" } else { ";reg-id=2" };
            let contact = String::from_utf8(register.first(HeaderName::Contact).unwrap().to_vec()).unwrap();
            assert!(contact.contains(reg_id), "{route}: {contact}");
        }
    }
}

#[test]
fn a_line_stays_registered_while_one_of_its_proxies_lives() {
    let mut two = Two::new(2);
    two.scene.network.cut_off(pbx_address());
    two.scene.run(seconds(600));
    assert_eq!(two.state(), (true, Some(Cause::TimedOut)));
    assert!(!two.scene.states().iter().any(|state| matches!(state, RegistrationState::Failed { .. })));
    let call = two.scene.network.with(two.second, |pbx, now| pbx.call(now, CallPlan::new("1002", "858")));
    two.scene.run(seconds(1));
    assert!(!matches!(two.scene.network.node(two.second).get(call).outcome(), Some(Outcome::NotRegistered)));
    assert_eq!(two.scene.phone().endpoint().counters().undecided_calls, 1);
    two.scene.network.reconnect(pbx_address());
    two.scene.run(seconds(1800));
    assert_eq!(two.state(), (true, None));
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.5
//= type=test
//# The UA MUST wait for at least the value of the retry delay time before trying another
//# registration to form a new flow for that URI (a 503 response to an earlier failed registration
//# attempt with a Retry-After header field value may cause the UA to wait longer).
#[test]
fn a_proxy_that_is_lost_is_tried_again_ever_more_rarely_while_another_lives() {
    let mut two = Two::new(3);
    two.scene.network.cut_off(pbx_address());
    two.scene.run(seconds(7200));
    let waits = two.waits_of_first();
    let (upper, spent) = ([180, 360, 720, 1440], seconds(32));
    for (wait, upper) in waits[1..].iter().zip(upper) {
        let expected = seconds(upper / 2)..=seconds(upper) + spent;
        assert!(expected.contains(wait), "{waits:?}");
    }
    assert!(waits.len() >= 5, "{waits:?}");
}

#[test]
fn what_a_line_without_connection_tries_at_once_is_no_flow_that_was_lost_by_something_else() {
    let mut two = Two::new(3);
    two.scene.network.cut_off(pbx_address());
    two.scene.run(seconds(7200));
    // An attempt takes 32 s, and the next is many minutes away.
    two.scene.run(seconds(40));
    let asked =
        |two: &Two| two.scene.network.packets().iter().filter(|it| it.destination == pbx_address()).count();
    let (before, line) = (asked(&two), two.scene.line);
    two.scene
        .network
        .with(two.scene.phone, |phone, now| phone.act(now, |endpoint| endpoint.retry(now, line)));
    two.scene.run(seconds(5));
    assert_eq!((asked(&two), two.state()), (before, (true, Some(Cause::TimedOut))));
}

#[test]
fn a_line_whose_proxies_are_all_lost_has_failed_and_comes_back() {
    let mut two = Two::new(4);
    for address in [pbx_address(), second_address()] {
        two.scene.network.cut_off(address);
    }
    let (phone, line) = (two.scene.phone, two.scene.line);
    let is_lost = |network: &ringfence_testing::Network| {
        let state = network.node(phone).states(line).last();
        matches!(state, Some((_, RegistrationState::Failed { cause: Cause::TimedOut, .. })))
    };
    assert!(two.scene.network.run_until(seconds(700), is_lost));
    two.scene.network.reconnect(second_address());
    assert!(two.scene.run_until_registered(seconds(60)));
    let RegistrationState::Registered { lost: Some(lost), .. } = two.scene.last_state() else {
        panic!("all are back")
    };
    assert_eq!((&lost.proxy[..], &lost.cause), ("192.0.2.1", &Cause::TimedOut));
    two.scene.network.cut_off(second_address());
    two.scene.network.reconnect(pbx_address());
    two.scene.run(seconds(1800));
    let RegistrationState::Registered { lost: Some(lost), .. } = two.scene.last_state() else {
        panic!("all are back")
    };
    assert_eq!(lost.proxy, "192.0.2.2:5060");
}

#[test]
fn a_proxy_that_was_lost_long_ago_is_tried_soon_when_the_other_one_is_lost() {
    let mut two = Two::new(7);
    two.scene.network.cut_off(pbx_address());
    two.scene.run(seconds(20_000));
    two.scene.network.cut_off(second_address());
    let (phone, line) = (two.scene.phone, two.scene.line);
    let is_lost = |network: &ringfence_testing::Network| {
        let state = network.node(phone).states(line).last();
        matches!(state, Some((_, RegistrationState::Failed { .. })))
    };
    assert!(two.scene.network.run_until(seconds(700), is_lost));
    two.scene.network.reconnect(pbx_address());
    assert!(two.scene.run_until_registered(seconds(30)));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.2
//= type=test
//# If the From tag,
//# Call-ID, and CSeq exactly match those associated with an ongoing
//# transaction, but the request does not match that transaction (based
//# on the matching rules in Section 17.2.3), the UAS core SHOULD
//# generate a 482 (Loop Detected) response and pass it to the server
//# transaction.
#[test]
fn a_call_that_comes_over_both_flows_is_one_call() {
    let mut two = Two::new(5);
    let token = two.scene.pbx().bindings("858")[0].contact.clone();
    for address in [pbx_address(), second_address()] {
        let invite = format!(
            "INVITE {token} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{}\r\nMax-Forwards: 70\r\n\
             From: <sip:1002@192.0.2.1>;tag=a\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: both\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:1002@192.0.2.1>\r\nContent-Length: 0\r\n\r\n",
            address.ip().to_string().replace('.', "")
        );
        two.scene.network.inject(address, phone_address(), invite.as_bytes());
    }
    let start = two.scene.now();
    two.scene.run(Duration::from_millis(100));
    let statuses: Vec<u16> =
        two.scene.statuses_sent_since(start).into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 482).count(), 1, "{statuses:?}");
    assert_eq!(two.scene.phone().endpoint().counters().undecided_calls, 1);
}

#[test]
fn leaving_removes_the_binding_of_each_flow_and_is_told_once() {
    let mut two = Two::new(6);
    let line = two.scene.line;
    two.scene.with_endpoint(|endpoint, now| endpoint.remove_line(now, line));
    two.scene.run(seconds(5));
    assert!(
        !two.scene.pbx().is_registered("858") && !two.scene.network.node(two.second).is_registered("858")
    );
    let gone =
        two.scene.states().into_iter().filter(|state| **state == RegistrationState::Unregistered).count();
    assert_eq!((gone, two.scene.phone().endpoint().counters().lines), (1, 0));
}

#[test]
fn leaving_is_told_when_the_last_flow_has_left_and_nothing_before() {
    let mut two = Two::new(8);
    two.scene.network.cut_off(pbx_address());
    two.scene.run(seconds(7200));
    assert_eq!(two.state(), (true, Some(Cause::TimedOut)));
    let (line, told) = (two.scene.line, two.scene.states().len());
    two.scene.with_endpoint(|endpoint, now| endpoint.unregister(now, line));
    two.scene.run(seconds(60));
    assert_eq!(two.scene.states()[told..], [&RegistrationState::Unregistered]);
    two.scene.with_endpoint(ringfence_ua::Endpoint::unregister_all);
    two.scene.run(seconds(5));
    assert_eq!(two.scene.states()[told..], [&RegistrationState::Unregistered; 2]);
    assert!(!two.scene.network.node(two.second).is_registered("858"));
}

#[test]
fn a_line_that_is_unregistered_can_be_removed_or_registered_again() {
    let mut two = Two::new(9);
    let line = two.scene.line;
    for _ in 0..2 {
        two.scene.with_endpoint(|endpoint, now| endpoint.unregister(now, line));
        two.scene.run(seconds(5));
        assert_eq!(two.scene.last_state(), &RegistrationState::Unregistered);
        two.scene.with_endpoint(|endpoint, now| endpoint.register(now, line));
        two.scene.run(seconds(5));
        assert_eq!(two.state(), (true, None));
    }
    two.scene.with_endpoint(|endpoint, now| endpoint.unregister(now, line));
    two.scene.run(seconds(5));
    two.scene.with_endpoint(|endpoint, now| endpoint.remove_line(now, line));
    two.scene.run(seconds(5));
    assert_eq!(two.scene.phone().endpoint().counters().lines, 0);
}

#[test]
fn a_line_that_is_being_removed_cannot_be_registered_and_leaves_nothing_behind() {
    for is_cut_off in [false, true] {
        let mut two = Two::new(10);
        if is_cut_off {
            two.scene.network.cut_off(pbx_address());
            two.scene.run(seconds(7200));
        }
        let line = two.scene.line;
        two.scene.with_endpoint(|endpoint, now| {
            endpoint.remove_line(now, line);
            endpoint.register(now, line);
            endpoint.retry(now, line);
        });
        two.scene.run(seconds(60));
        assert_eq!(two.scene.last_state(), &RegistrationState::Unregistered, "{is_cut_off}");
        assert!(!two.scene.network.node(two.second).is_registered("858"), "{is_cut_off}");
        assert_eq!(two.scene.phone().endpoint().counters().lines, 0, "{is_cut_off}");
        assert_eq!(two.scene.phone().poll_timeout(), None, "{is_cut_off}");
    }
}
