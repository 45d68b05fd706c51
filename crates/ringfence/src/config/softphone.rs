//! `[softphone]`: the sockets, and what the program says of itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use softphone::Trying;

use super::account::beside;
use super::section::{Key, Section};
use super::tls::Tls;

/// What `[softphone]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Softphone {
    pub(crate) listen: SocketAddr,
    /// Where others connect by TCP, if they may.
    pub(crate) listen_tcp: Option<SocketAddr>,
    /// Where others connect by TLS, if they may.
    pub(crate) listen_tls: Option<SocketAddr>,
    /// Where others connect by WebSocket, if they may.
    pub(crate) listen_ws: Option<SocketAddr>,
    /// Where others connect by WebSocket over TLS, if they may.
    pub(crate) listen_wss: Option<SocketAddr>,
    pub(crate) rtp_ports: RangeInclusive<u16>,
    pub(crate) user_agent: String,
    pub(crate) shards: u16,
    /// Where each shard runs; none for wherever the system has it run.
    pub(crate) processors: Vec<u16>,
    pub(crate) trying: Trying,
    /// The control socket, if not in its usual place.
    pub(crate) control: Option<PathBuf>,
}

const LISTEN: Key = Key::new("listen", "an IP address and a port", "\"0.0.0.0:5060\"");
const LISTEN_TCP: Key = Key::new("listen_tcp", "an IP address and a port", "\"0.0.0.0:5060\"");
const LISTEN_TLS: Key = Key::new("listen_tls", "an IP address and a port", "\"0.0.0.0:5061\"");
const LISTEN_WS: Key = Key::new("listen_ws", "an IP address and a port", "\"0.0.0.0:8088\"");
const LISTEN_WSS: Key = Key::new("listen_wss", "an IP address and a port", "\"0.0.0.0:8089\"");
const RTP_PORTS: Key = Key::new("rtp_ports", "two ports, the lower first", "\"5000-10000\"");
const USER_AGENT: Key = Key::new("user_agent", "a product name without line breaks", "\"ringfence/0.1.0\"");
const SHARDS: Key = Key::new("shards", "a number of threads from 1 to 256", "1");
const PROCESSORS: Key =
    Key::new("processors", "numbers of processors from 0 to 1023, or ranges", "\"0,2-3\"");
const TRYING: Key = Key::new("trying", "`at once` or `when waiting`", "\"when waiting\"");
const CONTROL: Key =
    Key::new("control", "the path of the control socket", "\"/run/ringfence/ringfence.sock\"");

impl Default for Softphone {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            listen_tcp: None,
            listen_tls: None,
            listen_ws: None,
            listen_wss: None,
            rtp_ports: 5000..=10_000,
            user_agent: concat!("ringfence/", env!("CARGO_PKG_VERSION")).to_owned(),
            shards: 1,
            processors: Vec::new(),
            trying: Trying::AtOnce,
            control: None,
        }
    }
}

impl Softphone {
    /// Reads a section; what it does not say keeps its default.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let shards = section.integer(&SHARDS, 1..=256).and_then(|at| u16::try_from(at.value).ok());
        let control = section.text(&CONTROL).map(|at| beside(section.path(), at.value));
        let softphone = Self {
            listen: section.parsed(&LISTEN, address).map_or(default.listen, |at| at.value),
            listen_tcp: section.parsed(&LISTEN_TCP, address).map(|at| at.value),
            listen_tls: section.parsed(&LISTEN_TLS, address).map(|at| at.value),
            listen_ws: section.parsed(&LISTEN_WS, address).map(|at| at.value),
            listen_wss: section.parsed(&LISTEN_WSS, address).map(|at| at.value),
            rtp_ports: section.parsed(&RTP_PORTS, ports).map_or(default.rtp_ports, |at| at.value),
            user_agent: section.parsed(&USER_AGENT, product).map_or(default.user_agent, |at| at.value),
            shards: shards.unwrap_or(default.shards),
            processors: section.parsed(&PROCESSORS, processors).map_or(default.processors, |at| at.value),
            trying: section.parsed(&TRYING, trying).map_or(default.trying, |at| at.value),
            control,
        };
        section.finish();
        softphone
    }

    /// Tells where TLS is to be listened for and there is nothing to show to those who connect.
    pub(super) fn check_tls(&self, document: &Section<'_>, tls: &Tls) {
        for (key, address) in [(&LISTEN_TLS, self.listen_tls), (&LISTEN_WSS, self.listen_wss)] {
            if address.is_some() && !tls.has_identity {
                let hint = format!("add [tls] with `certificate` and `key`, or leave `{}` away", key.name);
                let message = format!("`{}` needs a certificate to show to those who connect", key.name);
                document.error(0..0, message, hint);
            }
        }
    }

    /// Returns the settings that another one changes; each takes effect with a restart.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let differs = [
            (&LISTEN, self.listen != other.listen),
            (&LISTEN_TCP, self.listen_tcp != other.listen_tcp),
            (&LISTEN_TLS, self.listen_tls != other.listen_tls),
            (&LISTEN_WS, self.listen_ws != other.listen_ws),
            (&LISTEN_WSS, self.listen_wss != other.listen_wss),
            (&RTP_PORTS, self.rtp_ports != other.rtp_ports),
            (&USER_AGENT, self.user_agent != other.user_agent),
            (&SHARDS, self.shards != other.shards),
            (&PROCESSORS, self.processors != other.processors),
            (&TRYING, self.trying != other.trying),
            (&CONTROL, self.control != other.control),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(key, _)| format!("softphone.{}", key.name)).collect()
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    text.trim().parse().ok()
}

fn ports(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first < last).then_some(first..=last)
}

/// Reads what `taskset` and its like read, too.
fn processors(text: &str) -> Option<Vec<u16>> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| *number <= LAST_PROCESSOR);
    let mut all = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((first, last)) => all.extend(number(first)?..=number(last)?),
            None => all.push(number(part)?),
        }
    }
    (!all.is_empty() && all.len() <= LAST_PROCESSOR.into()).then_some(all)
}

/// What a set of processors holds on Linux.
const LAST_PROCESSOR: u16 = 1_023;

fn trying(text: &str) -> Option<Trying> {
    match text.trim() {
        "at once" => Some(Trying::AtOnce),
        "when waiting" => Some(Trying::WhenWaiting),
        _ => None,
    }
}

fn product(text: &str) -> Option<String> {
    let is_plain = |letter: char| letter.is_ascii_graphic() || letter == ' ';
    (!text.trim().is_empty() && text.len() <= 200 && text.chars().all(is_plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_numbers_and_ranges_of_them() {
        assert_eq!(processors("0, 2-4").unwrap(), [0, 2, 3, 4]);
        assert_eq!(processors("1023").unwrap(), [1_023]);
        for wrong in ["", "1024", "3-1", "0-", "-1", "one", "0,,1", "0-1023,0-1023"] {
            assert_eq!(processors(wrong), None, "{wrong}");
        }
    }
}
