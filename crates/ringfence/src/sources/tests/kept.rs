//! Last good copies, signatures, address books, the days of the FTC, files.

use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ring::signature::{Ed25519KeyPair, KeyPair};

use super::server::{Reply, Server, head, ok};
use super::stage::{Stage, failed, list, refresh, refresh_all, rows, web};
use crate::sources::credential::{Credential, SecretPlace};
use crate::sources::spec::OnStale;
use crate::sources::status::Origin;
use crate::sources::{ListSpec, Source, Sources, base64};

const TWO: &str = "+41791234567\n+41791234568\n";
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A stage with the copy of a list of two, whose server is gone.
async fn abandoned() -> (Stage, ListSpec) {
    let (stage, server) = (Stage::new(), Server::start(|_| ok("text/plain", TWO)));
    let spec = web(server.url("/spam.txt?key=secret"));
    assert_eq!(refresh(&stage.open(spec.clone()).await).await.0.rows, 2);
    server.stop();
    (stage, spec)
}

#[tokio::test]
async fn a_program_that_starts_without_its_server_uses_the_last_good_copy() {
    let (stage, spec) = abandoned().await;
    let sources = stage.open(spec).await;
    let status = &sources.status().lists[0];
    assert_eq!((rows(&sources), status.rows, status.origin), (2, 2, Origin::Copy));
    assert!(!status.source.contains("secret"));
    let error = failed(refresh(&sources).await);
    assert!(error.starts_with("no connection: "), "{error}");
    assert_eq!(rows(&sources), 2);
}

#[tokio::test]
async fn a_program_that_starts_without_server_and_copy_has_an_empty_list_and_says_why() {
    let server = Server::start(|_| ok("text/plain", TWO));
    let url = server.url("/spam.txt");
    server.stop();
    let sources = Stage::new().open(web(url)).await;
    assert!(failed(refresh(&sources).await).starts_with("no connection: "));
    assert_eq!((rows(&sources), sources.status().lists[0].origin), (0, Origin::Nowhere));
}

