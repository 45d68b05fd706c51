//! A ladder of many lifelines: one for each host, and a row for every message between two of them.
//!
//! ```text
//!                192.0.2.1:5060                      192.0.2.7:5060
//!          0.000 │ INVITE sip:858@192.0.2.7  CSeq 1 #a84b ────▶│
//!                │   from <sip:1002@192.0.2.1>                 │
//!          0.001 │◀──────────── 486 Busy Here  CSeq 1 INVITE   │
//! ```
//!
//! Plain text comes out. Whatever the network sent is shown without its control characters.

mod glimpse;
mod sketch;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

pub use sketch::{Sketch, Tone};

use crate::network::Fate;

/// A message that went from one host to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) at: Duration,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) fate: Fate,
    pub(crate) payload: &'a [u8],
}

/// Draws messages in their order.
pub(crate) fn draw(rows: &[Row<'_>]) -> String {
    let lanes = Lanes::of(rows);
    let drawn: String = rows.iter().map(|row| lanes.draw(row)).collect();
    lanes.head() + &drawn
}

/// The lifelines, from left to right.
struct Lanes {
    hosts: Vec<SocketAddr>,
    /// How many columns stand between two.
    span: usize,
}

/// What stands before the first lifeline: a time, right-aligned.
const GUTTER: usize = 14;
/// More lifelines fit on no screen: what goes from or to another host is told in words.
const MOST_LANES: usize = 6;
/// What is left of the sender of a detail, or of its receiver.
const INDENT: usize = 3;
/// So much of a Call-ID tells one from another.
const CALL_ID: usize = 6;

impl Lanes {
    fn of(rows: &[Row<'_>]) -> Self {
        let mut hosts = Vec::new();
        for host in rows.iter().flat_map(|row| [row.source, row.destination]) {
            if hosts.len() < MOST_LANES && !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        let span = match hosts.len() {
            0..=2 => 66,
            3 => 44,
            _ => 34,
        };
        Self { hosts, span }
    }

    /// Returns the row with the names of the hosts, each from its lifeline on.
    fn head(&self) -> String {
        let names = self.hosts.iter().map(|host| format!("{:1$}", host.to_string(), self.span + 1));
        let names = names.collect::<String>();
        format!("{:GUTTER$} {}\n", "", names.trim_end())
    }

    fn draw(&self, row: &Row<'_>) -> String {
        let sketch = Sketch::of(row.payload);
        let time = format!("{:GUTTER$.3} ", row.at.as_secs_f64());
        let label = said(&sketch);
        let place = |host| self.hosts.iter().position(|known| *known == host);
        let (from, to) = match (place(row.source), place(row.destination)) {
            (Some(from), Some(to)) if from != to => (from, to),
            _ => {
                return format!(
                    "{time}{} {} {}  {label}\n",
                    row.source,
                    head_of(row.fate, true),
                    row.destination
                );
            }
        };
        let room = from.abs_diff(to) * (self.span + 1) - 1;
        let mut drawn = self.row(&time, from, to, &arrow(&label, room, row.fate, from < to));
        for detail in &sketch.details {
            let detail = fitting(&visible(detail), room - 2 * INDENT);
            let gap = if from < to { INDENT } else { room - INDENT - detail.chars().count() };
            drawn += &self.row(&format!("{:GUTTER$} ", ""), from, to, &format!("{:gap$}{detail}", ""));
        }
        drawn
    }

    /// Sets a body between two lifelines, with the others beside it.
    fn row(&self, time: &str, from: usize, to: usize, body: &str) -> String {
        let (left, right) = (from.min(to), from.max(to));
        let others = |count: usize| format!("│{:1$}", "", self.span).repeat(count);
        let room = (right - left) * (self.span + 1) - 1;
        let after = others(self.hosts.len() - 1 - right);
        let row = format!("{time}{}│{body:room$}│{}", others(left), after.replacen('│', "", 1));
        let end = if right + 1 < self.hosts.len() { "│" } else { "" };
        format!("{}\n", (row + end).trim_end())
    }
}

/// Returns what a message is, in a row's words.
fn said(sketch: &Sketch) -> String {
    let mut words = visible(&sketch.label);
    if !sketch.aside.is_empty() {
        words = format!("{words}  {}", visible(&sketch.aside));
    }
    match &sketch.call_id {
        Some(id) => format!("{words} #{}", visible(id).chars().take(CALL_ID).collect::<String>()),
        None => words,
    }
}

/// Draws an arrow with its label at the sender's end.
fn arrow(label: &str, room: usize, fate: Fate, is_to_the_right: bool) -> String {
    let head = head_of(fate, is_to_the_right);
    let around = head.chars().count() + 3;
    let label = fitting(label, room.saturating_sub(around));
    let shaft = "─".repeat(room.saturating_sub(around + label.chars().count()) + 1);
    if is_to_the_right { format!(" {label} {shaft}{head}") } else { format!("{head}{shaft} {label} ") }
}

/// Returns the end of an arrow: what became of the message.
fn head_of(fate: Fate, is_to_the_right: bool) -> &'static str {
    match (fate, is_to_the_right) {
        (Fate::Delivered, true) => "▶",
        (Fate::Delivered, false) => "◀",
        (Fate::Duplicated, true) => "▶▶",
        (Fate::Duplicated, false) => "◀◀",
        (Fate::Streamed, true) => "▷",
        (Fate::Streamed, false) => "◁",
        (Fate::Lost, _) => "✗ lost ",
        (Fate::Unreachable, _) => "⊘ unreachable ",
    }
}

fn fitting(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Returns a text without what moves a terminal's cursor, or turns its direction.
fn visible(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || (' '..='~').contains(&letter) || letter == '…';
    text.chars().map(|letter| if is_plain(letter) { letter } else { '·' }).collect()
}
