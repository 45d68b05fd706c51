//! The running program is killed at any instant while calls come in: every call that was answered more than a
//! second before is in the journal's file, unless the log says that the disk is slow since before that call, and
//! the file is whole.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ringfence_testing::{CallPlan, Node as _, Pbx, PbxConfig, Witness};

/// Longer than anything here takes on a busy machine; nothing waits for it unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);
/// What may be lost.
const SECOND: Duration = Duration::from_secs(1);
/// How often the program is killed; each time the next goes on with the file that is left.
const KILLS: u32 = 6;
/// Calls at once.
const AT_ONCE: usize = 20;
/// How far apart they begin at least: what is written has to be read again behind each kill.
const APART: Duration = Duration::from_millis(1);

/// A PBX on a socket, and a directory with a configuration for it.
struct Bench {
    directory: tempfile::TempDir,
    pbx: Pbx,
    socket: UdpSocket,
    /// Judges what comes to the PBX, and panics when the bench goes where something was wrong.
    witness: Witness,
}

impl Bench {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let address = socket.local_addr().unwrap();
        let mut pbx = Pbx::new(PbxConfig::new(address), 1);
        pbx.add_user("858", "hunter2");
        let (directory, witness) = (tempfile::tempdir().unwrap(), Witness::new(address));
        let bench = Self { directory, pbx, socket, witness };
        let configuration = format!(
            "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\n\n[defaults]\nregion = \"CH\"\n\n\
             [list.reject]\nfiles = [\"spam.txt\"]\n\n[account.home]\nuser = \"858\"\ndomain = \"127.0.0.1\"\n\
             port = {}\npassword = \"hunter2\"\n",
            address.port()
        );
        std::fs::write(bench.path("ringfence.toml"), configuration).unwrap();
        std::fs::write(bench.path("spam.txt"), "+4179*\n").unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&mut self) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command
            .arg("run")
            .current_dir(self.directory.path())
            .env("RUST_LOG", "warn,ringfence::journal=info")
            .stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path("state")).env_remove("STATE_DIRECTORY");
        let log = std::fs::File::create(self.path("log")).unwrap();
        let program = Program(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        // Not the binding of the one before.
        self.pbx.forget_bindings();
        let start = Instant::now();
        while !self.pbx.is_registered("858") && start.elapsed() < PATIENCE {
            self.play();
        }
        let log = std::fs::read_to_string(self.path("log")).unwrap();
        assert!(self.pbx.is_registered("858"), "{log}");
        program
    }

    /// Sends what the PBX has to send, and takes one datagram or lets its timers fire.
    fn play(&mut self) {
        let mut datagram = vec![0; 65_535];
        while let Some((destination, bytes)) = self.pbx.poll_transmit() {
            self.socket.send_to(&bytes, destination).unwrap();
        }
        match self.socket.recv_from(&mut datagram) {
            Ok((length, source)) => self.pbx.handle_datagram(Instant::now(), source, &datagram[..length]),
            Err(_) => self.pbx.handle_timeout(Instant::now()),
        }
        self.witness.hear(self.pbx.messages(), self.pbx.forgotten());
    }

    /// Changes a list, and has the program read it again.
    fn reload(&self, program: &Program, number: u32) {
        std::fs::write(self.path("spam.txt"), format!("+4179*\n+4144{number:07}\n")).unwrap();
        let hang_up = Command::new("kill").args(["-HUP", &program.0.id().to_string()]).status().unwrap();
        assert!(hang_up.success());
    }

    /// Calls for so long. Returns who called, and when their calls were answered.
    fn call_for(&mut self, time: Duration, next: &mut u32) -> Vec<(String, Instant, Timestamp)> {
        let mut answered = Vec::new();
        let mut under_way = Vec::new();
        let start = Instant::now();
        let mut begun = 0;
        while start.elapsed() < time {
            while under_way.len() < AT_ONCE && APART * begun <= start.elapsed() {
                begun += 1;
                let caller = format!("+4179{next:07}");
                *next += 1;
                let id = self.pbx.call(Instant::now(), CallPlan::new(&caller, "858"));
                under_way.push((id, caller));
            }
            self.play();
            under_way.retain(|(id, caller)| {
                let is_answered = self.pbx.get(*id).outcome().is_some();
                if is_answered {
                    answered.push((caller.clone(), Instant::now(), Timestamp::now()));
                }
                !is_answered
            });
        }
        answered
    }

    /// Returns since when a kill may have lost calls, by what the program has said last.
    fn slow_since(&self) -> Option<Timestamp> {
        let log = std::fs::read_to_string(self.path("log")).unwrap();
        let is_last = |line: &&str| line.contains(" journal slow") || line.contains(" journal in time again");
        let last = log.lines().rfind(is_last).filter(|line| line.contains(" journal slow"))?;
        Some(last.rsplit_once("since=").unwrap().1.trim().parse().unwrap())
    }

    /// Returns who called, as `calls` reads the file, after a check of the file as a whole.
    fn journalled(&self) -> BTreeSet<String> {
        let file = rusqlite::Connection::open(self.path("state/ringfence/ringfence.db")).unwrap();
        let found: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
        let mut calls = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        calls.args(["calls", "--json", "--limit", "100000"]).current_dir(self.directory.path());
        let told =
            calls.env("XDG_STATE_HOME", self.path("state")).env_remove("STATE_DIRECTORY").output().unwrap();
        assert!(told.status.success() && told.stderr.is_empty(), "{told:?}");
        let calls = String::from_utf8(told.stdout).unwrap();
        let calls = calls.lines().map(|call| serde_json::from_str::<serde_json::Value>(call).unwrap());
        let rejected = calls.filter(|call| call["verdict"]["status"] == 486);
        rejected.map(|call| call["caller"].as_str().unwrap().to_owned()).collect()
    }
}

/// The program under test, killed when it is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_kill_of_the_program_loses_no_call_that_was_answered_more_than_a_second_before() {
    let mut bench = Bench::new();
    let (mut next, mut due, mut told) = (0, BTreeSet::new(), 0);
    for kill in 0..KILLS {
        let program = bench.start();
        let mut answered = bench.call_for(Duration::from_millis(1_300), &mut next);
        // Different instants of a reload, and of the 250 ms in which records gather.
        bench.reload(&program, kill);
        answered.extend(bench.call_for(Duration::from_millis(61 * u64::from(kill)), &mut next));
        let killed_at = Instant::now();
        drop(program);
        let slow_since = bench.slow_since();
        answered.retain(|(_, answered, _)| killed_at - *answered > SECOND);
        let before = answered.len();
        answered.retain(|(_, _, at)| slow_since.is_none_or(|since| *at < since));
        told += before - answered.len();
        due.extend(answered.into_iter().map(|(caller, ..)| caller));
        let missing: Vec<_> = due.difference(&bench.journalled()).cloned().collect();
        assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), due.len());
    }
    assert!(due.len() + told > 50, "{} {told}", due.len());
    println!("{} calls of more than a second before {KILLS} kills, and {told} on a slow disk", due.len());
}