#[tokio::test]
async fn a_copy_is_readable_by_its_owner_only_and_a_broken_one_is_as_good_as_none() {
    let (stage, spec) = abandoned().await;
    let copy = std::fs::read_dir(stage.copies()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(stage.copies().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for broken in [b"".as_slice(), b"{", b"{}\n+41791234567\n", b"\xff\n", b"[1]\n\n"] {
        std::fs::write(&copy, broken).unwrap();
        assert_eq!(rows(&stage.open(spec.clone()).await), 0);
    }
}

#[tokio::test]
async fn a_stale_list_stays_or_goes_as_the_policy_says() {
    let (stage, keeps) = abandoned().await;
    let drops = ListSpec { on_stale: OnStale::Drop, ..keeps.clone() };
    let [keeping, dropping] = [stage.open(keeps).await, stage.open(drops.clone()).await];
    stage.pass(HOUR * 3);
    assert!(refresh(&dropping).await.1.is_none());
    stage.pass(Duration::from_secs(1));
    assert!(refresh(&keeping).await.1.is_none());
    assert!(keeping.status().lists[0].is_stale);
    let (status, list) = refresh(&dropping).await;
    assert_eq!((status.origin, list.unwrap().len(), rows(&keeping)), (Origin::Nowhere, 0, 2));
    assert!(status.error.unwrap().starts_with("no connection: "));
    assert_eq!(rows(&stage.open(drops).await), 0);
}

#[tokio::test]
async fn a_failure_is_tried_again_after_a_minute_then_two_and_never_later_than_usual() {
    let (stage, spec) = abandoned().await;
    let sources = stage.open(spec).await;
    let now = (stage.surroundings().clock)();
    for minutes in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
        let (status, _) = refresh(&sources).await;
        let wait = status.next.duration_since(now).as_secs_f64() / 60.0;
        assert!((minutes * 0.9..=minutes * 1.1).contains(&wait), "{wait} for {minutes}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_rest_gets_it() {
    let server = Server::start(|_| head("429 Too Many Requests", "retry-after: 7200\r\n", ""));
    let stage = Stage::new();
    let (status, _) = refresh(&stage.open(web(server.url("/spam.txt"))).await).await;
    let wait = status.next.duration_since((stage.surroundings().clock)());
    assert!((6480..=7920).contains(&wait.as_secs()));
}

#[tokio::test]
async fn a_fresh_copy_is_not_asked_for_at_the_start_and_an_old_one_is() {
    let (stage, spec) = abandoned().await;
    let wait = |sources: Sources| {
        sources.status().lists[0].next.duration_since((stage.surroundings().clock)()).as_secs()
    };
    assert!((3240..=3960).contains(&wait(stage.open(spec.clone()).await)));
    stage.pass(HOUR / 2);
    assert!((1620..=1980).contains(&wait(stage.open(spec.clone()).await)));
    stage.pass(HOUR);
    assert_eq!(wait(stage.open(spec).await), 0);
}

#[tokio::test]
async fn lists_are_refreshed_by_themselves_and_sent() {
    let text = Arc::new(Mutex::new(TWO.to_owned()));
    let told = Arc::clone(&text);
    let server = Server::start(move |_| ok("text/plain", &told.lock().unwrap()));
    let stage = Stage::new();
    let sources = Arc::new(stage.open(web(server.url("/spam.txt"))).await);
    let (sender, mut updates) = tokio::sync::mpsc::channel(1);
    let running = Arc::clone(&sources);
    let running = tokio::spawn(async move { running.run(sender).await });
    assert_eq!(updates.recv().await.unwrap().len(), 2);
    text.lock().unwrap().push_str("+41791234569\n");
    stage.pass(HOUR * 2);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(updates.recv().await.unwrap().len(), 3);
    running.abort();
}

fn key() -> (Ed25519KeyPair, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = format!("ed25519:{}", base64::encode(pair.public_key().as_ref()));
    (pair, public)
}

/// Returns the error of a list with a key, where this stands beside it.
async fn signed(signature: Vec<u8>, key: &str) -> Option<String> {
    let server = Server::start(move |request| {
        if request.starts_with("GET /spam.txt.sig?v=1 ") {
            Reply::Send([b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".as_slice(), &signature].concat())
        } else {
            ok("text/plain", TWO)
        }
    });
    let spec = ListSpec { key: Some(key.to_owned()), ..web(server.url("/spam.txt?v=1")) };
    refresh(&Stage::new().open(spec).await).await.0.error
}

#[tokio::test]
async fn a_list_with_a_key_is_taken_with_its_owners_signature_only() {
    let (pair, key) = key();
    let signature = pair.sign(TWO.as_bytes()).as_ref().to_vec();
    assert_eq!(signed(signature.clone(), &key).await, None);
    assert_eq!(signed(format!("{}\n", base64::encode(&signature)).into(), &key).await, None);
    let other = pair.sign(b"another list").as_ref().to_vec();
    assert_eq!(
        signed(other, &key).await.unwrap(),
        "not taken: the signature is not that of `pubkey` for this list"
    );
    let error = signed(b"no signature".to_vec(), &key).await.unwrap();
    assert_eq!(error, "not taken: the signature is not 64 bytes, or those in base 64");
    let error = signed(signature, "ed25519:REPLACE").await.unwrap();
    assert_eq!(error, "not taken: `pubkey` is no key, expected `ed25519:` and 32 bytes in base 64");
}

#[tokio::test]
async fn a_copy_that_is_not_signed_with_the_key_of_now_is_not_used() {
    let (stage, spec) = abandoned().await;
    let spec = ListSpec { key: Some(key().1), ..spec };
    assert_eq!(rows(&stage.open(spec.clone()).await), 0);
    let file = Source::File { path: stage.file("spam.txt", TWO), format: None };
    let sources = stage.open(ListSpec { key: spec.key, ..list(file) }).await;
    assert_eq!(rows(&sources), 0);
}

const CARDS: &str = "<?xml version='1.0'?><multistatus xmlns='DAV:' xmlns:c='urn:ietf:params:xml:ns:carddav'>\
     <response><href>/a.vcf</href><propstat><prop><c:address-data>BEGIN:VCARD\nVERSION:3.0\nFN:A &amp; B\n\
     TEL;TYPE=CELL:079 123 45 67\nEND:VCARD\n</c:address-data></prop><status>HTTP/1.1 200 OK</status></propstat>\
     </response></multistatus>";

#[tokio::test]
async fn an_address_book_is_asked_for_by_its_user_and_read() {
    let server = Server::start(|request| {
        if request.contains("authorization: Basic YW5uYTpzM2NyZXQ=\r\n") {
            head("207 Multi-Status", "content-type: application/xml\r\n", CARDS)
        } else {
            head("401 Unauthorized", "", "")
        }
    });
    let stage = Stage::new();
    let spec = list(Source::AddressBook { url: server.url("/book/") });
    let error = failed(refresh(&stage.open(spec.clone()).await).await);
    assert_eq!(error, "expected a success, the server answered 401");
    let sources = stage.open(ListSpec { credential: Some(stage.credential(Some("anna"))), ..spec }).await;
    let (status, list) = refresh(&sources).await;
    assert_eq!((status.rows, list.unwrap().entries().next().unwrap().note().unwrap()), (1, "A & B"));
    let request = &server.requests()[1];
    assert!(request.starts_with("REPORT /book/ HTTP/1.1\r\n") && request.contains("depth: 1\r\n"));
    assert!(!format!("{:?}", sources.status()).contains("s3cret"));
}

#[tokio::test]
async fn what_is_no_address_book_is_refused() {
    for (status, body, expected) in [
        ("200 OK", CARDS, "expected a multistatus (207) of an address book, found status 200"),
        (
            "207 Multi-Status",
            "<html></html>",
            "cannot be read: expected a multistatus, found another document",
        ),
        ("207 Multi-Status", &CARDS[..CARDS.len() - 5], "cannot be read: the XML ends in the middle"),
        ("207 Multi-Status", "<multistatus/>", "not taken: expected at least 1 rows, found 0"),
    ] {
        let server = Server::start(move |_| head(status, "", body));
        let sources = Stage::new().open(list(Source::AddressBook { url: server.url("/book/") })).await;
        assert_eq!(failed(refresh(&sources).await), expected);
    }
}

/// Today, Thursday, the fifth: complaints of four working days, of which one is a holiday.
fn commission() -> Server {
    Server::start(|request| match date(request) {
        "2026-03-02" => head("404 Not Found", "", ""),
        _ => ok("text/csv", "Company_Phone_Number,Created_Date\n3125550177,2026-03-03 10:00:00\n"),
    })
}

fn date(request: &str) -> &str {
    request.split_once("/files/DNC_Complaint_Numbers_").map_or("", |(_, date)| &date[..10])
}

fn dates(server: &Server) -> Vec<String> {
    server.requests().iter().map(|request| date(request).to_owned()).collect()
}

fn complaints(server: &Server, days: u64) -> ListSpec {
    let window = Some(Duration::from_secs(days * 24 * 60 * 60));
    let region = ringfence_policy::Region::parse("US").unwrap();
    ListSpec { region, window, ..list(Source::FtcDnc { base: server.url("/files/") }) }
}

#[tokio::test]
async fn complaints_of_the_working_days_are_fetched_once_each_and_counted() {
    let (stage, server) = (Stage::new(), commission());
    let sources = stage.open(complaints(&server, 7)).await;
    let (status, list) = refresh(&sources).await;
    let caller = ringfence_policy::Caller::from_header("+13125550177", "pbx.example");
    let caller = caller.identify(ringfence_policy::Region::parse("US").unwrap());
    assert_eq!((status.rows, list.unwrap().score(&caller, (stage.surroundings().clock)())), (1, 4));
    assert_eq!(dates(&server), ["2026-03-04", "2026-03-03", "2026-03-02", "2026-02-27", "2026-02-26"]);
    stage.pass(HOUR * 24);
    assert!(refresh(&stage.open(complaints(&server, 7)).await).await.1.is_some());
    assert_eq!(dates(&server)[5..], ["2026-03-05", "2026-03-02"]);
}

#[tokio::test]
async fn complaints_that_are_there_are_used_when_the_server_stops_half_way() {
    let server = Server::start(|request| {
        if request.contains("2026-03-04") {
            ok("text/csv", "Company_Phone_Number\n3125550177\n")
        } else {
            head("403 Forbidden", "", "")
        }
    });
    let (status, list) = refresh(&Stage::new().open(complaints(&server, 7)).await).await;
    assert_eq!((status.rows, list.unwrap().len()), (1, 1));
    assert_eq!(status.error.unwrap(), "expected a success, the server answered 403");
    let server = Server::start(|_| ok("text/csv", "Something,Else\n1,2\n"));
    let error = failed(refresh(&Stage::new().open(complaints(&server, 7)).await).await);
    assert_eq!(error, "cannot be read: expected a column Company_Phone_Number");
}

#[tokio::test]
async fn a_file_is_read_again_when_it_has_changed_and_stays_when_it_is_gone() {
    let stage = Stage::new();
    let path = stage.file("spam.csv", "number,description\n079 123 45 67,Wine\n");
    let sources = stage.open(list(Source::File { path: path.clone(), format: None })).await;
    assert_eq!((rows(&sources), refresh(&sources).await.1.is_none()), (1, true));
    stage.file("spam.csv", "number,description\n079 123 45 67,Wine\n079 123 45 68,Oil\n");
    assert_eq!(refresh(&sources).await.1.unwrap().len(), 2);
    std::fs::remove_file(&path).unwrap();
    assert!(failed(refresh(&sources).await).starts_with("cannot read "));
    assert_eq!(rows(&sources), 2);
}

#[tokio::test]
async fn the_sources_of_one_list_are_put_together_and_change_one_by_one() {
    let stage = Stage::new();
    let source = |name, text| Source::File { path: stage.file(name, text), format: None };
    let sources = vec![source("a.txt", TWO), source("b.txt", "+41445551234\n")];
    let sources = stage.open(ListSpec { sources, ..list(source("a.txt", TWO)) }).await;
    assert_eq!(rows(&sources), 3);
    stage.file("b.txt", "+41445551234\n+41445551235\n+41791234567\n");
    let (statuses, list) = refresh_all(&sources).await;
    assert_eq!(statuses.iter().map(|status| status.rows).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(list.unwrap().len(), 4);
}

#[tokio::test]
async fn copies_of_sources_that_the_policy_names_no_more_are_removed_after_a_month() {
    let (stage, spec) = abandoned().await;
    let other = web("https://lists.test:1/other.txt".parse().unwrap());
    let copies = || std::fs::read_dir(stage.copies()).unwrap().count();
    for (days, is_named, left) in [(31, false, 1), (1, true, 1), (0, false, 0)] {
        stage.pass(HOUR * 24 * days);
        let sources = stage.open(if is_named { spec.clone() } else { other.clone() }).await;
        sources.sweep().await;
        assert_eq!(copies(), left, "after {days} more days");
    }
}

#[tokio::test]
async fn a_list_of_which_no_copy_can_be_kept_outlives_a_reload() {
    let (stage, server) = (Stage::new(), Server::start(|_| ok("text/plain", TWO)));
    // Where the directory of the copies should be, stands a file.
    stage.file("copies", "");
    let spec = web(server.url("/spam.txt"));
    let before = stage.open(spec.clone()).await;
    let (status, _) = refresh(&before).await;
    assert_eq!(status.rows, 2);
    assert!(status.error.unwrap().contains("no copy of the list is kept: "));
    server.stop();
    let around = stage.surroundings();
    let after = Sources::open(vec![spec.clone()], Vec::new(), &around, Some(&before)).await;
    let again = Sources::open(vec![spec.clone()], Vec::new(), &around, Some(&after)).await;
    assert_eq!((rows(&after), rows(&again)), (2, 2));
    let key = Some("ed25519:REPLACE".to_owned());
    let other = Sources::open(vec![ListSpec { key, ..spec }], Vec::new(), &around, Some(&again)).await;
    assert_eq!(rows(&other), 0);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_at_a_reload_keeps_its_last_good_rows() {
    let stage = Stage::new();
    let path = stage.file("spam.csv", "number\n+41791234567\n+41791234568\n");
    let spoilt = Source::File { path: path.clone(), format: None };
    let other = Source::File { path: stage.file("b.txt", "+41445551234\n"), format: None };
    let spec = ListSpec { sources: vec![spoilt, other.clone()], ..list(other) };
    let mut sources = stage.open(spec.clone()).await;
    assert_eq!(rows(&sources), 3);
    for spoil in [None, Some(""), Some("nothing that is a list\n"), None] {
        std::fs::remove_file(&path).unwrap_or_default();
        if let Some(text) = spoil {
            stage.file("spam.csv", text);
        }
        let around = stage.surroundings();
        sources = Sources::open(vec![spec.clone()], Vec::new(), &around, Some(&sources)).await;
        let status = &sources.status().lists[0];
        assert_eq!((rows(&sources), status.rows, status.error.is_some()), (3, 2, true), "{spoil:?}");
    }
    stage.file("spam.csv", "number\n+41791234567\n");
    let (statuses, list) = refresh_all(&sources).await;
    assert_eq!((statuses[0].error.as_deref(), list.unwrap().len()), (None, 2));
    let dropping = ListSpec { on_stale: OnStale::Drop, ..spec };
    std::fs::remove_file(&path).unwrap();
    stage.pass(HOUR);
    let around = stage.surroundings();
    let sources = Sources::open(vec![dropping], Vec::new(), &around, Some(&sources)).await;
    assert_eq!(rows(&sources), 1);
}

#[tokio::test]
async fn a_copy_that_could_not_be_renewed_does_not_come_back() {
    let text = Arc::new(Mutex::new(TWO.to_owned()));
    let told = Arc::clone(&text);
    let server = Server::start(move |request| {
        let text = told.lock().unwrap();
        let tag = format!("\"{}\"", text.len());
        if request.contains(&tag) {
            return head("304 Not Modified", "", "");
        }
        head("200 OK", &format!("content-type: text/plain\r\netag: {tag}\r\n"), &text)
    });
    let (stage, spec) = (Stage::new(), web(server.url("/spam.txt")));
    let sources = stage.open(spec.clone()).await;
    assert_eq!(refresh(&sources).await.0.rows, 2);
    // No copy can be renewed where a folder stands in the way.
    let copy = std::fs::read_dir(stage.copies()).unwrap().next().unwrap().unwrap().path();
    let obstacle = copy.with_extension("new");
    std::fs::create_dir(&obstacle).unwrap();
    text.lock().unwrap().push_str("+41791234569\n");
    for _ in 0..2 {
        let (status, _) = refresh(&sources).await;
        assert!(status.error.is_some_and(|error| error.contains("no copy of the list is kept: ")));
        stage.pass(Duration::from_secs(60));
    }
    let restarted = stage.open(spec.clone()).await.status().lists.remove(0);
    assert_eq!((restarted.rows, restarted.next), (2, (stage.surroundings().clock)()), "it is asked at once");
    let around = stage.surroundings();
    let reloaded = Sources::open(vec![spec.clone()], Vec::new(), &around, Some(&sources)).await;
    assert!(rows(&reloaded) == 3 && reloaded.status().lists[0].error.is_some());
    std::fs::remove_dir(obstacle).unwrap();
    assert_eq!(refresh(&reloaded).await.0.error, None);
    assert_eq!(rows(&stage.open(spec).await), 3);
}

#[tokio::test]
async fn what_one_user_was_given_is_not_shown_to_another() {
    let server = Server::start(|request| {
        // alice:s3cret
        if request.contains("authorization: Basic YWxpY2U6czNjcmV0\r\n") {
            ok("text/plain", TWO)
        } else {
            head("403 Forbidden", "", "")
        }
    });
    let stage = Stage::new();
    let asked_by = |credential| ListSpec { credential, ..web(server.url("/spam.txt")) };
    let alices = asked_by(Some(stage.credential(Some("alice"))));
    let before = stage.open(alices.clone()).await;
    assert_eq!(refresh(&before).await.0.rows, 2);
    assert_eq!(rows(&stage.open(alices.clone()).await), 2);
    let elsewhere =
        Credential { secret: SecretPlace::Variable("NONE".to_owned()), ..alices.credential.unwrap() };
    for other in [Some(stage.credential(Some("bob"))), Some(elsewhere), None] {
        let around = stage.surroundings();
        let after = Sources::open(vec![asked_by(other)], Vec::new(), &around, Some(&before)).await;
        assert_eq!((rows(&after), refresh(&after).await.0.rows), (0, 0));
    }
    for entry in std::fs::read_dir(stage.copies()).unwrap() {
        let path = entry.unwrap().path();
        let copy = format!("{} {}", path.display(), std::fs::read_to_string(&path).unwrap());
        assert!(!copy.contains("s3cret"), "{copy}");
    }
    stage.pass(HOUR * 24 * 32);
    stage.open(asked_by(Some(stage.credential(Some("bob"))))).await.sweep().await;
    assert_eq!(std::fs::read_dir(stage.copies()).unwrap().count(), 0, "nobody asks for it any more");
}

/// Opens the sources again, as a reload does.
async fn reload(stage: &Stage, spec: ListSpec, before: &Sources) -> Sources {
    Sources::open(vec![spec], Vec::new(), &stage.surroundings(), Some(before)).await
}

#[tokio::test]
async fn a_reload_asks_nobody_sooner_unless_the_list_asks_otherwise() {
    let server = Server::start(|request| {
        let is_asked_by_hand = request.contains("authorization: ");
        let status = if is_asked_by_hand { "403 Forbidden" } else { "429 Too Many Requests" };
        head(status, "retry-after: 7200\r\n", "")
    });
    let (stage, spec) = (Stage::new(), web(server.url("/spam.txt")));
    let before = stage.open(spec.clone()).await;
    let (told, _) = refresh(&before).await;
    let again = reload(&stage, spec.clone(), &before).await;
    assert_eq!(again.status().lists, std::slice::from_ref(&told));
    refresh(&again).await;
    let again = reload(&stage, spec.clone(), &again).await;
    assert!(again.status().lists[0].error.is_some() && again.status().lists[0].next > told.next - HOUR);
    let now = (stage.surroundings().clock)();
    let others = ListSpec { least_rows: Some(0), ..spec.clone() };
    assert_eq!(reload(&stage, others, &again).await.status().lists[0].next, now);
    let asking = ListSpec { credential: Some(stage.credential(None)), ..spec };
    let before = reload(&stage, asking.clone(), &again).await;
    assert_eq!(before.status().lists[0].next, now);
    refresh(&before).await;
    assert!(reload(&stage, asking.clone(), &before).await.status().lists[0].next > now);
    stage.file("secret", "another one\n");
    assert_eq!(reload(&stage, asking, &before).await.status().lists[0].next, now);
}

#[tokio::test]
async fn a_fetch_that_is_under_way_goes_on_over_reloads() {
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let answers = Mutex::new(answers);
    let server = Server::start(move |_| {
        let _ = answers.lock().unwrap().recv();
        ok("text/plain", TWO)
    });
    let (stage, spec) = (Stage::new(), web(server.url("/spam.txt")));
    let mut sources = stage.open(spec.clone()).await;
    for _ in 0..3 {
        let keeper = Arc::clone(&sources.keepers[0]);
        let waiting = tokio::spawn(async move { keeper.refresh().await });
        if server.requests().is_empty() {
            server.requested().await;
        }
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.is_err());
        sources = reload(&stage, spec.clone(), &sources).await;
    }
    answer.send(()).unwrap();
    assert_eq!(refresh(&sources).await.0.rows, 2);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn rows_pass_out_of_the_window_while_the_source_stays_as_it_is() {
    let rows_of_march =
        "number,date\n+41791234567,2026-03-01\n+41791234568,2026-03-04\n+41791234568,2026-03-03\n";
    let server = Server::start(move |request| {
        if request.contains("if-none-match: ") {
            return head("304 Not Modified", "", "");
        }
        head("200 OK", "content-type: text/csv\r\netag: \"1\"\r\n", rows_of_march)
    });
    let stage = Stage::new();
    let path = stage.file("spam.csv", rows_of_march);
    let window = Some(HOUR * 24 * 7);
    let local = ListSpec { window, ..list(Source::File { path, format: None }) };
    let fetched = ListSpec { window, ..web(server.url("/spam.csv")) };
    let of_both =
        ListSpec { sources: [local.sources.clone(), fetched.sources.clone()].concat(), ..local.clone() };
    for spec in [local, fetched, of_both] {
        let stage_of_its_own = Stage::new();
        let sources = stage_of_its_own.open(spec).await;
        refresh_all(&sources).await;
        assert_eq!(rows(&sources), 2);
        assert!(refresh_all(&sources).await.1.is_none());
        let mut lengths = Vec::new();
        for days in [4, 1, 1, 1] {
            stage_of_its_own.pass(HOUR * 24 * days);
            let (statuses, changed) = refresh_all(&sources).await;
            assert!(statuses.iter().all(|status| status.error.is_none()), "{statuses:?}");
            lengths.push((changed.is_some(), rows(&sources)));
        }
        // On the third day a complaint less weighs less.
        assert_eq!(lengths, [(true, 1), (true, 1), (true, 0), (false, 0)]);
    }
}

#[tokio::test]
async fn a_file_with_fewer_rows_than_the_least_is_not_taken_at_the_start_either() {
    let stage = Stage::new();
    let source = Source::File { path: stage.file("spam.csv", "number\n+41791234567\n"), format: None };
    let sources = stage.open(ListSpec { least_rows: Some(2), ..list(source) }).await;
    let status = sources.status().lists.remove(0);
    assert_eq!(
        (rows(&sources), status.error.as_deref()),
        (0, Some("not taken: expected at least 2 rows, found 1"))
    );
}
