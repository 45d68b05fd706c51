//! Times of day and dates on the clocks of several zones, also where clocks are put forward or back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod remembered;

use std::sync::Arc;

use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use remembered::Remembered;
use ringfence_policy::{
    Caller, Condition, Facts, Hours, Per, Policy, PolicyParts, Region, Rejection, Rule, Schedule, Treatment,
    decide,
};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn hours(text: &str) -> Hours {
    Hours::parse(text).unwrap()
}

/// Returns a policy of one rule, and for all other calls the one that lets them ring.
fn policy(condition: Condition, zone: TimeZone) -> Policy {
    let region = Region::parse("CH").unwrap();
    let busy = Arc::new(Treatment::reject("busy", Rejection::busy()));
    let ring = Arc::new(Treatment::ring());
    let rules = vec![Rule::new("it", condition, busy), Rule::new("otherwise", Condition::Always, ring)];
    Policy::new(PolicyParts { zone, rules, ..PolicyParts::new(region) }).unwrap()
}

fn matches_with(policy: &Policy, history: &Remembered, at: Timestamp) -> bool {
    let caller = Caller::from_header("+41441234567", "pbx.example");
    let facts = Facts { history, ..Facts::new(&caller, "home", policy.region()) };
    decide(policy, &facts, at).rule_id() == "it"
}

fn matches(policy: &Policy, at: Timestamp) -> bool {
    matches_with(policy, &Remembered::default(), at)
}

/// Asserts for which instants the clock of a zone is within hours.
#[track_caller]
fn within(name: &str, text: &str, instants: &[(&str, bool)]) {
    let policy = policy(Condition::Hours(vec![hours(text)]), zone(name));
    for (instant, expected) in instants {
        let at: Timestamp = instant.parse().unwrap();
        assert_eq!(matches(&policy, at), *expected, "{instant} in {name}, {text}");
    }
}

/// Counts the minutes of a day, by the clock of a zone, that are within hours.
fn minutes_within(name: &str, text: &str, day: Date) -> usize {
    let policy = policy(Condition::Hours(vec![hours(text)]), zone(name));
    let [start, end] =
        [day, day.tomorrow().unwrap()].map(|day| day.to_zoned(zone(name)).unwrap().timestamp());
    let count = (end.as_second() - start.as_second()) / 60;
    (0..count).filter(|minute| matches(&policy, start + SignedDuration::from_mins(*minute))).count()
}

#[test]
fn where_the_clock_skips_an_hour_its_times_do_not_come() {
    within(
        "Europe/Berlin",
        "01:30-03:30",
        &[
            ("2026-03-29T00:29:59Z", false),
            ("2026-03-29T00:30:00Z", true),
            ("2026-03-29T00:59:59Z", true),
            ("2026-03-29T01:00:00Z", true),
            ("2026-03-29T01:30:00Z", false),
        ],
    );
    assert_eq!(minutes_within("Europe/Berlin", "02:00-03:00", date(2026, 3, 29)), 0);
    assert_eq!(minutes_within("America/New_York", "02:00-03:00", date(2026, 3, 8)), 0);
    assert_eq!(minutes_within("Australia/Lord_Howe", "02:00-03:00", date(2026, 10, 4)), 30);
}

#[test]
fn where_the_clock_shows_an_hour_twice_both_count() {
    within(
        "Europe/Berlin",
        "02:00-03:00",
        &[
            ("2026-10-24T23:59:59Z", false),
            ("2026-10-25T00:00:00Z", true),
            ("2026-10-25T00:59:59Z", true),
            ("2026-10-25T01:30:00Z", true),
            ("2026-10-25T02:00:00Z", false),
        ],
    );
    assert_eq!(minutes_within("Europe/Berlin", "02:00-03:00", date(2026, 10, 25)), 120);
    assert_eq!(minutes_within("America/New_York", "01:00-02:00", date(2026, 11, 1)), 120);
    assert_eq!(minutes_within("Australia/Lord_Howe", "01:00-02:00", date(2026, 4, 5)), 90);
}

#[test]
fn a_whole_day_is_within_all_hours_however_long_it_is() {
    for (name, day, minutes) in [
        ("Europe/Berlin", date(2026, 3, 29), 23 * 60),
        ("Europe/Zurich", date(2026, 10, 25), 25 * 60),
        ("America/New_York", date(2026, 3, 8), 23 * 60),
        ("America/New_York", date(2026, 11, 1), 25 * 60),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23 * 60 + 30),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24 * 60 + 30),
        ("Asia/Kathmandu", date(2026, 3, 29), 24 * 60),
        ("Pacific/Kiritimati", date(2026, 1, 1), 24 * 60),
    ] {
        assert_eq!(minutes_within(name, "00:00-24:00", day), minutes, "{name} {day}");
    }
}

#[test]
fn where_midnight_is_skipped_the_night_goes_on() {
    within(
        "America/Santiago",
        "22:00-07:00",
        &[("2026-09-06T03:59:59Z", true), ("2026-09-06T04:00:00Z", true), ("2026-09-06T10:00:00Z", false)],
    );
    assert_eq!(minutes_within("America/Santiago", "00:00-01:00", date(2026, 9, 6)), 0);
}

