//! From what a policy says to sources that are looked after.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use reqwest::dns::Resolve;
use ringfence_policy::{Draft, File, ListSource, SetWriter};

use super::stage::{Stage, list, refresh, refresh_all, rows};
use crate::config::Stamped;
use crate::sources::client::Trust;
use crate::sources::credential::SecretPlace;
use crate::sources::resolver::{Reach, Resolver};
use crate::sources::source::{LookUp, Ready, Tells};
use crate::sources::spec::OnStale;
use crate::sources::{ListSpec, LookUpSpec, Source, SourceError, ready};

fn read(text: &str) -> Result<(ListSpec, Vec<LookUpSpec>), (usize, SourceError)> {
    let text =
        format!("defaults.region = \"CH\"\n[list.spam]\n{text}\n[[rule]]\nid = \"all\"\nthen = \"ring\"\n");
    let file = File::new("/etc/ringfence/policy.toml", text);
    let (draft, wrong) = Draft::read(file, &mut |_, _| Err("none".to_owned()), &[]);
    let list = draft.lists().find(|list| list.name() == "spam").unwrap_or_else(|| panic!("{wrong:?}"));
    ready(list)
}

#[test]
fn paths_are_those_beside_the_policy() {
    let (list, look_ups) =
        read("source = [\"spam.csv\", \"vcard:/srv/cards\", \"set:big.set\"]\non_stale = \"drop\"").unwrap();
    let paths: Vec<_> = list.sources.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["/etc/ringfence/spam.csv", "/srv/cards", "set:/etc/ringfence/big.set"]);
    assert_eq!((list.on_stale, look_ups.len()), (OnStale::Drop, 0));
}

#[test]
fn who_is_asked_about_each_caller_is_apart_from_what_is_fetched() {
    let text = "source = [\"https://a.example/x.txt\", \"phoneblock\", \"lookup:exec:ask\"]\nlookup = \"full\"\n\
                user = \"anna\"\npassword_file = \"secret\"";
    let (list, look_ups) = read(text).unwrap();
    assert_eq!(list.sources.len(), 1);
    assert!(matches!(look_ups[0].look_up, LookUp::PhoneBlock { tells: Tells::Hash, .. }));
    assert_eq!(look_ups[1].look_up, LookUp::Program { path: "/etc/ringfence/ask".into() });
    let credential = list.credential.unwrap();
    assert_eq!(credential.user.as_deref(), Some("anna"));
    assert_eq!(credential.secret, SecretPlace::File("/etc/ringfence/secret".into()));
}

#[test]
fn whom_to_trust_is_as_the_policy_says() {
    let text = "source = \"https://nas.local/x\"\nprivate = true\nca = \"nas.pem\"\npassword_env = \"TOKEN\"";
    let (list, _) = read(text).unwrap();
    let authority = Some(Stamped::now(Path::new("/etc/ringfence/nas.pem")));
    assert_eq!(list.trust, Trust { reach: Reach::Private, authority });
    assert_eq!(list.credential.unwrap().secret, SecretPlace::Variable("TOKEN".to_owned()));
    let (list, _) = read("source = \"https://a.example/x\"").unwrap();
    assert_eq!((list.trust, list.credential), (Trust::default(), None));
}

#[test]
fn a_least_of_zero_entries_is_not_the_same_as_none() {
    let least = |text: &str| read(&format!("source = \"https://a.example/x\"\n{text}")).unwrap().0.least_rows;
    assert_eq!([least(""), least("min = 0"), least("min = 7")], [None, Some(0), Some(7)]);
}

#[test]
fn an_address_with_a_user_or_without_a_host_is_refused() {
    for url in
        ["https://anna:geheim@a.example/x", "https://anna@a.example/x", "https://a b/x", "https://:1/", "x"]
    {
        let error = Ready::new(&ListSource::CardDav { url: url.to_owned() }, Path::new("/")).unwrap_err();
        let is_told = matches!(error, SourceError::Credential { .. } | SourceError::NotExpected { .. });
        assert!(is_told && !error.to_string().contains("geheim"), "{url}");
    }
}

