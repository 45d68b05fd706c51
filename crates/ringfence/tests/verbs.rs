//! The verbs that ask the journal and change what the rules remember, through the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ringfence_testing::{CallPlan, Node as _, Outcome, Pbx, PbxConfig};
use serde_json::{Value, json};

/// A directory with a configuration and a journal, in which the program is run.
struct Home {
    directory: tempfile::TempDir,
}

const CONFIGURATION: &str = r#"version = 1
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
    fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        home.write("ringfence.toml", CONFIGURATION);
        home
    }

    /// Returns a home whose journal has four calls of the last days.
    fn with_calls() -> Self {
        let home = Self::new();
        // It makes the journal's file.
        assert_eq!(home.told(&["dialed", "+41223334455"]), "noted 1 number as dialled\nexit 0\n");
        home.call("+41791234567", 60, "reject", "listed", Some("+4179*"));
        home.call("+41441112233", 48, "reject", "listed", Some("+41441112233"));
        home.call("+41445556677", 24, "ring", "otherwise", None);
        home.call("+41445556677", 23, "ring", "otherwise", None);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        // A password is in it.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes down a call of some hours ago.
    fn call(&self, caller: &str, hours: i64, verdict: &str, rule: &str, entry: Option<&str>) {
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

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.directory.path()).env("LANG", "C").env("TZ", "UTC");
        command.env("XDG_RUNTIME_DIR", self.directory.path()).env("XDG_STATE_HOME", self.path("state"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Returns all that was printed, and the exit code.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}exit {}\n", text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    }

    /// Returns each line that was printed as JSON.
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns which rule would decide a call of a number now.
    fn decides(&self, number: &str) -> String {
        let told = self.json(&["why", number, "--json"]);
        told[0]["trace"]["decided_by"].as_str().unwrap().to_owned()
    }

    /// Starts the program, and waits until it answers.
    fn running(&self) -> Program {
        let mut program =
            Program(self.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        while !self.run(&["status"]).status.success() {
            assert_eq!(program.0.try_wait().unwrap(), None, "{}", self.told(&["run"]));
        }
        program
    }
}

/// A PBX that the program registers with, and that calls it.
struct Exchange {
    home: Home,
    pbx: Pbx,
    socket: UdpSocket,
}

impl Exchange {
    /// Starts the program with a policy, and waits until it is registered.
    fn new(configuration: &str) -> (Self, Program) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let address = socket.local_addr().unwrap();
        let mut pbx = Pbx::new(PbxConfig::new(address), 1);
        pbx.add_user("858", "hunter2");
        let line = format!("domain = \"127.0.0.1\"\nport = {}", address.port());
        let home = Home::new();
        let configuration =
            configuration.replace("domain = \"192.0.2.1\"", &line).replace("register = false\n", "");
        home.write("ringfence.toml", &configuration);
        let program = home.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut exchange = Self { home, pbx, socket };
        exchange.play(|pbx| pbx.is_registered("858"));
        (exchange, Program(program))
    }

    fn play(&mut self, holds: impl Fn(&Pbx) -> bool) {
        let start = Instant::now();
        let mut datagram = vec![0; 65_535];
        while !holds(&self.pbx) {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not come");
            while let Some((destination, bytes)) = self.pbx.poll_transmit() {
                self.socket.send_to(&bytes, destination).unwrap();
            }
            match self.socket.recv_from(&mut datagram) {
                Ok((length, source)) => self.pbx.handle_datagram(Instant::now(), source, &datagram[..length]),
                Err(_) => self.pbx.handle_timeout(Instant::now()),
            }
        }
    }

    /// Calls, gives up a call that rings, and returns how it ended when that is in the journal.
    fn call(&mut self, from: &str) -> Outcome {
        let recorded = |home: &Home| home.json(&["calls", "--json"]).len();
        let before = recorded(&self.home);
        let plan = CallPlan { cancel_after: Some(Duration::from_millis(50)), ..CallPlan::new(from, "858") };
        let id = self.pbx.call(Instant::now(), plan);
        self.play(|pbx| pbx.get(id).outcome().is_some());
        let start = Instant::now();
        while recorded(&self.home) == before {
            assert!(start.elapsed() < Duration::from_secs(20), "it is not recorded");
        }
        self.pbx.get(id).outcome().unwrap().clone()
    }
}

/// The running program, killed when it is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_tests_of_a_policy_are_run() {
    let home = Home::new();
    assert_eq!(home.told(&["test"]), "2 passed\nexit 0\n");
    home.write("wrong.toml", &CONFIGURATION.replace("rule = \"allowed\" }", "rule = \"listed\" }"));
    let told = home.told(&["test", "wrong.toml"]);
    assert!(
        told.starts_with("FAILED wrong.toml:54: a call by 0441234567\n  expected  listed\n  got       "),
        "{told}"
    );
    assert!(told.contains("-> YES    caller_in allow: entry +41441234567, inline"), "{told}");
    assert!(told.ends_with("1 passed, 1 failed\nexit 1\n"), "{told}");
    let rows = home.json(&["test", "ringfence.toml", "wrong.toml", "--json"]);
    let passed: Vec<bool> = rows.iter().map(|row| row["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [true, true, true, false]);
    home.write("broken.toml", "[[rule]]\nid = 7\n");
    let told = home.told(&["test", "broken.toml"]);
    assert!(
        told.starts_with("1 file with errors\nbroken.toml:1:1: error: ") && told.ends_with("exit 1\n"),
        "{told}"
    );
}

#[test]
fn the_calls_of_the_journal_are_told_without_a_running_program() {
    let home = Home::with_calls();
    let callers = |arguments: &[&str]| -> Vec<String> {
        let calls = home.json(&[&["calls", "--json"], arguments].concat());
        calls.iter().map(|call| call["caller"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(callers(&[]), ["+41791234567", "+41441112233", "+41445556677", "+41445556677"]);
    assert_eq!(callers(&["-n", "1"]), ["+41445556677"]);
    assert_eq!(callers(&["--caller", "044 111 22 33"]), ["+41441112233"]);
    assert_eq!(callers(&["--caller", "079*"]), ["+41791234567"]);
    assert_eq!(callers(&["--outcome", "reject", "--since", "50h"]), ["+41441112233"]);
    assert_eq!(callers(&["--rule", "otherwise", "--until", "1439m"]), ["+41445556677"]);
    assert_eq!(callers(&["--line", "home", "--rule", "allowed"]), [""; 0]);
    assert_eq!(home.told(&["calls", "--rule", "allowed"]), "no such calls\nexit 0\n");
    let told = home.told(&["calls", "-n", "1"]);
    assert!(told.contains("  +41445556677 → home  rang\n      c4  for a reason\n"), "{told}");
    let csv = home.told(&["calls", "--csv", "-n", "1"]);
    assert!(csv.starts_with("at,number,id,call_id,line,caller,"), "{csv}");
    assert!(csv.contains(",4,0.23,23@pbx,home,+41445556677,,192.0.2.1:5060,ring,,,otherwise,"), "{csv}");
}

#[test]
fn before_the_first_call_there_are_none() {
    let home = Home::new();
    assert_eq!(home.told(&["calls"]), "no calls yet\nexit 0\n");
    assert_eq!(home.told(&["stats"]), "no calls\nexit 0\n");
    assert_eq!(home.told(&["replay"]), "there are no calls to decide again\nexit 0\n");
    for call in ["last", "c1"] {
        let told = home.told(&["why", call]);
        assert!(
            told.starts_with(&format!("error: there is no call {call}\n")) && told.ends_with("exit 2\n"),
            "{told}"
        );
    }
    assert!(!home.path("ringfence.db").exists());
}

#[test]
fn a_configuration_that_cannot_be_read_hides_neither_the_journal_nor_the_program() {
    let home = Home::with_calls();
    let _program = home.running();
    home.write("ringfence.toml", &CONFIGURATION.replace("[list.allow]", "[list.allow"));
    assert_eq!(home.json(&["calls", "--json"]).len(), 4);
    assert!(home.told(&["reload"]).contains("not reloaded: "), "{}", home.told(&["reload"]));
    home.write("ringfence.toml", "[journal\n");
    let told = home.told(&["calls"]);
    assert!(told.contains("error: where the journal is cannot be read in ringfence.toml\n"), "{told}");
    assert!(told.contains("hint: `ringfence check` tells why\nexit 2\n"), "{told}");
    let told = home.told(&["status"]);
    assert!(told.contains("hint: ringfence.toml cannot be read, and may say that"), "{told}");
    home.write("ringfence.toml", CONFIGURATION);
}

#[test]
fn a_journal_in_memory_cannot_be_asked_and_says_how_it_can() {
    let home = Home::new();
    home.write("ringfence.toml", &CONFIGURATION.replace("ringfence.db", "off"));
    for arguments in [&["stats"][..], &["replay"], &["why", "last"], &["was-wrong", "last", "--yes"]] {
        let told = home.told(arguments);
        assert!(told.contains("the journal is kept in memory"), "{told}");
        assert!(
            told.contains("hint: give it a file: [journal] path") && told.ends_with("exit 2\n"),
            "{told}"
        );
    }
    assert_eq!(home.decides("0791234567"), "listed");
}

#[test]
fn why_tells_the_whole_way_to_a_decision() {
    let home = Home::with_calls();
    for name in ["c1", "60@pbx", "0.60"] {
        let told = home.told(&["why", name]);
        assert!(told.starts_with("c1  "), "{told}");
        for expected in [
            "+41791234567 → home  rejected 486 by listed\n",
            "the policy has changed since then",
            "caller       +41791234567   [From]   trust: claimed\n",
            "rule 5  listed          -> YES    caller_in reject: entry +4179*, inline\n",
            "action       busy = reject with 486 (on a sole line)\n",
            "timing       decided in 12 µs\n",
            "shadow       idea would have decided: decline = reject with 603\n",
        ] {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
    }
    assert!(home.told(&["why", "last"]).starts_with("c4  "));
    assert!(!home.told(&["why", "+4"]).starts_with("c4  "), "with a plus it is a caller");
    assert!(home.told(&["why", "c4"]).contains("first_time: has called before"));
    assert!(home.told(&["why", "c3"]).contains("first_time: has never called"));
}

#[test]
fn why_tells_what_would_happen_if_a_number_called() {
    let home = Home::with_calls();
    assert_eq!(home.decides("044 123 45 67"), "allowed");
    assert_eq!(home.decides("+41223334455"), "we-called-them");
    let told = home.json(&["why", "1002", "--at", "2026-03-01T23:10", "--json"]);
    assert_eq!(told[0]["trace"]["at"], "2026-03-01 23:10:00.000 UTC");
    assert_eq!(told[0]["trace"]["decided_by"], "otherwise");
    assert_eq!(told[0]["call"], Value::Null);
    let now = Timestamp::now();
    let minute = |minutes: i64| now + SignedDuration::from_mins(minutes);
    for (minutes, days) in [(-2, 1), (2, 0)] {
        let time = minute(minutes).strftime("%H:%M").to_string();
        let told = home.json(&["why", "1002", "--at", &time, "--json"]);
        let day = minute(minutes + days * 24 * 60).strftime("%Y-%m-%d %H:%M").to_string();
        assert_eq!(told[0]["trace"]["at"], format!("{day}:00.000 UTC"), "{time}");
    }
}

#[test]
fn why_takes_a_time_on_the_clock_of_the_policy_as_a_test_does() {
    let home = Home::new();
    home.write("ringfence.toml", &CONFIGURATION.replace("\"UTC\"", "\"Asia/Tokyo\""));
    let told = home.json(&["why", "1002", "--at", "2026-03-01T23:10", "--json"]);
    assert_eq!(told[0]["trace"]["at"], "2026-03-01 23:10:00.000 JST");
}

#[test]
fn why_of_a_call_takes_neither_a_time_nor_a_line() {
    let home = Home::with_calls();
    for (flag, value) in [("--at", "2026-03-01T23:10"), ("--line", "home")] {
        let told = home.told(&["why", "last", flag, value]);
        assert!(
            told.contains(&format!("expected a number with {flag}, found a call, which has its own")),
            "{told}"
        );
    }
}

#[test]
fn replay_tells_what_a_change_would_have_done() {
    let home = Home::with_calls();
    home.write("stricter.toml", &CONFIGURATION.replace("\"+4179*\"", "\"+4179*\", \"+4144555*\""));
    let told = home.told(&["replay", "--policy", "stricter.toml", "--fail-on-change"]);
    assert!(told.starts_with("this change would have rejected 2 of your last 4 calls\n"), "{told}");
    assert!(
        told.contains("+41445556677 → home  ring → reject with 486\n      c4  otherwise → listed\n"),
        "{told}"
    );
    assert!(told.contains("rules in shadow mode would have decided: idea 3\n"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
    let told = home.json(&["replay", "--policy", "stricter.toml", "--since", "23h30m", "--json"]);
    assert_eq!((&told[0]["calls"], &told[0]["rejected"]), (&1.into(), &1.into()));
    let told = home.told(&["replay", "--policy", "ringfence.toml", "--fail-on-change"]);
    assert!(told.starts_with("this change would have changed nothing in your last 4 calls\n"), "{told}");
    assert!(told.ends_with("exit 0\n"), "{told}");
}

#[test]
fn a_candidate_is_tried_with_the_files_it_names() {
    let home = Home::with_calls();
    home.write("spam.txt", "+4144555*\n");
    home.write(
        "stricter.toml",
        &CONFIGURATION.replace("[list.reject]", "[list.reject]\nfiles = [\"spam.txt\"]"),
    );
    let told = home.told(&["replay", "--policy", "stricter.toml"]);
    assert!(told.starts_with("this change would have rejected 2 of your last 4 calls\n"), "{told}");
    std::fs::remove_file(home.path("spam.txt")).unwrap();
    let told = home.told(&["replay", "--policy", "stricter.toml"]);
    assert!(told.contains("cannot read the list spam.txt") && told.ends_with("exit 2\n"), "{told}");
}

#[test]
fn a_list_that_is_asked_for_each_call_is_not_asked_by_why() {
    let home = Home::new();
    let look_up =
        "[list.community]\nsource = \"lookup:https://192.0.2.9/x\"\non_miss = \"no_match\"\n[switch.on_call]";
    let rule = "[[rule]]\nid = \"bad\"\nwhen = { caller_in = \"community\" }\nthen = \"busy\"\n[[rule]]";
    let configuration = CONFIGURATION.replace("[switch.on_call]", look_up).replacen("[[rule]]", rule, 1);
    home.write("ringfence.toml", &configuration);
    let told = home.told(&["why", "0225556677"]);
    assert!(told.contains("not asked    community, which would be when the call came\n"), "{told}");
}

#[test]
fn replay_compares_the_policy_in_force_with_what_was_decided() {
    let home = Home::with_calls();
    home.write("ringfence.toml", &CONFIGURATION.replace(", \"+41441112233\"", ""));
    let told = home.told(&["replay"]);
    assert!(
        told.starts_with("the policy in force now would have let through 1 of your last 4 calls\n"),
        "{told}"
    );
    assert!(
        told.contains("+41441112233 → home  reject with 486 → ring\n      c2  listed → otherwise\n"),
        "{told}"
    );
}

#[test]
fn a_repeat_is_one_in_a_replay_as_it_was_then() {
    let home = Home::with_calls();
    let rule =
        "[[rule]]\nid = \"again\"\nwhen = { repeat = { count = 2, within = \"2h\" } }\nthen = \"decline\"\n";
    home.write("again.toml", &CONFIGURATION.replacen("[[rule]]", &format!("{rule}[[rule]]"), 1));
    let told = home.json(&["replay", "--policy", "again.toml", "--json"]);
    assert_eq!(told[0]["different"], 1);
    assert_eq!(told[0]["newest"][0]["call"]["number"], 4);
    assert_eq!(told[0]["newest"][0]["to"]["rule"], "again");
}

#[test]
fn a_candidate_that_has_callers_wait_longer_is_told_as_a_change() {
    let home = Home::with_calls();
    let rules = |seconds: u32| {
        let hold = format!("[treatment.later]\nhold = {{ seconds = {seconds} }}\n[[rule]]");
        let rules = CONFIGURATION.replacen("[[rule]]", &hold, 1);
        rules.replace("id   = \"otherwise\"\nthen = \"ring\"", "id   = \"otherwise\"\nthen = \"later\"")
    };
    home.write("ringfence.toml", &rules(20));
    home.write("longer.toml", &rules(40));
    let told = home.told(&["replay", "--policy", "longer.toml"]);
    assert!(told.contains("180, and 480 after 20 s → 180, and 480 after 40 s\n"), "{told}");
    let told = home.json(&["replay", "--policy", "longer.toml", "--json"]);
    assert_eq!((&told[0]["different"], &told[0]["rejected"]), (&json!(2), &json!(0)));
}

#[test]
fn a_candidate_with_errors_is_refused() {
    let home = Home::with_calls();
    home.write("broken.toml", &CONFIGURATION.replacen("then = \"busy\"", "then = \"bussy\"", 1));
    let told = home.told(&["replay", "--policy", "broken.toml"]);
    assert!(told.contains("broken.toml:") && told.contains("bussy"), "{told}");
    assert!(told.contains("broken.toml has 1 error\n") && told.ends_with("exit 2\n"), "{told}");
    assert!(home.told(&["replay", "--policy", "missing.toml"]).ends_with("exit 2\n"));
}

#[test]
fn stats_count_calls_per_rule_list_line_and_day() {
    let home = Home::with_calls();
    let told = home.told(&["stats"]);
    for expected in [
        "4 calls: 2 rejected, 2 rung\n",
        "RULE       CALLS  OF ALL\n",
        "listed     2       50.0 %  ########################################\n",
        "otherwise  2       50.0 %  ----------------------------------------\n",
        "reject  2       50.0 %",
        "home  4      100.0 %  ####################--------------------\n",
        "# turned away   - let through\n",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    let stats = home.json(&["stats", "--since", "30h", "--json"]);
    assert_eq!(stats[0]["rules"], json!({ "otherwise": { "ring": 2 } }));
}

#[test]
fn a_wrong_rejection_is_mended_by_removing_the_entry_that_names_the_caller() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "c2", "--yes"]);
    assert!(
        told.contains("proposal:  take +41441112233 off the list reject (ringfence.toml:21)\n"),
        "{told}"
    );
    assert!(told.contains("this change would have let through 1 of your last 4 calls\n"), "{told}");
    assert!(told.ends_with("took +41441112233 off the list reject (ringfence.toml:21)\nexit 0\n"), "{told}");
    assert!(!home.read("ringfence.toml").contains("41441112233"));
    assert_eq!(home.decides("+41441112233"), "otherwise");
}

#[test]
fn a_wrong_rejection_by_a_wider_entry_is_mended_by_allowing_the_caller() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "c1", "--yes"]);
    assert!(told.contains("proposal:  put +41791234567 on the list allow\n"), "{told}");
    assert!(told.contains("this change would have let through 1 of your last 4 calls\n"), "{told}");
    assert!(
        home.read("ringfence.toml").contains("  \"+41791234567\", # was wrong "),
        "{}",
        home.read("ringfence.toml")
    );
    assert_eq!(
        (home.decides("0791234567").as_str(), home.decides("0791234568").as_str()),
        ("allowed", "listed")
    );
}

#[test]
fn what_a_test_of_the_policy_expects_is_not_mended_away() {
    let home = Home::with_calls();
    home.call("+41799999999", 1, "reject", "listed", Some("+4179*"));
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("test 1 fails: expected listed → busy, got allowed → ring"), "{told}");
    assert!(told.contains("would have errors with that change: it is as it was\n"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
    assert_eq!(home.read("ringfence.toml"), CONFIGURATION);
}

#[test]
fn a_list_of_another_region_loses_the_entry_that_names_the_caller() {
    let home = Home::with_calls();
    let list = "entries = [\"+4179*\", \"+41441112233\"]";
    assert!(CONFIGURATION.contains(list));
    let abroad = "region = \"US\"\nentries = [\"+4179*\", \"011 41 44 111 22 33\"]";
    home.write("ringfence.toml", &CONFIGURATION.replace(list, abroad));
    let told = home.told(&["was-wrong", "c2", "--yes"]);
    assert!(
        told.contains("took 011 41 44 111 22 33 off the list reject") && told.ends_with("exit 0\n"),
        "{told}"
    );
    assert_eq!(home.decides("+41441112233"), "otherwise");
}

#[test]
fn a_change_that_a_test_forbids_is_undone_in_every_file() {
    let home = Home::with_calls();
    let configuration = CONFIGURATION
        .replace("entries = [\"+4179*\"", "files = [\"spam.txt\"]\nentries = [\"+41799999999\", \"+4179*\"")
        .replace("\"+4179*\", ", "");
    home.write("ringfence.toml", &configuration);
    home.write("spam.txt", "+41799999999 # wine\n");
    home.call("+41799999999", 1, "reject", "listed", Some("+41799999999"));
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("would have errors with that change: it is as it was\n"), "{told}");
    assert_eq!(home.read("ringfence.toml"), configuration);
    assert_eq!(home.read("spam.txt"), "+41799999999 # wine\n");
}

#[test]
fn where_no_rule_lets_a_list_through_the_caller_is_never_blocked() {
    let home = Home::with_calls();
    let rules = CONFIGURATION.replace(
        "when = { caller_in = \"allow\" }",
        "when = { caller_in = \"allow\", hours = \"03:00-03:01\" }",
    );
    home.write(
        "ringfence.toml",
        &rules
            .replace("[[test]]\ncall   = { caller = \"0441234567\" }\nexpect = { rule = \"allowed\" }\n", ""),
    );
    let told = home.told(&["was-wrong", "c1", "--yes"]);
    assert!(told.contains("proposal:  put +41791234567 on the list never_block\n"), "{told}");
    assert_eq!(home.decides("0791234567"), "never_block");
}

#[test]
fn a_call_that_should_not_have_rung_is_mended_by_listing_the_caller() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("proposal:  put +41445556677 on the list reject\n"), "{told}");
    assert!(told.contains("this change would have rejected 2 of your last 4 calls\n"), "{told}");
    assert_eq!(home.decides("+41445556677"), "listed");
}

#[test]
fn a_list_inside_any_that_lets_callers_through_is_enough() {
    let home = Home::with_calls();
    let any = "when = { any = [{ caller_in = \"allow\" }, { name = \"Anna*\" }] }";
    home.write("ringfence.toml", &CONFIGURATION.replace("when = { caller_in = \"allow\" }", any));
    let told = home.told(&["was-wrong", "c1", "--yes"]);
    assert!(told.contains("proposal:  put +41791234567 on the list allow\n"), "{told}");
    assert_eq!(home.decides("0791234567"), "allowed");
}

#[test]
fn a_list_that_only_rules_fill_is_never_proposed() {
    let home = Home::with_calls();
    let again = "[[rule]]\nid = \"again\"\nwhen = { caller_in = \"cooldown\" }\nthen = \"decline\"\n";
    let adding = "then = \"busy\"\nadd_to = { list = \"cooldown\", ttl = \"1h\" }";
    let rules = CONFIGURATION.replacen("[[rule]]", &format!("{again}[[rule]]"), 1);
    home.write("ringfence.toml", &rules.replacen("then = \"busy\"", adding, 1));
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("proposal:  put +41445556677 on the list reject\n"), "{told}");
    assert!(!home.read("ringfence.toml").contains("[list.cooldown]"), "{told}");
}

