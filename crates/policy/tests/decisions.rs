//! Which rule decides a call, and what is said of it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{
    Call, Caller, CallerId, CallerKind, Condition, E164, Facts, List, Policy, PolicyError, PolicyParts,
    Region, Rejection, Rule, Set, SetWriter, Severity, Source, Text, Treatment, Trust, check, decide,
};

fn switzerland() -> Region {
    Region::parse("CH").expect("CH is a region")
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("an instant")
}

fn list(name: &str, file: &str, text: &str) -> Arc<List> {
    let (list, errors) = List::parse_text(name, file, text, switzerland());
    assert_eq!(errors, []);
    Arc::new(list)
}

/// Makes the policy of two lists, and what is done with everyone else.
fn policy_otherwise(allow: &str, reject: &str, otherwise: Treatment) -> Result<Policy, PolicyError> {
    let mut parts = PolicyParts::new(switzerland());
    parts.lists = vec![list("allow", "friends.txt", allow), list("reject", "spam.txt", reject)];
    let busy = Arc::new(Treatment::reject("busy", Rejection::busy()));
    parts.rules = vec![
        Rule::new("allowed", Condition::CallerIn(vec![0]), Arc::new(Treatment::ring())),
        Rule::new("listed", Condition::CallerIn(vec![1]), busy),
        Rule::new("otherwise", Condition::Always, Arc::new(otherwise)),
    ];
    Policy::new(parts)
}

fn policy(allow: &str, reject: &str) -> Policy {
    policy_otherwise(allow, reject, Treatment::ring()).expect("no emergency number")
}

fn declined(allow: &str, reject: &str) -> Policy {
    let decline = Treatment::reject("decline", Rejection::decline());
    policy_otherwise(allow, reject, decline).expect("no emergency number")
}

fn decided<'p>(policy: &'p Policy, caller: &Caller<'_>) -> &'p str {
    decide(policy, &facts(caller), now()).rule_id()
}

fn facts<'a>(caller: &Caller<'a>) -> Facts<'a> {
    Facts::new(caller, "home", switzerland())
}

#[track_caller]
fn explained(policy: &Policy, caller: &Caller<'_>, sentence: &str) {
    let facts = facts(caller);
    assert_eq!(decide(policy, &facts, now()).explain(policy, &facts, now()).to_string(), sentence);
}

#[test]
fn the_allow_list_comes_before_the_reject_list_and_both_before_the_default() {
    let policy = declined("+41791112233 # Anna", "+4179*");
    let call = |user| Caller::from_header(user, "pbx.example");
    explained(
        &policy,
        &call("079 111 22 33"),
        "let ring: +41791112233 is on the allow list (entry +41791112233, friends.txt:1, Anna)",
    );
    explained(
        &policy,
        &call("+41791234567"),
        "rejected with 486: +41791234567 is on the reject list (entry +4179*, spam.txt:1)",
    );
    explained(&policy, &call("+41441234567"), "rejected with 603: +41441234567 meets no other rule");
}

#[test]
fn a_number_of_a_compiled_list_stands_in_no_line() {
    let number = E164::new(41_791_234_567).expect("a number");
    let mut writer = SetWriter::new("reject", Timestamp::UNIX_EPOCH);
    writer.push_number(number).expect("there is room");
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("memory takes all");
    let mut reject = List::builder("reject");
    reject.set("spam.set", Set::open(Arc::new(bytes)).expect("it was compiled"));
    let (reject, errors) = reject.build();
    assert_eq!(errors, []);
    let policy = Policy::of_lists(switzerland(), list("allow", "friends.txt", ""), Arc::new(reject));
    explained(
        &policy.expect("no emergency number"),
        &Caller::from_header("+41791234567", "pbx.example"),
        "rejected with 486: +41791234567 is on the reject list (entry +41791234567, spam.set)",
    );
}

