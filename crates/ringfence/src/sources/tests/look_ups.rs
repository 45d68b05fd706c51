//! Asking web services that answer, hang, fail and lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::{Instant, advance, pause, resume};

use super::server::{Reply, Server, head, ok};
use super::stage::{DEADLINE, Stage, ask, ask_in_time, look_up, missing, question};
use crate::config::Stamped;
use crate::sources::client::Trust;
use crate::sources::resolver::Reach;
use crate::sources::source::{LookUp, Tells};
use crate::sources::{LookUpSpec, Sources};

const JSON: &str = "application/json";
const SPAM: &str = r#"{"score":3,"listed":true,"name":"Wine\u202eshop","more":[1]}"#;

async fn service(server: &Server) -> Sources {
    Stage::new().ask_by(look_up(LookUp::Service { url: server.url("/who") })).await
}

async fn why(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> String {
    let server = Server::start(reply);
    missing(&ask(&service(&server).await, "079 123 45 67").await)
}

#[tokio::test]
async fn a_service_is_told_the_number_the_line_and_who_was_called() {
    let server = Server::start(|_| ok(JSON, SPAM));
    let heard = ask(&service(&server).await, "079 123 45 67").await;
    let answer = &heard.said[0].1;
    assert_eq!((answer.score, answer.is_listed, answer.name.as_deref()), (3, true, Some("Wine·shop")));
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /who HTTP/1.1\r\n")
            && request.contains("content-type: application/json\r\n")
    );
    assert!(request.ends_with(r#"{"number":"+41791234567","line":"home","called":"+41445551234"}"#));
}

#[tokio::test]
async fn a_service_that_is_not_asked_for_is_not_asked() {
    let server = Server::start(|_| ok(JSON, SPAM));
    let sources = service(&server).await;
    let heard = sources.ask(&question("079 123 45 67"), &["other"], Instant::now() + DEADLINE).await;
    assert_eq!((heard.said.len(), heard.missing.len(), server.requests().len()), (0, 0, 0));
}

#[tokio::test]
async fn a_service_that_hangs_or_drips_is_missing_at_the_deadline() {
    for is_dripping in [false, true] {
        let server = Server::start(move |_| {
            if is_dripping {
                Reply::Drip(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec())
            } else {
                Reply::Hang
            }
        });
        let sources = Arc::new(service(&server).await);
        let (asking, begin) = (Arc::clone(&sources), Instant::now());
        let asking = tokio::spawn(async move { ask_in_time(&asking, "079 123 45 67").await });
        server.requested().await;
        pause();
        assert!(missing(&asking.await.unwrap()).starts_with("no whole answer within "));
        assert!(begin.elapsed() < DEADLINE + Duration::from_millis(10));
        resume();
    }
}

#[tokio::test]
async fn a_service_that_fails_or_lies_is_missing_with_the_reason() {
    for (status, content_type, body, expected) in [
        ("500 Oh", JSON, SPAM, "expected a success, the server answered 500"),
        ("204 No Content", JSON, "", "expected a success, the server answered 204"),
        ("200 OK", "text/html", SPAM, "expected application/json, found text/html"),
        ("200 OK", JSON, "", "cannot be read: EOF while parsing a value at line 1 column 0"),
        ("200 OK", JSON, "{}", "cannot be read: expected `score` or `listed`, found neither"),
        (
            "200 OK",
            JSON,
            r#"{"score":"many"}"#,
            "cannot be read: invalid type: string \"many\", expected u32 at line 1 column 15",
        ),
        ("200 OK", JSON, "\u{0}\u{1}garbage", "cannot be read: expected value at line 1 column 1"),
        (
            "200 OK",
            JSON,
            r#"{"score":-1}"#,
            "cannot be read: invalid value: integer `-1`, expected u32 at line 1 column 11",
        ),
        ("200 OK", JSON, r#"{"score":1"#, "cannot be read: EOF while parsing an object at line 1 column 10"),
    ] {
        let headers = format!("content-type: {content_type}\r\n");
        assert_eq!(why(move |_| head(status, &headers, body)).await, expected);
    }
}

#[tokio::test]
async fn a_service_that_breaks_off_or_says_too_much_or_sends_elsewhere_is_missing() {
    let error = why(|_| Reply::Cut(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec())).await;
    assert!(error.starts_with("the answer broke off: "), "{error}");
    let long = format!(r#"{{"score":1,"name":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(why(move |_| ok(JSON, &long)).await, "expected at most 65536 bytes, found more");
    let error = why(|_| head("302 Found", "location: https://192.168.0.1/\r\n", "")).await;
    assert_eq!(error, "the server sends to https://192.168.0.1/, expected the list itself");
}

#[tokio::test]
async fn a_service_without_a_name_or_without_a_right_certificate_is_missing() {
    let (stage, server) = (Stage::new(), Server::start(|_| ok(JSON, SPAM)));
    let spec = look_up(LookUp::Service { url: server.url("/who") });
    let mut surroundings = stage.surroundings();
    surroundings.names = Arc::new(|_| Err(std::io::Error::other("no such name")));
    let nameless = Sources::open(Vec::new(), vec![spec.clone()], &surroundings, None).await;
    assert_eq!(missing(&ask(&nameless, "079 123 45 67").await), "lists.test has no address");
    let trust = Trust { authority: None, ..spec.trust.clone() };
    let error =
        missing(&ask(&stage.ask_by(LookUpSpec { trust, ..spec.clone() }).await, "079 123 45 67").await);
    assert!(error.starts_with("no connection: invalid peer certificate: UnknownIssuer"), "{error}");
    let trust = Trust { reach: Reach::Public, ..spec.trust.clone() };
    let error = missing(&ask(&stage.ask_by(LookUpSpec { trust, ..spec }).await, "079 123 45 67").await);
    assert!(error.ends_with("is in a private network, expected a public address"), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn one_number_is_asked_for_once_however_many_calls_wait() {
    let server = Server::start(|_| ok(JSON, SPAM));
    let sources = service(&server).await;
    let number = "079 123 45 67";
    let (one, other, third) =
        tokio::join!(ask(&sources, number), ask(&sources, number), ask(&sources, number));
    assert_eq!((one.said.len(), &one, &other), (1, &other, &third));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_is_remembered_as_long_as_the_policy_says_and_no_failure_is() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, SeqCst) {
        0 => head("500 Oh", "", ""),
        _ => ok(JSON, r#"{"score":0}"#),
    });
    let spec = look_up(LookUp::Service { url: server.url("/who") });
    let sources = Stage::new().ask_by(LookUpSpec { cache: Some(Duration::from_secs(3600)), ..spec }).await;
    assert_eq!(ask(&sources, "079 123 45 67").await.missing.len(), 1);
    for _ in 0..3 {
        assert_eq!(ask(&sources, "079 123 45 67").await.said[0].1.score, 0);
    }
    assert_eq!((server.requests().len(), sources.status().look_ups[0].remembered), (2, 2));
    pause();
    advance(Duration::from_secs(3600)).await;
    resume();
    assert_eq!(ask(&sources, "079 123 45 67").await.said.len(), 1);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_service_that_fails_five_times_is_left_alone_for_half_a_minute() {
    let server = Server::start(|_| head("500 Oh", "", ""));
    let sources = service(&server).await;
    for _ in 0..5 {
        assert_eq!(
            missing(&ask(&sources, "079 123 45 67").await),
            "expected a success, the server answered 500"
        );
    }
    let error = missing(&ask(&sources, "079 123 45 67").await);
    assert!(error.starts_with("failed too often, left alone for "), "{error}");
    let status = &sources.status().look_ups[0];
    assert_eq!((status.asked, status.missed, status.rests, status.is_resting), (6, 6, 1, true));
    pause();
    advance(Duration::from_secs(30)).await;
    resume();
    assert_eq!(missing(&ask(&sources, "079 123 45 67").await), "expected a success, the server answered 500");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn what_is_remembered_outlives_a_reload_that_leaves_the_source_as_it_is() {
    let (stage, server) = (Stage::new(), Server::start(|_| ok(JSON, SPAM)));
    let spec = look_up(LookUp::Service { url: server.url("/who") });
    let spec = LookUpSpec { cache: Some(Duration::from_secs(3600)), ..spec };
    let before = stage.ask_by(spec.clone()).await;
    ask(&before, "079 123 45 67").await;
    let after = Sources::open(Vec::new(), vec![spec.clone()], &stage.surroundings(), Some(&before)).await;
    assert_eq!(ask(&after, "079 123 45 67").await.said.len(), 1);
    assert_eq!(server.requests().len(), 1);
    let changed = LookUpSpec { cache: None, ..spec };
    let other = Sources::open(Vec::new(), vec![changed], &stage.surroundings(), Some(&after)).await;
    assert_eq!(ask(&other, "079 123 45 67").await.said.len(), 1);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_caller_who_is_forgotten_is_asked_about_anew_and_others_are_not() {
    let server = Server::start(|_| ok(JSON, SPAM));
    let spec = look_up(LookUp::Service { url: server.url("/who") });
    let sources = Stage::new().ask_by(LookUpSpec { cache: Some(Duration::from_secs(3600)), ..spec }).await;
    for number in ["079 123 45 67", "079 123 45 68"] {
        ask(&sources, number).await;
    }
    assert_eq!((sources.forget("+41791234567"), sources.forget("+41791234567")), (1, 0));
    for number in ["079 123 45 67", "079 123 45 68"] {
        ask(&sources, number).await;
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_that_comes_after_its_caller_was_forgotten_is_used_and_not_remembered() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = Server::start(move |_| {
        let _ = held.lock().unwrap().recv();
        ok(JSON, SPAM)
    });
    let spec = look_up(LookUp::Service { url: server.url("/who") });
    let spec = LookUpSpec { cache: Some(Duration::from_secs(3600)), ..spec };
    let sources = Arc::new(Stage::new().ask_by(spec).await);
    let asking = Arc::clone(&sources);
    let asking = tokio::spawn(async move { ask(&asking, "079 123 45 67").await });
    server.requested().await;
    sources.forget("+41791234567");
    drop(release);
    assert_eq!(asking.await.unwrap().said.len(), 1);
    ask(&sources, "079 123 45 67").await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn of_two_services_of_a_list_counts_what_speaks_against_the_caller() {
    let (good, bad) = (r#"{"score":0}"#, r#"{"score":3}"#);
    for (one, other, expected) in
        [(good, bad, Some(3)), (good, good, Some(0)), ("", bad, Some(3)), (good, "", None)]
    {
        let servers = [one, other].map(|body| Server::start(move |_| ok(JSON, body)));
        let specs = servers.iter().map(|server| look_up(LookUp::Service { url: server.url("/who") }));
        let sources = Sources::open(Vec::new(), specs.collect(), &Stage::new().surroundings(), None).await;
        let heard = ask(&sources, "079 123 45 67").await;
        assert_eq!(heard.said.first().map(|(_, answer)| answer.score), expected);
        assert_eq!(heard.said.len() + heard.missing.len(), 1);
    }
}

/// Of `printf %s +41791234567 | sha1sum`.
const PREFIX: &str = "51E7";

async fn phoneblock(stage: &Stage, server: &Server, tells: Tells) -> Sources {
    let spec = look_up(LookUp::PhoneBlock { api: server.url("/api/"), tells });
    stage.ask_by(LookUpSpec { credential: Some(stage.credential(None)), ..spec }).await
}

#[tokio::test]
async fn phoneblock_is_told_the_beginning_of_a_hash_and_remembered_for_a_day() {
    let known =
        r#"{"numbers":[{"phone":"+49123","votes":99},{"phone":"+41791234567","votes":5,"rating":"D_POLL"}]}"#;
    let (stage, server) = (Stage::new(), Server::start(|_| ok(JSON, known)));
    let sources = phoneblock(&stage, &server, Tells::Prefix).await;
    for _ in 0..2 {
        let heard = ask(&sources, "079 123 45 67").await;
        assert_eq!((heard.said[0].1.score, heard.said[0].1.is_listed), (5, true));
    }
    assert_eq!(ask(&sources, "079 123 45 68").await.said[0].1.score, 0);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[0].starts_with(&format!("GET /api/check-prefix?sha1={PREFIX}&format=json HTTP/1.1\r\n"))
    );
    assert!(requests[0].contains("authorization: Bearer s3cret\r\n"));
    assert!(!requests[0].contains("4179123"));
}

#[tokio::test]
async fn what_the_user_said_at_phoneblock_counts_more_than_the_votes() {
    for (own, score) in [("whiteListed", 0), ("blackListed", 1000)] {
        let known = format!(r#"{{"numbers":[{{"phone":"+41791234567","votes":5,"{own}":true}}]}}"#);
        let (stage, server) = (Stage::new(), Server::start(move |_| ok(JSON, &known)));
        let heard = ask(&phoneblock(&stage, &server, Tells::Hash).await, "079 123 45 67").await;
        assert_eq!(heard.said[0].1.score, score, "{own}");
    }
}

#[tokio::test]
async fn phoneblock_is_not_asked_without_a_key_nor_about_internal_numbers_of_which_it_knows_nothing() {
    let (stage, server) = (Stage::new(), Server::start(|_| ok(JSON, "{}")));
    let spec = look_up(LookUp::PhoneBlock { api: server.url("/api/"), tells: Tells::Prefix });
    let error = missing(&ask(&stage.ask_by(spec).await, "079 123 45 67").await);
    assert_eq!(error, "PhoneBlock answers whoever has an API key, and the list names none");
    let sources = phoneblock(&stage, &server, Tells::Prefix).await;
    let answers = ask(&sources, "**620").await;
    assert_eq!(answers.said, [("spam".into(), crate::sources::Answer::NOTHING)]);
    assert!(answers.missing.is_empty());
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_authority_that_has_come_or_become_another_counts_from_the_next_reload() {
    let (stage, server) = (Stage::new(), Server::start(|_| ok(JSON, SPAM)));
    let path = stage.home.path().join("ca.pem");
    let spec = || {
        let trust = Trust { reach: Reach::Private, authority: Some(Stamped::now(&path)) };
        LookUpSpec { trust, ..look_up(LookUp::Service { url: server.url("/who") }) }
    };
    let right = include_str!("data/ca.pem");
    // It has signed nobody.
    let wrong = include_str!("data/server.pem");
    let mut sources = stage.ask_by(spec()).await;
    for (pem, expected) in [(None, "cannot read "), (Some(wrong), "no connection: "), (Some(right), "")] {
        if let Some(pem) = pem {
            stage.file("ca.pem", pem);
        }
        sources = Sources::open(Vec::new(), vec![spec()], &stage.surroundings(), Some(&sources)).await;
        let heard = ask(&sources, "079 123 45 67").await;
        let error = heard.missing.first().map(|(_, error)| error.to_string()).unwrap_or_default();
        assert!(error.starts_with(expected) && error.is_empty() == expected.is_empty(), "{error}");
    }
}
