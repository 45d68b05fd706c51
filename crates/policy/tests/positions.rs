//! What each treatment is on the wire, by where the line stands.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use ringfence_policy::{
    Action, Announcement, Aside, Challenge, Forward, Hold, Line, Only, Pass, PolicyParts, Position, Region,
    Rejection, Ringing, Target, Then, Treatment, Work,
};

fn built_in(name: &str) -> Treatment {
    Treatment::built_in().into_iter().find(|treatment| treatment.name() == name).unwrap()
}

fn phones() -> Pass {
    Pass::Redirect(Target::parse("sip:desk@pbx.example").unwrap())
}

fn line(position: Position) -> Line {
    Line { position, ..Line::new("home") }
}

fn on(line: &Line, treatment: &str) -> String {
    line.act(&built_in(treatment)).to_string()
}

#[test]
fn built_in_treatments_are_on_each_position_what_reaches_the_caller_and_the_phones() {
    let first = Line { pass: Some(phones()), ..line(Position::First) };
    let inline = Line { pass: Some(Pass::NotFound), ..line(Position::Inline) };
    let parallel = line(Position::Parallel);
    let sole = line(Position::Sole);
    let aside = "180, and 480 after 3 s";
    let to_phones = "send on to sip:desk@pbx.example";
    for (treatment, expected) in [
        ("ring", ["ring", to_phones, aside, "send on (404)"]),
        ("stand_aside", [aside, aside, aside, aside]),
        ("busy", ["reject with 486"; 4]),
        ("decline", ["reject with 603"; 4]),
        ("unavailable", ["reject with 480"; 4]),
    ] {
        let found = [&sole, &first, &parallel, &inline].map(|line| on(line, treatment));
        assert_eq!(found, expected, "{treatment}");
    }
}

#[test]
fn an_inline_line_lets_calls_through_as_its_proxy_wants() {
    for (pass, expected) in [
        (None, "ring"),
        (Some(phones()), "send on to sip:desk@pbx.example"),
        (Some(Pass::NotFound), "send on (404)"),
        (Some(Pass::Unavailable), "send on (503)"),
    ] {
        assert_eq!(on(&Line { pass, ..line(Position::Inline) }, "ring"), expected);
    }
}

#[test]
fn a_target_for_the_phones_counts_only_where_nothing_rings() {
    for (position, expected) in [(Position::Sole, "ring"), (Position::Parallel, "180, and 480 after 3 s")] {
        assert_eq!(on(&Line { pass: Some(phones()), ..line(position) }, "ring"), expected);
    }
}

#[test]
fn a_parallel_line_captures_with_the_6xx_that_is_known_to_work_there() {
    let capture = Some(Rejection::new(603).unwrap());
    let known = Line { capture: capture.clone(), ..line(Position::Parallel) };
    let rejected = |code| known.act(&Treatment::reject("no", Rejection::new(code).unwrap())).to_string();
    assert_eq!([480, 486, 403].map(rejected), ["reject with 603"; 3]);
    assert_eq!([600, 607, 608].map(rejected), ["reject with 600", "reject with 607", "reject with 608"]);
    let sole = Line { capture, ..line(Position::Sole) };
    assert_eq!(on(&sole, "busy"), "reject with 486");
}

#[test]
fn a_line_stands_aside_for_three_seconds_at_least_or_in_silence() {
    let standing = |aside| on(&Line { aside, ..line(Position::Parallel) }, "stand_aside");
    assert_eq!(standing(Aside::Ringing { hold: Duration::ZERO }), "180, and 480 after 3 s");
    assert_eq!(standing(Aside::Ringing { hold: Duration::from_secs(9) }), "180, and 480 after 9 s");
    assert_eq!(standing(Aside::Silent), "silence until the caller gives up, and 480 after 180 s");
}

#[test]
fn a_code_falls_back_where_it_does_not_reach_the_caller() {
    let unwanted = Rejection::new(607).unwrap().fallback(486).unwrap().warning("screened").unwrap();
    let unwanted = Treatment::reject("unwanted", unwanted);
    let act = |passes: &[u16]| {
        let action = Line { passes: passes.into(), ..line(Position::Sole) }.act(&unwanted);
        let Action::Reject(rejection) = action else { panic!("{action}") };
        (rejection.code(), rejection.warning_text().map(str::to_owned))
    };
    let warning = Some("screened".to_owned());
    assert_eq!(act(&[]), (607, warning.clone()));
    assert_eq!(act(&[486, 607]), (607, warning.clone()));
    assert_eq!(act(&[480, 486]), (486, warning));
    let plain = Treatment::reject("plain", Rejection::new(607).unwrap());
    assert_eq!(Line { passes: vec![486], ..line(Position::Sole) }.act(&plain).to_string(), "reject with 607");
}

