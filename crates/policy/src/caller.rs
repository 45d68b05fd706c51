//! Who is calling: a number, a name, or nobody that can be told.

use std::fmt::{self, Write as _};

use crate::number::{Ambiguous, E164, Fault, Invalid, Number, Region, Unresolved, normalise};
use crate::pattern::Pattern;
use crate::printable::{printable, printable_in_quotes};
use crate::source::Source;
use crate::unseen::is_unseen;

/// Who a header says is calling, in the header's own words.
///
/// ```
/// use ringfence_policy::{Caller, Source};
///
/// let caller = Caller { display_name: Some("Anna"), ..Caller::from_header("+41791234567", "pbx.example") };
/// assert_eq!(caller.source, Source::From);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The user part of the address, or a whole `tel:` URI.
    pub user: &'a str,
    /// The host of the address.
    pub host: &'a str,
    /// The name beside the address.
    pub display_name: Option<&'a str>,
    /// Whether the caller asks that its number be hidden (`Privacy: id` or `user`).
    pub withheld: bool,
    /// The header.
    pub source: Source,
}

impl<'a> Caller<'a> {
    /// Makes the caller of a From header.
    #[must_use]
    pub fn from_header(user: &'a str, host: &'a str) -> Self {
        Self { user, host, display_name: None, withheld: false, source: Source::From }
    }

    /// Makes the caller of a P-Asserted-Identity header (RFC 3325). It counts only when a trusted
    /// peer sent it: from any other, use the From header.
    #[must_use]
    pub fn asserted(user: &'a str, host: &'a str) -> Self {
        Self { source: Source::AssertedIdentity, ..Self::from_header(user, host) }
    }

    /// Prefers what a trusted peer asserts. A caller that From hides stays hidden: its number is
    /// matched, and not shown.
    ///
    /// ```
    /// use ringfence_policy::{Caller, CallerKind, Region};
    ///
    /// let from = Caller::from_header("anonymous", "anonymous.invalid");
    /// let caller = from.or_asserted(Some(Caller::asserted("+41791234567", "pbx.example")));
    /// let who = caller.identify(Region::parse("CH")?);
    /// assert_eq!(who.kind(), CallerKind::Anonymous);
    /// assert!(who.number().is_some());
    /// # Ok::<(), ringfence_policy::UnknownRegion>(())
    /// ```
    #[must_use]
    pub fn or_asserted(self, asserted: Option<Caller<'a>>) -> Self {
        match asserted {
            Some(asserted) => Self {
                withheld: self.withheld || asserted.withheld || self.hides(),
                display_name: asserted.display_name.or(self.display_name),
                ..asserted
            },
            None => self,
        }
    }

    /// Makes a caller that a person types in, to ask what would happen.
    #[must_use]
    pub fn told(number: &'a str) -> Self {
        Self { source: Source::Told, ..Self::from_header(number, "") }
    }

    /// Tells whether the address says that its number is withheld: by its user, such as `anonymous`, or its host.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.host_hides() || is_anonymous_user(name_in(self.user))
    }

    fn host_hides(&self) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc3323#section-4.1.1.3
        //# the hostname value 'anonymous.invalid' SHOULD be
        //# used for anonymous URIs
        is_any(bare(self.host), &["anonymous.invalid"])
    }

    /// Works out who that is, by the habits of a region.
    #[must_use]
    pub fn identify(&self, region: Region) -> CallerId<'a> {
        let (name, number) = (name_in(self.user), normalise(trimmed(self.user), region));
        let has_no_number = matches!(number, Err(Unresolved::NotANumber));
        if is_anonymous_user(name) {
            return CallerId::Anonymous { number: None };
        }
        // The number is there all the same: who is never refused is known by it.
        if self.host_hides() {
            return CallerId::Anonymous { number: number.ok() };
        }
        //= https://www.rfc-editor.org/rfc/rfc3325#section-9.3
        //# The presence of this privacy type in
        //# a Privacy header field indicates that the user would like the Network
        //# Asserted Identity to be kept private
        if self.withheld {
            return match number {
                Err(Unresolved::NotANumber) if names_somebody(name) => CallerId::WithheldName(name),
                Ok(_) | Err(_) => CallerId::Anonymous { number: number.ok() },
            };
        }
        if has_no_number && self.display_name.is_some_and(|name| is_anonymous_user(name_in(name))) {
            return CallerId::Anonymous { number: None };
        }
        let is_unknown = is_any(bare(self.host), &["unknown.invalid"]) && !is_emergency(number, region);
        if name.is_empty() || is_unknown || is_any(name, &UNAVAILABLE) {
            return CallerId::Unavailable;
        }
        match number {
            Ok(Number::E164(number)) => match number.fault() {
                Some(fault) => CallerId::Implausible(number, fault),
                None => CallerId::Number(Number::E164(number)),
            },
            Ok(internal @ Number::Internal(_)) => CallerId::Number(internal),
            Err(Unresolved::Ambiguous(ambiguous)) => CallerId::Ambiguous(ambiguous),
            Err(Unresolved::Invalid(invalid)) => CallerId::Invalid(invalid),
            Err(Unresolved::NotANumber) if names_somebody(name) => CallerId::Name(name),
            Err(Unresolved::NotANumber) => CallerId::Invalid(Invalid::NoReading),
        }
    }
}

