//! One call: in two lines for people, in columns for spreadsheets.

use jiff::Timestamp;
use ringfence_policy::CallerKind;

use crate::cli::output::{clock, day};
use crate::journal::{Call, Outcome};
use crate::style::{BAD, CAUTION, DIM, GOOD, STRONG, paint};
use crate::visible::{cut, is_dialable, quoted, visible};

/// What a person calls a call by, to ask more of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Handle<'a> {
    /// Its number in the journal's file.
    Written(u64),
    /// What the running program numbers it by.
    Remembered(&'a str),
}

impl std::fmt::Display for Handle<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Handle::Written(number) => write!(f, "c{number}"),
            Handle::Remembered(id) => f.write_str(&visible(id)),
        }
    }
}

/// Returns a call in two lines: who and what, and why; in a third the rules in shadow mode.
pub(in crate::cli) fn decided(call: &Call, handle: &Handle<'_>, now: Timestamp) -> String {
    let end = ended(call).map(|end| format!(", {end}")).unwrap_or_default();
    // Of a policy that is in shadow mode as a whole the reason says it.
    let shadow = call.evidence.shadow.iter().filter(|rule| **rule != call.rule).map(|rule| visible(rule));
    let shadow = shadow.collect::<Vec<_>>().join(", ");
    let shadow = if shadow.is_empty() {
        shadow
    } else {
        format!("{:COLUMN$}{}\n", "", paint(DIM, format_args!("shadow: {shadow} would have decided")))
    };
    format!(
        "{}  {} → {}  {}{}\n{}  {}\n{shadow}",
        paint(DIM, moment(call.at, now)),
        who(call),
        visible(&call.line),
        verdict(&call.verdict),
        paint(DIM, end),
        paint(DIM, format_args!("{:>8}", handle.to_string())),
        paint(DIM, visible(&call.reason)),
    )
}

/// Where what is told of a call begins, below its time.
pub(in crate::cli) const COLUMN: usize = 10;

/// Returns who called.
pub(in crate::cli) fn who(call: &Call) -> String {
    let name = call.display_name.as_deref().map(|name| format!(" {}", quoted(&cut(name, MOST_NAME))));
    format!("{}{}", paint(STRONG, caller_of(call)), name.unwrap_or_default())
}

/// Returns who called, without the name beside it.
pub(in crate::cli) fn caller_of(call: &Call) -> String {
    let caller = cut(&call.caller, MOST_NAME);
    if is_plain(call) { visible(&caller) } else { quoted(&caller) }
}

/// Tells whether a caller is a number, or is known to have none: what a caller calls itself is in quotes.
fn is_plain(call: &Call) -> bool {
    let number = call.evidence.identity.as_deref().filter(|identity| is_dialable(identity));
    let withheld = number.and_then(|number| call.caller.strip_suffix(&format!(" ({number})")));
    let caller = withheld.unwrap_or(&call.caller);
    is_dialable(caller)
        || [CallerKind::Anonymous, CallerKind::Unavailable].map(CallerKind::as_str).contains(&caller)
}

/// Returns what was decided, in the past tense.
pub(in crate::cli) fn verdict(outcome: &Outcome) -> String {
    let (style, verdict) = match outcome {
        Outcome::Reject { status, .. } => (BAD, format!("rejected {status}")),
        Outcome::Redirect { to } => (CAUTION, format!("redirected to {}", visible(to))),
        Outcome::SendOn { .. } => (GOOD, visible(&outcome.sent_on().unwrap_or_default())),
        Outcome::Ring => (GOOD, "rang".to_owned()),
        Outcome::StandAside => (GOOD, "stood aside".to_owned()),
        Outcome::Ignore => (DIM, "ignored".to_owned()),
        Outcome::Refuse { status } => (BAD, format!("could not ring ({status})")),
    };
    paint(style, verdict)
}

/// A stranger's name is no longer, in characters: enough to know it by.
const MOST_NAME: usize = 60;

/// Returns how a call ended.
pub(in crate::cli) fn ended(call: &Call) -> Option<String> {
    let ended = call.ended.as_ref()?;
    let status = ended.status.map(|status| format!(" with {status}")).unwrap_or_default();
    Some(format!("{}{status}", visible(&ended.how)))
}

/// Returns a time of day, with its day unless that is today.
pub(in crate::cli) fn moment(at: Timestamp, now: Timestamp) -> String {
    if day(at) == day(now) { clock(at) } else { format!("{} {}", day(at), clock(at)) }
}

/// The headings of the columns.
pub(in crate::cli) const COLUMNS: [&str; 18] = [
    "at", "number", "id", "call_id", "line", "caller", "name", "source", "outcome", "status", "to", "rule",
    "list", "entry", "shadow", "ended", "ended_at", "reason",
];

