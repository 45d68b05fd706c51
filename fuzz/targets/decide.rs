//! A policy and a call, both drawn.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{
    Arrival, Attestation, Call, Condition, Hours, KindSet, Line, List, Mode, Per, Policy, PolicyParts,
    Position, Region, Rollout, Rule, Schedule, Share, Source, Switch, Text, Treatment, Verification,
    Wildcard, decide,
};

use super::draw::Draw;

/// Every call has one decision, whatever rules stand in shadow mode; shadow mode for all lets every call through.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let Ok(policy) = Policy::new(parts(&mut draw)) else { return };
    let call = call(&mut draw);
    let decided = decided(&policy, &call);
    assert_eq!(self::decided(&policy, &call), decided);

    let without = changed(&policy, Mode::Enforce, |rule| !rule.is_shadow);
    assert_eq!(self::decided(&without, &call), decided, "rules in shadow mode change something");

    let shadow = changed(&policy, Mode::Shadow, |_| true);
    call.decide(&shadow, NOW, |decision, _| {
        assert_eq!(decision.rule_id(), decided.0);
        assert!(!decision.treatment().is_refusal(), "{}", decision.treatment().name());
        assert_eq!(decision.wanted().unwrap_or(decision.treatment()).name(), decided.1);
    });
    explained(&policy, &call);
}

/// Returns the rule and its treatment, and works out what that is on every line.
fn decided(policy: &Policy, call: &Call) -> (String, String) {
    call.decide(policy, NOW, |decision, _| {
        let mut line = Line::new("home");
        for position in [Position::Sole, Position::First, Position::Parallel, Position::Inline] {
            line.position = position;
            let _ = line.act(decision.treatment());
        }
        (decision.rule_id().to_owned(), decision.treatment().name().to_owned())
    })
}

fn explained(policy: &Policy, call: &Call) {
    call.with_facts(policy, NOW, None, |facts, now| {
        let decision = decide(policy, facts, now);
        let trace = policy.trace(facts, now);
        assert_eq!(decision.rule_id(), trace.decided_by);
        for text in [decision.explain(policy, facts, now).to_string(), trace.to_string()] {
            assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
        }
    });
    let _ = ringfence_policy::check(policy);
}

/// Returns the same policy in a mode, with some of its rules.
fn changed(policy: &Policy, mode: Mode, keep: impl Fn(&Rule) -> bool) -> Policy {
    let last = policy.rules().len() - 1;
    let rules = policy.rules().iter().enumerate();
    let rules = rules.filter(|(number, rule)| *number == last || keep(rule)).map(|(_, rule)| rule.clone());
    Policy::new(PolicyParts {
        zone: policy.zone().clone(),
        lists: policy.lists().to_vec(),
        switches: policy.switches().to_vec(),
        mode,
        rules: rules.collect(),
        ..PolicyParts::new(policy.region())
    })
    .expect("the rules are some of those of a policy")
}

fn parts(draw: &mut Draw<'_>) -> PolicyParts {
    let regions: Vec<Region> = Region::all().collect();
    let region = *draw.one_of(&regions);
    let zone = draw.one_of(&["UTC", "Europe/Zurich", "Australia/Lord_Howe", "America/New_York"]);
    let lists: Vec<Arc<List>> = LISTS.iter().map(|name| list(draw, name, region)).collect();
    let mut rules: Vec<Rule> = (0..draw.below(8)).map(|number| rule(draw, number, region)).collect();
    rules.push(Rule::new("otherwise", Condition::Always, treatment(draw)));
    PolicyParts {
        zone: TimeZone::get(zone).expect("the zones are built in"),
        lists,
        switches: vec![Switch { name: "on_call".into(), default: draw.is(), auto_off: None }],
        rules,
        ..PolicyParts::new(region)
    }
}

fn rule(draw: &mut Draw<'_>, number: usize, region: Region) -> Rule {
    let mut rule = Rule::new(&format!("rule-{number}"), condition(draw, region, 3), treatment(draw));
    rule.is_shadow = draw.is();
    rule.until = draw.maybe(|draw| *draw.one_of(&[Timestamp::MIN, NOW, Timestamp::MAX]));
    rule.rollout = draw.maybe(|draw| Rollout {
        percent: draw.below(101).try_into().expect("at most a hundred"),
        by: *draw.one_of(&[Share::Line, Share::Caller]),
    });
    rule
}

