//! All that `ringfence why` tells: as JSON, and as a page.

use jiff::Timestamp;
use ringfence_policy::Trace;
use serde::Serialize;

use crate::cli::calls::{Handle, ended, moment, verdict, who};
use crate::journal::Call;
use crate::page::Page;
use crate::style::{CAUTION, STRONG, paint};
use crate::visible::visible;

/// All that is told.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// The call, if it is one of the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<Call>,
    pub(super) trace: Trace,
    /// The entry that decided, where the trace keeps it back because it tells a number that is withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entry: Option<Met>,
    /// The status that a caller who had heard 100 Trying gets, where the action is to ignore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_place_of_silence: Option<u16>,
    /// The status that was sent in the place of a redirection to the URI that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_place_of_redirection: Option<u16>,
    /// The status that the registrar gets, where the action is to ignore others only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to_registrar: Option<u16>,
    /// What rules in shadow mode would have done, and of a policy in shadow mode what the rule that decided would have.
    pub(super) shadow: Vec<Shadow>,
    /// Lists that would be asked when the call came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) not_asked: Vec<String>,
    /// Lines on which it may be otherwise, where none was named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) other_lines: Vec<String>,
    /// Whether another policy decided the call.
    pub(super) policy_has_changed: bool,
    /// How long the decision took, in microseconds: at the time, or now.
    pub(super) decided_in: u64,
    /// Whether the policy is in shadow mode, and the call would ring without that too.
    #[serde(skip)]
    pub(super) would_ring_anyway: bool,
}

/// An entry of a list.
#[derive(Debug, Serialize)]
pub(super) struct Met {
    pub(super) list: String,
    /// As it is written.
    pub(super) entry: String,
    /// The file and the line, or `inline`.
    pub(super) origin: String,
}

/// A rule that would have decided, were not it or the whole policy in shadow mode.
#[derive(Debug, Serialize)]
pub(super) struct Shadow {
    pub(super) rule: String,
    /// What would go out on the wire.
    pub(super) action: String,
}

/// Where the facts of a trace begin.
pub(super) const COLUMN: usize = 14;

pub(super) fn rendered(told: &Told, now: Timestamp) -> Page {
    let mut page = Page::new();
    if let Some(call) = &told.call {
        let end = ended(call).map(|end| format!(", {end}")).unwrap_or_default();
        page.line(format_args!(
            "{}  {}  {} → {}  {} by {}{end}",
            paint(STRONG, Handle::Written(call.number)),
            moment(call.at, now),
            who(call),
            visible(&call.line),
            verdict(&call.verdict),
            visible(&call.rule),
        ));
        page.line(format_args!(
            "{:13} Call-ID {} from {}",
            "",
            visible(&call.call_id),
            visible(&call.source)
        ));
    }
    if told.policy_has_changed {
        page.line(paint(
            CAUTION,
            "the policy has changed since then: this is what the one in force now makes of it",
        ));
    }
    page.line(&told.trace);
    if let Some(Met { list, entry, origin }) = &told.entry {
        let (entry, origin) = (visible(entry), visible(origin));
        page.line(format_args!(" {:12} {entry} on the {} list, {origin}", "entry", visible(list)));
    }
    if let Some(status) = told.in_place_of_silence {
        page.line(format_args!(" {:12} {status}: the caller had heard 100 Trying", "on the wire"));
    } else if let Some(status) = told.in_place_of_redirection {
        page.line(format_args!(" {:12} {status}: that URI was called", "on the wire"));
    } else if let Some(status) = told.to_registrar {
        page.line(format_args!(" {:12} {status}: the registrar is answered", "on the wire"));
    }
    page.line(format_args!(" {:12} decided in {} µs", "timing", told.decided_in));
    for Shadow { rule, action } in &told.shadow {
        page.line(format_args!(" {:12} {} would have decided: {action}", "shadow", visible(rule)));
    }
    for list in &told.not_asked {
        page.line(format_args!(" {:12} {}, which would be when the call came", "not asked", visible(list)));
    }
    if !told.other_lines.is_empty() {
        let lines = told.other_lines.iter().map(|line| visible(line)).collect::<Vec<_>>().join(", ");
        page.line(format_args!(" {:12} it may be otherwise on {lines}: --line NAME tells", "other lines"));
    }
    if told.shadow.is_empty() && told.would_ring_anyway {
        page.line(format_args!(" {:12} no rule would have done anything but let it ring", "shadow"));
    } else if told.shadow.is_empty() {
        page.line(format_args!(" {:12} no rule in shadow mode would have decided", "shadow"));
    }
    page
}
