//! `ringfence stats`

mod chart;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use self::chart::Ink;
use super::output::{print, print_json};
use super::records::{Records, since, told};
use super::{Answer, Context};
use crate::journal::{Stats as Counted, Verdicts};
use crate::page::{Page, table};
use crate::style::{BAD, DIM, GOOD, STRONG, paint};
use crate::visible::{cut, visible};

/// Count the calls per rule, list, line and day
#[derive(Debug, Args)]
pub(super) struct Stats {
    /// Calls since then: 30d, 2026-03-01
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    since: String,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Told<'a> {
    since: Option<Timestamp>,
    #[serde(flatten)]
    counted: &'a Counted,
}

impl Stats {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let since = since(Some(&self.since), now)?;
        let records = Records::open(context).await?;
        let zone = TimeZone::system();
        let counted = records.reader().map(|reader| reader.stats(since, &zone)).transpose();
        let counted = counted.map_err(|error| told(&error))?.unwrap_or_default();
        if self.json {
            print_json(&Told { since, counted: &counted })?;
        } else {
            let days = since.map(|since| (zone.to_datetime(since).date(), zone.to_datetime(now).date()));
            print(rendered(&counted, days, Ink::of_terminal()))?;
        }
        Ok(Answer::Fine)
    }
}

/// Rows of a table at most, the most frequent ones.
const MOST_ROWS: usize = 20;
/// Days that are drawn at most, the latest ones.
const MOST_DAYS: usize = 31;

fn rendered(counted: &Counted, days: Option<(Date, Date)>, ink: Ink) -> Page {
    let mut page = Page::new();
    let all = counted.all.total();
    if all == 0 {
        page.line("no calls");
        return page;
    }
    let s = if all == 1 { "" } else { "s" };
    let verbs: Vec<String> =
        counted.all.0.iter().map(|(verb, count)| format!("{count} {}", past(verb))).collect();
    page.line(format_args!("{} {}", paint(STRONG, format_args!("{all} call{s}:")), verbs.join(", ")));
    section(&mut page, "RULE", &counted.rules, all, ink);
    section(&mut page, "LIST", &counted.lists, all, ink);
    section(&mut page, "LINE", &counted.lines, all, ink);
    if !counted.shadows.is_empty() {
        page.line("");
        let rows: Vec<Vec<String>> = sorted(&counted.shadows, |count| *count)
            .map(|(rule, count)| vec![named(rule), count.to_string()])
            .collect();
        page.add(table(&["SHADOW RULE", "WOULD HAVE DECIDED"], &rows));
    }
    daily(&mut page, &counted.days, days, ink);
    page
}

/// Draws one table: who, how many calls, how many of them were turned away, and a bar.
fn section(page: &mut Page, heading: &str, counted: &BTreeMap<String, Verdicts>, all: u64, ink: Ink) {
    if counted.is_empty() {
        return;
    }
    page.line("");
    let most = counted.values().map(Verdicts::total).max().unwrap_or_default();
    let rows: Vec<Vec<String>> = sorted(counted, Verdicts::total)
        .take(MOST_ROWS)
        .map(|(name, verdicts)| {
            let total = verdicts.total();
            vec![named(name), total.to_string(), percent(total, all), bar(verdicts, most, ink)]
        })
        .collect();
    page.add(table(&[heading, "CALLS", "OF ALL", ""], &rows));
    if counted.len() > MOST_ROWS {
        page.line(paint(DIM, format_args!("and {} more", counted.len() - MOST_ROWS)));
    }
}