fn condition(draw: &mut Draw<'_>, region: Region, depth: u8) -> Condition {
    let inner = |draw: &mut Draw<'_>| condition(draw, region, depth - 1);
    // The first four hold others.
    let kinds = if depth == 0 { 4..28 } else { 0..28 };
    match kinds.start + draw.below(kinds.len()) {
        0 => Condition::Always,
        1 => Condition::All(draw.several(3, inner)),
        2 => Condition::Any(draw.several(3, inner)),
        3 => Condition::Not(Box::new(inner(draw))),
        4 => Condition::Caller(list(draw, "caller", region)),
        5 => Condition::CallerIn(draw.several(2, |draw| draw.below(LISTS.len()))),
        6 => Condition::CallerKind(draw.one_of(&KindSet::WORDS).1),
        7 => Condition::Name(draw.several(2, text)),
        8 => Condition::Country(vec![region]),
        9 => Condition::NearList { list: draw.below(LISTS.len()), last_digits: draw.byte() },
        10 => Condition::LikeCalled { first_digits: draw.byte() },
        11 => Condition::Called(list(draw, "called", region)),
        12 => Condition::Line(vec![Wildcard::new(&draw.text())]),
        13 => Condition::Group(vec![draw.text().into()]),
        14 => Condition::Source(draw.several(2, |draw| *draw.one_of(&ARRIVALS))),
        15 => Condition::Verification(draw.several(2, |draw| *draw.one_of(&VERIFICATIONS))),
        16 => Condition::Attestation(draw.several(2, |draw| *draw.one_of(&ATTESTATIONS))),
        17 => Condition::Score { list: draw.below(LISTS.len()), at_least: draw.byte().into() },
        18 => Condition::Repeat { count: draw.byte().into(), within: span(draw) },
        19 => Condition::DialedWithin(span(draw)),
        20 => Condition::AnsweredWithin(span(draw)),
        21 => Condition::FirstTime(draw.is()),
        22 => {
            let per = *draw.one_of(&[Per::Caller, Per::Line, Per::Source]);
            Condition::Rate { per, more_than: draw.byte().into(), within: span(draw) }
        }
        23 => Condition::Hours(draw.several(2, hours)),
        24 => Condition::Schedule(vec![Arc::new(Schedule::new("open").hours(draw.several(2, hours)))]),
        25 => Condition::Switch(vec![0]),
        26 => Condition::UserAgent(draw.several(2, text)),
        _ if draw.is() => Condition::Diverted(draw.is()),
        _ => Condition::DivertedBy(list(draw, "diverted", region)),
    }
}

fn call(draw: &mut Draw<'_>) -> Call {
    Call {
        caller: caller(draw),
        name: draw.maybe(Draw::text),
        withheld: draw.is(),
        caller_source: *draw.one_of(&[Source::From, Source::AssertedIdentity, Source::Told]),
        called: draw.maybe(caller),
        line: draw.maybe(Draw::text),
        source: draw.maybe(|draw| *draw.one_of(&ARRIVALS)),
        at: draw.maybe(|draw| {
            (*draw.one_of(&["2026-03-29T02:30", "2026-10-25T02:30", "-9999-01-02T00:00"])).to_owned()
        }),
        verification: *draw.one_of(&VERIFICATIONS),
        attestation: *draw.one_of(&ATTESTATIONS),
        user_agent: draw.maybe(Draw::text),
        diverted: draw.maybe(caller),
        psap_callback: draw.byte() > 240,
        lists: draw.several(2, |draw| (*draw.one_of(&LISTS)).into()),
        // As a call in a file says it, whatever form that takes here.
        scores: serde_json::from_str(&format!("{{\"{}\":{}}}", draw.one_of(&LISTS), draw.byte()))
            .expect("a list and a number"),
        recent: draw.several(3, |draw| format!("-{}m", draw.byte())),
        rate: draw.maybe(|draw| draw.byte().into()),
        dialed: draw.maybe(|draw| format!("-{}h", draw.byte())),
        answered: draw.maybe(|draw| format!("-{}d", draw.byte())),
        switches: draw.several(1, |_| "on_call".to_owned()),
        ..Call::default()
    }
}

fn list(draw: &mut Draw<'_>, name: &str, region: Region) -> Arc<List> {
    let mut builder = List::builder(name);
    for _ in 0..draw.below(4) {
        builder.inline_entry(&caller(draw), None, draw.maybe(|_| NOW), region);
    }
    Arc::new(builder.build().0)
}

/// Draws who calls or is called, or what stands on a list.
fn caller(draw: &mut Draw<'_>) -> String {
    match draw.below(KNOWN.len() + 1) {
        0 => draw.text(),
        known => KNOWN[known - 1].to_owned(),
    }
}

fn text(draw: &mut Draw<'_>) -> Text {
    Text::parse(&draw.text()).unwrap_or(Text::Wildcard(Wildcard::new("*")))
}

fn span(draw: &mut Draw<'_>) -> SignedDuration {
    match draw.byte() {
        255 => SignedDuration::MAX,
        minutes => SignedDuration::from_mins(minutes.into()),
    }
}

fn hours(draw: &mut Draw<'_>) -> Hours {
    let text = format!("{:02}:{:02}-{:02}:00", draw.below(24), draw.below(60), draw.below(25));
    Hours::parse(&text).unwrap_or(Hours::parse("22:00-07:00").expect("these are hours"))
}

fn treatment(draw: &mut Draw<'_>) -> Arc<Treatment> {
    Arc::new(draw.one_of(&Treatment::built_in()).clone())
}

/// A time that every zone knows.
const NOW: Timestamp = Timestamp::constant(1_772_370_000, 0);

const LISTS: [&str; 3] = ["people", "spam", "never_block"];

const KNOWN: [&str; 15] = [
    "+41791234567",
    "079 123 45 67",
    "+4179*",
    "+41791234560..+41791234569",
    "/^\\+4179/",
    "+12025550100",
    "2025550100",
    "1002",
    "10*",
    "112",
    "anonymous",
    "unavailable",
    "invalid",
    "alice",
    "sip:alice",
];

const ARRIVALS: [Arrival; 4] = [Arrival::Registrar, Arrival::Peer, Arrival::Token, Arrival::Anyone];
const VERIFICATIONS: [Verification; 4] =
    [Verification::Unchecked, Verification::Passed, Verification::Failed, Verification::None];
const ATTESTATIONS: [Attestation; 4] = [Attestation::A, Attestation::B, Attestation::C, Attestation::None];
