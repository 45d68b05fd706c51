//! Bytes by the eight: what is asked of every byte of a value, and where a byte stands.
//!
//! In a value of a few dozen bytes that costs less than a call into a search by vectors, which comes to its own in whole
//! lines.

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// Returns what stands before the first of a byte, with zeros behind it, and where that is: among the first 15.
pub(super) fn words_before(bytes: &[u8; 16], byte: u8) -> Option<([u64; 2], usize)> {
    let ([first, next], _) = bytes.as_chunks::<8>() else { return None };
    let (first, next) = (u64::from_le_bytes(*first), u64::from_le_bytes(*next));
    let marks = equal(first, byte);
    if marks != 0 {
        return Some(([first & below_mark(marks), 0], place(marks)));
    }
    let marks = equal(next, byte);
    let before = [first, next & below_mark(marks)];
    (marks != 0).then(|| (before, 8 + place(marks))).filter(|&(_, at)| at < 15)
}

/// Counts bytes before one that may end a line, is NUL or another control character below them, unless the end is near.
pub(super) fn one_line_before(bytes: &[u8]) -> Option<usize> {
    let mut count = 0;
    for block in bytes.as_chunks::<16>().0 {
        if any(block, may_end_line) {
            let marks =
                |word: Option<&[u8; 8]>| word.map_or(0, |word| below(u64::from_le_bytes(*word), b'\r' + 1));
            let (first, next) = (marks(block.first_chunk()), marks(block.last_chunk()));
            return Some(count + if first == 0 { 8 + place(next) } else { place(first) });
        }
        count += block.len();
    }
    None
}

/// Counts visible bytes before a byte, or before white space or a control character; none of fewer than eight.
pub(super) fn visible_before(bytes: &[u8], byte: u8) -> usize {
    let marks = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        equal(word, byte) | below(word, b' ' + 1)
    };
    let mut count = 0;
    for word in bytes.as_chunks::<8>().0 {
        let marks = marks(word);
        if marks != 0 {
            return count + place(marks);
        }
        count += 8;
    }
    // The last eight overlap those before them, which are visible.
    match bytes.last_chunk().map(marks) {
        Some(0) => bytes.len(),
        Some(marks) => bytes.len() - 8 + place(marks),
        None => 0,
    }
}

/// Tells whether no byte is white space or a control character.
pub(super) fn is_visible(bytes: &[u8]) -> bool {
    let is_none = |block: &[u8; 16]| !any(block, |byte| byte <= b' ' || byte == 0x7f);
    are_all(bytes, is_none)
        .unwrap_or_else(|| has_none(bytes, b'a', |word| below(word, b' ' + 1) | equal(word, 0x7f)))
}

/// Tells whether no byte ends a line or is NUL; some other control characters make it doubtful, which is told as no.
pub(super) fn is_surely_one_line(bytes: &[u8]) -> bool {
    let is_none = |block: &[u8; 16]| !any(block, may_end_line);
    are_all(bytes, is_none).unwrap_or_else(|| has_none(bytes, b'a', |word| below(word, b'\r' + 1)))
}

fn may_end_line(byte: u8) -> bool {
    byte <= b'\r'
}

/// Tells whether a byte is nowhere.
pub(super) fn is_without(bytes: &[u8], byte: u8) -> bool {
    let is_none = |block: &[u8; 16]| !any(block, |one| one == byte);
    // Another byte fills up what is shorter than a word.
    are_all(bytes, is_none).unwrap_or_else(|| has_none(bytes, !byte, |word| equal(word, byte)))
}

/// Tells whether one of sixteen bytes is what is looked for: without a branch between them, a processor compares all of
/// them at once.
fn any(block: &[u8; 16], is_one: impl Fn(u8) -> bool) -> bool {
    block.iter().fold(0, |found, &byte| found | u8::from(is_one(byte))) != 0
}

