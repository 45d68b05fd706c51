//! Judges a capture file of a user agent, as `ringfence run --pcap FILE` writes it, by the rules of the auditor.
//!
//! ```text
//! cargo run -p ringfence-testing --example audit -- [--timeless] [--long-by-udp] CAPTURE PORT…
//!
//!   CAPTURE        the file
//!   PORT           5060, or 192.0.2.7:5060: what the user agent listens on, by whatever transport
//!   --timeless     nothing is judged by when it was sent: the clock was set, or was not this machine's
//!   --long-by-udp  there was no connection to be had: what is longer than 1,300 bytes may go by UDP
//! ```
//!
//! Over the connections that the user agent has opened its port is another one each time. Between two addresses without a PORT it
//! is who sends the first REGISTER or, where nobody does, who does not send the first request.
//!
//! It ends with 0 where nothing is wrong, with 1 and a line for each fault, the seconds since the first message before it, and
//! with 2 where the file cannot be judged. What should have been sent and was not is not judged: the calls that were ignored, and
//! whom the user agent does not know, cannot be seen.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use ringfence_testing::{Auditor, Capture, Captured, Direction, Record};
use ringfence_wire::sip::{Message, Method};

/// What is asked for.
#[derive(Debug, Default)]
struct Asked {
    is_timeless: bool,
    is_long_by_udp: bool,
    file: PathBuf,
    ports: Vec<Port>,
}

/// Where the user agent listens.
#[derive(Debug, Clone, Copy)]
enum Port {
    /// At whatever address.
    Any(u16),
    At(SocketAddr),
}

/// What came of it.
#[derive(Debug, Default)]
struct Judged {
    messages: usize,
    /// Each with the seconds since the first message.
    faults: Vec<String>,
}

fn main() -> ExitCode {
    let judged = Asked::read(std::env::args().skip(1)).and_then(|asked| {
        let why = |error: io::Error| format!("{}: {error}", asked.file.display());
        let file = File::open(&asked.file).map_err(why)?;
        judge(BufReader::new(file), &asked).map_err(why)
    });
    let (text, code) = match judged {
        Ok(Judged { messages, faults }) => {
            let code = u8::from(!faults.is_empty());
            let faults: Vec<String> = faults.into_iter().map(|fault| format!("{fault}\n")).collect();
            (format!("{}{messages} messages judged, {} faults\n", faults.concat(), faults.len()), code)
        }
        Err(why) => (format!("error: {why}\n"), 2),
    };
    // Who does not take it has its exit code.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::from(code)
}

impl Asked {
    fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut asked, mut others) = (Self::default(), Vec::new());
        for word in words {
            match word.as_str() {
                "--timeless" => asked.is_timeless = true,
                "--long-by-udp" => asked.is_long_by_udp = true,
                option if option.starts_with('-') => {
                    return Err(format!("expected --timeless or --long-by-udp, found {option}"));
                }
                _ => others.push(word),
            }
        }
        let mut others = others.into_iter();
        asked.file = others
            .next()
            .ok_or("expected [--timeless] [--long-by-udp] CAPTURE PORT…, found no CAPTURE")?
            .into();
        asked.ports = others.map(|word| Port::read(&word)).collect::<Result<_, _>>()?;
        Ok(asked)
    }
}

impl Port {
    fn read(word: &str) -> Result<Self, String> {
        let any = word.parse().map(Self::Any).ok();
        let port = any.or_else(|| word.parse().map(Self::At).ok());
        port.ok_or_else(|| format!("expected a port or an address with one, found {word}"))
    }

    fn is(self, address: SocketAddr) -> bool {
        match self {
            Self::Any(port) => address.port() == port,
            Self::At(at) => address == at,
        }
    }
}

/// Judges a capture file. Fails where it cannot be read, or nobody knows which of two addresses is the user agent's.
fn judge(input: impl Read, asked: &Asked) -> io::Result<Judged> {
    let datagrams = Capture::new(input)?.collect::<io::Result<Vec<_>>>()?;
    let sides = Sides::of(&datagrams, &asked.ports);
    let mut auditor = if asked.is_timeless { Auditor::timeless() } else { Auditor::lenient() };
    let (start, began) = (datagrams.first().map_or(SystemTime::UNIX_EPOCH, |first| first.at), Instant::now());
    let (mut messages, mut latest) = (0, began);
    for captured in datagrams {
        let direction = sides.direction(&captured)?;
        let Captured { at, source, destination, payload } = captured;
        let peer = if direction == Direction::Sent { destination } else { source };
        // A clock that was set back has stood still.
        let at = latest.max(began + at.duration_since(start).unwrap_or_default());
        latest = at;
        let record = Record { at, direction, peer, message: payload };
        messages += usize::from(Message::parse(&record.message).is_ok());
        match direction {
            Direction::Sent => {
                if asked.is_long_by_udp {
                    auditor.unconnected(peer);
                }
                auditor.sent(at, record.transport(), peer, &record.message);
            }
            Direction::Received => auditor.received(at, record.transport(), peer, &record.message),
        }
    }
    let told =
        auditor.faults().iter().map(|fault| format!("{:.6} {fault}", (fault.at - began).as_secs_f64()));
    Ok(Judged { messages, faults: told.collect() })
}

/// Which addresses are the user agent's.
struct Sides<'a> {
    ports: &'a [Port],
    /// Of two between which neither port tells, the lower one first, whether the lower one is.
    others: BTreeMap<(SocketAddr, SocketAddr), bool>,
}

impl<'a> Sides<'a> {
    fn of(datagrams: &[Captured], ports: &'a [Port]) -> Self {
        let mut sides = Self { ports, others: BTreeMap::new() };
        let (mut registering, mut asking) = (BTreeMap::new(), BTreeMap::new());
        for captured in datagrams.iter().filter(|captured| sides.by_port(captured).is_none()) {
            let Ok(message) = Message::parse(&captured.payload) else { continue };
            let (pair, is_from_lower) = pair_of(captured);
            match message.method() {
                Some(Method::Register) => {
                    registering.entry(pair).or_insert(is_from_lower);
                }
                Some(_) => {
                    asking.entry(pair).or_insert(!is_from_lower);
                }
                None => {}
            }
        }
        sides.others = asking;
        sides.others.append(&mut registering);
        sides
    }

    fn direction(&self, captured: &Captured) -> io::Result<Direction> {
        if let Some(direction) = self.by_port(captured) {
            return Ok(direction);
        }
        let (pair, is_from_lower) = pair_of(captured);
        match self.others.get(&pair) {
            Some(is_lower) if *is_lower == is_from_lower => Ok(Direction::Sent),
            Some(_) => Ok(Direction::Received),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "expected a PORT of {} or {}, or a request between them: which of them is the user agent?",
                    pair.0, pair.1
                ),
            )),
        }
    }

    fn by_port(&self, captured: &Captured) -> Option<Direction> {
        let is_own = |address: SocketAddr| self.ports.iter().any(|port| port.is(address));
        match (is_own(captured.source), is_own(captured.destination)) {
            (true, false) => Some(Direction::Sent),
            (false, true) => Some(Direction::Received),
            (true, true) | (false, false) => None,
        }
    }
}

/// Returns the two addresses, the lower one first, and whether that one sends.
fn pair_of(captured: &Captured) -> ((SocketAddr, SocketAddr), bool) {
    let (source, destination) = (captured.source, captured.destination);
    if source <= destination { ((source, destination), true) } else { ((destination, source), false) }
}

#[cfg(test)]
mod tests;
