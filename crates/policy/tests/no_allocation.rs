//! Deciding a call allocates nothing.

#[path = "../../../tests/counting_allocator.rs"]
mod counting_allocator;
#[path = "../benches/hundred_rules/mod.rs"]
mod hundred_rules;

use std::hint::black_box;
use std::sync::Arc;

use counting_allocator::allocations;
use jiff::Timestamp;
use ringfence_policy::{Caller, E164, Facts, KindSet, List, Policy, Region, Set, SetWriter, decide};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// Returns a caller of each kind.
fn callers() -> [Caller<'static>; 10] {
    [
        Caller::from_header("+41791234567", "pbx.example"),
        Caller::from_header("tel:079-111-22-33;phone-context=+41", "pbx.example"),
        Caller::from_header("anonymous", "anonymous.invalid"),
        Caller { withheld: true, ..Caller::asserted("+41791234567", "pbx.example") },
        Caller::from_header("", "pbx.example"),
        Caller::from_header("alice", "pbx.example"),
        Caller::from_header("1002", "pbx.example"),
        Caller::from_header("2042", "pbx.example"),
        Caller::from_header("1234567", "pbx.example"),
        Caller::from_header("12345678901234567890", "pbx.example"),
    ]
}

#[test]
fn deciding_a_call_allocates_nothing() {
    let switzerland = Region::parse("CH").unwrap();
    let spam = "+4179*\n+49301234567\nanonymous\nunavailable\ninvalid\nsip:alice\n1002\ninternal:20*\n";
    let (reject, errors) = List::parse_text("reject", "spam.txt", spam, switzerland);
    assert!(errors.is_empty());
    let (allow, _) = List::parse_text("allow", "friends.txt", "+41791112233", switzerland);
    let policy = Policy::of_lists(switzerland, Arc::new(allow), Arc::new(reject)).unwrap();
    let callers = callers();
    let count = allocations(|| {
        for caller in &callers {
            let facts = Facts::new(caller, "home", switzerland);
            black_box(decide(&policy, &facts, now()));
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn looking_a_caller_up_and_telling_its_kinds_allocates_nothing() {
    let switzerland = Region::parse("CH").unwrap();
    let text =
        "+4144*\n+41442551111..+41442559999\n1000..1999\n/^.44 84[45]/\n/0{4}$/\nsip:alice\n+12125550100";
    let mut builder = List::builder("reject");
    builder.text("spam.txt", text, switzerland);
    builder.inline_entry("+41791234567", None, Some(now()), switzerland);
    let (list, errors) = builder.build();
    assert!(errors.is_empty());
    let users =
        ["0442554567", "1500", "+448451234567", "+18005550000", "alice", "+41791234567", "+12125550199"];
    let callers = users.map(|user| Caller::from_header(user, "pbx.example").identify(switzerland));

    let mut found = 0;
    let count = allocations(|| {
        for caller in &callers {
            found += usize::from(list.find(caller, now()).is_some());
            found += usize::from(caller.number().is_some_and(|number| list.near(number, 2, now()).is_some()));
            black_box((list.score(caller, now()), KindSet::of(caller, switzerland)));
        }
    });
    assert_eq!((count, found), (0, 6));
}

#[test]
fn deciding_a_call_by_a_hundred_rules_and_a_compiled_list_allocates_nothing() {
    let mut writer = SetWriter::new("numbers", Timestamp::UNIX_EPOCH);
    for index in 0..1000 {
        writer.push_number(E164::new(12_025_550_000 + 7 * index).unwrap()).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    let policy = hundred_rules::policy(Set::open(Arc::new(bytes)).unwrap());

    let mut rules = Vec::with_capacity(3);
    let count = allocations(|| {
        for user in ["+12025550007", "+12025550008", "anonymous"] {
            let facts = hundred_rules::facts(user, policy.region());
            rules.push(decide(&policy, &facts, hundred_rules::now()).rule_id());
        }
    });
    assert_eq!(rules, ["rule-98", "rule-99", "rule-2"]);
    assert_eq!(count, 0);
}