#[test]
fn of_several_lists_the_one_that_changes_the_fewest_calls_is_proposed() {
    let home = Home::with_calls();
    let strangers = "[[rule]]\nid = \"strangers\"\nwhen = { caller_in = \"strangers\", first_time = true }\n\
                     then = \"decline\"\n";
    let list = "[list.strangers]\nentries = [\"+41225556677\"]\n";
    let rules = CONFIGURATION.replace("[[rule]]\nid   = \"otherwise\"", &format!("{strangers}$0"));
    let rules = rules.replace("$0", "[[rule]]\nid   = \"otherwise\"");
    home.write("ringfence.toml", &rules.replace("[list.allow]", &format!("{list}[list.allow]")));
    let told = home.told(&["was-wrong", "c3", "--yes"]);
    assert!(told.contains("proposal:  put +41445556677 on the list strangers\n"), "{told}");
    assert!(told.contains("this change would have rejected 1 of your last 4 calls\n"), "{told}");
}

#[test]
fn nothing_is_changed_without_a_yes() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "c1"]);
    assert!(
        told.contains("hint: there is no terminal to ask on: --yes says it") && told.ends_with("exit 2\n"),
        "{told}"
    );
    let told = home.json(&["was-wrong", "c1", "--json"]);
    assert_eq!((&told[0]["applied"], &told[0]["remedy"]["list"]), (&false.into(), &"allow".into()));
    assert!(home.told(&["forget", "+41791234567"]).ends_with("exit 2\n"));
    assert_eq!(home.read("ringfence.toml"), CONFIGURATION);
    assert_eq!(home.json(&["calls", "--json"]).len(), 4);
}

