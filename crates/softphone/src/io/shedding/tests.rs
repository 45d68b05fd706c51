use super::*;

const ROOM: u32 = 8 << 20;

/// A queue that is full to so many percent.
fn filled(percent: u32) -> Queue {
    Queue { taken: ROOM / 100 * percent, room: ROOM, dropped: 0 }
}

/// Looks so many times at a queue that is full to so many percent.
fn look(shedding: &mut Shedding, now: &mut Instant, times: u32, percent: u32) {
    for _ in 0..times {
        *now += LOOK;
        assert!(shedding.is_due(*now));
        see(shedding, *now, filled(percent));
    }
}

/// Has it look, and take what it asks for as done.
fn see(shedding: &mut Shedding, now: Instant, queue: Queue) -> Option<Parts> {
    let parts = shedding.see(now, queue);
    shedding.note(now);
    parts
}

fn start() -> (Shedding, Instant) {
    (Shedding::default(), Instant::now())
}

/// A queue that so many bytes come to at each look, and so many are taken from.
struct Flood {
    strangers: u32,
    others: u32,
    known: u32,
    served: u32,
    room: u32,
    taken: u32,
}

impl Flood {
    /// Of a buffer that takes so many looks to be emptied, and so many times what can be served.
    fn of(looks: u32, strangers: u32, known: u32) -> Self {
        Self::serving(300_000, looks, strangers, known)
    }

    /// The same where so many bytes are served at each look.
    fn serving(served: u32, looks: u32, strangers: u32, known: u32) -> Self {
        let (strangers, known) = (strangers * served, known * served);
        Self { strangers, others: 0, known, served, room: looks * served, taken: 0 }
    }

    /// Lets it go on for so many looks. Returns how much of what could be served was there to be.
    fn goes_on(&mut self, shedding: &mut Shedding, now: &mut Instant, looks: u32) -> f64 {
        let part = |of: u32, part: Part| u32::try_from(u64::from(of) * u64::from(part.0) / 65_536).unwrap();
        let mut served = 0;
        for _ in 0..looks {
            let Parts { strangers, others, known } = shedding.parts;
            self.taken +=
                part(self.strangers, strangers) + part(self.others, others) + part(self.known, known);
            self.taken = self.taken.min(self.room);
            let now_served = self.served.min(self.taken);
            self.taken -= now_served;
            served += now_served;
            *now += LOOK;
            see(shedding, *now, Queue { taken: self.taken, room: self.room, dropped: 0 });
        }
        f64::from(served) / f64::from(looks) / f64::from(self.served)
    }
}

#[test]
fn while_the_buffer_is_not_half_full_everything_is_let_in_and_nobody_is_woken() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 1_000, 49);
    assert_eq!((shedding.parts, shedding.poll_timeout()), (Parts::ALL, None));
    assert_eq!(shedding.counted(), (false, 0));
}

#[test]
fn however_many_come_as_many_are_let_in_as_can_be_served() {
    for (looks, known, served) in [
        (28, 2, 300_000),
        (28, 10, 300_000),
        (28, 30, 300_000),
        (7, 2, 300_000),
        (7, 10, 300_000),
        (2, 2, 300_000),
        (2, 10, 300_000),
        // A hundred thousand calls a second.
        (9, 2, 900_000),
        (9, 10, 900_000),
    ] {
        let (mut shedding, mut now) = start();
        let mut flood = Flood::serving(served, looks, 0, known);
        flood.goes_on(&mut shedding, &mut now, 100);
        let served = flood.goes_on(&mut shedding, &mut now, 500);
        assert!(served > 0.98, "{known} times what can be served, {looks} looks of room: {served:.3} is");
        assert!(flood.taken < flood.room, "there is room for what is never taken away");
    }
}

#[test]
fn a_lasting_flood_leaves_a_large_buffer_as_empty_as_a_small_one() {
    let (mut shedding, mut now) = start();
    let mut flood = Flood::of(28, 0, 2);
    flood.goes_on(&mut shedding, &mut now, 1_000);
    for _ in 0..500 {
        flood.goes_on(&mut shedding, &mut now, 1);
        assert!(flood.taken < MOST / 2, "{} bytes wait", flood.taken);
    }
}

#[test]
fn at_ten_times_what_can_be_served_there_is_room_within_100_ms_and_half_of_it_all_within_500() {
    let (mut shedding, mut now) = start();
    let mut flood = Flood::of(28, 0, 10);
    flood.goes_on(&mut shedding, &mut now, 50);
    assert!(flood.taken < flood.room / 20 * 19, "{} of {}", flood.taken, flood.room);
    flood.goes_on(&mut shedding, &mut now, 200);
    assert!(flood.taken < flood.room / 2, "{} of {}", flood.taken, flood.room);
    assert_eq!(shedding.counted(), (true, 1));
    assert_eq!(shedding.poll_timeout(), Some(now + LOOK));
}