#[test]
fn a_parallel_line_captures_in_the_place_of_a_fallback_too() {
    let capture = Some(Rejection::new(603).unwrap());
    let act = |fallback: u16, passes: &[u16]| {
        let unwanted = Rejection::new(607).unwrap().fallback(fallback).unwrap();
        let line = Line { capture: capture.clone(), passes: passes.into(), ..line(Position::Parallel) };
        line.act(&Treatment::reject("unwanted", unwanted)).to_string()
    };
    assert_eq!(act(486, &[480, 486, 603]), "reject with 603");
    assert_eq!(act(600, &[480, 600, 603]), "reject with 600");
    assert_eq!(act(486, &[607]), "reject with 607");
    assert_eq!(act(486, &[]), "reject with 607");
}

#[test]
fn ringing_silently_is_ringing_on_the_wire() {
    let ring = Ringing { is_silent: true, label: Some("Maybe spam".into()), limit: Duration::from_secs(20) };
    let quiet = Treatment::new("quiet", Work::Ring(ring));
    assert_eq!(quiet.to_string(), "ring silently");
    assert_eq!(line(Position::Sole).act(&quiet), Action::Ring { limit: Duration::from_secs(20) });
}

#[test]
fn holding_goes_on_as_the_line_means_it() {
    let hold = |then: &str| {
        let hold = Hold { limit: Duration::from_secs(20), then: Arc::new(built_in(then)) };
        Treatment::new("hold", Work::Hold(hold))
    };
    let captures = Line { capture: Some(Rejection::decline()), ..line(Position::Parallel) };
    for (line, then, expected) in [
        (&line(Position::Sole), "busy", "180, and 486 after 20 s"),
        (&line(Position::Sole), "ring", "ring"),
        (&captures, "busy", "180, and 603 after 20 s"),
    ] {
        assert_eq!(line.act(&hold(then)).to_string(), expected);
    }
}

#[test]
fn redirecting_and_ignoring_are_the_same_everywhere() {
    let to = Target::parse("sip:*97@pbx.example").unwrap();
    let forward = Forward { to, diversion: Some("time-of-day".into()), unsupported: None };
    let voicemail = Treatment::new("voicemail", Work::Forward(forward.clone()));
    let ignore = Treatment::new("ignore", Work::Drop(Only::NotFromRegistrar));
    let refer = Forward { unsupported: Some("refer: it places calls"), ..forward };
    let refer = Treatment::new("refer", Work::Forward(refer));
    for position in [Position::Sole, Position::First, Position::Parallel, Position::Inline] {
        let line = line(position);
        assert_eq!(line.act(&voicemail).to_string(), "redirect to sip:*97@pbx.example");
        assert_eq!(line.act(&ignore), Action::Ignore { only: Only::NotFromRegistrar });
        assert!(matches!(line.act(&refer), Action::Unsupported { .. }));
    }
}

#[test]
fn what_needs_audio_says_so_on_every_line() {
    let limit = Duration::from_secs(12);
    let answer = Work::Answer(Announcement { play: Some("no.wav".into()), limit, then: Then::HangUp });
    let challenge = Work::Challenge(Challenge {
        prompt: "press.wav".into(),
        digits: 1,
        tries: 2,
        timeout: limit,
        on_pass: Arc::new(built_in("ring")),
        on_fail: Arc::new(built_in("decline")),
        remember_pass: None,
    });
    for work in [answer, challenge] {
        let action = line(Position::Parallel).act(&Treatment::new("x", work));
        assert_eq!(action.as_str(), "unsupported");
        assert!(action.to_string().ends_with("audio"));
    }
}

#[test]
fn a_line_is_known_by_its_name_or_its_account_and_else_the_only_phone() {
    let office =
        Line { account: Some("itsp".into()), ..Line { name: "office".into(), ..line(Position::First) } };
    let ring = Arc::new(Treatment::ring());
    let rules = vec![ringfence_policy::Rule::new("default", ringfence_policy::Condition::Always, ring)];
    let parts = PolicyParts::new(Region::parse("CH").unwrap());
    let policy = ringfence_policy::Policy::new(PolicyParts { lines: vec![office], rules, ..parts }).unwrap();
    for (name, position) in
        [("office", Position::First), ("itsp", Position::First), ("unheard-of", Position::Sole)]
    {
        assert_eq!(policy.line(name).position, position, "{name}");
    }
}
