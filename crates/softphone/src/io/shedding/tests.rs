use super::*;

/// A queue that is full to so many percent.
fn filled(percent: u32) -> Queue {
    Queue { taken: percent * 4_000, room: 400_000, dropped: 0 }
}

/// Looks so many times at a queue that is full to so many percent.
fn look(shedding: &mut Shedding, now: &mut Instant, times: u32, percent: u32) {
    for _ in 0..times {
        *now += LOOK;
        assert!(shedding.is_due(*now));
        shedding.see(*now, filled(percent));
    }
}

fn start() -> (Shedding, Instant) {
    (Shedding::default(), Instant::now())
}

#[test]
fn while_the_buffer_has_room_everything_is_let_in_and_nobody_is_woken() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 1_000, 50);
    assert_eq!((shedding.parts, shedding.poll_timeout()), (Parts::ALL, None));
    assert_eq!(shedding.counted(), (false, 0));
}

#[test]
fn at_ten_times_what_can_be_answered_a_tenth_is_let_in_within_60_ms() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 28, 90);
    assert!(shedding.parts.known < Part(6_554), "{:?}", shedding.parts);
    assert_eq!(shedding.counted(), (true, 1));
    assert_eq!(shedding.poll_timeout(), Some(now + LOOK));
}

#[test]
fn strangers_make_room_before_those_whom_a_line_knows_and_come_back_after_them() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 10, 90);
    assert_eq!(shedding.parts, Parts { strangers: Part::LEAST, known: Part::ALL });
    look(&mut shedding, &mut now, 1, 90);
    assert_eq!(shedding.parts, Parts { strangers: Part::LEAST, known: Part(57_344) });
    look(&mut shedding, &mut now, 3, 0);
    assert_eq!(shedding.parts, Parts { strangers: Part::LEAST, known: Part::ALL });
    look(&mut shedding, &mut now, 1, 0);
    assert_eq!(shedding.parts, Parts { strangers: Part(68), known: Part::ALL });
}

#[test]
fn a_buffer_that_empties_is_given_the_time_for_it_and_so_is_one_that_fills() {
    let (mut shedding, now) = start();
    let mut strangers = |percent| {
        shedding.see(now, filled(percent));
        shedding.parts.strangers.0
    };
    assert_eq!([60, 90, 80, 70, 55].map(&mut strangers), [32_768, 16_384, 16_384, 16_384, 16_384]);
    assert_eq!([20, 10, 15, 30, 40].map(&mut strangers), [17_408, 18_496, 18_496, 18_496, 18_496]);
}

#[test]
fn it_is_looked_at_every_two_milliseconds_at_most() {
    let (mut shedding, now) = start();
    shedding.see(now, filled(0));
    assert!(!shedding.is_due(now + LOOK / 2));
    assert!(shedding.is_due(now + LOOK));
}

#[test]
fn a_part_is_told_only_when_it_has_changed() {
    let (mut shedding, now) = start();
    assert_eq!(shedding.see(now, filled(10)), None);
    let strangers = |part| Some(Parts { strangers: Part(part), ..Parts::ALL });
    assert_eq!(shedding.see(now, filled(60)), strangers(32_768));
    assert_eq!(shedding.see(now, filled(45)), None);
    assert_eq!(shedding.see(now, filled(10)), strangers(34_816));
}

#[test]
fn after_the_worst_flood_all_is_let_in_again_within_half_a_second() {
    let (mut shedding, mut now) = start();
    look(&mut shedding, &mut now, 1_000, 100);
    assert_eq!(shedding.parts, Parts { strangers: Part::LEAST, known: Part::LEAST });
    look(&mut shedding, &mut now, 250, 0);
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
    shedding.see(now, filled(0));
    assert_eq!((shedding.poll_timeout(), shedding.counted()), (None, (false, 1)));
    look(&mut shedding, &mut now, 1, 60);
    assert_eq!(shedding.counted(), (true, 2));
}

#[test]
fn without_a_filter_there_is_no_overload_that_anybody_waits_for() {
    let (mut shedding, now) = start();
    shedding.see(now, filled(90));
    shedding.give_up();
    assert_eq!((shedding.parts, shedding.poll_timeout(), shedding.counted()), (Parts::ALL, None, (false, 1)));
}

#[test]
fn what_is_compared_with_a_random_word_lets_the_part_pass() {
    assert_eq!(Part::ALL.threshold(), u32::MAX);
    assert_eq!(Part(1 << 15).threshold(), u32::MAX / 2);
    assert_eq!(Part::LEAST.threshold(), (1 << 22) - 1);
}
