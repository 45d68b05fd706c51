//! Certificates of a registrar that expire, and are replaced.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod stage;

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use softphone::{Cause, Registration, RegistrationState, Tls, Transport};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use stage::connections::pbx_behind;
use stage::{builder, next, soon};

/// The certificate that a server shows at the moment.
#[derive(Debug, Clone)]
struct Shown(Arc<Mutex<Arc<CertifiedKey>>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().unwrap()))
    }
}

impl Shown {
    fn replace(&self, by: &Arc<CertifiedKey>) {
        *self.0.lock().unwrap() = Arc::clone(by);
    }

    fn server(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(ring::default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        // It offers to resume sessions, as servers do: what is shown now is to be seen all the same.
        Arc::new(builder.with_cert_resolver(Arc::new(self.clone())))
    }
}

/// A certificate of an authority for 127.0.0.1 that is good until a year.
fn until(year: i32, issuer: &Issuer<'_, KeyPair>) -> Arc<CertifiedKey> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.signed_by(&key, issuer).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Arc::new(CertifiedKey::from_der(vec![certificate], key, &ring::default_provider()).unwrap())
}

/// Waits until a line says that the registrar's certificate is no longer good.
async fn told(registration: &mut Registration) {
    loop {
        if let RegistrationState::Failed { cause: Cause::Unconnected { error, .. }, .. } =
            registration.state()
            && error.contains("certificate")
            && error.contains("expired")
        {
            return;
        }
        next(registration.changed()).await;
    }
}

#[tokio::test]
async fn a_certificate_that_expires_is_told_and_a_new_one_has_the_line_back_by_itself() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let (expired, good) = (until(2020, &issuer), until(3000, &issuer));
    let shown = Shown(Arc::new(Mutex::new(Arc::clone(&expired))));
    let pbx = pbx_behind(Some(shown.server()), None).await;
    let phone = builder().tls(Tls::new().trust(authority.as_bytes()).unwrap()).start().await.unwrap();
    let line = soon(phone.line(pbx.account("858").transport(Transport::Tls))).await.unwrap();
    let mut registration = line.registration();
    for _ in 0..2 {
        told(&mut registration).await;
        shown.replace(&good);
        while !next(registration.changed()).await.is_registered() {}
        shown.replace(&expired);
        pbx.disconnect();
    }
}
