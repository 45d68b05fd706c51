//! Text of strangers, fit for a terminal and a log.

use std::fmt;

/// Shows what a stranger wrote: on one line, without control characters, and not for ever.
pub(crate) fn printable(text: &str) -> impl fmt::Display {
    let shown = text.chars().take(LONGEST).map(|c| if is_unprintable(c) { '\u{fffd}' } else { c });
    shown.collect::<String>()
}

/// Enough to recognise a caller or an entry by.
const LONGEST: usize = 60;

/// Control characters, line breaks, what has no width, and marks that turn the direction of what follows.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