/// Tells whether all sixteen bytes are so, wherever they begin; nothing of fewer.
fn are_all(bytes: &[u8], are_so: impl Fn(&[u8; 16]) -> bool) -> Option<bool> {
    let last = bytes.last_chunk()?;
    // The last sixteen overlap those before them, unless these are all.
    Some(bytes.as_chunks().0.iter().all(&are_so) && are_so(last))
}

/// Tells whether nothing is found in any eight bytes.
fn has_none(bytes: &[u8], filler: u8, found: impl Fn(u64) -> u64) -> bool {
    let is_none = |word: &[u8; 8]| found(u64::from_le_bytes(*word)) == 0;
    match bytes.last_chunk::<8>() {
        // The last eight overlap those before them, unless these are all.
        Some(last) => bytes.as_chunks::<8>().0.iter().all(is_none) && is_none(last),
        None => {
            found(bytes.iter().fold(ONES * u64::from(filler), |word, &byte| word << 8 | u64::from(byte))) == 0
        }
    }
}

/// Marks bytes that equal one. A borrow spoils only what is above the first of them.
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// Marks bytes that are less than one of at most 0x80. A borrow spoils only what is above the first of them.
fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGH
}

/// All bits of the bytes before the first mark.
fn below_mark(marks: u64) -> u64 {
    ((marks & marks.wrapping_neg()) >> 7).wrapping_sub(1)
}

/// The place of the first mark.
fn place(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_to_be_in_a_value_is_seen_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for (length, at) in (1..20).flat_map(|length| (0..length).map(move |at| (length, at))) {
                let mut bytes = vec![b'a'; length];
                bytes[at] = byte;
                assert_eq!(is_visible(&bytes), byte > b' ' && byte != 0x7f, "{byte} at {at} of {length}");
                assert_eq!(is_surely_one_line(&bytes), byte > b'\r', "{byte} at {at} of {length}");
            }
        }
        assert!(is_visible(b"") && is_surely_one_line(b""));
    }

    #[test]
    fn a_byte_is_seen_wherever_it_stands() {
        for (length, at) in (1..20).flat_map(|length| (0..length).map(move |at| (length, at))) {
            let mut bytes = vec![b'%' | 0x80; length];
            assert!(is_without(&bytes, b'%'));
            assert!(bytes.contains(&b'a') || is_without(&bytes, b'a'));
            bytes[at] = b'%';
            assert!(!is_without(&bytes, b'%'), "at {at} of {length}");
        }
    }

    #[test]
    fn what_is_visible_is_counted_up_to_what_is_not_or_is_looked_for() {
        for byte in (0..=b' ').chain([b'>']) {
            for (length, at) in (1..40).flat_map(|length| (0..length).map(move |at| (length, at))) {
                let mut bytes = vec![b'>' | 0x80; length];
                bytes[at] = byte;
                let visible = if length < 8 { 0 } else { at };
                assert_eq!(visible_before(&bytes, b'>'), visible, "{byte} at {at} of {length}");
            }
        }
    }

    #[test]
    fn what_stands_before_the_first_of_several_is_told_whatever_that_is() {
        for before in [b'a', b':' - 1, b':' + 1, b':' | 0x80, 0, u8::MAX] {
            for at in 0..16 {
                let (mut bytes, mut name) = ([before; 16], [0; 16]);
                bytes[at..].fill(b':');
                name[..at].fill(before);
                let words = name.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
                let found = words_before(&bytes, b':').map(|(words, at)| (words.to_vec(), at));
                assert_eq!(found, (at < 15).then(|| (words.collect(), at)), "{before} before {at}");
            }
        }
        assert_eq!(words_before(&[b';'; 16], b':'), None);
    }

    #[test]
    fn a_byte_that_may_end_a_line_is_found_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for (length, at) in (1..40).flat_map(|length| (0..length).map(move |at| (length, at))) {
                let mut bytes = vec![b'a' | 0x80; length];
                bytes[at] = byte;
                let is_found = byte <= b'\r' && at < length / 16 * 16;
                assert_eq!(one_line_before(&bytes), is_found.then_some(at), "{byte} at {at} of {length}");
            }
        }
    }
}