#[test]
fn a_number_is_blocked_for_a_time() {
    let home = Home::new();
    let told = home.told(&["block", "0225556677", "--for", "30d", "--note", "sells wine"]);
    assert!(
        told.starts_with("blocked +41225556677 until 20") && told.ends_with(" in ringfence.toml\nexit 0\n"),
        "{told}"
    );
    assert_eq!(home.decides("+41225556677"), "listed");
    let listed = home.told(&["list"]);
    assert!(listed.contains("+41225556677") && listed.contains(": sells wine"), "{listed}");
    assert!(home.json(&["list", "reject", "--json"]).iter().any(|row| row["until"].is_string()), "{listed}");
    let in_ten_days = (Timestamp::now() + SignedDuration::from_hours(31 * 24)).to_string();
    let told = home.json(&["why", "+41225556677", "--at", &in_ten_days, "--json"]);
    assert_eq!(told[0]["trace"]["decided_by"], "otherwise");
    assert_eq!(home.told(&["remove", "+41225556677"]).lines().last(), Some("exit 0"));
    assert_eq!(home.decides("+41225556677"), "otherwise");
}

#[test]
fn an_entry_that_is_in_vain_is_told() {
    let home = Home::new();
    home.write(
        "ringfence.toml",
        &CONFIGURATION.replace("caller_in = \"reject\"", "caller_kind = \"mobile\""),
    );
    let told = home.told(&["block", "0225556677"]);
    assert!(told.contains("hint: no rule asks for that list") && told.ends_with("exit 0\n"), "{told}");
    let home = Home::new();
    assert!(!home.told(&["block", "0225556677"]).contains("hint"));
}

