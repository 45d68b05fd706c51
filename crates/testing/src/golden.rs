//! Compares messages with recorded ones where tags, branches, addresses and names must differ.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Rewrites messages so that two recordings of the same dialogue become equal text.
///
/// Replaced are tags, branches, IP addresses, their ports, and the product's name; the same value becomes
/// the same word in every message given to one `Normalizer`. Header fields are sorted by name,
/// those of one name keep their order. Nothing else is changed: what a response has to echo, it has to
/// echo byte for byte.
///
/// ```
/// use ringfence_testing::Normalizer;
///
/// let recorded = b"SIP/2.0 486 Busy Here\r\nTo: <sip:1001@192.0.2.1>;tag=abc\r\nServer: Some v1\r\n\r\n";
/// let sent = b"SIP/2.0 486 Busy Here\r\nServer: Ringfence\r\nTo: <sip:1001@10.0.0.7>;tag=5f\r\n\r\n";
/// assert_eq!(Normalizer::new().normalize(recorded), Normalizer::new().normalize(sent));
/// ```
#[derive(Debug, Default)]
pub struct Normalizer {
    tags: Words,
    branches: Words,
    addresses: Words,
    ports: Words,
}

/// Words that stand for values, numbered in the order of their first use.
#[derive(Debug, Default)]
struct Words(BTreeMap<String, usize>);

impl Normalizer {
    /// Starts with no value seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a message's text with the values replaced. Lines end with LF; bytes that are no UTF-8
    /// are replaced.
    pub fn normalize(&mut self, message: &[u8]) -> String {
        let text = String::from_utf8_lossy(message).replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
        let mut lines = head.split('\n');
        let start_line = self.replace_addresses(lines.next().unwrap_or_default());
        let mut fields: Vec<String> = Vec::new();
        for line in lines {
            match fields.last_mut() {
                Some(folded) if line.starts_with([' ', '\t']) => {
                    folded.push(' ');
                    folded.push_str(line.trim());
                }
                _ => fields.push(line.to_owned()),
            }
        }
        let mut fields: Vec<String> = fields.iter().map(|field| self.normalize_field(field)).collect();
        fields.sort_by(|a, b| name_of(a).cmp(name_of(b)));
        let body = self.replace_addresses(body);
        format!("{start_line}\n{}\n\n{body}", fields.join("\n"))
    }

    fn normalize_field(&mut self, field: &str) -> String {
        let (name, value) = field.split_once(':').unwrap_or((field, ""));
        let (name, value) = (name.trim(), value.trim());
        if ["User-Agent", "Server"].iter().any(|product| name.eq_ignore_ascii_case(product)) {
            return format!("{name}: PRODUCT");
        }
        if name.eq_ignore_ascii_case("Warning") {
            let mut parts = value.splitn(3, ' ');
            let (code, _agent, text) = (parts.next(), parts.next(), parts.next());
            return format!("{name}: {} AGENT {}", code.unwrap_or_default(), text.unwrap_or_default());
        }
        let value = replace_parameter(value, "tag", |tag| self.tags.word("TAG", tag));
        let value = replace_parameter(&value, "branch", |branch| self.branches.word("BRANCH", branch));
        let value = replace_parameter(&value, "rport", |port| self.ports.word("PORT", port));
        format!("{name}: {}", self.replace_addresses(&value))
    }

    /// Replaces every IP address, and the port behind it.
    fn replace_addresses(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']');
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let (before, from_run) = rest.split_at(start);
            let (run, after) = from_run.split_at(from_run.find(|c| !is_part(c)).unwrap_or(from_run.len()));
            out.push_str(before);
            // The colon of `sip:` is not the address's, those of `::1` are.
            let is_scheme = run.starts_with(':') && !run.starts_with("::");
            let (colon, run) = run.split_at(usize::from(is_scheme));
            out.push_str(colon);
            match split_address(run) {
                Some((address, port)) => {
                    out.push_str(&self.addresses.word("ADDRESS", address));
                    if let Some(port) = port {
                        out.push(':');
                        out.push_str(&self.ports.word("PORT", port));
                    }
                }
                None => out.push_str(run),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

impl Words {
    fn word(&mut self, kind: &str, value: &str) -> String {
        let next = self.0.len() + 1;
        format!("{kind}{}", self.0.entry(value.to_owned()).or_insert(next))
    }
}

/// Replaces the values of the parameters of one name.
fn replace_parameter(value: &str, name: &str, mut word: impl FnMut(&str) -> String) -> String {
    let mut parts = value.split(';');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push(';');
        match part.split_once('=') {
            Some((found, old)) if found.trim().eq_ignore_ascii_case(name) => {
                out.push_str(found.trim());
                out.push('=');
                out.push_str(&word(old.trim()));
            }
            _ => out.push_str(part),
        }
    }
    out
}

/// Splits an IPv4 or IPv6 address from the port behind it; `None` when it is no address.
fn split_address(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        address.parse::<Ipv6Addr>().ok()?;
        return Some((address, rest.strip_prefix(':').filter(|port| !port.is_empty())));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    let (address, port) = text.split_once(':').map_or((text, None), |(address, port)| (address, Some(port)));
    address.parse::<Ipv4Addr>().ok()?;
    Some((address, port.filter(|port| !port.is_empty())))
}

fn name_of(field: &str) -> &str {
    field.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_becomes_the_same_word_in_every_message() {
        let mut normalizer = Normalizer::new();
        let invite = normalizer.normalize(
            b"INVITE sip:1@10.0.0.7:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;rport\r\n\
            From: <sip:2@10.0.0.1>;tag=x\r\n\r\n",
        );
        assert_eq!(
            invite,
            "INVITE sip:1@ADDRESS1:PORT1 SIP/2.0\nFrom: <sip:2@ADDRESS2>;tag=TAG1\n\
            Via: SIP/2.0/UDP ADDRESS2:PORT2;branch=BRANCH1;rport\n\n"
        );
        let response = normalizer.normalize(
            b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;rport=5060;received=10.0.0.1\r\n\
            To: <sip:1@10.0.0.7>;tag=y\r\nWarning: 399 us \"User reject\"\r\n\r\n",
        );
        assert_eq!(
            response,
            "SIP/2.0 486 Busy Here\nTo: <sip:1@ADDRESS1>;tag=TAG2\n\
            Via: SIP/2.0/UDP ADDRESS2:PORT2;branch=BRANCH1;rport=PORT2;received=ADDRESS2\n\
            Warning: 399 AGENT \"User reject\"\n\n"
        );
    }

    #[test]
    fn ipv6_addresses_are_replaced_and_ordinary_text_is_not() {
        let mut normalizer = Normalizer::new();
        let text = normalizer
            .normalize(b"INVITE sip:[2001:db8::1]:5060 SIP/2.0\nSubject: cafe 12:30 v1.2.3 a::b\n\n");
        assert_eq!(text, "INVITE sip:ADDRESS1:PORT1 SIP/2.0\nSubject: cafe 12:30 v1.2.3 ADDRESS2\n\n");
    }
}
