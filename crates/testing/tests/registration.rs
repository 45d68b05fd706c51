//! Registrations: RFC 3261 section 10 and RFC 3665 section 2, in the simulated network.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod scene;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use ringfence_testing::{Binding, Mode, Pbx, PbxConfig, PbxEvent, Phone};
use ringfence_ua::auth::{Algorithm, Credentials, Qop};
use ringfence_ua::{Account, Cause, Config, Limits, RegistrationState};
use ringfence_wire::sip::{HeaderName, Message, Method};

use scene::{Scene, account, bad_network, pbx_address, phone_address, seconds};

fn config() -> PbxConfig {
    PbxConfig::new(pbx_address())
}

fn of(config: PbxConfig, account: Account) -> Scene {
    Scene::of(1, config, account, Phone::new(phone_address(), 1))
}

fn with_password(password: &str) -> Account {
    let mut account = account();
    account.credentials = Some(Credentials::new("858", password));
    account
}

fn header(message: &Message<'_>, name: HeaderName) -> String {
    String::from_utf8_lossy(message.first(name).unwrap_or_default()).into_owned()
}

/// The cause of the newest failure, and how long after it the next attempt is.
fn failure(scene: &Scene) -> (Cause, Duration) {
    let states: Vec<_> = scene.phone().states(scene.line).collect();
    let failed = states.iter().rev().find_map(|(at, state)| {
        let RegistrationState::Failed { cause, retry_at: Some(retry_at) } = state else { return None };
        Some((cause.clone(), retry_at.duration_since(*at)))
    });
    failed.unwrap()
}

/// The times of the REGISTERs that are new ones and not repetitions, in whole seconds.
fn attempts(scene: &Scene) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    let requests = scene.requests(Method::Register);
    let news = requests.iter().filter(|(_, request)| seen.insert(request.cseq().unwrap().number));
    news.map(|(at, _)| at.as_secs()).collect()
}

mod granted {
    use super::*;

