//! The table of torture messages: what an endpoint must make of each, and which sentence asks for it.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) message: Vec<Row>,
}

/// One message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) file: String,
    pub(crate) document: u16,
    pub(crate) section: String,
    pub(crate) title: String,
    /// What it tests.
    pub(crate) tests: String,
    pub(crate) expect: Expect,
    /// The sentence of its own section.
    pub(crate) rfc: String,
    /// A sentence of another section that completes it.
    pub(crate) also: Option<Quote>,
    pub(crate) why: String,
    pub(crate) choice: Option<Choice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quote {
    pub(crate) document: u16,
    pub(crate) section: String,
    pub(crate) words: String,
}

/// What the text leaves open: every outcome it allows, the chosen one first, and why that.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    pub(crate) acceptable: Vec<String>,
    pub(crate) because: String,
}

/// What is to come of a message, and what its response must say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    acted: Option<bool>,
    told: Option<u16>,
    response: Option<u16>,
    dropped: Option<String>,
    phrase_contains: Option<String>,
    /// One of these.
    #[serde(default)]
    phrase_contains_any: Vec<String>,
    /// Must be present.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    /// The values of Unsupported, in order.
    #[serde(default)]
    pub(crate) unsupported: Vec<String>,
}

/// What is to come of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<'t> {
    /// An INVITE reaches the screen with no objection.
    Acted,
    /// An INVITE reaches the screen with this objection, which also goes out when the screen has no other wish.
    Told(u16),
    /// It is answered without the screen.
    Response(u16),
    /// No answer and no event: this counter goes up by one.
    Dropped(&'t str),
}

impl Table {
    pub(crate) fn read() -> Self {
        toml::from_str(include_str!("../../data/torture.toml")).unwrap()
    }
}

impl Row {
    pub(crate) fn datagram(&self) -> Vec<u8> {
        let path = format!("{}/data/{}", env!("CARGO_MANIFEST_DIR"), self.file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Its name in the RFC, such as `wsinv`.
    pub(crate) fn name(&self) -> &str {
        let (_, name) = self.file.split_once('/').unwrap();
        name.trim_end_matches(".dat")
    }
}

impl Expect {
    pub(crate) fn outcome(&self) -> Outcome<'_> {
        match (self.acted, self.told, self.response, self.dropped.as_deref()) {
            (Some(true), None, None, None) => Outcome::Acted,
            (None, Some(status), None, None) => Outcome::Told(status),
            (None, None, Some(status), None) => Outcome::Response(status),
            (None, None, None, Some(counter)) => Outcome::Dropped(counter),
            _ => panic!("expected exactly one of acted, told, response and dropped"),
        }
    }

    /// The words of which the reason phrase must contain one; none where it may say anything.
    pub(crate) fn phrases(&self) -> Vec<&str> {
        self.phrase_contains.iter().chain(&self.phrase_contains_any).map(String::as_str).collect()
    }
}
