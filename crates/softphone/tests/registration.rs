//! Registering a line, and leaving.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod stage;

use std::time::{Duration, Instant};

use ringfence_testing::{Binding, Mode, Pbx, PbxEvent, Record, Refusal};
use softphone::{Account, Cause, RegistrationState, Softphone, new_instance_id};

use stage::zone::Zone;
use stage::{Host, builder, next, pbx, pbx_at, phone, soon};

//= https://www.rfc-editor.org/rfc/rfc3261#section-18
//= type=test
//# All SIP elements MUST implement UDP and TCP.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# For unreliable unicast transports, the client transport MUST be prepared to receive responses on
//# the source IP address from which the request is sent (as responses are sent back to the source
//# address) and the port number in the "sent-by" field.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# The client MUST be prepared to receive responses on any address and port that would be selected
//# by a server based on the procedures described in Section 5 of [4].
//= https://www.rfc-editor.org/rfc/rfc3581#section-3
//= type=test
//# When the client sends the request, if the request is sent using UDP, the client MUST be prepared
//# to receive the response on the same IP address and port it used to populate the source IP
//# address and source port of the request.
//= https://www.rfc-editor.org/rfc/rfc3581#section-3
//= type=test
//# For backwards compatibility, the client MUST still be prepared to receive a response on the port
//# indicated in the sent-by field of the topmost Via header field value, as specified in Section
//# 18.1.1 of SIP [1].
#[tokio::test]
async fn a_line_registers_with_the_digest_of_its_password() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    assert!(line.registration().state().is_registered());
    assert_eq!(line.address_of_record(), format!("sip:858@{}", pbx.address));
    let attempts = pbx.received("REGISTER");
    assert!(!attempts[0].contains("\r\nAuthorization: "));
    assert!(attempts.last().unwrap().contains("\r\nAuthorization: Digest username=\"858\""));
    let [contact] = pbx.contacts("858").try_into().unwrap();
    assert!(contact.starts_with(&format!("sip:858@{};line=", phone.local_addresses()[0])), "{contact}");
}

#[tokio::test]
async fn the_way_that_a_registrar_wants_requests_to_take_is_told() {
    let hops = ["<sip:edge.example.com;lr>", "<sip:services.example.com;lr>"];
    let pbx = pbx_at("127.0.0.1", |config| config.service_route = hops.map(str::to_owned).to_vec()).await;
    let phone = phone().await;
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let RegistrationState::Registered { service_route, .. } = line.registration().state() else { panic!() };
    assert_eq!(service_route, hops);
    let attempts = pbx.received("REGISTER");
    assert!(attempts.iter().all(|request| !request.contains("\r\nRoute:")), "a REGISTER does not take it");
}

#[tokio::test]
async fn an_authentication_name_of_its_own_is_used() {
    let (pbx, phone) = (pbx().await, phone().await);
    pbx.with(|pbx, _| pbx.add_user_with_auth_name("860", "trunk-860", "secret"));
    soon(phone.register(pbx.account("860").auth_user("trunk-860"))).await.unwrap();
    assert!(soon(phone.register(pbx.account("860").auth_user("860"))).await.is_err());
}

#[tokio::test]
async fn a_wrong_password_fails_with_its_cause_and_status_and_leaves_no_line() {
    let (pbx, phone) = (pbx().await, phone().await);
    let error = soon(phone.register(pbx.account("858").password("wrong"))).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(error.cause(), Some(&Cause::BadCredentials { status: 401 }));
    assert!(!error.is_timeout() && !error.is_closed());
    assert_eq!(soon(phone.counters()).await.unwrap().lines, 0);
    let wrong = |event: &PbxEvent| matches!(event, PbxEvent::Refused { refusal: Refusal::WrongPassword, .. });
    assert_eq!(pbx.events().iter().filter(|event| wrong(event)).count(), 1, "a wrong password is tried once");
}

#[tokio::test]
async fn a_registrar_that_refuses_is_told_from_one_that_cannot() {
    let (pbx, phone) = (pbx().await, phone().await);
    pbx.set_mode(Mode::Refusing { status: 403, retry_after: None });
    let error = soon(phone.register(pbx.account("858"))).await.unwrap_err();
    assert_eq!(error.cause(), Some(&Cause::Refused { status: 403, phrase: "Forbidden".to_owned() }));
    pbx.set_mode(Mode::Refusing { status: 503, retry_after: Some(120) });
    let error = soon(phone.register(pbx.account("858"))).await.unwrap_err();
    assert_eq!((error.status(), error.is_timeout()), (Some(503), false));
    assert!(matches!(error.cause(), Some(Cause::Unavailable { status: 503, .. })));
}