    /// RFC 3665 section 2.1.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //= type=test
    //# A UA MUST increment the CSeq value by one for each REGISTER request with the same Call-ID.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.2
    //= type=test
    //# When a UAC resubmits a request with its credentials after receiving a 401 (Unauthorized) or
    //# 407 (Proxy Authentication Required) response, it MUST increment the CSeq header field value
    //# as it would normally when sending an updated request.
    #[test]
    fn a_challenged_registration_succeeds_with_its_second_request() {
        let scene = Scene::new(1).registered();
        let requests = scene.requests(Method::Register);
        let statuses: Vec<u16> =
            scene.packets_of(pbx_address()).iter().map(|(_, it)| it.status().unwrap().as_u16()).collect();
        assert_eq!((requests.len(), statuses), (2, vec![401, 200]));
        let (first, second) = (&requests[0].1, &requests[1].1);
        assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number + 1);
        assert_eq!(second.call_id().unwrap(), first.call_id().unwrap());
        assert!(matches!(
            scene.states()[..],
            [RegistrationState::Registering { attempt: 1 }, RegistrationState::Registered { .. }]
        ));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
    //= type=test
    //# MUST NOT be enclosed in "<>".
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //= type=test
    //# The "userinfo" and "@" components of the SIP URI MUST NOT be present.
    #[test]
    fn the_request_uri_has_no_user_part_and_the_contact_one_that_is_ours() {
        let scene = Scene::new(1).registered();
        for (_, request) in scene.requests(Method::Register) {
            assert_eq!(request.request_uri(), Some(&b"sip:192.0.2.1"[..]));
            assert!(header(&request, HeaderName::Contact).starts_with("<sip:858@192.0.2.7:5060;line="));
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4.6
    //= type=test
    //# This MAY be "*", an "absolute-URI", or an "absolute-path" as specified in Section 2.7 of
    //# [RFC7230], but it MUST agree with the request-target.
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4.6
    //= type=test
    //# In particular, it MUST be an "absolute-URI" if the request-target is an "absolute-URI".
    #[test]
    fn the_uri_of_the_digest_is_the_request_uri() {
        use HeaderName::{Authorization, ProxyAuthorization};
        for (challenge_status, name) in [(401, Authorization), (407, ProxyAuthorization)] {
            let scene = of(PbxConfig { challenge_status, ..config() }, account()).registered();
            let request = scene.requests(Method::Register).pop().unwrap().1;
            assert_eq!(request.request_uri(), Some(&b"sip:192.0.2.1"[..]));
            let credentials = request.challenges(name).next().unwrap();
            assert_eq!(credentials.param("uri").as_deref(), Some("sip:192.0.2.1"));
        }
    }

    #[test]
    fn every_algorithm_is_registered_with() {
        for algorithm in [Algorithm::MD5, Algorithm::SHA_256, Algorithm::SHA_512_256] {
            for algorithms in [vec![algorithm], vec![algorithm.session()]] {
                for qops in [vec![], vec![Qop::Auth], vec![Qop::AuthInt]] {
                    // A session variant needs a qop.
                    if !(qops.is_empty() && algorithms[0].is_session()) {
                        let config = PbxConfig { algorithms: algorithms.clone(), qops, ..config() };
                        assert_eq!(of(config, account()).registered().requests(Method::Register).len(), 2);
                    }
                }
            }
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.8
    //= type=test
    //# The client/proxy MUST then reissue the request with a Proxy-Authorization header field, with
    //# parameters as specified for the Authorization header field in Section 3.4 above.
    #[test]
    fn a_proxy_that_challenges_is_answered() {
        let scene = of(PbxConfig { challenge_status: 407, ..config() }, account()).registered();
        let requests = scene.requests(Method::Register);
        assert!(requests[1].1.has(HeaderName::ProxyAuthorization));
    }

    #[test]
    fn an_authentication_name_of_its_own_is_used() {
        let mut account = account();
        account.credentials = Some(Credentials::new("auth-858", "other"));
        let mut scene = of(config(), account);
        scene.with_pbx(|pbx, _| pbx.add_user_with_auth_name("858", "auth-858", "other"));
        scene.registered();
    }

    #[test]
    fn a_month_of_refreshes_never_lets_the_binding_expire() {
        let mut scene = Scene::new(1).registered();
        for _ in 0..30 {
            scene.run(seconds(24 * 3600));
            assert!(scene.pbx().is_registered("858"));
        }
        let expired = scene.with_pbx(|pbx, _| {
            std::iter::from_fn(|| pbx.poll_event())
                .filter(|event| matches!(event, PbxEvent::Expired { .. }))
                .count()
        });
        assert_eq!(expired, 0);
    }

    #[test]
    fn a_longer_expiry_is_asked_for_when_the_registrar_says_so() {
        let mut account = account();
        account.expires = seconds(60);
        let scene = of(PbxConfig { min_expires: seconds(1800), ..config() }, account).registered();
        let asked: Vec<String> = scene
            .requests(Method::Register)
            .iter()
            .map(|(_, request)| header(request, HeaderName::Expires) + &header(request, HeaderName::Contact))
            .collect();
        assert_eq!(asked.len(), 3, "{asked:?}"); // challenged, too brief, granted
        assert!(asked[2].contains("1800"), "{asked:?}");
    }

    #[test]
    fn our_own_expiry_counts_among_several_contacts() {
        let mut scene = of(PbxConfig { max_expires: seconds(600), ..config() }, account());
        let now = scene.now();
        scene.with_pbx(|pbx, _| {
            for (host, expires) in [("198.51.100.1", 60), ("198.51.100.2", 3600)] {
                pbx.add_binding(
                    "858",
                    Binding {
                        contact: format!("sip:858@{host}"),
                        source: format!("{host}:5060").parse().unwrap(),
                        expires_at: now + seconds(expires),
                        call_id: host.to_owned(),
                        cseq: 1,
                    },
                );
            }
        });
        let scene = scene.registered();
        let state = scene.last_state();
        assert!(
            matches!(state, RegistrationState::Registered { expires, .. } if *expires == seconds(600)),
            "{state:?}"
        );
    }

    #[test]
    fn behind_a_translator_the_contact_is_what_the_registrar_saw() {
        let mut scene = Scene::new(1);
        scene.network.translate(phone_address(), "198.51.100.9:40001".parse().unwrap());
        scene.run(seconds(5));
        let binding = scene.pbx().bindings("858").last().unwrap().clone();
        assert!(binding.contact.starts_with("sip:858@198.51.100.9:40001"), "{}", binding.contact);
        assert_eq!(scene.pbx().bindings("858").len(), 1);
    }

    /// The Contact that is bound of a line with a public address that is forwarded to it, seen at another by its registrar.
    fn contact_forwarded_from(public: &str, seen: &str) -> String {
        let mut account = account();
        account.extras_mut().public_address = Some(public.parse().unwrap());
        let config = PbxConfig::new(pbx_address());
        let mut scene = Scene::of(1, config, account, Phone::new(phone_address(), 1));
        scene.network.translate(phone_address(), seen.parse().unwrap());
        scene.run(seconds(5));
        assert_eq!(scene.pbx().bindings("858").len(), 1);
        scene.pbx().bindings("858").last().unwrap().contact.clone()
    }

    #[test]
    fn a_public_address_is_the_contact_whatever_the_registrar_sees() {
        let contact = contact_forwarded_from("203.0.113.9", "198.51.100.9:40001");
        assert!(contact.starts_with("sip:858@203.0.113.9:5060;"), "{contact}");
        let contact = contact_forwarded_from("203.0.113.9", "203.0.113.9:40001");
        assert!(contact.starts_with("sip:858@203.0.113.9:40001;"), "the port is translated: {contact}");
    }

    #[test]
    fn the_flow_is_kept_open_with_line_ends() {
        let mut scene = Scene::new(1).registered();
        scene.run(seconds(120));
        let pings = scene.network.packets().iter().filter(|packet| packet.payload == b"\r\n\r\n").count();
        assert!((4..=6).contains(&pings), "{pings} in two minutes");
    }

    #[test]
    fn several_lines_of_one_phone_register_each_for_itself() {
        let mut scene = Scene::new(1);
        scene.with_pbx(|pbx, _| pbx.add_user("859", "other"));
        let mut second = Account::new("859", "192.0.2.1", 5060);
        second.credentials = Some(Credentials::new("859", "other"));
        scene.with_endpoint(|endpoint, now| endpoint.add_line(now, second)).unwrap();
        scene.run(seconds(5));
        assert!(scene.pbx().is_registered("858") && scene.pbx().is_registered("859"));
        let line = scene.line;
        scene.with_endpoint(|endpoint, now| endpoint.remove_line(now, line));
        scene.run(seconds(5));
        assert!(!scene.pbx().is_registered("858") && scene.pbx().is_registered("859"));
    }

    #[test]
    fn a_phone_whose_last_line_is_removed_wants_to_be_woken_no_more() {
        let mut scene = Scene::new(1).registered();
        let line = scene.line;
        scene.with_endpoint(|endpoint, now| endpoint.remove_line(now, line));
        scene.run(seconds(60));
        assert_eq!(scene.phone().endpoint().poll_timeout(), None);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.2
    //= type=test
    //# The REGISTER-specific Contact header field value of "*" applies to all registrations, but it
    //# MUST NOT be used unless the Expires header field is present with a value of "0".
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.3
    //= type=test
    //# A UAC also MUST NOT include an instance-id feature tag or "reg-id" Contact header field
    //# parameter in a request to un-register all Contacts (a single Contact header field value with
    //# the value of "*").
    #[test]
    fn unregistering_removes_our_own_binding_only() {
        let mut scene = Scene::new(1).registered();
        let now = scene.now();
        let other = Binding {
            contact: "sip:858@198.51.100.1".into(),
            source: "198.51.100.1:5060".parse().unwrap(),
            expires_at: now + seconds(3600),
            call_id: "other".into(),
            cseq: 1,
        };
        scene.with_pbx(|pbx, _| pbx.add_binding("858", other));
        let line = scene.line;
        scene.with_endpoint(|endpoint, now| endpoint.unregister(now, line));
        scene.run(seconds(5));
        let left: Vec<&str> =
            scene.pbx().bindings("858").iter().map(|binding| binding.contact.as_str()).collect();
        assert_eq!(left, ["sip:858@198.51.100.1"]);
        assert_eq!(scene.last_state(), &RegistrationState::Unregistered);
        let requests = scene.requests(Method::Register);
        assert!(requests.iter().all(|(_, request)| header(request, HeaderName::Contact) != "*"));
    }

    #[test]
    fn it_registers_whatever_the_network_does_and_stays_registered() {
        for seed in 0..1000 {
            let mut scene = Scene::new(seed);
            scene.network.set_conditions(bad_network());
            assert!(scene.run_until_registered(seconds(300)), "{:?}", scene.states());
            assert_eq!(scene.pbx().bindings("858").len(), 1);
            scene.run(seconds(4 * 3600));
            assert!(scene.pbx().is_registered("858"), "{:?}", scene.states());
            let is_bad = |state: &&RegistrationState| {
                matches!(state, RegistrationState::Failed { cause: Cause::BadCredentials { .. }, .. })
            };
            assert_eq!(scene.states().iter().filter(|state| is_bad(state)).count(), 0);
        }
    }
}

mod recovered {
    use super::*;

    /// Runs until the registrar, which has just forgotten us, knows us again; returns how long that took.
    fn time_to_return(scene: &mut Scene) -> Duration {
        let start = scene.now();
        let pbx = scene.pbx;
        let is_back = scene.network.run_until(seconds(2 * 3600), |it| it.node(pbx).is_registered("858"));
        assert!(is_back, "{:?}", scene.states());
        scene.now().duration_since(start)
    }

    #[test]
    fn a_registrar_that_forgot_us_has_us_back_with_the_next_refresh() {
        let mut scene = Scene::new(1).registered();
        scene.run(seconds(60));
        scene.with_pbx(|pbx, _| pbx.forget_bindings());
        assert!(time_to_return(&mut scene) < seconds(3600));
    }

    #[test]
    fn a_restarted_registrar_has_us_back_with_the_next_refresh() {
        let mut scene = Scene::new(1).registered();
        scene.with_pbx(|pbx, _| pbx.restart());
        assert!(time_to_return(&mut scene) < seconds(3600));
        let failures =
            scene.states().iter().filter(|state| matches!(state, RegistrationState::Failed { .. })).count();
        assert_eq!(failures, 0);
    }

    #[test]
    fn a_registrar_with_another_realm_is_answered_in_that_realm() {
        let mut scene = Scene::new(1).registered();
        scene.with_pbx(|pbx, _| {
            pbx.restart();
            pbx.set_realm("renamed");
        });
        time_to_return(&mut scene);
        let requests = scene.requests(Method::Register);
        let answer = requests.last().unwrap().1.challenges(HeaderName::Authorization).next().unwrap();
        assert_eq!(answer.param("realm").as_deref(), Some("renamed"));
        assert_eq!(requests.last().unwrap().1.count(HeaderName::Authorization), 1);
    }

    #[test]
    fn a_stale_nonce_costs_one_more_request() {
        let mut scene = of(PbxConfig { nonce_lifetime: seconds(60), ..config() }, account()).registered();
        scene.run(seconds(2 * 3600));
        let states = scene.states();
        assert!(states.iter().all(|state| !matches!(state, RegistrationState::Failed { .. })), "{states:?}");
    }

    #[test]
    fn a_new_translation_is_learned_with_the_next_refresh() {
        let mut scene = Scene::new(1);
        scene.network.translate(phone_address(), "198.51.100.9:40001".parse().unwrap());
        let mut scene = scene.registered();
        scene.network.translate(phone_address(), "198.51.100.9:40002".parse().unwrap());
        scene.run(seconds(3600));
        let contacts: Vec<&str> =
            scene.pbx().bindings("858").iter().map(|binding| binding.contact.as_str()).collect();
        assert!(contacts.iter().any(|contact| contact.contains("198.51.100.9:40002")), "{contacts:?}");
    }

    #[test]
    fn a_registrar_that_was_down_for_hours_is_found_again_within_half_an_hour() {
        let mut scene = Scene::new(1).registered();
        scene.network.cut_off(pbx_address());
        scene.run(seconds(10 * 3600));
        scene.with_pbx(|pbx, _| pbx.restart());
        scene.network.reconnect(pbx_address());
        assert!(time_to_return(&mut scene) <= seconds(1800 + 32));
    }
}

mod refused {
    use super::*;

    /// RFC 3665 section 2.5: here without an end, since nobody types another password.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.1
    //= type=test
    //# A UAC MUST NOT re-attempt requests with the credentials that have just been rejected (though
    //# the request may be retried if the nonce was stale).
    #[test]
    fn a_wrong_password_is_named_and_never_a_storm() {
        let mut scene = of(config(), with_password("wrong"));
        scene.run(seconds(3600));
        assert_eq!(failure(&scene).0, Cause::BadCredentials { status: 401 });
        let requests = scene.requests(Method::Register).len();
        assert!(requests <= 20, "{requests} requests in an hour");
        let states = scene.states();
        let (tries, failures) = (states.iter().step_by(2), states.iter().skip(1).step_by(2));
        assert!(tries.into_iter().all(|state| matches!(state, RegistrationState::Registering { .. })));
        assert!(failures.into_iter().all(|state| matches!(state, RegistrationState::Failed { .. })));
    }

    #[test]
    fn a_corrected_password_is_noticed() {
        let mut scene = of(config(), with_password("wrong"));
        scene.run(seconds(3600));
        scene.with_pbx(|pbx, _| pbx.add_user("858", "wrong"));
        assert!(scene.run_until_registered(seconds(1800)));
    }

    #[test]
    fn an_account_without_password_says_so() {
        let mut account = account();
        account.credentials = None;
        let mut scene = of(config(), account);
        scene.run(seconds(5));
        assert_eq!(failure(&scene).0, Cause::NoCredentials { status: 401 });
    }

    #[test]
    fn refusals_name_their_status_and_are_asked_again_after_minutes() {
        for status in [403, 404] {
            let mut scene = Scene::new(1);
            scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Refusing { status, retry_after: None }));
            scene.run(seconds(5));
            let (cause, wait) = failure(&scene);
            assert_eq!(cause.status(), Some(status));
            assert!(wait >= seconds(120), "{wait:?}");
        }
    }

    #[test]
    fn retry_after_is_obeyed() {
        let mut scene = Scene::new(1);
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Refusing { status: 503, retry_after: Some(900) }));
        scene.run(seconds(5));
        let (cause, wait) = failure(&scene);
        assert_eq!(cause.status(), Some(503));
        assert!(wait >= seconds(900) && wait <= seconds(990), "{wait:?}");
        scene.run(seconds(890));
        assert_eq!(scene.requests(Method::Register).len(), 1);
    }

    #[test]
    fn no_retry_after_takes_a_line_away_for_more_than_an_hour_and_a_tenth() {
        let mut scene = Scene::new(1);
        let retry_after = Some(u32::MAX);
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Refusing { status: 503, retry_after }));
        scene.run(seconds(5));
        let (_, wait) = failure(&scene);
        assert!(wait >= seconds(3600) && wait <= seconds(3960), "{wait:?}");
    }

    #[test]
    fn a_redirected_registration_goes_where_it_is_sent() {
        let elsewhere: SocketAddr = "192.0.2.2:5060".parse().unwrap();
        let mut scene = Scene::new(1);
        let other = Pbx::new(PbxConfig { algorithms: vec![], ..PbxConfig::new(elsewhere) }, 2);
        let other = scene.network.add(elsewhere, other);
        scene.network.with(other, |pbx, _| pbx.add_user("858", "secret"));
        let contact = "sip:192.0.2.2".to_owned();
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Redirecting { status: 302, contact }));
        let scene = scene.registered();
        assert!(scene.network.node(other).is_registered("858"));
    }

    #[test]
    fn the_password_is_given_to_no_host_that_was_not_configured() {
        let elsewhere: SocketAddr = "192.0.2.2:5060".parse().unwrap();
        let mut scene = Scene::new(1).registered();
        let other = scene.network.add(elsewhere, Pbx::new(PbxConfig::new(elsewhere), 2));
        scene.network.with(other, |pbx, _| pbx.add_user("858", "secret"));
        let contact = "sip:192.0.2.2".to_owned();
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Redirecting { status: 302, contact }));
        scene.run(seconds(4 * 3600));
        assert_eq!(failure(&scene).0, Cause::Elsewhere { host: "192.0.2.2".to_owned(), status: 401 });
        let packets = scene.network.packets().iter().filter(|packet| packet.destination == elsewhere);
        let asked: Vec<_> = packets.filter_map(|packet| Message::parse(&packet.payload).ok()).collect();
        assert!((1..=20).contains(&asked.len()), "{} requests in four hours", asked.len());
        assert!(asked.iter().all(|request| !request.has(HeaderName::Authorization)));
    }

    /// A PBX has several ports, as for the inside and the outside, and redirects from one to another.
    #[test]
    fn the_password_is_given_to_the_configured_host_at_the_port_that_it_names() {
        let other_port: SocketAddr = "192.0.2.1:5080".parse().unwrap();
        let mut scene = Scene::new(1);
        let other = scene.network.add(other_port, Pbx::new(PbxConfig::new(other_port), 2));
        scene.network.with(other, |pbx, _| pbx.add_user("858", "secret"));
        let contact = "sip:192.0.2.1:5080".to_owned();
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Redirecting { status: 302, contact }));
        let scene = scene.registered();
        assert!(scene.network.node(other).is_registered("858"));
    }

    #[test]
    fn a_registrar_that_redirects_to_itself_is_not_asked_for_ever() {
        let mut scene = Scene::new(1);
        let contact = "sip:192.0.2.1".to_owned();
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Redirecting { status: 301, contact }));
        scene.run(seconds(5));
        assert_eq!(scene.requests(Method::Register).len(), 1);
        assert_eq!(failure(&scene).0, Cause::Circular { status: 301 });
        assert_eq!(failure(&scene).0.status(), Some(301));
    }

    #[test]
    fn an_unknown_name_is_named() {
        let account = Account::new("858", "pbx.invalid", 5060);
        let mut scene = of(config(), account);
        scene.run(seconds(5));
        let cause = failure(&scene).0;
        assert!(matches!(&cause, Cause::Unresolved { host, .. } if host == "pbx.invalid"), "{cause:?}");
    }
}

