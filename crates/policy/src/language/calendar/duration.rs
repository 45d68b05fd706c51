//! How long an event is, where its calendar says no end (RFC 5545 section 3.3.6).

use jiff::SignedDuration;

/// Reads `PT1H30M`, `P1D`, `P1DT12H` or `P2W`. A day is one of the calendar, whatever hours a clock change takes or adds.
pub(super) fn duration(text: &str) -> Option<SignedDuration> {
    let text = text.strip_prefix('+').unwrap_or(text).strip_prefix(['P', 'p'])?;
    let (days, times) = match text.split_once(['T', 't']) {
        Some((days, times)) => (days, Some(times)),
        None => (text, None),
    };
    let days = match days {
        "" if times.is_some() => 0,
        days => amounts(days, &[('W', 7 * DAY)]).or_else(|| amounts(days, &[('D', DAY)]))?,
    };
    let times = times.map_or(Some(0), |times| amounts(times, &[('H', 3_600), ('M', 60), ('S', 1)]))?;
    Some(SignedDuration::from_secs(days.checked_add(times)?))
}

/// In seconds.
const DAY: i64 = 24 * 3_600;

/// Adds amounts up that stand in the order of their units, each once, and one at least.
fn amounts(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let (mut rest, mut sum) = (text, 0_i64);
    for (unit, seconds) in units {
        let Some((amount, after)) = rest.split_once([*unit, unit.to_ascii_lowercase()]) else { continue };
        let is_number = !amount.is_empty() && amount.bytes().all(|byte| byte.is_ascii_digit());
        let amount: i64 = if is_number { amount.parse().ok()? } else { return None };
        sum = sum.checked_add(amount.checked_mul(*seconds)?)?;
        rest = after;
    }
    (rest.is_empty() && !text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_with_all_its_units() {
        for (text, seconds) in [
            ("PT1H", 3_600),
            ("PT1H30M", 5_400),
            ("+PT45M", 2_700),
            ("PT1H0M20S", 3_620),
            ("P1D", DAY),
            ("P15DT5H0M20S", 15 * DAY + 18_020),
            ("P7W", 49 * DAY),
            ("PT0S", 0),
        ] {
            assert_eq!(duration(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for wrong in [
            "", "P", "PT", "P1DT", "1H", "P1H", "PT1D", "-PT1H", "PT1M1H", "P1W1D", "PTH", "PT1", "PT1H ",
            "P1D1D",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(duration("P99999999999999999W"), None);
    }
}
