//! The running program, through its real binary and real sockets of the loopback interface: a PBX
//! that it registers with and that calls it, signals, files that change, the verbs that ask it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bench::{Bench, PATIENCE, rejected};
use ringfence_testing::{CallPlan, Mode, Outcome};

#[test]
fn a_listed_caller_is_rejected_and_the_program_says_why() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    assert_eq!(bench.call("0791234567"), rejected());
    assert_eq!(bench.call("0441234567"), Outcome::Cancelled);

    let status = bench.json(&["status", "--json"]);
    assert_eq!(status["lines"][0]["state"], "registered", "{status}");
    assert_eq!((&status["calls"]["rejected"], &status["calls"]["rung"]), (&1.into(), &1.into()));
    assert_eq!(bench.ask(&["status"]).status.code(), Some(0));

    let output = String::from_utf8(bench.ask(&["calls", "--json"]).stdout).unwrap();
    let calls: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (calls[0]["caller"].as_str(), calls[0]["rule"].as_str()),
        (Some("+41791234567"), Some("listed"))
    );
    assert_eq!(
        (&calls[0]["ended"]["status"], &calls[1]["ended"]["status"]),
        (&486.into(), &487.into()),
        "{output}"
    );
    let told = String::from_utf8(bench.ask(&["calls"]).stdout).unwrap();
    assert!(told.contains("+41791234567 is on the reject list (entry +4179*, spam.txt:1)"), "{told}");
}

#[test]
fn the_log_shows_what_was_decided_but_not_who_called() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    bench.call("0791234567");
    let is_over = |bench: &Bench| bench.json(&["calls", "--json"])["ended"]["how"] == "acknowledged";
    assert!(bench.play_until(PATIENCE, is_over), "{}", bench.log());
    let log = bench.log();
    for expected in
        ["registered line=\"home\"", "call decided", "+417xxxxxx67", "verdict=\"reject\"", "status=486"]
    {
        assert!(log.contains(expected), "{expected} is not in {log}");
    }
    let call = bench.json(&["calls", "--json"]);
    assert!(log.contains(&format!("id={}", call["id"])), "{log}");
    assert!(!log.contains("call ended"), "a refusal ends as is to be expected: {log}");
    for secret in ["1234567", "hunter2", call["call_id"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[test]
fn the_first_call_after_a_change_of_a_list_is_decided_by_it() {
    let mut bench = Bench::new();
    bench.write("more.txt", "044 123 45 67\n");
    let _program = bench.registered();
    for (arguments, outcome) in [
        (&["block", "044 123 45 67"][..], rejected()),
        (&["remove", "044 123 45 67"], Outcome::Cancelled),
        (&["list", "import", "more.txt", "--to", "reject"], rejected()),
        (&["allow", "044 123 45 67"], Outcome::Cancelled),
        (&["remove", "044 123 45 67"], Outcome::Cancelled),
        (&["block", "044 123 45 67", "--for", "1h"], rejected()),
        (&["was-wrong", "last", "--yes"], Outcome::Cancelled),
    ] {
        assert_eq!(bench.ask(arguments).status.code(), Some(0), "{arguments:?}");
        assert_eq!(bench.call("+41441234567"), outcome, "{arguments:?}");
    }
}

#[test]
fn a_list_is_watched_on_when_its_directory_is_named_another_way() {
    let mut bench = Bench::new();
    std::fs::create_dir(bench.path("lists")).unwrap();
    bench.write("lists/r.txt", "");
    let list = |name: &str| format!("\n[list.allow]\nfiles = [\"{name}\"]\n");
    let good = bench.configuration("858", "hunter2");
    bench.write("ringfence.toml", &format!("{good}{}", list("lists/r.txt")));
    let _program = bench.registered();
    let absolute = bench.path("lists/r.txt");
    bench.write("ringfence.toml", &format!("{good}{}", list(&absolute.to_string_lossy())));
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("reloaded")), "{}", bench.log());
    bench.write("lists/r.txt", "0791234567\n");
    assert!(bench.comes_to("0791234567", &Outcome::Cancelled), "{}", bench.log());
    bench.write("lists/r.txt", "0797654321\n");
    assert!(bench.comes_to("0797654321", &Outcome::Cancelled), "{}", bench.log());
}

