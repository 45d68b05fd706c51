//! In which order the parts of a condition are tried: what may ask somebody outside comes last.
//!
//! A look-up gives a caller's number away, and the call waits for it. So it is asked only where the rest of the
//! condition leaves open whether it holds, wherever it is written. What is told of a condition keeps the written order.

use crate::condition::Condition;

/// Returns whether finding out if a condition holds may ask one of these lists, by their places in the policy.
pub(crate) fn may_ask(condition: &Condition, look_ups: &[usize]) -> bool {
    // The reader of policies bounds how deep they stand inside one another.
    if let Condition::All(inner) | Condition::Any(inner) = condition {
        inner.iter().any(|inner| may_ask(inner, look_ups))
    } else if let Condition::Not(inner) = condition {
        may_ask(inner, look_ups)
    } else if let Condition::CallerIn(places) = condition {
        places.iter().any(|place| look_ups.contains(place))
    } else if let Condition::Score { list, .. } = condition {
        look_ups.contains(list)
    } else {
        false
    }
}

/// Returns a condition in the order in which it is tried, where that is another than the written one.
pub(crate) fn reordered(written: &Condition, look_ups: &[usize]) -> Option<Condition> {
    if look_ups.is_empty() {
        return None;
    }
    let mut is_in_order = true;
    written.visit(&mut |condition| {
        if let Condition::All(inner) | Condition::Any(inner) = condition {
            is_in_order &= inner.is_sorted_by_key(|inner| may_ask(inner, look_ups));
        } else if let Condition::CallerIn(places) = condition {
            is_in_order &= places.is_sorted_by_key(|place| look_ups.contains(place));
        }
    });
    (!is_in_order).then(|| in_order(written, look_ups))
}

fn in_order(written: &Condition, look_ups: &[usize]) -> Condition {
    let parts = |inner: &[Condition]| {
        let mut parts: Vec<Condition> = inner.iter().map(|inner| in_order(inner, look_ups)).collect();
        parts.sort_by_key(|part| may_ask(part, look_ups));
        parts
    };
    if let Condition::All(inner) = written {
        Condition::All(parts(inner))
    } else if let Condition::Any(inner) = written {
        Condition::Any(parts(inner))
    } else if let Condition::Not(inner) = written {
        Condition::Not(Box::new(in_order(inner, look_ups)))
    } else if let Condition::CallerIn(places) = written {
        let mut places = places.clone();
        places.sort_by_key(|place| look_ups.contains(place));
        Condition::CallerIn(places)
    } else {
        written.clone()
    }
}
