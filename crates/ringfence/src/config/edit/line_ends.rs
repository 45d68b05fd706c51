//! The line ends of a file that is edited: a line that stays keeps its own, a new one ends as most do.

/// Returns a text with every line ending in `\n` alone, as edits have it.
pub(super) fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Returns what a text became, given with plain line ends, with those that it had. A mark at its beginning stays too.
pub(super) fn kept(before: &str, after: &str) -> String {
    let (mark, before) = before.strip_prefix(MARK).map_or(("", before), |before| (MARK, before));
    let after = after.strip_prefix(MARK).unwrap_or(after);
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let is_same = |(old, new): &(&&str, &&str)| plain(old) == **new;
    let first = old.iter().zip(&new).take_while(is_same).count();
    let rest = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(is_same).count();
    let windows = old.iter().filter(|line| line.ends_with("\r\n")).count();
    let end = if windows * 2 > old.len() { "\r\n" } else { "\n" };
    let changed = new.get(first..new.len() - last).unwrap_or_default();
    let changed = changed.iter().map(|line| line.replace('\n', end));
    let of_old = |lines: Option<&[&str]>| lines.unwrap_or_default().concat();
    let unchanged = (of_old(old.get(..first)), of_old(old.get(old.len() - last..)));
    [mark.to_owned(), unchanged.0].into_iter().chain(changed).chain([unchanged.1]).collect()
}

/// What some editors put before the first letter of a text in UTF-8.
const MARK: &str = "\u{feff}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_stay_keep_their_ends_and_new_ones_end_as_most_do() {
        for (before, after, expected) in [
            ("a\nb\n", "a\nx\nb\n", "a\nx\nb\n"),
            ("a\r\nb\r\n", "a\nx\nb\n", "a\r\nx\r\nb\r\n"),
            ("a\r\nb\r\nc\n", "a\nb\nc\nx\n", "a\r\nb\r\nc\nx\r\n"),
            ("a\nb\nc\r\n", "c\nx\n", "c\nx\n"),
            ("a\r\nb\r\nc", "a\nb\nc\nx\n", "a\r\nb\r\nc\r\nx\r\n"),
            ("a\r\na\r\n", "a\n", "a\r\n"),
            ("a\r\n", "a\na\na\n", "a\r\na\r\na\r\n"),
            ("\u{feff}a\r\n", "a\nx\n", "\u{feff}a\r\nx\r\n"),
            ("", "x\n", "x\n"),
            ("a", "", ""),
        ] {
            assert_eq!(kept(before, after), expected, "{before:?} {after:?}");
        }
    }
}
