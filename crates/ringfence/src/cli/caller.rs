//! A caller as a person writes it, as the rules and the journal know it.

use std::borrow::Cow;

use anyhow::Result;
use ringfence_policy::{Caller, CallerId, Number, Pattern, Region};

use super::failure::with_hint;
use crate::journal::identity;
use crate::visible::{cut, is_dialable, quoted};

/// Returns a caller as an INVITE would have it: a name may be written as lists have it, `sip:alice%20smith`.
pub(super) fn as_called(written: &str, region: Region) -> Cow<'_, str> {
    match Pattern::parse(written, region) {
        Ok(Pattern::Name(name)) => Cow::Owned(name.into()),
        Ok(
            Pattern::Exact(_)
            | Pattern::Prefix(_)
            | Pattern::Range(_)
            | Pattern::Expression(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid,
        )
        | Err(_) => Cow::Borrowed(written),
    }
}

/// Returns what the rules know a caller by.
pub(super) fn known_by(written: &str, region: Region) -> Result<String> {
    let called = as_called(written, region);
    let caller = Caller::told(&called).identify(region);
    identity(&caller).ok_or_else(|| {
        let message = format!("expected a number or a name, found \"{}\"", written.escape_debug());
        let hint = match Pattern::parse(written, region) {
            Ok(Pattern::Prefix(_) | Pattern::Range(_) | Pattern::Expression(_)) => {
                "one caller at a time: write all of the number, for example +41791234567"
            }
            Ok(
                Pattern::Exact(_)
                | Pattern::Anonymous
                | Pattern::Unavailable
                | Pattern::Invalid
                | Pattern::Name(_),
            )
            | Err(_) => "callers without a number cannot be told from each other",
        };
        with_hint(message, hint)
    })
}

/// Returns a caller, as the rules know it, fit to be shown: one that is no number in quotes.
pub(super) fn told(identity: &str) -> String {
    if is_dialable(identity) { identity.to_owned() } else { quoted(&cut(identity, MOST_TOLD)) }
}

/// In columns: enough to recognise a caller by.
const MOST_TOLD: usize = 60;

/// Returns what the rules know a number by. A name, or what is no number anywhere, is none.
pub(super) fn number_known_by(written: &str, region: Region) -> Result<String> {
    let caller = Caller::told(written).identify(region);
    if let CallerId::Ambiguous(local) = caller
        && local.readings().next().is_none()
    {
        let message = format!("expected one number, found \"{}\": {local}", written.escape_debug());
        return Err(with_hint(
            message,
            format!("write all of it, beginning with +{}", region.calling_code()),
        ));
    }
    let is_number = match caller {
        CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) => true,
        CallerId::Name(_)
        | CallerId::WithheldName(_)
        | CallerId::Anonymous { .. }
        | CallerId::Unavailable
        | CallerId::Invalid(_) => false,
    };
    identity(&caller).filter(|_| is_number).ok_or_else(|| {
        let message = format!("expected a number, found \"{}\"", written.escape_debug());
        with_hint(message, "for example 079 123 45 67, +41791234567, or an extension such as 1002")
    })
}

/// Refuses arguments that are each as short as an extension and together one number, which the shell took apart.
pub(super) fn refuse_taken_apart<'a>(
    arguments: impl IntoIterator<Item = &'a String>,
    region: Region,
) -> Result<()> {
    let arguments: Vec<&str> = arguments.into_iter().map(String::as_str).collect();
    let is_short = |argument: &&str| {
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+()-./".contains(&byte);
        argument.bytes().all(is_part) && argument.bytes().filter(u8::is_ascii_digit).count() < FEWEST_DIGITS
    };
    let together = arguments.join(" ");
    let is_number = || matches!(Caller::told(&together).identify(region), CallerId::Number(Number::E164(_)));
    if arguments.len() < 2 || !arguments.iter().all(is_short) || !is_number() {
        return Ok(());
    }
    let message = format!("expected numbers, found parts of one: {together}");
    Err(with_hint(message, format!("quote it, as the shell takes it apart at spaces: \"{together}\"")))
}