#[test]
fn strangers_make_room_and_those_whom_a_line_knows_lose_nothing() {
    let (mut shedding, mut now) = start();
    let mut flood = Flood { known: 150_000, ..Flood::of(28, 10, 0) };
    flood.goes_on(&mut shedding, &mut now, 50);
    for _ in 0..500 {
        flood.goes_on(&mut shedding, &mut now, 1);
        assert_eq!(shedding.parts.known, Part::ALL);
    }
    assert!(shedding.parts.strangers < Part(8_000), "{:?}", shedding.parts);
}

#[test]
fn what_else_strangers_send_makes_room_as_well() {
    let (mut shedding, mut now) = start();
    let mut flood = Flood { known: 150_000, others: 900_000, ..Flood::of(28, 0, 0) };
    flood.goes_on(&mut shedding, &mut now, 200);
    let served = flood.goes_on(&mut shedding, &mut now, 500);
    assert!(served > 0.98, "{served:.3} of what can be served is");
    assert_eq!(shedding.parts.known, Part::ALL);
    assert!(flood.taken < flood.room, "there is room for what is never taken away");
}

#[test]
fn strangers_come_back_after_those_whom_a_line_knows() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 100, 90);
    let least = Parts { strangers: Part::LEAST, others: Part::LEAST, known: Part::LEAST_OF_KNOWN };
    assert_eq!(shedding.parts, least);
    while shedding.parts.known < Part::ALL {
        assert_eq!((shedding.parts.strangers, shedding.parts.others), (Part::LEAST, Part::LEAST));
        look(&mut shedding, &mut now, 1, 0);
    }
    while shedding.parts.others < Part::ALL {
        assert_eq!(shedding.parts.strangers, Part::LEAST);
        look(&mut shedding, &mut now, 1, 0);
    }
    look(&mut shedding, &mut now, 1, 0);
    assert!(shedding.parts.strangers > Part::LEAST);
}

#[test]
fn a_flood_that_cannot_be_taken_away_takes_no_more_of_the_known_away_than_all_but_one_of_32() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 10_000, 100);
    assert_eq!(shedding.parts.known, Part::LEAST_OF_KNOWN);
}

#[test]
fn it_is_looked_at_every_two_milliseconds_at_most() {
    let (mut shedding, now) = start();
    see(&mut shedding, now, filled(0));
    assert!(!shedding.is_due(now + LOOK / 2));
    assert!(shedding.is_due(now + LOOK));
}

#[test]
fn a_part_is_told_only_when_it_has_changed() {
    let (mut shedding, now) = start();
    assert_eq!(see(&mut shedding, now, filled(40)), None);
    let parts = see(&mut shedding, now, filled(60));
    assert!(parts.is_some_and(|parts| parts.strangers < Part::ALL && parts.known == Part::ALL));
    let fewer = shedding.parts.strangers;
    assert!(
        see(&mut shedding, now, filled(30)).is_some_and(|parts| parts.strangers > fewer),
        "it has emptied"
    );
}

#[test]
fn what_is_let_in_is_told_again_each_second_as_others_may_be_known_by_then() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 200, 100);
    let told = (0..5_000).filter(|_| {
        now += LOOK;
        see(&mut shedding, now, filled(100)).is_some()
    });
    assert_eq!(told.count(), 10);
}

#[test]
fn after_the_worst_flood_all_is_let_in_again_within_three_tenths_of_a_second() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 1_000, 100);
    assert_eq!(shedding.parts.known, Part::LEAST_OF_KNOWN);
    look(&mut shedding, &mut now, 150, 0);
    assert_eq!(shedding.parts, Parts::ALL);
}

#[test]
fn an_overload_that_comes_and_goes_is_one_until_there_was_none_for_five_seconds() {
    let (mut shedding, mut now) = start();
    for _ in 0..5 {
        look(&mut shedding, &mut now, 1, 60);
        look(&mut shedding, &mut now, 1_000, 0);
    }
    assert_eq!((shedding.parts, shedding.counted()), (Parts::ALL, (true, 1)));
    now = shedding.poll_timeout().unwrap();
    see(&mut shedding, now, filled(0));
    assert_eq!((shedding.poll_timeout(), shedding.counted()), (None, (false, 1)));
    look(&mut shedding, &mut now, 1, 60);
    assert_eq!(shedding.counted(), (true, 2));
}

#[test]
fn without_a_filter_there_is_no_overload_that_is_told_or_waited_for() {
    let (mut shedding, now) = start();
    shedding.see(now, filled(90));
    shedding.give_up();
    assert_eq!((shedding.parts, shedding.poll_timeout(), shedding.counted()), (Parts::ALL, None, (false, 0)));
    assert!(!shedding.is_due(now + OVER), "it is tried once");
}

#[test]
fn what_is_compared_with_a_random_word_lets_the_part_pass() {
    assert_eq!(Part::ALL.threshold(), u32::MAX);
    assert_eq!(Part(1 << 15).threshold(), u32::MAX / 2);
    assert_eq!(Part::LEAST.threshold(), (1 << 22) - 1);
}