#[tokio::test]
async fn inline_entries_stay_whatever_the_source_does() {
    let (written, _) = read("entries = [\"+41791112233\", \"anonymous\"]").unwrap();
    let stage = Stage::new();
    let gone = Source::File { path: stage.home.path().join("none.txt"), format: None };
    let sources = stage.open(ListSpec { sources: vec![gone], ..written }).await;
    let (status, _) = refresh(&sources).await;
    assert_eq!((rows(&sources), status.rows), (2, 0));
    stage.file("none.txt", "+41791112233\n+41791112234\n");
    assert_eq!((refresh(&sources).await.0.rows, rows(&sources)), (1, 3));
}

fn compile(path: &Path, numbers: u64) {
    let mut writer = SetWriter::new("spam", jiff::Timestamp::UNIX_EPOCH);
    for last in 0..numbers {
        writer.push_number(ringfence_policy::E164::new(41_791_234_500 + last).unwrap()).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    std::fs::write(path.with_extension("new"), bytes).unwrap();
    std::fs::rename(path.with_extension("new"), path).unwrap();
}

#[tokio::test]
async fn a_compiled_list_is_mapped_and_swapped_whole() {
    let stage = Stage::new();
    let path = stage.home.path().join("spam.set");
    compile(&path, 20);
    let sources = stage.open(list(Source::Compiled { path: path.clone() })).await;
    assert_eq!((rows(&sources), refresh(&sources).await.1.is_none()), (20, true));
    compile(&path, 21);
    assert_eq!(refresh(&sources).await.1.unwrap().len(), 21);
    std::fs::write(path.with_extension("new"), "no set").unwrap();
    std::fs::rename(path.with_extension("new"), &path).unwrap();
    let (status, list) = refresh(&sources).await;
    assert!(list.is_none() && status.error.is_some());
    assert_eq!(rows(&sources), 21);
}

#[tokio::test]
async fn a_compiled_list_that_is_spoilt_keeps_its_rows_and_the_other_source_changes() {
    let stage = Stage::new();
    let path = stage.home.path().join("spam.set");
    compile(&path, 20);
    let text = Source::File { path: stage.file("spam.txt", "+41445551234\n"), format: None };
    let sources = vec![Source::Compiled { path: path.clone() }, text.clone()];
    let sources = stage.open(ListSpec { sources, ..list(text) }).await;
    std::fs::write(path.with_extension("new"), "no set").unwrap();
    std::fs::rename(path.with_extension("new"), &path).unwrap();
    stage.file("spam.txt", "+41445551234\n+41445551235\n");
    let (statuses, changed) = refresh_all(&sources).await;
    assert!(statuses[0].error.as_ref().unwrap().contains("spam.set"), "{statuses:?}");
    assert_eq!((statuses[1].error.as_deref(), changed.unwrap().len()), (None, 22));
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_contacted() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // The second answer would lead home.
    let names = Arc::new(move |_: &str| -> std::io::Result<Vec<IpAddr>> {
        let first = ["192.168.0.1", "8.8.8.8", "::1"].as_slice();
        let found = if count.fetch_add(1, SeqCst) == 0 { first } else { &["127.0.0.1"] };
        Ok(found.iter().map(|address| address.parse().unwrap()).collect())
    });
    let resolver = Resolver::new(names, Reach::Public);
    let name = || "lists.test".parse().unwrap();
    let addresses: Vec<_> = resolver.resolve(name()).await.unwrap().collect();
    assert_eq!(addresses, ["8.8.8.8:0".parse().unwrap()]);
    assert_eq!(asked.load(SeqCst), 1);
    let error = resolver.resolve(name()).await.err().unwrap();
    assert_eq!(error.to_string(), "lists.test is in a private network, expected a public address");
}