#[test]
fn a_wrong_configuration_leaves_the_last_good_one_in_force() {
    let mut bench = Bench::new();
    let program = bench.registered();
    let good = bench.configuration("858", "hunter2");
    bench.write("ringfence.toml", &good.replace("region = \"CH\"", "regoin = \"CH\""));
    program.signal("HUP");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("did you mean")
        || bench.log().contains("reload failed")));
    assert_eq!(bench.call("0791234567"), rejected());
    let reload = bench.ask(&["reload"]);
    assert_eq!(reload.status.code(), Some(1));
    let told = String::from_utf8(reload.stderr).unwrap();
    assert!(told.contains("ringfence.toml:6:1: unknown key `regoin`"), "{told}");
    let status = bench.ask(&["status"]);
    assert_eq!(status.status.code(), Some(1));
    assert!(String::from_utf8(status.stdout).unwrap().contains("last reload failed"));

    bench.write("ringfence.toml", &good);
    assert!(bench.play_until(PATIENCE, |bench| bench.ask(&["status"]).status.success()), "{}", bench.log());
}

#[test]
fn lines_come_and_go_with_their_accounts() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    let other = bench.account("office", "859", "hunter2");
    bench.write("ringfence.toml", &(bench.configuration("858", "hunter2") + &other));
    assert!(bench.play(|pbx| pbx.is_registered("859")), "{}", bench.log());
    let only_other =
        bench.configuration("858", "hunter2").split("[account").next().unwrap().to_owned() + &other;
    bench.write("ringfence.toml", &only_other);
    assert!(bench.play(|pbx| !pbx.is_registered("858") && pbx.is_registered("859")), "{}", bench.log());
}

#[test]
fn a_configuration_that_is_written_half_way_takes_no_lines_away() {
    let mut bench = Bench::new();
    let others: String = (0..8).fold(String::new(), |others, line| {
        format!("{others}[account.l{line}]\nuser = \"{line}\"\ndomain = \"127.0.0.1\"\nregister = false\n")
    });
    let head = bench.configuration("858", "hunter2");
    let whole = format!("{head}\n{others}");
    bench.write("ringfence.toml", &whole);
    let program = bench.registered();
    let lines = |bench: &Bench| bench.json(&["status", "--json"])["lines"].as_array().unwrap().len();
    assert_eq!(lines(&bench), 9);

    let written = Instant::now();
    bench.write("ringfence.toml", &head);
    let is_told = |bench: &Bench| bench.log().contains("remove 8 of 9 lines");
    assert!(bench.play_until(PATIENCE, is_told), "{}", bench.log());
    // What the machine was too busy to ask for in time tells nothing.
    assert!(lines(&bench) == 9 || written.elapsed() >= GIVEN, "{}", bench.log());
    bench.write("ringfence.toml", &whole);
    bench.write("spam.txt", "+4144*\n");
    assert!(bench.comes_to("0441234567", &rejected()), "{}", bench.log());
    assert_eq!(lines(&bench), 9);

    bench.write("ringfence.toml", &head);
    program.signal("HUP");
    assert!(bench.play_until(PATIENCE, |bench| lines(bench) == 1), "{}", bench.log());
    bench.write("ringfence.toml", &whole);
    assert!(bench.play_until(PATIENCE, |bench| lines(bench) == 9), "{}", bench.log());
    bench.write("ringfence.toml", &head);
    assert!(bench.play_until(PATIENCE, |bench| lines(bench) == 1), "it stays so: {}", bench.log());
}