#[tokio::test]
async fn a_failed_attempt_says_when_the_next_is_made_and_asking_again_is_at_once() {
    let (pbx, phone) = (pbx().await, phone().await);
    pbx.set_mode(Mode::Refusing { status: 503, retry_after: Some(3600) });
    let line = soon(phone.line(pbx.account("858"))).await.unwrap();
    let mut registration = line.registration();
    assert_eq!(registration.state(), RegistrationState::Registering { attempt: 1, after: None });
    let RegistrationState::Failed { retry_at: Some(retry_at), .. } = next(registration.changed()).await
    else {
        panic!("it was refused");
    };
    let wait = retry_at.duration_since(std::time::SystemTime::now()).unwrap();
    assert!(wait > Duration::from_secs(3500), "the registrar's Retry-After counts: {wait:?}");
    pbx.set_mode(Mode::Silent);
    line.register().unwrap();
    let state = next(registration.changed()).await;
    let RegistrationState::Registering { after: Some(cause), .. } = state else { panic!("{state:?}") };
    assert_eq!(cause.status(), Some(503), "while nobody answers it is told what was wrong before");
    pbx.set_mode(Mode::Working);
    line.register().unwrap();
    pbx.bound("858", 1).await;
}

#[tokio::test]
async fn a_host_without_an_address_fails_its_own_line_only() {
    let (pbx, phone) = (pbx().await, phone().await);
    // An IPv4 socket reaches no IPv6 address: the resolver is not needed to find none.
    let nowhere = Account::new("sip:858@[::1]:5060").unwrap();
    let lost = soon(phone.line(nowhere.clone())).await.unwrap();
    let mut registration = lost.registration();
    let state = soon(async {
        loop {
            match registration.state() {
                RegistrationState::Registering { .. } => drop(registration.changed().await),
                state => break state,
            }
        }
    })
    .await;
    assert!(matches!(
        state,
        RegistrationState::Failed { cause: Cause::Unresolved { .. }, retry_at: Some(_) }
    ));
    assert!(soon(phone.register(pbx.account("858"))).await.is_ok());
    let error = soon(phone.register(nowhere)).await.unwrap_err();
    assert!(matches!(error.cause(), Some(Cause::Unresolved { .. })), "{error}");
}

#[tokio::test]
async fn neither_a_redirection_nor_the_dns_leads_to_an_address_that_is_none_of_a_host() {
    let zone = Zone::default().with("pbx.example.com 60 A 0.0.0.0");
    let (pbx, phone) = (pbx().await, builder().resolver(zone).start().await.unwrap());
    pbx.set_mode(Mode::Redirecting { status: 302, contact: "sip:224.0.0.251".to_owned() });
    let named = Account::new("sip:858@pbx.example.com:5060").unwrap();
    for (account, host, address) in
        [(pbx.account("858"), "224.0.0.251", "224.0.0.251"), (named, "pbx.example.com", "0.0.0.0")]
    {
        let error = soon(phone.register(account)).await.unwrap_err();
        let told = format!("{address} is no address of a host");
        assert_eq!(error.cause(), Some(&Cause::Unresolved { host: host.to_owned(), error: told }));
    }
}

#[tokio::test]
async fn a_name_is_looked_up() {
    let (pbx, phone) = (pbx().await, phone().await);
    let account = Account::of("858", "localhost", pbx.address.port()).unwrap().password("secret");
    soon(phone.register(account)).await.unwrap();
    assert_eq!(pbx.contacts("858").len(), 1);
}

#[tokio::test]
async fn an_account_that_does_not_register_is_a_line_at_once() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858").register(false))).await.unwrap();
    assert_eq!(line.registration().state(), RegistrationState::Unregistered);
    soon(line.unregister()).await.unwrap();
    soon(line.remove()).await.unwrap();
    assert!(pbx.received("REGISTER").is_empty());
}

