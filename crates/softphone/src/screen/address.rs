//! An address of someone in a call, and what stands in its parameters.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

use ringfence_wire::sip::{Host, NameAddr, Uri, unquote};

/// An address of someone in a call: a `sip`, `sips` or `tel` URI, and the name that goes with it. `Debug` shows neither.
///
/// ```
/// # fn show(invite: &softphone::Invite<'_>) {
/// if let Some(from) = invite.from() {
///     println!("{} at {}", from.user(), from.host());
/// }
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Address<'a> {
    /// The header's value that it is from.
    header: Option<NameAddr<'a>>,
    bytes: &'a [u8],
}

impl<'a> Address<'a> {
    pub(super) fn new(address: NameAddr<'a>) -> Self {
        Self { header: Some(address), bytes: address.uri_bytes() }
    }

    /// An address that stands alone, as the Request-URI does.
    pub(super) fn bare(bytes: &'a [u8]) -> Self {
        Self { header: None, bytes }
    }

    /// Reads what the bytes say, where they are a URI. Each question that needs it does so anew: of most addresses one does.
    fn read(&self) -> Option<Uri<'a>> {
        match &self.header {
            Some(header) => header.uri().ok(),
            None => Uri::parse(self.bytes).ok(),
        }
    }

    /// Returns the user of a `sip` URI without escapes, with the parameters that stand in it, or the number of a
    /// `tel` URI; empty where there is none. Of a `sip` URI that is wrong elsewhere the user is read all the same.
    #[must_use]
    pub fn user(&self) -> Cow<'a, str> {
        if let Some((user, _)) = plain_user(self.bytes) {
            return lossy(user);
        }
        let Some(uri) = self.read() else { return lossy(user_of_no_uri(self.bytes)) };
        if let Some(number) = uri.tel_number() {
            return Cow::Borrowed(number);
        }
        uri.user_unescaped().map_or(Cow::Borrowed(""), text)
    }

    /// Returns the host of a `sip` URI: a name, or an address, IPv6 in brackets; empty for a `tel` URI.
    #[must_use]
    pub fn host(&self) -> Cow<'a, str> {
        // Of most addresses nothing stands behind the host, and nothing else need be read.
        let behind = plain_user(self.bytes).filter(|(user, _)| !user.is_empty());
        let alone = behind.and_then(|(_, host)| Some((Host::parse(host).ok()?, host)));
        let read = alone.or_else(|| self.read().map(|uri| (uri.host(), uri.host_bytes())));
        let Some((host, written)) = read else { return Cow::Borrowed("") };
        match host {
            Host::Name(name) => Cow::Borrowed(name),
            // As nearly all write it, it reads the same.
            Host::V4(address) if written.len() == dotted_length(address) => lossy(written),
            Host::V4(address) => Cow::Owned(dotted(address)),
            host @ Host::V6(_) => Cow::Owned(host.to_string()),
        }
    }

    /// Returns the value of a parameter of the URI, such as `phone-context` of a `tel` URI.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        if !self.bytes.contains(&b';') {
            return None;
        }
        param_of(self.read().as_ref(), name)
    }

    /// Returns the value of a parameter within the user of a `sip` URI, as in `sip:+41445551234;cpc=ordinary@host`, as
    /// written; empty when it has none.
    #[must_use]
    pub fn user_param(&self, name: &str) -> Option<Cow<'a, str>> {
        if !self.bytes.contains(&b';') {
            return None;
        }
        self.user_param_of(self.read().as_ref(), name)
    }

    fn user_param_of(&self, uri: Option<&Uri<'a>>, name: &str) -> Option<Cow<'a, str>> {
        let user = match uri {
            Some(uri) => uri.user().unwrap_or_default(),
            None => user_of_no_uri(self.bytes),
        };
        if !user.contains(&b';') {
            return None;
        }
        user.split(|&byte| byte == b';').skip(1).find_map(|parameter| {
            let equals = parameter.iter().position(|&byte| byte == b'=').unwrap_or(parameter.len());
            let is_named = parameter[..equals].eq_ignore_ascii_case(name.as_bytes());
            is_named.then(|| lossy(parameter.get(equals + 1..).unwrap_or_default()))
        })
    }

    /// Returns the value of a parameter of the header that the address stands in, such as `party` of
    /// `Remote-Party-ID`, without quotation marks; empty when it has none.
    #[must_use]
    pub fn header_param(&self, name: &str) -> Option<Cow<'a, str>> {
        Some(text(unquote(self.header?.param(name)?)))
    }

    /// Returns what `verstat` says of the number, as written: `TN-Validation-Passed`, `TN-Validation-Failed`,
    /// `No-TN-Validation`, or with an attestation such as `TN-Validation-Passed-A`. It may stand in the URI, in its user, or
    /// behind an address without `<>`.
    ///
    /// Anyone can claim it: [`Invite::verstat`] is that of a trusted peer.
    ///
    /// [`Invite::verstat`]: crate::Invite::verstat
    #[must_use]
    pub fn verstat(&self) -> Option<Cow<'a, str>> {
        let name = "verstat";
        let told = if self.bytes.contains(&b';') {
            let uri = self.read();
            param_of(uri.as_ref(), name).or_else(|| self.user_param_of(uri.as_ref(), name))
        } else {
            None
        };
        told.or_else(|| self.header_param(name)).filter(|value| !value.is_empty())
    }

    /// Returns the display name without quotation marks, which any caller can claim.
    #[must_use]
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        self.header.and_then(|header| header.display_name())
    }

    /// Tells whether the user is a telephone number, as it is dialled or in full: its parameters say nothing of that.
    pub(super) fn is_number(&self) -> bool {
        let user = self.user();
        let number = user.split(';').next().unwrap_or_default();
        number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.()*# ".contains(&byte))
            && number.bytes().any(|byte| byte.is_ascii_digit())
    }

    /// Returns the URI as it came; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn uri(&self) -> Cow<'a, str> {
        lossy(self.bytes)
    }
}

