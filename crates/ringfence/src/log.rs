//! The log: fields for machines, one line an event; who called is redacted unless it is asked for.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line of text an event.
    Text,
    /// One JSON object an event.
    Json,
}

/// Starts the log on the standard error. `RUST_LOG` says what is logged; without it `info` and worse.
pub(crate) fn start(format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match format {
        Format::Text => log.with_ansi(!is_plain && std::io::stderr().is_terminal()).init(),
        Format::Json => log.json().flatten_event(true).init(),
    }
}

/// Returns a caller so that two can be told apart and neither can be dialled: `+4179•••••67`.
pub(crate) fn redacted(caller: &str) -> String {
    let letters: Vec<char> = caller.chars().filter(|letter| !letter.is_control()).collect();
    let digits = letters.iter().filter(|letter| letter.is_ascii_digit()).count();
    if digits == 0 && ["anonymous", "unavailable", "invalid"].contains(&caller) {
        return caller.to_owned();
    }
    if letters.len() < 8 {
        return "•".repeat(letters.len().max(1));
    }
    let (head, tail) = (&letters[..5], &letters[letters.len() - 2..]);
    head.iter().chain(&vec!['•'; (letters.len() - 7).min(8)]).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn a_number_keeps_its_country_and_its_end() {
        assert_eq!(redacted("+41791234567"), "+4179•••••67");
        assert_eq!(redacted("+442079460123"), "+4420••••••23");
    }

    #[test]
    fn what_is_short_or_a_name_is_not_shown() {
        assert_eq!(redacted("1002"), "••••");
        assert_eq!(redacted("anonymous"), "anonymous");
        assert_eq!(redacted("alice.smith"), "alice••••th");
        assert_eq!(redacted(""), "•");
    }
}