/// Returns whether a number is one that is never refused, whatever its host says of it.
fn is_emergency(number: Result<Number, Unresolved>, region: Region) -> bool {
    matches!(number, Ok(Number::Internal(digits)) if region.is_emergency(digits))
}

/// Returns whether a user part that is no number is the name of somebody: more than what is dialled, and than octets that
/// are no letters or not seen.
fn names_somebody(user: &str) -> bool {
    let is_dialled = |letter: char| letter.is_ascii_digit() || "+*#-.()/ %".contains(letter);
    let is_name =
        |letter: char| !is_dialled(letter) && letter != char::REPLACEMENT_CHARACTER && !is_unseen(letter);
    user.contains(is_name) && !is_any(user, &UNAVAILABLE)
}

/// Returns whether a name is that of nobody, in the words of those who withhold it or know none.
pub(crate) fn names_nobody(name: &str) -> bool {
    is_anonymous_user(name) || !names_somebody(name)
}

/// User parts that say that the network knows no number.
const UNAVAILABLE: [&str; 2] = ["unavailable", "unknown"];

/// Returns a host without the dot that says its name is complete.
fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Returns a text without space around it: nearly all have none.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// Returns the name in a user part: without the parameters that stand behind it, such as `verstat` and `cpc`, which say
/// something of the caller and are no part of what it is called.
pub(crate) fn name_in(user: &str) -> &str {
    let end = user.bytes().position(|byte| byte == b';').unwrap_or(user.len());
    trimmed(&user[..end])
}

/// Returns whether a name says that the number is withheld. 266696687 spells ANONYMOUS on a
/// keypad, and is sent as a number by networks that can send nothing else.
fn is_anonymous_user(name: &str) -> bool {
    is_any(name, &["anonymous", "restricted", "private", "withheld", "+266696687", "266696687"])
}

