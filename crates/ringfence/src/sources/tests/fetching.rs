//! Fetching lists from servers that are not as they should be.

use std::sync::{Arc, Mutex};

use super::server::{Reply, Server, head, ok};
use super::stage::{Stage, failed, refresh, rows, web};
use crate::sources::ListSpec;
use crate::sources::client::Trust;
use crate::sources::resolver::Reach;

const TEN: &str = "+41791234500\n+41791234501\n+41791234502\n+41791234503\n+41791234504\n+41791234505\n\
                   +41791234506\n+41791234507\n+41791234508\n+41791234509\n";

async fn error_of(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> String {
    let (stage, server) = (Stage::new(), Server::start(reply));
    let sources = stage.open(web(server.url("/spam.txt"))).await;
    failed(refresh(&sources).await)
}

#[tokio::test]
async fn a_list_is_fetched_and_asked_for_again_only_if_it_has_changed() {
    let stage = Stage::new();
    let server = Server::start(|request| {
        if request.contains("if-none-match: \"v1\"") {
            head("304 Not Modified", "", "")
        } else {
            head("200 OK", "content-type: text/plain\r\netag: \"v1\"\r\n", TEN)
        }
    });
    let sources = stage.open(web(server.url("/spam.txt"))).await;
    let (status, list) = refresh(&sources).await;
    assert_eq!((status.rows, list.unwrap().len(), status.error), (10, 10, None));
    let (status, list) = refresh(&sources).await;
    assert!(list.is_none() && status.error.is_none());
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests()[0].starts_with("GET /spam.txt HTTP/1.1\r\n"));
    assert!(server.requests()[0].contains("accept-encoding: identity\r\n"));
}

#[tokio::test]
async fn a_server_that_says_it_has_not_changed_without_being_asked_is_not_believed() {
    let error = error_of(|_| head("304 Not Modified", "", "")).await;
    assert_eq!(error, "expected a success, the server answered 304");
}

