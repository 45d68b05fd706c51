//! Which address is tried when (RFC 8305 section 5): one after the other, each with a head start before the next, and the
//! first that is connected wins.
//!
//! ```text
//!  first  ──SYN───────────────────────────────────── 250 ms without an answer, or a failure: the next begins
//!  second ──SYN──SYN,ACK──ClientHello──────────────── 2 s without an end to the handshake: the next begins
//!  third  ──SYN──SYN,ACK──ClientHello──Finished ▶ wins; the others are dropped
//! ```
//!
//! A TCP connection is the system's to make, and a quarter of a second is long for it. A handshake is the server's: one
//! that restarts owes it to thousands at once. If each of them had begun a second one elsewhere after 250 ms, all its
//! servers would do the work of all. So a handshake has 2 s for itself, and then company; it goes on beside it.
//!
//! Each waits for room first (`room.rs`), and its time begins with the attempt.
//!
//! Only addresses of one SRV priority race: a spare server must not win because it is near. Those of the next are tried
//! when all of the former have failed, or after their share of the time: 10 s at most, and 5 s at least.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::failure::Failure;
use super::room::{Room, Taken};
use super::unconnected::Unconnected;

/// One attempt that is to be made.
pub(super) struct Attempt {
    pub(super) address: SocketAddr,
    /// The room for its connection.
    pub(super) taken: Taken,
    /// To be told when there is a TCP connection.
    pub(super) opened: oneshot::Sender<()>,
    pub(super) until: Instant,
}

/// How far ahead of the next one an attempt is: RFC 8305 section 8, "Connection Attempt Delay".
const HEAD_START: Duration = Duration::from_millis(250);
/// How much further one is that has a TCP connection: what a server takes for a handshake that has much else to do.
const GREETING: Duration = Duration::from_secs(2);
/// How long one attempt may take, handshakes and all.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long the addresses of one priority may take together while others are left: an equal share of the time that is left,
/// at least what TCP may take, and at most this.
const PRIORITY: Duration = Duration::from_secs(10);
const SHARE: Duration = Duration::from_secs(5);
/// What is left of less is not worth an attempt.
const LEAST: Duration = Duration::from_secs(1);

/// Makes an attempt at each address until one succeeds, by priority. After `until` none is begun nor goes on. Returns with it
/// those that had failed before.
pub(super) async fn race<T, A>(
    priorities: Vec<Vec<SocketAddr>>,
    room: &Room,
    until: Instant,
    attempt: impl Fn(Attempt) -> A,
) -> Result<(T, Unconnected), Unconnected>
where
    A: Future<Output = Result<T, Failure>>,
{
    let (mut priorities, mut unconnected) = (priorities.into_iter(), Unconnected::default());
    while let Some(equals) = priorities.next() {
        let now = Instant::now();
        let left = u32::try_from(priorities.len()).unwrap_or(u32::MAX);
        let share = until.saturating_duration_since(now) / left.saturating_add(1);
        let until = if left == 0 { until } else { until.min(now + share.clamp(SHARE, PRIORITY)) };
        match race_equals(equals, room, until, &attempt).await {
            Ok((connected, failed)) => {
                unconnected.append(failed);
                return Ok((connected, unconnected));
            }
            Err(failed) => unconnected.append(failed),
        }
    }
    Err(unconnected)
}

