//! A policy of a hundred rules, of all matchers, that ends with a compiled list: a caller who is
//! not on it is asked of by each rule.

use std::sync::Arc;

use jiff::civil::{Weekday, date};
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{
    Arrival, Attestation, Caller, Condition, Facts, Hours, KindSet, List, Per, Policy, PolicyParts, Region,
    Rule, Schedule, Set, Source, Switch, Text, Treatment, Verification, Wildcard,
};

/// Half past ten of a Tuesday in Switzerland.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_795_512_600).expect("a time of this century")
}

pub(crate) fn region() -> Region {
    Region::parse("CH").expect("CH is a region")
}

/// Returns what a provider tells of a call, with a name and the software.
pub(crate) fn facts(user: &str, region: Region) -> Facts<'_> {
    let caller =
        Caller { display_name: Some("Delivery Service"), ..Caller::from_header(user, "pbx.example") };
    Facts {
        called: Some(("+41441234567", Source::RequestUri)),
        user_agent: Some("Gateway 7.2 (build 1031)"),
        ..Facts::new(&caller, "reception", region)
    }
}

/// Makes the policy: 98 rules that match none of the callers that are measured, with every look at
/// the compiled list there is, then the compiled list, then the last rule.
pub(crate) fn policy(set: Set) -> Policy {
    let mut numbers = List::builder("numbers");
    numbers.set("numbers.set", set);
    let (numbers, errors) = numbers.build();
    assert!(errors.is_empty(), "the set was compiled");
    let [busy, ring] = [2, 0].map(|place: usize| Arc::new(Treatment::built_in()[place].clone()));
    let mut conditions: Vec<Condition> = (0..98).map(unmatched).collect();
    conditions.push(Condition::CallerIn(vec![NUMBERS]));
    conditions.push(Condition::Always);
    let rules = (0..).zip(conditions).map(|(place, when)| {
        let then = if place == 99 { &ring } else { &busy };
        Rule::new(&format!("rule-{place}"), when, then.clone())
    });
    let switch = |name: &str| Switch { name: name.into(), default: false, auto_off: None };
    Policy::new(PolicyParts {
        zone: jiff::tz::TimeZone::get("Europe/Zurich").unwrap_or(jiff::tz::TimeZone::UTC),
        lists: vec![
            patterns("friends", "+41441112233\n+4143222*\nsip:alice\n1002"),
            patterns("family", "079 123 45 67\n079 123 45 68"),
            Arc::new(numbers),
        ],
        switches: vec![switch("holiday"), switch("party")],
        rules: rules.collect(),
        ..PolicyParts::new(region())
    })
    .expect("the last rule always matches")
}

const FRIENDS: usize = 0;
const FAMILY: usize = 1;
const NUMBERS: usize = 2;

fn patterns(name: &str, text: &str) -> Arc<List> {
    let (list, errors) = List::parse_text(name, name, text, region());
    assert!(errors.is_empty(), "the patterns are well formed");
    Arc::new(list)
}

fn text(pattern: &str) -> Text {
    Text::parse(pattern).expect("the pattern is well formed")
}

/// Returns one of the matchers in turn. Five of them are in words that are different each time round; that the
/// others ask the same again is not to be taken advantage of: in a policy, such a rule would never match.
fn unmatched(place: usize) -> Condition {
    let round = place / MATCHERS;
    match place % MATCHERS {
        0 => Condition::Caller(patterns("", &format!("+4144555{round:04}\n+4144556{round}*"))),
        1 => Condition::CallerIn(vec![FRIENDS, FAMILY]),
        2 => Condition::CallerKind(KindSet::ANONYMOUS.with(KindSet::PREMIUM)),
        3 => Condition::Name(vec![text(&format!("*lottery {round}*")), text("bank*")]),
        4 => Condition::Country(vec![Region::parse("LI").expect("LI is a region")]),
        5 => Condition::NearList { list: FAMILY, last_digits: 2 },
        6 => Condition::LikeCalled { first_digits: 6 },
        7 => Condition::Called(patterns("", &format!("+4144999{round:04}"))),
        8 => Condition::Line(vec![Wildcard::new(&format!("line-{round}*"))]),
        9 => Condition::Group(vec!["night".into()]),
        10 => Condition::Source(vec![Arrival::Anyone]),
        11 => Condition::Verification(vec![Verification::Failed]),
        12 => Condition::Attestation(vec![Attestation::C]),
        13 => Condition::Score { list: FRIENDS, at_least: 3 },
        14 => Condition::Repeat { count: 2, within: SignedDuration::from_mins(3) },
        15 => Condition::DialedWithin(SignedDuration::from_hours(24)),
        16 => Condition::AnsweredWithin(SignedDuration::from_hours(24)),
        17 => Condition::Rate { per: Per::Caller, more_than: 20, within: SignedDuration::from_mins(1) },
        18 => Condition::Hours(vec![Hours::parse("22:00-06:30").expect("hours")]),
        19 => Condition::Schedule(vec![closed()]),
        20 => Condition::Switch(vec![0, 1]),
        21 => Condition::UserAgent(vec![text(&format!("*scanner {round}*")), text("/^v[0-9]+$/")]),
        22 => Condition::Diverted(true),
        23 => Condition::All(vec![Condition::FirstTime(true), Condition::Name(vec![text("/spam|prize/")])]),
        _ => Condition::All(vec![
            Condition::Not(Box::new(Condition::CallerIn(vec![FRIENDS]))),
            Condition::Any(vec![Condition::Diverted(true), Condition::Switch(vec![1])]),
        ]),
    }
}

const MATCHERS: usize = 25;

fn closed() -> Arc<Schedule> {
    let hours = ["00:00-08:00", "18:00-24:00"].map(|hours| Hours::parse(hours).expect("hours"));
    let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    Arc::new(Schedule::new("closed").days(days).hours(hours).except([date(2026, 12, 25)]))
}