#[test]
fn a_configuration_that_is_written_up_to_its_rules_has_nobody_ring_who_is_refused() {
    let rules = "[[rule]]\nid = \"otherwise\"\nthen = \"busy\"\n";
    let (mut bench, program) = Bench::running(rules);
    let whole = std::fs::read_to_string(bench.path("ringfence.toml")).unwrap();
    let written = Instant::now();
    bench.write("ringfence.toml", whole.strip_suffix(rules).unwrap());
    let is_told = |bench: &Bench| bench.log().contains("have no rule of its own any more");
    assert!(bench.play_until(PATIENCE, is_told), "{}", bench.log());
    let outcome = bench.call("0441234567");
    assert!(outcome == rejected() || written.elapsed() >= GIVEN, "{outcome:?}: {}", bench.log());
    program.signal("HUP");
    assert!(bench.comes_to("0441234567", &Outcome::Cancelled), "{}", bench.log());
    assert!(bench.log().contains("the configuration has no rule of its own any more"), "{}", bench.log());
}

#[test]
fn another_listen_address_waits_for_a_restart_and_is_told() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    bench.write(
        "ringfence.toml",
        &bench.configuration("858", "hunter2").replace("127.0.0.1:0", "127.0.0.1:5099"),
    );
    let told = String::from_utf8(bench.ask(&["reload"]).stdout).unwrap();
    assert!(told.contains("softphone.listen changes with a restart"), "{told}");
    let status = bench.json(&["status", "--json"]);
    assert_eq!(status["configuration"]["needs_restart"][0], "softphone.listen");
    assert!(bench.pbx.is_registered("858"));
}

#[test]
fn another_journal_waits_for_a_restart_and_is_told() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    let other = "\n[journal]\npath = \"other.db\"\nretention = \"30d\"\n";
    bench.write("ringfence.toml", &(bench.configuration("858", "hunter2") + other));
    let told = String::from_utf8(bench.ask(&["reload"]).stdout).unwrap();
    assert!(told.contains("journal.path changes with a restart"), "{told}");
    // A second look compares with what the program was started with.
    bench.ask(&["reload"]);
    let status = bench.json(&["status", "--json"]);
    let waits = &status["configuration"]["needs_restart"];
    assert_eq!(waits, &serde_json::json!(["journal.path", "journal.retention"]));
}

