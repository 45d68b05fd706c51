//! `[softphone]`: the sockets, and what the program says of itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::account::beside;
use super::section::{Key, Section};

/// What `[softphone]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Softphone {
    pub(crate) listen: SocketAddr,
    pub(crate) rtp_ports: RangeInclusive<u16>,
    pub(crate) user_agent: String,
    pub(crate) shards: u16,
    /// The control socket, if not in its usual place.
    pub(crate) control: Option<PathBuf>,
}

const LISTEN: Key = Key::new("listen", "an IP address and a port", "\"0.0.0.0:5060\"");
const RTP_PORTS: Key = Key::new("rtp_ports", "two ports, the lower first", "\"5000-10000\"");
const USER_AGENT: Key = Key::new("user_agent", "a product name without line breaks", "\"ringfence/0.1.0\"");
const SHARDS: Key = Key::new("shards", "a number of threads from 1 to 256", "1");
const CONTROL: Key =
    Key::new("control", "the path of the control socket", "\"/run/ringfence/ringfence.sock\"");

impl Default for Softphone {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            rtp_ports: 5000..=10_000,
            user_agent: concat!("ringfence/", env!("CARGO_PKG_VERSION")).to_owned(),
            shards: 1,
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
            listen: section
                .parsed(&LISTEN, |text| text.trim().parse().ok())
                .map_or(default.listen, |at| at.value),
            rtp_ports: section.parsed(&RTP_PORTS, ports).map_or(default.rtp_ports, |at| at.value),
            user_agent: section.parsed(&USER_AGENT, product).map_or(default.user_agent, |at| at.value),
            shards: shards.unwrap_or(default.shards),
            control,
        };
        section.finish();
        softphone
    }

    /// Returns the settings that another one changes; each takes effect with a restart.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let differs = [
            (&LISTEN, self.listen != other.listen),
            (&RTP_PORTS, self.rtp_ports != other.rtp_ports),
            (&USER_AGENT, self.user_agent != other.user_agent),
            (&SHARDS, self.shards != other.shards),
            (&CONTROL, self.control != other.control),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(key, _)| format!("softphone.{}", key.name)).collect()
    }
}

fn ports(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first < last).then_some(first..=last)
}

fn product(text: &str) -> Option<String> {
    let is_plain = |letter: char| letter.is_ascii_graphic() || letter == ' ';
    (!text.trim().is_empty() && text.len() <= 200 && text.chars().all(is_plain)).then(|| text.to_owned())
}
