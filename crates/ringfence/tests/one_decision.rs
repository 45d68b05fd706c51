//! One call, one decision, one record: copies of an INVITE, callers who give up, and calls that nobody decides.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test file needs all of it")]
mod bench;

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use bench::{Bench, PATIENCE, Program};
use ringfence_testing::Outcome;

const AGAIN: &str = "[[rule]]\nid = \"again\"\nwhen = { repeat = { count = 2, within = \"10m\" } }\n\
                     then = \"unavailable\"\n[[rule]]\nid = \"rest\"\nthen = \"busy\"\n";

/// A bench with two lines whose policy is this, and the program that has registered with it.
fn running(policy: &str) -> (Bench, Program) {
    running_with(1, "300ms", policy)
}

/// Returns the same with lines that so many shards share, and lists that are asked for so long.
fn running_with(shards: usize, deadline: &str, policy: &str) -> (Bench, Program) {
    let mut bench = Bench::new();
    bench.write("ask", "#!/bin/sh\nwhile read -r question; do echo \"$question\" >> \"$0.ed\"; done\n");
    std::fs::set_permissions(bench.path("ask"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let head = format!(
        "[softphone]\nlisten = \"127.0.0.1:0\"\ncontrol = \"control/s\"\nshards = {shards}\n\n\
         [defaults]\nregion = \"CH\"\ndeadline = \"{deadline}\"\non_error = \"decline\"\n"
    );
    let home = bench.account("home", "858", "hunter2");
    let work = bench.account("work", "859", "hunter2");
    bench.write("ringfence.toml", &format!("{head}{home}\n{work}\n{policy}"));
    let program = bench.registered();
    assert!(bench.play(|pbx| pbx.is_registered("859")), "{}", bench.log());
    (bench, program)
}

fn calls(bench: &Bench) -> Vec<serde_json::Value> {
    let told = String::from_utf8(bench.ask(&["calls", "--json"]).stdout).unwrap();
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the calls when so many are written down: that is done a moment after they are answered.
fn written(bench: &Bench, count: usize) -> Vec<serde_json::Value> {
    let start = Instant::now();
    loop {
        let calls = calls(bench);
        if calls.len() >= count || start.elapsed() > PATIENCE {
            return calls;
        }
    }
}

/// Sends an INVITE to a line as a branch of its own, and returns the status of the answer: 180 where it rings.
fn invite(bench: &Bench, line: &str, call_id: &str, cseq: u32) -> u16 {
    invite_with(bench, line, call_id, cseq, "")
}

static BRANCH: AtomicU32 = AtomicU32::new(0);

/// Sends an INVITE with a header more.
fn invite_with(bench: &Bench, line: &str, call_id: &str, cseq: u32, header: &str) -> u16 {
    let [to] = listening(bench).try_into().unwrap();
    invite_at(&to, line, call_id, cseq, header)
}

/// Returns the addresses that are listened on by UDP, which is all there is, one a shard.
fn listening(bench: &Bench) -> Vec<String> {
    let status = bench.json(&["status", "--json"]);
    let addresses = status["listen"].as_array().unwrap().iter();
    addresses.map(|listener| listener["address"].as_str().unwrap().to_owned()).collect()
}

/// Sends one to an address.
fn invite_at(to: &str, line: &str, call_id: &str, cseq: u32, header: &str) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let us = socket.local_addr().unwrap();
    // The system may give the port of an earlier one again: the branch alone tells them apart.
    let branch = BRANCH.fetch_add(1, Relaxed);
    let request = |method: &str, tag: &str| {
        format!(
            "{method} sip:{line}@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{call_id}{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+41441234567@127.0.0.1>;tag=one\r\nTo: <sip:858@127.0.0.1>{tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:x@{us}>\r\n{header}Content-Length: 0\r\n\r\n"
        )
    };
    socket.send_to(request("INVITE", "").as_bytes(), to).unwrap();
    let mut buffer = [0; 4_096];
    loop {
        let length = socket.recv(&mut buffer).unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let status: u16 = answer[8..11].parse().unwrap();
        if status >= 300 {
            let tag = answer.split(";tag=").nth(2).unwrap().split("\r\n").next().unwrap();
            socket.send_to(request("ACK", &format!(";tag={tag}")).as_bytes(), to).unwrap();
        }
        if status >= 180 {
            return status;
        }
    }
}

#[test]
fn a_further_copy_of_a_call_gets_the_same_answer_and_counts_as_no_call() {
    let (mut bench, _program) = running(AGAIN);
    assert_eq!([invite(&bench, "858", "first", 1), invite(&bench, "858", "first", 1)], [486, 482]);
    // The endpoint knows it as long as the transaction of the first lives: five seconds.
    let is_decided = |bench: &Bench| invite(bench, "858", "first", 1) == 486;
    assert!(bench.play_until(PATIENCE, is_decided), "{}", bench.log());
    assert_eq!(invite(&bench, "858", "second", 1), 480, "this one is another call");
    let status = bench.json(&["status", "--json"]);
    assert_eq!((&status["calls"]["screened"], &status["calls"]["copies"]), (&2.into(), &1.into()));
    assert_eq!(written(&bench, 2).len(), 2);
}

#[test]
fn a_copy_on_another_line_is_decided_there_as_if_the_first_had_not_come() {
    let (bench, program) = running(AGAIN);
    assert_eq!([invite(&bench, "858", "first", 1), invite(&bench, "859", "first", 1)], [486, 486]);
    let written = written(&bench, 2);
    assert_eq!((written.len(), &written[0]["at"]), (2, &written[1]["at"]));
    assert_eq!((&written[0]["line"], &written[1]["line"]), (&"home".into(), &"work".into()));
    let replayed = bench.json(&["replay", "--json"]);
    assert_eq!(replayed["different"], 0, "{replayed}");
    drop(program);
    let mut bench = bench;
    let _program = bench.start();
    let answers = |bench: &Bench| bench.ask(&["status"]).status.code() != Some(2);
    assert!(bench.play_until(PATIENCE, answers), "{}", bench.log());
    assert_eq!(invite(&bench, "858", "second", 1), 480, "the second call of the caller, not the third");
}

#[test]
fn a_redirection_to_the_uri_that_was_called_is_told_as_the_404_that_was_sent() {
    let away = |to: &str| {
        format!("[[rule]]\nid = \"away\"\nwhen = {{ line = \"home\" }}\nthen.forward.to = \"{to}\"\n{AGAIN}")
    };
    let (bench, _program) = running(&away("sip:desk@pbx.example"));
    let [called] = listening(&bench).try_into().unwrap();
    let configuration = std::fs::read_to_string(bench.path("ringfence.toml")).unwrap();
    let back = |user: &str| configuration.replace("sip:desk@pbx.example", &format!("sip:{user}@{called}"));
    bench.write("ringfence.toml", &back("858"));
    assert!(bench.told(&["reload"]).ends_with("exit 0\n"));
    assert_eq!(invite(&bench, "858", "first", 1), 404);
    let call = &written(&bench, 1)[0];
    let verdict = serde_json::json!({ "action": "reject", "status": 404, "to": format!("sip:858@{called}") });
    assert_eq!((&call["verdict"], &call["rule"]), (&verdict, &"away".into()));
    let reason = call["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("rejected with 404 instead of redirected to the URI that was called: "),
        "{reason}"
    );
    assert!(bench.told(&["stats"]).contains("1 call: 1 rejected\n"), "{}", bench.told(&["stats"]));
    let why = bench.told(&["why", "last"]);
    assert!(why.contains(" rejected 404 by away") && why.contains("404: that URI was called\n"), "{why}");
    assert_eq!(bench.json(&["replay", "--json"])["different"], 0);
    bench.write("desk.toml", &back("desk"));
    let replayed = bench.json(&["replay", "--policy", "desk.toml", "--json"]);
    assert_eq!((&replayed["different"], &replayed["let_through"]), (&1.into(), &1.into()), "{replayed}");
}

/// A policy that refuses some, and lets the others ring.
fn refusing(when: &str, then: &str) -> String {
    format!(
        "[[rule]]\nid = \"some\"\nwhen = {when}\nthen = {then}\n[[rule]]\nid = \"rest\"\nthen = \"ring\"\n"
    )
}

/// Returns the rules that decided two calls.
fn rules(bench: &Bench) -> Vec<serde_json::Value> {
    written(bench, 2).iter().map(|call| call["rule"].clone()).collect()
}

#[test]
fn a_fork_of_which_one_line_refuses_rings_on_the_other() {
    let (bench, _program) = running(&refusing("{ line = \"home\" }", "\"busy\""));
    assert_eq!([invite(&bench, "858", "first", 1), invite(&bench, "859", "first", 1)], [486, 180]);
}

#[test]
fn a_caller_who_was_refused_for_hiding_and_tries_again_without_is_decided_anew() {
    let (bench, _program) =
        running(&refusing("{ caller_kind = \"anonymous\" }", "{ reject = { code = 433 } }"));
    assert_eq!(invite_with(&bench, "858", "first", 1, "Privacy: id\r\n"), 433);
    assert_eq!(invite(&bench, "858", "first", 2), 180);
    assert_eq!(rules(&bench), ["some", "rest"]);
}

#[test]
fn a_call_that_could_not_ring_and_is_tried_again_without_what_stood_against_it_has_a_record() {
    let (bench, _program) = running(&refusing("{ line = \"work\" }", "\"busy\""));
    assert_eq!(invite_with(&bench, "858", "first", 1, "Require: sec-agree\r\n"), 420);
    assert_eq!(invite(&bench, "858", "first", 2), 180);
    assert_eq!(rules(&bench), ["rest", "rest"]);
}

/// A policy that asks a program that never answers.
const ASKING: &str = "[list.bad]\nsource = \"lookup:exec:ask\"\n[[rule]]\nid = \"bad\"\n\
                      when = { caller_in = \"bad\" }\nthen = \"busy\"\n[[rule]]\nid = \"rest\"\nthen = \"unavailable\"\n";

#[test]
fn a_caller_who_gives_up_while_a_list_is_asked_has_a_record_with_its_end() {
    let (mut bench, _program) = running(ASKING);
    assert_eq!(bench.call("+41441234567"), Outcome::Cancelled);
    decided_after("the caller gave up", &mut bench);
}

#[test]
fn a_call_that_expires_while_a_list_is_asked_has_a_record_with_its_end() {
    let (mut bench, _program) = running_with(1, "1500ms", ASKING);
    assert_eq!(invite_with(&bench, "858", "first", 1, "Expires: 1\r\n"), 487);
    decided_after("the invitation expired", &mut bench);
}

/// Waits for the record of a call that was decided when it was over.
fn decided_after(how: &str, bench: &mut Bench) {
    let is_written = |bench: &Bench| calls(bench).iter().any(|call| call["ended"].is_object());
    assert!(bench.play_until(PATIENCE, is_written), "{:?}", calls(bench));
    let call = &calls(bench)[0];
    assert_eq!((&call["rule"], &call["ended"]["how"]), (&"on_error".into(), &how.into()));
    assert_eq!(call["evidence"]["facts"]["unanswered"][0], "bad");
}

#[test]
fn nobody_is_asked_about_a_number_that_is_withheld() {
    // The program writes down that it was asked.
    let (mut bench, _program) = running(&format!("[service]\nwrites = [\".\"]\n{ASKING}"));
    assert_eq!(invite_with(&bench, "858", "first", 1, "Privacy: id\r\n"), 480);
    assert_eq!(invite(&bench, "858", "second", 1), 603, "the program is asked and does not answer");
    let asked = |bench: &Bench| std::fs::read_to_string(bench.path("ask.ed")).unwrap_or_default();
    assert!(bench.play_until(PATIENCE, |bench| asked(bench).ends_with('\n')), "{}", bench.log());
    assert_eq!(asked(&bench).lines().count(), 1, "{}", asked(&bench));
}

/// A policy that asks a program that never answers, and then drops the call.
fn dropping(only_if: &str) -> String {
    let policy = format!("[treatment.gone]\ndrop = {{ only_if = \"{only_if}\" }}\n{ASKING}");
    policy
        .replace("\"unavailable\"", "\"gone\"")
        .replace("\"lookup:exec:ask\"", "\"lookup:exec:ask\"\non_miss = \"no_match\"")
}

#[test]
fn a_call_that_is_to_be_ignored_is_answered_where_a_list_was_asked_first() {
    let (bench, _program) = running(&dropping("always"));
    assert_eq!(invite(&bench, "858", "first", 1), 480);
    let call = &written(&bench, 1)[0];
    assert_eq!((&call["rule"], &call["verdict"]["status"]), (&"rest".into(), &480.into()), "{call}");
    let reason = call["reason"].as_str().unwrap();
    assert!(reason.starts_with("rejected with 480 instead of ignored: "), "{reason}");
    assert!(reason.contains("; the caller had heard 100 Trying, so it was answered 480"), "{reason}");
    assert_eq!(bench.json(&["replay", "--json"])["different"], 0);
}

#[test]
fn why_and_replay_tell_of_a_late_call_that_is_to_be_ignored_what_goes_out_on_the_wire() {
    let (bench, _program) = running(&dropping("always"));
    assert_eq!(invite(&bench, "858", "first", 1), 480);
    assert_eq!(written(&bench, 1).len(), 1);
    let told = String::from_utf8(bench.ask(&["why", "last"]).stdout).unwrap();
    assert!(told.contains(" action       gone = ignore (on a sole line)\n"), "{told}");
    assert!(told.contains(" on the wire  480: the caller had heard 100 Trying\n"), "{told}");
    assert_eq!(bench.json(&["why", "last", "--json"])["in_place_of_silence"], 480);
    let told = String::from_utf8(bench.ask(&["why", "+41441234567"]).stdout).unwrap();
    assert!(!told.contains("100 Trying"), "nothing was sent yet: {told}");
    let rules = std::fs::read_to_string(bench.path("ringfence.toml")).unwrap();
    bench.write("other.toml", &rules.replace("then = \"gone\"", "then = \"unavailable\""));
    assert_eq!(bench.json(&["replay", "--policy", "other.toml", "--json"])["different"], 0);
}

#[test]
fn the_100_is_not_to_blame_where_the_registrar_would_be_answered_anyway() {
    let (bench, _program) = running(&dropping("not_from_registrar"));
    assert_eq!(invite(&bench, "858", "first", 1), 480);
    let call = &written(&bench, 1)[0];
    assert_eq!((&call["rule"], &call["verdict"]["status"]), (&"rest".into(), &480.into()), "{call}");
    let reason = call["reason"].as_str().unwrap();
    assert!(reason.starts_with("rejected with 480 instead of ignored: "), "{reason}");
    assert!(!reason.contains("100 Trying"), "{reason}");
    let told = String::from_utf8(bench.ask(&["why", "last"]).stdout).unwrap();
    assert!(told.contains(" on the wire  480: the registrar is answered\n"), "{told}");
    assert_eq!(bench.json(&["why", "last", "--json"])["in_place_of_silence"], serde_json::Value::Null);
}

/// A policy that asks a program that never answers, and turns the third call of a caller away in another way.
const ASKING_AND_COUNTING: &str = "[list.bad]\nsource = \"lookup:exec:ask\"\non_miss = \"no_match\"\n\
    [[rule]]\nid = \"bad\"\nwhen = { caller_in = \"bad\" }\nthen = \"decline\"\n\
    [[rule]]\nid = \"third\"\nwhen = { repeat = { count = 3, within = \"10m\" } }\nthen = \"unavailable\"\n\
    [[rule]]\nid = \"rest\"\nthen = \"busy\"\n";

#[test]
fn copies_of_a_call_that_two_shards_decide_late_are_one_call_of_one_time() {
    let (bench, _program) = running_with(2, "300ms", ASKING_AND_COUNTING);
    let [home, work] = listening(&bench).try_into().unwrap();
    let statuses = std::thread::scope(|scope| {
        let both = [(&home, "858"), (&work, "859")];
        both.map(|(to, line)| scope.spawn(move || invite_at(to, line, "first", 1, "")))
            .map(|copy| copy.join().unwrap())
    });
    assert_eq!(statuses, [486, 486]);
    let written = written(&bench, 2);
    assert_eq!((written.len(), &written[0]["at"]), (2, &written[1]["at"]));
    let mut lines = [0, 1].map(|copy| written[copy]["line"].as_str().unwrap());
    lines.sort_unstable();
    assert_eq!(lines, ["home", "work"]);
    assert!(written.iter().all(|call| call["evidence"]["late"] == true), "{written:?}");
    let again = ["second", "third"].map(|call_id| invite_at(&home, "858", call_id, 1, ""));
    assert_eq!(again, [486, 480], "the second call of the caller, and the third");
    assert_eq!(bench.json(&["replay", "--json"])["different"], 0);
}

/// Calls that wait at once, on a shard.
const MOST_WAITING: usize = 10_000;

#[test]
fn a_call_that_is_turned_away_since_too_many_wait_has_its_decision_and_how_it_ended() {
    let (mut bench, _program) = running("[[rule]]\nid = \"rest\"\nthen = \"ring\"\n");
    let status = bench.json(&["status", "--json"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (us, to) = (socket.local_addr().unwrap(), status["listen"][0]["address"].as_str().unwrap());
    let request = |method: &str, call: usize, tag: &str| one_of_many(method, call, tag, to, us);
    let mut last = String::new();
    for call in 0..=MOST_WAITING {
        socket.send_to(request("INVITE", call, "").as_bytes(), to).unwrap();
        last = final_or_ringing(&socket, call);
    }
    let tag = last.split(";tag=").nth(2).unwrap().split("\r\n").next().unwrap();
    socket.send_to(request("ACK", MOST_WAITING, &format!(";tag={tag}")).as_bytes(), to).unwrap();
    assert!(last.starts_with("SIP/2.0 503 "), "{last}");
    let ended = |bench: &Bench| calls(bench).last().is_some_and(|call| call["ended"].is_object());
    assert!(bench.play_until(PATIENCE, ended), "{}", bench.log());
    let call = calls(&bench).pop().unwrap();
    assert_eq!((&call["call_id"], &call["rule"]), (&format!("many{MOST_WAITING}").into(), &"rest".into()));
    assert_eq!(
        (&call["ended"]["how"], &call["ended"]["status"]),
        (&"answered at a bound".into(), &503.into())
    );
}

/// Returns a request of one of many calls.
fn one_of_many(method: &str, call: usize, tag: &str, to: &str, us: SocketAddr) -> String {
    format!(
        "{method} sip:858@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKmany{call}\r\nMax-Forwards: 70\r\n\
         From: <sip:+41441234567@127.0.0.1>;tag=one\r\nTo: <sip:858@127.0.0.1>{tag}\r\nCall-ID: many{call}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:x@{us}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Returns the next response to one of many calls that is not 100.
fn final_or_ringing(socket: &UdpSocket, call: usize) -> String {
    let mut buffer = [0; 4_096];
    loop {
        let length = socket.recv(&mut buffer).unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let is_meant = answer.contains(&format!("\r\nCall-ID: many{call}\r\n"));
        if is_meant && !answer.starts_with("SIP/2.0 100 ") {
            return answer;
        }
    }
}

#[test]
fn a_caller_who_gives_up_with_the_next_datagram_has_a_record_with_its_end() {
    let (mut bench, _program) = running(ASKING);
    let status = bench.json(&["status", "--json"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (us, to) = (socket.local_addr().unwrap(), status["listen"][0]["address"].as_str().unwrap());
    let answers: Vec<String> = (0..HURRIED)
        .map(|call| {
            for method in ["INVITE", "CANCEL"] {
                socket.send_to(one_of_many(method, call, "", to, us).as_bytes(), to).unwrap();
            }
            final_of(&socket, call)
        })
        .collect();
    let ended = |bench: &Bench| calls(bench).iter().filter(|call| call["ended"].is_object()).count();
    assert!(bench.play_until(PATIENCE, |bench| calls(bench).len() == HURRIED), "{:?}", calls(&bench));
    assert_eq!(ended(&bench), 0, "a record does not wait for its ACK, which may never come");
    for (call, answer) in answers.iter().enumerate() {
        let tag = answer.split(";tag=").nth(2).unwrap().split("\r\n").next().unwrap();
        let acknowledgement = one_of_many("ACK", call, &format!(";tag={tag}"), to, us);
        socket.send_to(acknowledgement.as_bytes(), to).unwrap();
    }
    assert!(bench.play_until(PATIENCE, |bench| ended(bench) == HURRIED), "{} ended", ended(&bench));
    let mut told: Vec<_> = calls(&bench).iter().map(|call| call["call_id"].to_string()).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!((calls(&bench).len(), told.len()), (HURRIED, HURRIED));
}

/// Few enough that `calls` shows all.
const HURRIED: usize = 20;

/// Returns the final response to the INVITE of one of many calls.
fn final_of(socket: &UdpSocket, call: usize) -> String {
    loop {
        let answer = final_or_ringing(socket, call);
        if answer.contains("CSeq: 1 INVITE") && !answer.starts_with("SIP/2.0 1") {
            return answer;
        }
    }
}

/// Calls a line and gives up as a proxy does for which another phone has answered.
fn give_up_as_answered(bench: &Bench, line: &str) {
    let status = bench.json(&["status", "--json"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (us, to) = (socket.local_addr().unwrap(), status["listen"][0]["address"].as_str().unwrap());
    let send = |method: &str, tag: &str, more: &str| {
        let request = format!(
            "{method} sip:{line}@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKup{line}\r\nMax-Forwards: 70\r\n\
             From: <sip:+41441234567@127.0.0.1>;tag=one\r\nTo: <sip:{line}@127.0.0.1>{tag}\r\nCall-ID: up{line}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:x@{us}>\r\n{more}Content-Length: 0\r\n\r\n"
        );
        socket.send_to(request.as_bytes(), to).unwrap();
    };
    let mut buffer = [0; 4_096];
    let mut answer = |expected: &str| loop {
        let length = socket.recv(&mut buffer).unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if answer.starts_with(&format!("SIP/2.0 {expected} ")) {
            return answer;
        }
    };
    send("INVITE", "", "");
    answer("180");
    send("CANCEL", "", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");
    let last = answer("487");
    let tag = last.split(";tag=").nth(2).unwrap().split("\r\n").next().unwrap();
    send("ACK", &format!(";tag={tag}"), "");
}

#[test]
fn a_call_is_answered_elsewhere_only_where_another_phone_can_have_rung() {
    let policy = "[line.work]\nposition = \"parallel\"\nstand_aside = { hold = \"5s\" }\n\
                  [[rule]]\nid = \"rest\"\nthen = \"ring\"\n";
    let (mut bench, _program) = running(policy);
    for (line, how) in [("858", "the caller gave up"), ("859", "answered elsewhere")] {
        give_up_as_answered(&bench, line);
        let is_told = |bench: &Bench| calls(bench).last().is_some_and(|call| call["ended"]["how"] == how);
        assert!(bench.play_until(PATIENCE, is_told), "{line}: {:?}", calls(&bench));
    }
}
