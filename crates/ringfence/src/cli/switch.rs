//! `ringfence switch`

use anyhow::Result;
use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::Switch as Declared;
use serde::Serialize;

use super::calls::moment;
use super::failure::with_hint;
use super::output::{between, print, print_json, span};
use super::records::{Noted, Records, is_kept, note, switches, told};
use super::spoken::nowhere;
use super::{Answer, Context, when};
use crate::control::Request;
use crate::journal::Flipped;
use crate::page::{Page, table};
use crate::style::{DIM, GOOD, STRONG, paint};

/// Show the switches of the policy, or flip one
///
/// `on` and `off` hold until you flip it again, `on` only for as long as its `auto_off` says; `for 2h` is on for
/// two hours. Exits 1 if it is in force and the journal cannot be written, so that a restart would forget it.
#[derive(Debug, Args)]
pub(super) struct Switch {
    /// The switch; without it all are shown
    #[arg(value_name = "NAME", requires = "position")]
    name: Option<String>,

    /// How it is to stand
    #[arg(value_enum, value_name = "POSITION")]
    position: Option<Position>,

    /// How long, behind `for`: 2h, 30m
    #[arg(value_name = "SPAN")]
    span: Option<String>,

    /// Print one JSON object a switch
    #[arg(long)]
    json: bool,
}

/// How a switch is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Position {
    On,
    Off,
    /// On for a while
    For,
}

/// How a switch stands.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Standing {
    name: String,
    is_on: bool,
    default: bool,
    /// When it was flipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// When it returns to its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Switch {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let policy = super::accept(context.reading()?)?.policy;
        let now = Timestamp::now();
        let (Some(name), Some(position)) = (&self.name, self.position) else {
            let flipped = match switches(context).await {
                Some(flipped) => flipped,
                None => written(context, now).await?,
            };
            return self.tell_all(&standing(policy.switches(), &flipped), now);
        };
        let Some(declared) = policy.switches().iter().find(|switch| *switch.name == **name) else {
            return Err(unknown(name, policy.switches()));
        };
        let flipped = flip(declared, position, self.span.as_deref(), now)?;
        let kept = match note(context, &Request::Flip { flipped: flipped.clone() }).await? {
            Noted::Running(_) => is_kept(context).await,
            Noted::File(mut journal) => {
                journal.flip(flipped.clone()).map_err(|error| told(&error))?;
                true
            }
            Noted::Nowhere => return Err(nowhere()),
        };
        let standing = standing(std::slice::from_ref(declared), &[flipped]);
        if self.json {
            self.tell_all(&standing, now)?;
            return Ok(Answer::of(kept));
        }
        for switch in &standing {
            print(format_args!("{} is {}\n", switch.name, how(switch, now)))?;
        }
        Ok(Answer::of(kept))
    }

    fn tell_all(&self, standing: &[Standing], now: Timestamp) -> Result<Answer> {
        if self.json {
            standing.iter().try_for_each(print_json)?;
        } else if standing.is_empty() {
            print("the policy has no switches\n")?;
        } else {
            print(rendered(standing, now))?;
        }
        Ok(Answer::Fine)
    }
}

/// Returns the switches that were flipped, as the journal's file has them.
async fn written(context: &Context, now: Timestamp) -> Result<Vec<Flipped>> {
    let records = Records::open(context).await?;
    let flipped = records.reader().map(|reader| reader.switches(now)).transpose();
    Ok(flipped.map_err(|error| told(&error))?.unwrap_or_default())
}

fn unknown(name: &str, declared: &[Declared]) -> anyhow::Error {
    let names: Vec<&str> = declared.iter().map(|switch| &*switch.name).collect();
    let hint = match names.as_slice() {
        [] => "add one to the policy: [switch.NAME]".to_owned(),
        names => format!("it has: {}", names.join(", ")),
    };
    with_hint(format!("the policy has no switch \"{}\"", name.escape_debug()), hint)
}

