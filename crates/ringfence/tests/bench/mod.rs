//! What the tests of the running program share: a PBX on a real socket of the loopback interface, a
//! directory with a configuration for it, and the program itself.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use ringfence_testing::{CallPlan, Direction, Node, Outcome, Pbx, PbxConfig, Record, Witness};

/// Longer than anything here takes on a busy machine; nothing waits for it unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A PBX on a socket, and a directory with a configuration for it.
pub(crate) struct Bench {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) pbx: Pbx,
    pub(crate) socket: UdpSocket,
    /// Judges what comes to the PBX, and panics when the bench goes where something was wrong.
    witness: Witness,
}

/// The program under test, killed when it is dropped.
pub(crate) struct Program(pub(crate) Child);

impl Bench {
    pub(crate) fn new() -> Self {
        let mut bench = Self::with(|_| {});
        bench.pbx.add_user("858", "hunter2");
        bench.pbx.add_user("859", "hunter2");
        bench.write("spam.txt", "+4179*\n");
        bench.write("ringfence.toml", &bench.configuration("858", "hunter2"));
        bench
    }

    /// A PBX with other habits and no users, and an empty directory.
    pub(crate) fn with(change: impl FnOnce(&mut PbxConfig)) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let mut config = PbxConfig::new(address);
        change(&mut config);
        let (directory, witness) = (tempfile::tempdir().unwrap(), Witness::new(address));
        Self { directory, pbx: Pbx::new(config, 1), socket, witness }
    }

    pub(crate) fn configuration(&self, user: &str, password: &str) -> String {
        format!(
            "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\n\n[defaults]\nregion = \"CH\"\n\n\
             [list.reject]\nfiles = [\"spam.txt\"]\n\n{}",
            self.account("home", user, password)
        )
    }

    /// Writes a configuration with a journal, these accounts and a policy.
    pub(crate) fn configure(&self, accounts: &str, policy: &str) {
        let head = "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\n[journal]\n\
                    path = \"ringfence.db\"\n[defaults]\nregion = \"CH\"\n";
        self.write("ringfence.toml", &format!("{head}{accounts}{policy}"));
    }

    /// Writes one for the line `home` alone.
    pub(crate) fn configured(policy: &str) -> Self {
        let bench = Self::new();
        bench.configure(&bench.account("home", "858", "hunter2"), policy);
        bench
    }

    /// Starts the program by it, and waits until it is registered.
    pub(crate) fn running(policy: &str) -> (Self, Program) {
        let mut bench = Self::configured(policy);
        let program = bench.registered();
        (bench, program)
    }

    pub(crate) fn account(&self, name: &str, user: &str, password: &str) -> String {
        let port = self.socket.local_addr().unwrap().port();
        format!(
            "[account.{name}]\nuser = \"{user}\"\ndomain = \"127.0.0.1\"\nport = {port}\npassword = \"{password}\"\n"
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.args(arguments).current_dir(self.directory.path()).env_remove("RUST_LOG");
        command.env("XDG_STATE_HOME", self.path("state")).env_remove("STATE_DIRECTORY");
        command
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.ask(arguments);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Returns each line that was printed as JSON.
    pub(crate) fn rows(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.ask(arguments).stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns all that was printed, and the exit code.
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}exit {}\n", text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    }

    pub(crate) fn start(&self) -> Program {
        self.start_with(&["run"])
    }

    pub(crate) fn start_with(&self, arguments: &[&str]) -> Program {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let out = std::fs::File::create(self.path("out")).unwrap();
        Program(self.command(arguments).stdout(out).stderr(log).stdin(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// Starts the program and waits until it is registered.
    pub(crate) fn registered(&mut self) -> Program {
        let program = self.start();
        assert!(self.play(|pbx| pbx.is_registered("858")), "{}", self.log());
        program
    }

    /// Plays the PBX until something holds.
    pub(crate) fn play(&mut self, holds: impl Fn(&Pbx) -> bool) -> bool {
        self.play_until(PATIENCE, |bench| holds(&bench.pbx))
    }

    pub(crate) fn play_until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let start = Instant::now();
        let mut datagram = vec![0; 65_535];
        self.socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        while start.elapsed() < limit {
            while let Some((destination, bytes)) = self.pbx.poll_transmit() {
                self.socket.send_to(&bytes, destination).unwrap();
            }
            self.witness.hear(self.pbx.messages(), self.pbx.forgotten());
            if holds(self) {
                return true;
            }
            match self.socket.recv_from(&mut datagram) {
                Ok((length, source)) => self.pbx.handle_datagram(Instant::now(), source, &datagram[..length]),
                Err(_) => self.pbx.handle_timeout(Instant::now()),
            }
        }
        false
    }

    /// Sends what the PBX does not send by itself.
    pub(crate) fn send(&mut self, peer: SocketAddr, message: &str) {
        let (at, direction, message) = (Instant::now(), Direction::Sent, message.as_bytes().to_vec());
        self.socket.send_to(&message, peer).unwrap();
        self.witness.observe(&Record { at, direction, peer, message });
    }

    /// Calls 858 and returns how the call ended: one that rings is given up.
    pub(crate) fn call(&mut self, from: &str) -> Outcome {
        let plan = CallPlan { cancel_after: Some(Duration::from_millis(50)), ..CallPlan::new(from, "858") };
        let id = self.pbx.call(Instant::now(), plan);
        assert!(self.play(|pbx| pbx.get(id).outcome().is_some()), "{}", self.log());
        assert_eq!(self.pbx.get(id).faults(), [""; 0]);
        self.pbx.get(id).outcome().unwrap().clone()
    }

    /// Calls until a call ends in a certain way, which a change of the configuration brings about.
    pub(crate) fn comes_to(&mut self, from: &str, outcome: &Outcome) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.call(from) == *outcome {
                return true;
            }
        }
        false
    }
}

impl Program {
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn rejected() -> Outcome {
    let warning = Some("399 ringfence \"User reject\"".to_owned());
    Outcome::Rejected { status: 486, reason: "Busy Here".to_owned(), warning }
}
