//! Who is let in: clients of the user who runs the program, at a socket that stands where they look for it.
//!
//! Somebody may remove the socket, or have a client of another user come again and again. Neither is said more often
//! than once a minute.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};

use crate::confine::bounds_folders;
use crate::control::place::{BindError, Bound};

/// Where clients come in.
#[derive(Debug)]
pub(super) struct Door {
    bound: Bound,
    user: u32,
    look: Interval,
    refused: Repeated,
    failed: Repeated,
    removed: Repeated,
    /// Why there is no socket, as it was said last.
    lost: Option<String>,
}

/// So often it is looked whether the socket is there: it costs one look at a file.
const LOOK: Duration = Duration::from_secs(2);
/// A moment for others of this program to give back what the next client needs.
const PAUSE: Duration = Duration::from_secs(1);

impl Door {
    pub(super) fn new(bound: Bound, user: u32) -> Self {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let [refused, failed, removed] = [(); 3].map(|()| Repeated::default());
        Self { bound, user, look, refused, failed, removed, lost: None }
    }

    /// Returns the next client who may ask.
    pub(super) async fn next(&mut self) -> UnixStream {
        loop {
            tokio::select! {
                come = self.bound.listener.accept() => match come {
                    Ok((stream, _)) => {
                        if self.admits(stream.peer_cred().ok().map(|peer| peer.uid())) {
                            return stream;
                        }
                    }
                    Err(error) => {
                        // Out of descriptors, most likely: others of this program need them more.
                        if let Some(times) = self.failed.again() {
                            tracing::warn!(%error, times, "control socket");
                        }
                        sleep(PAUSE).await;
                    }
                },
                _ = self.look.tick() => {
                    self.look_after();
                    self.say_refused(Repeated::due);
                }
            }
        }
    }

    /// Tells whether a user may ask, and says who may not.
    fn admits(&mut self, peer: Option<u32>) -> bool {
        let is_ours = peer.is_some_and(|peer| peer == self.user || peer == 0);
        if !is_ours {
            self.say_refused(Repeated::again);
        }
        is_ours
    }

    fn say_refused(&mut self, times: impl FnOnce(&mut Repeated) -> Option<u64>) {
        if let Some(clients) = times(&mut self.refused) {
            tracing::warn!(clients, "control socket: refused clients of another user");
        }
    }

    /// Sees to it that the socket is there.
    fn look_after(&mut self) {
        match self.bound.renew() {
            Ok(is_bound_anew) => {
                self.removed.count(is_bound_anew);
                // Who was told last that it is lost is told at once that it is not.
                let is_back = self.lost.take().is_some();
                let times = if is_back { Some(self.removed.say()) } else { self.removed.due() };
                match times {
                    Some(0) => tracing::warn!("control socket there again"),
                    Some(times) => tracing::warn!(times, "control socket removed: bound anew"),
                    None => {}
                }
            }
            Err(error) => {
                let why = error.to_string();
                if self.lost.as_ref() != Some(&why) {
                    let hint = hint(&error, bounds_folders());
                    tracing::warn!(why, hint, "control socket lost: no verb reaches this program");
                    self.lost = Some(why);
                }
            }
        }
    }
}

/// Returns what to do where the socket cannot be bound anew, in a sandbox or without one.
fn hint(error: &BindError, is_confined: bool) -> &'static str {
    let clear = "clear the way there: it is tried again every few seconds";
    let source = match error {
        BindError::InUse { .. } | BindError::NotOurs { .. } => return clear,
        BindError::Io { source, .. } => source,
    };
    let denied = if is_confined {
        "restart the program: the sandbox lets it make no folder anew"
    } else {
        "let its user write there: it is tried again every few seconds"
    };
    let hints = [
        (ErrorKind::PermissionDenied, denied),
        (ErrorKind::NotADirectory, clear),
        (ErrorKind::AlreadyExists, clear),
        (ErrorKind::AddrInUse, clear),
        (ErrorKind::StorageFull, "make room on the disk: it is tried again every few seconds"),
        (ErrorKind::QuotaExceeded, "make room on the disk: it is tried again every few seconds"),
        (ErrorKind::ReadOnlyFilesystem, "let the disk be written to: it is tried again every few seconds"),
    ];
    let known = hints.into_iter().find(|(kind, _)| *kind == source.kind());
    known.map_or("it is tried again every few seconds", |(_, hint)| hint)
}

/// What others may bring about as often as they like: it is said at once, and then once a minute how often it was.
#[derive(Debug, Default)]
struct Repeated {
    said: Option<Instant>,
    unsaid: u64,
}

/// The same is said so often at most.
const SAY: Duration = Duration::from_secs(60);

impl Repeated {
    /// Counts it once more, and returns how often it was if that is to be said now.
    fn again(&mut self) -> Option<u64> {
        self.count(true);
        self.due()
    }

    /// Counts it once more if it was so.
    fn count(&mut self, was_so: bool) {
        self.unsaid += u64::from(was_so);
    }

    /// Returns how often it was since it was said, if that is to be said now.
    fn due(&mut self) -> Option<u64> {
        let is_time = self.said.is_none_or(|said| said.elapsed() >= SAY);
        if self.unsaid == 0 || !is_time { None } else { Some(self.say()) }
    }

