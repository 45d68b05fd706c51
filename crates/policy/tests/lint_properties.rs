//! What `check` calls impossible holds of no call: a warning that may be wrong is worse than none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/fixed_seed.rs"]
mod fixed_seed;

use std::sync::Arc;

use fixed_seed::configuration;
use proptest::prelude::*;
use ringfence_policy::{
    Attestation, Caller, Condition, Facts, Hours, KindSet, List, Policy, PolicyParts, Region, Rule,
    Treatment, Wildcard, check, decide,
};

const PATTERNS: [&str; 17] = [
    "+41*",
    "+4144*",
    "+4179*",
    "+41791234567",
    "+41791234568",
    "+4*",
    "+49*",
    "+447911*",
    "+41442551111..+41442559999",
    "+41790000000..+41799999999",
    "/67$/",
    "1002",
    "internal:10*",
    "anonymous",
    "invalid",
    "unavailable",
    "sip:alice",
];
const CALLERS: [&str; 20] = [
    "+41441234567",
    "+41442555555",
    "+41791234567",
    "+41791234568",
    "+41800123456",
    "+41900123456",
    "+41799",
    "+4930123456",
    "+491701234567",
    "+447911123456",
    "+12125550123",
    "+18765550123",
    "+18005550123",
    "+7701234567",
    "1002",
    "103",
    "anonymous",
    "unavailable",
    "alice",
    "5551234",
];
const REGIONS: [&str; 6] = ["CH", "DE", "GB", "US", "JM", "JE"];
const HOURS: [&str; 5] = ["10:00-12:00", "09:00-13:00", "22:00-07:00", "12:00-12:00", "00:00-24:00"];
const LINES: [&str; 3] = ["home", "ho*", "work"];

fn list(patterns: &[usize], region: Region) -> Arc<List> {
    let mut builder = List::builder("");
    for pattern in patterns {
        builder.inline(PATTERNS[*pattern], region);
    }
    Arc::new(builder.build().0)
}

fn any_leaf(region: Region) -> impl Strategy<Value = Condition> {
    let patterns =
        move || proptest::collection::vec(0..PATTERNS.len(), 1..3).prop_map(move |some| list(&some, region));
    let kinds = proptest::collection::vec(0..KindSet::WORDS.len(), 1..3)
        .prop_map(|some| some.iter().fold(KindSet::NONE, |kinds, word| kinds.with(KindSet::WORDS[*word].1)));
    let regions = proptest::collection::vec(0..REGIONS.len(), 1..3)
        .prop_map(|some| some.iter().map(|code| Region::parse(REGIONS[*code]).unwrap()).collect());
    let hours = proptest::collection::vec(0..HOURS.len(), 1..3)
        .prop_map(|some| some.iter().map(|hours| Hours::parse(HOURS[*hours]).unwrap()).collect());
    prop_oneof![
        4 => patterns().prop_map(Condition::Caller),
        4 => kinds.prop_map(Condition::CallerKind),
        3 => regions.prop_map(Condition::Country),
        2 => hours.prop_map(Condition::Hours),
        1 => patterns().prop_map(Condition::Called),
        1 => patterns().prop_map(Condition::DivertedBy),
        1 => any::<bool>().prop_map(Condition::Diverted),
        1 => (0..LINES.len()).prop_map(|line| Condition::Line(vec![Wildcard::new(LINES[line])])),
        1 => Just(Condition::LikeCalled { first_digits: 2 }),
        1 => Just(Condition::Attestation(vec![Attestation::None])),
        1 => Just(Condition::Always),
    ]
}

fn any_condition(region: Region) -> impl Strategy<Value = Condition> {
    any_leaf(region).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            2 => inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            3 => proptest::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            1 => proptest::collection::vec(inner, 1..4).prop_map(Condition::Any),
        ]
    })
}

fn policy(condition: Condition, region: Region) -> Policy {
    let ring = Arc::new(Treatment::built_in()[0].clone());
    let rules = vec![
        Rule::new("drawn", condition, Arc::clone(&ring)),
        Rule::new("otherwise", Condition::Always, ring),
    ];
    Policy::new(PolicyParts { rules, ..PolicyParts::new(region) }).unwrap()
}

/// Returns whether a rule decides one of many calls: each caller, shown or withheld, at each hour.
fn is_reached(policy: &Policy, region: Region) -> bool {
    let midnight: jiff::Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let lines = ["home", "work"];
    let others = [None, Some("+41791234567"), Some("1002"), Some("anonymous"), Some("+447911123456")];
    let callers = CALLERS.iter().enumerate().flat_map(|one| [(one, false), (one, true)]);
    callers.into_iter().any(|((place, caller), withheld)| {
        let caller = Caller { withheld, ..Caller::from_header(caller, "pbx.example") };
        (0..24).any(|hour| {
            others.iter().enumerate().any(|(turn, other)| {
                let line = lines[(place + hour + turn) % 2];
                let facts = Facts {
                    diverted: *other,
                    called: others[(turn + hour) % 5].map(|called| (called, ringfence_policy::Source::To)),
                    ..Facts::new(&caller, line, region)
                };
                let now = midnight + jiff::SignedDuration::from_hours(i64::try_from(hour).unwrap());
                decide(policy, &facts, now).rule_id() == "drawn"
            })
        })
    })
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn a_condition_that_is_called_impossible_holds_of_no_call(
        (region, condition) in (0..REGIONS.len()).prop_flat_map(|place| {
            let region = Region::parse(REGIONS[place]).unwrap();
            any_condition(region).prop_map(move |condition| (region, condition))
        })
    ) {
        let policy = policy(condition, region);
        let told = check(&policy).iter().any(|odd| odd.message().starts_with("rule drawn never matches"));
        prop_assert!(!told || !is_reached(&policy, region), "{:?}", policy.rules()[0].when());
    }
}
