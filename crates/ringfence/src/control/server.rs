//! Answers on the control socket. It never touches a shard: what it says it reads from counters and
//! from the journal.

mod door;
mod places;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ringfence_policy::Region;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::door::Door;
use self::places::{Leave, MOST_CLIENTS, Place, Places};
use super::client::known_as;
use super::place::Bound;
use super::{Asked, Reloaded, Request, Response, Status};
use crate::journal::{Call, Forgotten, Journal, MOST_CALLS, News};
use crate::visible::visible;

/// What the server answers from.
pub(crate) trait Desk: Send + Sync + 'static {
    fn status(&self) -> impl Future<Output = Status> + Send;
    fn journal(&self) -> &Arc<Journal>;
    /// Returns the file of the configuration.
    fn path(&self) -> PathBuf;
    /// Tells whether the policy in force has a switch.
    fn has_switch(&self, name: &str) -> bool;
    /// Forgets what others have answered about a caller. Returns how many answers were remembered.
    fn forget_answers(&self, identity: &str) -> usize;
    /// Reads the configuration again; an error is one line.
    fn reload(&self) -> impl Future<Output = Result<Reloaded, String>> + Send;
    /// The same, unless all files are as they were read: then it returns what came of that.
    fn renew(&self) -> impl Future<Output = Result<Reloaded, String>> + Send;
}

/// A request is one line that is no longer.
const MOST_REQUEST: u64 = 16 * 1_024;
/// So many entries of lists stand in one line of an answer.
const ENTRIES: usize = 1_000;
/// A client that neither asks nor reads for so long is let go.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for one too many.
const PATIENCE_WHEN_FULL: Duration = Duration::from_secs(1);

/// Answers clients until the task is dropped.
pub(crate) async fn serve(bound: Bound, user: u32, desk: Arc<impl Desk>) {
    let places = Arc::new(Places::default());
    let mut door = Door::new(bound, user);
    loop {
        tokio::spawn(attend(door.next().await, Arc::clone(&places), Arc::clone(&desk)));
    }
}

/// Serves one client; what goes wrong with its connection is its own business.
async fn attend(stream: UnixStream, places: Arc<Places>, desk: Arc<impl Desk>) {
    if let Err(error) = converse(stream, &places, &*desk).await {
        tracing::debug!(%error, "control client left");
    }
}

async fn converse(stream: UnixStream, places: &Places, desk: &impl Desk) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let Some((place, leave)) = places.take(PATIENCE_WHEN_FULL).await else {
        // It is heard as well: a socket that is closed with a request unread takes the answer back.
        let _ = timeout(PATIENCE_WHEN_FULL, request(&mut reader)).await;
        return refuse(&mut writer, format!("{MOST_CLIENTS} clients are being served, try again")).await;
    };
    match heard(&mut reader, leave).await {
        Ok(asked) => match declined(&asked, desk) {
            Some(response) => send(&mut writer, &response).await,
            None => answer(asked.request, &mut reader, &mut writer, desk, (places, place)).await,
        },
        Err(wrong) => refuse(&mut writer, wrong).await,
    }
}

/// Waits for what a client asks, until it has been silent for too long or has to give way.
async fn heard(reader: &mut BufReader<OwnedReadHalf>, leave: Leave) -> Result<Asked, String> {
    let none = |why: &str| Err(format!("expected a request, got none{why}"));
    tokio::select! {
        biased;
        asked = timeout(PATIENCE, request(reader)) => asked.unwrap_or_else(|_| none("")),
        _ = leave => none(", and others wait"),
    }
}

/// Reads the one line that a client may send.
async fn request(reader: &mut BufReader<OwnedReadHalf>) -> Result<Asked, String> {
    let mut line = Vec::new();
    let read = reader.take(MOST_REQUEST).read_until(b'\n', &mut line).await;
    read.map_err(|error| error.to_string())?;
    if line.last() != Some(&b'\n') {
        return Err(format!("expected a line of at most {MOST_REQUEST} bytes, got {}", line.len()));
    }
    serde_json::from_slice(&line).map_err(|error| format!("expected a request, {error}"))
}

/// Returns what is said of a request that is not for this program.
fn declined(asked: &Asked, desk: &impl Desk) -> Option<Response> {
    let own = known_as(&desk.path());
    if let Some(meant) = asked.configuration.as_ref().filter(|meant| **meant != own) {
        let (own, meant) = (visible(&own), visible(meant));
        let error =
            format!("the running program has the configuration {own}, and you mean {meant}: nothing is done");
        let hint = "give each its own socket with [softphone] control = \"…\", or mean the running one with --config FILE";
        return Some(Response::Declined { error, hint: hint.to_owned() });
    }
    match &asked.request {
        Request::Flip { flipped } if !desk.has_switch(&flipped.name) => {
            let error = format!("the policy in force has no switch \"{}\"", flipped.name.escape_debug());
            let hint = "`ringfence reload` puts a changed policy in force";
            Some(Response::Declined { error, hint: hint.to_owned() })
        }
        Request::Flip { .. }
        | Request::Status
        | Request::Calls { .. }
        | Request::Reload
        | Request::Renew
        | Request::Flush
        | Request::Switches
        | Request::Listed
        | Request::Entries { .. }
        | Request::Dialed { .. }
        | Request::Answered { .. }
        | Request::Forget { .. } => None,
    }
}

