//! Who a server is, by its certificate: that somebody who is trusted vouches for it, and then that it is for the host that
//! was asked for.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_ua::Transport;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::identity::identities;

/// Whom a certificate is to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A SIP domain (RFC 5922).
    Domain,
    //= https://www.rfc-editor.org/rfc/rfc7118#section-9.1
    //# When establishing a connection using SIP over secure WebSocket
    //# transport, the client MUST authenticate the server using the server's
    //# certificate according to the WebSocket validation procedure in
    //# [RFC6455].
    /// A host, as the web has it.
    Web,
}

/// Decides whether a server is who it is to be. That it has the key of its certificate is made sure of in any case.
pub(crate) struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    seen: Option<Seen>,
}

enum Trust {
    /// Any certificate is taken.
    Anyone,
    /// It is to lead to one of these, and to be for the host.
    Authorities { roots: RootCertStore, rule: Rule, is_whole: bool },
}

/// The chain that a server has shown last, its own certificate first: also where that is refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<CertificateDer<'static>>>>);

/// Certificates that are kept of a chain.
const MOST_CERTIFICATES: usize = 10;

impl Seen {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) {
        let chain = std::iter::once(own).chain(others).take(MOST_CERTIFICATES);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = chain;
    }
}

impl Rule {
    pub(crate) fn of(transport: Transport) -> Self {
        match transport {
            Transport::Udp | Transport::Tcp | Transport::Tls => Self::Domain,
            Transport::Ws | Transport::Wss => Self::Web,
        }
    }

    fn check(self, certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), TlsError> {
        let identities = match self {
            Self::Domain => identities(certificate)?,
            // What names it has is asked for where none is right, to be told.
            Self::Web => match verify_server_name(&ParsedCertificate::try_from(certificate)?, host) {
                Ok(()) => return Ok(()),
                Err(wrong) => identities(certificate).map_err(|_| wrong)?,
            },
        };
        if self == Self::Domain && identities.include(host) {
            return Ok(());
        }
        let (expected, presented) = (host.to_owned(), identities.told());
        Err(TlsError::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }))
    }
}

impl Verifier {
    pub(super) fn of_anyone(provider: Arc<CryptoProvider>) -> Self {
        Self { trust: Trust::Anyone, provider, seen: None }
    }

    /// Trusts the authorities that the system trusts, and these. Fails where there are none at all, or one of these is
    /// no certificate.
    pub(super) fn new(
        extra: &[CertificateDer<'static>],
        rule: Rule,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in extra {
            roots.add(certificate.clone())?;
        }
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::debug!(%error, "authorities of the system");
        }
        // One that is no certificate vouches for nobody.
        let (_, unread) = roots.add_parsable_certificates(system.certs);
        if unread > 0 {
            tracing::debug!(unread, "authorities of the system");
        }
        if roots.is_empty() {
            let why = system.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            return Err(TlsError::General(format!("the system trusts no authority{why}")));
        }
        let trust = Trust::Authorities { roots, rule, is_whole: system.errors.is_empty() };
        Ok(Self { trust, provider, seen: None })
    }

    /// Has it keep what servers show.
    pub(crate) fn keeping(self, seen: &Seen) -> Self {
        Self { seen: Some(seen.clone()), ..self }
    }

    /// Returns whether any certificate is taken.
    pub(crate) fn is_of_anyone(&self) -> bool {
        matches!(self.trust, Trust::Anyone)
    }

