//! The caller of scripts/bench, which does as little as a caller can: INVITE, 100 or not, 486, ACK.
//!
//!     flood PORT CALLS AT_ONCE           closed: so many calls are open all the time
//!     flood PORT CALLS AT_ONCE RATE      open: so many calls begin each second, whatever becomes of those before
//!     flood … patient USER CALLERS       the same, for hours beside others: it sleeps while nothing is due, calls USER by
//!                                        so many callers in turn, and listens 2 s longer for what should not come
//!     flood PORT CALLS AT_ONCE together  closed: and what is sent at once, here or there, goes together (UDP_SEGMENT, UDP_GRO),
//!                                        as over a network whose cards cut and join it
//!     flood … callers COUNT              by so many callers, in an order that no cache foresees
//!     flood PORT storm RATE SECONDS      so many INVITEs each second, none of them ever again
//!
//! It calls 858 on 127.0.0.1 as +41791234567, of several callers as the first of +41790000000 and on, and prints one line of JSON: seconds, calls, INVITEs repeated because
//! 500 ms passed, 486s that came again, 100s, datagrams that are no answer to a call, and how long the 486s took in
//! microseconds. In the open loop a call counts from when it was due, also where AT_ONCE or this program held it up. Of a
//! storm it tells the seconds, the INVITEs sent, the calls that were answered within them, and 486s that came again.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

/// RFC 3261 table 4.
const T1: Duration = Duration::from_millis(500);
/// What a server answers last is waited for so long.
const PATIENCE: Duration = Duration::from_secs(32);
/// Whoever is patient looks so often whether a call is due.
const NAP: Duration = Duration::from_millis(1);
/// And listens so long after the last answer.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// Times are counted to the microsecond up to so many, and as that beyond.
const LONGEST: usize = 2_000_000;

const BRANCH: &str = "z9hG4bK7725f5b3-0d85-456c-8056-";
const DIGITS: usize = 12;
/// Who calls, unless there are many: of a number, `+4179` and so many digits.
const CALLER: usize = 1_234_567;
const CALLER_DIGITS: usize = 7;
/// So far apart are callers who call one behind the other: a prime, so that each has a turn.
const APART: usize = 7_368_787;

const SDP: &str = "v=0\r\no=- 763177212 429111000 IN IP4 127.0.0.1\r\ns=call\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 8653 RTP/AVP 8 0 3 101 9\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:3 GSM/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=rtpmap:9 G722/8000\r\na=fmtp:9 bitrate=64000\r\na=sendrecv\r\n";

/// One of the calls that are open at once.
#[derive(Clone, Copy)]
struct Call {
    number: usize,
    due_at: Instant,
    sent_at: Instant,
}

/// A request with the places where the number of its call stands.
struct Request {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    callers: Vec<usize>,
}

/// What is asked beyond the figures.
struct Patience {
    user: String,
    callers: usize,
}

struct Flood {
    socket: UdpSocket,
    invite: Request,
    ack: Request,
    /// Where To is put into the ACK.
    to_at: usize,
    /// Each in the place of its number, modulo how many places there are.
    calls: Vec<Option<Call>>,
    /// The numbers of the next calls, one for each place that is free, the one that is free for longest first: so callers
    /// who call in turn do.
    free: VecDeque<usize>,
    rate: Option<f64>,
    patience: Option<Patience>,
    /// How many callers there are beside those of who is patient.
    callers: Option<usize>,
    /// What waits to be sent together.
    together: Option<Together>,
    began: Instant,
    started: usize,
    wanted: usize,
    answered: usize,
    repeated: usize,
    answered_again: usize,
    provisional: usize,
    stray: usize,
    /// How many took so many microseconds.
    took: Vec<u32>,
}

