//! A caller as a person writes it, as the rules and the journal know it.

use anyhow::Result;
use ringfence_policy::{Caller, CallerId, Pattern, Region};

use super::failure::with_hint;
use crate::journal::identity;

/// Returns what the rules know a caller by.
pub(super) fn known_by(written: &str, region: Region) -> Result<String> {
    let caller = Caller::told(written).identify(region);
    identity(&caller).ok_or_else(|| {
        let message = format!("expected a number or a name, found \"{}\"", written.escape_debug());
        with_hint(message, "callers without a number cannot be told from each other")
    })
}

/// Returns what the rules know a number by. A name, or what is no number anywhere, is none.
pub(super) fn number_known_by(written: &str, region: Region) -> Result<String> {
    let caller = Caller::told(written).identify(region);
    let is_number = match caller {
        CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) => true,
        CallerId::Name(_) | CallerId::Anonymous { .. } | CallerId::Unavailable | CallerId::Invalid(_) => {
            false
        }
    };
    identity(&caller).filter(|_| is_number).ok_or_else(|| {
        let message = format!("expected a number, found \"{}\"", written.escape_debug());
        with_hint(message, "for example 079 123 45 67, +41791234567, or an extension such as 1002")
    })
}

/// Returns a caller, or the beginning of callers, as the journal shows it; what cannot be read stays.
pub(super) fn shown(written: &str, region: Option<Region>) -> String {
    let pattern = region.and_then(|region| Pattern::parse(written, region).ok());
    match pattern {
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
    fn a_number_is_no_name_and_nobody() {
        for (written, expected) in [("079 123 45 67", "+41791234567"), ("1002", "1002"), ("112", "112")] {
            assert_eq!(number_known_by(written, switzerland()).unwrap(), expected);
        }
        for written in ["alice", "anonymous", "", "-", "+", "sip:alice@pbx.example"] {
            assert!(number_known_by(written, switzerland()).is_err(), "{written}");
        }
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
            assert_eq!(shown(written, Some(switzerland())), expected);
        }
        assert_eq!(shown("079*", None), "079*");
    }
}