#[tokio::test]
async fn unregistering_removes_the_lines_own_binding_and_no_other_phones() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let other = "sip:858@127.0.0.9:5060";
    pbx.with(|pbx, now| pbx.add_binding("858", another_phone(other, now)));
    soon(line.unregister()).await.unwrap();
    assert_eq!(pbx.contacts("858"), [other]);
    assert_eq!(line.registration().state(), RegistrationState::Unregistered);
    assert!(!pbx.received("REGISTER").iter().any(|register| register.contains("Contact: *")));
    line.register().unwrap();
    pbx.bound("858", 2).await;
}

#[tokio::test]
async fn unregistering_before_the_registrar_has_answered_leaves_no_binding() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.line(pbx.account("858"))).await.unwrap();
    soon(line.unregister()).await.unwrap();
    assert_eq!(pbx.contacts("858"), [""; 0]);
    assert_eq!(line.registration().state(), RegistrationState::Unregistered);
}

#[tokio::test]
async fn a_line_that_is_wanted_again_while_it_says_farewell_registers_again() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    pbx.set_mode(Mode::Silent);
    let leaving = tokio::spawn({
        let line = line.clone();
        async move { line.unregister().await }
    });
    pbx.until(|pbx| pbx.messages().find(asks_for("0")).map(drop)).await;
    line.register().unwrap();
    soon(leaving).await.unwrap().expect("the farewell is not waited for any more");
    pbx.set_mode(Mode::Working);
    let again = |pbx: &Pbx| {
        let mut since = pbx.messages().skip_while(|record| !asks_for("0")(record));
        since.find(asks_for("3600")).map(drop)
    };
    pbx.until(again).await;
    pbx.bound("858", 1).await;
}

#[tokio::test]
async fn a_line_can_be_removed_by_two_at_once_and_again() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let (first, second) = soon(async { tokio::join!(line.remove(), line.remove()) }).await;
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(pbx.contacts("858"), [""; 0]);
    soon(line.remove()).await.unwrap();
    soon(line.unregister()).await.unwrap();
    line.register().unwrap();
    let mut registration = line.registration();
    registration.state();
    assert_eq!(soon(registration.changed()).await, None);
}

#[tokio::test]
async fn a_line_takes_the_place_of_another_and_is_the_one_that_stays() {
    let (pbx, phone) =
        (pbx().await, builder().instance_id(&new_instance_id().unwrap()).start().await.unwrap());
    let old = soon(phone.register(pbx.account("858"))).await.unwrap();
    let next = pbx.account("858").expires(Duration::from_secs(600));
    let (left, new) = soon(async { tokio::join!(old.replace(next.clone()), phone.register(next)) }).await;
    left.unwrap();
    assert!(matches!(new.unwrap().registration().state(), RegistrationState::Registered { .. }));
    // This registrar knows bindings by their Contacts: that of the old line is gone.
    pbx.bound("858", 1).await;
    let mut registration = old.registration();
    registration.state();
    assert_eq!(soon(registration.changed()).await, None);
    let impossible = pbx.account("858").outbound_proxy("no proxy");
    assert!(!soon(old.replace(impossible)).await.unwrap_err().is_closed());
}

#[tokio::test]
async fn a_registration_whose_future_is_dropped_leaves_no_line_behind() {
    // It asks nobody for a password: the REGISTER on its way is one that binds.
    let (pbx, phone) = (pbx_at("127.0.0.1", |config| config.algorithms.clear()).await, phone().await);
    drop_half_way(&pbx, &phone).await;
    // The REGISTER on its way is let through; what it has bound is taken back.
    let takes_back =
        |record: &&Record| String::from_utf8_lossy(&record.message).contains("\r\nExpires: 0\r\n");
    pbx.until(|pbx| pbx.messages().find(takes_back).map(drop)).await;
    assert_eq!(pbx.contacts("858"), [""; 0]);
}

#[tokio::test]
async fn a_challenge_to_a_registration_whose_future_is_dropped_is_not_answered() {
    let (pbx, phone) = (pbx().await, phone().await);
    drop_half_way(&pbx, &phone).await;
    let is_challenge = |record: &&Record| record.message.starts_with(b"SIP/2.0 401 ");
    pbx.until(|pbx| pbx.messages().find(is_challenge).map(drop)).await;
    soon(phone.shutdown(Duration::MAX)).await;
    assert!(!pbx.received("REGISTER").iter().any(|register| register.contains("\r\nAuthorization: ")));
    assert_eq!(pbx.contacts("858"), [""; 0]);
}

