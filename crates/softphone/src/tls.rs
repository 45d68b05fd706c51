//! How TLS is spoken: whom it trusts, and who we are (RFC 3261 section 26.3).

use std::fmt;
use std::sync::Arc;

use ringfence_ua::Transport;
use tokio::sync::OnceCell;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, Error as TlsError, ServerConfig};

use crate::error::{Kind, Result};

pub(crate) mod identity;
mod verify;

use verify::Rule;
pub(crate) use verify::{Seen, Verifier};

/// Whom TLS connections trust, and who we are on them.
///
/// A server's certificate must lead to a root that the system trusts, or one given here, and be for the host that the
/// account names: its domain, or its proxy. By TLS that is said by a URI such as `sip:example.com` in its
/// `subjectAltName`, or by a DNS name where it has no such URI (RFC 5922 section 7.1); by WebSocket over TLS it is a DNS
/// name, as for any page (RFC 7118 section 9.1). TLS 1.2 and 1.3 are spoken. A DNS name such as `*.example.com` is taken
/// for `pbx.example.com`, although RFC 5922 section 7.2 does not: providers have such certificates.
///
/// ```
/// use softphone::{Softphone, Tls};
///
/// # fn show(private_ca: &[u8]) -> softphone::Result<()> {
/// let builder = Softphone::builder().tls(Tls::new().trust(private_ca)?);
/// # drop(builder);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<Identity>>,
    accepts_anyone: bool,
    clients: Arc<Clients>,
}

/// What connections of ours are made with. Each is made when the first connection needs it: the system's roots are read
/// then. What could not be read is read again the next time.
#[derive(Default)]
struct Clients {
    by_tls: OnceCell<Arc<ClientConfig>>,
    by_websocket: OnceCell<Arc<ClientConfig>>,
}

/// Why something is not kept.
enum Passing {
    /// It serves, and not all authorities could be read.
    Partial(Arc<ClientConfig>),
    Failed(TlsError),
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// What lowers the safety of TLS.
#[derive(Debug)]
pub struct DangerousTls {
    tls: Tls,
}

impl Tls {
    /// Trusts the roots that the system trusts, and shows no certificate of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these roots too: certificates in PEM, such as a private authority's, or a PBX's own.
    ///
    /// Fails where there is none among them.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self> {
        self.roots.extend(certificates(pem)?);
        self.clients = Arc::default();
        Ok(self)
    }

    /// Shows this certificate, with those that lead from it to a root, where a server asks for one, and to those who
    /// connect to us: certificates and a private key in PEM.
    ///
    /// Fails where a certificate or the key is missing, or the two do not belong together.
    pub fn identity(mut self, chain: &[u8], key: &[u8]) -> Result<Self> {
        let chain = certificates(chain)?;
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| Kind::Tls(format!("private key: {error}")))?;
        self.identity = Some(Arc::new(Identity { chain, key }));
        self.clients = Arc::default();
        self.server()?;
        Ok(self)
    }

    /// Returns what lowers the safety of TLS.
    #[must_use]
    pub fn dangerous(self) -> DangerousTls {
        DangerousTls { tls: self }
    }

    /// Returns what connections of ours are made with.
    pub(crate) async fn client(
        &self,
        transport: Transport,
    ) -> std::result::Result<Arc<ClientConfig>, TlsError> {
        let client = match Rule::of(transport) {
            Rule::Domain => &self.clients.by_tls,
            Rule::Web => &self.clients.by_websocket,
        };
        let made = || async {
            let tls = self.clone();
            // Hundreds of files are read: calls go on meanwhile.
            let made = tokio::task::spawn_blocking(move || tls.make_client(transport)).await;
            made.unwrap_or_else(|error| Err(Passing::Failed(TlsError::General(error.to_string()))))
        };
        match client.get_or_try_init(made).await {
            Ok(client) => Ok(Arc::clone(client)),
            Err(Passing::Partial(client)) => Ok(client),
            Err(Passing::Failed(error)) => Err(error),
        }
    }

    fn make_client(&self, transport: Transport) -> std::result::Result<Arc<ClientConfig>, Passing> {
        let verifier = self.verifier(transport).map_err(Passing::Failed)?;
        let is_whole = verifier.is_whole();
        let client = self.client_with(verifier).map(Arc::new).map_err(Passing::Failed)?;
        if is_whole { Ok(client) } else { Err(Passing::Partial(client)) }
    }

    /// Returns what connections of others are taken with.
    pub(crate) fn server(&self) -> Result<Arc<ServerConfig>> {
        let Some(identity) = &self.identity else {
            return Err(Kind::Tls("no certificate to show to those who connect".to_owned()).into());
        };
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(identity.chain.clone(), identity.key.clone_key())
            })
            .map_err(|error| Kind::Tls(error.to_string()))?;
        Ok(Arc::new(config))
    }

    /// Returns what decides whether a server is who it is to be.
    pub(crate) fn verifier(&self, transport: Transport) -> std::result::Result<Verifier, TlsError> {
        if self.accepts_anyone {
            return Ok(Verifier::of_anyone(provider()));
        }
        Verifier::new(&self.roots, Rule::of(transport), provider())
    }

    /// Returns what connections of ours are made with where this decides who the server is.
    pub(crate) fn client_with(&self, verifier: Verifier) -> std::result::Result<ClientConfig, TlsError> {
        let builder =
            ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.identity {
            Some(identity) => {
                builder.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())?
            }
            None => builder.with_no_client_auth(),
        };
        // A session that is resumed shows no certificate: one that has ended, or was replaced, would go unnoticed.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// Shows no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.len())
            .field("has_identity", &self.identity.is_some())
            .field("accepts_anyone", &self.accepts_anyone)
            .finish_non_exhaustive()
    }
}

impl DangerousTls {
    /// Takes any certificate of a server for the right one: whoever is on the way can read the password's digests and
    /// the calls, and answer for the server.
    #[must_use]
    pub fn accept_any_certificate(mut self) -> Tls {
        self.tls.accepts_anyone = true;
        self.tls.clients = Arc::default();
        self.tls
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let read: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(Kind::Tls("no certificate in PEM".to_owned()).into()),
        Err(error) => Err(Kind::Tls(format!("certificate: {error}")).into()),
    }
}
