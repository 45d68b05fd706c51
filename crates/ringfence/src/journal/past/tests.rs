use ringfence_policy::{Caller, Facts, History as _, Per, Region};

use super::*;
use crate::journal::{Added, identity};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn region() -> Region {
    Region::parse("GB").unwrap()
}

fn note(past: &Past, caller: &Caller<'_>, line: &str, second: i64) {
    let caller = past.key_of(&caller.identify(region()));
    past.called(caller, past.line(line), "192.0.2.1".parse().ok(), at(second));
}

const ANNA: &str = "+442079460123";

#[test]
fn a_call_counts_for_the_very_next_one_however_its_number_is_written() {
    let past = Past::default();
    note(&past, &Caller::told(ANNA), "home", 0);
    let again = Caller::told("020 7946 0123").identify(region());
    assert_eq!(
        (past.calls(&again, at(-1), at(0)), past.calls(&again, at(1), at(1)), past.is_known(&again)),
        (1, 0, true)
    );
}

#[test]
fn a_caller_who_withholds_a_number_is_known_by_it() {
    let past = Past::default();
    let withheld = Caller { withheld: true, ..Caller::asserted(ANNA, "pbx.example") };
    note(&past, &withheld, "home", 0);
    assert!(past.is_known(&Caller::told(ANNA).identify(region())));
    assert_eq!(withheld.identify(region()).to_string(), "a withheld number");
}

/// Names that look alike where they are shown: beyond sixty letters, or in a character that shows nothing of itself.
fn lookalikes() -> [(String, String); 4] {
    let long = "a".repeat(60);
    let huge = "a".repeat(5_000);
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    [
        pair(&format!("{long}b"), &format!("{long}c")),
        pair("anna\u{7}", "anna\u{8}"),
        pair("anna\u{202e}x", "anna\u{fffd}x"),
        pair(&format!("{huge}b"), &format!("{huge}c")),
    ]
}

#[test]
fn names_that_look_alike_are_two_callers_for_rates_repeats_and_entries() {
    for (one, other) in lookalikes() {
        let past = Past::default();
        note(&past, &Caller::told(&one), "home", 0);
        let list = "cooldown".to_owned();
        let known = |name: &str| identity(&Caller::told(name).identify(region())).unwrap();
        past.add(&Added { list, identity: known(&one), at: at(0), until: None, rule: None, note: None });
        let seen = |name: &str| {
            let of_call = past.of_call(past.line("home"), None, at(1), &[]);
            let facts = Facts::new(&Caller::told(name), "home", region());
            let added = past.is_added("cooldown", &facts.caller, at(1));
            (of_call.rate(Per::Caller, &facts, at(0)), of_call.calls(&facts.caller, at(0)), added)
        };
        assert_eq!((seen(&one), seen(&other)), ((2, 1, true), (1, 0, false)), "{one:?} {other:?}");
    }
}

#[test]
fn those_who_cannot_be_told_apart_have_no_past() {
    let past = Past::default();
    for caller in [Caller::told("anonymous"), Caller::told(""), Caller::told("+1555")] {
        note(&past, &caller, "home", 0);
        assert!(!past.is_known(&caller.identify(region())), "{caller:?}");
    }
    assert_eq!(past.calls_on(past.line("home"), at(0), at(0)), 3);
}

#[test]
fn a_rate_counts_this_call_too_by_caller_line_or_address() {
    let past = Past::default();
    note(&past, &Caller::told(ANNA), "home", 0);
    note(&past, &Caller::told("alice"), "home", 1);
    note(&past, &Caller::told(ANNA), "office", 2);
    let of_call = past.of_call(past.line("home"), "192.0.2.1".parse().ok(), at(2), &[]);
    let facts = Facts::new(&Caller::told(ANNA), "home", region());
    let rate = |per| of_call.rate(per, &facts, at(0));
    assert_eq!([rate(Per::Caller), rate(Per::Line), rate(Per::Source)], [3, 3, 4]);
    let elsewhere = past.of_call(past.line("home"), "192.0.2.2".parse().ok(), at(2), &[]);
    assert_eq!(elsewhere.rate(Per::Source, &facts, at(0)), 1);
}

