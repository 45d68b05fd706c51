//! Days and moments, as a person writes them.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use schemars::{Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::{Report, Span};
use super::read::{Read, Reader, found};

/// A moment as a person writes it: a day, or a day and a time, in the policy's time zone unless an
/// offset says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Civil(DateTime),
    Exact(jiff::Timestamp),
}

impl Moment {
    /// Returns the instant, by the clocks of a zone. A time that the clocks skip is the one that
    /// they show instead; of a time that they show twice it is the first.
    pub(crate) fn timestamp(self, zone: &TimeZone) -> Option<jiff::Timestamp> {
        match self {
            Moment::Civil(civil) => zone.to_ambiguous_timestamp(civil).compatible().ok(),
            Moment::Exact(timestamp) => Some(timestamp),
        }
    }

    /// Warns of an end that a calendar on the wall has hours before or after the policy.
    pub(super) fn wants_zone(self, span: Span, has_zone: bool, report: &mut Report) {
        if has_zone || matches!(self, Moment::Exact(_)) {
            return;
        }
        let message = "`until` is by the clock of UTC, because [defaults] has no `timezone`";
        report.warning(span, message, "for example: timezone = \"Europe/Zurich\"");
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
            return Some(Moment::Exact(timestamp));
        }
        if let Ok(date) = text.parse::<Date>()
            && text.len() == 10
        {
            return Some(Moment::Civil(date.at(0, 0, 0, 0)));
        }
        text.parse::<DateTime>().ok().map(Moment::Civil)
    }
}

const MOMENT: &str = "a day such as \"2026-04-01\", or a day and a time such as \"2026-04-01T12:00\"";

impl Read for Moment {
    fn expected() -> Cow<'static, str> {
        MOMENT.into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Datetime(date) => Some(date.to_string()),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        match text.and_then(|text| Self::parse(&text)) {
            Some(moment) => Some(moment),
            None => reader.unfit(&value.span(), MOMENT, &found(value.get_ref())),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?$" })
    }
}

impl Read for Date {
    fn expected() -> Cow<'static, str> {
        "a day such as \"2026-12-25\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let moment = match value.get_ref() {
            DeValue::String(text) => Moment::parse(text),
            DeValue::Datetime(date) => Moment::parse(&date.to_string()),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        match moment {
            Some(Moment::Civil(civil)) if civil.time() == Time::midnight() => Some(civil.date()),
            Some(Moment::Civil(_) | Moment::Exact(_)) | None => {
                reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()))
            }
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_by_the_clocks_of_its_zone() {
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        let at =
            |text| Moment::parse(text).and_then(|moment| moment.timestamp(&zone)).map(|at| at.to_string());
        assert_eq!(at("2026-04-01").as_deref(), Some("2026-03-31T22:00:00Z"));
        assert_eq!(at("2026-03-29T02:30").as_deref(), Some("2026-03-29T01:30:00Z"));
        assert_eq!(at("2026-04-01T12:00:00Z").as_deref(), Some("2026-04-01T12:00:00Z"));
        assert_eq!(at("tomorrow"), None);
    }
}