#[test]
fn a_night_belongs_to_the_day_it_began_on_also_when_clocks_change_within() {
    let saturday_night = Schedule::new("party").days([Weekday::Saturday]).hours([hours("22:00-06:00")]);
    let policy = policy(Condition::Schedule(vec![Arc::new(saturday_night)]), zone("Europe/Berlin"));
    for (instant, expected) in [
        ("2026-03-28T20:59:59Z", false),
        ("2026-03-28T21:00:00Z", true),
        ("2026-03-29T03:59:59Z", true),
        ("2026-03-29T04:00:00Z", false),
        ("2026-10-25T04:59:59Z", true),
        ("2026-10-25T05:00:00Z", false),
        ("2026-10-25T21:00:00Z", false),
    ] {
        assert_eq!(matches(&policy, instant.parse().unwrap()), expected, "{instant}");
    }
}

#[test]
fn the_same_instant_is_another_time_of_day_elsewhere() {
    let noon = "2026-06-01T12:00:00Z";
    within("Europe/Berlin", "14:00-15:00", &[(noon, true)]);
    within("America/New_York", "08:00-09:00", &[(noon, true)]);
    within("Asia/Kathmandu", "17:45-17:46", &[(noon, true)]);
    within("Pacific/Kiritimati", "02:00-03:00", &[(noon, true)]);
    within("UTC", "12:00-12:01", &[(noon, true), ("2026-06-01T12:01:00Z", false)]);
}

#[test]
fn a_schedule_ends_on_the_clock_that_its_people_see() {
    let quiet = Schedule::new("quiet").hours([hours("21:00-07:00")]);
    let berlin = zone("Europe/Berlin");
    for (instant, end) in [
        ("2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"),
        ("2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z"),
        ("2026-06-01T22:00:00Z", "2026-06-02T05:00:00Z"),
    ] {
        let clock = berlin.to_datetime(instant.parse().unwrap());
        let ended = berlin.to_ambiguous_zoned(quiet.end(clock).unwrap()).compatible().unwrap();
        assert_eq!(ended.timestamp().to_string(), end, "{instant}");
    }
}

#[test]
fn any_of_several_hours_or_schedules_is_enough() {
    let condition = Condition::Hours(vec![hours("08:00-09:00"), hours("12:00-13:00")]);
    let by_hours = policy(condition, TimeZone::UTC);
    let monday = Schedule::new("monday").days([Weekday::Monday]);
    let noon = Schedule::new("noon").hours([hours("12:00-13:00")]);
    let by_schedule = policy(Condition::Schedule(vec![Arc::new(monday), Arc::new(noon)]), TimeZone::UTC);
    for (instant, hours, schedule) in [
        ("2026-06-01T08:30:00Z", true, true),
        ("2026-06-02T08:30:00Z", true, false),
        ("2026-06-02T12:30:00Z", true, true),
        ("2026-06-02T15:00:00Z", false, false),
    ] {
        let at = instant.parse().unwrap();
        assert_eq!([matches(&by_hours, at), matches(&by_schedule, at)], [hours, schedule], "{instant}");
    }
}

#[test]
fn a_clock_that_jumps_decides_every_call_all_the_same() {
    let called_at: Timestamp = "2026-03-29T00:59:59Z".parse().unwrap();
    let within = SignedDuration::from_hours(24);
    let condition = Condition::Any(vec![
        Condition::DialedWithin(within),
        Condition::AnsweredWithin(within),
        Condition::Rate { per: Per::Caller, more_than: 1, within },
    ]);
    let policy = policy(condition, zone("Europe/Berlin"));
    let history = Remembered { dialed: Some(called_at), answered: Some(called_at), ..Remembered::default() };
    for (jump, expected) in [
        (SignedDuration::from_hours(0), true),
        (SignedDuration::from_hours(24), true),
        (SignedDuration::from_hours(25), false),
        (SignedDuration::from_hours(-1), true),
        (SignedDuration::from_hours(-25), false),
        (SignedDuration::from_hours(-24 * 365 * 30), false),
        (SignedDuration::from_hours(24 * 365 * 30), false),
    ] {
        assert_eq!(matches_with(&policy, &history, called_at + jump), expected, "{jump:#}");
    }
}

/// Returns a condition that asks for everything that depends on the time.
fn every_time() -> Condition {
    let ever = SignedDuration::from_hours(24 * 366 * 100);
    let nights = Schedule::new("nights").hours([hours("22:00-07:00")]);
    let all = vec![
        Condition::Not(Box::new(Condition::DialedWithin(ever))),
        Condition::Not(Box::new(Condition::Hours(vec![hours("22:00-07:00")]))),
        Condition::Not(Box::new(Condition::Schedule(vec![Arc::new(nights)]))),
        Condition::Repeat { count: 2, within: ever },
    ];
    Condition::Any(vec![Condition::All(all), Condition::Always])
}

#[test]
fn at_both_ends_of_time_calls_are_decided_and_traced() {
    let caller = Caller::from_header("+41441234567", "pbx.example");
    for name in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let policy = policy(every_time(), zone(name));
        for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            for dialed in [Timestamp::MIN, Timestamp::MAX] {
                let history =
                    Remembered { dialed: Some(dialed), calls: vec![dialed], ..Remembered::default() };
                let facts = Facts { history: &history, ..Facts::new(&caller, "home", policy.region()) };
                assert_eq!(policy.trace(&facts, at).decided_by, "it", "{name} {at} {dialed}");
            }
        }
    }
}

#[test]
fn at_both_ends_of_time_a_schedule_has_no_end() {
    let quiet = Schedule::new("quiet").hours([hours("21:00-07:00"), hours("06:00-21:30")]);
    for clock in [DateTime::MIN, DateTime::MAX] {
        assert_eq!(quiet.end(clock), None);
    }
    assert!(quiet.contains(DateTime::MAX));
}