#[test]
fn a_flood_of_callers_takes_the_place_of_strangers_not_of_numbers_we_spoke_with() {
    let past = Past::default();
    past.dialed(ANNA, at(0), at(0));
    note(&past, &Caller::told("+442079460999"), "home", 0);
    for caller in 0..2 * MOST_CALLERS {
        let caller = past.caller(&format!("stranger{caller}"));
        past.called(Some(caller), past.line("home"), None, at(1));
    }
    assert!(!past.is_known(&Caller::told("+442079460999").identify(region())));
    assert!(past.last_dialed(&Caller::told(ANNA).identify(region()), at(1)).is_some());
    let kept = 2 * MOST_CALLERS as u64 + 1 - past.left_out().forgotten;
    assert!((MOST_CALLERS as u64 / 3..=MOST_CALLERS as u64).contains(&kept), "{kept}");
}

#[test]
fn an_entry_ends_at_its_time_and_there_are_only_so_many() {
    let past = Past::default();
    let entry = |caller: usize, at: Timestamp, until: Option<Timestamp>| Added {
        list: "cooldown".to_owned(),
        identity: format!("stranger{caller}"),
        at,
        until,
        rule: Some("flood".to_owned()),
        note: None,
    };
    let until = Some(at(60));
    let has_room = |caller: usize, at, until| past.add(&entry(caller, at, until)) == Adding::Noted;
    let added = (0..2 * MOST_ENTRIES).filter(|caller| has_room(*caller, at(0), until)).count();
    assert!((MOST_ENTRIES * 9 / 10..=MOST_ENTRIES).contains(&added), "{added}");
    assert_eq!(usize::try_from(past.left_out().refused).unwrap() + added, 2 * MOST_ENTRIES);
    let first = Caller::told("stranger0").identify(region());
    assert!(past.is_added("cooldown", &first, at(59)) && !past.is_added("cooldown", &first, at(60)));
    assert!(!past.is_added("others", &first, at(0)));
    assert!(has_room(3 * MOST_ENTRIES, at(61), None), "there is room again");
}

#[test]
fn an_entry_that_holds_as_long_stays_as_it_is_and_is_not_noted_again() {
    let past = Past::default();
    let anna = Caller::told(ANNA).identify(region());
    for (second, until, rule, adding, by) in [
        (0, Some(60), "first", Adding::Noted, "first"),
        (1, Some(60), "second", Adding::Held, "first"),
        (2, Some(61), "third", Adding::Noted, "third"),
        (3, None, "fourth", Adding::Noted, "fourth"),
        (4, Some(90), "fifth", Adding::Held, "fourth"),
        (5, None, "sixth", Adding::Held, "fourth"),
    ] {
        let (list, identity, until) = ("blocked".to_owned(), ANNA.to_owned(), until.map(at));
        let rule = Some(rule.to_owned());
        assert_eq!(past.add(&Added { list, identity, at: at(second), until, rule, note: None }), adding);
        let addition =
            past.of_call(past.line("home"), None, at(second), &[]).addition("blocked", &anna, at(second));
        assert_eq!(addition.unwrap().rule.as_deref(), Some(by));
    }
}

#[test]
fn an_emergency_call_is_one_of_the_numbers_of_the_region_or_of_all() {
    let past = Past::default();
    let called = |region: &str| past.emergency_call(Region::parse(region).unwrap());
    past.dialed("1002", at(9), at(9));
    assert_eq!(called("GB"), None);
    past.dialed("144", at(1), at(1));
    assert_eq!((called("CH"), called("GB")), (Some(at(1)), None));
    past.dialed("112", at(2), at(2));
    assert_eq!((called("CH"), called("GB")), (Some(at(2)), Some(at(2))));
}

#[test]
fn a_clock_that_is_set_back_is_no_reason_to_count_what_has_not_happened() {
    let past = Past::default();
    note(&past, &Caller::told(ANNA), "home", 3_600);
    note(&past, &Caller::told(ANNA), "home", 0);
    let anna = Caller::told(ANNA).identify(region());
    assert_eq!(past.calls(&anna, at(-60), at(0)), 1);
    assert!(past.left_out().from_future > 0);
}

/// An hour, a day and twelve years.
const JUMPS: [i64; 3] = [3_600, 86_400, 12 * 365 * 86_400];

