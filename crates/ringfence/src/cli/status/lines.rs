//! What `status` says of the lines: how many there are of each state, and a row for each that is asked for.

use anyhow::Result;
use jiff::Timestamp;

use super::labelled;
use crate::cli::failure::with_hint;
use crate::cli::output::{between, span};
use crate::control::{LineState, LineStates, LineStatus};
use crate::page::{Page, table};
use crate::style::{BAD, CAUTION, GOOD, paint};
use crate::visible::visible;

/// Lines that are named to who named one that there is not.
const MOST_NAMED: usize = 20;

/// Leaves those of the lines that have one of these names; without one, all.
pub(super) fn choose(lines: &mut Vec<LineStatus>, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| lines.iter().all(|line| line.name != **name)) {
        return Err(with_hint(format!("there is no line {unknown:?}"), there_are(lines)));
    }
    lines.retain(|line| names.is_empty() || names.contains(&line.name));
    Ok(())
}

/// Returns what is said to who named a line that there is not.
fn there_are(lines: &[LineStatus]) -> String {
    if lines.len() > MOST_NAMED {
        return "`ringfence status` names them all".to_owned();
    }
    let known: Vec<_> = lines.iter().map(|line| visible(&line.name)).collect();
    format!("there are: {}", known.join(", "))
}

/// Adds a row for each line.
pub(super) fn rows(page: &mut Page, lines: &[LineStatus], now: Timestamp) {
    if lines.is_empty() {
        return;
    }
    page.line("");
    let rows: Vec<_> = lines.iter().map(|line| row(line, now)).collect();
    page.add(table(&["LINE", "ADDRESS", "STATE", "NEXT", "CAUSE"], &rows));
}

/// Tells how many of all lines are registered, and how the others stand.
pub(super) fn sum(page: &mut Page, states: LineStates) {
    let LineStates { registering, registered, failed, unregistered, refused, unmoved } = states;
    let others = [
        (registering, CAUTION, "registering"),
        (failed, BAD, "failed"),
        (unregistered, BAD, "unregistered"),
        (refused, BAD, "refused"),
        (unmoved, GOOD, "without registration"),
    ];
    let register = registered + registering + failed + unregistered + refused;
    let mut parts = Vec::new();
    if register > 0 {
        parts.push(format!("{registered} of {register} registered"));
    }
    let told = others.into_iter().filter(|(count, ..)| *count > 0);
    parts.extend(told.map(|(count, style, state)| paint(style, format_args!("{count} {state}"))));
    labelled(page, "lines", parts.join(", "));
}

fn row(line: &LineStatus, now: Timestamp) -> Vec<String> {
    let (style, state) = match line.state {
        LineState::Registered => (GOOD, "registered"),
        LineState::Static => (GOOD, "no registration"),
        LineState::Registering => (CAUTION, "registering"),
        LineState::Failed => (BAD, "failed"),
        LineState::Unregistered => (BAD, "unregistered"),
        LineState::Refused => (BAD, "refused"),
    };
    let next = match line.next.map(|next| between(now, next)) {
        _ if line.refreshing => "under way".to_owned(),
        None => String::new(),
        Some(wait) if wait.as_secs() == 0 => "now".to_owned(),
        Some(wait) => format!("in {}", span(wait)),
    };
    let cause = line.cause.as_deref().map(visible).unwrap_or_default();
    vec![line.name.clone(), line.address.clone(), paint(style, state), next, cause]
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn lines_are_chosen_by_name_and_one_that_there_is_not_is_an_error_that_names_a_few() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut some = lines();
        choose(&mut some, &names(&["trunk", "home"])).unwrap();
        assert_eq!(some.iter().map(|line| &*line.name).collect::<Vec<_>>(), ["home", "trunk"]);
        assert_eq!(
            choose(&mut some, &names(&["hoem"])).unwrap_err().to_string(),
            "there is no line \"hoem\""
        );
        assert_eq!(there_are(&some), "there are: home, trunk");
        let mut many: Vec<_> = (0..30).map(|_| lines().swap_remove(0)).collect();
        assert_eq!(there_are(&many), "`ringfence status` names them all");
        choose(&mut many, &[]).unwrap();
        assert_eq!(many.len(), 30);
    }

    #[test]
    fn the_sum_tells_how_many_of_those_that_register_are_registered() {
        for (states, expected) in [
            (
                LineStates { registered: 9_967, failed: 20, registering: 13, ..LineStates::default() },
                "lines          9967 of 10000 registered, 13 registering, 20 failed\n",
            ),
            (LineStates { unmoved: 1, ..LineStates::default() }, "lines          1 without registration\n"),
        ] {
            let mut page = Page::new();
            sum(&mut page, states);
            assert_eq!(anstream::adapter::strip_str(&page.to_string()).to_string(), expected);
        }
    }
}
