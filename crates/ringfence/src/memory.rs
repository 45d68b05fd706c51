//! Memory that a busy time leaves behind goes back to the system once it is quiet again, and at rest what is mapped of the
//! program and not needed, again and again: each look at it, and each of the journal's, needs other parts.
//!
//! What is freed lies among what is not, and the C library's allocator keeps it: of a flood of 20,000 calls that nobody
//! acknowledged two thirds stayed. To look for it takes milliseconds in which no thread can allocate: so it is done once after each
//! busy time, once after the start, and every five minutes of a busy time that does not end, in which whatever once piled up
//! would stay for ever.
//!
//! It does not look at what is free above all that a thread has in use. That goes back at once, as long as the bounds for it are
//! what they were at the start: they grow to 64 MiB with what was once freed, unless they are set.

mod program;

use std::time::Duration;

use softphone::Counters;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::control::server::Desk as _;
use crate::service::Service;

pub(crate) use program::Program;

/// How often it is looked whether it is quiet.
const EVERY: Duration = Duration::from_secs(10);

/// More messages than these in that time are a busy time: fifty thousand lines that refresh their registrations are none.
const BUSY: u64 = 2_000;

/// It is over after so many looks: a transaction holds its response for 32 s (RFC 3261 section 17.2.1, 64*T1).
const LOOKS: u32 = 4;

/// After so many it rests: the thread that gave back what was freed has ended, too.
const REST: u32 = LOOKS + 2;

/// At rest no more messages come in that time than these: a line's keep-alives, and now and then a call.
const FEW: u64 = 16;

/// Where more come, as to many lines, it counts as rest once in so many looks.
const REST_AGAIN: u32 = 12;

/// Whoever has looked is over with it after so long: its pages go, too.
const MOMENT: Duration = Duration::from_millis(10);

/// So many looks are a long busy time.
const LONG: u32 = 30;

/// From so many bytes on, tables that have grown get memory of their own, which goes back when they shrink.
const OWN: i32 = 256 * 1024;

/// So many free bytes above all that is in use go back at once.
const ABOVE: i32 = 256 * 1024;

/// Has memory that is free go back at once where it can, for ever. Until it returns no other thread may be there.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library's allocator is asked by a call of its own")]
pub(crate) fn keep_bounds() {
    for (bound, bytes) in [(libc::M_MMAP_THRESHOLD, OWN), (libc::M_TRIM_THRESHOLD, ABOVE)] {
        // SAFETY: it takes no pointer and changes nothing that is allocated. It is not to be called while another thread
        // allocates: `main` calls it first, before it makes a thread.
        unsafe { libc::mallopt(bound, bytes) };
    }
}

/// Other allocators have no such bounds.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_bounds() {}

/// Gives memory back after each busy time and at rest, for ever.
pub(crate) async fn tend(service: &Service, program: &Program) {
    let (mut pace, mut looks) = (Pace::default(), interval_at(Instant::now() + EVERY, EVERY));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = tokio::select! {
            biased;
            _ = looks.tick() => match service.phone().counters().await {
                Ok(counters) => pace.due(messages(&counters)),
                // It ends.
                Err(_) => std::future::pending().await,
            },
            () = service.journal().looked_at() => pace.at_rest(),
        };
        match due {
            None => {}
            Some(Due::Freed) => {
                service.screen().forget_what_is_over();
                // A thread that panicked has said so.
                drop(tokio::task::spawn_blocking(give_back).await);
            }
            Some(Due::Program) => {
                sleep(MOMENT).await;
                program.give_back();
            }
        }
    }
}

fn messages(counters: &Counters) -> u64 {
    counters.datagrams + counters.stream_messages
}

/// What is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// What the allocator keeps of what was freed.
    Freed,
    /// Pages of the program.
    Program,
}

/// How many messages there were, how often it was looked since they were many, how often in a busy time, and whether it is at rest.
#[derive(Debug, Default)]
struct Pace {
    messages: u64,
    quiet: u32,
    busy: u32,
    rests: bool,
}

impl Pace {
    /// Takes how many messages there have been since the start, which leaves as much behind as a busy time. Tells what is due: what
    /// was freed just after such a time and in one that is long, pages of the program at rest.
    fn due(&mut self, messages: u64) -> Option<Due> {
        let came = messages.saturating_sub(std::mem::replace(&mut self.messages, messages));
        self.quiet = if came > BUSY { 0 } else { self.quiet.saturating_add(1) };
        self.busy = if self.quiet >= LOOKS { 0 } else { self.busy % LONG + 1 };
        let rests_for = self.quiet.checked_sub(REST);
        self.rests = rests_for.is_some_and(|looks| came <= FEW || looks % REST_AGAIN == 0);
        if self.quiet == LOOKS || self.busy == LONG { Some(Due::Freed) } else { self.at_rest() }
    }

    /// Tells what is due when somebody else has looked at something: it needed parts of the program that nothing else does.
    fn at_rest(&self) -> Option<Due> {
        self.rests.then_some(Due::Program)
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library's allocator is asked by a call of its own")]
fn give_back() {
    // SAFETY: it takes no pointer, may be called at any time by any thread, and changes nothing that is allocated. The whole
    // program allocates by this allocator; another one would have nothing given back here.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give back what they think right.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks so many times, with so many messages each time. Tells at which looks something was due, and what.
    fn looks(pace: &mut Pace, times: usize, messages: u64) -> Vec<(usize, Due)> {
        (1..=times).filter_map(|look| Some((look, pace.due(pace.messages + messages)?))).collect()
    }

    #[test]
    fn a_busy_time_is_over_once_after_four_quiet_looks_and_so_is_the_start() {
        let mut pace = Pace::default();
        let at_rest = [(4, Due::Freed), (6, Due::Program), (18, Due::Program), (30, Due::Program)];
        assert_eq!(looks(&mut pace, 40, FEW + 1), at_rest);
        assert_eq!(looks(&mut pace, 3, BUSY + 1), []);
        assert_eq!(looks(&mut pace, 3, BUSY), []);
        assert_eq!(looks(&mut pace, 1, BUSY + 1), [], "it was a pause");
        assert_eq!(looks(&mut pace, 40, BUSY), at_rest);
        assert_eq!(EVERY * LONG, Duration::from_secs(300));
    }

    #[test]
    fn at_rest_each_look_at_which_little_has_come_gives_back_the_program_and_so_does_what_others_look_at() {
        let mut pace = Pace::default();
        assert_eq!(looks(&mut pace, 5, 0), [(4, Due::Freed)]);
        assert_eq!(pace.at_rest(), None, "it starts");
        assert_eq!(looks(&mut pace, 3, FEW), [1, 2, 3].map(|look| (look, Due::Program)));
        assert_eq!(pace.at_rest(), Some(Due::Program));
        assert_eq!(looks(&mut pace, 3, FEW + 1), []);
        assert_eq!(pace.at_rest(), None, "calls come");
        assert_eq!(looks(&mut pace, 1, 0), [(1, Due::Program)]);
    }

    #[test]
    fn in_a_busy_time_that_does_not_end_it_is_time_every_five_minutes() {
        let mut pace = Pace::default();
        let looked = looks(&mut pace, 100, BUSY + 1);
        assert_eq!(looked, [30, 60, 90].map(|look| (look, Due::Freed)));
    }

    #[test]
    fn what_is_given_back_is_not_in_use() {
        let kept: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
        drop(vec![0_u8; 1 << 20]);
        give_back();
        assert!(kept.iter().enumerate().all(|(number, text)| *text == number.to_string()));
    }
}