#[test]
fn every_kind_of_caller_is_told_in_its_own_words() {
    let policy = policy("", "");
    for (user, host, sentence) in [
        ("anonymous", "anonymous.invalid", "let ring: a withheld number meets no other rule"),
        ("", "pbx.example", "let ring: a caller without a number meets no other rule"),
        ("unknown", "unknown.invalid", "let ring: a caller without a number meets no other rule"),
        ("alice", "pbx.example", "let ring: \"alice\" meets no other rule"),
        ("1002", "pbx.example", "let ring: 1002 meets no other rule"),
        ("1234567", "pbx.example", "let ring: 1234567 lacks its area code, so that no list can name it"),
        ("al\u{1b}ice", "pbx.example", "let ring: \"al·ice\" meets no other rule"),
        ("the survey", "pbx.example", "let ring: \"the survey\" meets no other rule"),
        ("x\" is on", "pbx.example", r#"let ring: "x\" is on" meets no other rule"#),
    ] {
        explained(&policy, &Caller::from_header(user, host), sentence);
    }
}

#[test]
fn a_number_that_no_plan_has_is_told_with_what_is_wrong_with_it() {
    let policy = policy("", "");
    for (user, host, sentence) in [
        (
            "+4179123",
            "pbx.example",
            "let ring: +4179123 meets no other rule; numbers in +41 that begin with 7 have 9 digits after the calling \
             code, this one has 5",
        ),
        (
            "+999123456",
            "pbx.example",
            "let ring: +999123456 meets no other rule; no country has this calling code",
        ),
        (
            "1234567890123456789",
            "pbx.example",
            "let ring: 1234567890123456789 meets no other rule; more than the 15 digits a number can have",
        ),
    ] {
        explained(&policy, &Caller::from_header(user, host), sentence);
    }
}

#[test]
fn withheld_unavailable_and_invalid_callers_are_three_kinds() {
    let kind = |caller: Caller<'_>| caller.identify(switzerland()).kind();
    let call = |user, host| Caller::from_header(user, host);
    for user in ["anonymous", "Anonymous", "restricted", "private", "withheld", "+266696687"] {
        assert_eq!(kind(call(user, "pbx.example")), CallerKind::Anonymous, "{user}");
    }
    assert_eq!(kind(call("thisisanonymous", "anonymous.invalid")), CallerKind::Anonymous);
    assert_eq!(kind(call("thisisanonymous", "Anonymous.Invalid.")), CallerKind::Anonymous);
    assert_eq!(kind(call("Anonymous;tag=x", "pbx.example")), CallerKind::Anonymous);
    assert_eq!(kind(call("somebody", "UNKNOWN.invalid.")), CallerKind::Unavailable);
    let named = Caller { display_name: Some("Anonymous"), ..call("", "pbx.example") };
    assert_eq!(kind(named), CallerKind::Anonymous);
    for user in ["", "unavailable", "unknown"] {
        assert_eq!(kind(call(user, "pbx.example")), CallerKind::Unavailable, "{user}");
    }
    for user in ["+41791", "+999123456789", "079123", "+49(0)123+4", "12345678901234567"] {
        let expected = if user == "079123" { CallerKind::Internal } else { CallerKind::Invalid };
        assert_eq!(kind(call(user, "pbx.example")), expected, "{user}");
    }
}

#[test]
fn parameters_in_the_user_are_no_part_of_a_name() {
    let policy = policy("sip:alice", "unavailable\nsip:bob%3Bcpc%3Dordinary");
    for user in ["alice;cpc=ordinary", "alice;verstat=No-TN-Validation;npdi", " alice ;x=y", "alice;"] {
        let caller = Caller::from_header(user, "pbx.example");
        assert_eq!(decided(&policy, &caller), "allowed", "{user}");
        assert_eq!(caller.identify(switzerland()), CallerId::Name("alice"), "{user}");
        let withheld = Caller { withheld: true, ..caller };
        assert_eq!(withheld.identify(switzerland()), CallerId::WithheldName("alice"), "{user}");
        for caller in [caller, withheld] {
            let who = caller.identify(switzerland());
            assert_eq!(who.keep().of(user), who);
        }
    }
    for user in ["unavailable;verstat=No-TN-Validation", "Unknown;x", ";cpc=ordinary", "bob;npdi", "bob"] {
        assert_eq!(decided(&policy, &Caller::from_header(user, "pbx.example")), "listed", "{user}");
    }
    assert_eq!(decided(&policy, &Caller::from_header("alice.smith;x=y", "pbx.example")), "otherwise");
}

#[test]
fn a_hidden_name_is_matched_and_not_shown() {
    let policy = policy("sip:boss", "anonymous");
    let asserted = Caller { display_name: Some("The Boss"), ..Caller::asserted("boss", "pbx.example") };
    let hidden = Caller::from_header("anonymous", "anonymous.invalid").or_asserted(Some(asserted));
    let nobody =
        Caller { display_name: Some("Anonymous"), ..Caller::from_header("anonymous", "anonymous.invalid") };
    let unnamed = nobody.or_asserted(Some(Caller { display_name: None, ..asserted }));
    for caller in [hidden, unnamed, Caller { withheld: true, ..asserted }] {
        let facts = facts(&caller);
        let decision = decide(&policy, &facts, now());
        assert_eq!((decision.rule_id(), decision.list()), ("allowed", Some("allow")));
        let explanation = decision.explain(&policy, &facts, now());
        assert_eq!(explanation.to_string(), "let ring: a withheld name is on the allow list");
        let trace = policy.trace(&facts, now()).to_string();
        assert!(!trace.contains("boss") && !trace.contains("Boss"), "{trace}");
    }
    let other = Caller { withheld: true, ..Caller::asserted("sue", "pbx.example") };
    assert_eq!(decided(&policy, &other), "listed");
}

#[test]
fn the_name_beside_a_hidden_identity_is_not_shown_whatever_that_is() {
    let wanted = Condition::Name(vec![Text::parse("*sue*").expect("a text")]);
    let rules = vec![
        Rule::new("named", wanted, Arc::new(Treatment::reject("busy", Rejection::busy()))),
        Rule::new("otherwise", Condition::Always, Arc::new(Treatment::ring())),
    ];
    let policy = Policy::new(PolicyParts { rules, ..PolicyParts::new(switzerland()) }).expect("it decides");
    for user in ["sue", "+41791234567", "1002", "+44999999999999999999999"] {
        let asserted = Caller {
            display_name: Some("Spam Sue"),
            withheld: true,
            ..Caller::asserted(user, "pbx.example")
        };
        let facts = facts(&asserted);
        let said = decide(&policy, &facts, now()).explain(&policy, &facts, now()).to_string();
        assert_eq!(said, "rejected with 486: rule named: name withheld, wanted \"*sue*\"", "{user}");
        assert!(!policy.trace(&facts, now()).to_string().contains("Sue"), "{user}");
    }
}

#[test]
fn a_hidden_number_is_matched_and_not_shown() {
    let policy = policy("", "+41791234567\nanonymous");
    let from = Caller::from_header("anonymous", "anonymous.invalid");
    let caller = from.or_asserted(Some(Caller::asserted("+41791234567", "pbx.example")));
    let facts = facts(&caller);
    let decision = decide(&policy, &facts, now());
    assert_eq!(decision.entry().unwrap().origin().line(), 1);
    let explanation = decision.explain(&policy, &facts, now());
    assert_eq!((explanation.kind, explanation.caller.as_str()), (CallerKind::Anonymous, "a withheld number"));
    assert_eq!((explanation.source, explanation.source.trust()), (Source::AssertedIdentity, Trust::Asserted));

    assert_eq!(explanation.entry, None);
    assert_eq!(explanation.to_string(), "rejected with 486: a withheld number is on the reject list");

    let other = from.or_asserted(Some(Caller::asserted("+41791234568", "pbx.example")));
    assert_eq!(
        decide(&policy, &Facts::new(&other, "home", switzerland()), now()).entry().unwrap().written(),
        "anonymous"
    );
}

#[test]
fn an_asserted_identity_counts_more_than_from() {
    let policy = policy("", "+41791234567");
    let from = Caller { display_name: Some("Bank"), ..Caller::from_header("+41440000000", "pbx.example") };
    let caller = from.or_asserted(Some(Caller::asserted("+41791234567", "pbx.example")));
    assert_eq!(decided(&policy, &caller), "listed");
    assert_eq!(facts(&caller).display_name, Some("Bank"));
    assert_eq!(decided(&policy, &from.or_asserted(None)), "otherwise");
}

#[test]
fn a_display_name_allows_nobody() {
    let policy = declined("sip:Anna", "");
    let caller = Caller { display_name: Some("Anna"), ..Caller::from_header("+41791234567", "pbx.example") };
    assert_eq!(decided(&policy, &caller), "otherwise");
}

#[test]
fn an_emergency_number_is_never_refused() {
    let policy = declined("", "internal:1*\nanonymous");
    for number in ["112", "117", "118", "144", "911", "999"] {
        let caller = Caller::from_header(number, "pbx.example");
        assert_eq!(decided(&policy, &caller), "emergency", "{number}");
    }
    let caller = Caller::from_header("anonymous", "anonymous.invalid");
    let back = Facts { psap_callback: true, ..facts(&caller) };
    assert_eq!(
        decide(&policy, &back, now()).explain(&policy, &back, now()).to_string(),
        "let ring: an emergency centre calls back"
    );
}

#[test]
fn an_emergency_number_rings_in_whatever_form_it_arrives() {
    let policy = declined("", "invalid\nanonymous\n/./");
    for number in [
        "+112",
        "+144",
        "+41112",
        "+41144",
        "0041144",
        "+0041117",
        "+911",
        "tel:+41-118",
        "112;phone-context=+41",
    ] {
        assert_eq!(decided(&policy, &Caller::from_header(number, "pbx.example")), "emergency", "{number}");
    }
    assert_eq!(decided(&policy, &Caller::from_header("+41791", "pbx.example")), "listed");
}

#[test]
fn an_emergency_number_that_is_hidden_rings_all_the_same() {
    let policy = declined("", "anonymous");
    for number in ["112", "+112", "+41144", "0041144"] {
        let asserted = Caller { withheld: true, ..Caller::asserted(number, "pbx.example") };
        assert_eq!(decided(&policy, &asserted), "emergency", "{number}");
        let from = Caller::from_header("anonymous", "anonymous.invalid");
        let caller = from.or_asserted(Some(Caller::asserted(number, "pbx.example")));
        assert_eq!(decided(&policy, &caller), "emergency", "{number}");
    }
    let asserted = Caller { withheld: true, ..Caller::asserted("1002", "pbx.example") };
    assert_eq!(decided(&policy, &asserted), "listed");
}

#[test]
fn an_emergency_number_rings_also_where_its_host_says_that_there_is_none() {
    let policy = declined("", "anonymous\nunavailable");
    for host in ["anonymous.invalid", "Anonymous.Invalid.", "unknown.invalid", "UNKNOWN.invalid."] {
        for number in ["112", "+112", "+41144", "0041144", "112;phone-context=+41"] {
            assert_eq!(decided(&policy, &Caller::from_header(number, host)), "emergency", "{number}@{host}");
        }
        for user in ["1002", "+41791234567", "112x", "bob", "266696687"] {
            assert_eq!(decided(&policy, &Caller::from_header(user, host)), "listed", "{user}@{host}");
        }
    }
}

#[test]
fn a_number_that_the_host_hides_is_matched_and_not_shown() {
    let policy = policy("+41791234567", "anonymous");
    let caller =
        Caller { display_name: Some("Anna"), ..Caller::from_header("0791234567", "anonymous.invalid") };
    let facts = facts(&caller);
    let decision = decide(&policy, &facts, now());
    let said = decision.explain(&policy, &facts, now()).to_string();
    assert_eq!(said, "let ring: a withheld number is on the allow list");
    let trace = policy.trace(&facts, now()).to_string();
    assert!(!trace.contains("1234567") && !trace.contains("Anna"), "{trace}");
    assert_eq!(
        CallerId::Anonymous { number: None },
        Caller::from_header("266696687", "x").identify(switzerland())
    );
}

#[test]
fn entries_that_name_emergency_numbers_are_refused() {
    let with = |text: &str| {
        let mut reject = List::builder("reject");
        text.lines().for_each(|entry| reject.inline(entry, switzerland()));
        Policy::of_lists(switzerland(), list("allow", "friends.txt", ""), Arc::new(reject.build().0))
    };
    let error = with("+4179*\n112\n144").unwrap_err();
    assert_eq!(
        error.to_string(),
        "inline: 112 is an emergency number and cannot be refused; \
         inline: 144 is an emergency number and cannot be refused"
    );
    for entry in ["+112", "+41144", "0041 144", "112"] {
        let error = with(entry).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("inline: {entry} is an emergency number and cannot be refused")
        );
    }
    assert!(policy_otherwise("112", "", Treatment::ring()).is_ok());
}

