//! Why none of a server's addresses can be connected to.

use std::fmt;
use std::net::SocketAddr;

use super::failure::Failure;

/// The addresses that were tried in vain, and why each.
#[derive(Debug, Default)]
pub(crate) struct Unconnected {
    tried: Vec<(SocketAddr, Failure)>,
    /// How many there was no time for, and how many no room.
    without_time: usize,
    without_room: usize,
}

/// Addresses that are named for one reason, and reasons that are named: a line's state is read by people.
const MOST_ADDRESSES: usize = 4;
const MOST_REASONS: usize = 4;
/// What keeps from trying is told as what it is, and what can be done about it.
const NO_ROOM: &str =
    "this program has as many connections open as it may (a higher limit of open files allows for more)";
/// Characters of one reason: what a server says may be in it.
const MOST_CHARACTERS: usize = 160;

impl Unconnected {
    /// Creates what one address has failed by.
    #[cfg(test)]
    pub(crate) fn at(address: SocketAddr, failure: Failure) -> Self {
        Self { tried: vec![(address, failure)], ..Self::default() }
    }

    pub(super) fn add(&mut self, address: SocketAddr, failure: Failure) {
        self.tried.push((address, failure));
    }

    /// Takes that so many addresses were not tried, for there was no time, or no room until there was no time.
    pub(super) fn leave_out(&mut self, untried: usize, is_for_room: bool) {
        *(if is_for_room { &mut self.without_room } else { &mut self.without_time }) += untried;
    }

    pub(super) fn append(&mut self, mut more: Self) {
        self.tried.append(&mut more.tried);
        self.without_time += more.without_time;
        self.without_room += more.without_room;
    }

    /// Returns the servers that failed, not what failed at our side of the network.
    pub(crate) fn servers(&self) -> impl Iterator<Item = SocketAddr> {
        self.tried.iter().filter(|(_, failure)| failure.is_of_server()).map(|(address, _)| *address)
    }

    /// Returns whether a server has shown a certificate that is not accepted.
    pub(crate) fn has_refused_certificate(&self) -> bool {
        self.tried.iter().any(|(_, failure)| matches!(failure, Failure::Certificate(_)))
    }

    fn untried(&self) -> usize {
        self.without_time + self.without_room
    }

    /// Returns the reasons, and the addresses of each.
    fn by_reason(&self) -> Vec<(String, Vec<SocketAddr>)> {
        let mut reasons: Vec<(String, Vec<SocketAddr>)> = Vec::new();
        for (address, failure) in &self.tried {
            let why = shortened(failure.to_string());
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, addresses)) => addresses.push(*address),
                None => reasons.push((why, vec![*address])),
            }
        }
        reasons
    }
}

/// Writes it after a colon.
impl fmt::Display for Unconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tried.is_empty() && self.untried() == 0 {
            return f.write_str("no address");
        }
        let reasons = self.by_reason();
        let mut parts: Vec<String> = reasons.iter().take(MOST_REASONS).map(part).collect();
        if let ([part], [(_, addresses)], 0) = (&mut *parts, &*reasons, self.untried())
            && addresses.len() > 1
        {
            *part = part.replacen("at ", "at each of ", 1);
        }
        let unnamed: usize = reasons.iter().skip(MOST_REASONS).map(|(_, addresses)| addresses.len()).sum();
        if unnamed > 0 {
            parts.push(format!("{unnamed} more have failed"));
        }
        if self.without_time > 0 {
            parts.push(format!("there was no time for {} more", self.without_time));
        }
        if self.without_room > 0 {
            parts.push(format!("{} were not tried: {NO_ROOM}", self.without_room));
        }
        f.write_str(&parts.join("; "))
    }
}

fn part((why, addresses): &(String, Vec<SocketAddr>)) -> String {
    let named: Vec<String> = addresses.iter().take(MOST_ADDRESSES).map(ToString::to_string).collect();
    let unnamed = match addresses.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("at {}{unnamed}: {why}", named.join(", "))
}

fn shortened(mut why: String) -> String {
    if let Some((end, _)) = why.char_indices().nth(MOST_CHARACTERS) {
        why.truncate(end);
        why.push('…');
    }
    why
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio_rustls::rustls::CertificateError;

    use super::*;

    fn at(host: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host], 5061))
    }

    fn failed(why: &str) -> Failure {
        Failure::Tcp(io::Error::other(why.to_owned()))
    }

    #[test]
    fn each_address_is_named_with_its_reason_and_those_of_one_reason_together() {
        let mut unconnected = Unconnected::default();
        assert_eq!(unconnected.to_string(), "no address");
        unconnected.add(at(1), failed("refused"));
        assert_eq!(unconnected.to_string(), "at 192.0.2.1:5061: refused");
        unconnected.add(at(2), failed("reset"));
        unconnected.add(at(3), failed("refused"));
        unconnected.leave_out(2, false);
        assert!(!unconnected.has_refused_certificate());
        let words = "at 192.0.2.1:5061, 192.0.2.3:5061: refused; at 192.0.2.2:5061: reset; \
                     there was no time for 2 more";
        assert_eq!(unconnected.to_string(), words);
    }

    #[test]
    fn a_certificate_that_is_refused_at_every_address_is_said_to_be() {
        let mut unconnected = Unconnected::default();
        for host in 1..=2 {
            unconnected.add(at(host), Failure::Certificate(CertificateError::Expired));
        }
        assert!(unconnected.has_refused_certificate());
        let words =
            "at each of 192.0.2.1:5061, 192.0.2.2:5061: its certificate is not accepted: it has expired";
        assert_eq!(unconnected.to_string(), words);
    }

    #[test]
    fn however_many_addresses_fail_for_however_many_reasons_a_person_can_read_it() {
        let mut unconnected = Unconnected::default();
        for host in 1..=32 {
            unconnected.add(at(host), failed("refused"));
        }
        assert!(unconnected.to_string().ends_with("192.0.2.4:5061 and 28 more: refused"), "{unconnected}");
        for host in 1..=32 {
            unconnected.add(at(host), failed(&"ä".repeat(1000 + usize::from(host))));
            unconnected.add(at(host), failed(&format!("{host}{}", "ä".repeat(1000))));
        }
        let said = unconnected.to_string();
        assert!(said.chars().count() < 1000 && said.ends_with("; 30 more have failed"), "{said}");
    }
}
