//! What the tests of sources stand on: names, a clock, a directory, and lists.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use ringfence_policy::{List, Number, Region, normalise};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::config::Stamped;
use crate::sources::client::Trust;
use crate::sources::credential::{Credential, SecretPlace};
use crate::sources::resolver::Reach;
use crate::sources::source::LookUp;
use crate::sources::status::ListStatus;
use crate::sources::{Heard, ListSpec, LookUpSpec, Question, Source, Sources, Surroundings};

/// A directory for copies, and a clock that is set by hand.
pub(super) struct Stage {
    pub(super) home: TempDir,
    now: Arc<Mutex<Timestamp>>,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), now: Arc::new(Mutex::new(START.parse().unwrap())) }
    }

    pub(super) fn surroundings(&self) -> Surroundings {
        let now = Arc::clone(&self.now);
        Surroundings {
            copies: self.copies(),
            names: Arc::new(|_| Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])),
            clock: Arc::new(move || *now.lock().unwrap()),
            user: 0,
        }
    }

    pub(super) fn copies(&self) -> PathBuf {
        self.home.path().join("copies")
    }

    /// Writes a file beside the copies.
    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn credential(&self, user: Option<&str>) -> Credential {
        let secret = SecretPlace::File(self.file("secret", "s3cret\n"));
        Credential { user: user.map(str::to_owned), secret }
    }

    /// Lets time pass on the wall.
    pub(super) fn pass(&self, time: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(time).unwrap();
    }

    pub(super) async fn open(&self, spec: ListSpec) -> Sources {
        Sources::open(vec![spec], Vec::new(), &self.surroundings(), None).await
    }

    pub(super) async fn ask_by(&self, spec: LookUpSpec) -> Sources {
        Sources::open(Vec::new(), vec![spec], &self.surroundings(), None).await
    }
}

const START: &str = "2026-03-05T12:00:00Z";

/// Trusts the test authority, and servers that are nearby.
pub(super) fn nearby() -> Trust {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sources/tests/data/ca.pem");
    Trust { reach: Reach::Private, authority: Some(Stamped::now(authority.as_ref())) }
}

/// Returns a list named `spam` of one source.
pub(super) fn list(source: Source) -> ListSpec {
    let region = Region::parse("CH").unwrap();
    ListSpec { sources: vec![source], trust: nearby(), ..ListSpec::new("spam", region) }
}

/// Returns a list named `spam` on a server.
pub(super) fn web(url: Url) -> ListSpec {
    list(Source::Web { url, format: None })
}

/// Returns a look-up named `spam`.
pub(super) fn look_up(look_up: LookUp) -> LookUpSpec {
    LookUpSpec { name: "spam".to_owned(), look_up, cache: None, trust: nearby(), credential: None }
}

/// Looks at each source of a list, and returns how they stand and the last list that is another one.
pub(super) async fn refresh_all(sources: &Sources) -> (Vec<ListStatus>, Option<Arc<List>>) {
    let (mut statuses, mut latest) = (Vec::new(), None);
    for keeper in &sources.keepers {
        latest = keeper.refresh().await.or(latest);
        statuses.push(keeper.status());
    }
    (statuses, latest)
}

/// Looks at the one source, and returns how it stands and the list if it is another one.
pub(super) async fn refresh(sources: &Sources) -> (ListStatus, Option<Arc<List>>) {
    let (mut statuses, list) = refresh_all(sources).await;
    (statuses.pop().unwrap(), list)
}

/// Returns the error of a refresh that brings nothing.
#[track_caller]
pub(super) fn failed((status, list): (ListStatus, Option<Arc<List>>)) -> String {
    assert!(list.is_none());
    status.error.unwrap()
}

pub(super) fn rows(sources: &Sources) -> usize {
    sources.lists().next().unwrap().len()
}

pub(super) fn question(number: &str) -> Question {
    let number: Number = normalise(number, Region::parse("CH").unwrap()).unwrap();
    Question { number, line: "home".to_owned(), called: Some("+41445551234".to_owned()) }
}

/// Asks the one source, and waits long enough for a busy machine.
pub(super) async fn ask(sources: &Sources, number: &str) -> Heard {
    sources.ask(&question(number), &["spam"], Instant::now() + Duration::from_secs(60)).await
}

/// Asks the one source, and waits as long as a call does.
pub(super) async fn ask_in_time(sources: &Sources, number: &str) -> Heard {
    sources.ask(&question(number), &["spam"], Instant::now() + DEADLINE).await
}

pub(super) const DEADLINE: Duration = Duration::from_millis(800);

/// Returns why the one source said nothing.
#[track_caller]
pub(super) fn missing(heard: &Heard) -> String {
    assert!(heard.said.is_empty(), "{heard:?}");
    heard.missing[0].1.to_string()
}