mod unanswered {
    use super::*;

    #[test]
    fn a_silent_registrar_times_out_and_is_asked_ever_more_rarely() {
        let mut scene = Scene::new(1);
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Silent));
        scene.run(seconds(4 * 3600));
        assert_eq!(failure(&scene).0, Cause::TimedOut);
        let at = attempts(&scene);
        let gaps: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0] - 32).collect();
        assert!(gaps[0] <= 2 && gaps[1] <= 10, "quick first retries: {gaps:?}");
        assert!(gaps[2..].iter().all(|gap| (15..=1800).contains(gap)), "{gaps:?}");
        assert!(gaps.last().unwrap() >= &900, "{gaps:?}");
    }

    #[test]
    fn a_register_is_repeated_on_timer_e_until_timer_f() {
        let mut scene = Scene::new(1);
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Silent));
        scene.run(seconds(33));
        let at: Vec<u128> = scene
            .requests(Method::Register)
            .iter()
            .map(|(at, _)| at.as_millis())
            .filter(|at| *at < 32_000)
            .collect();
        assert_eq!(at, [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    }

    #[test]
    fn many_lines_of_one_registrar_do_not_return_all_at_once() {
        let mut firsts = BTreeSet::new();
        for seed in 0..50 {
            let mut scene = Scene::new(seed);
            scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Silent));
            scene.run(seconds(600));
            firsts.insert(*attempts(&scene).last().unwrap());
        }
        assert!(firsts.len() > 10, "{firsts:?}");
    }

    #[test]
    fn every_attempt_is_told() {
        let mut scene = Scene::new(1);
        scene.with_pbx(|pbx, _| pbx.set_mode(Mode::Silent));
        scene.run(seconds(3600));
        let tried = scene
            .states()
            .iter()
            .filter(|state| matches!(state, RegistrationState::Registering { .. }))
            .count();
        assert_eq!(tried, attempts(&scene).len());
    }

    #[test]
    fn unregistering_from_a_dead_registrar_ends() {
        let mut scene = Scene::new(1).registered();
        scene.network.cut_off(pbx_address());
        let line = scene.line;
        scene.with_endpoint(|endpoint, now| endpoint.unregister(now, line));
        scene.run(seconds(40));
        assert_eq!(scene.last_state(), &RegistrationState::Unregistered);
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
//= type=test
//# A UA MUST increment the CSeq value by one for each REGISTER request with the same Call-ID.
#[test]
fn a_register_that_there_was_no_room_for_leaves_no_gap() {
    let limits = Limits { client_transactions: 1, ..Limits::default() };
    let phone = Phone::with_config(Config { limits, ..Config::new(phone_address()) }, 7);
    let mut scene = Scene::of(7, PbxConfig::new(pbx_address()), account(), phone).registered();
    let line = scene.line;
    scene.with_endpoint(|endpoint, now| endpoint.unregister(now, line));
    scene.run(seconds(1));
    // Nobody answers the other one, which takes all the room for 32 s.
    scene.with_endpoint(|endpoint, now| {
        endpoint.add_line(now, Account::new("859", "192.0.2.99", 5060)).unwrap();
        endpoint.register(now, line);
    });
    assert!(matches!(scene.last_state(), RegistrationState::Failed { cause: Cause::Overloaded, .. }));
    scene.run(seconds(3600));
    let asked = scene.requests(Method::Register).into_iter();
    let asked = asked.filter(|(_, asked)| asked.request_uri() == Some(b"sip:192.0.2.1"));
    let mut numbers: Vec<u32> = asked.map(|(_, asked)| asked.cseq().unwrap().number).collect();
    numbers.dedup();
    assert!(numbers.len() > 3 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}
