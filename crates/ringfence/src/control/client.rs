//! Asks the running program, and nobody who poses as it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{Asked, Reloaded, Request, Response};
use crate::config::canonical;
use crate::user::own_user;

/// The program that is meant.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Where its control socket may be.
    pub(crate) places: Vec<PathBuf>,
    /// Its configuration; none means whichever answers.
    pub(crate) configuration: Option<PathBuf>,
}

/// A question that was asked; its answer comes line by line.
#[derive(Debug)]
pub(crate) struct Answer {
    reader: BufReader<UnixStream>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// Nothing listens at any of the places.
    NotRunning(Vec<PathBuf>),
    /// No program of ours does; who listens there was told nothing.
    NotOurs(PathBuf),
    /// It runs as another user.
    Forbidden(PathBuf),
    /// It answered with an error.
    Refused(String),
    /// It does not do that, and says what to do.
    Declined {
        error: String,
        hint: String,
    },
    Io(io::Error),
}

/// A line of an answer is no longer: a status of ten thousand lines fits.
const MOST_ANSWER: u64 = 16 * 1024 * 1024;

/// Asks the program that listens at the first of the places that a program of ours listens at.
pub(crate) async fn ask(program: &Program, request: &Request) -> Result<Answer, AskError> {
    let user = own_user()?;
    let mut stream = connect(&program.places, user, |peer, place| is_ours(peer, user, place)).await?;
    let configuration = program.configuration.as_deref().map(known_as);
    let asked = Asked { request: request.clone(), configuration };
    let mut line = serde_json::to_vec(&asked).map_err(io::Error::from)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    Ok(Answer { reader: BufReader::new(stream) })
}

/// Has the program read its configuration and its lists again, and returns what came of it once they are in force.
pub(crate) async fn reload(program: &Program) -> Result<Reloaded, AskError> {
    reloaded(program, &Request::Reload).await
}

/// The same, unless all files are as the program has read them: then it returns what came of that.
pub(crate) async fn renew(program: &Program) -> Result<Reloaded, AskError> {
    reloaded(program, &Request::Renew).await
}

async fn reloaded(program: &Program, request: &Request) -> Result<Reloaded, AskError> {
    let mut answer = ask(program, request).await?;
    while let Some(response) = answer.next().await? {
        if let Response::Reloaded(reloaded) = response {
            return Ok(reloaded);
        }
    }
    let error = io::Error::new(io::ErrorKind::InvalidData, "it does not say whether it has reloaded");
    Err(AskError::Io(error))
}

/// Returns what a configuration is known by to both sides.
pub(super) fn known_as(path: &Path) -> String {
    canonical(path).to_string_lossy().into_owned()
}

async fn connect(
    places: &[PathBuf],
    user: u32,
    is_ours: impl Fn(u32, &Path) -> bool,
) -> Result<UnixStream, AskError> {
    let mut forbidden: Option<&Path> = None;
    let mut foreign: Option<&Path> = None;
    for place in places {
        match UnixStream::connect(place).await {
            Ok(stream) if stream.peer_cred().is_ok_and(|peer| is_ours(peer.uid(), place)) => {
                return Ok(stream);
            }
            // What we ask names callers, and an answer that is made up would pass for done.
            Ok(_) => foreign = foreign.or(Some(place)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let told = if is_in_the_way(place, user) { &mut foreign } else { &mut forbidden };
                *told = told.or(Some(place));
            }
            Err(_) => {}
        }
    }
    Err(match (forbidden, foreign) {
        (Some(place), _) => AskError::Forbidden(place.to_owned()),
        (None, Some(place)) => AskError::NotOurs(place.to_owned()),
        (None, None) => AskError::NotRunning(places.to_owned()),
    })
}

/// Tells whether who listens at a place may be the program of a user. Root's may run as a user of its own, but
/// not where anybody could have put a socket.
fn is_ours(peer: u32, user: u32, place: &Path) -> bool {
    peer == user || peer == 0 || (user == 0 && !is_open_to_all(place))
}

/// Tells whether what refuses a user at a place need not be a program's that they could mean: a stranger put it where
/// anybody may. What only root or they themselves can have put there is a program's, if another user's.
fn is_in_the_way(place: &Path, user: u32) -> bool {
    let reachable = place.ancestors().find(|path| fs::canonicalize(path).is_ok());
    let Some((path, found)) = reachable.and_then(|path| Some((path, fs::symlink_metadata(path).ok()?)))
    else {
        return false;
    };
    is_strangers(found.uid(), user) && is_open_to_all(path)
}

