//! The colours of everything the program prints for people.
//!
//! They are always written; `anstream` takes them away where the reader is no terminal or says `NO_COLOR`.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

/// An error, a rejection, a line that is not registered.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A warning, a redirection, something under way.
pub(crate) const CAUTION: Style = AnsiColor::Yellow.on_default().bold();
/// Success: a registered line, a call that was let through.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// A request on the wire, a hint: what leads on.
pub(crate) const LEAD: Style = AnsiColor::Cyan.on_default();
/// What may be skipped: frames, times, provisional responses.
pub(crate) const DIM: Style = Style::new().dimmed();
/// A heading, a name.
pub(crate) const STRONG: Style = Style::new().bold();

/// Returns `text` in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Returns how many columns `text` takes, not counting its colours: an East Asian character takes two, an accent none.
pub(crate) fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}