#[test]
fn a_wrong_password_is_told_and_the_other_line_goes_on() {
    let mut bench = Bench::new();
    let other = bench.account("office", "859", "wrong");
    bench.write("ringfence.toml", &(bench.configuration("858", "hunter2") + &other));
    let _program = bench.registered();
    let has_failed = |bench: &Bench| {
        let status = bench.json(&["status", "--json"]);
        let office = &status["lines"][1];
        office["state"] == "failed"
            && office["cause"].as_str().is_some_and(|cause| cause.contains("password"))
    };
    assert!(bench.play_until(PATIENCE, has_failed), "{}", bench.log());
    assert_eq!(bench.ask(&["status"]).status.code(), Some(1));
    assert_eq!(bench.call("0791234567"), rejected());

    let told = bench.told(&["status", "--wrong"]);
    assert!(told.contains("1 of 2 registered, 1 failed") && told.ends_with("exit 1\n"), "{told}");
    assert!(told.contains("\noffice  ") && !told.contains("\nhome  "), "{told}");
    assert!(bench.told(&["status", "home"]).ends_with("exit 0\n"), "the exit status is the line's");
    assert!(bench.told(&["status", "home", "office"]).ends_with("exit 1\n"));
    let told = bench.told(&["status", "hoem"]);
    assert!(told.contains("there is no line \"hoem\"") && told.contains("there are: home, office"), "{told}");
    assert!(told.ends_with("exit 2\n"), "{told}");
    let status = bench.json(&["status", "--json", "--wrong"]);
    assert_eq!(
        (&status["lines"][0]["name"], &status["lines"][1]),
        (&"office".into(), &().into()),
        "{status}"
    );
    assert_eq!(
        (&status["line_states"]["registered"], &status["line_states"]["failed"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn a_password_that_is_wrong_by_a_reload_leaves_the_binding_and_its_calls() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    bench.write("ringfence.toml", &bench.configuration("858", "wrong"));
    let has_failed = |bench: &Bench| bench.log().contains("registration failed");
    assert!(bench.play_until(PATIENCE, has_failed), "{}", bench.log());
    assert!(bench.pbx.is_registered("858"), "{}", bench.log());
    assert_eq!(bench.call("0791234567"), rejected());
    bench.write("ringfence.toml", &bench.configuration("858", "hunter2"));
    let is_back = |bench: &Bench| bench.log().matches("registered line").count() > 1;
    assert!(bench.play_until(PATIENCE, is_back), "{}", bench.log());
    assert!(!bench.log().contains("unregistered"), "{}", bench.log());
}

#[test]
fn a_password_that_is_mended_in_its_file_registers_the_line_by_itself() {
    let mut bench = Bench::new();
    bench.write("secret", "wrong\n");
    let in_file =
        bench.configuration("858", "hunter2").replace("password = \"hunter2\"", "password_file = \"secret\"");
    bench.write("ringfence.toml", &in_file);
    let _program = bench.start();
    let has_failed = |bench: &Bench| bench.log().contains("registration failed");
    assert!(bench.play_until(PATIENCE, has_failed), "{}", bench.log());
    bench.write("secret", "hunter2\n");
    assert!(bench.play(|pbx| pbx.is_registered("858")), "{}", bench.log());
    assert_eq!(bench.call("0791234567"), rejected());
}

/// Writes a list that takes a while to read.
fn write_long_list(bench: &Bench) {
    let rows: Vec<String> = (0..100_000).map(|row| format!("+41791{row:06}\n")).collect();
    bench.write("spam.txt", &rows.concat());
}

/// Starts the program with a list that takes a while to read, and returns when it serves SIGHUP and no other signal yet.
#[cfg(target_os = "linux")]
fn reading(bench: &Bench) -> bench::Program {
    write_long_list(bench);
    let (program, start) = (bench.start(), Instant::now());
    // SigCgt of proc_pid_status(5): bit 0 is SIGHUP's, bit 14 SIGTERM's.
    let served = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.0.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    };
    while served() & 1 == 0 && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(served() & 0x4001, 1, "{}", bench.log());
    program
}

#[test]
#[cfg(target_os = "linux")]
fn sighups_while_the_configuration_is_read_are_one_reload_when_the_program_runs() {
    let mut bench = Bench::new();
    let program = reading(&bench);
    for _ in 0..3 {
        program.signal("HUP");
    }
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("reloaded")), "{}", bench.log());
    assert!(bench.play(|pbx| pbx.is_registered("858")), "{}", bench.log());
    program.signal("TERM");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("ended")), "{}", bench.log());
    assert_eq!(bench.log().matches("reloaded").count(), 1, "{}", bench.log());
}

#[test]
fn sighups_that_come_while_one_is_served_are_one_more_reload_and_each_verb_is_answered() {
    let mut bench = Bench::new();
    let program = bench.registered();
    // Each takes so long that all come before the second ends.
    write_long_list(&bench);
    let asked: Vec<_> =
        (0..8).map(|_| bench.command(&["reload"]).stdout(Stdio::piped()).spawn().unwrap()).collect();
    for _ in 0..20 {
        program.signal("HUP");
    }
    for asked in asked {
        let answer = asked.wait_with_output().unwrap();
        assert!(String::from_utf8_lossy(&answer.stdout).contains("is in force"), "{answer:?}");
    }
    program.signal("TERM");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("ended")), "{}", bench.log());
    let reloads = bench.log().matches(" reloaded ").count();
    assert!((1..10).contains(&reloads), "28 were asked for: {reloads}\n{}", bench.log());
}

