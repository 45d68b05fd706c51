//! The caller of scripts/bench at saturation, which does as little as a caller can: so many calls at once, each
//! INVITE, 100 or not, 486, ACK, and then the next in its place.
//!
//!     flood PORT CALLS AT_ONCE
//!
//! It calls 858 on 127.0.0.1 as +41791234567 and prints one line of JSON: seconds, calls, INVITEs repeated because
//! 500 ms passed, 486s that came again, 100s, and datagrams that are no answer to a call.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// RFC 3261 table 4.
const T1: Duration = Duration::from_millis(500);

/// What a server answers last is waited for so long.
const PATIENCE: Duration = Duration::from_secs(32);

const BRANCH: &str = "z9hG4bK7725f5b3-0d85-456c-8056-";
const DIGITS: usize = 12;

const SDP: &str = "v=0\r\no=- 763177212 429111000 IN IP4 127.0.0.1\r\ns=call\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 8653 RTP/AVP 8 0 3 101 9\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:3 GSM/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=rtpmap:9 G722/8000\r\na=fmtp:9 bitrate=64000\r\na=sendrecv\r\n";

/// One of the calls that are open at once.
struct Call {
    number: usize,
    sent_at: Instant,
}

struct Flood {
    socket: UdpSocket,
    port: u16,
    calls: Vec<Option<Call>>,
    started: usize,
    wanted: usize,
    answered: usize,
    repeated: usize,
    answered_again: usize,
    provisional: usize,
    stray: usize,
}

fn main() -> std::io::Result<()> {
    let [port, wanted, at_once] = [1, 2, 3].map(|at| {
        let argument = std::env::args().nth(at).and_then(|argument| argument.parse().ok());
        argument.expect("usage: flood PORT CALLS AT_ONCE")
    });
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(("127.0.0.1", u16::try_from(port).expect("a port")))?;
    socket.set_read_timeout(Some(T1 / 5))?;
    let port = socket.local_addr()?.port();
    let mut flood = Flood {
        socket,
        port,
        calls: Vec::new(),
        started: 0,
        wanted,
        answered: 0,
        repeated: 0,
        answered_again: 0,
        provisional: 0,
        stray: 0,
    };
    let began = Instant::now();
    for _ in 0..at_once.min(wanted) {
        let call = flood.start()?;
        flood.calls.push(call);
    }
    flood.run()?;
    println!(
        r#"{{"seconds": {:.3}, "calls": {}, "repeated": {}, "answered_again": {}, "provisional": {}, "stray": {}}}"#,
        began.elapsed().as_secs_f64(),
        flood.answered,
        flood.repeated,
        flood.answered_again,
        flood.provisional,
        flood.stray
    );
    Ok(())
}

impl Flood {
    fn run(&mut self) -> std::io::Result<()> {
        let (mut buffer, mut heard_at) = (vec![0; 65_535], Instant::now());
        while self.answered < self.wanted && heard_at.elapsed() < PATIENCE {
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    heard_at = Instant::now();
                    self.take(&buffer[..length])?;
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.repeat()?
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, response: &[u8]) -> std::io::Result<()> {
        let response = String::from_utf8_lossy(response);
        let branch = response.find(BRANCH).map(|at| at + BRANCH.len());
        let number = branch.and_then(|at| response.get(at..at + DIGITS)?.parse().ok());
        match number {
            Some(number) if number <= self.started && response.starts_with("SIP/2.0 486 ") => {
                let to = response.lines().find(|line| line.starts_with("To:")).unwrap_or_default();
                self.socket.send(self.request("ACK", number, to, "").as_bytes())?;
                let is_it = |call: &Option<Call>| call.as_ref().is_some_and(|call| call.number == number);
                match self.calls.iter().position(is_it) {
                    Some(slot) => {
                        self.answered += 1;
                        self.calls[slot] = self.start()?;
                    }
                    None => self.answered_again += 1,
                }
            }
            Some(number) if number <= self.started && response.starts_with("SIP/2.0 100 ") => {
                self.provisional += 1;
            }
            Some(_) | None => self.stray += 1,
        }
        Ok(())
    }

    /// Starts the next call, if there is one.
    fn start(&mut self) -> std::io::Result<Option<Call>> {
        if self.started == self.wanted {
            return Ok(None);
        }
        self.started += 1;
        self.invite(self.started)?;
        Ok(Some(Call { number: self.started, sent_at: Instant::now() }))
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

    fn invite(&self, number: usize) -> std::io::Result<()> {
        let to = "To: \"858\"<sip:858@127.0.0.1>";
        self.socket.send(self.request("INVITE", number, to, SDP).as_bytes()).map(drop)
    }

    fn request(&self, method: &str, number: usize, to: &str, body: &str) -> String {
        let (port, length) = (self.port, body.len());
        let more = if body.is_empty() {
            String::new()
        } else {
            format!(
                "Contact: <sip:+41791234567@127.0.0.1:{port}>\r\nUser-Agent: flood\r\nContent-Type: application/sdp\r\n\
                 Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REGISTER, SUBSCRIBE, NOTIFY, REFER, INFO, MESSAGE\r\n"
            )
        };
        format!(
            "{method} sip:858@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch={BRANCH}{number:012};rport\r\n\
             {to}\r\nFrom: \"caller\"<sip:+41791234567@127.0.0.1>;tag=irqayimj\r\nCSeq: 1 {method}\r\n\
             Call-ID: edtcxswbjhfkuqjuyxnuoqgixijihqidgrfga{number:012}-{port}\r\nMax-Forwards: 70\r\n{more}\
             Content-Length: {length}\r\n\r\n{body}"
        )
    }
}