/// Draws a bar a day, days without a call too.
fn daily(page: &mut Page, counted: &BTreeMap<Date, Verdicts>, days: Option<(Date, Date)>, ink: Ink) {
    let first = counted.keys().next().copied();
    let last = counted.keys().next_back().copied();
    let (Some(first), Some(last)) = (first, last) else { return };
    // A journal that begins later says nothing of the days before it.
    let last = days.map_or(last, |(_, today)| today.max(last));
    let nothing = Verdicts::default();
    let mut drawn: Vec<(Date, &Verdicts)> = Vec::new();
    let mut day = last;
    while day >= first && drawn.len() < MOST_DAYS {
        drawn.push((day, counted.get(&day).unwrap_or(&nothing)));
        let Ok(before) = day.yesterday() else { break };
        day = before;
    }
    let most = drawn.iter().map(|(_, verdicts)| verdicts.total()).max().unwrap_or_default();
    let rows: Vec<Vec<String>> = drawn
        .iter()
        .rev()
        .map(|(day, verdicts)| {
            vec![
                day.strftime("%Y-%m-%d %a").to_string(),
                verdicts.total().to_string(),
                bar(verdicts, most, ink),
            ]
        })
        .collect();
    page.line("");
    page.add(table(&["DAY", "CALLS", ""], &rows));
    let [away, others] = [true, false].map(|is_away| chart::sample(ink, is_away));
    page.line("");
    page.line(format_args!("{} turned away   {} let through", paint(BAD, away), paint(GOOD, others)));
}

/// Draws how many calls were turned away, and behind them the others.
fn bar(verdicts: &Verdicts, most: u64, ink: Ink) -> String {
    let away = verdicts.of("reject") + verdicts.of("ignore") + verdicts.of("refuse");
    let (away, others) = chart::bar(away, verdicts.total(), most, ink);
    let drawn = [(BAD, away), (GOOD, others)].into_iter().filter(|(_, part)| !part.is_empty());
    drawn.map(|(style, part)| paint(style, part)).collect()
}

fn sorted<T>(counted: &BTreeMap<String, T>, count: impl Fn(&T) -> u64) -> impl Iterator<Item = (&str, &T)> {
    let mut rows: Vec<(&str, &T)> = counted.iter().map(|(name, counted)| (name.as_str(), counted)).collect();
    rows.sort_by_key(|(_, counted)| std::cmp::Reverse(count(counted)));
    rows.into_iter()
}

fn named(name: &str) -> String {
    visible(&cut(name, 40))
}

fn percent(part: u64, all: u64) -> String {
    let tenths = (part * 1_000).checked_div(all).unwrap_or_default();
    format!("{:>3}.{} %", tenths / 10, tenths % 10)
}

fn past(verb: &str) -> &str {
    match verb {
        "reject" => "rejected",
        "redirect" => "redirected",
        "send_on" => "sent on",
        "ring" => "rung",
        "stand_aside" => "stood aside",
        "ignore" => "ignored",
        "refuse" => "could not ring",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn verdicts(counts: &[(&str, u64)]) -> Verdicts {
        Verdicts(counts.iter().map(|(verb, count)| ((*verb).to_owned(), *count)).collect())
    }

    fn counted() -> Counted {
        let named = |name: &str, counts: &[(&str, u64)]| (name.to_owned(), verdicts(counts));
        Counted {
            all: verdicts(&[("reject", 30), ("ring", 9), ("refuse", 1)]),
            rules: [named("listed", &[("reject", 30)]), named("otherwise", &[("ring", 9), ("refuse", 1)])]
                .into(),
            lists: [named("reject", &[("reject", 30)])].into(),
            lines: [named("home", &[("reject", 30), ("ring", 9), ("refuse", 1)])].into(),
            days: [
                (date(2026, 3, 1), verdicts(&[("reject", 20), ("ring", 9)])),
                (date(2026, 3, 3), verdicts(&[("reject", 10), ("refuse", 1)])),
            ]
            .into(),
            shadows: [("idea".to_owned(), 4)].into(),
        }
    }

    #[test]
    fn calls_are_counted_per_rule_list_line_and_day_with_bars() {
        let days = Some((date(2026, 2, 1), date(2026, 3, 4)));
        let page = rendered(&counted(), days, Ink::Ascii).to_string();
        insta::assert_snapshot!(anstream::adapter::strip_str(&page).to_string());
    }

    #[test]
    fn without_calls_that_is_said() {
        assert_eq!(rendered(&Counted::default(), None, Ink::Blocks).to_string(), "no calls\n");
    }
}