#[test]
fn an_entry_is_removed_from_the_file_it_stands_in() {
    let home = Home::new();
    home.write("org.toml", "[list.reject]\nentries = [\"+41225556677\", \"+41225556688\"]\n");
    home.write("ringfence.toml", &format!("include = [\"org.toml\"]\n{CONFIGURATION}"));
    let told = home.told(&["remove", "+41225556688"]);
    assert_eq!(told, "removed +41225556688 from the reject list (org.toml:2)\nexit 0\n");
    assert_eq!(home.read("org.toml"), "[list.reject]\nentries = [\"+41225556677\"]\n");
    assert_eq!(home.read("ringfence.toml"), format!("include = [\"org.toml\"]\n{CONFIGURATION}"));
    let told = home.told(&["remove", "+41441112233"]);
    assert_eq!(told, "removed +41441112233 from the reject list (ringfence.toml:22)\nexit 0\n");
    assert!(!home.read("ringfence.toml").contains("+41441112233"));
    assert_eq!(home.read("org.toml"), "[list.reject]\nentries = [\"+41225556677\"]\n");
}

#[test]
fn blocking_again_lasts_as_long_as_was_said_last() {
    let home = Home::new();
    home.told(&["block", "0225556677", "--for", "1h"]);
    home.told(&["block", "0225556677", "--for", "2d"]);
    assert_eq!(home.read("ringfence.toml").matches("+41225556677").count(), 1);
    assert!(home.told(&["block", "0225556677"]).starts_with("blocked +41225556677 in ringfence.toml\n"));
    assert!(!home.read("ringfence.toml").contains("until"));
    assert!(
        home.told(&["block", "0225556677", "--for", "1h"]).starts_with("+41225556677 is blocked already")
    );
    assert!(home.told(&["block", "0225556678", "--for", "ever"]).ends_with("exit 2\n"));
}

