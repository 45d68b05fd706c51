//! Connections in the simulated network: they lose nothing while they last, and end in every way.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod scene;

use ringfence_testing::{CallPlan, Conditions, Fate, Outcome, Pbx, PbxConfig, Phone};
use ringfence_ua::{Account, Rejection, Screen, Transport, Verdict};
use ringfence_wire::sip::{HeaderName, Message};
use scene::{Scene, account, pbx_address, phone_address, seconds};

fn by_tcp() -> Account {
    Account { transport: Some(Transport::Tcp), ..account() }
}

fn busy() -> Screen {
    Screen::each(|_| Verdict::Reject(Rejection::busy().into()))
}

/// A phone that has registered over a connection.
fn connected() -> Scene {
    let mut scene = unconnected();
    scene.network.listen(pbx_address());
    assert!(scene.run_until_registered(seconds(10)), "{:?}", scene.states());
    scene
}

fn unconnected() -> Scene {
    let phone = Phone::new(phone_address(), 1).with_screen(busy());
    Scene::of(1, PbxConfig::new(pbx_address()), by_tcp(), phone)
}

/// Returns whether the line is not registered within the time, and is again within the next.
fn is_lost_and_comes_back(scene: &mut Scene, noticed: u64, back: u64) -> bool {
    let is_lost = |scene: &Scene| !scene.last_state().is_registered();
    let (phone, line) = (scene.phone, scene.line);
    let was_lost = scene.network.run_until(seconds(noticed), |network| {
        network.node(phone).states(line).last().is_some_and(|(_, state)| !state.is_registered())
    });
    was_lost && is_lost(scene) && scene.run_until_registered(seconds(back))
}

#[test]
fn a_line_is_registered_and_called_over_a_connection_and_nothing_is_repeated() {
    let mut scene = connected();
    scene.network.set_conditions(Conditions { loss: 0.3, ..Conditions::default() });
    let id = scene.call(CallPlan::new("1002", "858"));
    scene.run(seconds(60));
    assert_eq!(scene.get(id).outcome().and_then(Outcome::status), Some(486));
    let streamed = scene.network.packets().iter().filter(|packet| packet.fate == Fate::Streamed);
    let answers = streamed.filter(|packet| packet.payload.starts_with(b"SIP/2.0 486"));
    assert_eq!(answers.count(), 1);
    assert_eq!(scene.network.packets().iter().filter(|packet| packet.fate != Fate::Streamed).count(), 0);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
//= type=test
//# The Content-Length header field MUST be used with stream oriented transports.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.14
//= type=test
//# If a stream-based protocol (such as TCP) is used as transport, the header field MUST be used.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20
//= type=test
//# If a stream-based protocol (such as TCP) is used as a transport, then the header field MUST be sent.
#[test]
fn each_message_over_a_connection_says_how_long_its_body_is() {
    let mut scene = connected();
    scene.call(CallPlan::new("1002", "858"));
    scene.run(seconds(60));
    let packets = scene.network.packets().iter().filter(|it| it.source.ip() == phone_address().ip());
    let messages: Vec<Message<'_>> = packets.filter_map(|it| Message::parse(&it.payload).ok()).collect();
    assert!(messages.iter().any(Message::is_request) && messages.iter().any(|it| !it.is_request()));
    for message in messages {
        assert_eq!(message.count(HeaderName::ContentLength), 1, "{message:?}");
        assert_eq!(message.content_length(), Some(Ok(message.body().len())), "{message:?}");
    }
}

#[test]
fn where_nobody_listens_the_line_says_so() {
    let mut scene = unconnected();
    scene.run(seconds(1));
    let state = format!("{:?}", scene.last_state());
    assert!(state.contains("connection refused"), "{state}");
}

#[test]
fn a_connection_that_is_lost_is_made_anew() {
    let mut scene = connected();
    scene.run(seconds(100));
    let connection = scene.network.connections()[0];
    scene.network.lose(connection);
    assert!(is_lost_and_comes_back(&mut scene, 1, 5), "{:?}", scene.states());
    assert_ne!(scene.network.connections(), [connection]);
}

#[test]
fn a_connection_that_leads_nowhere_is_noticed_by_its_keep_alive() {
    let mut scene = connected();
    scene.run(seconds(100));
    let connection = scene.network.connections()[0];
    scene.network.silence(connection);
    assert!(is_lost_and_comes_back(&mut scene, 150, 5), "{:?}", scene.states());
    assert_ne!(scene.network.connections(), [connection]);
}

#[test]
fn a_short_cut_delays_what_is_written_and_no_more() {
    let mut scene = connected();
    scene.run(seconds(100));
    let before = scene.network.connections();
    scene.network.cut_off(phone_address());
    let id = scene.call(CallPlan::new("1002", "858"));
    scene.run(seconds(5));
    scene.network.reconnect(phone_address());
    scene.run(seconds(10));
    assert_eq!(scene.get(id).outcome().and_then(Outcome::status), Some(486));
    assert_eq!((scene.network.connections(), scene.states().len()), (before, 2));
}

#[test]
fn a_translator_that_forgets_leaves_both_ends_in_the_dark() {
    let mut scene = connected();
    scene.run(seconds(100));
    let before = scene.network.connections();
    scene.network.translate(phone_address(), "198.51.100.1:40000".parse().unwrap());
    scene.run(seconds(1));
    assert_eq!((scene.network.connections(), scene.last_state().is_registered()), (before, true));
    assert!(is_lost_and_comes_back(&mut scene, 150, 5), "{:?}", scene.states());
    assert_eq!(scene.pbx().bindings("858").last().unwrap().source.ip().to_string(), "198.51.100.1");
}

#[test]
fn a_server_that_was_switched_off_resets_what_it_knows_nothing_of() {
    let mut scene = connected();
    scene.run(seconds(100));
    let mut pbx = Pbx::new(PbxConfig::new(pbx_address()), 2);
    pbx.add_user("858", "secret");
    scene.pbx = scene.network.add(pbx_address(), pbx);
    assert!(!scene.pbx().is_registered("858"));
    assert!(is_lost_and_comes_back(&mut scene, 150, 5), "{:?}", scene.states());
    assert!(scene.pbx().is_registered("858"));
}

#[test]
fn a_caller_who_gives_up_says_so_once_over_a_connection() {
    let phone = Phone::new(phone_address(), 1).with_screen(Screen::each(|_| Verdict::Ring { limit: None }));
    let mut scene = Scene::of(1, PbxConfig::new(pbx_address()), by_tcp(), phone);
    scene.network.listen(pbx_address());
    assert!(scene.run_until_registered(seconds(10)));
    let id = scene.call(CallPlan { cancel_after: Some(seconds(2)), ..CallPlan::new("1002", "858") });
    scene.run(seconds(1));
    scene.network.set_conditions(Conditions { delay: seconds(1), ..Conditions::default() });
    scene.run(seconds(60));
    assert_eq!(scene.get(id).outcome(), Some(&Outcome::Cancelled));
    let cancels = scene.network.packets().iter().filter(|packet| packet.payload.starts_with(b"CANCEL "));
    assert_eq!(cancels.count(), 1);
}
