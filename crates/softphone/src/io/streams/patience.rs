//! How long a peer is waited for.

use std::time::Duration;

use tokio::time::Instant;

use super::allowance::{Allowance, Credit};
use super::connection::{OpenedBy, Whole};

/// Until when the peer is waited for.
pub(super) struct Patience {
    opened_by: OpenedBy,
    /// For the rest of a message that has begun.
    message: Option<Instant>,
    /// For anything that is whole.
    silence: Option<Instant>,
    /// For it to read on.
    unread: Option<Instant>,
    line_ends: Allowance,
    /// Of messages that nobody answers.
    unanswered: Allowance,
    /// How many of those it owes.
    owed: Credit,
    /// Since when it has sent too much, and of what.
    flooded: Option<(Instant, &'static str)>,
}

/// How long a message may take from its first byte to its last, and a stranger who connects to his first.
const MESSAGE: Duration = Duration::from_secs(30);
/// How long a peer that has connected may be silent. Who keeps a connection pings it every two minutes (RFC 5626
/// section 4.4.1), or calls. A call rings for ten minutes at most, and its answer comes before the connection is closed.
const SILENCE: Duration = Duration::from_secs(660);
/// How long a peer may take none of what it is sent. One that takes it slowly is waited for: a registrar may need a
/// while for the requests of ten thousand lines.
pub(super) const WRITE: Duration = Duration::from_secs(10);

/// How many line ends may come with each message, as fast as those come.
const BESIDE_A_MESSAGE: usize = 4;
/// How many responses may come to each request, as fast as they can: some proxies repeat a 100.
const TO_A_REQUEST: usize = 10;
/// How many ACKs may come to each final response.
const TO_A_RESPONSE: usize = 2;
/// How often line ends and pings may come for ever: a hundred times as often as anybody sends them. A thousand at once are
/// more than wait where the network stood still for hours.
const LINE_END: Duration = Duration::from_millis(100);
/// How often what is neither asked for nor answered may come for ever: a proxy sends on to us what strangers make up, and
/// so many a second cost a hundredth of a processor.
const UNANSWERED: Duration = Duration::from_millis(1);
/// What a connection is closed by whose peer takes nothing, or too little.
pub(crate) const UNREAD: &str = "the peer does not read";

impl Patience {
    pub(super) fn new(now: Instant, opened_by: OpenedBy) -> Self {
        let silence = match opened_by {
            OpenedBy::Us => None,
            OpenedBy::Known => Some(now + SILENCE),
            OpenedBy::Stranger => Some(now + MESSAGE),
        };
        let (line_ends, unanswered) = (Allowance::new(now, LINE_END), Allowance::new(now, UNANSWERED));
        Self {
            opened_by,
            message: None,
            silence,
            unread: None,
            line_ends,
            unanswered,
            owed: Credit::default(),
            flooded: None,
        }
    }

    /// Takes what came. The clock of a message that has begun runs on, however slowly it comes.
    pub(super) fn heard(&mut self, now: Instant, whole: Whole, has_more: bool) {
        if whole.messages > 0 && self.opened_by == OpenedBy::Stranger {
            // The connection of one who remains a stranger after his first message is closed by the shard.
            self.opened_by = OpenedBy::Known;
        }
        if whole.messages > 0 || whole.line_ends > 0 {
            self.message = None;
            self.is_not_silent(now);
        }
        self.heard_line_ends(now, whole);
        self.heard_unanswered(now, whole.unanswered);
        self.goes_on(now, has_more);
    }

    /// Takes a frame of WebSocket's own, which may stand between the fragments of a message (RFC 6455 section 5.4) and ends
    /// none.
    pub(super) fn heard_control(&mut self, now: Instant, has_more: bool) {
        self.is_not_silent(now);
        self.heard_line_ends(now, Whole { line_ends: 1, ..Whole::default() });
        self.goes_on(now, has_more);
    }