#[test]
fn the_first_call_after_a_clock_was_set_back_is_not_one_too_many() {
    for jump in JUMPS {
        let past = Past::default();
        for call in 0..9 {
            note(&past, &Caller::told(ANNA), "home", jump + call);
        }
        let of_call = past.of_call(past.line("home"), "192.0.2.1".parse().ok(), at(0), &[]);
        let facts = Facts::new(&Caller::told(ANNA), "home", region());
        let rate = |per| of_call.rate(per, &facts, at(-600));
        assert_eq!([rate(Per::Caller), rate(Per::Line), rate(Per::Source)], [1, 1, 1], "{jump}");
        assert_eq!(of_call.calls(&facts.caller, at(-600)), 0);
    }
}

#[test]
fn what_holds_for_two_hours_holds_for_four_at_most_when_the_clock_is_set_back() {
    for (jump, holds) in [(0, true), (-3_600, true), (-86_400, false), (-JUMPS[2], false), (JUMPS[2], false)]
    {
        let past = Past::default();
        let (at, until, now) = (at(0), Some(at(7_200)), at(jump));
        let (list, identity) = ("cooldown".to_owned(), ANNA.to_owned());
        past.add(&Added { list, identity, at, until, rule: None, note: None });
        past.flip(&Arc::new(Flipped { name: "open".to_owned(), is_on: true, at, until }));
        let anna = Caller::told(ANNA).identify(region());
        assert_eq!(past.is_added("cooldown", &anna, now), holds, "{jump}");
        assert_eq!(past.switch("open", now), holds.then_some(true), "{jump}");
    }
}

#[test]
fn what_has_no_end_holds_whatever_the_clock_shows() {
    let past = Past::default();
    let (list, identity) = ("vip".to_owned(), ANNA.to_owned());
    past.add(&Added { list, identity, at: at(0), until: None, rule: None, note: None });
    past.flip(&Arc::new(Flipped { name: "open".to_owned(), is_on: true, at: at(0), until: None }));
    let anna = Caller::told(ANNA).identify(region());
    for jump in JUMPS.into_iter().flat_map(|jump| [jump, -jump]) {
        assert!(
            past.is_added("vip", &anna, at(jump)) && past.switch("open", at(jump)) == Some(true),
            "{jump}"
        );
    }
}

#[test]
fn a_number_dialled_while_the_clock_stood_years_ahead_is_known_when_it_is_dialled_again() {
    let past = Past::default();
    past.dialed(ANNA, at(JUMPS[2]), at(JUMPS[2]));
    past.dialed(ANNA, at(0), at(0));
    assert_eq!(past.last_dialed(&Caller::told(ANNA).identify(region()), at(0)), Some(at(0)));
}

#[test]
fn two_lists_do_not_share_an_entry_whatever_their_names() {
    let past = Past::default();
    let add = |list: &str, identity: &str| {
        let (list, identity) = (list.to_owned(), identity.to_owned());
        past.add(&Added { list, identity, at: at(0), until: None, rule: None, note: None }) == Adding::Noted
    };
    assert!(add("a", "bob") && past.remove("a", "bob") && !past.remove("a", "bob"));
    assert!(add("ab", "ob"));
    assert!(!past.is_added("a", &Caller::told("bob").identify(region()), at(0)));
}

#[test]
fn calls_on_many_threads_are_all_counted() {
    let past = Past::default();
    let home = past.line("home");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let past = &past;
            scope.spawn(move || {
                for call in 0..1_000 {
                    let caller = format!("caller{}", (call * 7 + thread) % 50);
                    past.called(Some(past.caller(&caller)), home, "192.0.2.1".parse().ok(), at(0));
                }
            });
        }
    });
    let calls = |caller: String| past.calls(&Caller::told(&caller).identify(region()), at(-1), at(0));
    assert_eq!((0..50).map(|caller| calls(format!("caller{caller}"))).sum::<u32>(), 8_000);
    assert_eq!(past.calls_on(home, at(-1), at(0)), 8_000);
}

#[test]
fn a_source_is_an_address_with_or_without_a_port() {
    let of = |text: &str| address(text).map(|ip| ip.to_string());
    assert_eq!(of("192.0.2.7:5060").as_deref(), Some("192.0.2.7"));
    assert_eq!(of("[2001:db8::7]:5060").as_deref(), Some("2001:db8::7"));
    assert_eq!(of("nowhere"), None);
}