#[test]
#[cfg(target_os = "linux")]
fn a_sigterm_while_the_configuration_is_read_ends_the_program_at_once() {
    let bench = Bench::new();
    let mut program = reading(&bench);
    program.signal("TERM");
    let ended = std::os::unix::process::ExitStatusExt::signal(&program.0.wait().unwrap());
    assert_eq!((ended, bench.log()), (Some(15), String::new()));
}

#[test]
fn the_first_signal_unregisters_and_ends() {
    let mut bench = Bench::new();
    let mut program = bench.registered();
    program.signal("TERM");
    assert!(bench.play(|pbx| !pbx.is_registered("858")), "{}", bench.log());
    let start = Instant::now();
    while program.ended().is_none() && start.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(program.ended().and_then(|status| status.code()), Some(0), "{}", bench.log());
    assert!(!bench.path("control/s").exists());
}

/// Answers 500 to every REGISTER.
const REFUSING: Mode = Mode::Refusing { status: 500, retry_after: None };

#[test]
fn a_binding_that_is_not_taken_back_at_the_end_is_told() {
    let mut bench = Bench::new();
    let mut program = bench.registered();
    bench.pbx.set_mode(REFUSING);
    program.signal("TERM");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("ended")), "{}", bench.log());
    assert!(program.0.wait().unwrap().success(), "{}", bench.log());
    let log = bench.log();
    assert!(log.contains(" WARN ") && log.contains("not taken back bindings=1 of=1"), "{log}");
}

#[test]
fn a_line_that_a_reload_removes_and_the_registrar_does_not_is_told() {
    let mut bench = Bench::new();
    let other = bench.account("office", "859", "hunter2");
    bench.write("ringfence.toml", &(bench.configuration("858", "hunter2") + &other));
    let _program = bench.registered();
    let has_both = |bench: &Bench| bench.log().contains("registered line=\"office\"");
    assert!(bench.play_until(PATIENCE, has_both), "{}", bench.log());
    bench.pbx.set_mode(REFUSING);
    bench.write("ringfence.toml", &bench.configuration("858", "hunter2"));
    let told = "binding not taken back line=\"office\"";
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains(told)), "{}", bench.log());
}

#[test]
fn a_call_that_rings_when_the_program_ends_has_its_end_in_the_journal() {
    let (mut bench, mut program) = Bench::running("[list.reject]\nentries = [\"+4179*\"]\n");
    let id = bench.pbx.call(Instant::now(), CallPlan::new("0441234567", "858"));
    assert!(bench.play(|pbx| pbx.get(id).statuses().contains(&180)), "{}", bench.log());
    program.signal("TERM");
    assert!(bench.play(|pbx| !pbx.is_registered("858")), "{}", bench.log());
    assert!(program.0.wait().unwrap().success(), "{}", bench.log());
    let call = bench.json(&["calls", "--json"]);
    assert_eq!((&call["ended"]["status"], &call["ended"]["how"]), (&480.into(), &"the program ended".into()));
}

#[test]
fn a_reload_that_finds_no_file_in_the_place_of_the_configuration_logs_what_it_found() {
    let mut bench = Bench::new();
    let program = bench.registered();
    std::fs::remove_file(bench.path("ringfence.toml")).unwrap();
    std::fs::create_dir(bench.path("ringfence.toml")).unwrap();
    program.signal("HUP");
    let found = "expected a regular file, found a directory";
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains(found)), "{}", bench.log());
}

#[test]
fn a_reload_that_finds_a_pipe_in_the_place_of_a_list_logs_what_it_found() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    std::fs::remove_file(bench.path("spam.txt")).unwrap();
    assert!(Command::new("mkfifo").arg(bench.path("spam.txt")).status().unwrap().success());
    let found = "cannot read the list spam.txt: expected a regular file, found a pipe";
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains(found)), "{}", bench.log());
    assert_eq!(bench.call("0791234567"), rejected(), "the last good configuration stays");
}

/// So long the program waits for a file that was emptied.
const GIVEN: Duration = Duration::from_secs(5);

