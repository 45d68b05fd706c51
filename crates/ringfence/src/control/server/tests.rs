use std::path::PathBuf;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::control::client::{self, AskError, Program};
use crate::control::{Configuration, Status};
use crate::journal::{self, Call, Flipped, Outcome, Recorder, Records};
use crate::user::own_user;

struct Fixture {
    journal: Arc<Journal>,
    /// How many reloads are under way, of which none ends; without a count all fail.
    reloads: tokio::sync::watch::Sender<Option<usize>>,
}

impl Desk for Fixture {
    async fn status(&self) -> Status {
        Status {
            version: "0.1.0".to_owned(),
            pid: 1,
            started: Timestamp::UNIX_EPOCH,
            now: Timestamp::UNIX_EPOCH,
            confined: crate::confine::Confined::default(),
            listen: Vec::new(),
            configuration: Configuration {
                path: PathBuf::from("ringfence.toml"),
                loaded: Timestamp::UNIX_EPOCH,
                failed: None,
                needs_restart: Vec::new(),
                kept: Vec::new(),
                policy: String::new(),
                rules: 3,
                lists: Vec::new(),
            },
            line_states: crate::control::LineStates::default(),
            lines: Vec::new(),
            calls: self.journal.tally(),
            journal: journal::Health::default(),
            sources: crate::sources::SourcesStatus::default(),
            counters: [("invites".to_owned(), 3)].into(),
        }
    }

    fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("/nowhere/ringfence.toml")
    }

    fn has_switch(&self, name: &str) -> bool {
        name == "guests"
    }

    fn forget_answers(&self, identity: &str) -> usize {
        usize::from(identity == "+41791234567")
    }

    async fn reload(&self) -> Result<Reloaded, String> {
        if self.reloads.borrow().is_some() {
            self.reloads.send_modify(|reloads| *reloads = reloads.map(|reloads| reloads + 1));
            std::future::pending::<()>().await;
        }
        Err("ringfence.toml:1:1: unknown key `x`".to_owned())
    }

    async fn renew(&self) -> Result<Reloaded, String> {
        Ok(Reloaded { kept: vec!["spam".to_owned()], ..Reloaded::default() })
    }
}

struct Running {
    home: TempDir,
    recorder: Recorder,
    journal: Arc<Journal>,
    records: Records,
}

fn running() -> Running {
    running_with(tokio::sync::watch::Sender::default())
}

fn running_with(reloads: tokio::sync::watch::Sender<Option<usize>>) -> Running {
    let home = tempfile::tempdir().unwrap();
    let user = own_user().unwrap();
    let bound = Bound::bind(&home.path().join("s"), user).unwrap();
    let (recorder, journal, records) = journal::open(journal::Settings::in_memory()).unwrap();
    tokio::spawn(serve(bound, user, Arc::new(Fixture { journal: Arc::clone(&journal), reloads })));
    Running { home, recorder, journal, records }
}

impl Running {
    fn program(&self) -> Program {
        let places = vec![self.home.path().join("nobody"), self.home.path().join("s")];
        Program { places, configuration: Some(PathBuf::from("/nowhere/ringfence.toml")) }
    }

    fn call(&mut self, call_id: &str) {
        self.recorder.record(
            Call {
                number: 0,
                at: Timestamp::UNIX_EPOCH,
                id: call_id.to_owned(),
                call_id: call_id.to_owned(),
                line: "home".to_owned(),
                caller: "anonymous".to_owned(),
                display_name: None,
                source: String::new(),
                verdict: Outcome::Ignore,
                rule: String::new(),
                entry: None,
                reason: String::new(),
                evidence: journal::Evidence::default(),
                ended: None,
            },
            None,
        );
        drop(self.journal.take(self.records.take_one().unwrap()));
    }

    /// Sends raw bytes and returns all that comes back.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.home.path().join("s")).await.unwrap();
        // The server may have hung up on a request that is too long.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }
}

fn number(response: Option<Response>) -> u64 {
    match response {
        Some(Response::News(news)) => match news {
            News::Call(call) | News::Ended(call) => call.number,
        },
        other => panic!("expected news, got {other:?}"),
    }
}

#[tokio::test]
async fn status_is_one_line_and_an_end() {
    let running = running();
    let mut answer = client::ask(&running.program(), &Request::Status).await.unwrap();
    let Some(Response::Status(status)) = answer.next().await.unwrap() else { panic!("expected a status") };
    assert_eq!(status.counters["invites"], 3);
    assert_eq!(answer.next().await.unwrap(), None);
}

#[tokio::test]
async fn calls_tell_the_past_and_then_what_happens() {
    let mut running = running();
    for call_id in ["a", "b", "c"] {
        running.call(call_id);
    }
    let request = Request::Calls { limit: 2, follow: true };
    let mut answer = client::ask(&running.program(), &request).await.unwrap();
    assert_eq!(number(answer.next().await.unwrap()), 2);
    assert_eq!(number(answer.next().await.unwrap()), 3);
    running.call("d");
    assert_eq!(number(answer.next().await.unwrap()), 4);
}

#[tokio::test]
async fn a_failed_reload_is_an_error_with_its_place() {
    let running = running();
    let mut answer = client::ask(&running.program(), &Request::Reload).await.unwrap();
    let error = answer.next().await.unwrap_err();
    assert_eq!(error.to_string(), "ringfence.toml:1:1: unknown key `x`");
}