/// What has fewer digits is an extension, or a part of a number.
const FEWEST_DIGITS: usize = 7;

/// Returns a caller, or the beginning of callers, as the journal shows it, and of a name of which not all is shown what
/// the rules know it by; what cannot be read stays.
pub(super) fn asked_for(written: &str, region: Option<Region>) -> (String, Option<String>) {
    let Some(region) = region else { return (written.to_owned(), None) };
    let called = as_called(written, region);
    match Caller::told(&called).identify(region) {
        caller @ CallerId::Name(name) if !written.ends_with('*') => {
            let shown = caller.to_string();
            let known = identity(&caller).filter(|_| shown != name);
            (shown, known)
        }
        CallerId::Name(_)
        | CallerId::WithheldName(_)
        | CallerId::Number(_)
        | CallerId::Implausible(..)
        | CallerId::Ambiguous(_)
        | CallerId::Anonymous { .. }
        | CallerId::Unavailable
        | CallerId::Invalid(_) => (shown(written, region), None),
    }
}

fn shown(written: &str, region: Region) -> String {
    match Pattern::parse(written, region).ok() {
        Some(pattern @ (Pattern::Exact(_) | Pattern::Prefix(_))) => {
            pattern.to_string().trim_start_matches("internal:").to_owned()
        }
        Some(
            Pattern::Range(_)
            | Pattern::Expression(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_),
        )
        | None => written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switzerland() -> Region {
        Region::parse("CH").unwrap()
    }

    #[test]
    fn a_caller_is_known_by_its_full_number_or_its_name() {
        for (written, expected) in [("079 123 45 67", "+41791234567"), ("1002", "1002"), ("alice", "alice")] {
            assert_eq!(known_by(written, switzerland()).unwrap(), expected);
        }
        assert!(known_by("anonymous", switzerland()).is_err());
    }

    #[test]
    fn a_name_is_taken_as_it_is_and_as_lists_write_it() {
        let region = switzerland();
        for written in ["al\"ice smith\u{7}", "sip:al%22ice%20smith%07"] {
            assert_eq!(known_by(written, region).unwrap(), "al\"ice smith\u{7}");
            let known = Some("al\"ice smith\u{7}".to_owned());
            assert_eq!(asked_for(written, Some(region)), ("al\"ice smith·".to_owned(), known));
        }
    }

    #[test]
    fn a_number_is_no_name_and_nobody() {
        for (written, expected) in [("079 123 45 67", "+41791234567"), ("1002", "1002"), ("112", "112")] {
            assert_eq!(number_known_by(written, switzerland()).unwrap(), expected);
        }
        for written in ["alice", "anonymous", "", "-", "+", "sip:alice@pbx.example"] {
            assert!(number_known_by(written, switzerland()).is_err(), "{written}");
        }
    }

    #[test]
    fn a_number_without_its_area_code_is_not_noted() {
        let error = number_known_by("7946000", Region::parse("GB").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "expected one number, found \"7946000\": 7946000 lacks its area code");
    }

    #[test]
    fn parts_of_one_number_are_no_numbers() {
        let refused = |arguments: &[&str], region: &str| {
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            refuse_taken_apart(&arguments, Region::parse(region).unwrap()).is_err()
        };
        assert!(refused(&["020", "7946", "0500"], "GB"));
        assert!(refused(&["079", "123", "45", "67"], "CH") && refused(&["+41", "79", "123", "4567"], "CH"));
        assert!(!refused(&["1002", "1003"], "CH") && !refused(&["1002"], "CH"));
        assert!(!refused(&["0791234567", "0441234567"], "CH"));
    }

    #[test]
    fn a_caller_to_search_for_is_written_as_the_journal_shows_it() {
        for (written, expected) in [
            ("079 123 45 67", "+41791234567"),
            ("079*", "+4179*"),
            ("1002", "1002"),
            ("anonymous", "anonymous"),
            ("alice", "alice"),
        ] {
            assert_eq!(asked_for(written, Some(switzerland())), (expected.to_owned(), None));
        }
        assert_eq!(asked_for("079*", None), ("079*".to_owned(), None));
    }
}
