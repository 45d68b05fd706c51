//! `[screen]`: what callers on the reject list, on the allow list, and on neither of them get.

use std::error::Error;

use ringfence_policy::{Action, Forward, Only, Rejection, Ringing, Target, Treatment, Work};
use softphone::Redirect;

use super::section::{At, Key, Section};

/// What `[screen]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) listed: Rejection,
    pub(crate) otherwise: Treatment,
    pub(crate) allowed: Treatment,
}

const LISTED: Key = Key::new(
    "listed",
    "a table with `code`, `phrase` and `warning`",
    "{ code = 486, phrase = \"Busy Here\", warning = \"User reject\" }",
);
const OTHERWISE: Key = Key::new(
    "otherwise",
    "\"ring\", \"reject\", \"ignore\", or a table with one of `ring`, `reject` and `redirect`",
    "{ ring = { limit = \"60s\" } }",
);
const ALLOWED: Key = Key::new(
    "allowed",
    "\"ring\", or a table with one of `ring` and `redirect`",
    "{ redirect = \"sip:1000@pbx.example\" }",
);
const RING: Key = Key::new("ring", "a table with `limit`", "{ limit = \"60s\" }");
const LIMIT: Key = Key::new("limit", "a duration from 1s to 1h", "\"60s\"");
const REJECT: Key = Key::new("reject", "a table with `code`, `phrase` and `warning`", "{ code = 603 }");
const REDIRECT: Key = Key::new("redirect", "a SIP or tel URI", "\"sip:1000@pbx.example\"");
const CODE: Key = Key::new("code", "a status code from 400 to 699", "486");
const PHRASE: Key = Key::new("phrase", "a reason phrase without line breaks", "\"Busy Here\"");
const WARNING: Key =
    Key::new("warning", "a text without line breaks, \"\" for no Warning", "\"User reject\"");

impl Default for Screen {
    fn default() -> Self {
        Self { listed: Rejection::busy(), otherwise: Treatment::ring(), allowed: Treatment::ring() }
    }
}

impl Screen {
    /// Reads a section; what it does not say keeps its default.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let screen = Self {
            listed: section.table(&LISTED).map_or(default.listed, |table| rejection(&table)),
            otherwise: otherwise(section).unwrap_or(default.otherwise),
            allowed: allowed(section).unwrap_or(default.allowed),
        };
        section.finish();
        screen
    }
}

fn otherwise(section: &Section<'_>) -> Option<Treatment> {
    match section.text_or_table(&OTHERWISE)? {
        Ok(At { value: "ring", .. }) => Some(Treatment::ring()),
        Ok(At { value: "reject", .. }) => Some(Treatment::reject("reject", Rejection::busy())),
        Ok(At { value: "ignore", .. }) => Some(Treatment::new("ignore", Work::Drop(Only::Always))),
        Ok(word) => unknown(section, &OTHERWISE, word),
        Err(table) => {
            let reject = table.table(&REJECT).map(|table| Treatment::reject("reject", rejection(&table)));
            let welcome = welcome(&table);
            one(&table, &OTHERWISE, [reject, welcome])
        }
    }
}

fn allowed(section: &Section<'_>) -> Option<Treatment> {
    match section.text_or_table(&ALLOWED)? {
        Ok(At { value: "ring", .. }) => Some(Treatment::ring()),
        Ok(At { value: "reject" | "ignore", span }) => {
            let hint = "take the caller off the allow list, or choose \"ring\" or a redirection";
            section.error(span, "an allowed caller is never rejected nor ignored", hint);
            None
        }
        Ok(word) => unknown(section, &ALLOWED, word),
        Err(table) => {
            let welcome = welcome(&table);
            one(&table, &ALLOWED, [welcome])
        }
    }
}

/// Reads `ring` or `redirect`; both at once are told by [`one`], for which the first is enough.
fn welcome(table: &Section<'_>) -> Option<Treatment> {
    let ring = table.table(&RING).map(|ring| {
        let limit = ring.duration(&LIMIT).filter(|limit| {
            let fits = (1..=3_600).contains(&limit.value.as_secs());
            if !fits {
                ring.unfit(&LIMIT, limit.span.clone(), &format!("{:?}", limit.value));
            }
            fits
        });
        ring.finish();
        let limit = limit.map_or(Action::RING_LIMIT, |limit| limit.value);
        Treatment::new("ring", Work::Ring(Ringing { limit, ..Ringing::default() }))
    });
    let redirect = table.text(&REDIRECT).and_then(|uri| match Target::parse(uri.value) {
        // Only the softphone knows all that a URI can be.
        Ok(to) => match Redirect::to(to.as_str()) {
            Ok(_) => {
                let forward = Forward { to, diversion: None, unsupported: None };
                Some(Treatment::new("redirect", Work::Forward(forward)))
            }
            Err(error) => unfit(table, &REDIRECT, uri.span, &error),
        },
        Err(error) => unfit(table, &REDIRECT, uri.span, &error),
    });
    ring.or(redirect)
}

/// Makes sure that a table names exactly one treatment.
fn one<T, const N: usize>(table: &Section<'_>, key: &Key, found: [Option<T>; N]) -> Option<T> {
    table.finish();
    let named = [&RING, &REJECT, &REDIRECT].into_iter().filter(|name| table.span_of(name).is_some()).count();
    if named != 1 {
        table.unfit(key, table.span(), if named == 0 { "an empty table" } else { "several" });
    }
    found.into_iter().flatten().next()
}

fn rejection(table: &Section<'_>) -> Rejection {
    let code = table.integer(&CODE, 400..=699).and_then(|at| u16::try_from(at.value).ok());
    let mut rejection = code.and_then(|code| Rejection::new(code).ok()).unwrap_or_else(Rejection::busy);
    if let Some(phrase) = table.text(&PHRASE) {
        rejection = match rejection.clone().phrase(phrase.value) {
            Ok(rejection) => rejection,
            Err(error) => unfit(table, &PHRASE, phrase.span, &error).unwrap_or(rejection),
        };
    }
    let warning = table.text(&WARNING);
    let text = warning.as_ref().map_or(Rejection::WARNING, |warning| warning.value);
    if text.is_empty() {
        rejection = rejection.without_warning();
    } else {
        let span = warning.as_ref().map_or(table.span(), |warning| warning.span.clone());
        rejection = match rejection.clone().warning(text) {
            Ok(rejection) => rejection,
            Err(error) => unfit(table, &WARNING, span, &error).unwrap_or(rejection),
        };
    }
    table.finish();
    rejection
}

fn unknown<T>(section: &Section<'_>, key: &Key, word: At<&str>) -> Option<T> {
    section.unfit(key, word.span, &format!("\"{}\"", super::section::brief(word.value)));
    None
}

fn unfit<T>(section: &Section<'_>, key: &Key, span: std::ops::Range<usize>, error: &dyn Error) -> Option<T> {
    section.error(span, error.to_string(), format!("for example: {} = {}", key.name, key.example));
    None
}
