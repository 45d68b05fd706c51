//! Whom a certificate is for (RFC 5922 sections 7.1 and 7.2).
//!
//! A certificate of a SIP domain says so by a URI, `sip:example.com`: such a one is for that domain, whatever DNS names
//! it has for other services. One without is for its DNS names, or its IP addresses. What stands in its subject, as the CN,
//! does not count.

use std::net::IpAddr;

use ringfence_wire::sip::{Host, Uri};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, Error as TlsError};
use x509_parser::asn1_rs::Tag;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Whom a certificate is for, by its `subjectAltName`. A name that cannot be one, as with a NUL octet in it, is left out, and
/// so is a `sip` URI; but that there is one is remembered: it is for some domain, nobody knows which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identities {
    /// The hosts of its `sip` URIs.
    pub(crate) domains: Vec<String>,
    /// Whether there is a `sip` URI whose host cannot be read.
    has_unreadable_domain: bool,
    /// Its DNS names, which count where there is no domain. One may begin with `*.`.
    pub(crate) names: Vec<String>,
    /// Its IP addresses, which count as its DNS names do: RFC 5922 knows of none.
    pub(crate) addresses: Vec<IpAddr>,
}

/// Returns whom a certificate is for. Whether anybody vouches for it is another question.
///
/// Fails where it is no certificate, or its `subjectAltName` cannot be read.
pub(crate) fn identities(certificate: &CertificateDer<'_>) -> Result<Identities, TlsError> {
    let unreadable = || TlsError::InvalidCertificate(CertificateError::BadEncoding);
    let (_, read) = X509Certificate::from_der(certificate).map_err(|_| unreadable())?;
    let names = read.subject_alternative_name().map_err(|_| unreadable())?;
    let mut identities = Identities::default();
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        if let GeneralName::URI(uri) = name {
            identities.take_uri(uri.as_bytes());
        } else if let GeneralName::Invalid(Tag(URI), octets) = name {
            identities.take_uri(octets);
        } else if let GeneralName::DNSName(name) = name {
            identities.names.extend(dns_name(name));
        } else if let GeneralName::IPAddress(octets) = name {
            identities.addresses.extend(address(octets));
        }
    }
    Ok(identities)
}

impl Identities {
    fn take_uri(&mut self, uri: &[u8]) {
        if is_of_a_domain(uri) {
            match domain(uri) {
                Some(domain) => self.domains.push(domain),
                None => self.has_unreadable_domain = true,
            }
        }
    }

    /// Returns whether it is for SIP domains, and for nothing else.
    fn is_of_domains(&self) -> bool {
        self.has_unreadable_domain || !self.domains.is_empty()
    }

    /// Returns whether they are those of a host.
    pub(crate) fn include(&self, host: &ServerName<'_>) -> bool {
        match host {
            //= https://www.rfc-editor.org/rfc/rfc5922#section-7.1
            //# An implementation MUST accept a domain name system
            //# identifier as a SIP domain identity if and only if no other
            //# identity is found that matches the "sip" URI type described
            //# above.
            ServerName::DnsName(host) if !self.is_of_domains() => {
                self.names.iter().any(|name| names(name, host.as_ref()))
            }
            ServerName::DnsName(host) => self.domains.iter().any(|domain| is_same(domain, host.as_ref())),
            ServerName::IpAddress(address) => {
                let address = IpAddr::from(*address);
                let is_it = |domain: &String| domain.parse() == Ok(address);
                let is_in_uri = self.domains.iter().any(is_it);
                is_in_uri || !self.is_of_domains() && self.addresses.contains(&address)
            }
            // The library may come to know more kinds.
            _ => false,
        }
    }

    /// Returns each as it is told to people.
    pub(crate) fn told(&self) -> Vec<String> {
        let domains = self.domains.iter().map(|domain| format!("sip:{domain}"));
        let unreadable = self.has_unreadable_domain.then(|| UNREADABLE.to_owned());
        let names = unreadable.into_iter().chain(self.names.iter().cloned());
        domains.chain(names).chain(self.addresses.iter().map(ToString::to_string)).collect()
    }
}

/// The tag of a URI among the names of a certificate (RFC 5280 section 4.2.1.6).
const URI: u32 = 6;
/// What people are told of a URI whose host cannot be read.
const UNREADABLE: &str = "a sip URI that cannot be read";

/// Returns whether a URI is the identity of a domain, of whichever.
fn is_of_a_domain(uri: &[u8]) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc5922#section-7.1
    //# If the scheme of the URI value is "sip", and there is no
    //# userinfo component in the URI (there is no '@'), then the
    //# implementation MUST accept the hostpart as a SIP domain
    //# identity.
    let scheme = uri.split(|byte| *byte == b':').next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"sip")) && !uri.contains(&b'@')
}