async fn refuse(writer: &mut OwnedWriteHalf, error: String) -> io::Result<()> {
    send(writer, &Response::Error(error)).await
}

async fn answer(
    request: Request,
    reader: &mut BufReader<OwnedReadHalf>,
    writer: &mut OwnedWriteHalf,
    desk: &impl Desk,
    (places, place): (&Places, Place),
) -> io::Result<()> {
    match request {
        Request::Status => send(writer, &Response::Status(Box::new(desk.status().await))).await?,
        Request::Reload => send(writer, &came_of(desk.reload().await)).await?,
        Request::Renew => send(writer, &came_of(desk.renew().await)).await?,
        Request::Flush => {
            let journal = Arc::clone(desk.journal());
            let response = match spawn_blocking(move || journal.flush()).await {
                Ok(true) => Response::Noted {},
                Ok(false) | Err(_) => Response::Error("the journal is not being written".to_owned()),
            };
            send(writer, &response).await?;
        }
        Request::Switches => {
            send(writer, &Response::Switches(desk.journal().switches(Timestamp::now()))).await?;
        }
        Request::Listed => {
            for some in desk.journal().entries(Timestamp::now()).chunks(ENTRIES) {
                send(writer, &Response::Entries(some.to_vec())).await?;
            }
        }
        Request::Flip { flipped } => {
            tracing::info!(switch = flipped.name, is_on = flipped.is_on, "switch flipped");
            desk.journal().flip(flipped);
            send(writer, &Response::Noted {}).await?;
        }
        Request::Entries { entries } => {
            for entry in entries {
                desk.journal().set(entry);
            }
            send(writer, &Response::Noted {}).await?;
        }
        Request::Dialed { identities, at } => {
            for identity in identities {
                desk.journal().dialed(identity, at);
            }
            send(writer, &Response::Noted {}).await?;
        }
        Request::Answered { identities, at } => {
            for identity in identities {
                desk.journal().answered(identity, at);
            }
            send(writer, &Response::Noted {}).await?;
        }
        Request::Forget { identity, region } => {
            let response = match Region::parse(&region) {
                Ok(region) => {
                    let answers = desk.forget_answers(&identity);
                    forget(Arc::clone(desk.journal()), identity, region, answers).await
                }
                Err(error) => Response::Error(error.to_string()),
            };
            send(writer, &response).await?;
        }
        Request::Calls { limit, follow: false } => {
            tell_calls(desk.journal().newest(limit.min(MOST_CALLS)), writer).await?;
        }
        Request::Calls { limit, follow: true } => {
            let Some(_place) = places.follow(place) else {
                return refuse(writer, format!("{MOST_CLIENTS} clients follow the calls already")).await;
            };
            let (past, news) = desk.journal().follow(limit.min(MOST_CALLS));
            tell_calls(past, writer).await?;
            follow_calls(news, reader, writer).await?;
        }
    }
    send(writer, &Response::End {}).await
}

fn came_of(reload: Result<Reloaded, String>) -> Response {
    reload.map_or_else(Response::Error, Response::Reloaded)
}

/// Has the journal forget a caller: it waits for the disk.
async fn forget(journal: Arc<Journal>, identity: String, region: Region, answers: usize) -> Response {
    match spawn_blocking(move || journal.forget(&identity, region)).await {
        Ok(Ok(forgotten)) => {
            Response::Forgotten(Forgotten { remembered: forgotten.remembered + answers, ..forgotten })
        }
        Ok(Err(error)) => Response::Declined { error: error.to_string(), hint: error.hint() },
        Err(error) => Response::Error(error.to_string()),
    }
}

async fn tell_calls(calls: Vec<Arc<Call>>, writer: &mut OwnedWriteHalf) -> io::Result<()> {
    for call in calls {
        send(writer, &Response::News(News::Call(call))).await?;
    }
    Ok(())
}

/// Sends what happens until the client leaves.
async fn follow_calls(
    mut news: tokio::sync::broadcast::Receiver<News>,
    reader: &mut BufReader<OwnedReadHalf>,
    writer: &mut OwnedWriteHalf,
) -> io::Result<()> {
    loop {
        let next = tokio::select! {
            next = news.recv() => next,
            _ = reader.read_u8() => return Ok(()),
        };
        let response = match next {
            Ok(news) => Response::News(news),
            Err(RecvError::Lagged(missed)) => Response::Missed(missed),
            Err(RecvError::Closed) => return Ok(()),
        };
        send(writer, &response).await?;
    }
}

async fn send(writer: &mut OwnedWriteHalf, response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    timeout(PATIENCE, writer.write_all(&line)).await?
}

#[cfg(test)]
mod tests;