#[tokio::test]
async fn a_lifetime_that_is_too_short_becomes_the_registrars_shortest() {
    let (pbx, phone) = (pbx().await, phone().await);
    let account = pbx.account("858").expires(Duration::from_secs(10));
    let line = soon(phone.register(account)).await.unwrap();
    let RegistrationState::Registered { expires, .. } = line.registration().state() else {
        panic!("it is registered");
    };
    assert_eq!(expires, Duration::from_secs(60));
}

#[tokio::test]
async fn a_proxy_that_challenges_with_407_is_answered() {
    let pbx = pbx_at("127.0.0.1", |config| config.challenge_status = 407).await;
    let phone = phone().await;
    assert!(soon(phone.register(pbx.account("858"))).await.is_ok());
}

#[tokio::test]
async fn no_text_of_the_application_can_add_a_header() {
    let pbx = pbx().await;
    let evil = "a\r\nX-Evil: 1\0\"\\";
    let phone = builder().user_agent(evil).warning_agent(evil).start().await.unwrap();
    let account = pbx.account("858").display_name(evil).label(evil).auth_user(evil);
    // The name for authentication is what it says, so that no password fits it.
    assert_eq!(soon(phone.register(account)).await.unwrap_err().status(), Some(401));
    let sent = pbx.received("REGISTER");
    let lines: Vec<_> = sent.iter().flat_map(|text| text.lines()).collect();
    assert!(lines.iter().any(|line| line.starts_with("Authorization: ") && line.contains("X-Evil")));
    assert!(!lines.iter().any(|line| line.starts_with("X-Evil")), "{lines:#?}");
}

#[tokio::test]
async fn no_field_of_an_account_can_add_a_header_or_leave_its_brackets() {
    let (pbx, phone) = (pbx().await, phone().await);
    let evil = "a>\r\nX-Evil: 1\r\n\0\"<sip:b@c>";
    let port = pbx.address.port();
    let account = Account::of(evil, "127.0.0.1", port).unwrap().display_name(evil);
    assert_eq!(soon(phone.register(account)).await.unwrap_err().status(), Some(404), "nobody is called that");
    for text in pbx.received("REGISTER") {
        assert!(!text.lines().any(|line| line.starts_with("X-Evil")), "{text}");
        assert!(
            text.contains("\r\nTo: \"a>  X-Evil: 1") && text.contains(" <sip:a%3E%0D%0AX-Evil"),
            "{text}"
        );
    }
    for domain in ["a\r\nb", "a\0", "a>", "a b"] {
        assert!(Account::of("858", domain, port).is_err() && Account::new(&format!("858@{domain}")).is_err());
        let account = Account::new("858@127.0.0.1").unwrap().outbound_proxy(domain);
        assert!(soon(phone.line(account)).await.is_err(), "{domain:?}");
    }
}

/// Drops a registration of which the first REGISTER is on its way, to be answered when it is repeated.
async fn drop_half_way(pbx: &Host<Pbx>, phone: &Softphone) {
    pbx.set_mode(Mode::Silent);
    let registering = phone.register(pbx.account("858"));
    tokio::select! {
        biased;
        _ = registering => panic!("a silent registrar does not register"),
        () = pbx.until(|pbx| pbx.messages().next().map(drop)) => {}
    }
    pbx.set_mode(Mode::Working);
}

/// Finds a REGISTER with credentials that asks for so many seconds.
fn asks_for(expires: &str) -> impl Fn(&&Record) -> bool {
    let expires = format!("\r\nExpires: {expires}\r\n");
    move |record| {
        let text = String::from_utf8_lossy(&record.message);
        text.starts_with("REGISTER ") && text.contains(&expires) && text.contains("\r\nAuthorization: ")
    }
}

fn another_phone(contact: &str, now: Instant) -> Binding {
    Binding {
        contact: contact.to_owned(),
        source: "127.0.0.9:5060".parse().unwrap(),
        expires_at: now + Duration::from_secs(3600),
        call_id: "another".to_owned(),
        cseq: 1,
    }
}
