//! What holds for every number, list and call.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ringfence_policy::{E164, List, Number, Pattern, Prefix, Region, normalise};

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
        1 => "\\PC{0,40}",
        1 => any::<String>(),
    ]
}

/// The seed is fixed; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look further.
fn configuration() -> ProptestConfig {
    let configuration = ProptestConfig::default();
    let rng_seed = match configuration.rng_seed {
        RngSeed::Random => RngSeed::Fixed(41_791_234_567),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    ProptestConfig { failure_persistence: None, rng_seed, ..configuration }
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn a_number_reads_back_as_itself_in_every_region(raw in any_text(), from in any_region(), to in any_region()) {
        if let Ok(number @ Number::E164(_)) = normalise(&raw, from) {
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
        if let Ok(pattern) = Pattern::parse(&text, from) {
            let again = Pattern::parse(&pattern.to_string(), to);
            prop_assert_eq!(again, Ok(pattern));
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
    fn a_listed_number_is_found_however_it_is_written(value in 2_000_000_000_u64..9_999_999_999, others in proptest::collection::vec("[+][1-9][0-9]{6,14}", 0..50)) {
        let us = Region::parse("US").unwrap();
        let digits = value.to_string();
        let written = format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..]);
        let text = format!("{}\n{written}\n", others.join("\n"));
        let (list, _) = List::parse_text("reject", "spam.txt", &text, us);
        let full = format!("+1{digits}");
        prop_assert!(list.find_number(normalise(&full, us).unwrap(), now()).is_some());
    }

    #[test]
    fn looking_up_agrees_with_reading_the_list_from_top_to_bottom(
        entries in proptest::collection::vec("[+][1-3][0-9]{0,3}[*]|[+][1-3][0-9]{5,7}|internal:[0-9]{1,3}[*]?", 0..40),
        caller in "[+][1-3][0-9]{5,7}|[0-9]{1,4}",
    ) {
        let region = Region::parse("CH").unwrap();
        let (list, errors) = List::parse_text("reject", "spam.txt", &entries.join("\n"), region);
        prop_assert_eq!(errors, vec![]);
        if let Ok(number) = normalise(&caller, region) {
            let matches = |entry: &String| match Pattern::parse(entry, region) {
                Ok(Pattern::Exact(exact)) => exact == number,
                Ok(Pattern::Prefix(prefix)) => prefix.begins(number),
                _ => false,
            };
            prop_assert_eq!(list.find_number(number, now()).is_some(), entries.iter().any(matches));
        }
    }

    #[test]
    fn a_list_is_read_whatever_its_text(text in "\\PC*|[+0-9* #\r\n\t]{0,200}", region in any_region()) {
        let (list, errors) = List::parse_text("reject", "spam.txt", &text, region);
        let lines = text.lines().count();
        prop_assert!(list.len() + list.repeated().len() + errors.len() <= lines);
        prop_assert!(errors.iter().all(|error| (1..=lines).contains(&(error.line() as usize))));
    }
}