#[test]
fn a_row_of_a_source_that_is_an_emergency_number_is_left_out_and_told_with_its_line() {
    let policy = policy("", "+41791234567\n911\n+41144\n0900*");
    let told: Vec<String> = check(&policy).iter().map(ToString::to_string).collect();
    let row = |line, written: &str| {
        format!(
            "spam.txt:{line}: {written} is an emergency number: it rings all the same, and this row is left out"
        )
    };
    assert_eq!(told, [row(2, "911"), row(3, "+41144")]);
    assert_eq!((policy.left_out("reject"), policy.left_out("allow")), (2, 0));
    assert_eq!(decided(&policy, &Caller::from_header("911", "pbx.example")), "emergency");
    assert_eq!(decided(&policy, &Caller::from_header("+41791234567", "pbx.example")), "listed");
}

#[test]
fn what_an_owner_did_not_mean_is_found() {
    let allow = "+4179*\n+41441234567\n1002";
    let reject = "+4179*\n079 123 45 67\n+41441234567\n+4144*\n+41221\ninternal:11*\n1002\n1002";
    let policy = policy(allow, reject);
    let mut found: Vec<String> = check(&policy).iter().map(ToString::to_string).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "spam.txt:1: +4179* is never refused: +4179* allows it (friends.txt:1)",
            "spam.txt:2: 079 123 45 67 is never refused: +4179* allows it (friends.txt:1)",
            "spam.txt:3: +41441234567 is never refused: +41441234567 allows it (friends.txt:2)",
            "spam.txt:5: +41221 is no real number: numbers in +41 that begin with 2 have 9 digits after the \
             calling code, this one has 3",
            "spam.txt:6: internal:11* covers the emergency number 112, which is never refused",
            "spam.txt:7: 1002 is never refused: 1002 allows it (friends.txt:3)",
            "spam.txt:8: 1002 repeats 1002 (spam.txt:7)",
        ]
    );
}