/// Returns the domain that such a URI is the identity of.
fn domain(uri: &[u8]) -> Option<String> {
    let uri = Uri::parse(uri).ok()?;
    Some(match uri.host() {
        Host::Name(name) => name.to_owned(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
    })
}

/// Returns a DNS name if it can be one.
fn dns_name(name: &str) -> Option<String> {
    let host = name.strip_prefix("*.").unwrap_or(name);
    matches!(Host::parse(host.as_bytes()), Ok(Host::Name(_))).then(|| name.to_owned())
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// Returns whether a DNS name of a certificate is that of a host. `*.` stands for one label, and not before a name of only
/// one: RFC 5922 section 7.2 forbids it altogether, and the certificates of many providers have it (RFC 9525 section 6.3).
fn names(name: &str, host: &str) -> bool {
    let Some(parent) = name.strip_prefix("*.") else { return is_same(name, host) };
    let is_wide = !parent.trim_end_matches('.').contains('.');
    let rest = host.split_once('.').filter(|(label, _)| !label.is_empty());
    !is_wide && rest.is_some_and(|(_, rest)| is_same(parent, rest))
}

/// Compares as DNS does: letters without their case, in their entirety.
fn is_same(one: &str, other: &str) -> bool {
    let whole = |name| str::strip_suffix(name, ".").unwrap_or(name);
    whole(one).eq_ignore_ascii_case(whole(other))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    /// Makes a certificate with these names: of IP addresses, of URIs where there is a colon, of DNS.
    fn of(names: &[&str]) -> Identities {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "common.example.com");
        let name = |name: &&str| match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) if name.contains(':') => SanType::URI((*name).try_into().unwrap()),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        };
        params.subject_alt_names = names.iter().map(name).collect();
        identities(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der()).unwrap()
    }

    fn is_for(names: &[&str], host: &str) -> bool {
        of(names).include(&ServerName::try_from(host).unwrap())
    }

    //= https://www.rfc-editor.org/rfc/rfc5922#section-7.1
    //= type=test
    //# An implementation MUST accept a domain name system
    //# identifier as a SIP domain identity if and only if no other
    //# identity is found that matches the "sip" URI type described
    //# above.
    #[test]
    fn a_sip_uri_says_for_which_domain_it_is_and_dns_names_only_where_there_is_none() {
        assert!(is_for(&["sip:example.com", "other.example.net"], "example.com"));
        assert!(!is_for(&["sip:other.example.net", "example.com"], "example.com"));
        assert!(is_for(&["pbx.example.com", "example.com"], "example.com"));
        for no_identity in
            ["sips:other.example.net", "sip:alice@other.example.net", "https://other.example.net/"]
        {
            assert!(is_for(&[no_identity, "example.com"], "example.com"), "{no_identity}");
            assert!(!is_for(&[no_identity], "other.example.net"), "{no_identity}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc5922#section-7.2
    //= type=test
    //# Implementations MUST compare only the DNS name component of each
    //# SIP domain identifier; an implementation MUST NOT use any scheme
    //# or parameters in the comparison.
    #[test]
    fn names_are_compared_whole_and_without_their_case_and_nothing_else_of_a_uri_is() {
        for uri in ["SIP:Example.COM", "sip:example.com:5071;transport=tls", "sip:example.com."] {
            assert!(is_for(&[uri], "example.com") && is_for(&[uri], "EXAMPLE.com"), "{uri}");
            assert!(!is_for(&[uri], "pbx.example.com"), "{uri}");
        }
        assert!(!is_for(&["sip:pbx.example.com"], "example.com"));
        assert!(!is_for(&["pbx.example.com"], "example.com") && !is_for(&["example.com"], "pbx.example.com"));
    }

    #[test]
    fn a_wildcard_stands_for_one_label_of_a_dns_name_and_for_none_of_a_uri() {
        assert!(
            is_for(&["*.example.com"], "pbx.example.com") && is_for(&["*.example.com"], "PBX.Example.com")
        );
        for host in ["example.com", "a.pbx.example.com", "pbx.example.net"] {
            assert!(!is_for(&["*.example.com"], host), "{host}");
        }
        for name in ["*.com", "*", "p*.example.com", "pbx.*.com", ".example.com", "*.*.com"] {
            assert!(!is_for(&[name], "pbx.example.com") && !is_for(&[name], "example.com"), "{name}");
        }
        assert!(!is_for(&["sip:*.example.com"], "pbx.example.com"));
    }

    #[test]
    fn a_name_with_a_nul_octet_is_none_and_neither_is_the_common_name() {
        for name in ["example.com\0.example.net", "example.com\u{1b}[2J"] {
            assert_eq!(of(&[name]), Identities::default(), "{name:?}");
            assert!(is_for(&[name, "example.com"], "example.com"), "what stands beside it counts");
        }
        assert_eq!(of(&[]), Identities::default());
        assert!(!is_for(&[], "common.example.com"));
    }

    #[test]
    fn an_address_is_one_of_its_addresses_or_the_host_of_its_uri() {
        assert!(is_for(&["192.0.2.1"], "192.0.2.1") && is_for(&["2001:db8::1", "a.example"], "2001:db8::1"));
        for uri in ["sip:example.com", "sip:192.0.2.2"] {
            assert!(!is_for(&[uri, "192.0.2.1"], "192.0.2.1"), "it is for the domain of its URI alone");
        }
        assert!(is_for(&["sip:192.0.2.1"], "192.0.2.1") && is_for(&["sip:[2001:db8::1]"], "2001:db8::1"));
        assert!(
            !is_for(&["192.0.2.2", "example.com"], "192.0.2.1") && !is_for(&["192.0.2.1"], "example.com")
        );
    }

    #[test]
    fn a_sip_uri_that_cannot_be_read_is_for_nobody_and_keeps_other_names_from_counting() {
        for uri in ["sip:example.com\0.example.net", "SIP:*.example.com", "sip:", "sip:exam ple.com"] {
            assert!(!is_for(&[uri, "example.com"], "example.com"), "{uri:?}");
            assert!(!is_for(&[uri, "192.0.2.1"], "192.0.2.1"), "{uri:?}");
            assert_eq!(of(&[uri, "example.com"]).told(), [UNREADABLE, "example.com"]);
            assert!(is_for(&[uri, "sip:example.com"], "example.com"), "the other one can be read");
        }
        let mut identities = Identities::default();
        identities.take_uri(b"sip:\xff");
        assert!(identities.is_of_domains());
    }

    #[test]
    fn what_is_no_certificate_says_nothing() {
        assert!(identities(&CertificateDer::from(vec![0x30, 0x03, 1, 2])).is_err());
    }
}
