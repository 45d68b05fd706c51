//! Whatever the DNS answers: what is fuzzed of finding servers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::host::{is_one_host, literal};
use super::procedure::{Located, Question, locate};
use crate::io::resolver::{Lookup, LookupError, Naptr, Records, Resolver, Srv, fuzzed::of_an_answer};

#[path = "../../../../../fuzz/targets/draw.rs"]
mod draw;

use draw::Draw;

/// Takes an answer of the DNS as it comes, or choices that make a question and all answers. Of an answer the records of the
/// name that was asked for count. Of all answers come no addresses but those that were given for the host or for a server of
/// it, as many as are tried at most, after as many look-ups as are made at most.
pub(crate) fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    if draw.is() {
        return of_an_answer(draw.rest());
    }
    let (host, port) = (*draw.one_of(&HOSTS), draw.maybe(|draw| u16::from(draw.byte())));
    let (transport, is_secure) = (draw.maybe(|draw| *draw.one_of(super::SUPPORTED)), draw.below(4) == 3);
    let supported = &super::SUPPORTED[draw.below(3)..];
    let question = Question { host, port, transport, is_secure, supported };
    let numbers: Vec<u32> = draw.several(8, |draw| u32::from(draw.byte()) << 8 | u32::from(draw.byte()));
    let mut numbers = numbers.into_iter().cycle();
    let dns = Dns::new(draw);
    let source = |to: IpAddr| to.is_ipv4().then_some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)));
    let found = locate(question, &dns, &source, &mut |_| numbers.next().unwrap_or(0)).now_or_never();
    let asked = dns.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(asked.count <= MOST_LOOKUPS, "{} look-ups", asked.count);
    match found.expect("nothing waits") {
        Ok(located) => are_named(&question, &located, &asked),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Of a domain and what its records name: NAPTR, the SRV records of eight services there and of three without, the addresses
/// of sixteen hosts of each, and those of the domain.
const MOST_LOOKUPS: usize = 1 + (8 + 3) * (1 + 16) + 1;
const MOST_PLACES: usize = 32;

const HOSTS: [&str; 5] = ["example.com", "192.0.2.1", "[2001:db8::1]", "224.0.0.1", "a"];

fn are_named(question: &Question<'_>, located: &Located, asked: &Asked<'_>) {
    assert!((1..=MOST_PLACES).contains(&located.places.len()));
    for place in &located.places {
        let address = place.address;
        assert!(is_one_host(address.ip()) && address.is_ipv4(), "{address} cannot be sent to");
        let is_asked_for = literal(question.host) == Some(address.ip());
        assert!(is_asked_for || asked.has_named(address, question.host), "{address} was not named");
        assert!(question.port.is_none_or(|port| port == address.port()));
        assert!(question.supported.contains(&place.transport));
        assert!(!question.is_secure || place.transport.is_encrypted());
        assert!(question.transport.is_none_or(|asked| asked == place.transport || question.is_secure));
    }
    assert!(located.ttl.is_none_or(|ttl| asked.ttls.contains(&ttl)));
}

/// A DNS whose answers are drawn.
struct Dns<'a>(Mutex<Asked<'a>>);

/// What was asked and answered.
struct Asked<'a> {
    draw: Draw<'a>,
    count: usize,
    /// The hosts that are servers, and their ports.
    servers: BTreeSet<(String, u16)>,
    /// The addresses that were given, and for which hosts.
    named: BTreeSet<(IpAddr, String)>,
    ttls: BTreeSet<Duration>,
}

impl<'a> Dns<'a> {
    fn new(draw: Draw<'a>) -> Self {
        let (servers, named, ttls) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self(Mutex::new(Asked { draw, count: 0, servers, named, ttls }))
    }

    fn answer<R>(
        &self,
        one: impl FnMut(&mut Draw<'_>) -> R,
        mut told: impl FnMut(&mut Asked<'_>, &R),
    ) -> Result<Records<R>, LookupError> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.count += 1;
        let ttl = Duration::from_secs(u64::from(asked.draw.byte()));
        match asked.draw.below(8) {
            0 => Err(LookupError::Failed { error: "no server answers".to_owned() }),
            1 => {
                asked.ttls.insert(ttl);
                Err(LookupError::Missing { ttl: Some(ttl) })
            }
            2 => Err(LookupError::Missing { ttl: None }),
            _ => {
                asked.ttls.insert(ttl);
                let count = *asked.draw.one_of(&[1, 2, 3, 8, 20, 100]);
                let mut one = one;
                let records: Vec<R> = (0..count).map(|_| one(&mut asked.draw)).collect();
                for record in &records {
                    told(&mut asked, record);
                }
                Ok(Records::new(records, ttl))
            }
        }
    }
}

impl Asked<'_> {
    /// Returns whether an address was given for the host that is asked for, or at the port of a server that has it.
    fn has_named(&self, address: SocketAddr, host: &str) -> bool {
        let hosts =
            self.named.range((address.ip(), String::new())..).take_while(|(ip, _)| *ip == address.ip());
        hosts
            .into_iter()
            .any(|(_, name)| name == host || self.servers.contains(&(name.clone(), address.port())))
    }
}

impl Resolver for Dns<'_> {
    fn naptr<'a>(&'a self, _: &'a str) -> Lookup<'a, Naptr> {
        let answer = self.answer(naptr, |_, _| {});
        Box::pin(async { answer })
    }

    fn srv<'a>(&'a self, _: &'a str) -> Lookup<'a, Srv> {
        let answer = self.answer(srv, |asked, record| {
            asked.servers.insert((record.target.trim_end_matches('.').to_owned(), record.port));
        });
        Box::pin(async { answer })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr> {
        let answer = self.answer(address, |asked, record| {
            asked.named.insert((*record, host.to_owned()));
        });
        Box::pin(async { answer })
    }
}

fn naptr(draw: &mut Draw<'_>) -> Naptr {
    const SERVICES: [&str; 5] = ["SIP+D2U", "sip+d2t", "SIPS+D2T", "SIP+D2S", "E2U+sip"];
    Naptr {
        order: u16::from(draw.byte() & 1),
        preference: u16::from(draw.byte()),
        flags: (*draw.one_of(&["s", "S", "u", ""])).to_owned(),
        service: (*draw.one_of(&SERVICES)).to_owned(),
        regexp: (*draw.one_of(&["", "", "", "!a!b!"])).to_owned(),
        replacement: match draw.below(4) {
            0 => draw.text(),
            1 => ".".to_owned(),
            _ => format!("_sip._udp.{}.example.com.", draw.byte()),
        },
    }
}

fn srv(draw: &mut Draw<'_>) -> Srv {
    Srv {
        priority: u16::from(draw.byte() & 3),
        weight: u16::from(draw.byte()) * 257,
        port: *draw.one_of(&[5060, 5061, 0, 1, 65_535]),
        target: match draw.below(4) {
            0 => draw.text(),
            1 => ".".to_owned(),
            _ => format!("sip{}.example.com.", draw.byte()),
        },
    }
}

fn address(draw: &mut Draw<'_>) -> IpAddr {
    match draw.below(4) {
        0 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(draw.byte()))),
        1 => IpAddr::V4(Ipv4Addr::new(draw.byte(), draw.byte(), draw.byte(), draw.byte())),
        2 => IpAddr::V6(Ipv4Addr::new(224, 0, 0, draw.byte()).to_ipv6_mapped()),
        _ => IpAddr::V4(Ipv4Addr::new(192, 0, 2, draw.byte())),
    }
}