#[test]
fn a_list_that_is_emptied_to_be_written_anew_is_in_force_until_it_is_filled_or_a_reload_takes_it() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    let emptied = Instant::now();
    bench.write("spam.txt", "");
    let is_told = |bench: &Bench| bench.log().contains("file emptied");
    assert!(bench.play_until(PATIENCE, is_told), "{}", bench.log());
    let outcome = bench.call("0791234567");
    // A call that the machine was too busy for until the file may be read as empty tells nothing.
    assert!(outcome == rejected() || emptied.elapsed() >= GIVEN, "{outcome:?}: {}", bench.log());
    bench.write("spam.txt", "+4144*\n");
    assert!(bench.comes_to("0441234567", &rejected()), "{}", bench.log());
    assert_eq!(bench.call("0791234567"), Outcome::Cancelled);
    bench.write("spam.txt", "");
    assert_eq!(bench.ask(&["reload"]).status.code(), Some(0));
    assert_eq!(bench.call("0441234567"), Outcome::Cancelled);
}

#[test]
fn a_control_socket_that_is_removed_is_there_again_and_another_programs_is_left_alone() {
    let mut bench = Bench::new();
    let program = bench.registered();
    let socket = bench.path("control/s");
    std::fs::remove_file(&socket).unwrap();
    let answers = |bench: &Bench| bench.ask(&["status"]).status.code() == Some(0);
    assert!(bench.play_until(PATIENCE, answers), "{}", bench.log());
    assert!(bench.log().contains("control socket removed: bound anew"), "{}", bench.log());
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&socket).unwrap();
    let _others = UnixListener::bind(&socket).unwrap();
    let is_told = |bench: &Bench| bench.log().contains("something else stands there now");
    assert!(bench.play_until(PATIENCE, is_told), "{}", bench.log());
    program.signal("TERM");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("ended")), "{}", bench.log());
    assert!(socket.exists());
}

#[test]
fn the_second_signal_ends_at_once() {
    let mut bench = Bench::new();
    let mut program = bench.registered();
    bench.pbx.set_mode(Mode::Silent);
    program.signal("TERM");
    assert!(bench.play_until(PATIENCE, |bench| bench.log().contains("a second signal ends at once")));
    program.signal("TERM");
    let start = Instant::now();
    while program.ended().is_none() && start.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(program.ended().and_then(|status| status.code()), Some(130), "{}", bench.log());
}

#[test]
fn a_second_program_is_refused() {
    let mut bench = Bench::new();
    let program = bench.registered();
    let second = bench.ask(&["run"]);
    assert_eq!(second.status.code(), Some(2));
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains(&format!("another ringfence (process {})", program.0.id())), "{told}");
    assert!(told.contains("hint: stop it"), "{told}");
}

#[test]
fn a_port_that_is_taken_is_told_with_a_way_out() {
    let bench = Bench::new();
    let taken: SocketAddr = bench.socket.local_addr().unwrap();
    let listening = bench.configuration("858", "hunter2").replace("127.0.0.1:0", &taken.to_string());
    bench.write("ringfence.toml", &listening);
    let output = bench.ask(&["run"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("cannot listen on {taken}")), "{told}");
    assert!(told.contains("listen = \"127.0.0.1:0\" for a free port"), "{told}");
}

#[test]
fn a_port_that_is_taken_by_a_listener_for_connections_is_told_by_its_own_key() {
    let bench = Bench::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let also = format!("listen = \"127.0.0.1:0\"\nlisten_ws = \"{address}\"");
    let text = bench.configuration("858", "hunter2").replace("listen = \"127.0.0.1:0\"", &also);
    bench.write("ringfence.toml", &text);
    let output = bench.ask(&["run"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("cannot listen on {address} by WS")), "{told}");
    assert!(told.contains("set [softphone] listen_ws = \"127.0.0.1:0\" for a free port"), "{told}");
}

