//! Memory that a busy time leaves behind goes back to the system once it is quiet again.
//!
//! What is freed lies among what is not, and the C library's allocator keeps it: of a flood of 20,000 calls that nobody
//! acknowledged two thirds stayed. To look for it takes milliseconds in which no thread can allocate: so it is done once after each
//! busy time, and once after the start.

use std::time::Duration;

use softphone::{Counters, Softphone};

/// How often it is looked whether it is quiet.
const EVERY: Duration = Duration::from_secs(10);

/// More messages than these in that time are a busy time: fifty thousand lines that refresh their registrations are none.
const BUSY: u64 = 2_000;

/// It is over after so many looks: a transaction holds its response for 32 s (RFC 3261 section 17.2.1, 64*T1).
const LOOKS: u32 = 4;

/// Gives memory back after each busy time, for ever.
pub(crate) async fn tend(phone: &Softphone) {
    let mut pace = Pace::default();
    loop {
        tokio::time::sleep(EVERY).await;
        let Ok(counters) = phone.counters().await else { return };
        if pace.has_become_quiet(messages(&counters)) {
            // A thread that panicked has said so.
            drop(tokio::task::spawn_blocking(give_back).await);
        }
    }
}

fn messages(counters: &Counters) -> u64 {
    counters.datagrams + counters.stream_messages
}

/// How many messages there were, and how often it was looked since they were many.
#[derive(Debug, Default)]
struct Pace {
    messages: u64,
    quiet: u32,
}

impl Pace {
    /// Takes how many messages there have been since the start, which leaves as much behind as a busy time. Tells whether such a
    /// time is over just now.
    fn has_become_quiet(&mut self, messages: u64) -> bool {
        let before = std::mem::replace(&mut self.messages, messages);
        let is_busy = messages.saturating_sub(before) > BUSY;
        self.quiet = if is_busy { 0 } else { self.quiet.saturating_add(1) };
        self.quiet == LOOKS
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

    /// Looks so many times, with so many messages each time. Tells at which looks a busy time was over.
    fn looks(pace: &mut Pace, times: usize, messages: u64) -> Vec<usize> {
        (1..=times).filter(|_| pace.has_become_quiet(pace.messages + messages)).collect()
    }

    #[test]
    fn a_busy_time_is_over_once_after_four_quiet_looks_and_so_is_the_start() {
        let mut pace = Pace::default();
        assert_eq!(looks(&mut pace, 100, 10), [4]);
        assert_eq!(looks(&mut pace, 3, BUSY + 1), [0; 0]);
        assert_eq!(looks(&mut pace, 3, BUSY), [0; 0]);
        assert_eq!(looks(&mut pace, 1, BUSY + 1), [0; 0], "it was a pause");
        assert_eq!(looks(&mut pace, 100, 0), [4]);
    }

    #[test]
    fn what_is_given_back_is_not_in_use() {
        let kept: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
        drop(vec![0_u8; 1 << 20]);
        give_back();
        assert!(kept.iter().enumerate().all(|(number, text)| *text == number.to_string()));
    }
}
