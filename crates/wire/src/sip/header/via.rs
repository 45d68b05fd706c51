//! Via (RFC 3261 section 20.42, `rport` of RFC 3581).

use std::net::IpAddr;

use crate::sip::error::{Fault, UriError};
use crate::sip::host::{Host, ip_address};
use crate::sip::lex::{Lexer, ascii, decimal, trim};
use crate::sip::params::Params;
use crate::sip::uri::take_port;

/// One hop of the way a request took.
///
/// ```
/// use ringfence_wire::sip::{Host, Via};
///
/// let via = Via::parse(b"SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;rport;branch=z9hG4bKa7c6a8dlze.1")?;
/// assert_eq!(via.transport(), "UDP");
/// assert_eq!((via.host(), via.port()), (Host::Name("first.example.com"), Some(4000)));
/// assert_eq!(via.branch(), Some(&b"z9hG4bKa7c6a8dlze.1"[..]));
/// assert_eq!(via.rport(), Some(None));
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Via<'a> {
    bytes: &'a [u8],
    version: &'a [u8],
    transport: &'a str,
    sent_by: &'a [u8],
    host: Host<'a>,
    port: Option<u16>,
    params: Params<'a>,
    branch: Option<&'a [u8]>,
    received: Option<&'a [u8]>,
    /// The first, where there are several.
    maddr: Option<&'a [u8]>,
    /// Empty when the parameter has no value.
    rport: Option<&'a [u8]>,
    /// Where what follows the name of `rport` lies, where nothing but the parameters stands in their place: no white
    /// space, no semicolon or equals sign too many.
    compact: Option<(usize, usize)>,
}

impl<'a> Via<'a> {
    /// Reads one value, which must be all of `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let bytes = trim(value);
        if bytes.is_empty() {
            return Err(Fault::Empty);
        }
        let mut lexer = Lexer::new(bytes);
        let (version, transport) = take_sent_protocol(&mut lexer)?;
        let before = lexer.rest();
        let (host, port) = take_sent_by(&mut lexer)?;
        let sent_by = &before[..before.len() - lexer.rest().len()];

        let (mut branch, mut received, mut rport, mut maddr) = (None, None, None, None);
        let mut written = bytes.len() - lexer.rest().len();
        let mut after_rport = None;
        let params = Params::take(&mut lexer, |name, value| {
            let name_end = written + 1 + name.len();
            written = name_end + value.map_or(0, |value| 1 + value.len());
            let slot = if name.eq_ignore_ascii_case(b"branch") {
                &mut branch
            } else if name.eq_ignore_ascii_case(b"received") {
                &mut received
            } else if name.eq_ignore_ascii_case(b"rport") {
                after_rport = Some((name_end, written));
                &mut rport
            } else {
                if maddr.is_none() && name.eq_ignore_ascii_case(b"maddr") {
                    maddr = Some(value.unwrap_or_default());
                }
                return Ok(());
            };
            if slot.replace(value.unwrap_or_default()).is_some() {
                Err(Fault::RepeatedParameter)
            } else {
                Ok(())
            }
        })?;
        lexer.end()?;
        let compact = (written == bytes.len()).then(|| after_rport.unwrap_or((written, written)));
        Ok(Self {
            bytes,
            version,
            transport,
            sent_by,
            host,
            port,
            params,
            branch,
            received,
            maddr,
            rport,
            compact,
        })
    }

    /// Returns the value as written.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the protocol's version, `2.0` in RFC 3261.
    #[must_use]
    pub fn version(&self) -> &'a [u8] {
        self.version
    }

    /// Returns the transport as written; compare it without regard to case.
    #[must_use]
    pub fn transport(&self) -> &'a str {
        self.transport
    }

    /// Returns host and port as written.
    #[must_use]
    pub fn sent_by(&self) -> &'a [u8] {
        self.sent_by
    }

    /// Returns the host of `sent-by`.
    #[must_use]
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// Returns the port of `sent-by`, if one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the `branch` parameter.
    #[must_use]
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.branch
    }

    /// Returns the `received` parameter, with or without brackets around an IPv6 address; `None` also when it
    /// is no address.
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        self.received.and_then(ip_address)
    }

    /// Returns `None` without an `rport` parameter, `Some(None)` when it asks for one: when it is empty, or no
    /// port.
    #[must_use]
    pub fn rport(&self) -> Option<Option<u16>> {
        self.rport.map(|digits| {
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            decimal(digits, u16::MAX.into()).and_then(|port| u16::try_from(port).ok())
        })
    }

    /// Returns what stands before and behind the value of `rport`, or all and nothing without one, where a response
    /// could copy both as they are: no white space among the parameters, and no `received`.
    ///
    /// ```
    /// use ringfence_wire::sip::Via;
    ///
    /// let via = Via::parse(b"SIP/2.0/UDP b.example;rport=9;branch=z9hG4bK1")?;
    /// assert_eq!(via.around_rport(), Some((&b"SIP/2.0/UDP b.example;rport"[..], &b";branch=z9hG4bK1"[..])));
    /// assert_eq!(Via::parse(b"SIP/2.0/UDP b.example ;rport")?.around_rport(), None);
    /// # Ok::<(), ringfence_wire::sip::Fault>(())
    /// ```
    #[must_use]
    pub fn around_rport(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (before, behind) = self.compact.filter(|_| self.received.is_none())?;
        Some((self.bytes.get(..before)?, self.bytes.get(behind..)?))
    }

    /// Returns the `maddr` parameter; `None` also when it is no host.
    #[must_use]
    pub fn maddr(&self) -> Option<Host<'a>> {
        self.maddr.and_then(|value| Host::parse(value).ok())
    }

    /// Returns the `ttl` parameter; `None` also when it is not from 0 to 255.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        let digits = self
            .params
            .value("ttl")
            .filter(|value| !value.is_empty() && value.iter().all(u8::is_ascii_digit))?;
        decimal(digits, u8::MAX.into()).and_then(|ttl| u8::try_from(ttl).ok())
    }

    /// Returns all parameters.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        self.params
    }
}

