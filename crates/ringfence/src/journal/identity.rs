//! Who a caller is, for what is remembered: the same from one call to the next, and from one run to the next.

use std::fmt;

use ringfence_policy::CallerId;

/// Returns what the rules know a caller by: the number, also one that is withheld, or the name; `None`
/// for one who cannot be told from others.
pub(crate) fn identity(caller: &CallerId<'_>) -> Option<String> {
    Shown::of(caller).map(|shown| shown.to_string())
}

/// A caller who can be told from others.
pub(super) struct Shown<'a>(&'a CallerId<'a>);

impl<'a> Shown<'a> {
    pub(super) fn of(caller: &'a CallerId<'_>) -> Option<Self> {
        let is_somebody = match caller {
            CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) | CallerId::Name(_) => {
                true
            }
            CallerId::Anonymous { number } => number.is_some(),
            CallerId::Unavailable | CallerId::Invalid(_) => false,
        };
        is_somebody.then_some(Self(caller))
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let CallerId::Anonymous { number: Some(number) } = self.0 { number.fmt(f) } else { self.0.fmt(f) }
    }
}