    /// Returns whether all that the system trusts could be read.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.trust, Trust::Anyone | Trust::Authorities { is_whole: true, .. })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if let Some(seen) = &self.seen {
            seen.keep(end_entity, intermediates);
        }
        if let Trust::Authorities { roots, rule, .. } = &self.trust {
            let parsed = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&parsed, roots, intermediates, now, algorithms)?;
            rule.check(end_entity, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Lists no authority: there are hundreds.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Verifier");
        if let Trust::Authorities { roots, rule, .. } = &self.trust {
            told.field("roots", &roots.len()).field("rule", rule);
        }
        told.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
        NameConstraints, SanType,
    };
    use tokio_rustls::rustls::crypto::ring;

    use super::*;

    /// An authority that only the tests trust.
    struct Authority {
        root: CertificateDer<'static>,
        issuer: Issuer<'static, KeyPair>,
    }

    impl Authority {
        fn new() -> Self {
            let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let root = params.self_signed(&key).unwrap().der().clone();
            Self { root, issuer: Issuer::new(params, key) }
        }

        /// Has a certificate with a DNS name, and a URI where one is given, verified for `example.com`.
        fn verify(
            &self,
            rule: Rule,
            name: &str,
            uri: Option<&str>,
            last: i32,
        ) -> Result<ServerCertVerified, TlsError> {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.subject_alt_names.extend(uri.map(|uri| SanType::URI(uri.try_into().unwrap())));
            params.not_after = rcgen::date_time_ymd(last, 1, 1);
            let shown = params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap();
            let provider = Arc::new(ring::default_provider());
            let verifier = Verifier::new(std::slice::from_ref(&self.root), rule, provider).unwrap();
            let host = "example.com".try_into().unwrap();
            verifier.verify_server_cert(shown.der(), &[], &host, &[], UnixTime::since_unix_epoch(NOW))
        }
    }

    /// The year 2030.
    const NOW: std::time::Duration = std::time::Duration::from_secs(60 * 365 * 86_400 + 40 * 86_400);

    fn is_name_wrong(verified: Result<ServerCertVerified, TlsError>, names: &[&str]) -> bool {
        let Err(TlsError::InvalidCertificate(error)) = verified else { return false };
        let CertificateError::NotValidForNameContext { presented, .. } = error else { return false };
        presented == names
    }

    #[test]
    fn by_tls_a_certificate_is_for_the_domain_of_its_uri_and_else_for_its_dns_names() {
        let authority = Authority::new();
        let verify = |name, uri| authority.verify(Rule::Domain, name, uri, 2040);
        verify("pbx.example.net", Some("sip:example.com")).unwrap();
        verify("example.com", None).unwrap();
        let shared = ["sip:other.example.com", "example.com"];
        assert!(is_name_wrong(verify("example.com", Some("sip:other.example.com")), &shared));
        assert!(is_name_wrong(verify("pbx.example.com", None), &["pbx.example.com"]));
    }

    //= https://www.rfc-editor.org/rfc/rfc7118#section-9.1
    //= type=test
    //# When establishing a connection using SIP over secure WebSocket
    //# transport, the client MUST authenticate the server using the server's
    //# certificate according to the WebSocket validation procedure in
    //# [RFC6455].
    #[test]
    fn by_websocket_a_certificate_is_for_its_dns_names_whatever_its_uri_says() {
        let authority = Authority::new();
        let verify = |name, uri| authority.verify(Rule::Web, name, uri, 2040);
        verify("example.com", Some("sip:other.example.com")).unwrap();
        let names = ["sip:example.com", "pbx.example.com"];
        assert!(is_name_wrong(verify("pbx.example.com", Some("sip:example.com")), &names));
        assert_eq!(Rule::of(Transport::Wss), Rule::Web);
        assert_eq!(Rule::of(Transport::Tls), Rule::Domain);
    }

    /// Has a certificate verified for `example.com` that says what it likes, of an authority that may.
    fn verified(
        of_authority: Option<NameConstraints>,
        params: &CertificateParams,
    ) -> Result<ServerCertVerified, TlsError> {
        let (key, mut authority) = (KeyPair::generate().unwrap(), CertificateParams::default());
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.name_constraints = of_authority;
        let root = authority.self_signed(&key).unwrap().der().clone();
        let shown = params.signed_by(&KeyPair::generate().unwrap(), &Issuer::new(authority, key)).unwrap();
        let verifier = Verifier::new(&[root], Rule::Domain, Arc::new(ring::default_provider())).unwrap();
        let host = "example.com".try_into().unwrap();
        verifier.verify_server_cert(shown.der(), &[], &host, &[], UnixTime::since_unix_epoch(NOW))
    }

    #[test]
    fn a_certificate_for_sip_alone_is_refused_and_one_that_is_for_servers_too_is_not() {
        let sip_domain = || ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 20]);
        let with = |usages: Vec<ExtendedKeyUsagePurpose>| {
            let mut params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
            params.extended_key_usages = usages;
            verified(None, &params)
        };
        with(vec![]).unwrap();
        with(vec![ExtendedKeyUsagePurpose::ServerAuth, sip_domain()]).unwrap();
        assert!(with(vec![sip_domain()]).is_err());
        assert!(with(vec![ExtendedKeyUsagePurpose::ClientAuth]).is_err());
    }

    #[test]
    fn an_authority_for_some_dns_names_vouches_for_no_other_and_for_any_uri() {
        let constraints =
            |subtree| NameConstraints { permitted_subtrees: vec![subtree], excluded_subtrees: vec![] };
        let of = |names: &[&str]| {
            let mut params = CertificateParams::default();
            let san = |name: &&str| match name.strip_prefix("sip:") {
                Some(_) => SanType::URI((*name).try_into().unwrap()),
                None => SanType::DnsName((*name).try_into().unwrap()),
            };
            params.subject_alt_names = names.iter().map(san).collect();
            params
        };
        let some = || Some(constraints(GeneralSubtree::DnsName("example.net".to_owned())));
        assert!(verified(some(), &of(&["example.com"])).is_err());
        verified(some(), &of(&["pbx.example.net", "sip:example.com"])).unwrap();
    }

    #[test]
    fn the_right_name_is_not_enough() {
        let known = Authority::new();
        for rule in [Rule::Domain, Rule::Web] {
            let ended = known.verify(rule, "example.com", Some("sip:example.com"), 2020).unwrap_err();
            assert!(matches!(ended, TlsError::InvalidCertificate(CertificateError::ExpiredContext { .. })));
            let forged = Authority { root: known.root.clone(), issuer: Authority::new().issuer };
            let refused = forged.verify(rule, "example.com", Some("sip:example.com"), 2040).unwrap_err();
            assert!(matches!(refused, TlsError::InvalidCertificate(_)), "{refused}");
        }
    }
}
