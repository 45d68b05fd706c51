//! Of which kinds of callers a condition may hold.
//!
//! What cannot be seen is "it may".

use crate::caller::CallerId;
use crate::condition::Condition;
use crate::history::Per;
use crate::kind::KindSet;
use crate::list::List;
use crate::number::{LineKind, Number, Prefix, Region, calling_code_of, may_be};
use crate::pattern::Pattern;
use crate::policy::Policy;

/// Returns the kinds that one caller may be of at once: a number is of one network, at home or abroad.
pub(super) fn of_one_caller() -> impl Iterator<Item = KindSet> {
    let networks = [KindSet::NONE, KindSet::MOBILE, KindSet::TOLL_FREE, KindSet::PREMIUM];
    let numbers = networks.into_iter().flat_map(|network| {
        [KindSet::NONE, KindSet::INTERNATIONAL].map(|place| KindSet::NUMBER.with(network).with(place))
    });
    numbers.chain([
        KindSet::INTERNAL,
        KindSet::ANONYMOUS,
        KindSet::UNAVAILABLE,
        KindSet::INVALID,
        KindSet::AMBIGUOUS,
        KindSet::NAME,
    ])
}

/// Returns whether a condition may hold of a caller of these kinds.
pub(super) fn may_hold(policy: &Policy, condition: &Condition, kinds: KindSet) -> bool {
    let region = policy.region();
    if let Condition::All(all) = condition {
        all.iter().all(|inner| may_hold(policy, inner, kinds))
    } else if let Condition::Any(any) = condition {
        any.iter().any(|inner| may_hold(policy, inner, kinds))
    } else if let Condition::Not(inner) = condition {
        may_fail(inner, kinds)
    } else if let Condition::CallerKind(wanted) = condition {
        wanted.meets(kinds)
    } else if let Condition::Caller(list) = condition {
        may_be_on(list, kinds, region)
    } else if let Condition::Country(countries) = condition {
        countries.iter().any(|country| may_be_of(*country, kinds, region))
    } else if let Condition::CallerIn(places) = condition {
        may_be_known(kinds) || !places.iter().all(|place| policy.is_put_on(*place))
    } else if let Condition::DialedWithin(_) | Condition::AnsweredWithin(_) | Condition::FirstTime(false) =
        condition
    {
        may_be_known(kinds)
    } else if let Condition::Repeat { count, .. } = condition {
        *count <= 1 || may_be_known(kinds)
    } else if let Condition::Rate { per: Per::Caller, more_than, .. } = condition {
        *more_than == 0 || may_be_known(kinds)
    } else if let Condition::LikeCalled { .. } = condition {
        is_full(kinds)
    } else if let Condition::NearList { .. } = condition {
        is_full(kinds) || kinds == KindSet::INTERNAL
    } else {
        true
    }
}

/// Returns whether a condition may not hold of a caller of these kinds.
pub(super) fn may_fail(condition: &Condition, kinds: KindSet) -> bool {
    if let Condition::All(all) = condition {
        all.iter().any(|inner| may_fail(inner, kinds))
    } else if let Condition::Any(any) = condition {
        any.iter().all(|inner| may_fail(inner, kinds))
    } else if let Condition::CallerKind(wanted) = condition {
        !wanted.meets(kinds)
    } else if let Condition::FirstTime(true) = condition {
        may_be_known(kinds)
    } else {
        true
    }
}

/// Returns whether callers of these kinds have a number or a name, or may, by which they are known when they call again. A
/// number that is in no plan is one, too.
fn may_be_known(kinds: KindSet) -> bool {
    kinds != KindSet::UNAVAILABLE
}

/// Returns whether a caller of these kinds may be one that a pattern means.
pub(super) fn may_be_meant(pattern: &Pattern, kinds: KindSet, region: Region) -> bool {
    let is_extension = || kinds == KindSet::INTERNAL || kinds == KindSet::ANONYMOUS;
    match pattern {
        Pattern::Exact(Number::E164(number)) => {
            let plain = CallerId::Number(Number::E164(*number));
            let caller = number.fault().map_or(plain, |fault| CallerId::Implausible(*number, fault));
            // A number that is withheld is looked up all the same.
            kinds == KindSet::of(&caller, region) || kinds == KindSet::ANONYMOUS
        }
        Pattern::Exact(Number::Internal(_)) | Pattern::Prefix(Prefix::Internal(_)) => is_extension(),
        Pattern::Prefix(Prefix::E164(prefix)) => may_begin(*prefix, kinds, region),
        Pattern::Range(range) => match (range.first(), range.shared_prefix()) {
            (Number::Internal(_), _) => is_extension(),
            (Number::E164(_), Some(Prefix::E164(prefix))) => may_begin(prefix, kinds, region),
            (Number::E164(_), Some(Prefix::Internal(_)) | None) => is_full(kinds),
        },
        Pattern::Expression(_) => is_full(kinds) || is_extension(),
        Pattern::Anonymous => kinds == KindSet::ANONYMOUS,
        Pattern::Unavailable => kinds == KindSet::UNAVAILABLE,
        Pattern::Invalid => kinds == KindSet::INVALID,
        // A name that is withheld is looked up, too.
        Pattern::Name(_) => kinds == KindSet::NAME || kinds == KindSet::ANONYMOUS,
    }
}

/// A rule names so many callers itself; more are left alone.
pub(super) const MOST: usize = 100;

fn may_be_on(list: &List, kinds: KindSet, region: Region) -> bool {
    let is_long = list.len() > MOST || list.sets().len() > 0;
    is_long || list.entries().any(|entry| may_be_meant(&entry.pattern(), kinds, region))
}

/// Returns whether callers of these kinds have a full number, or may: one that is withheld counts.
fn is_full(kinds: KindSet) -> bool {
    kinds.meets(KindSet::NUMBER.with(KindSet::INVALID).with(KindSet::ANONYMOUS))
}

fn may_be_of(country: Region, kinds: KindSet, region: Region) -> bool {
    let is_home = country == region && kinds.meets(KindSet::INTERNATIONAL);
    !is_home && may_begin(country.calling_code().into(), kinds, region)
}

fn may_begin(prefix: u64, kinds: KindSet, region: Region) -> bool {
    let networks = [
        (KindSet::MOBILE, LineKind::Mobile),
        (KindSet::TOLL_FREE, LineKind::TollFree),
        (KindSet::PREMIUM, LineKind::Premium),
    ];
    is_full(kinds)
        && networks.into_iter().all(|(set, kind)| !kinds.meets(set) || may_be(prefix, kind))
        && (!kinds.meets(KindSet::INTERNATIONAL) || may_be_abroad(prefix, region))
}

fn may_be_abroad(prefix: u64, region: Region) -> bool {
    let code = region.calling_code();
    let sharing = Region::all().filter(|other| other.calling_code() == code).count();
    calling_code_of(prefix) != Some(code) || sharing > 1
}
