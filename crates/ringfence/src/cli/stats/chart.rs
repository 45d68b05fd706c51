//! Bars in a terminal.

/// What bars are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Blocks in two shades, which tell without colours.
    Blocks,
    /// `#` and `-`.
    Ascii,
}

/// How many columns the longest bar takes.
const WIDTH: u64 = 40;

impl Ink {
    /// Returns what the reader can show: a terminal that is dumb, or a locale without Unicode, gets ASCII.
    pub(super) fn of_terminal() -> Self {
        let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(of).unwrap_or_default();
        Self::of(of("TERM").as_deref(), &locale)
    }

    fn of(terminal: Option<&str>, locale: &str) -> Self {
        let locale = locale.to_lowercase();
        let is_unicode = locale.contains("utf-8") || locale.contains("utf8");
        if is_unicode && terminal != Some("dumb") { Self::Blocks } else { Self::Ascii }
    }
}

/// Returns a bar in two parts: `part` of `total`, where the longest bar stands for `most`. What there is
/// at all is never too short to be seen.
pub(super) fn bar(part: u64, total: u64, most: u64, ink: Ink) -> (String, String) {
    let columns = |count: u64| match (count * WIDTH).checked_div(most).unwrap_or_default() {
        0 if count > 0 => 1,
        columns => columns,
    };
    let first = columns(part);
    let second = columns(total).saturating_sub(first).max(u64::from(total > part));
    let (one, other) = (sample(ink, true), sample(ink, false));
    let repeat = |text: &str, count: u64| text.repeat(usize::try_from(count).unwrap_or_default());
    (repeat(one, first), repeat(other, second))
}

/// Returns a bit of one part of a bar, for a legend.
pub(super) fn sample(ink: Ink, is_part: bool) -> &'static str {
    match (ink, is_part) {
        (Ink::Blocks, true) => "█",
        (Ink::Blocks, false) => "▒",
        (Ink::Ascii, true) => "#",
        (Ink::Ascii, false) => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_full_and_the_shortest_is_seen() {
        let lengths = |part, total| {
            let (away, others) = bar(part, total, 1_000_000, Ink::Blocks);
            (away.chars().count(), others.chars().count())
        };
        assert_eq!(lengths(1_000_000, 1_000_000), (40, 0));
        assert_eq!(lengths(500_000, 1_000_000), (20, 20));
        assert_eq!(lengths(0, 1), (0, 1));
        assert_eq!(lengths(1, 2), (1, 1));
        assert_eq!(lengths(0, 0), (0, 0));
        assert_eq!(bar(0, 0, 0, Ink::Ascii), (String::new(), String::new()));
    }

    #[test]
    fn a_terminal_without_unicode_gets_ascii() {
        for (terminal, locale, expected) in [
            (Some("xterm-256color"), "de_CH.UTF-8", Ink::Blocks),
            (None, "C.utf8", Ink::Blocks),
            (Some("dumb"), "de_CH.UTF-8", Ink::Ascii),
            (Some("linux"), "C", Ink::Ascii),
            (None, "", Ink::Ascii),
        ] {
            assert_eq!(Ink::of(terminal, locale), expected, "{terminal:?} {locale}");
        }
    }
}
