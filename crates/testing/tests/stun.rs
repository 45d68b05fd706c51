//! The flow to a UDP registrar, kept open by STUN (RFC 5626 sections 4.4.2 and 8).

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

use std::time::Duration;

use ringfence_testing::{CallPlan, Outcome, PbxConfig, Phone};
use ringfence_ua::{Account, Cause, Config, Endpoint, Ping, RegistrationState, Target};
use ringfence_wire::stun::is_stun;

mod scene;

use scene::{Scene, account, pbx_address, phone_address, seconds};

/// A phone whose registrar is said to expect STUN, and may answer it.
fn scene(seed: u64, answers_stun: bool) -> Scene {
    let config = PbxConfig { answers_stun, ..PbxConfig::new(pbx_address()) };
    let account = Account { ping: Ping::Stun, ..account() };
    Scene::of(seed, config, account, Phone::new(phone_address(), seed)).registered()
}

/// When the phone sent what keeps its flow open: by STUN, or by CRLF.
fn kept_open(scene: &Scene, by_stun: bool) -> Vec<Duration> {
    let sent = scene.network.packets().iter().filter(|packet| packet.source == phone_address());
    let is_wanted = |payload: &[u8]| if by_stun { is_stun(payload) } else { payload == b"\r\n\r\n" };
    let wanted = sent.filter(|packet| is_wanted(&packet.payload));
    wanted.map(|packet| scene.network.clock().since_epoch(packet.sent_at)).collect()
}

fn is_flow_failed(state: &RegistrationState) -> bool {
    matches!(state, RegistrationState::Failed { cause: Cause::Unconnected { .. }, .. })
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//= type=test
//# When a Flow-Timer header field is not included in a successful
//# registration response, the time between each keep-alive request
//# SHOULD be a random number between 24 and 29 seconds.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//= type=test
//# Clients MUST support STUN-based keep-alives.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//= type=test
//# This approach MUST only be used with connection-less transports, such as UDP
#[test]
fn a_registrar_that_answers_stun_is_asked_every_24_to_29_s() {
    let mut scene = scene(1, true);
    scene.run(seconds(300));
    let asked = kept_open(&scene, true);
    assert!((10..=13).contains(&asked.len()), "{asked:?}");
    let waits = asked.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    assert!(waits.clone().all(|wait| (seconds(24)..seconds(30)).contains(&wait)), "{asked:?}");
    assert_eq!(kept_open(&scene, false), []);
    assert!(!scene.states().into_iter().any(is_flow_failed));
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//= type=test
//# If the XOR-MAPPED-ADDRESS in the STUN
//# Binding Response changes, the UA MUST treat this event as a failure
//# on the flow.
#[test]
fn who_is_seen_elsewhere_than_before_registers_again_within_3_s() {
    let mut scene = scene(2, true);
    scene.network.translate(phone_address(), "198.51.100.7:40000".parse().unwrap());
    scene.run(seconds(60));
    let before = scene.states().len();
    scene.network.translate(phone_address(), "198.51.100.7:40001".parse().unwrap());
    assert!(
        scene
            .network
            .run_until(seconds(29), |network| network.node(scene.phone).states(scene.line).count() > before)
    );
    assert!(is_flow_failed(scene.last_state()));
    assert!(scene.run_until_registered(seconds(4)));
    let contact = scene.pbx().bindings("858").last().unwrap().contact.clone();
    assert!(contact.contains("@198.51.100.7:40001;"), "{contact}");
    assert_eq!(scene.pbx().bindings("858").len(), 1, "the old one is taken back");
}

#[test]
fn a_call_comes_through_a_router_that_was_restarted() {
    let mut scene = scene(3, true);
    scene.network.translate(phone_address(), "198.51.100.7:40000".parse().unwrap());
    scene.run(seconds(60));
    scene.network.translate(phone_address(), "198.51.100.8:50000".parse().unwrap());
    scene.run(seconds(29 + 4));
    let call = scene.call(CallPlan::new("1002", "858"));
    scene.run(seconds(1));
    assert!(!matches!(scene.get(call).outcome(), Some(Outcome::NotRegistered)));
    assert_eq!(scene.phone().endpoint().counters().undecided_calls, 1);
}

#[test]
fn a_registrar_that_never_answers_stun_is_sent_crlf_and_stays_registered() {
    let mut scene = scene(4, false);
    scene.run(seconds(300));
    assert_eq!(kept_open(&scene, true).len(), 7, "one request, with its retransmissions");
    assert!(kept_open(&scene, false).len() >= 7);
    assert!(!scene.states().into_iter().any(is_flow_failed));
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-8
//= type=test
//# Once a flow is established, failure of a STUN request (including its
//# retransmissions) is considered a failure of the underlying flow.
#[test]
fn a_registrar_that_answers_stun_no_longer_is_registered_with_anew() {
    let mut scene = scene(5, true);
    scene.run(seconds(60));
    scene.network.cut_off(pbx_address());
    let (phone, line) = (scene.phone, scene.line);
    let is_noticed = |network: &ringfence_testing::Network| {
        network.node(phone).states(line).last().is_some_and(|(_, state)| is_flow_failed(state))
    };
    assert!(scene.network.run_until(seconds(29 + 40), is_noticed));
    scene.network.reconnect(pbx_address());
    assert!(scene.run_until_registered(seconds(4)));
}

#[test]
fn what_others_answer_says_nothing_of_the_flow() {
    let mut scene = scene(6, true);
    scene.run(seconds(60));
    let forged =
        [&[1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12], &[0, 1, 0, 8, 0, 1, 0, 9, 203, 0, 113, 9]];
    for source in [pbx_address(), scene::stranger_address()] {
        scene.network.inject(source, phone_address(), &forged.concat());
    }
    scene.run(seconds(30));
    assert!(!scene.states().into_iter().any(is_flow_failed));
}

/// Whether a line whose registrar answers so keeps its flow open by STUN.
fn is_kept_open_by_stun(answer: &str) -> bool {
    let (clock, source) = (ringfence_testing::Clock::new(), pbx_address());
    let mut endpoint = Endpoint::new(Config::new(phone_address()), [7; 32]);
    let line = endpoint.add_line(clock.now(), Account::new("858", "192.0.2.1", 5060)).unwrap();
    endpoint.handle_resolved(clock.now(), line, Ok(vec![Target::udp(source, phone_address())]));
    let register = String::from_utf8(endpoint.poll_transmit().unwrap().payload.to_vec()).unwrap();
    let start = format!("SIP/2.0 200 OK\r\n{answer}");
    let response = register.replacen("REGISTER sip:192.0.2.1 SIP/2.0\r\n", &start, 1);
    endpoint.handle_datagram(clock.now(), source, response.as_bytes());
    let due = clock.now() + seconds(29);
    endpoint.handle_timeout(due);
    std::iter::from_fn(|| endpoint.poll_transmit().map(|sent| sent.payload.to_vec()))
        .any(|sent| is_stun(&sent))
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-8
//= type=test
//# A SIP node MUST NOT send STUN requests over a flow unless it has an
//# explicit indication that the target next-hop SIP server claims to
//# support this specification.
#[test]
fn stun_goes_only_to_who_says_that_he_expects_it() {
    assert!(is_kept_open_by_stun("Require: outbound\r\n"));
    assert!(is_kept_open_by_stun("Path: <sip:core.example.com;lr>, <sip:token@edge.example.com;lr;ob>\r\n"));
    assert!(!is_kept_open_by_stun(""));
    assert!(!is_kept_open_by_stun("Path: <sip:edge.example.com;lr>\r\n"));
}