#[tokio::test]
async fn what_is_no_list_is_refused() {
    for (reply, expected) in [
        (("503 Service Unavailable", "", ""), "expected a success, the server answered 503"),
        (("206 Partial Content", "", TEN), "expected a success, the server answered 206"),
        (("200 OK", "content-type: text/html; charset=utf-8\r\n", TEN), "expected a list, found text/html"),
        (
            ("200 OK", "content-encoding: gzip\r\n", TEN),
            "expected a list that is not compressed, found content encoding gzip",
        ),
        (
            ("200 OK", "", "<!DOCTYPE html><p>Log in"),
            "expected a list in a known format, found something else",
        ),
        (("200 OK", "content-type: text/plain\r\n", ""), "not taken: expected at least 1 rows, found 0"),
    ] {
        let error = error_of(move |_| head(reply.0, reply.1, reply.2)).await;
        assert_eq!(error, expected);
    }
    let error = error_of(|_| ok("text/plain", "Service is down.\nPlease come back.\n")).await;
    assert!(error.starts_with("cannot be read: https://lists.test:"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_cut_or_no_http_is_refused() {
    for bytes in [
        "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n+41791234567\n",
        "HTTP/1.1 200 OK\r\n\r\n+417",
        "\0\0\0",
        "",
    ] {
        let error = error_of(move |_| Reply::Cut(bytes.into())).await;
        assert!(error.starts_with("the answer broke off: "), "{bytes}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused_whether_it_says_so_or_not() {
    for reply in ["HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let server =
            Server::start(move |_| Reply::Cut(format!("{reply}{}", "+41791234567\n".repeat(400)).into()));
        let spec = ListSpec { most_bytes: 1000, ..web(server.url("/spam.txt")) };
        let sources = Stage::new().open(spec).await;
        assert_eq!(failed(refresh(&sources).await), "expected at most 1000 bytes, found more");
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_is_given_up_after_half_a_minute() {
    for is_dripping in [false, true] {
        let server = Server::start(move |_| {
            if is_dripping { Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()) } else { Reply::Hang }
        });
        let stage = Stage::new();
        let sources = Arc::new(stage.open(web(server.url("/spam.txt"))).await);
        let looking = Arc::clone(&sources);
        let looking = tokio::spawn(async move { refresh(&looking).await });
        server.requested().await;
        tokio::time::pause();
        assert_eq!(failed(looking.await.unwrap()), "no whole answer within 30s");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_redirection_is_followed_on_the_same_server_only() {
    let server = Server::start(|request| {
        if request.starts_with("GET /new ") {
            ok("text/plain", TEN)
        } else {
            head("302 Found", "location: /new\r\n", "")
        }
    });
    let sources = Stage::new().open(web(server.url("/spam.txt"))).await;
    assert_eq!(refresh(&sources).await.0.rows, 10);
    for to in [
        "https://127.0.0.1/x",
        "http://lists.test/x",
        "https://other.test/x",
        "file:///etc/passwd",
        "https://:0",
    ] {
        let error = error_of(move |_| head("301 Moved", &format!("location: {to}\r\n"), "")).await;
        assert_eq!(error, format!("the server sends to {to}, expected the list itself"));
    }
    let error = error_of(|_| head("307 Temporary", "location: /again\r\n", "")).await;
    assert_eq!(error, "the server sends to one place after another, expected the list itself");
}

#[tokio::test]
async fn an_address_that_is_not_public_is_not_contacted() {
    let (stage, server) = (Stage::new(), Server::start(|_| ok("text/plain", TEN)));
    let port = server.address.port();
    for host in [
        "lists.test",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ] {
        let url = format!("https://{host}:{port}/spam.txt").parse().unwrap();
        let spec = web(url);
        let trust = Trust { reach: Reach::Public, ..spec.trust.clone() };
        let (status, _) = refresh(&stage.open(ListSpec { trust, ..spec }).await).await;
        assert!(
            status.error.unwrap().ends_with("is in a private network, expected a public address"),
            "{host}"
        );
        assert_eq!(status.hint.unwrap(), "`private = true` allows a server in your own network");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_no_authority_vouches_for_is_not_asked() {
    let (stage, server) = (Stage::new(), Server::start(|_| ok("text/plain", TEN)));
    let spec = web(server.url("/spam.txt"));
    let trust = Trust { authority: None, ..spec.trust.clone() };
    let error = failed(refresh(&stage.open(ListSpec { trust, ..spec }).await).await);
    assert!(error.starts_with("no connection: invalid peer certificate: UnknownIssuer"), "{error}");
    let mut elsewhere = server.url("/spam.txt");
    elsewhere.set_host(Some("other.test")).unwrap();
    let error = failed(refresh(&stage.open(web(elsewhere)).await).await);
    assert!(
        error.starts_with("no connection: invalid peer certificate: certificate not valid for name"),
        "{error}"
    );
    assert!(server.requests().is_empty());
}

/// A server of a list that changes.
pub(super) fn changing(first: &str) -> (Server, Arc<Mutex<String>>) {
    let text = Arc::new(Mutex::new(first.to_owned()));
    let told = Arc::clone(&text);
    (Server::start(move |_| ok("text/plain", &told.lock().unwrap())), text)
}

#[tokio::test]
async fn a_copy_without_rows_or_with_far_fewer_is_refused_and_the_last_good_one_stays() {
    let hundred = (0..100).fold(String::new(), |text, last| format!("{text}+417912345{last:02}\n"));
    let (server, text) = changing(&hundred);
    let sources = Stage::new().open(web(server.url("/spam.txt"))).await;
    assert_eq!(refresh(&sources).await.0.rows, 100);
    for (few, error) in [
        ("# nothing\n", "not taken: expected at least 1 rows, found 0"),
        (&TEN[..9 * 13], "not taken: 9 rows, there were 100"),
    ] {
        *text.lock().unwrap() = few.to_owned();
        assert_eq!(failed(refresh(&sources).await), error);
        assert_eq!(rows(&sources), 100);
    }
    *text.lock().unwrap() = TEN.to_owned();
    assert_eq!(refresh(&sources).await.0.rows, 10);
}

#[tokio::test]
async fn the_policy_says_how_many_rows_there_must_be_and_zero_takes_every_copy() {
    let (server, text) = changing(TEN);
    let list = |least| ListSpec { least_rows: Some(least), ..web(server.url("/spam.txt")) };
    let sources = Stage::new().open(list(11)).await;
    assert_eq!(failed(refresh(&sources).await), "not taken: expected at least 11 rows, found 10");
    let sources = Stage::new().open(list(0)).await;
    assert_eq!(refresh(&sources).await.0.rows, 10);
    *text.lock().unwrap() = String::new();
    let (status, list) = refresh(&sources).await;
    assert_eq!((status.rows, status.error, list.unwrap().len()), (0, None, 0));
}
