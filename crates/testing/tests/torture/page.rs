//! The table as a page for readers: `docs/torture.md`.

use std::fmt::Write as _;

use crate::judge::Judgement;
use crate::table::{Outcome, Row};

const HEAD: &str = "\
<!-- Written by crates/testing/tests/torture.rs from crates/testing/data/torture.toml and from what the endpoint
     does with each message. To write it anew: UPDATE=1 cargo test -p ringfence-testing --test torture -->

# The torture tests

What Ringfence makes of each message of RFC 4475 and RFC 5118, sent as one datagram to an endpoint of its own. The
messages lie byte for byte in `crates/testing/data`; `cargo test -p ringfence-testing --test torture` asserts every
row.

The endpoint is a user agent server. It is no registrar and no proxy, so that a well-formed REGISTER is refused with
405 and what only a proxy has to do is not done. An INVITE that it would have to refuse is not refused behind the
policy's back: *to the screen* means that the policy is shown the call and may reject it with a code of its own. What
is wrong with the INVITE is told beside it, and answered when the policy would let it ring.
";

pub(crate) fn page(rows: &[(Row, Judgement)]) -> String {
    let mut page = HEAD.to_owned();
    let count = |is_counted: fn(Outcome<'_>) -> bool| {
        rows.iter().filter(|(row, _)| is_counted(row.expect.outcome())).count()
    };
    write!(
        page,
        "\nOf {} messages {} are calls with nothing to object to, {} are calls with an objection, {} are answered at \
         once and {} are dropped.\n",
        rows.len(),
        count(|it| it == Outcome::Acted),
        count(|it| matches!(it, Outcome::Told(_))),
        count(|it| matches!(it, Outcome::Response(_))),
        count(|it| matches!(it, Outcome::Dropped(_))),
    )
    .unwrap();
    for document in [4475, 5118] {
        write!(page, "\n## RFC {document}\n\n").unwrap();
        page.push_str("| message | it tests | Ringfence | the RFC | left open |\n|---|---|---|---|---|\n");
        for (row, judgement) in rows.iter().filter(|(row, _)| row.document == document) {
            let cells =
                [message(row), cell(&row.tests), outcome(row, judgement), sentences(row), choice(row)];
            writeln!(page, "| {} |", cells.join(" | ")).unwrap();
        }
    }
    page
}

fn message(row: &Row) -> String {
    format!("`{}`<br>{}<br>{}", row.name(), link(row.document, &row.section), cell(&row.title))
}

fn outcome(row: &Row, judgement: &Judgement) -> String {
    let answer = cell(judgement.answer.as_deref().unwrap_or_default());
    let done = match row.expect.outcome() {
        Outcome::Acted => "**to the screen**".to_owned(),
        Outcome::Told(_) => format!("**to the screen**, with the objection **{answer}**"),
        Outcome::Response(_) => format!("**{answer}**"),
        Outcome::Dropped(counter) => format!("dropped, counted as `dropped_{counter}`"),
    };
    format!("{done}<br>{}", cell(&row.why))
}

fn sentences(row: &Row) -> String {
    let mut text = format!("\u{201c}{}\u{201d}", cell(&row.rfc));
    if let Some(also) = &row.also {
        let link = link(also.document, &also.section);
        write!(text, "<br>\u{201c}{}\u{201d} ({link})", cell(&also.words)).unwrap();
    }
    text
}

fn choice(row: &Row) -> String {
    let Some(choice) = &row.choice else { return String::new() };
    let (chosen, others) = choice.acceptable.split_first().unwrap();
    format!("{chosen} rather than {}: {}", others.join(" or "), cell(&choice.because))
}

fn link(document: u16, section: &str) -> String {
    format!("[RFC {document}, {section}](https://www.rfc-editor.org/rfc/rfc{document}#section-{section})")
}

/// Text that Markdown takes for nothing else.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}