    /// Some write line ends around each message.
    fn heard_line_ends(&mut self, now: Instant, whole: Whole) {
        self.line_ends.earn(now, whole.messages * BESIDE_A_MESSAGE);
        if !self.line_ends.spend(now, whole.line_ends) {
            self.flooded.get_or_insert((now, "the peer sends line ends or pings without end"));
        }
    }

    fn heard_unanswered(&mut self, now: Instant, count: usize) {
        let unasked = self.owed.spend(now, count);
        if !self.unanswered.spend(now, unasked) {
            self.flooded
                .get_or_insert((now, "the peer sends without end what is neither asked for nor answered"));
        }
    }

    /// Line ends are of no worth from a stranger: he would hold his connection by them for ever.
    fn is_not_silent(&mut self, now: Instant) {
        if self.opened_by == OpenedBy::Known {
            self.silence = Some(now + SILENCE);
        }
    }

    fn goes_on(&mut self, now: Instant, has_more: bool) {
        let until = self.message.unwrap_or(now + MESSAGE);
        self.message = has_more.then_some(until);
    }

    /// Returns whether a message has begun, as far as was heard.
    pub(super) fn is_within_message(&self) -> bool {
        self.message.is_some()
    }

    /// Returns whether nothing more is to be read: too much has come.
    pub(super) fn is_flooded(&self) -> bool {
        self.flooded.is_some()
    }

    /// Takes that nothing more comes, and until when what is to be written is waited for.
    pub(super) fn heard_last(&mut self, until: Instant) {
        self.message = None;
        self.silence = Some(self.silence.map_or(until, |silence| silence.min(until)));
    }

    /// Takes that there is something to write.
    pub(super) fn writes(&mut self, now: Instant) {
        self.unread.get_or_insert(now + WRITE);
    }

    /// Takes that it is asked so much and answered so often.
    pub(super) fn asks(&mut self, now: Instant, requests: usize, final_responses: usize) {
        let owed = requests.saturating_mul(TO_A_REQUEST);
        self.owed.earn(now, owed.saturating_add(final_responses.saturating_mul(TO_A_RESPONSE)));
    }

    /// Takes that some of it was written.
    pub(super) fn has_written(&mut self, now: Instant, has_more: bool) {
        self.unread = has_more.then(|| now + WRITE);
    }

    pub(super) fn until(&self) -> Option<Instant> {
        let flooded = self.flooded.map(|(since, _)| since);
        [self.message, self.silence, self.unread, flooded].into_iter().flatten().min()
    }