async fn race_equals<T, A>(
    addresses: Vec<SocketAddr>,
    room: &Room,
    until: Instant,
    attempt: &impl Fn(Attempt) -> A,
) -> Result<(T, Unconnected), Unconnected>
where
    A: Future<Output = Result<T, Failure>>,
{
    let (mut untried, mut attempts) = (addresses.into_iter(), FuturesUnordered::new());
    let mut unconnected = Unconnected::default();
    let last = until.checked_sub(LEAST).unwrap_or(until);
    let (mut taken, mut has_lacked_room) = (pin!(room.take()), false);
    // Whether the newest attempt has a TCP connection. Where there is none the next one is to begin.
    let mut newest = None;
    loop {
        let has_more = untried.len() > 0 && Instant::now() < last;
        let is_due = has_more && newest.is_none();
        if attempts.is_empty() && !has_more {
            unconnected.leave_out(untried.len(), has_lacked_room);
            return Err(unconnected);
        }
        tokio::select! {
            Some((address, ended)) = attempts.next() => match ended {
                Ok(connected) => return Ok((connected, unconnected)),
                Err(failure) => {
                    unconnected.add(address, failure);
                    newest = None;
                }
            },
            room_of_one = &mut taken, if is_due => if let Some(address) = untried.next() {
                taken.set(room.take());
                let (opened, is_open) = oneshot::channel();
                let until = until.min(Instant::now() + ATTEMPT);
                let one = attempt(Attempt { address, taken: room_of_one, opened, until });
                attempts.push(async move { (address, one.await) });
                newest = Some(is_open);
            },
            () = sleep_until(last), if is_due => has_lacked_room = true,
            () = head_start(newest.as_mut()), if has_more && !is_due => newest = None,
        }
    }
}

