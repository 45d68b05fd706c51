//! What a change of the lists ends with: the running program decides by it, or it is told why not.
//!
//! It would notice the change by itself, but a moment later: the next call is to be decided by what was just
//! written. The other verbs wait for their turn meanwhile, so that many changes at once do not take all the places
//! at the control socket.

use std::time::Duration;

use anyhow::Result;
use tokio::time::timeout;

use super::failure::hint;
use super::{Answer, Context};
use crate::control::client::{self, AskError};
use crate::style::{BAD, paint};

/// Ten million rows of text are read in less, also on a small machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Has the running program read its lists again, unless it has noticed the change by itself, and waits until it decides
/// by these. Where none runs that has this configuration, nothing is to be done.
pub(super) async fn take_up(context: &Context, changed: &[&str]) -> Result<Answer> {
    let (why, what_to_do) = match timeout(PATIENCE, client::renew(&context.program()?)).await {
        Ok(Ok(reloaded)) => match reloaded.kept.iter().find(|kept| changed.contains(&kept.as_str())) {
            None => return Ok(Answer::Fine),
            Some(kept) => (format!("keeps the list {kept} as it was"), "`ringfence status` tells why"),
        },
        Ok(Err(AskError::NotRunning(_))) => return Ok(Answer::Fine),
        Ok(Err(AskError::Declined { .. })) => {
            hint("the running program has another configuration: ringfence status");
            return Ok(Answer::Fine);
        }
        Ok(Err(error @ AskError::NotOurs(_))) => {
            hint(&error.to_string());
            return Ok(Answer::Fine);
        }
        Ok(Err(error @ AskError::Forbidden(_))) => {
            hint(&format!("{error}: if it has this configuration, it takes the change up within a second"));
            return Ok(Answer::Fine);
        }
        Ok(Err(AskError::Refused(error))) if error.starts_with(UNKNOWN_REQUEST) => {
            hint("the running program is of an earlier version: it takes the change up within a second");
            return Ok(Answer::Fine);
        }
        Ok(Err(AskError::Refused(error))) => {
            (format!("decides by the lists it had: {error}"), "`ringfence check` shows all errors")
        }
        Ok(Err(AskError::Io(error))) => (format!("does not answer: {error}"), STILL_THERE),
        Err(_) => (format!("has not answered for {} s", PATIENCE.as_secs()), STILL_THERE),
    };
    anstream::eprintln!("{} the running program {why}", paint(BAD, "not in force:"));
    hint(what_to_do);
    Ok(Answer::Negative)
}

/// How a program says that it knows no such request.
const UNKNOWN_REQUEST: &str = "expected a request, unknown variant";

const STILL_THERE: &str = "is it still running? ringfence status";

#[cfg(test)]
mod tests {
    use std::cell::OnceCell;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_program_that_never_answers_is_not_waited_for_without_end() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("ringfence.toml");
        std::fs::write(&config, "version = 1\n[softphone]\ncontrol = \"s\"\n").unwrap();
        let context = Context { config: Some(config), found: OnceCell::new() };
        assert_eq!(take_up(&context, &["reject"]).await.unwrap(), Answer::Fine);
        let _silent = UnixListener::bind(home.path().join("s")).unwrap();
        assert_eq!(take_up(&context, &["reject"]).await.unwrap(), Answer::Negative);
    }

    #[test]
    fn how_a_request_is_refused_that_is_not_known_is_known_here() {
        let unknown = serde_json::from_str::<crate::control::Request>(r#"{"verb":"tomorrow"}"#);
        let refused = format!("expected a request, {}", unknown.unwrap_err());
        assert!(refused.starts_with(UNKNOWN_REQUEST), "{refused}");
    }
}
