//! A GRUU (RFC 5627): the URI that a registrar gives a line, which leads to this very phone from anywhere.

use std::sync::Arc;
use std::time::Instant;

use ringfence_wire::sip::{NameAddr, Scheme, Uri, unquote};

use super::account::Account;
use crate::id::Uuid;
use crate::transport::{OwnContact, gruu_of};

/// What a registrar gave a line, and until when it is good.
#[derive(Debug)]
pub(super) struct Gruu {
    uri: Given,
    until: Instant,
}

#[derive(Debug)]
enum Given {
    /// The line's address with a UUID, as most registrars make it: fifty thousand lines do not keep the text.
    Of(Uuid),
    Other(Box<str>),
}

/// The longest that is taken: it is sent in each response to a call.
const LONGEST: usize = 512;

impl Gruu {
    /// Reads it from the Contact by which a registrar lists our binding: the public one, or else the temporary one. A
    /// line whose calls are to be encrypted takes none that is not.
    pub(super) fn of(listed: &NameAddr<'_>, account: &Account, until: Instant) -> Option<Self> {
        //= https://www.rfc-editor.org/rfc/rfc5627#section-4.2
        //# A UA MUST be prepared for a
        //# Contact header field to contain just a "pub-gruu", just a "temp-
        //# gruu", neither, or both.
        let mut given = ["pub-gruu", "temp-gruu"].into_iter().filter_map(|name| listed.param(name));
        let uri = given.find_map(|value| read(&unquote(value), account.is_secure))?;
        Some(Self { uri: Given::new(&uri, account), until })
    }

    /// Returns it, while the registration lasts that it was learned through, and where it says that calls are to be
    /// encrypted if they are.
    pub(super) fn contact(&self, now: Instant, account: &Account, is_encrypted: bool) -> Option<OwnContact> {
        //= https://www.rfc-editor.org/rfc/rfc5627#section-4.4
        //# It MUST NOT reuse a GRUU
        //# learned through a previous registration that has lapsed (in other words, one
        //# obtained when registering a contact that has expired).
        let lasts = now < self.until;
        match &self.uri {
            Given::Of(uuid) => (lasts && (account.is_secure || !is_encrypted)).then(|| OwnContact::GruuOf {
                is_secure: account.is_secure,
                user: Arc::clone(&account.user),
                domain: Arc::clone(&account.domain),
                uuid: *uuid,
            }),
            Given::Other(uri) => {
                (lasts && (uri.starts_with("sips:") || !is_encrypted)).then(|| OwnContact::Gruu(uri.clone()))
            }
        }
    }
}

impl Given {
    fn new(uri: &str, account: &Account) -> Self {
        let uuid = uri.rsplit_once(":uuid:").and_then(|(_, uuid)| Uuid::read(uuid));
        let is_of = |uuid: &Uuid| gruu_of(account.is_secure, &account.user, &account.domain, *uuid) == uri;
        uuid.filter(is_of).map_or_else(|| Self::Other(uri.into()), Self::Of)
    }
}

/// Reads what is to stand in a Contact of ours, between angle brackets, as it is.
fn read(value: &[u8], is_secure: bool) -> Option<Box<str>> {
    let uri = Uri::parse(value).ok().filter(|_| value.len() <= LONGEST)?;
    let is_sip = match uri.scheme() {
        Scheme::Sip => !is_secure,
        Scheme::Sips => true,
        Scheme::Tel | Scheme::Other(_) => false,
    };
    let is_plain = value.iter().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(byte));
    let is_gruu = is_sip && is_plain && uri.param("gr").is_some() && uri.headers().is_none();
    is_gruu.then(|| std::str::from_utf8(value).ok().map(Box::from)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(contact: &str, is_secure: bool) -> Option<String> {
        let listed = NameAddr::parse(contact.as_bytes()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
        let (now, account) =
            (Instant::now(), Account { is_secure, ..Account::new("858", "example.com", None) });
        let until = now + std::time::Duration::from_secs(60);
        let gruu = Gruu::of(&listed, &account, until)?;
        assert!(gruu.contact(until, &account, is_secure).is_none(), "it has lapsed");
        let contact = gruu.contact(now, &account, is_secure)?;
        assert_eq!(matches!(contact, OwnContact::GruuOf { .. }), listed.param("usual").is_some());
        Some(contact.uri().into_owned())
    }

    #[test]
    fn of_one_that_is_made_as_most_are_the_uuid_is_kept_and_the_text_is_the_same() {
        let uuid = "gr=urn:uuid:00000000-0000-8000-8000-0123456789ab";
        for (address, is_secure, usual) in [
            ("sip:858@example.com", false, ";usual"),
            ("sips:858@example.com", true, ";usual"),
            ("sip:858@example.com:5062", false, ""),
            ("sip:859@example.com", false, ""),
            ("sips:858@example.com", false, ""),
        ] {
            let uri = format!("{address};{uuid}");
            let contact = format!("<sip:858@192.0.2.9>;pub-gruu=\"{uri}\"{usual}");
            assert_eq!(taken(&contact, is_secure), Some(uri));
        }
        for odd in [
            uuid.to_uppercase().replace("GR=URN:UUID", "gr=urn:uuid"),
            uuid.replace('-', ""),
            format!("{uuid}-"),
        ] {
            let uri = format!("sip:858@example.com;{odd}");
            assert_eq!(taken(&format!("<sip:858@192.0.2.9>;pub-gruu=\"{uri}\""), false), Some(uri));
        }
    }

    #[test]
    fn the_public_one_is_taken_and_without_it_the_temporary_one() {
        let public = "pub-gruu=\"sip:858@example.com;gr=urn:uuid:1\"";
        let temporary = "temp-gruu=\"sip:tgruu.7h@example.com;gr\"";
        let of = |params: &str| taken(&format!("<sip:858@192.0.2.9>;{params}"), false);
        assert_eq!(of(&format!("{temporary};{public}")).unwrap(), "sip:858@example.com;gr=urn:uuid:1");
        assert_eq!(of(temporary).unwrap(), "sip:tgruu.7h@example.com;gr");
        assert_eq!(of("expires=60"), None);
    }

    #[test]
    fn what_is_no_gruu_is_not_taken() {
        let long = format!("sip:{}@example.com;gr", "a".repeat(600));
        let wrong = [
            "sip:858@example.com",
            "tel:+41;gr",
            "858",
            "sip:858@example.com;gr?a=b",
            "sip:a@b;gr=\\\"",
            &long,
        ];
        for uri in wrong {
            assert_eq!(taken(&format!("<sip:858@192.0.2.9>;pub-gruu=\"{uri}\""), false), None, "{uri}");
        }
        let plain = "<sip:858@192.0.2.9>;pub-gruu=\"sip:858@example.com;gr=1\"";
        assert_eq!(taken(plain, true), None, "a line that is called by TLS alone");
    }
}
