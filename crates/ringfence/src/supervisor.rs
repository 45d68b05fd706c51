//! Who started the program, where that wants to hear how it goes: systemd, with `Type=notify` and `WatchdogSec=`.
//!
//! ```text
//!  READY=1        every line is there and calls come in
//!  WATCHDOG=1     every thread that takes calls has just answered: where none comes in time, systemd starts it anew
//!  STOPPING=1     the lines are being unregistered
//! ```

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// The way to who started the program; one that leads nowhere where nobody wants to hear.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    socket: Option<UnixDatagram>,
    /// How long it may be silent.
    patience: Option<Duration>,
}

impl Supervisor {
    /// Finds the way that the environment names. It is connected at once: confined, the program would not get there.
    pub(crate) fn of_environment() -> io::Result<Self> {
        Self::find(|name| env::var_os(name))
    }

    fn find(variable: impl Fn(&str) -> Option<OsString>) -> io::Result<Self> {
        let Some(place) = variable("NOTIFY_SOCKET").filter(|place| !place.is_empty()) else {
            return Ok(Self::default());
        };
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let patience = number("WATCHDOG_USEC").filter(|micros| is_meant && *micros > 0);
        let socket = connect(&place)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(socket), patience: patience.map(Duration::from_micros) })
    }

    /// Says that calls come in.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    /// Says that the program ends.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// Says again and again that the program lives, as long as something answers.
    pub(crate) async fn keep_watch(&self, is_alive: impl AsyncFn() -> bool) {
        let Some(patience) = self.patience else { return };
        // Of two in the time one may be lost.
        let pause = patience / 4;
        loop {
            if timeout(pause, is_alive()).await == Ok(true) {
                self.say("WATCHDOG=1");
            }
            sleep(pause).await;
        }
    }

    fn say(&self, what: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(what.as_bytes()) {
            tracing::warn!(%error, what, "who started the program is not told");
        }
    }
}

/// A place that begins with `@` has no file.
fn connect(place: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    match place.as_encoded_bytes().strip_prefix(b"@") {
        None => socket.connect(PathBuf::from(place))?,
        Some(name) => connect_by_name(&socket, name)?,
    }
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn connect_by_name(socket: &UnixDatagram, name: &[u8]) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)
}

#[cfg(not(target_os = "linux"))]
fn connect_by_name(_: &UnixDatagram, _: &[u8]) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no sockets without a file"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn supervised(watchdog: &str) -> (tempfile::TempDir, UnixDatagram, Supervisor) {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("notify");
        let heard = UnixDatagram::bind(&place).unwrap();
        heard.set_nonblocking(true).unwrap();
        let supervisor = Supervisor::find(|name| match name {
            "NOTIFY_SOCKET" => Some(place.clone().into()),
            "WATCHDOG_USEC" => Some(watchdog.into()),
            _ => None,
        });
        (home, heard, supervisor.unwrap())
    }

    fn next(heard: &UnixDatagram) -> String {
        let mut buffer = [0; 64];
        heard
            .recv(&mut buffer)
            .map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned())
            .unwrap_or_default()
    }

    #[test]
    fn it_is_told_that_calls_come_in_and_that_the_program_ends() {
        let (_home, heard, supervisor) = supervised("");
        supervisor.ready();
        supervisor.stopping();
        assert_eq!([next(&heard), next(&heard)], ["READY=1", "STOPPING=1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_hears_that_the_program_lives_while_it_does() {
        let (_home, heard, supervisor) = supervised("4000000");
        let left = Cell::new(2);
        let is_alive = async || left.replace(left.get() - 1) > 0;
        let _ = timeout(Duration::from_secs(30), supervisor.keep_watch(is_alive)).await;
        assert_eq!([next(&heard), next(&heard), next(&heard)], ["WATCHDOG=1", "WATCHDOG=1", ""]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_hangs_is_not_said_to_live() {
        let (_home, heard, supervisor) = supervised("4000000");
        let hangs = supervisor.keep_watch(async || std::future::pending().await);
        let _ = timeout(Duration::from_secs(30), hangs).await;
        assert_eq!(next(&heard), "");
    }

    #[test]
    fn nobody_need_be_there_and_who_is_named_must_be() {
        Supervisor::find(|_| None).unwrap().ready();
        let nowhere = |name: &str| (name == "NOTIFY_SOCKET").then(|| OsString::from("/nowhere/notify"));
        assert!(Supervisor::find(nowhere).is_err());
    }
}