/// Returns the value of a parameter of a URI.
fn param_of<'a>(uri: Option<&Uri<'a>>, name: &str) -> Option<Cow<'a, str>> {
    Some(text(uri?.param(name)?))
}

/// Which bytes are plain.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < u8::MAX {
        let is_sign = matches!(byte, b'+' | b'-' | b'.' | b'_');
        plain[byte as usize] = byte.is_ascii_alphanumeric() || is_sign;
        byte += 1;
    }
    plain
};

/// Returns the user of a `sip` or `sips` URI that has nothing but letters, digits, `+`, `-`, `.` and `_`, as nearly all have: it is
/// the same whatever else is wrong with the URI, which need not be read for it. With it comes what stands behind the `@`.
fn plain_user(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = bytes.split_at_checked("sip:".len())?;
    let rest = match scheme {
        b"sip:" => rest,
        b"sips" => rest.strip_prefix(b":")?,
        _ => return None,
    };
    let end = rest.iter().position(|byte| !PLAIN[usize::from(*byte)]).filter(|end| rest[*end] == b'@')?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// Returns what stands between the scheme and the `@` of what is no URI.
fn user_of_no_uri(bytes: &[u8]) -> &[u8] {
    let after_scheme = bytes.iter().position(|&byte| byte == b':').map_or(bytes, |colon| &bytes[colon + 1..]);
    let end = after_scheme.iter().position(|&byte| byte == b'@').unwrap_or(0);
    after_scheme[..end].trim_ascii()
}

/// Replaces the bytes that are no UTF-8.
pub(super) fn text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Replaces the bytes that are no UTF-8; where all are, as nearly always, that is seen by the word.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// Returns how many bytes [`dotted`] makes of an address.
fn dotted_length(address: Ipv4Addr) -> usize {
    let octets = address.octets().map(|octet| 1 + usize::from(octet > 9) + usize::from(octet > 99));
    octets.iter().sum::<usize>() + "...".len()
}

/// Writes an address as its `Display` does, at a tenth of what that costs: each screened call asks for it.
fn dotted(address: Ipv4Addr) -> String {
    let mut text = String::with_capacity("255.255.255.255".len());
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for (unit, is_written) in [(100, octet >= 100), (10, octet >= 10), (1, true)] {
            if is_written {
                text.push(char::from(b'0' + octet / unit % 10));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(value: &str) -> Address<'_> {
        Address::new(NameAddr::parse(value.as_bytes()).unwrap())
    }

    #[test]
    fn verstat_is_found_wherever_it_is_written() {
        for value in [
            "<tel:+14155550199;verstat=TN-Validation-Passed>",
            "<sip:+14155550199@host;user=phone;Verstat=TN-Validation-Passed>",
            "<sip:+14155550199;verstat=TN-Validation-Passed@host;user=phone>",
            "<sip:+14155550199;npdi;VERSTAT=TN-Validation-Passed;x=y@host;user=phone>",
            "<sip:+14155550199;verstat=TN-Validation-Passed@no host>",
            "sip:+14155550199@host;verstat=TN-Validation-Passed",
            "tel:+14155550199;verstat=\"TN-Validation-Passed\"",
        ] {
            assert_eq!(address(value).verstat().as_deref(), Some("TN-Validation-Passed"), "{value}");
        }
        for value in
            ["<sip:+1;verstat@host>", "<sip:verstat=A@host>", "<sip:+1@host>", "<sip:host;x=verstat>"]
        {
            assert_eq!(address(value).verstat(), None, "{value}");
        }
    }

    #[test]
    fn a_plain_user_is_that_of_the_whole_uri_and_of_what_is_none() {
        const SCHEMES: [&str; 4] = ["sip:", "sips:", "SIP:", "tel:"];
        const PIECES: [&str; 12] =
            ["+41", "a.b", "_", "-", "@", ":", ";x=y", "%41", " ", "b.example", "1.2.3.4", "?"];
        let mut random = ringfence_testing::Random::new(7);
        let (mut uris, mut others) = (0, 0);
        for _ in 0..20_000 {
            let mut uri = SCHEMES[(random.next_u64() % 4) as usize].to_owned();
            for _ in 0..=random.next_u64() % 5 {
                uri.push_str(PIECES[(random.next_u64() % 12) as usize]);
            }
            uri.push_str(if random.next_u64().is_multiple_of(2) { "@b.example" } else { "" });
            let Some((user, behind)) = plain_user(uri.as_bytes()) else { continue };
            if let Ok(whole) = Uri::parse(uri.as_bytes()) {
                uris += 1;
                assert_eq!(*user, *whole.user_unescaped().unwrap_or_default(), "{uri}");
                let host = Host::parse(behind).unwrap_or(whole.host());
                assert_eq!((host, behind.starts_with(whole.host_bytes())), (whole.host(), true), "{uri}");
            } else {
                others += 1;
                assert_eq!(user, user_of_no_uri(uri.as_bytes()), "{uri}");
                assert!(user.is_empty() || Host::parse(behind).is_err(), "{uri}");
            }
        }
        assert!(uris > 300 && others > 300, "{uris}, {others}");
    }

    #[test]
    fn a_parameter_of_the_user_is_no_other() {
        let caller = address("<sip:+1;cpc=ordinary;npdi@host;cpc=uri>;cpc=header");
        assert_eq!(caller.user_param("CPC").as_deref(), Some("ordinary"));
        assert_eq!(caller.user_param("npdi").as_deref(), Some(""));
        assert_eq!(caller.param("cpc").as_deref(), Some("uri"));
        assert_eq!(caller.header_param("cpc").as_deref(), Some("header"));
        assert_eq!(address("<tel:+1;cpc=ordinary>").user_param("cpc"), None);
    }

    #[test]
    fn an_address_is_written_as_it_is_displayed() {
        for octet in 0..=u8::MAX {
            let address = Ipv4Addr::new(octet, 0, 255, octet.wrapping_mul(7));
            assert_eq!(dotted(address), address.to_string());
            assert_eq!(dotted_length(address), address.to_string().len());
        }
    }

    #[test]
    fn a_host_is_shown_without_zeros_that_stand_before_its_octets() {
        for host in ["192.0.2.1", "192.000.2.1", "192.0.2.01", "192.0.002.001"] {
            assert_eq!(address(&format!("<sip:a@{host}:5070;lr>")).host(), "192.0.2.1", "{host}");
        }
        assert_eq!(address("<sip:a@pbx.example>").host(), "pbx.example");
        assert_eq!(address("<tel:+41791234567>").host(), "");
    }
}
