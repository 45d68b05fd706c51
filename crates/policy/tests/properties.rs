//! What holds for every number, list and call.

#[path = "../../../tests/fixed_seed.rs"]
mod fixed_seed;

use std::sync::Arc;

use fixed_seed::configuration;
use jiff::Timestamp;
use proptest::prelude::*;
use ringfence_policy::{
    Caller, CallerId, Condition, E164, Facts, List, NameExpression, Number, Pattern, Policy, PolicyParts,
    Prefix, Region, Rule, Source, Text, Treatment, decide, normalise,
};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

fn any_region() -> impl Strategy<Value = Region> {
    let regions: Vec<Region> = Region::all().collect();
    proptest::sample::select(regions)
}

/// What might stand in a user part or a list: mostly like a number, sometimes anything.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[+]?[0-9]{0,18}",
        3 => "[+]?[0-9 ().*#/-]{0,24}",
        1 => "(tel|sip|internal):[+0-9a-z;=@.%-]{0,24}",
        1 => "[+]?[0-9]{3,8} ?[.][.] ?[+]?[0-9]{3,8}",
        1 => "/[0-9+^$.*|()\\[\\]{},]{0,12}/",
        1 => "\\PC{0,40}",
        1 => any::<String>(),
    ]
}

/// What a caller may call itself, escapes and control characters included.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c .%;:@*'\"#\\\\\u{7}\u{202e}0-9é-]{1,30}", "\\PC{1,40}", any::<String>()]
        .prop_filter("an entry is no longer", |name| 3 * name.len() < 250)
}

/// Entries that often mean the same callers.
fn any_entry() -> impl Strategy<Value = String> {
    prop_oneof![
        "[+]2[1-3]{5,6}",
        "[+]2[1-3]{0,4}[*]",
        "internal:[1-3]{1,4}[*]?",
        ("[1-3]{2}", "[1-3]{2}", "[+]2[1-3]{3,4}").prop_map(|(one, other, start)| {
            let (first, last) = if one <= other { (one, other) } else { (other, one) };
            format!("{start}{first}..{start}{last}")
        }),
        ("[1-3]{3}", "[1-3]{3}").prop_map(|(one, other)| {
            if one <= other { format!("{one}..{other}") } else { format!("{other}..{one}") }
        }),
        "/[1-3]{1,3}/",
        "/\\^[.]?[1-3]{1,2}/",
        "/[1-3][1-3]?\\$/",
        Just("sip:alice".to_owned()),
    ]
}

/// Entries of callers without a number.
fn any_word() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["anonymous", "unavailable", "invalid"]).prop_map(str::to_owned)
}

fn any_end() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::weighted(0.3, 0_i64..4)
        .prop_map(|end| end.and_then(|end| Timestamp::from_second(end).ok()))
}

/// Whether a pattern means a caller, told in the plainest way.
fn means(pattern: &Pattern, caller: &CallerId<'_>) -> bool {
    match (pattern, caller) {
        (Pattern::Name(name), CallerId::Name(user)) => **name == **user,
        (pattern, caller) => caller.number().is_some_and(|number| match pattern {
            Pattern::Exact(exact) => *exact == number,
            Pattern::Prefix(prefix) => prefix.begins(number),
            Pattern::Range(range) => range.contains(number),
            Pattern::Expression(expression) => is_found(expression.as_str(), &number.to_string()),
            Pattern::Anonymous | Pattern::Unavailable | Pattern::Invalid | Pattern::Name(_) => false,
        }),
    }
}

/// Whether one of the expressions of [`any_entry`] is found.
fn is_found(expression: &str, number: &str) -> bool {
    if let Some(end) = expression.strip_suffix('$') {
        return number.ends_with(end);
    }
    match expression.strip_prefix('^') {
        None => number.contains(expression),
        Some(start) => match start.strip_prefix('.') {
            Some(after) => number.get(1..).is_some_and(|number| number.starts_with(after)),
            None => number.starts_with(start),
        },
    }
}

/// What is named before what: the kind of pattern first, then how narrow it is.
fn specificity(pattern: &Pattern) -> (u8, i64) {
    match pattern {
        Pattern::Exact(_) | Pattern::Name(_) => (3, 0),
        Pattern::Range(range) => {
            let digits =
                |number: Number| number.to_string().trim_start_matches('+').parse::<i64>().expect("digits");
            (2, digits(range.first()) - digits(range.last()))
        }
        Pattern::Prefix(prefix) => (1, i64::try_from(prefix.to_string().len()).expect("at most sixteen")),
        Pattern::Expression(_) | Pattern::Anonymous | Pattern::Unavailable | Pattern::Invalid => (0, 0),
    }
}

