//! A directory with a configuration and a journal, in which the program is run.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A directory with a configuration and a journal, in which the program is run.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

/// Two lists, a switch, a number that was dialled, a rule in shadow mode, and two tests.
pub(crate) const CONFIGURATION: &str = r#"version = 1
[softphone]
listen = "127.0.0.1:0"
control = "control/s"
[journal]
path = "ringfence.db"
[defaults]
region = "CH"
timezone = "UTC"
[account.home]
user = "858"
domain = "192.0.2.1"
password = "hunter2"
register = false

[list.allow]
entries = [
  "+41441234567", # mother
]
[list.reject]
entries = ["+4179*", "+41441112233"]
[switch.on_call]
default = false
auto_off = "2h"

[[rule]]
id   = "allowed"
when = { caller_in = "allow" }
then = "ring"
[[rule]]
id   = "on-call"
when = { switch = "on_call" }
then = "ring"
[[rule]]
id   = "we-called-them"
when = { dialed_within = "30d" }
then = "ring"
[[rule]]
id   = "idea"
when = { first_time = true }
then = "decline"
mode = "shadow"
[[rule]]
id   = "listed"
when = { caller_in = "reject" }
then = "busy"
[[rule]]
id   = "otherwise"
then = "ring"

[[test]]
call   = { caller = "079 999 99 99" }
expect = { rule = "listed", then = "busy" }
[[test]]
call   = { caller = "0441234567" }
expect = { rule = "allowed" }
"#;

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        home.write("ringfence.toml", CONFIGURATION);
        home
    }

    /// Returns a home whose journal has four calls of the last days.
    pub(crate) fn with_calls() -> Self {
        let home = Self::new();
        // It makes the journal's file.
        assert_eq!(home.told(&["dialed", "+41223334455"]), "noted 1 number as dialled\nexit 0\n");
        home.call("+41791234567", 60, "reject", "listed", Some("+4179*"));
        home.call("+41441112233", 48, "reject", "listed", Some("+41441112233"));
        home.call("+41445556677", 24, "ring", "otherwise", None);
        home.call("+41445556677", 23, "ring", "otherwise", None);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        // A password is in it.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes down a call of some hours ago.
    pub(crate) fn call(&self, caller: &str, hours: i64, verdict: &str, rule: &str, entry: Option<&str>) {
        let at = Timestamp::now() - SignedDuration::from_hours(hours);
        let facts = json!({ "caller": caller, "caller_source": "From", "line": "home" });
        let status = (verdict == "reject").then_some(486);
        let journal = rusqlite::Connection::open(self.path("ringfence.db")).unwrap();
        let insert = "INSERT INTO calls (at, id, call_id, line, caller, source, verdict, status, rule, list, entry, \
                      policy, decided_in, reason, facts) VALUES (?1, ?2, ?3, 'home', ?4, '192.0.2.1:5060', ?5, ?6, \
                      ?7, ?8, ?9, 'another', 12, 'for a reason', ?10)";
        let list = entry.map(|_| "reject");
        let id = format!("0.{hours}");
        let values = rusqlite::params![
            at.as_microsecond(),
            id,
            format!("{hours}@pbx"),
            caller,
            verdict,
            status,
            rule,
            list,
            entry,
            facts.to_string()
        ];
        journal.execute(insert, values).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.directory.path()).env("LANG", "C").env("TZ", "UTC");
        command.env("XDG_RUNTIME_DIR", self.directory.path()).env("XDG_STATE_HOME", self.path("state"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Returns all that was printed, and the exit code.
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}exit {}\n", text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    }

    /// Returns each line that was printed as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns which rule would decide a call of a number now.
    pub(crate) fn decides(&self, number: &str) -> String {
        let told = self.json(&["why", number, "--json"]);
        told[0]["trace"]["decided_by"].as_str().unwrap().to_owned()
    }

    /// Returns a command that finds the disk full: no file gets any longer.
    pub(crate) fn on_full_disk(&self, arguments: &[&str]) -> Command {
        let program = self.command(arguments);
        let mut command = self.command(&[]);
        let mut on_full_disk = Command::new("/bin/sh");
        on_full_disk
            .args(["-c", "trap '' XFSZ; ulimit -S -f 0; exec \"$0\" \"$@\""])
            .arg(program.get_program());
        on_full_disk
            .args(program.get_args())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .env_clear();
        let known =
            command.env("RUST_LOG", "warn").get_envs().filter_map(|(name, value)| Some((name, value?)));
        on_full_disk.envs(known);
        on_full_disk
    }

    /// Starts the program, and waits until it answers.
    pub(crate) fn running(&self) -> Program {
        self.started(self.command(&["run"]).stderr(Stdio::null()))
    }

    /// Waits until a program that is started answers.
    pub(crate) fn started(&self, command: &mut Command) -> Program {
        let mut program = Program(command.stdout(Stdio::null()).spawn().unwrap());
        while !self.run(&["status"]).status.success() {
            assert_eq!(program.0.try_wait().unwrap(), None, "{}", self.told(&["run"]));
        }
        program
    }
}

/// The running program, killed when it is dropped.
pub(crate) struct Program(pub(crate) Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