#[test]
fn many_findings_of_a_kind_end_with_their_count() {
    let policy = policy("", &"+41791234567\n".repeat(1000));
    let findings = check(&policy);
    assert_eq!(findings.len(), 21);
    assert_eq!(findings[20].message(), "979 more entries that are repeated");
    assert_eq!(findings[20].severity(), Severity::Note);
}

#[test]
fn a_rule_that_names_a_caller_and_counts_calls_is_explained_while_they_are_counted() {
    let repeated = Condition::Repeat { count: 2, within: SignedDuration::from_mins(10) };
    let busy = Arc::new(Treatment::reject("busy", Rejection::busy()));
    let of = |when| {
        let rules = vec![
            Rule::new("named", when, Arc::clone(&busy)),
            Rule::new("otherwise", Condition::Always, Arc::new(Treatment::ring())),
        ];
        Policy::new(PolicyParts { rules, ..PolicyParts::new(switzerland()) })
            .expect("the last always matches")
    };
    let named = Condition::Caller(list("", "", "+4179*"));
    let call = Call { recent: vec!["-1m".to_owned()], ..Call::told("+41791234567") };
    for (when, tells) in [(named.clone(), false), (Condition::All(vec![named, repeated]), true)] {
        let policy = of(when);
        let said = call.decide(&policy, now(), |decision, _| {
            (decision.rule_id().to_owned(), decision.tells_of_the_past())
        });
        assert_eq!(said, ("named".to_owned(), tells));
    }
}
