//! A list that makes its reader panic, when it is fetched and when it is read from its copy.

use std::time::Duration;

use super::fetching::changing;
use super::stage::{Stage, failed, list, refresh, rows, web};
use crate::sources::Source;
use crate::sources::rows::PANICKING;

const TWO: &str = "+41791234567\n+41791234568\n";
const PANICKED: &str = "cannot be read: reading it panicked";

#[tokio::test]
async fn a_list_whose_reader_panics_leaves_what_there_was_and_is_not_fetched_again_and_again() {
    let (server, text) = changing(TWO);
    let stage = Stage::new();
    let sources = stage.open(web(server.url("/spam.txt"))).await;
    assert_eq!(refresh(&sources).await.0.rows, 2);
    PANICKING.clone_into(&mut text.lock().unwrap());
    assert_eq!(failed(refresh(&sources).await), PANICKED);
    let status = &sources.status().lists[0];
    assert_eq!((rows(&sources), status.rows), (2, 2));
    let wait = status.next.duration_since((stage.surroundings().clock)());
    assert!(wait.as_secs() >= 3_240, "as long as usual: {wait}");
    TWO.replace("68", "69").clone_into(&mut text.lock().unwrap());
    let (status, list) = refresh(&sources).await;
    assert_eq!((status.error, list.unwrap().len()), (None, 2));
}

#[tokio::test]
async fn a_copy_whose_reader_panics_is_told_and_the_list_is_fetched() {
    let (server, _text) = changing(TWO);
    let (stage, spec) = (Stage::new(), web(server.url("/spam.txt")));
    refresh(&stage.open(spec.clone()).await).await;
    let copy = std::fs::read_dir(stage.copies()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&copy).unwrap();
    std::fs::write(&copy, text.replace(TWO, PANICKING)).unwrap();
    let sources = stage.open(spec).await;
    let status = sources.status().lists.pop().expect("the list is there");
    assert_eq!((status.error.as_deref(), rows(&sources)), (Some(PANICKED), 0));
    assert_eq!(status.next, (stage.surroundings().clock)(), "it is fetched at once");
    let (status, list) = refresh(&sources).await;
    assert_eq!((status.error, list.unwrap().len()), (None, 2));
}

#[tokio::test]
async fn a_file_whose_reader_panics_is_told_until_it_is_another() {
    let stage = Stage::new();
    let path = stage.file("spam.txt", PANICKING);
    let sources = stage.open(list(Source::File { path, format: None })).await;
    let status = sources.status().lists.pop().expect("the list is there");
    assert_eq!((status.error.as_deref(), rows(&sources)), (Some(PANICKED), 0));
    assert_eq!(failed(refresh(&sources).await), PANICKED);
    stage.file("spam.txt", TWO);
    stage.pass(Duration::from_secs(1));
    assert_eq!(refresh(&sources).await.1.unwrap().len(), 2);
}