/// Takes `sent-protocol LWS`, and returns version and transport.
fn take_sent_protocol<'a>(lexer: &mut Lexer<'a>) -> Result<(&'a [u8], &'a str), Fault> {
    /// What nearly all Vias begin with: as it stands, it needs no walk.
    const USUAL: &[u8] = b"SIP/2.0/UDP ";

    if lexer.rest().starts_with(USUAL) {
        let usual = lexer.take(USUAL.len());
        lexer.skip_lws();
        return Ok((&usual[4..7], "UDP"));
    }
    lexer.token()?;
    slash(lexer)?;
    let version = lexer.token()?;
    slash(lexer)?;
    let transport = ascii(lexer.token()?);
    if lexer.skip_lws() { Ok((version, transport)) } else { Err(lexer.unexpected()) }
}

/// Takes `host [ COLON port ]`; the brackets around an IPv6 address may be missing where it is plain that it is one.
fn take_sent_by<'a>(lexer: &mut Lexer<'a>) -> Result<(Host<'a>, Option<u16>), Fault> {
    let start = *lexer;
    let taken = Host::take(lexer).and_then(|host| Ok((host, take_colon_port(lexer)?)));
    if taken.is_ok() && lexer.peek() != Some(b':') {
        return Ok(taken?);
    }
    let mut bare = start;
    let Some(host) = Host::take_bare_ipv6(&mut bare) else { return Ok(taken?) };
    *lexer = bare;
    Ok((host, take_colon_port(lexer)?))
}

fn take_colon_port(lexer: &mut Lexer<'_>) -> Result<Option<u16>, UriError> {
    if lexer.eat_separator(b':') { take_port(lexer).map(Some) } else { Ok(None) }
}