fn is_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Who is calling.
///
/// ```
/// use ringfence_policy::{Caller, CallerId, CallerKind, Region};
///
/// let us = Region::parse("US")?;
/// let withheld = Caller::from_header("anonymous", "anonymous.invalid").identify(us);
/// assert_eq!(withheld, CallerId::Anonymous { number: None });
/// assert_eq!(Caller::from_header("", "pbx.example").identify(us), CallerId::Unavailable);
/// assert_eq!(Caller::from_header("+1555", "pbx.example").identify(us).kind(), CallerKind::Invalid);
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerId<'a> {
    /// A number, full or internal.
    Number(Number),
    /// A full number that its numbering plan does not have.
    Implausible(E164, Fault),
    /// Digits with several readings: they are on no list.
    Ambiguous(Ambiguous),
    /// A user name that is no number, such as `alice`.
    Name(&'a str),
    /// A user name that the caller withholds and a trusted peer asserts all the same: lists match it, nobody is shown it.
    WithheldName(&'a str),
    /// The caller withholds its number.
    Anonymous {
        /// The number a trusted peer asserts all the same: lists match it, nobody is shown it.
        number: Option<Number>,
    },
    /// The network has no number.
    Unavailable,
    /// Digits that are a number of no numbering plan.
    Invalid(Invalid),
}

/// Who is calling, apart from the text that it was worked out of.
///
/// ```
/// use ringfence_policy::{Caller, Region};
///
/// let switzerland = Region::parse("CH")?;
/// for user in ["079 123 45 67", "alice ", ""] {
///     let who = Caller::from_header(user, "pbx.example").identify(switzerland);
///     assert_eq!(who.keep().of(user), who);
/// }
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptCaller(CallerId<'static>);

impl KeptCaller {
    /// Returns who is calling. The user part is to be the one that it was worked out of.
    #[must_use]
    pub fn of(self, user: &str) -> CallerId<'_> {
        match self.0 {
            CallerId::Name(_) => CallerId::Name(name_in(user)),
            CallerId::WithheldName(_) => CallerId::WithheldName(name_in(user)),
            other @ (CallerId::Number(_)
            | CallerId::Implausible(..)
            | CallerId::Ambiguous(_)
            | CallerId::Anonymous { .. }
            | CallerId::Unavailable
            | CallerId::Invalid(_)) => other,
        }
    }
}

impl CallerId<'_> {
    /// Keeps it apart from the text that it was worked out of.
    #[must_use]
    pub fn keep(&self) -> KeptCaller {
        KeptCaller(match *self {
            CallerId::Number(number) => CallerId::Number(number),
            CallerId::Implausible(number, fault) => CallerId::Implausible(number, fault),
            CallerId::Ambiguous(ambiguous) => CallerId::Ambiguous(ambiguous),
            CallerId::Name(_) => CallerId::Name(""),
            CallerId::WithheldName(_) => CallerId::WithheldName(""),
            CallerId::Anonymous { number } => CallerId::Anonymous { number },
            CallerId::Unavailable => CallerId::Unavailable,
            CallerId::Invalid(invalid) => CallerId::Invalid(invalid),
        })
    }

    /// Returns the number that lists match.
    #[must_use]
    pub fn number(&self) -> Option<Number> {
        match *self {
            CallerId::Number(number) => Some(number),
            CallerId::Implausible(number, _) => Some(Number::E164(number)),
            CallerId::Anonymous { number } => number,
            CallerId::Ambiguous(_)
            | CallerId::Name(_)
            | CallerId::WithheldName(_)
            | CallerId::Unavailable
            | CallerId::Invalid(_) => None,
        }
    }

    /// Tells whether there is a number or a name that is not to be shown.
    pub(crate) fn is_withheld(&self) -> bool {
        matches!(self, CallerId::Anonymous { number: Some(_) } | CallerId::WithheldName(_))
    }

    /// Tells whether an entry that matches the caller tells a number or a name that is withheld, or a part of it.
    pub(crate) fn is_told_by(&self, pattern: &Pattern) -> bool {
        self.is_withheld()
            && match pattern {
                Pattern::Exact(_)
                | Pattern::Prefix(_)
                | Pattern::Range(_)
                | Pattern::Expression(_)
                | Pattern::Name(_) => true,
                Pattern::Anonymous | Pattern::Unavailable | Pattern::Invalid => false,
            }
    }

    /// Returns who is calling as a sentence names it: what a caller calls itself stands in quotes, so that it passes for no word
    /// of the sentence.
    pub(crate) fn in_words(&self) -> String {
        let mut words = String::new();
        // To write to a string cannot fail.
        let _ = self.write_in_words(&mut words);
        words
    }

    /// Writes the same.
    pub(crate) fn write_in_words(&self, out: &mut String) -> fmt::Result {
        match self {
            CallerId::Name(name) => out.push_str(&printable_in_quotes(name)),
            CallerId::Number(number) => {
                let mut text = [0; Number::LONGEST];
                out.push_str(str::from_utf8(number.spell(&mut text)).unwrap_or_default());
            }
            CallerId::Implausible(..)
            | CallerId::Ambiguous(_)
            | CallerId::WithheldName(_)
            | CallerId::Anonymous { .. }
            | CallerId::Unavailable
            | CallerId::Invalid(_) => write!(out, "{self}")?,
        }
        Ok(())
    }

    /// Returns which kind of caller it is.
    #[must_use]
    pub fn kind(&self) -> CallerKind {
        match self {
            CallerId::Number(Number::E164(_)) => CallerKind::Number,
            CallerId::Number(Number::Internal(_)) => CallerKind::Internal,
            CallerId::Implausible(..) | CallerId::Invalid(_) => CallerKind::Invalid,
            CallerId::Ambiguous(_) => CallerKind::Ambiguous,
            CallerId::Name(_) => CallerKind::Name,
            CallerId::WithheldName(_) | CallerId::Anonymous { .. } => CallerKind::Anonymous,
            CallerId::Unavailable => CallerKind::Unavailable,
        }
    }
}

impl fmt::Display for CallerId<'_> {
    /// Prints who is calling, but no number or name that is withheld.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallerId::Number(number) => number.fmt(f),
            CallerId::Implausible(number, _) => number.fmt(f),
            CallerId::Ambiguous(ambiguous) => ambiguous.digits().fmt(f),
            CallerId::Name(name) => printable(name).fmt(f),
            CallerId::WithheldName(_) => f.write_str("a withheld name"),
            CallerId::Anonymous { .. } => f.write_str("a withheld number"),
            CallerId::Unavailable => f.write_str("a caller without a number"),
            CallerId::Invalid(_) => f.write_str("an invalid number"),
        }
    }
}

/// The kinds of callers.
///
/// ```
/// use ringfence_policy::CallerKind;
///
/// assert_eq!(CallerKind::Anonymous.as_str(), "anonymous");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// A full number.
    Number,
    /// An extension or a short code.
    Internal,
    /// Digits with several readings.
    Ambiguous,
    /// A user name that is no number.
    Name,
    /// Withheld by the caller.
    Anonymous,
    /// Not known to the network.
    Unavailable,
    /// In no numbering plan.
    Invalid,
}

impl CallerKind {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CallerKind::Number => "number",
            CallerKind::Internal => "internal",
            CallerKind::Ambiguous => "ambiguous",
            CallerKind::Name => "name",
            CallerKind::Anonymous => "anonymous",
            CallerKind::Unavailable => "unavailable",
            CallerKind::Invalid => "invalid",
        }
    }
}