fn main() -> std::io::Result<()> {
    const USAGE: &str = "usage: flood PORT CALLS AT_ONCE [RATE] [together] [callers COUNT] [patient USER CALLERS], \
                         or flood PORT storm RATE SECONDS";
    let given: Vec<String> = std::env::args().skip(1).collect();
    let figure = |text: &String| text.parse::<usize>().expect(USAGE);
    if let [port, word, rate, seconds] = &given[..]
        && word == "storm"
    {
        let lasts = Duration::from_secs(figure(seconds) as u64);
        return Storm::new(figure(port))?.run(figure(rate), lasts);
    }
    let (figures, patience) = match given.split_last_chunk::<3>() {
        Some((figures, [word, user, callers])) if word == "patient" => {
            (figures, Some(Patience { user: user.clone(), callers: figure(callers) }))
        }
        _ => (&given[..], None),
    };
    let (figures, callers) = match figures {
        [figures @ .., word, count] if word == "callers" => (figures, Some(figure(count))),
        _ => (figures, None),
    };
    let (is_together, figures) = match figures {
        [figures @ .., word] if word == "together" => (true, figures),
        _ => (false, figures),
    };
    let figures: Vec<usize> = figures.iter().map(figure).collect();
    let (port, wanted, at_once, rate) = match figures[..] {
        [port, wanted, at_once] => (port, wanted, at_once, None),
        [port, wanted, at_once, rate] => (port, wanted, at_once, Some(rate as f64)),
        _ => panic!("{USAGE}"),
    };
    let socket = socket_to(port)?;
    if is_together {
        // SOL_UDP, UDP_GRO.
        set_option(&socket, 17, 104, 1)?;
    }
    let own = socket.local_addr()?.port();
    match rate {
        Some(_) if patience.is_some() => socket.set_read_timeout(Some(NAP))?,
        // Whoever waits for the system to wake it is late.
        Some(_) => socket.set_nonblocking(true)?,
        None => socket.set_read_timeout(Some(T1 / 5))?,
    }
    let user = patience.as_ref().map_or(CALLED, |patience| &patience.user);
    let (invite, _) = invite(user, own);
    let (ack, to_at) = request("ACK", user, own, "", "");
    let mut flood = Flood {
        socket,
        invite,
        ack,
        to_at,
        calls: vec![None; at_once],
        free: (0..at_once).collect(),
        rate,
        patience,
        callers,
        together: is_together.then(Together::default),
        began: Instant::now(),
        started: 0,
        wanted,
        answered: 0,
        repeated: 0,
        answered_again: 0,
        provisional: 0,
        stray: 0,
        took: vec![0; LONGEST + 1],
    };
    flood.run()?;
    let at = |part: f64| flood.took_at_most(part);
    println!(
        r#"{{"seconds": {:.3}, "calls": {}, "repeated": {}, "answered_again": {}, "provisional": {}, "stray": {}, "p50": {}, "p99": {}, "p999": {}, "longest": {}}}"#,
        flood.began.elapsed().as_secs_f64(),
        flood.answered,
        flood.repeated,
        flood.answered_again,
        flood.provisional,
        flood.stray,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    Ok(())
}

impl Flood {
    fn run(&mut self) -> std::io::Result<()> {
        let mut buffer = vec![0; 65_535];
        let (mut heard_at, mut looked_at) = (Instant::now(), Instant::now());
        while !self.is_over(heard_at) {
            let now = Instant::now();
            self.start_next(now)?;
            self.send_together()?;
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    heard_at = Instant::now();
                    // No response has a body.
                    let responses = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
                    for response in responses.split_inclusive("\r\n\r\n") {
                        self.take(response, heard_at)?;
                        if self.together.is_some() {
                            self.start_next(heard_at)?;
                        }
                    }
                    self.send_together()?;
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
            if now - looked_at > T1 / 5 {
                looked_at = now;
                self.repeat()?;
            }
        }
        Ok(())
    }

    /// Starts what calls are due.
    fn start_next(&mut self, now: Instant) -> std::io::Result<()> {
        while self.started < self.wanted
            && let Some(due_at) = self.due_at().filter(|due_at| *due_at <= now)
            && let Some(number) = self.free.pop_front()
        {
            self.start(number, due_at)?;
        }
        Ok(())
    }

    fn send_together(&mut self) -> std::io::Result<()> {
        let Some(Together { acks, invites }) = &mut self.together else { return Ok(()) };
        acks.send(&self.socket)?;
        invites.send(&self.socket)
    }

    /// Whether nothing more is to be heard.
    fn is_over(&self, heard_at: Instant) -> bool {
        let afterwards = if self.patience.is_some() { AFTERWARDS } else { Duration::ZERO };
        let is_answered = self.answered == self.wanted && heard_at.elapsed() >= afterwards;
        is_answered || heard_at.elapsed() >= PATIENCE
    }

    /// When the next call is due.
    fn due_at(&self) -> Option<Instant> {
        let Some(rate) = self.rate else { return Some(self.began) };
        self.began.checked_add(Duration::from_secs_f64(self.started as f64 / rate))
    }

    fn take(&mut self, response: &str, now: Instant) -> std::io::Result<()> {
        match number_of(response) {
            Some(number) if response.starts_with("SIP/2.0 486 ") => {
                self.acknowledge(number, to_of(response))?;
                let slot = number % self.calls.len();
                match self.calls[slot].take_if(|call| call.number == number) {
                    Some(call) => {
                        self.answered += 1;
                        self.free.push_back(number + self.calls.len());
                        let micros = (now - call.due_at).as_micros();
                        self.took[usize::try_from(micros).unwrap_or(LONGEST).min(LONGEST)] += 1;
                    }
                    None => self.answered_again += 1,
                }
            }
            Some(_) if response.starts_with("SIP/2.0 100 ") => self.provisional += 1,
            Some(_) | None => self.stray += 1,
        }
        Ok(())
    }

    /// Starts a call.
    fn start(&mut self, number: usize, due_at: Instant) -> std::io::Result<()> {
        self.started += 1;
        let now = Instant::now();
        let due_at = if self.rate.is_some() { due_at } else { now };
        let slot = number % self.calls.len();
        self.calls[slot] = Some(Call { number, due_at, sent_at: now });
        self.invite(number)
    }

    fn repeat(&mut self) -> std::io::Result<()> {
        for slot in 0..self.calls.len() {
            let Some(call) = self.calls[slot].as_mut().filter(|call| call.sent_at.elapsed() > T1) else {
                continue;
            };
            call.sent_at = Instant::now();
            let number = call.number;
            self.repeated += 1;
            self.invite(number)?;
        }
        Ok(())
    }

    fn invite(&mut self, number: usize) -> std::io::Result<()> {
        self.invite.set(number, self.caller(number));
        match &mut self.together {
            Some(together) => together.invites.add(&self.socket, &self.invite.bytes),
            None => self.socket.send(&self.invite.bytes).map(drop),
        }
    }

    fn acknowledge(&mut self, number: usize, to: &str) -> std::io::Result<()> {
        self.ack.set(number, self.caller(number));
        self.ack.bytes.splice(self.to_at..self.to_at, to.bytes());
        let sent = match &mut self.together {
            Some(together) => together.acks.add(&self.socket, &self.ack.bytes),
            None => self.socket.send(&self.ack.bytes).map(drop),
        };
        self.ack.bytes.drain(self.to_at..self.to_at + to.len());
        sent.map(drop)
    }

    /// Who makes a call.
    fn caller(&self, number: usize) -> usize {
        match (&self.patience, self.callers) {
            (Some(patience), _) => number % patience.callers,
            (None, Some(callers)) => number.wrapping_mul(APART) % callers,
            (None, None) => CALLER,
        }
    }

    /// In how many microseconds a part of the calls was answered.
    fn took_at_most(&self, part: f64) -> usize {
        let wanted = (self.answered as f64 * part).ceil() as u64;
        let mut seen = 0;
        self.took
            .iter()
            .position(|count| {
                seen += u64::from(*count);
                seen >= wanted
            })
            .unwrap_or(LONGEST)
    }
}

/// What is to be sent together.
#[derive(Default)]
struct Together {
    acks: Train,
    invites: Train,
}

/// Requests of one length, which the kernel cuts, or the cards of the network.
#[derive(Default)]
struct Train {
    bytes: Vec<u8>,
    each: usize,
}

impl Train {
    fn add(&mut self, socket: &UdpSocket, request: &[u8]) -> std::io::Result<()> {
        let is_full = self.bytes.len() >= most_of(request.len()) * request.len();
        if is_full || (self.each != request.len() && !self.bytes.is_empty()) {
            self.send(socket)?;
        }
        self.each = request.len();
        self.bytes.extend_from_slice(request);
        Ok(())
    }

    fn send(&mut self, socket: &UdpSocket) -> std::io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        // SOL_UDP, UDP_SEGMENT.
        set_option(socket, 17, 103, i32::try_from(self.each).expect("a datagram"))?;
        socket.send(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

/// INVITEs by the burst, which the kernel cuts, and an ACK to each 486.
struct Storm {
    socket: UdpSocket,
    invite: Request,
    ack: Request,
    to_at: usize,
    /// Whether a call was answered, by its number.
    answered: Vec<bool>,
    answered_again: usize,
}

/// What the kernel cuts out of one at most (`UDP_MAX_SEGMENTS`, and 64 KiB).
const MOST_CUT: usize = 60;

/// Returns how many requests of a length that is.
fn most_of(length: usize) -> usize {
    MOST_CUT.min(65_000 / length)
}

impl Storm {
    fn new(port: usize) -> std::io::Result<Self> {
        let socket = socket_to(port)?;
        socket.set_nonblocking(true)?;
        let own = socket.local_addr()?.port();
        let (invite, _) = invite(CALLED, own);
        let (ack, to_at) = request("ACK", CALLED, own, "", "");
        // SOL_UDP, UDP_SEGMENT: every INVITE is as long as the first, and an ACK shorter.
        set_option(&socket, 17, 103, i32::try_from(invite.bytes.len()).expect("a datagram"))?;
        Ok(Self { socket, invite, ack, to_at, answered: Vec::new(), answered_again: 0 })
    }

    fn run(mut self, rate: usize, lasts: Duration) -> std::io::Result<()> {
        let (began, mut sent, mut burst, mut buffer) = (Instant::now(), 0, Vec::new(), vec![0; 65_535]);
        while began.elapsed() < lasts {
            let due = (began.elapsed().as_secs_f64() * rate as f64) as usize;
            let count = most_of(self.invite.bytes.len()).min(due.saturating_sub(sent));
            burst.clear();
            for number in sent..sent + count {
                self.invite.set(number, CALLER);
                burst.extend_from_slice(&self.invite.bytes);
            }
            if count > 0 && self.socket.send(&burst).is_ok() {
                sent += count;
                self.answered.resize(sent, false);
            }
            for _ in 0..2 * MOST_CUT {
                let Ok(length) = self.socket.recv(&mut buffer) else { break };
                self.take(&buffer[..length]);
            }
        }
        let calls = self.answered.iter().filter(|is_answered| **is_answered).count();
        println!(
            r#"{{"seconds": {:.3}, "sent": {sent}, "calls": {calls}, "answered_again": {}}}"#,
            began.elapsed().as_secs_f64(),
            self.answered_again
        );
        Ok(())
    }

    fn take(&mut self, response: &[u8]) {
        let response = std::str::from_utf8(response).unwrap_or_default();
        let Some(number) = number_of(response).filter(|_| response.starts_with("SIP/2.0 486 ")) else {
            return;
        };
        self.ack.set(number, CALLER);
        let to = to_of(response);
        self.ack.bytes.splice(self.to_at..self.to_at, to.bytes());
        // One that finds no room is sent for the next 486.
        let _ = self.socket.send(&self.ack.bytes);
        self.ack.bytes.drain(self.to_at..self.to_at + to.len());
        match self.answered.get_mut(number) {
            Some(is_answered) if !*is_answered => *is_answered = true,
            Some(_) | None => self.answered_again += 1,
        }
    }
}

/// Returns the number of the call that a response is for.
fn number_of(response: &str) -> Option<usize> {
    let branch = response.find(BRANCH).map(|at| at + BRANCH.len());
    branch.and_then(|at| response.get(at..at + DIGITS)?.parse().ok())
}

/// Returns the line of To.
fn to_of(response: &str) -> &str {
    let to = response.find("\r\nTo:").map_or("", |at| &response[at + 2..]);
    to.find("\r\n").map_or("", |end| &to[..end + 2])
}

/// Returns a socket that has room for what comes while this program waits for its core: what is dropped here would be the
/// server's 486 after 500 ms.
fn socket_to(port: usize) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(("127.0.0.1", u16::try_from(port).expect("a port")))?;
    // SOL_SOCKET, SO_RCVBUF.
    set_option(&socket, 1, 8, 8 << 20)?;
    Ok(socket)
}

fn set_option(socket: &UdpSocket, level: i32, name: i32, value: i32) -> std::io::Result<()> {
    unsafe extern "C" {
        fn setsockopt(socket: i32, level: i32, name: i32, value: *const i32, length: u32) -> i32;
    }
    // SAFETY: the value is an `int` of four octets that lives until the call returns.
    let result = unsafe { setsockopt(socket.as_raw_fd(), level, name, &raw const value, 4) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

impl Request {
    fn set(&mut self, number: usize, caller: usize) {
        for at in &self.numbers {
            write_digits(&mut self.bytes[*at..at + DIGITS], number);
        }
        for at in &self.callers {
            write_digits(&mut self.bytes[*at..at + CALLER_DIGITS], caller);
        }
    }
}

fn write_digits(digits: &mut [u8], mut left: usize) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[left % 10];
        left /= 10;
    }
}

/// Who is called, unless somebody else is named.
const CALLED: &str = "858";

fn invite(user: &str, port: u16) -> (Request, usize) {
    request("INVITE", user, port, &format!("To: \"{user}\"<sip:{user}@127.0.0.1>\r\n"), SDP)
}

/// Makes a request, and tells where To stands, or is to stand.
fn request(method: &str, user: &str, port: u16, to: &str, body: &str) -> (Request, usize) {
    let (number, caller) = ("#".repeat(DIGITS), "@".repeat(CALLER_DIGITS));
    let length = body.len();
    let more = if body.is_empty() {
        String::new()
    } else {
        format!(
            "Contact: <sip:+4179{caller}@127.0.0.1:{port}>\r\nUser-Agent: flood\r\nContent-Type: application/sdp\r\n\
             Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REGISTER, SUBSCRIBE, NOTIFY, REFER, INFO, MESSAGE\r\n"
        )
    };
    let head = format!(
        "{method} sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch={BRANCH}{number};rport\r\n\
         From: \"caller\"<sip:+4179{caller}@127.0.0.1>;tag=irqayimj\r\nCSeq: 1 {method}\r\n\
         Call-ID: edtcxswbjhfkuqjuyxnuoqgixijihqidgrfga{number}-{port}\r\nMax-Forwards: 70\r\n"
    );
    let to_at = head.len();
    let text = format!("{head}{to}{more}Content-Length: {length}\r\n\r\n{body}");
    let places = |of: &str| text.match_indices(of).map(|(at, _)| at).collect();
    let (numbers, callers) = (places(&number), places(&caller));
    (Request { bytes: text.into_bytes(), numbers, callers }, to_at)
}
