//! What the SDK logs. The whole process has one log, so that this file has one test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence_testing::CallPlan;
use softphone::{Account, Invite, Reject, Verdict};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use stage::{Ends, Host, builder, caller, next, pbx, soon, telling_ends};

/// Keeps every event of every level as a line of text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _infallible = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.lock().unwrap().push((*event.metadata().level(), line.0));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn screen(invite: &Invite<'_>) -> Verdict {
    match &*invite.caller().unwrap().user() {
        "+41790000001" => Reject::busy().warning("+41790000001 is on the list").into(),
        "+41790000002" => Verdict::Ring { limit: Some(Duration::ZERO) },
        "+41790000003" => panic!("a bug of the screen, which says no number"),
        _ => Verdict::Offer,
    }
}

/// All that can happen to a line and its calls.
async fn live(pbx: &Host<ringfence_testing::Pbx>, stranger: &Host<ringfence_testing::Caller>) {
    let (builder, mut ends): (_, Ends) = telling_ends(builder().screen(screen));
    let phone = builder.start().await.unwrap();
    assert!(soon(phone.register(pbx.account("reception").password("hunter2"))).await.is_err());
    assert!(soon(phone.register(Account::new("858@[::1]").unwrap())).await.is_err());
    let line = soon(phone.register(pbx.account("reception").password("correct-horse"))).await.unwrap();
    stranger.call(phone.local_addresses()[0], CallPlan::new("+41790000009", "reception"));
    for number in 1..=5 {
        let mut plan = CallPlan::new(&format!("+4179000000{number}"), "reception");
        plan.display_name = Some("Front Door".to_owned());
        plan.headers = vec![("Subject".to_owned(), "of +41790000008".to_owned())];
        let id = pbx.place(plan);
        match number {
            3 => drop(next(line.incoming()).await),
            4 => {
                let call = next(line.incoming()).await;
                assert!(call.redirect("not a uri").await.is_err());
            }
            5 => {
                pbx.answered(id, 100).await;
                pbx.cancel(id);
            }
            _ => {}
        }
        ends.next().await;
    }
    soon(phone.shutdown(Duration::MAX)).await;
}

#[tokio::test]
async fn no_number_name_password_or_address_of_a_caller_is_logged() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let (pbx, stranger) = (pbx().await, caller("127.0.0.66").await);
    pbx.with(|pbx, _| pbx.add_user("reception", "correct-horse"));
    live(&pbx, &stranger).await;
    let lines = std::mem::take(&mut *log.0.lock().unwrap());
    let of_ours: Vec<_> = lines
        .iter()
        .filter(|(_, line)| line.starts_with("softphone") || line.starts_with("ringfence"))
        .collect();
    for secret in ["4179", "Front Door", "hunter2", "correct-horse", "reception", "127.0.0.66"] {
        let telling = of_ours.iter().find(|(_, line)| line.contains(secret));
        assert_eq!(telling, None, "{secret}");
    }
    let caller = pbx.address.to_string();
    assert!(!of_ours.iter().any(|(_, line)| line.contains(&caller)), "the callers' address");
    for expected in
        ["registering", "registered", "registration failed", "unregistered", "removed", "offered", "ended"]
    {
        let is_told = |(level, line): &&&(Level, String)| *level == Level::DEBUG && line.contains(expected);
        assert!(of_ours.iter().any(|line| is_told(&line)), "{expected}: {of_ours:#?}");
    }
    let loud: Vec<_> = of_ours.iter().filter(|(level, _)| *level <= Level::INFO).collect();
    let is_the_panic = |(level, line): &(Level, String)| *level == Level::ERROR && line.contains("panicked");
    assert!(loud.len() == 1 && is_the_panic(loud[0]), "{loud:#?}");
}