#[test]
fn a_switch_is_flipped_without_a_running_program() {
    let home = Home::new();
    assert!(home.told(&["switch"]).contains("on_call  off     off"), "{}", home.told(&["switch"]));
    assert_eq!(home.decides("0791234567"), "listed");
    let told = home.told(&["switch", "on_call", "on"]);
    assert!(
        told.starts_with("on_call is on until ") && told.ends_with(", for 2 h 0 min\nexit 0\n"),
        "{told}"
    );
    assert_eq!(home.decides("0791234567"), "on-call");
    assert_eq!(home.told(&["switch", "on_call", "off"]), "on_call is off\nexit 0\n");
    assert_eq!(home.decides("0791234567"), "listed");
    let told = home.told(&["switch", "on_cal", "on"]);
    assert!(told.contains("hint: it has: on_call\n") && told.ends_with("exit 2\n"), "{told}");
    assert!(home.told(&["switch", "on_call", "for"]).ends_with("exit 2\n"));
}

#[test]
fn a_running_program_is_told_of_switches_and_of_numbers_that_were_dialled() {
    let home = Home::new();
    let program = home.running();
    assert!(home.told(&["switch", "on_call", "for", "3h"]).starts_with("on_call is on until "));
    assert_eq!(home.json(&["switch", "--json"])[0]["is_on"], true);
    assert_eq!(home.told(&["dialed", "0225556677", "1002"]), "noted 2 numbers as dialled\nexit 0\n");
    assert!(home.told(&["why", "0225556677"]).contains("we-called-them"));
    drop(program);
    assert_eq!(home.json(&["switch", "--json"])[0]["is_on"], true);
}

#[test]
fn a_number_that_was_spoken_with_is_a_number_at_a_time_that_was() {
    let home = Home::new();
    assert_eq!(home.told(&["answered", "0225556677"]), "noted 1 number as answered\nexit 0\n");
    for verb in ["dialed", "answered"] {
        let told = home.told(&[verb, "0225556677", "--at", "2999-01-01"]);
        assert!(told.contains("expected a time that was") && told.ends_with("exit 2\n"), "{told}");
        let told = home.told(&[verb, "0225556677", "alice"]);
        assert!(told.contains("expected a number, found \"alice\"") && told.ends_with("exit 2\n"), "{told}");
    }
}

#[test]
fn a_person_is_forgotten_with_and_without_a_running_program() {
    let home = Home::with_calls();
    assert_eq!(
        home.told(&["forget", "044 555 66 77", "--yes"]),
        "forgot +41445556677: 2 calls, 0 notes\nexit 0\n"
    );
    let program = home.running();
    assert_eq!(
        home.told(&["forget", "+41223334455", "--yes"]),
        "forgot +41223334455: 0 calls, 1 note\nexit 0\n"
    );
    assert_eq!(
        home.told(&["forget", "+41791234567", "-y"]),
        "forgot +41791234567: 1 call, 0 notes\nexit 0\n"
    );
    assert_eq!(home.told(&["forget", "+41791234567", "-y"]), "nothing was known of +41791234567\nexit 1\n");
    drop(program);
    let calls = home.json(&["calls", "--json"]);
    assert_eq!((calls.len(), &calls[0]["caller"]), (1, &"+41441112233".into()));
    assert!(
        home.told(&["forget", "anonymous", "--yes"])
            .contains("callers without a number cannot be told from each other")
    );
}

#[test]
fn a_person_is_forgotten_where_another_call_names_them_as_people_dial_there() {
    let home = Home::with_calls();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let forward = |diverted: &str| {
        home.call("+41445556688", 1, "ring", "otherwise", None);
        let facts = format!(r#"{{"caller":"+41445556688","diverted":"{diverted}"}}"#);
        journal.execute("UPDATE calls SET facts = ?1 WHERE number = (SELECT max(number) FROM calls)", [facts])
    };
    for diverted in ["0319998877", "0041319998877", "01141319998877", "+41319998877", "0319998876"] {
        assert_eq!(forward(diverted), Ok(1));
    }
    let forgotten = "forgot +41319998877: 4 calls, 0 notes\nexit 0\n";
    assert_eq!(home.told(&["forget", "+41319998877", "--yes"]), forgotten);
    let told = home.told(&["calls", "--json", "-n", "1"]);
    assert!(told.contains("0319998876") && !told.contains("319998877"), "{told}");
}

#[test]
fn a_row_of_call_records_that_is_no_number_is_told_and_left_out() {
    let home = Home::new();
    std::fs::write(home.path("records"), "0225556677\nanonymous\n\n0225556678\n").unwrap();
    let records = std::fs::File::open(home.path("records")).unwrap();
    let output = home.command(&["dialed", "-"]).stdin(records).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "noted 2 numbers as dialled, left out 1\n");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("line 2: expected a number, found \"anonymous\""), "{told}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!([home.decides("0225556677"), home.decides("0225556678")], ["we-called-them"; 2]);
}

#[test]
fn numbers_that_were_dialled_are_read_from_call_records() {
    let home = Home::new();
    let records = home.path("records");
    std::fs::write(&records, "0225556677\n\n 022 555 66 78 \n").unwrap();
    let output =
        home.command(&["dialed", "-", "--at", "40d"]).stdin(std::fs::File::open(&records).unwrap()).output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "noted 2 numbers as dialled\n");
    assert_eq!(home.decides("0225556677"), "otherwise");
    assert_eq!(home.told(&["dialed", "0225556678"]), "noted 1 number as dialled\nexit 0\n");
    assert_eq!(home.decides("0225556678"), "we-called-them");
}