/// Whether text is an emergency number of a region behind its calling code, which is that number there and none elsewhere.
fn is_emergency_in_full(text: &str, region: Region) -> bool {
    let code = format!("+{}", region.calling_code());
    let rest = text.strip_prefix(&code).unwrap_or_default();
    region.emergency_numbers().chain(["112", "911", "999"]).any(|number| number == rest)
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn a_number_reads_back_as_itself_in_every_region(raw in any_text(), from in any_region(), to in any_region()) {
        if let Ok(number @ Number::E164(_)) = normalise(&raw, from)
            && !is_emergency_in_full(&number.to_string(), to)
        {
            prop_assert_eq!(normalise(&number.to_string(), to), Ok(number));
        }
    }

    #[test]
    fn an_internal_number_reads_back_as_itself_in_its_region(raw in any_text(), region in any_region()) {
        if let Ok(number @ Number::Internal(_)) = normalise(&raw, region)
            && !raw.to_ascii_lowercase().contains("internal:")
        {
            prop_assert_eq!(normalise(&number.to_string(), region), Ok(number));
        }
    }

    #[test]
    fn separators_and_parameters_change_nothing(digits in "[+]?[0-9]{1,16}", region in any_region()) {
        let spaced: String = digits.chars().flat_map(|digit| [digit, ' ', '-']).collect();
        let plain = normalise(&digits, region);
        prop_assert_eq!(normalise(&spaced, region), plain);
        let with_parameters = format!("tel:{digits};npdi;verstat=No-TN-Validation");
        prop_assert_eq!(normalise(&with_parameters, region), plain);
        let with_host = format!("sip:{digits};isup-oli=27@pbx.example:5060;user=phone");
        prop_assert_eq!(normalise(&with_host, region), plain);
    }

    #[test]
    fn a_pattern_reads_back_as_itself_in_every_region(text in any_text(), star: bool, from in any_region(), to in any_region()) {
        let text = if star { format!("{text}*") } else { text };
        if let Ok(pattern) = Pattern::parse(&text, from)
            && !pattern.to_string().split("..").any(|end| is_emergency_in_full(end, to))
        {
            let again = Pattern::parse(&pattern.to_string(), to);
            prop_assert_eq!(again, Ok(pattern));
        }
    }

    #[test]
    fn any_name_of_a_caller_has_an_entry_that_means_it_alone(name in any_name(), from in any_region(), to in any_region()) {
        if let CallerId::Name(user) = Caller::told(&name).identify(from) {
            let pattern = Pattern::Name(user.into());
            let written = pattern.to_string();
            prop_assert!(!written.contains(|c: char| c.is_whitespace() || c.is_control() || "'\"\\$`".contains(c)), "{}", written);
            prop_assert_eq!(Pattern::parse(&written, to), Ok(pattern));
        }
    }

    #[test]
    fn an_error_stands_inside_its_text(text in any_text(), region in any_region()) {
        if let Err(error) = Pattern::parse(&text, region) {
            prop_assert!(error.column() >= 1 && error.column() <= text.chars().count() + 1);
            prop_assert!(!error.to_string().contains(char::is_control));
        }
    }

    #[test]
    fn a_number_begins_with_each_of_its_beginnings_and_no_other(value in 10_000_u64..1_000_000_000_000_000, cut in 1_usize..15) {
        let number = E164::new(value).unwrap();
        let digits = value.to_string();
        let cut = cut.min(digits.len());
        let beginning: u64 = digits[..cut].parse().unwrap();
        prop_assert!(Prefix::E164(beginning).begins(Number::E164(number)));
        prop_assert!(!Prefix::E164(beginning + 1).begins(Number::E164(number)));
    }

    #[test]
    fn a_listed_number_is_found_however_it_is_written(digits in "[2-9][2-9][02-9][2-9][02-9][0-9]{5}", others in proptest::collection::vec("[+][1-9][0-9]{6,14}", 0..50)) {
        let us = Region::parse("US").unwrap();
        let written = format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..]);
        let text = format!("{}\n{written}\n", others.join("\n"));
        let (list, _) = List::parse_text("reject", "spam.txt", &text, us);
        let full = format!("+1{digits}");
        prop_assert!(list.find_number(normalise(&full, us).unwrap(), now()).is_some());
    }

    #[test]
    fn a_number_is_the_same_for_callers_and_lists(text in any_text(), region in any_region()) {
        let caller = Caller::told(&text);
        let who = caller.identify(region);
        let pattern = Pattern::parse(&text, region);
        if let (Ok(Pattern::Exact(listed)), Some(number)) = (&pattern, who.number()) {
            prop_assert_eq!(*listed, number);
        }
        let is_only_a_number = !text.contains(['/', '*', '#']) && !text.contains("..");
        if let (CallerId::Number(number), true) = (who, is_only_a_number) {
            prop_assert_eq!(pattern, Ok(Pattern::Exact(number)));
        }
    }

    #[test]
    fn looking_up_agrees_with_reading_the_list_from_top_to_bottom(
        entries in proptest::collection::vec((any_entry(), any_end()), 0..40),
        caller in "[+]2[1-3]{5,6}|[1-3]{1,4}|alice|bob",
        now in 0_i64..4,
    ) {
        let region = Region::parse("CH").unwrap();
        let now = Timestamp::from_second(now).unwrap();
        let mut builder = List::builder("reject");
        for (entry, until) in &entries {
            builder.inline_entry(entry, None, *until, region);
        }
        let (list, errors) = builder.build();
        prop_assert_eq!(errors, vec![]);
        let caller = Caller::told(&caller).identify(region);
        let live = entries.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        let matching: Vec<Pattern> = live
            .map(|(entry, _)| Pattern::parse(entry, region).unwrap())
            .filter(|pattern| means(pattern, &caller))
            .collect();
        let found = list.find(&caller, now).map(|entry| entry.pattern());
        prop_assert_eq!(found.is_some(), !matching.is_empty());
        if let Some(found) = found {
            prop_assert!(matching.contains(&found), "{found} of {matching:?}");
            let (own, best) = (specificity(&found), matching.iter().map(specificity).max());
            prop_assert_eq!(Some(own.0), best.map(|(kind, _)| kind));
            let none_ends = entries.iter().all(|(_, until)| until.is_none());
            prop_assert!(!none_ends || Some(own) == best, "{found} of {matching:?}");
        }
    }

    #[test]
    fn a_rule_means_exactly_those_whom_its_list_has(
        entries in proptest::collection::vec((prop_oneof![4 => any_entry(), 1 => any_word()], any_end()), 0..5),
        user in "[+]2[1-3]{5,6}|[23][1-3]{0,4}|alice|bob|anonymous|[+]1555|",
        (withheld, is_called) in (any::<bool>(), any::<bool>()),
        now in 0_i64..4,
    ) {
        let region = Region::parse("CH").unwrap();
        let now = Timestamp::from_second(now).unwrap();
        let mut builder = List::builder("reject");
        for (entry, until) in &entries {
            builder.inline_entry(entry, None, *until, region);
        }
        let list = Arc::new(builder.build().0);
        let caller = Caller { withheld: withheld && !is_called, ..Caller::told(&user) };
        let facts = Facts { called: Some((&user, Source::To)), ..Facts::new(&caller, "home", region) };
        let when = if is_called { Condition::Called(list.clone()) } else { Condition::Caller(list.clone()) };
        let rules = [("listed", when), ("otherwise", Condition::Always)];
        let rules = rules.map(|(id, when)| Rule::new(id, when, Arc::new(Treatment::ring())));
        let policy = Policy::new(PolicyParts { rules: rules.to_vec(), ..PolicyParts::new(region) }).unwrap();
        let expected = if list.find(&facts.caller, now).is_some() { "listed" } else { "otherwise" };
        prop_assert_eq!(decide(&policy, &facts, now).rule_id(), expected);
    }

    #[test]
    fn an_expression_is_found_in_the_same_names_whichever_way_it_is_asked_for(
        expression in "[abkK.|*?^$]{0,4}(a|b[ak]|[^ab]|k+|K{2}|(?-i:a))?[abkK.|*?^$]{0,4}",
        name in "[abkAK ]{0,6}|[abk\u{212a}]{0,4}|b{253}[ak]{0,8}",
    ) {
        if let Ok(plain) = NameExpression::parse(&expression) {
            let text = Text::parse(&format!("/{expression}/")).unwrap();
            prop_assert_eq!(text.is_match(&name), plain.is_match(&name));
        }
    }

    #[test]
    fn a_number_is_near_one_of_the_list_exactly_when_their_first_digits_are_the_same(
        entries in proptest::collection::vec("[+]2[1-3]{5,6}", 0..20),
        caller in "[+]2[1-3]{5,6}",
        last_digits in 0_u8..8,
    ) {
        let region = Region::parse("CH").unwrap();
        let (list, _) = List::parse_text("people", "people.txt", &entries.join("\n"), region);
        let open = usize::from(last_digits);
        let is_near = |entry: &String| {
            let same = entry.len().checked_sub(open).filter(|same| *same > 1);
            entry.len() == caller.len() && same.is_some_and(|same| entry[..same] == caller[..same])
        };
        let found = list.near(normalise(&caller, region).unwrap(), last_digits, now());
        prop_assert_eq!(found.is_some(), entries.iter().any(is_near));
    }

    #[test]
    fn a_list_is_read_whatever_its_text(text in "\\PC*|[+0-9* #\r\n\t]{0,200}", region in any_region()) {
        let (list, errors) = List::parse_text("reject", "spam.txt", &text, region);
        let lines = text.lines().count();
        prop_assert!(list.len() + list.repeated().len() + errors.len() <= lines);
        prop_assert!(errors.iter().all(|error| (1..=lines).contains(&(error.line() as usize))));
    }
}