fn slash(lexer: &mut Lexer<'_>) -> Result<(), Fault> {
    if lexer.eat_separator(b'/') { Ok(()) } else { Err(lexer.unexpected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_via_is_told() {
        for (via, fault) in [
            ("", Fault::Empty),
            ("SIP", Fault::Truncated),
            ("SIP/2.0", Fault::Truncated),
            ("SIP/2.0/", Fault::Truncated),
            ("SIP/2.0/UDP", Fault::Truncated),
            ("SIP/2.0/UDP;branch=x", Fault::Unexpected { byte: b';' }),
            ("SIP/2.0/UDP a:b", Fault::Uri(UriError::Port)),
            ("SIP/2.0/UDP a:5060 b", Fault::Unexpected { byte: b'b' }),
            ("SIP/2.0/UDP 2001:db8::1:5060", Fault::Uri(UriError::Host)),
            ("SIP/2.0/UDP fe80::1:5060", Fault::Uri(UriError::Port)),
            ("SIP/2.0/UDP 2001:db8::1::2", Fault::Uri(UriError::Host)),
            ("SIP/2.0/UDP a:5060:5060", Fault::Unexpected { byte: b':' }),
            ("SIP/2.0/UDP 1.2.3", Fault::Uri(UriError::Host)),
            ("SIP/2.0/UDP 192.0.2.256", Fault::Uri(UriError::Host)),
            ("SIP/2.0/UDP a;;", Fault::EmptyParameter),
            ("SIP/2.0/UDP a;=x", Fault::Unexpected { byte: b'=' }),
            ("SIP/2.0/UDP a;branch=x;Branch=y", Fault::RepeatedParameter),
            ("SIP/2.0/UDP a;b@d=x", Fault::Unexpected { byte: b'@' }),
        ] {
            assert_eq!(Via::parse(via.as_bytes()).map(|via| via.transport), Err(fault), "{via}");
        }
    }

    #[test]
    fn parameters_that_are_out_of_range_are_none() {
        let via = Via::parse(b"SIP/2.0/UDP a;rport=65536;ttl=256;received=x;maddr=-").unwrap();
        assert_eq!((via.rport(), via.ttl(), via.received(), via.maddr()), (Some(None), None, None, None));
        assert_eq!((via.branch(), via.sent_by()), (None, &b"a"[..]));
    }

    #[test]
    fn a_semicolon_too_many_is_passed_over() {
        for via in [
            "SIP/2.0/UDP a;branch=x;rport;",
            "SIP/2.0/UDP a;;branch=x;rport",
            "SIP/2.0/UDP a;branch=x; ;rport ;",
        ] {
            let via = Via::parse(via.as_bytes()).unwrap();
            assert_eq!((via.branch(), via.rport()), (Some(&b"x"[..]), Some(None)));
            assert_eq!(via.params().iter().count(), 2);
        }
        assert_eq!(Via::parse(b"SIP/2.0/UDP a;").unwrap().branch(), None);
    }

    #[test]
    fn an_rport_with_an_empty_value_is_one_without() {
        let via = Via::parse(b"SIP/2.0/UDP a;rport=;branch=x").unwrap();
        assert_eq!((via.rport(), via.branch()), (Some(None), Some(&b"x"[..])));
        assert_eq!(via.params().find("rport"), Some(None));
    }

    #[test]
    fn a_host_name_may_begin_with_a_digit() {
        for name in ["3f2a1b9c0d12", "pbx.3com", "192.0.2.1a"] {
            let value = format!("SIP/2.0/UDP {name}:5060;branch=x");
            assert_eq!(Via::parse(value.as_bytes()).unwrap().host(), Host::Name(name));
        }
    }

    #[test]
    fn an_ipv6_address_without_brackets_is_read_where_no_port_can_be_meant() {
        for (sent_by, host, port) in [
            ("2001:db8::1", "2001:db8::1", None),
            ("2001:db8:0:0:0:0:0:1", "2001:db8::1", None),
            ("2001:db8::5060:a", "2001:db8::5060:a", None),
            ("fe80::1", "fe80::1", None),
            ("fe80:1::1", "fe80:1::1", None),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1", None),
            ("2001:db8:0:0:0:0:0:1:5060", "2001:db8::1", Some(5060)),
            ("2001:db8::1:15060", "2001:db8::1", Some(15060)),
        ] {
            let value = format!("SIP/2.0/UDP {sent_by};branch=x");
            let via = Via::parse(value.as_bytes()).unwrap();
            assert_eq!((via.host(), via.port()), (Host::V6(host.parse().unwrap()), port), "{sent_by}");
            assert_eq!((via.sent_by(), via.branch()), (sent_by.as_bytes(), Some(&b"x"[..])));
        }
    }

    #[test]
    fn sent_by_is_as_written() {
        let via = Via::parse(b" SIP/2.0/TLS\t[2001:db8::1] : 5061 ;branch=z9hG4bK ").unwrap();
        assert_eq!((via.sent_by(), via.port()), (&b"[2001:db8::1] : 5061"[..], Some(5061)));
        assert_eq!(via.as_bytes(), b"SIP/2.0/TLS\t[2001:db8::1] : 5061 ;branch=z9hG4bK");
    }
}