#[test]
fn a_call_that_came_in_is_asked_about_replayed_and_mended() {
    let (mut exchange, program) = Exchange::new(CONFIGURATION);
    assert!(matches!(exchange.call("+41791234567"), Outcome::Rejected { status: 486, .. }));
    assert_eq!(exchange.call("+41225556677"), Outcome::Cancelled);
    let home = &exchange.home;
    let told = home.told(&["why", "c1"]);
    for expected in [
        "+41791234567 → home  rejected 486 by listed, acknowledged with 486\n",
        "caller       +41791234567   [From]   trust: claimed\n",
        "called       858   [To]   trust: claimed\n",
        "rule 5  listed          -> YES    caller_in reject: entry +4179*, inline\n",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    assert!(!told.contains("the policy has changed"), "{told}");
    assert!(home.told(&["replay", "--fail-on-change"]).contains("changed nothing in your last 2 calls"));
    assert!(
        home.told(&["was-wrong", "c1", "--yes"]).ends_with("put +41791234567 on the list allow\nexit 0\n")
    );
    assert!(home.told(&["reload"]).ends_with("exit 0\n"));
    assert_eq!(exchange.call("+41791234567"), Outcome::Cancelled);
    assert!(exchange.home.told(&["why", "c1"]).contains("the policy has changed since then"));
    drop(program);
}

#[test]
fn a_policy_in_shadow_mode_lets_calls_through_and_puts_nobody_on_a_list() {
    let shadow = CONFIGURATION.replace("timezone = \"UTC\"", "timezone = \"UTC\"\nmode = \"shadow\"");
    let adding = "then = \"busy\"\nadd_to = { list = \"allow\", ttl = \"1h\" }";
    let (mut exchange, _program) = Exchange::new(&shadow.replacen("then = \"busy\"", adding, 1));
    assert_eq!(exchange.call("+41791234567"), Outcome::Cancelled);
    assert_eq!(exchange.call("+41791234567"), Outcome::Cancelled);
    let calls = exchange.home.json(&["calls", "--json"]);
    assert_eq!((&calls[0]["rule"], &calls[1]["rule"]), (&"listed".into(), &"listed".into()));
    let reason = calls[0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("the policy is in shadow mode, else it would reject with 486"), "{reason}");
    assert_eq!(exchange.call("+442079460999"), Outcome::Cancelled);
    let stats = &exchange.home.json(&["stats", "--json"])[0];
    assert_eq!(
        (&stats["all"], &stats["shadows"]),
        (&json!({ "ring": 3 }), &json!({ "idea": 2, "listed": 2 }))
    );
    assert_eq!(exchange.home.json(&["replay", "--json"])[0]["different"], 0);
}

#[test]
fn why_calls_and_stats_agree_on_what_shadow_mode_prevents() {
    let home = Home::with_calls();
    let shadow = CONFIGURATION.replace("timezone = \"UTC\"", "timezone = \"UTC\"\nmode = \"shadow\"");
    home.write("ringfence.toml", &shadow);
    let told = home.json(&["why", "0791234567", "--json"]);
    let listed = json!({ "rule": "listed", "action": "busy = reject with 486" });
    assert_eq!(told[0]["shadow"], json!([listed]));
    let told = home.told(&["why", "0791234567"]);
    assert!(told.contains(" shadow       listed would have decided: busy = reject with 486\n"), "{told}");
    assert!(!told.contains("no rule"), "{told}");
    let told = home.told(&["why", "+41445556677"]);
    assert!(told.contains(" shadow       no rule would have done anything but let it ring\n"), "{told}");
    assert!(told.contains("; without shadow mode it would ring as well\n"), "{told}");
    assert_eq!(home.json(&["why", "+41445556677", "--json"])[0]["shadow"], json!([]));
}

#[test]
fn why_shows_a_caller_and_a_name_alike_wherever_it_does() {
    let home = Home::with_calls();
    home.call("al\u{202e}ice \"x", 1, "ring", "otherwise", None);
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let facts = json!({ "caller": "al\u{202e}ice \"x", "name": "Zoë\u{7}\" \u{200b}山", "line": "home" });
    let update = "UPDATE calls SET facts = ?1, display_name = ?2 WHERE number = 5";
    journal.execute(update, [facts.to_string().as_str(), "Zoë\u{7}\" \u{200b}山"]).unwrap();
    let told = home.told(&["why", "c5"]);
    let (caller, name) = (r#""al·ice \"x""#, r#""Zoë·\" ·山""#);
    assert_eq!((told.matches(caller).count(), told.matches(name).count()), (2, 2), "{told}");
}

#[test]
fn what_cannot_be_done_yet_is_replayed_as_what_was_done() {
    let home = Home::with_calls();
    let spoken = CONFIGURATION
        .replace("[switch.on_call]", "[treatment.tape]\nanswer.max_seconds = 12\n[switch.on_call]");
    let spoken =
        spoken.replace("id   = \"otherwise\"\nthen = \"ring\"", "id   = \"otherwise\"\nthen = \"tape\"");
    home.write("ringfence.toml", &spoken);
    assert_eq!(home.json(&["replay", "--since", "30h", "--json"])[0]["different"], 0);
}

#[test]
fn a_note_without_a_word_is_none() {
    let home = Home::new();
    assert!(home.told(&["block", "0225556677", "--note", " "]).ends_with("exit 0\n"));
    assert!(home.told(&["block", "0225556688", "--for", "2h", "--note", ""]).ends_with("exit 0\n"));
    let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
    let written = home.read("ringfence.toml");
    assert_eq!(written.matches(&format!("blocked {today}")).count(), 2, "{written}");
    assert!(!written.contains(&format!("blocked {today}:")), "{written}");
}

#[test]
fn help_can_be_read_whatever_columns_says() {
    let home = Home::new();
    let usual = home.told(&["why", "--help"]);
    for no_width in ["0", "abc", ""] {
        let output = home.command(&["why", "--help"]).env("COLUMNS", no_width).output().unwrap();
        assert_eq!(format!("{}exit 0\n", String::from_utf8(output.stdout).unwrap()), usual, "{no_width:?}");
    }
    let output = home.command(&["why", "--help"]).env("COLUMNS", "1").output().unwrap();
    let narrow = String::from_utf8(output.stdout).unwrap();
    assert!(narrow.starts_with("Tell all of a"), "{narrow}");
}

#[test]
fn a_policy_in_shadow_mode_that_would_ring_otherwise_would_have_done_nothing_else() {
    let shadow = CONFIGURATION.replace("timezone = \"UTC\"", "timezone = \"UTC\"\nmode = \"shadow\"");
    let quiet = "[treatment.quiet]\nring = { silent = true }\n[[rule]]";
    let shadow = shadow.replacen("[[rule]]", quiet, 1);
    let shadow =
        shadow.replace("id   = \"otherwise\"\nthen = \"ring\"", "id   = \"otherwise\"\nthen = \"quiet\"");
    let (mut exchange, _program) = Exchange::new(&shadow);
    assert_eq!(exchange.call("+442079460999"), Outcome::Cancelled);
    let stats = &exchange.home.json(&["stats", "--json"])[0];
    assert_eq!((&stats["all"], &stats["shadows"]), (&json!({ "ring": 1 }), &json!({ "idea": 1 })));
    assert_eq!(exchange.home.json(&["calls", "--json"])[0]["evidence"]["shadow"], json!(["idea"]));
}

/// Returns a policy in which who is turned away is so in another way for ten minutes.
fn cooling() -> String {
    let cool =
        "[list.cool]\n[[rule]]\nid = \"cool\"\nwhen = { caller_in = \"cool\" }\nthen = \"decline\"\n[[rule]]";
    let adding = "then = \"busy\"\nadd_to = { list = \"cool\", ttl = \"10m\" }";
    CONFIGURATION.replacen("[[rule]]", cool, 1).replacen("then = \"busy\"", adding, 1)
}

#[test]
fn a_call_that_an_entry_for_a_time_decides_is_told_with_what_added_it_and_until_when() {
    let (mut exchange, _program) = Exchange::new(&cooling());
    for status in [486, 603] {
        let outcome = exchange.call("+41791234567");
        assert!(matches!(outcome, Outcome::Rejected { status: found, .. } if found == status), "{outcome:?}");
    }
    let home = &exchange.home;
    let call = &home.json(&["calls", "--json"])[1];
    assert_eq!((&call["rule"], &call["evidence"]["list"]), (&"cool".into(), &"cool".into()));
    assert_eq!(call["entry"], "+41791234567");
    let reason = call["reason"].as_str().unwrap();
    let expected = "rejected with 603: +41791234567 is on the cool list (put there by rule listed until ";
    assert!(reason.starts_with(expected), "{reason}");
    let lists = &home.json(&["stats", "--json"])[0]["lists"];
    assert_eq!(lists, &json!({ "cool": { "reject": 1 }, "reject": { "reject": 1 } }));
    let told = home.told(&["why", "last"]);
    assert!(told.contains("-> YES    caller_in cool: put there by rule listed until "), "{told}");
}

#[test]
fn a_wrong_rejection_by_an_entry_for_a_time_is_mended_by_ending_it() {
    let adding = "id   = \"otherwise\"\nadd_to = { list = \"cool\", ttl = \"10m\" }";
    let (mut exchange, _program) = Exchange::new(&cooling().replace("id   = \"otherwise\"", adding));
    assert_eq!(exchange.call("+41225556677"), Outcome::Cancelled);
    let outcome = exchange.call("+41225556677");
    assert!(matches!(outcome, Outcome::Rejected { status: 603, .. }), "{outcome:?}");
    let before = exchange.home.read("ringfence.toml");
    let told = exchange.home.told(&["was-wrong", "last", "--yes"]);
    let expected = "took +41225556677 off the list cool (journal, put there by rule otherwise)\nexit 0\n";
    assert!(told.ends_with(expected), "{told}");
    assert_eq!(exchange.home.read("ringfence.toml"), before);
    assert_eq!(exchange.call("+41225556677"), Outcome::Cancelled);
}

#[test]
fn what_the_journal_cannot_write_is_in_force_and_said_not_to_be_written() {
    let home = Home::new();
    let _program = home.running();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    journal.execute_batch("BEGIN IMMEDIATE").unwrap();
    let told = home.told(&["switch", "on_call", "on"]);
    assert!(told.starts_with("on_call is on until ") && told.ends_with("exit 1\n"), "{told}");
    assert!(told.contains("it is in force and not yet written: a restart would forget it"), "{told}");
    assert_eq!(home.json(&["switch", "--json"])[0]["is_on"], true);
    assert!(home.told(&["dialed", "0225556677"]).ends_with("exit 1\n"));
    let told = home.told(&["calls"]);
    assert!(told.contains("hint: 2 records wait to be written, and may be missing here"), "{told}");
    journal.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn calls_are_followed_as_they_happen() {
    let (mut exchange, _program) = Exchange::new(CONFIGURATION);
    exchange.call("+41791234567");
    let mut command = exchange.home.command(&["calls", "--follow", "--json", "--outcome", "reject"]);
    let mut following = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(following.0.stdout.take().unwrap()).lines();
    let mut news = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(news.next().unwrap()["caller"], "+41791234567");
    exchange.call("+41441112233");
    exchange.call("+41225556677");
    // How the first call ended may be told before.
    let second = news.find(|told| told["event"] == "call").unwrap();
    assert_eq!(second["caller"], "+41441112233");
    assert_eq!(news.next().unwrap()["event"], "ended");
}

#[test]
fn a_program_that_keeps_its_journal_in_memory_tells_the_calls_of_its_run() {
    let (mut exchange, program) = Exchange::new(&CONFIGURATION.replace("ringfence.db", "off"));
    exchange.call("+41791234567");
    exchange.call("+41225556677");
    let home = &exchange.home;
    let told = home.told(&["calls", "--outcome", "reject"]);
    assert!(told.contains("+41791234567 → home  rejected 486") && !told.contains("+41225556677"), "{told}");
    assert_eq!(home.json(&["calls", "--json", "-n", "1"])[0]["caller"], "+41225556677");
    assert!(home.told(&["switch", "on_call", "on"]).starts_with("on_call is on until "));
    assert_eq!(
        home.told(&["forget", "+41791234567", "-y"]),
        "forgot +41791234567: 1 call, 0 notes\nexit 0\n"
    );
    drop(program);
    let told = home.told(&["switch", "on_call", "on"]);
    assert!(
        told.contains("its journal is kept in memory: there is nowhere to note it")
            && told.ends_with("exit 2\n"),
        "{told}"
    );
}

#[test]
fn a_withheld_number_is_told_only_to_who_asks() {
    let home = Home::with_calls();
    home.call("anonymous", 1, "reject", "listed", Some("079 222 33 44"));
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let facts = r#"{"caller":"+41792223344","host":"pbx","name":"Anna","withheld":true,"line":"home"}"#;
    let update = "UPDATE calls SET identity = '+41792223344', display_name = 'Anna', facts = ?1, \
                  reason = 'busy: a withheld number is on the reject list (entry 079 222 33 44, inline)' \
                  WHERE caller = 'anonymous'";
    journal.execute(update, [facts]).unwrap();
    let insert = "INSERT INTO entries VALUES ('reject', '+41792223344', 1, NULL, 'trap', 'withheld')";
    journal.execute(insert, []).unwrap();
    for verb in [["calls"].as_slice(), &["why", "last"], &["list"]] {
        for more in [[].as_slice(), &["--json"]] {
            let told = home.told(&[verb, more].concat());
            let is_silent = ["2223344", "222 33 44", "Anna"].iter().all(|secret| !told.contains(secret));
            assert!(is_silent && told.ends_with("exit 0\n"), "{told}");
            let told = home.told(&[verb, &["--withheld"], more].concat());
            assert!(told.contains("+41792223344"), "{told}");
        }
    }
    assert!(!home.told(&["calls", "--csv"]).contains("2223344"));
    assert!(home.told(&["list"]).contains("withheld"));
    let forgotten = "forgot +41792223344: 1 call, 1 note\nexit 0\n";
    assert_eq!(home.told(&["forget", "079 222 33 44", "--yes"]), forgotten);
}

#[test]
fn who_asks_is_told_the_entry_that_a_withheld_number_met() {
    let home = Home::with_calls();
    home.call("anonymous", 1, "reject", "listed", Some("+4179*"));
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let facts = r#"{"caller":"+41792223344","host":"pbx","withheld":true,"line":"home"}"#;
    let update =
        "UPDATE calls SET identity = '+41792223344', facts = ?1, entry = NULL WHERE caller = 'anonymous'";
    journal.execute(update, [facts]).unwrap();
    let entry = " entry        +4179* on the reject list, inline\n";
    let told = home.told(&["why", "last", "--withheld"]);
    assert!(told.contains(entry) && told.contains("-> YES    caller_in reject\n"), "{told}");
    let told = home.json(&["why", "last", "--withheld", "--json"]);
    assert_eq!(told[0]["entry"], json!({ "list": "reject", "entry": "+4179*", "origin": "inline" }));
    assert!(!home.told(&["why", "last"]).contains("+4179*"));
    assert_eq!(home.json(&["why", "last", "--json"])[0]["entry"], Value::Null);
    assert!(!home.told(&["why", "c1", "--withheld"]).contains(entry), "it stands in the trace");
}

#[test]
fn calls_of_a_line_or_a_rule_that_is_nowhere_are_a_mistake() {
    let home = Home::with_calls();
    home.call("+41445556677", 1, "ring", "of-before", None);
    for (filter, told) in [
        (["--line", "office"], "expected a line, found \"office\"\nhint: the lines are: home\nexit 2\n"),
        (
            ["--rule", "lsited"],
            "expected a rule, found \"lsited\"\nhint: the rules are: allowed, on-call, we-called-them, idea, listed, \
             otherwise, of-before\nexit 2\n",
        ),
        (
            ["--outcome", "rejected"],
            "[possible values: reject, redirect, send-on, ring, stand-aside, ignore, refuse]",
        ),
    ] {
        for form in ["--json", "--csv", "--withheld"] {
            let all = home.told(&[&["calls", form][..], &filter].concat());
            assert!(all.contains(told) && all.starts_with("error: "), "{all}");
        }
    }
    for known in ["of-before", "on_error", "undecided", "on-call"] {
        assert!(home.told(&["calls", "--rule", known]).ends_with("exit 0\n"), "{known}");
    }
}

#[test]
fn a_time_that_ends_before_it_begins_is_a_mistake() {
    let home = Home::with_calls();
    let told = home.told(&["calls", "--since", "2026-03-02T10:00Z", "--until", "2026-03-01T09:30Z"]);
    let expected =
        "error: expected --since before --until, found 2026-03-02 10:00:00 and 2026-03-01 09:30:00\nhint: ";
    assert!(told.starts_with(expected) && told.ends_with("exit 2\n"), "{told}");
    assert!(home.told(&["calls", "--since", "1d", "--until", "1d"]).ends_with("exit 2\n"));
    assert!(home.told(&["calls", "--since", "2d", "--until", "1d"]).ends_with("exit 0\n"));
}

#[test]
fn where_the_configuration_cannot_be_read_no_name_is_a_mistake() {
    let home = Home::with_calls();
    home.write("ringfence.toml", &CONFIGURATION.replace("rule]]\nid   = \"otherwise\"", "rule]]\nid = 7"));
    assert_eq!(home.told(&["calls", "--rule", "lsited"]), "no such calls\nexit 0\n");
    assert_eq!(home.json(&["calls", "--json", "--rule", "listed"]).len(), 2);
}

#[test]
fn a_line_is_asked_for_by_the_name_of_its_policy_as_well() {
    let home = Home::with_calls();
    let named = "[line.work]\naccount = \"home\"\n[list.allow]";
    home.write("ringfence.toml", &CONFIGURATION.replace("[list.allow]", named));
    assert_eq!(home.json(&["calls", "--json", "--line", "work"]).len(), 4);
}

/// Returns the policy of a line where nothing rings: what it says of position, and of where a welcome call goes.
fn where_nothing_rings(line: &str) -> String {
    CONFIGURATION.replacen("[list.allow]", &format!("[line.home]\n{line}\n[list.allow]"), 1)
}

#[test]
fn a_call_that_is_let_through_where_nothing_rings_was_sent_on_wherever_it_is_told() {
    let (mut exchange, _program) = Exchange::new(&where_nothing_rings("position = \"inline\"\nring = 404"));
    assert!(matches!(exchange.call("+41225556677"), Outcome::Rejected { status: 404, .. }));
    exchange.call("+41791234567");
    let home = &exchange.home;
    let call = &home.json(&["calls", "--json", "--outcome", "send-on"])[0];
    assert_eq!(call["verdict"], json!({ "action": "send_on", "status": 404 }));
    assert_eq!(call["reason"], "sent on (404): +41225556677 meets no other rule");
    let told = home.told(&["calls"]);
    assert!(told.contains("+41225556677 → home  sent on (404), acknowledged with 404\n"), "{told}");
    let told = home.told(&["why", "c1"]);
    assert!(told.contains(" → home  sent on (404) by otherwise"), "{told}");
    assert!(told.contains(" action       ring = send on (404) (on an inline line)\n"), "{told}");
    assert!(home.told(&["stats"]).contains("2 calls: 1 rejected, 1 sent on\n"), "{}", home.told(&["stats"]));
    assert!(home.told(&["status"]).contains("1 rejected, 0 redirected, 0 rung, 0 ignored, 1 sent on\n"));
    assert_eq!(home.json(&["replay", "--json"])[0]["different"], 0);
    assert!(home.told(&["was-wrong", "c1"]).contains("put +41225556677 on the list reject"));
}

#[test]
fn a_call_that_is_redirected_to_the_phones_was_sent_on_to_them() {
    let (mut exchange, _program) =
        Exchange::new(&where_nothing_rings("position = \"first\"\nring = \"sip:201@pbx.example\""));
    assert!(matches!(exchange.call("+41225556677"), Outcome::Redirected { .. }));
    let home = &exchange.home;
    let call = &home.json(&["calls", "--json"])[0];
    assert_eq!(call["verdict"], json!({ "action": "send_on", "status": 302, "to": "sip:201@pbx.example" }));
    assert_eq!(call["reason"], "sent on to sip:201@pbx.example: +41225556677 meets no other rule");
    assert!(home.told(&["calls"]).contains(" → home  sent on to sip:201@pbx.example"));
    assert_eq!(home.json(&["replay", "--json"])[0]["different"], 0);
    assert!(home.told(&["calls", "--csv"]).contains(",send_on,302,sip:201@pbx.example,otherwise,"));
}

/// Notes a call that an entry for a time decided, five hours ago.
fn decided_for_a_time(home: &Home, hours: i64) {
    home.write("ringfence.toml", &cooling());
    home.call("+41225556677", 5, "reject", "cool", Some("+41225556677"));
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let hour = |hours: i64| (Timestamp::now() + SignedDuration::from_hours(hours)).as_microsecond();
    let insert = "INSERT INTO entries VALUES ('cool', '+41225556677', ?1, ?2, 'listed', NULL)";
    journal.execute(insert, [hour(-6), hour(hours)]).unwrap();
    journal.execute("UPDATE calls SET list = 'cool', policy = NULL WHERE rule = 'cool'", []).unwrap();
}

#[test]
fn a_call_that_an_entry_decided_which_is_over_needs_no_mending() {
    let home = Home::with_calls();
    decided_for_a_time(&home, -4);
    let told = home.told(&["was-wrong", "last", "--yes"]);
    let expected = "the entry that decided c5 is over: +41225556677 was on the list cool until ";
    assert!(told.starts_with(expected), "{told}");
    let expected =
        ", put there by rule listed, and the policy in force would let it through: nothing to mend\nhint: ";
    assert!(told.contains(expected) && told.ends_with("exit 1\n"), "{told}");
    let told = &home.json(&["was-wrong", "last", "--yes", "--json"])[0];
    assert_eq!((&told["over"]["list"], &told["over"]["rule"]), (&"cool".into(), &"listed".into()));
    assert_eq!((&told["remedy"], &told["policy_has_changed"]), (&Value::Null, &false.into()));
    assert_eq!(home.read("ringfence.toml"), cooling());
}

#[test]
fn a_call_is_mended_by_ending_the_entry_that_came_anew() {
    let home = Home::with_calls();
    decided_for_a_time(&home, 4);
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let now = Timestamp::now().as_microsecond() - 60_000_000;
    journal.execute("UPDATE entries SET added = ?1", [now]).unwrap();
    drop(journal);
    let told = home.told(&["was-wrong", "last", "--yes"]);
    let expected = "took +41225556677 off the list cool (journal, put there by rule listed)\nexit 0\n";
    assert!(told.ends_with(expected), "{told}");
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains(" changed since c5, and the policy in force would let it through"), "{told}");
}