/// Waits as long as an attempt is to be alone. One that fails meanwhile is waited for elsewhere.
async fn head_start(is_open: Option<&mut oneshot::Receiver<()>>) {
    let Some(is_open) = is_open else { return };
    match timeout(HEAD_START, is_open).await {
        Ok(Ok(())) => sleep(GREETING).await,
        Ok(Err(_)) => std::future::pending().await,
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;

    /// What an address does, by its last number.
    #[derive(Clone, Copy)]
    enum Does {
        Refuse,
        /// Nothing, at all.
        Swallow,
        /// Takes the connection, and greets after so many milliseconds.
        Greet(u64),
    }
    use Does::{Greet, Refuse, Swallow};

    /// Races addresses of one priority.
    async fn run(all: &[Does], within: u64) -> (Result<usize, String>, Vec<u128>, u128) {
        run_by_priority(&[all], within).await
    }

    /// For as many as any of these tests makes.
    fn room() -> Room {
        Room::new(None, 1)
    }

    /// Races the addresses of each priority. Returns which won, or what is said, and after how many milliseconds each was begun and it ended.
    async fn run_by_priority(
        priorities: &[&[Does]],
        within: u64,
    ) -> (Result<usize, String>, Vec<u128>, u128) {
        run_in(&room(), priorities, within).await
    }

    async fn run_in(
        room: &Room,
        priorities: &[&[Does]],
        within: u64,
    ) -> (Result<usize, String>, Vec<u128>, u128) {
        let all = priorities.concat();
        let (start, begun) = (Instant::now(), Mutex::new(Vec::new()));
        let address = |index: usize| SocketAddr::from(([192, 0, 2, 1], u16::try_from(index).unwrap()));
        let attempt = |Attempt { address, taken, opened, until }| {
            begun.lock().unwrap().push(start.elapsed().as_millis());
            let index = usize::from(address.port());
            let does = all[index];
            let ends = async move {
                match does {
                    Refuse => Err(Failure::Tcp(io::ErrorKind::ConnectionRefused.into())),
                    Swallow => std::future::pending().await,
                    Greet(after) => {
                        opened.send(()).unwrap();
                        sleep(Duration::from_millis(after)).await;
                        Ok(index)
                    }
                }
            };
            async move {
                let late = || Failure::Tcp(io::ErrorKind::TimedOut.into());
                let ended = tokio::time::timeout_at(until, ends).await;
                drop(taken);
                ended.map_err(|_| late())?
            }
        };
        let mut addresses = (0..).map(address);
        let addresses = priorities.iter().map(|equals| addresses.by_ref().take(equals.len()).collect());
        let won = race(addresses.collect(), room, start + Duration::from_secs(within), attempt).await;
        let begun = begun.lock().unwrap().clone();
        (
            won.map(|(won, _)| won).map_err(|unconnected| unconnected.to_string()),
            begun,
            start.elapsed().as_millis(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_fails_costs_no_time_and_one_that_is_silent_a_quarter_of_a_second() {
        assert_eq!(run(&[Refuse, Greet(0)], 20).await, (Ok(1), vec![0, 0], 0));
        assert_eq!(run(&[Swallow, Swallow, Greet(50)], 20).await, (Ok(2), vec![0, 250, 500], 550));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_handshake_is_waited_for_and_one_that_never_ends_is_not() {
        assert_eq!(run(&[Greet(1_900), Greet(0)], 20).await, (Ok(0), vec![0], 1_900));
        assert_eq!(run(&[Greet(100_000), Greet(50)], 20).await, (Ok(1), vec![0, 2_000], 2_050));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_handshake_goes_on_beside_the_next_and_may_win() {
        assert_eq!(run(&[Greet(2_500), Greet(1_000)], 20).await, (Ok(0), vec![0, 2_000], 2_500));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_has_ten_seconds_and_all_have_what_is_given_to_them() {
        let (said, _, took) = run(&[Swallow, Swallow], 20).await;
        assert_eq!((said, took), (Err("at each of 192.0.2.1:0, 192.0.2.1:1: timed out".to_owned()), 10_250));
        let (said, begun, took) = run(&[Greet(100_000); 5], 4).await;
        let words = "at 192.0.2.1:0, 192.0.2.1:1: timed out; there was no time for 3 more";
        assert_eq!((said, begun, took), (Err(words.to_owned()), vec![0, 2_000], 4_000));
        assert_eq!(run(&[], 20).await.0, Err("no address".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lower_priority_is_tried_when_all_of_a_higher_have_failed_and_never_before() {
        let run = run_by_priority;
        assert_eq!(run(&[&[Greet(9_000)], &[Greet(0)]], 20).await, (Ok(0), vec![0], 9_000));
        assert_eq!(run(&[&[Refuse, Refuse], &[Greet(0)]], 20).await, (Ok(2), vec![0, 0, 0], 0));
        assert_eq!(run(&[&[Swallow], &[Greet(0)]], 20).await, (Ok(1), vec![0, 10_000], 10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_third_priority_has_time_where_two_hang_and_a_second_where_there_is_little() {
        let run = run_by_priority;
        let (won, begun, _) = run(&[&[Swallow], &[Swallow], &[Greet(0)]], 20).await;
        assert_eq!((won, begun.len()), (Ok(2), 3));
        assert_eq!(run(&[&[Swallow], &[Greet(0)]], 10).await, (Ok(1), vec![0, 5_000], 5_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_priority_of_many_that_hang_leaves_time_for_the_next() {
        let (won, begun, took) = run_by_priority(&[&[Greet(100_000); 9], &[Greet(500)]], 20).await;
        assert_eq!((won, took), (Ok(9), 10_500));
        assert_eq!(begun, [0, 2_000, 4_000, 6_000, 8_000, 10_000]);
    }

    /// Room for two connections of ours.
    fn little() -> Room {
        Room::new(Some(8), 1)
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_waits_for_room_and_has_its_time_from_then_on() {
        let (room, crowd) = (little(), [Swallow; 3]);
        let (said, begun, took) = run_in(&room, &[&crowd], 60).await;
        assert_eq!((begun, took), (vec![0, 250, 10_000], 20_000));
        assert!(!said.unwrap_err().contains("not tried"));
        assert_eq!(
            run_in(&room, &[&[Refuse, Refuse, Greet(0)]], 20).await.0,
            Ok(2),
            "all of it is given back"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_there_was_no_room_for_is_no_failure_of_a_server() {
        let room = little();
        let held = [room.take().await, room.take().await];
        let address = SocketAddr::from(([192, 0, 2, 1], 5060));
        let attempt = |_| async { panic!("there is no room") };
        let until = Instant::now() + Duration::from_secs(20);
        let raced = race::<(), _>(vec![vec![address; 3]], &room, until, attempt).await;
        let unconnected = raced.unwrap_err();
        assert_eq!(unconnected.servers().count(), 0);
        let words = "3 were not tried: this program has as many connections open as it may";
        assert!(unconnected.to_string().starts_with(words), "{unconnected}");
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_has_room_wins_while_another_waits_for_it() {
        let room = little();
        let _held = room.take().await;
        let (won, begun, took) = run_in(&room, &[&[Greet(3_000), Greet(0)]], 20).await;
        assert_eq!((won, begun, took), (Ok(0), vec![0], 3_000));
    }
}