#[test]
fn status_and_the_log_tell_where_calls_come_in_by_every_transport_and_thread() {
    let mut bench = Bench::new();
    let also = "listen = \"127.0.0.1:0\"\nlisten_tcp = \"127.0.0.1:0\"\nlisten_ws = \"[::1]:0\"\nshards = 2";
    let text = bench.configuration("858", "hunter2").replace("listen = \"127.0.0.1:0\"", also);
    bench.write("ringfence.toml", &text);
    let _program = bench.registered();
    let status = bench.json(&["status", "--json"]);
    let listeners: Vec<_> = status["listen"].as_array().unwrap().iter().collect();
    let by = |transport: &str| {
        let of_it = listeners.iter().filter(|listener| listener["transport"] == transport);
        of_it.map(|listener| listener["address"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((by("UDP").len(), by("TCP").len(), by("WS").len(), listeners.len()), (2, 2, 2, 6));
    assert!(by("WS").iter().all(|address| address.starts_with("[::1]:")));
    let [rows, log] = [bench.told(&["status"]), bench.log()];
    for row in ["UDP", "TCP", "WS"].map(|transport| format!("{transport} {}", by(transport).join(", "))) {
        assert!(rows.contains(&row), "{row} in {rows}");
    }
    for listener in &listeners {
        let [by, at] = [&listener["transport"], &listener["address"]].map(|text| text.as_str().unwrap());
        assert!(log.contains(&format!("{by} {at}")), "{by} {at} in {log}");
    }
}

#[test]
fn the_trace_is_a_ladder_and_the_capture_a_file() {
    let mut bench = Bench::new();
    let mut program = bench.start_with(&["run", "--trace", "--pcap", "calls.pcap"]);
    assert!(bench.play(|pbx| pbx.is_registered("858")), "{}", bench.log());
    bench.call("0791234567");
    program.signal("INT");
    assert!(bench.play(|pbx| !pbx.is_registered("858")));
    assert!(program.0.wait().unwrap().success());
    let out = std::fs::read_to_string(bench.path("out")).unwrap();
    assert!(out.contains("◀") && out.contains("486 Busy Here") && !out.contains('\u{1b}'), "{out}");
    assert!(std::fs::metadata(bench.path("calls.pcap")).unwrap().len() > 1_000);
}

#[test]
fn a_program_of_another_configuration_does_nothing_and_names_both() {
    let mut bench = Bench::new();
    let text = format!("{}\n[switch.guests]\ndefault = false\n", bench.configuration("858", "hunter2"));
    bench.write("ringfence.toml", &text);
    bench.write("other.toml", &text);
    let _program = bench.registered();
    for asked in [
        ["switch", "guests", "on"].as_slice(),
        &["dialed", "0441234567"],
        &["answered", "0441234567"],
        &["forget", "0441234567", "--yes"],
        &["reload"],
        &["status"],
        &["calls", "--follow"],
    ] {
        let output = bench.ask(&[&["--config", "other.toml"], asked].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{asked:?}: {told}");
        for file in ["ringfence.toml", "other.toml"].map(|name| bench.path(name).canonicalize().unwrap()) {
            assert!(
                told.contains(&file.display().to_string()) && told.contains("hint:"),
                "{asked:?}: {told}"
            );
        }
    }
    assert_eq!(bench.json(&["switch", "--json"])["is_on"], false);
}

#[test]
fn the_same_configuration_is_known_by_each_of_its_names() {
    let mut bench = Bench::new();
    let _program = bench.registered();
    std::os::unix::fs::symlink("ringfence.toml", bench.path("linked.toml")).unwrap();
    let absolute = bench.path("ringfence.toml").canonicalize().unwrap();
    for name in ["linked.toml", "./ringfence.toml", absolute.to_str().unwrap()] {
        let status = bench.json(&["--config", name, "status", "--json"]);
        assert_eq!(status["configuration"]["path"], absolute.to_str().unwrap(), "{name}");
    }
}