/// Returns what a person does to a switch.
fn flip(declared: &Declared, position: Position, span: Option<&str>, now: Timestamp) -> Result<Flipped> {
    let until = |span: SignedDuration| now.checked_add(span).ok();
    let (is_on, until) = match (position, span) {
        (Position::For, Some(span)) => (true, until(when::span("for", span)?)),
        (Position::For, None) => {
            return Err(with_hint("expected how long behind `for`, found nothing", "for example: for 2h"));
        }
        (Position::On | Position::Off, Some(span)) => {
            let message = format!("expected nothing behind `on` or `off`, found \"{}\"", span.escape_debug());
            return Err(with_hint(message, "a switch that is on for a while: for 2h"));
        }
        (Position::On | Position::Off, None) => {
            let is_on = position == Position::On;
            // One that is on by itself has nothing to go off to.
            let goes_off = declared.auto_off.filter(|_| is_on && !declared.default);
            let span = goes_off.and_then(|span| SignedDuration::try_from(span).ok());
            (is_on, span.and_then(until))
        }
    };
    Ok(Flipped { name: declared.name.to_string(), is_on, at: now, until })
}

/// Returns how the switches of a policy stand.
fn standing(declared: &[Declared], flipped: &[Flipped]) -> Vec<Standing> {
    let one = |switch: &Declared| {
        let found = flipped.iter().find(|flipped| *flipped.name == *switch.name);
        Standing {
            name: switch.name.to_string(),
            is_on: found.map_or(switch.default, |flipped| flipped.is_on),
            default: switch.default,
            since: found.map(|flipped| flipped.at),
            until: found.and_then(|flipped| flipped.until),
        }
    };
    declared.iter().map(one).collect()
}

fn word(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn how(switch: &Standing, now: Timestamp) -> String {
    let style = if switch.is_on { GOOD } else { DIM };
    let until = switch.until.map(|until| {
        let left = span(between(now, until));
        format!(" until {}, for {left}", moment(until, now))
    });
    format!("{}{}", paint(style, word(switch.is_on)), until.unwrap_or_default())
}

fn rendered(standing: &[Standing], now: Timestamp) -> Page {
    let rows: Vec<Vec<String>> = standing
        .iter()
        .map(|switch| {
            let since = switch.since.map(|since| moment(since, now)).unwrap_or_default();
            vec![paint(STRONG, &switch.name), how(switch, now), word(switch.default).to_owned(), since]
        })
        .collect();
    table(&["SWITCH", "STANDS", "DEFAULT", "FLIPPED"], &rows)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn expecting() -> Declared {
        Declared { name: "expecting".into(), default: false, auto_off: Some(Duration::from_secs(7_200)) }
    }

    #[test]
    fn a_switch_is_flipped_for_good_for_a_while_or_until_it_falls_back() {
        let on_call = Declared { name: "on_call".into(), auto_off: None, ..expecting() };
        let quiet = Declared { name: "quiet".into(), default: true, ..expecting() };
        let hours = |hours| Some(now() + SignedDuration::from_hours(hours));
        for (declared, position, span, expected) in [
            (&on_call, Position::On, None, (true, None)),
            (&on_call, Position::For, Some("3h"), (true, hours(3))),
            (&on_call, Position::Off, None, (false, None)),
            (&expecting(), Position::On, None, (true, hours(2))),
            (&expecting(), Position::Off, None, (false, None)),
            (&quiet, Position::Off, None, (false, None)),
            (&quiet, Position::On, None, (true, None)),
            (&expecting(), Position::For, Some("1h"), (true, hours(1))),
        ] {
            let flipped = flip(declared, position, span, now()).unwrap();
            assert_eq!((flipped.is_on, flipped.until), expected);
        }
        assert!(flip(&on_call, Position::For, None, now()).is_err());
        assert!(flip(&on_call, Position::On, Some("2h"), now()).is_err());
    }

    #[test]
    fn switches_are_told_as_they_stand() {
        let flipped = flip(&expecting(), Position::On, None, now()).unwrap();
        let calm = Declared { name: "calm".into(), default: true, auto_off: None };
        let standing = standing(&[expecting(), calm], &[flipped]);
        let page = rendered(&standing, now()).to_string();
        let plain = anstream::adapter::strip_str(&page).to_string();
        let [at, until] = [now(), now() + SignedDuration::from_hours(2)].map(|time| moment(time, now()));
        assert_eq!(
            plain
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>(),
            [
                "SWITCH STANDS DEFAULT FLIPPED".to_owned(),
                format!("expecting on until {until}, for 2 h 0 min off {at}"),
                "calm on on".to_owned(),
            ]
        );
    }
}
