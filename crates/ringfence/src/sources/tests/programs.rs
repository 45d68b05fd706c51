//! Asking programs that answer, hang, end and lie.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, advance, pause, resume};

use super::stage::{DEADLINE, Stage, ask, ask_in_time, look_up, missing, question};
use crate::sources::Sources;
use crate::sources::source::LookUp;

async fn program(name: &str) -> Sources {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sources/tests/data")).join(name);
    Stage::new().ask_by(look_up(LookUp::Program { path })).await
}

#[tokio::test]
async fn a_program_is_asked_again_and_again_and_started_once() {
    let sources = program("answers.sh").await;
    for number in ["079 123 45 67", "079 123 45 68", "044 555 12 34"] {
        let heard = ask(&sources, number).await;
        let (list, answer) = &heard.said[0];
        assert_eq!((list.as_str(), answer.score, answer.is_listed), ("spam", 7, true));
        assert_eq!(answer.name.as_deref(), Some("Wine shop"));
    }
    assert_eq!(sources.status().look_ups[0].missed, 0);
}

#[tokio::test]
async fn a_program_is_found_beside_the_policy_wherever_it_runs() {
    let here = std::env::current_dir().unwrap();
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sources/tests/data/answers.sh"));
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let path = up.join(path.strip_prefix("/").unwrap());
    let sources = Stage::new().ask_by(look_up(LookUp::Program { path })).await;
    assert_eq!(ask(&sources, "079 123 45 67").await.said.len(), 1);
}

#[tokio::test]
async fn a_program_gets_no_argument_and_nothing_of_the_environment() {
    let heard = ask(&program("environment.sh").await, "079 123 45 67").await;
    let answer = &heard.said[0].1;
    assert_eq!((answer.score, answer.name.as_deref()), (0, Some("nothing")));
}

#[tokio::test]
async fn answers_may_come_in_another_order_than_questions() {
    let sources = program("backwards.sh").await;
    let (first, second) = tokio::join!(ask(&sources, "079 123 45 67"), ask(&sources, "079 123 45 68"));
    assert_eq!((first.said[0].1.score, second.said[0].1.score), (1, 2));
}

#[tokio::test]
async fn a_program_that_hangs_is_not_waited_for_beyond_the_deadline() {
    let sources = program("silent.sh").await;
    pause();
    let begin = Instant::now();
    assert_eq!(missing(&ask_in_time(&sources, "079 123 45 67").await), "no whole answer within 800ms");
    assert!(begin.elapsed() < DEADLINE + Duration::from_millis(10));
}

#[tokio::test]
async fn a_program_that_ends_is_started_again_after_a_rest() {
    let sources = program("once.sh").await;
    assert_eq!(ask(&sources, "079 123 45 67").await.said[0].1.score, 1);
    // Until its end is known, a question may still reach the pipe.
    while ask(&sources, "079 123 45 68").await.said.is_empty() {
        pause();
        advance(Duration::from_secs(70)).await;
        resume();
    }
}

#[tokio::test]
async fn a_program_that_says_something_else_is_ended_and_its_words_are_not_believed() {
    for (name, expected) in [
        ("garbage.sh", "cannot be read: expected value at line 1 column 1"),
        ("stranger.sh", "cannot be read: no question has the id 99"),
        ("flood.sh", "expected at most 65536 bytes, found more"),
    ] {
        assert_eq!(missing(&ask(&program(name).await, "079 123 45 67").await), expected);
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_missing_at_once_and_then_left_alone() {
    let sources = program("none.sh").await;
    for _ in 0..5 {
        let error = missing(&ask(&sources, "079 123 45 67").await);
        assert!(error.starts_with("cannot run "), "{error}");
    }
    let error = missing(&ask(&sources, "079 123 45 67").await);
    assert!(error.starts_with("failed too often, left alone for "), "{error}");
    assert!(sources.status().look_ups[0].is_resting);
}

#[tokio::test]
async fn questions_that_nobody_waits_for_any_more_are_bounded() {
    let sources = program("silent.sh").await;
    pause();
    let mut errors = Vec::new();
    for last in 0..70 {
        let question = question(&format!("079 123 45 {last:02}"));
        // The deadline is over before anything can be answered.
        errors.push(missing(&sources.ask(&question, &["spam"], Instant::now()).await));
    }
    assert!(errors[..64].iter().all(|error| error == "no whole answer within 0ns"), "{errors:?}");
    assert!(errors[64..].iter().all(|error| error == "too many questions are under way"), "{errors:?}");
}