#[tokio::test]
async fn what_came_of_an_earlier_reload_is_told_to_who_has_nothing_read_again() {
    let running = running();
    assert_eq!(client::renew(&running.program()).await.unwrap().kept, ["spam"]);
    assert!(client::reload(&running.program()).await.is_err());
}

#[tokio::test]
async fn nonsense_gets_an_error_and_the_server_goes_on() {
    let running = running();
    for nonsense in
        [b"hello\n".as_slice(), b"", b"{\"verb\":\"dance\"}\n", &vec![b'x'; 100_000], b"\xff\xfe\n"]
    {
        let answer = running.raw(nonsense).await;
        assert!(answer.is_empty() || answer.starts_with("{\"error\":"), "{answer}");
    }
    assert!(client::ask(&running.program(), &Request::Status).await.is_ok());
}

#[tokio::test]
async fn one_client_too_many_is_told_to_come_back() {
    let (reloads, mut under_way) = tokio::sync::watch::channel(Some(0));
    let running = running_with(reloads);
    let mut held = Vec::new();
    for _ in 0..MOST_CLIENTS {
        held.push(client::ask(&running.program(), &Request::Reload).await.unwrap());
    }
    under_way.wait_for(|reloads| *reloads == Some(MOST_CLIENTS)).await.unwrap();
    let answer = running.raw(b"{\"request\":{\"verb\":\"status\"}}\n").await;
    assert!(answer.contains("16 clients are being served"), "{answer}");
    for _ in 0..50 {
        let mut answer = client::ask(&running.program(), &Request::Status).await.unwrap();
        let error = answer.next().await.unwrap_err();
        assert!(matches!(&error, AskError::Refused(why) if why.starts_with("16 clients")), "{error:?}");
    }
    drop(held);
}

#[tokio::test]
async fn clients_that_follow_keep_nobody_out_but_one_more_that_would() {
    let running = running();
    let request = Request::Calls { limit: 1, follow: true };
    let mut following = Vec::new();
    for _ in 0..=MOST_CLIENTS {
        following.push(client::ask(&running.program(), &request).await.unwrap());
        let mut status = client::ask(&running.program(), &Request::Status).await.unwrap();
        assert!(matches!(status.next().await, Ok(Some(Response::Status(_)))));
    }
    let error = following.pop().unwrap().next().await.unwrap_err();
    assert!(matches!(&error, AskError::Refused(why) if why.starts_with("16 clients follow")), "{error:?}");
}

#[tokio::test]
async fn the_client_that_is_silent_for_longest_gives_way() {
    let running = running();
    let place = running.home.path().join("s");
    let mut silent = Vec::new();
    for _ in 0..MOST_CLIENTS {
        silent.push(UnixStream::connect(&place).await.unwrap());
    }
    let mut status = client::ask(&running.program(), &Request::Status).await.unwrap();
    assert!(matches!(status.next().await, Ok(Some(Response::Status(_)))));
    let mut answer = String::new();
    silent[0].read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "{\"error\":\"expected a request, got none, and others wait\"}\n");
    for silent in &mut silent[1..] {
        silent.write_all(b"{\"request\":{\"verb\":\"switches\"}}\n").await.unwrap();
        answer.clear();
        silent.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("{\"switches\":"), "{answer}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_run_is_told_with_the_places() {
    let places = vec![PathBuf::from("/nowhere/a"), PathBuf::from("/nowhere/b")];
    let program = Program { places, configuration: None };
    let error = client::ask(&program, &Request::Status).await.unwrap_err();
    assert!(matches!(error, AskError::NotRunning(_)));
    assert_eq!(error.to_string(), "ringfence is not running: nothing listens at /nowhere/a or /nowhere/b");
}

#[tokio::test]
async fn a_switch_that_the_policy_in_force_does_not_have_is_not_flipped() {
    let running = running();
    for (name, is_known) in [("guests", true), ("gusts", false)] {
        let flipped = Flipped { name: name.to_owned(), is_on: true, at: Timestamp::UNIX_EPOCH, until: None };
        let mut answer = client::ask(&running.program(), &Request::Flip { flipped }).await.unwrap();
        match answer.next().await {
            Ok(noted) => assert_eq!((noted, is_known), (Some(Response::Noted {}), true)),
            Err(error) => assert!(error.to_string().ends_with("has no switch \"gusts\""), "{error}"),
        }
    }
}

#[tokio::test]
async fn who_means_another_configuration_is_told_which_one_runs() {
    let running = running();
    let others = Program { configuration: Some(PathBuf::from("/nowhere/other.toml")), ..running.program() };
    let error = client::ask(&others, &Request::Status).await.unwrap().next().await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/ringfence.toml") && error.contains("/nowhere/other.toml"), "{error}");
    let any = Program { configuration: None, ..running.program() };
    assert!(client::ask(&any, &Request::Status).await.unwrap().next().await.unwrap().is_some());
}

#[tokio::test]
async fn what_others_answered_about_a_caller_is_forgotten_with_the_calls() {
    let running = running();
    for (identity, expected) in [("+41791234567", 1), ("+41791234568", 0)] {
        let request = Request::Forget { identity: identity.to_owned(), region: "CH".to_owned() };
        let mut answer = client::ask(&running.program(), &request).await.unwrap();
        let Some(Response::Forgotten(forgotten)) = answer.next().await.unwrap() else {
            panic!("expected that")
        };
        assert_eq!((forgotten.calls, forgotten.remembered), (0, expected));
    }
}