    /// Returns what was waited for in vain.
    pub(super) fn why(&self) -> &'static str {
        let until = self.until();
        if let Some((_, why)) = self.flooded {
            why
        } else if self.unread == until {
            UNREAD
        } else if self.message == until {
            "the peer began a message and did not end it within 30 s"
        } else {
            "the peer was silent for too long"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Whole = Whole { messages: 0, unanswered: 0, line_ends: 1 };
    const MESSAGES: Whole = Whole { messages: 1, unanswered: 0, line_ends: 0 };
    const UNANSWERED_ONE: Whole = Whole { messages: 1, unanswered: 1, line_ends: 0 };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_stranger_does_not_hold_his_connection_by_line_ends() {
        let start = Instant::now();
        let mut patience = Patience::new(start, OpenedBy::Stranger);
        patience.heard(start + seconds(20), PING, false);
        assert_eq!(patience.until(), Some(start + MESSAGE));
        patience.heard(start + seconds(25), MESSAGES, false);
        assert_eq!(patience.until(), Some(start + seconds(25) + SILENCE));
        assert_eq!(patience.why(), "the peer was silent for too long");
    }

    #[test]
    fn who_has_said_his_last_is_not_waited_for_longer_than_he_waits() {
        let start = Instant::now();
        let mut patience = Patience::new(start, OpenedBy::Known);
        patience.heard(start, MESSAGES, true);
        patience.heard_last(start + seconds(32));
        assert_eq!(patience.until(), Some(start + seconds(32)), "not for the rest of a message either");
        patience.heard_last(start + seconds(99));
        assert_eq!(patience.until(), Some(start + seconds(32)));
    }

    #[test]
    fn a_message_that_comes_by_the_byte_is_not_waited_for_beyond_its_time() {
        let start = Instant::now();
        let mut patience = Patience::new(start, OpenedBy::Us);
        assert_eq!(patience.until(), None);
        for after in [0, 10, 20] {
            patience.heard(start + seconds(after), Whole::default(), true);
        }
        assert_eq!(patience.until(), Some(start + MESSAGE));
        patience.heard(start + seconds(25), MESSAGES, true);
        assert_eq!(patience.until(), Some(start + seconds(25) + MESSAGE), "the next one has begun");
        patience.heard(start + seconds(26), MESSAGES, false);
        assert_eq!(patience.until(), None);
    }

    #[test]
    fn what_websocket_says_for_itself_gives_a_message_no_more_time() {
        let start = Instant::now();
        let mut patience = Patience::new(start, OpenedBy::Known);
        patience.heard(start, Whole::default(), true);
        patience.heard_control(start + seconds(20), true);
        assert_eq!(patience.until(), Some(start + MESSAGE));
        patience.heard_control(start + seconds(21), false);
        assert_eq!(patience.until(), Some(start + seconds(21) + SILENCE), "it was none of a message");
    }

    #[test]
    fn who_pings_every_second_is_kept_and_who_floods_line_ends_is_not() {
        let start = Instant::now();
        let mut patience = Patience::new(start, OpenedBy::Us);
        for second in 0..100_000 {
            patience.heard(start + seconds(second), PING, false);
            patience.heard_control(start + seconds(second), false);
        }
        let now = start + seconds(200_000);
        for _ in 0..100_000 {
            patience.heard(now, Whole { line_ends: 2, ..Whole::default() }, false);
            patience.heard(now, Whole { line_ends: 1, ..MESSAGES }, false);
        }
        patience.heard(now, Whole { line_ends: 1_000, ..MESSAGES }, false);
        assert_eq!(patience.until(), None);
        patience.heard(now, PING, false);
        assert_eq!(patience.until(), Some(now));
        assert_eq!(patience.why(), "the peer sends line ends or pings without end");
    }

    #[test]
    fn who_sends_what_is_owed_is_kept_and_who_sends_the_same_without_end_is_not() {
        let start = Instant::now();
        let mut patience = Patience::new(start, OpenedBy::Us);
        patience.asks(start, 50_000, 5_000);
        for _ in 0..510_000 {
            patience.heard(start, UNANSWERED_ONE, false);
        }
        for millis in 0..1_000_000 {
            patience.heard(start + Duration::from_millis(millis), UNANSWERED_ONE, false);
        }
        let now = start + seconds(2_000);
        patience.heard(now, Whole { messages: 1_000, unanswered: 1_000, line_ends: 0 }, false);
        assert_eq!(patience.until(), None);
        patience.heard(now, UNANSWERED_ONE, false);
        assert_eq!(patience.until(), Some(now));
        assert_eq!(patience.why(), "the peer sends without end what is neither asked for nor answered");
    }

    #[test]
    fn who_reads_slowly_is_waited_for_and_who_reads_nothing_is_not() {
        let start = Instant::now();
        let mut patience = Patience::new(start, OpenedBy::Us);
        patience.writes(start);
        patience.writes(start + seconds(9));
        assert_eq!(patience.until(), Some(start + WRITE));
        patience.has_written(start + seconds(9), true);
        assert_eq!(patience.until(), Some(start + seconds(9) + WRITE));
        assert_eq!(patience.why(), "the peer does not read");
        patience.has_written(start + seconds(10), false);
        assert_eq!(patience.until(), None);
    }
}