const fn is_strangers(owner: u32, user: u32) -> bool {
    owner != user && owner != 0
}

/// Tells whether anybody may put something at a path, or above it; also when that cannot be told.
fn is_open_to_all(path: &Path) -> bool {
    let Ok(target) = fs::canonicalize(path) else { return true };
    let is_writable = |directory: &Path| {
        fs::metadata(directory).map_or(true, |metadata| metadata.permissions().mode() & 0o002 != 0)
    };
    // The path itself too: whoever may turn a link on the way may turn it back.
    [path, &target].into_iter().any(|path| {
        let mut above = path.ancestors().skip(1).filter(|directory| !directory.as_os_str().is_empty());
        path.starts_with(std::env::temp_dir()) || above.any(is_writable)
    })
}

impl Answer {
    /// Returns the next line of the answer, `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Response>, AskError> {
        let mut line = Vec::new();
        (&mut self.reader).take(MOST_ANSWER).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            let error =
                io::Error::new(io::ErrorKind::UnexpectedEof, "the program ended before its answer did");
            return Err(AskError::Io(error));
        }
        match serde_json::from_slice(&line).map_err(io::Error::from)? {
            Response::Error(error) => Err(AskError::Refused(error)),
            Response::Declined { error, hint } => Err(AskError::Declined { error, hint }),
            Response::End {} => Ok(None),
            response @ (Response::Status(_)
            | Response::News(_)
            | Response::Missed(_)
            | Response::Reloaded(_)
            | Response::Switches(_)
            | Response::Entries(_)
            | Response::Noted {}
            | Response::Forgotten(_)) => Ok(Some(response)),
        }
    }
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for AskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotRunning(places) => {
                let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
                write!(f, "ringfence is not running: nothing listens at {}", places.join(" or "))
            }
            Self::NotOurs(place) => {
                write!(f, "ringfence is not running: {} is another user's and was not asked", place.display())
            }
            Self::Forbidden(place) => {
                write!(f, "the control socket {} belongs to another user", place.display())
            }
            Self::Refused(error) | Self::Declined { error, .. } => f.write_str(error),
            Self::Io(error) => write!(f, "lost the running program: {error}"),
        }
    }
}

impl std::error::Error for AskError {}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn another_user_who_listens_where_the_program_would_is_passed_by() {
        let home = tempfile::tempdir().unwrap();
        let places = ["other", "ours"].map(|name| home.path().join(name));
        let listeners = places.each_ref().map(|place| UnixListener::bind(place).unwrap());
        let is_ours = |_: u32, place: &Path| place.ends_with("ours");
        let stream = connect(&places, 1000, is_ours).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*places[1]));
        let error = connect(&places[..1], 1000, is_ours).await.unwrap_err();
        assert!(matches!(&error, AskError::NotOurs(place) if place == &places[0]), "{error:?}");
        drop(listeners);
    }

    #[test]
    fn what_a_stranger_put_where_anybody_may_is_no_program_that_refuses_us() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("control.sock");
        fs::write(&place, "").unwrap();
        // Only root may give it away; for anybody else it is somebody else's who is not they.
        let _ = std::os::unix::fs::lchown(&place, Some(1001), None);
        let owner = fs::symlink_metadata(&place).unwrap().uid();
        assert!(is_in_the_way(&place, owner + 1) && !is_in_the_way(&place, owner));
        assert!(is_in_the_way(&place.join("beyond"), owner + 1));
        assert!(!is_in_the_way(Path::new("/usr/nowhere/control.sock"), owner + 1));
        assert!(is_strangers(1001, 1000) && !is_strangers(1000, 1000) && !is_strangers(0, 1000));
    }

    #[test]
    fn who_listens_is_ours_as_the_same_user_as_root_or_for_root_where_only_some_may_listen() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("control.sock");
        fs::write(&place, "").unwrap();
        for (peer, user, expected) in
            [(1000, 1000, true), (0, 1000, true), (1001, 1000, false), (1000, 0, false), (0, 0, true)]
        {
            assert_eq!(is_ours(peer, user, &place), expected, "{peer} {user}");
        }
        let (service, elsewhere) = (993, Path::new("/usr/control.sock"));
        assert!(!is_ours(service, 0, elsewhere), "it is not there");
        assert!(is_ours(service, 0, Path::new("/usr")) && !is_ours(service, 1000, Path::new("/usr")));
    }
}