/// Returns a call in these columns.
pub(in crate::cli) fn fields(call: &Call) -> [String; 18] {
    let text = |text: &Option<String>| text.as_deref().map(visible).unwrap_or_default();
    let to = match &call.verdict {
        Outcome::Redirect { to }
        | Outcome::SendOn { to: Some(to), .. }
        | Outcome::Reject { to: Some(to), .. } => visible(to),
        Outcome::SendOn { to: None, .. }
        | Outcome::Reject { to: None, .. }
        | Outcome::Ring
        | Outcome::StandAside
        | Outcome::Ignore
        | Outcome::Refuse { .. } => String::new(),
    };
    [
        call.at.to_string(),
        if call.number == 0 { String::new() } else { call.number.to_string() },
        visible(&call.id),
        visible(&call.call_id),
        visible(&call.line),
        visible(&call.caller),
        text(&call.display_name),
        visible(&call.source),
        call.verdict.name().to_owned(),
        call.verdict.status().map(|status| status.to_string()).unwrap_or_default(),
        to,
        visible(&call.rule),
        text(&call.evidence.list),
        text(&call.entry),
        call.evidence.shadow.join(" "),
        call.ended.as_ref().map(|ended| visible(&ended.how)).unwrap_or_default(),
        call.ended.as_ref().map(|ended| ended.at.to_string()).unwrap_or_default(),
        visible(&call.reason),
    ]
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use super::*;
    use crate::cli::csv;
    use crate::journal::{Ended, Evidence};

    /// Returns a call that was rejected.
    pub(in crate::cli) fn call() -> Call {
        let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        Call {
            number: 17,
            at,
            id: "0.17".to_owned(),
            call_id: "a84b4c76e66710".to_owned(),
            line: "home".to_owned(),
            caller: "+41791234567".to_owned(),
            display_name: Some("=cmd()\u{1b}[2J".to_owned()),
            source: "192.0.2.7:5060".to_owned(),
            verdict: Outcome::reject(486),
            rule: "listed".to_owned(),
            entry: Some("+4179*".to_owned()),
            reason: "rejected with 486: +41791234567 is on the reject list (entry +4179*, spam.txt:1)"
                .to_owned(),
            evidence: Evidence { list: Some("reject".to_owned()), ..Evidence::default() },
            ended: Some(Ended { at, status: Some(486), how: "acknowledged".into() }),
        }
    }

    #[test]
    fn a_name_cannot_pass_for_a_number_or_for_the_rest_of_a_line() {
        let told = |caller: &str, name: Option<&str>| {
            let name = name.map(str::to_owned);
            let call = Call { caller: caller.to_owned(), display_name: name, ..call() };
            anstream::adapter::strip_str(&who(&call)).to_string()
        };
        for plain in ["+41791234567", "23", "*43#", "anonymous", "unavailable"] {
            assert_eq!(told(plain, None), plain);
        }
        assert_eq!(told("anna → home  rang", Some("Zoë\" → home")), r#""anna → home  rang" "Zoë\" → home""#);
        // The last of each is no ASCII digit.
        for forged in ["anna", "+4179123456O", "+4179123456７", "", "anonymous (+41791234567)"] {
            assert_eq!(told(forged, None), format!("\"{forged}\""));
        }
    }

    #[test]
    fn rules_in_shadow_mode_are_told_in_a_third_line() {
        let mut call = call();
        call.evidence.shadow = vec!["idea".to_owned(), "trial".to_owned(), call.rule.clone()];
        let told = decided(&call, &Handle::Written(17), call.at);
        let plain = anstream::adapter::strip_str(&told).to_string();
        assert!(plain.ends_with("\n          shadow: idea, trial would have decided\n"), "{plain}");
    }

    #[test]
    fn a_call_is_told_in_two_lines_with_what_to_ask_more_by() {
        let call = call();
        let text = decided(&call, &Handle::Written(call.number), call.at);
        let plain = anstream::adapter::strip_str(&text).to_string();
        let expected = format!(
            "{}  +41791234567 \"=cmd()·[2J\" → home  rejected 486, acknowledged with 486\n     c17  {}\n",
            clock(call.at),
            call.reason
        );
        assert_eq!(plain, expected);
    }

    #[test]
    fn the_day_is_told_unless_it_is_today() {
        let at = call().at;
        assert_eq!(moment(at, at), clock(at));
        let later = at + jiff::SignedDuration::from_hours(48);
        assert_eq!(moment(at, later), format!("{} {}", day(at), clock(at)));
    }

    #[test]
    fn a_call_has_a_field_for_each_column() {
        assert_eq!(
            csv::line(fields(&call())),
            "2026-03-01T12:00:00Z,17,0.17,a84b4c76e66710,home,+41791234567,'=cmd()·[2J,192.0.2.7:5060,reject,486,,\
             listed,reject,'+4179*,,acknowledged,2026-03-01T12:00:00Z,\
             \"rejected with 486: +41791234567 is on the reject list (entry +4179*, spam.txt:1)\"\n"
        );
    }
}