    /// Returns how often it was since it was said, which is to be said now.
    fn say(&mut self) -> u64 {
        self.said = Some(Instant::now());
        std::mem::take(&mut self.unsaid)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::log::lines_of;
    use crate::user::own_user;

    fn door(home: &tempfile::TempDir) -> Door {
        let user = own_user().unwrap();
        Door::new(Bound::bind(&home.path().join("s"), user).unwrap(), user)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_who_comes_again_and_again_is_one_line_a_minute() {
        let home = tempfile::tempdir().unwrap();
        let mut door = door(&home);
        let first = lines_of(|| (0..1_000).for_each(|_| assert!(!door.admits(Some(door.user + 1)))));
        assert_eq!(first, ["  WARN control socket: refused clients of another user clients=1"]);
        advance(SAY).await;
        let later = lines_of(|| door.say_refused(Repeated::due));
        assert_eq!(later, ["  WARN control socket: refused clients of another user clients=999"]);
        assert_eq!(lines_of(|| door.say_refused(Repeated::due)), [""; 0]);
        assert!(door.admits(Some(door.user)) && door.admits(Some(0)) && !door.admits(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_is_removed_is_there_again_within_seconds() {
        let home = tempfile::tempdir().unwrap();
        let mut door = door(&home);
        let path = home.path().join("s");
        // No client comes, and it looks meanwhile.
        assert!(timeout(LOOK, door.next()).await.is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(timeout(LOOK * 2, door.next()).await.is_err());
        let (client, served) = tokio::join!(UnixStream::connect(&path), door.next());
        assert_eq!(client.unwrap().peer_cred().unwrap().uid(), served.peer_cred().unwrap().uid());
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_cannot_be_bound_anew_is_said_once() {
        let home = tempfile::tempdir().unwrap();
        let mut door = door(&home);
        std::fs::remove_file(home.path().join("s")).unwrap();
        std::fs::write(home.path().join("s"), "").unwrap();
        let lines = lines_of(|| (0..9).for_each(|_| door.look_after()));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("something else stands there now"), "{lines:?}");
        std::fs::remove_file(home.path().join("s")).unwrap();
        let lines = lines_of(|| (0..9).for_each(|_| door.look_after()));
        assert_eq!(lines, ["  WARN control socket removed: bound anew times=1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_is_back_is_told_whenever_it_was_told_to_be_lost() {
        let home = tempfile::tempdir().unwrap();
        let (mut door, path) = (door(&home), home.path().join("s"));
        std::fs::remove_file(&path).unwrap();
        let bound_anew = ["  WARN control socket removed: bound anew times=1"];
        assert_eq!(lines_of(|| door.look_after()), bound_anew);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(lines_of(|| door.look_after())[0].contains("control socket lost"));
        std::fs::remove_dir(&path).unwrap();
        assert_eq!(lines_of(|| door.look_after()), bound_anew);
        // One that is removed soon after another is told when a minute has passed.
        std::fs::remove_file(&path).unwrap();
        assert_eq!(lines_of(|| door.look_after()), [""; 0]);
        advance(SAY).await;
        assert_eq!(lines_of(|| (0..9).for_each(|_| door.look_after())), bound_anew);
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_somebody_puts_back_is_told_to_be_there() {
        let home = tempfile::tempdir().unwrap();
        let (mut door, path) = (door(&home), home.path().join("s"));
        std::fs::rename(&path, home.path().join("away")).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(lines_of(|| door.look_after())[0].contains("control socket lost"));
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(home.path().join("away"), &path).unwrap();
        assert_eq!(lines_of(|| door.look_after()), ["  WARN control socket there again"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_cannot_be_bound_anew_for_want_of_a_folder_is_said_with_what_is_in_the_way() {
        let home = tempfile::tempdir().unwrap();
        let (folder, user) = (home.path().join("run"), own_user().unwrap());
        let mut door = Door::new(Bound::bind(&folder.join("s"), user).unwrap(), user);
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "").unwrap();
        let lines = lines_of(|| (0..9).for_each(|_| door.look_after()));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("clear the way there") && !lines[0].contains("sandbox"), "{lines:?}");
        std::fs::remove_file(&folder).unwrap();
        let lines = lines_of(|| door.look_after());
        assert_eq!(lines, ["  WARN control socket removed: bound anew times=1"]);
    }

    #[test]
    fn a_restart_is_advised_where_the_sandbox_may_be_in_the_way_alone() {
        let hint = |source, is_confined| hint(&BindError::Io { path: "s".into(), source }, is_confined);
        let denied = || std::io::Error::from(ErrorKind::PermissionDenied);
        assert!(hint(denied(), true).starts_with("restart the program: the sandbox"));
        assert!(hint(denied(), false).starts_with("let its user write there"));
        // ENOSPC, and EMFILE, which is over as soon as a connection is.
        for (code, expected) in [(28, "make room on the disk"), (24, "it is tried again")] {
            assert!(hint(std::io::Error::from_raw_os_error(code), true).starts_with(expected));
        }
    }
}
