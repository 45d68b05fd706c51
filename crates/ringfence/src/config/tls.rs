//! `[tls]`: whom connections trust, and who we are on them.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use softphone::Tls as Settings;

use super::account::beside;
use super::regular;
use super::section::{At, Key, Section};

/// What `[tls]` says.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    pub(crate) settings: Settings,
    pub(crate) has_identity: bool,
    /// What tells it from another: of the files what they hold.
    fingerprint: u64,
}

const TRUST: Key = Key::new("trust", "names of files with certificates in PEM", "[\"office-ca.pem\"]");
const CERTIFICATE: Key =
    Key::new("certificate", "the name of a file with certificates in PEM", "\"ringfence.pem\"");
const PRIVATE_KEY: Key = Key::new("key", "the name of a file with a private key in PEM", "\"ringfence.key\"");
const ANY: Key = Key::new("accept_any_certificate", "true or false", "false");

/// Certificates of some authorities, several times over.
const MOST: u64 = 1024 * 1024;

impl Tls {
    /// Reads a section; what it does not say keeps its default.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        let mut settings = Settings::new();
        for name in section.texts(&TRUST) {
            let Some(pem) = contents(section, &name) else { continue };
            pem.hash(&mut hasher);
            match settings.clone().trust(&pem) {
                Ok(trusting) => settings = trusting,
                Err(error) => unusable(section, &name, &error),
            }
        }
        let (certificate, key) = (section.text(&CERTIFICATE), section.text(&PRIVATE_KEY));
        let mut has_identity = false;
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                if let (Some(chain), Some(private)) =
                    (contents(section, &certificate), contents(section, &key))
                {
                    (&chain, &private).hash(&mut hasher);
                    match settings.clone().identity(&chain, &private) {
                        Ok(known) => (settings, has_identity) = (known, true),
                        Err(error) => unusable(section, &certificate, &error),
                    }
                }
            }
            (Some(_), None) => section.missing(&PRIVATE_KEY),
            (None, Some(_)) => section.missing(&CERTIFICATE),
            (None, None) => {}
        }
        let accepts_any = section.flag(&ANY).unwrap_or(false);
        if accepts_any {
            settings = settings.dangerous().accept_any_certificate();
            let hint = "leave it away, and name the authority or the PBX's own certificate in `trust`";
            let message = "whoever is on the way can pretend to be the PBX: its certificate is not looked at";
            section.warning(section.span_of(&ANY).unwrap_or_else(|| section.span()), message, hint);
        }
        accepts_any.hash(&mut hasher);
        section.finish();
        Self { settings, has_identity, fingerprint: hasher.finish() }
    }

    /// Returns the files that a section names.
    pub(super) fn files(section: &Section<'_>) -> Vec<PathBuf> {
        let single = [&CERTIFICATE, &PRIVATE_KEY].into_iter().filter_map(|key| section.glance(key));
        single.map(|name| beside(section.path(), name)).collect()
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Tls {}

/// Shows no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

fn contents(section: &Section<'_>, name: &At<&str>) -> Option<Vec<u8>> {
    let path = beside(section.path(), name.value);
    match regular::read(&path, MOST) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let hint = error.hint().unwrap_or("a relative name is looked for beside the configuration file");
            section.error(name.span.clone(), format!("cannot read {}: {error}", path.display()), hint);
            None
        }
    }
}

fn unusable(section: &Section<'_>, name: &At<&str>, error: &softphone::Error) {
    let path = beside(section.path(), name.value);
    let message = format!("expected certificates in PEM in {}: {error}", path.display());
    let hint =
        "PEM begins with -----BEGIN CERTIFICATE-----; `openssl x509 -in FILE -inform DER` makes it of DER";
    section.error(name.span.clone(), message, hint);
}
