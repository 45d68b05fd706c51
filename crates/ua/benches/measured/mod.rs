//! What is measured: the call of the reject trace, again and again through one endpoint whose screen rejects.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_ua::{Account, Config, Endpoint, Rejection, Screen, Verdict};

const INVITE: &[u8] = include_bytes!("../../../testing/data/reject-trace/1-invite.sip");
const ACK: &[u8] = include_bytes!("../../../testing/data/reject-trace/4-ack.sip");

/// What tells one call of the trace from another: the ends of its branch and its Call-ID.
const UNIQUE: [&[u8]; 2] = [b"2dd6a45bb13b", b"gateyuwhpmhftgt"];

/// How long the transaction of a call that was acknowledged is kept (T4).
const KEPT_FOR: Duration = Duration::from_secs(5);

/// How many calls of before wait for that to pass, at 2,000 a second.
const OTHERS: u32 = 10_000;

/// A caller and the endpoint that rejects it, in a time of their own.
pub(crate) struct Rejections {
    endpoint: Endpoint,
    now: Instant,
    /// How many calls come until one is forgotten.
    others: u32,
    pbx: SocketAddr,
    invite: Numbered,
    ack: Numbered,
    together: Vec<(Numbered, Numbered)>,
    calls: u64,
}

/// A datagram with the places where the number of its call stands.
struct Numbered {
    datagram: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Rejections {
    /// Starts without a call, to make so many until one is forgotten.
    #[expect(clippy::disallowed_methods, reason = "a time of its own needs one instant to start from")]
    pub(crate) fn to_be_among(others: u32) -> Self {
        let now = Instant::now();
        let pbx = SocketAddr::from(([192, 168, 115, 149], 5060));
        let rejection =
            Rejection::busy().with_phrase("Not now").and_then(|busy| busy.with_warning("User reject"));
        let rejection = Arc::new(rejection.expect("each text is one line"));
        let mut endpoint = Endpoint::new(Config::new(pbx), [7; 32])
            .with_screen(Screen::each(move |_| Verdict::Reject(Arc::clone(&rejection))));
        let mut account = Account::new("1001", "192.168.115.149", 5060);
        account.is_registering = false;
        account.extras_mut().peers = vec![pbx.ip()];
        endpoint.add_line(now, account).expect("a new endpoint has room for a line");
        while endpoint.poll_event().is_some() {}
        let (invite, ack) = (Numbered::new(INVITE), Numbered::new(ACK));
        Self { endpoint, now, others, pbx, invite, ack, together: Vec::new(), calls: 0 }
    }

    /// Starts where each call meets the end of an earlier one.
    pub(crate) fn warm() -> Self {
        Self::among(OTHERS)
    }

    /// Starts where each call meets the end of an earlier one, and so many others wait for theirs.
    pub(crate) fn among(others: u32) -> Self {
        let mut rejections = Self::to_be_among(others);
        for _ in 0..others + others / 5 {
            rejections.call();
        }
        rejections.check();
        rejections
    }

    /// INVITE, 100, 486, ACK, the event, and what is due by then of earlier calls. Returns the octets sent.
    pub(crate) fn call(&mut self) -> usize {
        let sent = self.unacknowledged_call() + self.acknowledge();
        while self.endpoint.poll_event().is_some() {}
        sent
    }

    /// The same up to the 486.
    pub(crate) fn unacknowledged_call(&mut self) -> usize {
        self.calls += 1;
        self.now += KEPT_FOR / self.others;
        self.invite.set(self.calls);
        self.ack.set(self.calls);
        self.endpoint.handle_timeout(self.now);
        self.invite()
    }

    /// The INVITE of the newest call, once more after [`Rejections::call`].
    pub(crate) fn invite(&mut self) -> usize {
        self.endpoint.handle_datagram(self.now, self.pbx, &self.invite.datagram);
        self.sent()
    }

    /// The ACK of the newest call, once more after [`Rejections::call`].
    pub(crate) fn acknowledge(&mut self) -> usize {
        self.endpoint.handle_datagram(self.now, self.pbx, &self.ack.datagram);
        self.sent()
    }

    /// Eight calls whose INVITEs come together, and then their ACKs.
    pub(crate) fn eight_calls(&mut self) -> usize {
        let mut together: Vec<(Numbered, Numbered)> = Vec::new();
        std::mem::swap(&mut together, &mut self.together);
        together.resize_with(8, || (Numbered::new(INVITE), Numbered::new(ACK)));
        for (invite, ack) in &mut together {
            self.calls += 1;
            invite.set(self.calls);
            ack.set(self.calls);
        }
        self.now += KEPT_FOR / self.others * 8;
        self.endpoint.handle_timeout(self.now);
        let (pbx, now) = (self.pbx, self.now);
        self.endpoint.handle_datagrams(now, together.iter().map(|(invite, _)| (pbx, &*invite.datagram)));
        let sent = self.sent();
        self.endpoint.handle_datagrams(now, together.iter().map(|(_, ack)| (pbx, &*ack.datagram)));
        while self.endpoint.poll_event().is_some() {}
        self.together = together;
        sent + self.sent()
    }

    fn sent(&mut self) -> usize {
        let mut octets = 0;
        while let Some(transmit) = self.endpoint.poll_transmit() {
            octets += transmit.payload.len();
        }
        octets
    }

    /// Panics unless every call was rejected, acknowledged, and forgotten in its time.
    fn check(&self) {
        let counted = self.endpoint.counters();
        assert_eq!((counted.invites, counted.rejected), (self.calls, self.calls));
        let most = u64::from(self.others) + 1;
        assert!(counted.transactions <= most, "{} transactions in 5 s", counted.transactions);
    }
}

impl Numbered {
    fn new(datagram: &[u8]) -> Self {
        let find = |unique: &&[u8]| {
            let at = datagram.windows(unique.len()).position(|window| window == *unique);
            at.map(|at| at..at + unique.len()).expect("the trace has it")
        };
        Self { datagram: datagram.to_vec(), places: UNIQUE.iter().map(find).collect() }
    }

    fn set(&mut self, number: u64) {
        for place in &self.places {
            let mut left = number;
            for digit in self.datagram[place.clone()].iter_mut().rev() {
                *digit = b"0123456789"[(left % 10) as usize];
                left /= 10;
            }
        }
    }
}
