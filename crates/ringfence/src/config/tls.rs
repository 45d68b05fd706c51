//! `[tls]`: whom connections trust, and who we are on them.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use softphone::Tls as Settings;

use super::account::beside;
use super::regular;
use super::section::{At, Key, Section};
use super::stamp::Stamped;

/// What `[tls]` says.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    pub(crate) settings: Settings,
    pub(crate) has_identity: bool,
    /// What it was read from.
    pub(crate) files: Vec<Stamped>,
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
        let (mut settings, mut files) = (Settings::new(), Vec::new());
        for name in section.texts(&TRUST) {
            let Some(pem) = contents(section, &name, &mut files) else { continue };
            pem.hash(&mut hasher);
            match settings.clone().trust(&pem) {
                Ok(trusting) => settings = trusting,
                Err(error) => unusable(section, &name, &error, PEM),
            }
        }
        let (certificate, key) = (section.text(&CERTIFICATE), section.text(&PRIVATE_KEY));
        let mut has_identity = false;
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let both = [&certificate, &key].map(|name| contents(section, name, &mut files));
                if let [Some(chain), Some(private)] = both {
                    (&chain, &private).hash(&mut hasher);
                    match settings.clone().identity(&chain, &private) {
                        Ok(known) => (settings, has_identity) = (known, true),
                        Err(error) => unusable(section, &certificate, &error, PAIR),
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
        Self { settings, has_identity, files, fingerprint: hasher.finish() }
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

fn contents(section: &Section<'_>, name: &At<&str>, files: &mut Vec<Stamped>) -> Option<Vec<u8>> {
    let path = beside(section.path(), name.value);
    files.push(Stamped::now(&path));
    match regular::read(&path, MOST) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let hint = error.hint().unwrap_or("a relative name is looked for beside the configuration file");
            section.error(name.span.clone(), format!("cannot read {}: {error}", path.display()), hint);
            None
        }
    }
}

fn unusable(
    section: &Section<'_>,
    name: &At<&str>,
    error: &softphone::Error,
    (expected, hint): (&str, &str),
) {
    let path = beside(section.path(), name.value);
    section.error(name.span.clone(), format!("expected {expected} in {}: {error}", path.display()), hint);
}

/// What was expected, and what to do.
const PEM: (&str, &str) = (
    "certificates in PEM",
    "PEM begins with -----BEGIN CERTIFICATE-----; `openssl x509 -in FILE -inform DER` makes it of DER",
);
const PAIR: (&str, &str) = (
    "a certificate that belongs to the private key",
    "`certificate` begins with our own certificate, those that lead to a root behind it; `key` is its PEM key",
);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::read_text;

    const REST: &str = "\n[account.home]\nuser = \"858\"\ndomain = \"192.0.2.1\"\nregister = false\n\
        [defaults]\nregion = \"CH\"\n[[rule]]\nid = \"all\"\nthen = \"ring\"\n";

    /// What is wrong with a configuration that says this of TLS; `one.pem` holds what no PEM is.
    fn told(tls: &str) -> String {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("one.pem"), "no certificate").unwrap();
        let path = home.path().join("ringfence.toml");
        let reading = read_text(Path::new(&path), format!("version = 1\n{tls}{REST}"));
        reading.report.to_string()
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_where_it_is_named() {
        let cases = [
            ("[tls]\ntrust = [\"none.pem\"]", "3:10", "cannot read"),
            ("[tls]\ntrust = [\"one.pem\"]", "3:10", "expected certificates in PEM"),
            ("[tls]\ncertificate = \"one.pem\"", "2:1", "needs `key`"),
            ("[tls]\nkey = \"one.pem\"", "2:1", "needs `certificate`"),
            ("[tls]\naccept_any_certificate = true", "3:", "whoever is on the way"),
            ("[softphone]\nlisten_tls = \"127.0.0.1:5061\"", "3:14", "needs a certificate to show"),
        ];
        for (tls, place, words) in cases {
            let told = told(tls);
            let is_told =
                told.lines().any(|line| line.contains(&format!(":{place}")) && line.contains(words));
            assert!(is_told && told.contains("hint:"), "{tls}: {told}");
        }
    }
}
