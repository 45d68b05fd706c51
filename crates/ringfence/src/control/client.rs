//! Asks the running program.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{Asked, Request, Response};
use crate::config::canonical;

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
    /// No program listens at any of the places.
    NotRunning(Vec<PathBuf>),
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

/// Asks the program that listens at the first of the places that anything listens at.
pub(crate) async fn ask(program: &Program, request: &Request) -> Result<Answer, AskError> {
    let mut stream = connect(&program.places).await?;
    let configuration = program.configuration.as_deref().map(known_as);
    let asked = Asked { request: request.clone(), configuration };
    let mut line = serde_json::to_vec(&asked).map_err(io::Error::from)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    Ok(Answer { reader: BufReader::new(stream) })
}

/// Returns what a configuration is known by to both sides.
pub(super) fn known_as(path: &Path) -> String {
    canonical(path).to_string_lossy().into_owned()
}

async fn connect(places: &[PathBuf]) -> Result<UnixStream, AskError> {
    let mut forbidden: Option<&Path> = None;
    for place in places {
        match UnixStream::connect(place).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                forbidden = forbidden.or(Some(place));
            }
            Err(_) => {}
        }
    }
    Err(match forbidden {
        Some(place) => AskError::Forbidden(place.to_owned()),
        None => AskError::NotRunning(places.to_owned()),
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
            Self::Forbidden(place) => {
                write!(f, "the control socket {} belongs to another user", place.display())
            }
            Self::Refused(error) | Self::Declined { error, .. } => f.write_str(error),
            Self::Io(error) => write!(f, "lost the running program: {error}"),
        }
    }
}

impl std::error::Error for AskError {}
