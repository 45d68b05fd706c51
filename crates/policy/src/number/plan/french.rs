//! The numbering plan that France and its departments overseas have in common: each national number is the same from all of
//! them, and by its first digits that of one calling code.

use super::FRANCE;

/// Returns the calling codes that a national number may have which begins with these digits: one, unless more digits are needed
/// to tell. Services are those of whoever dials.
pub(super) fn codes(national: &[u8], own: u16) -> impl Iterator<Item = u16> {
    let settled = if national.first() == Some(&8) { Some(own) } else { code(national) };
    let open = OVERSEAS.iter().filter(move |(_, firsts)| settled.is_none() && may_be(national, firsts));
    // Of France are all that no department has, also beside those of one.
    settled.or(Some(FRANCE)).into_iter().chain(open.map(|(code, _)| *code))
}

/// Returns the calling code of a national number whose first digits tell.
fn code(national: &[u8]) -> Option<u16> {
    let of_one = OVERSEAS.iter().find(|(_, firsts)| firsts.iter().any(|first| begins(national, first)));
    let code = of_one.map(|(code, _)| *code);
    let is_open = || OVERSEAS.iter().any(|(_, firsts)| may_be(national, firsts));
    code.or_else(|| (!is_open()).then_some(FRANCE))
}

/// Returns whether more digits could make of these the beginning of a number that begins so.
fn may_be(national: &[u8], firsts: &[&str]) -> bool {
    firsts.iter().any(|first| {
        national.len() < first.len()
            && national.iter().zip(first.bytes()).all(|(one, other)| *one == other - b'0')
    })
}

fn begins(national: &[u8], first: &str) -> bool {
    national.len() >= first.len()
        && national.iter().zip(first.bytes()).all(|(one, other)| *one == other - b'0')
}

/// What the numbers of each begin with: fixed ones, mobiles, and those that are of no place.
static OVERSEAS: [(u16, &[&str]); 4] = [
    // Réunion and Mayotte
    (
        262,
        &[
            "262", "263", "268", "269", "639", "692", "693", "7092", "70935", "70936", "70937", "9398",
            "9399", "9478", "9479", "9762", "9763", "9769",
        ],
    ),
    // Guadeloupe, Saint-Martin and Saint-Barthélemy
    (590, &["590", "5987", "690", "691", "7090", "9395", "9475", "9760", "9761", "9768"]),
    // French Guiana
    (594, &["594", "5988", "694", "70930", "70931", "70932", "70933", "9396", "9476", "9764", "9765"]),
    // Martinique
    (596, &["596", "5989", "696", "697", "7091", "9397", "9477", "9766", "9767"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn no_first_digits_begin_others() {
        let all: Vec<&str> = OVERSEAS.iter().flat_map(|(_, firsts)| firsts.iter().copied()).collect();
        for one in &all {
            let begun = all.iter().filter(|other| other.starts_with(one)).count();
            assert_eq!(begun, 1, "{one}");
        }
    }

    #[test]
    fn more_digits_leave_fewer_codes_and_a_whole_number_one() {
        let of = |text: &str| -> Vec<u16> { codes(&digits(text), 262).collect() };
        assert_eq!(of("1"), [33]);
        assert_eq!(of("8"), [262]);
        assert_eq!(of("69"), [33, 262, 590, 594, 596]);
        assert_eq!(of("692"), [262]);
        assert_eq!(of("7093"), [33, 262, 594]);
        assert_eq!(of("70934"), [33]);
        // No two numbers with the same five digits differ.
        for first in 10_000..=99_999_u32 {
            assert_eq!(of(&first.to_string()).len(), 1, "{first}");
        }
    }
}
