//! The values of the language: texts, numbers, times, days and hours.

use std::borrow::Cow;
use std::time::Duration;

use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::near::nearest;
use super::read::{Read, Reader, found};
use crate::duration::parse_duration;
use crate::number::Region;
use crate::schedule::Hours;

/// A value that is written as a string.
pub(crate) trait Word: Sized {
    const EXPECTED: &'static str;

    fn parse(text: &str) -> Option<Self>;

    /// Returns the schema of what [`Word::parse`] takes.
    fn schema() -> Schema;
}

impl<T: Word> Read for T {
    fn expected() -> Cow<'static, str> {
        T::EXPECTED.into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        if let DeValue::String(text) = value.get_ref()
            && let Some(word) = T::parse(text)
        {
            return Some(word);
        }
        reader.unfit(&value.span(), T::EXPECTED, &found(value.get_ref()))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        <T as Word>::schema()
    }
}

impl Word for String {
    const EXPECTED: &'static str = "a text";

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A text that goes into a header or onto a screen: no control characters, and no whole book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line(pub(crate) String);

impl Word for Line {
    const EXPECTED: &'static str = "a text on one line, of at most 256 bytes";

    fn parse(text: &str) -> Option<Self> {
        (text.len() <= 256 && !text.contains(char::is_control)).then(|| Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "maxLength": 256 })
    }
}

/// A value that must be right for much else to mean anything: that it is there is known even when
/// it is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<T>(pub(crate) Option<T>);

impl<T: Read> Read for Given<T> {
    fn expected() -> Cow<'static, str> {
        T::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self(T::read(value, reader)))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl Read for Region {
    fn expected() -> Cow<'static, str> {
        "the two letters of a country, such as \"CH\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::String(code) = value.get_ref() else {
            return reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()));
        };
        let error = match Region::parse(code) {
            Ok(region) => return Some(region),
            Err(error) => error,
        };
        let near: Vec<String> = error.near().iter().map(|region| format!("\"{region}\"")).collect();
        let hint = match &near[..] {
            [] => "the two letters of ISO 3166, such as CH, DE, US".to_owned(),
            near => format!("did you mean {}?", near.join(" or ")),
        };
        let span = reader.span(&value.span());
        reader.report.error(span, error.to_string(), hint);
        None
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Codes>()
    }
}

/// The codes of all countries, which the schema has once.
struct Codes;

impl JsonSchema for Codes {
    fn schema_name() -> Cow<'static, str> {
        "Region".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes: Vec<&str> = Region::all().map(Region::as_str).collect();
        json_schema!({ "type": "string", "enum": codes })
    }
}

impl Read for TimeZone {
    fn expected() -> Cow<'static, str> {
        "a time zone such as \"Europe/Zurich\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::String(name) = value.get_ref() else {
            return reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()));
        };
        if let Ok(zone) = TimeZone::get(name) {
            return Some(zone);
        }
        let known: Vec<String> = jiff::tz::db().available().map(|known| known.to_string()).collect();
        let hint = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "a name of the IANA database: a part of the world, a slash, a city".to_owned(),
        };
        let span = reader.span(&value.span());
        let message = format!("expected {}, found {}", Self::expected(), found(value.get_ref()));
        reader.report.error(span, message, hint);
        None
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Word for Duration {
    const EXPECTED: &'static str = "a time such as \"30s\", \"5m\", \"24h\", \"1h30m\" or \"30d\"";

    fn parse(text: &str) -> Option<Self> {
        duration(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^ *([0-9]+ms|([0-9]+[wdhms])+) *$" })
    }
}

/// Reads a time; one of milliseconds has no other unit.
fn duration(text: &str) -> Option<Duration> {
    match text.trim().strip_suffix("ms") {
        Some(digits) if digits.len() < 10 && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok().map(Duration::from_millis)
        }
        Some(_) | None => parse_duration(text),
    }
}

impl Word for Hours {
    const EXPECTED: &'static str = "hours such as \"22:00-07:00\"";

    fn parse(text: &str) -> Option<Self> {
        Hours::parse(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^ *[0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2} *$" })
    }
}

impl Read for bool {
    fn expected() -> Cow<'static, str> {
        "`true` or `false`".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

/// A whole number of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<const LEAST: u32, const MOST: u32>(pub(crate) u32);

impl<const LEAST: u32, const MOST: u32> Read for Whole<LEAST, MOST> {
    fn expected() -> Cow<'static, str> {
        if LEAST == MOST {
            return format!("the number {LEAST}").into();
        }
        format!("a number from {LEAST} to {MOST}").into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        if let DeValue::Integer(integer) = value.get_ref()
            && let Ok(number) = u32::from_str_radix(integer.as_str(), integer.radix())
            && (LEAST..=MOST).contains(&number)
        {
            return Some(Self(number));
        }
        reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

/// Makes an enum readable: each variant under the words that may be written for it, the first of
/// which is the one that is shown.
macro_rules! words {
    ($type:ty = $what:literal { $( $first:literal $(| $other:literal)* => $value:expr, )* }) => {
        impl $crate::language::read::Read for $type {
            fn expected() -> std::borrow::Cow<'static, str> {
                format!("{}: {}", $what, $crate::language::value::listed(&[$($first),*])).into()
            }

            fn read(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                reader: &mut $crate::language::read::Reader<'_>,
            ) -> Option<Self> {
                if let toml::de::DeValue::String(text) = value.get_ref() {
                    match &**text {
                        $( $first $(| $other)* => return Some($value), )*
                        _ => {}
                    }
                }
                $crate::language::value::unknown_word(value, $what, &[$($first),*], reader)
            }

            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($first $(, $other)*),*] })
            }
        }
    };
}
pub(super) use words;

pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

pub(super) fn unknown_word<T>(
    value: &Spanned<DeValue<'_>>,
    what: &str,
    words: &[&str],
    reader: &mut Reader<'_>,
) -> Option<T> {
    let message = format!("expected {what}, found {}", found(value.get_ref()));
    let near = match value.get_ref() {
        DeValue::String(text) => nearest(text, words.iter().copied()),
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    };
    let hint = match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("known here: {}", listed(words)),
    };
    let span = reader.span(&value.span());
    reader.report.error(span, message, hint);
    None
}

/// The name of something else in the policy, or that thing itself.
#[derive(Debug, Clone)]
pub(crate) enum NameOr<T> {
    Name(String),
    Itself(T),
}

impl<T: Read> Read for NameOr<T> {
    fn expected() -> Cow<'static, str> {
        format!("a name, or {}", T::expected()).into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(name) => Some(Self::Name(name.to_string())),
            DeValue::Table(_) => Some(Self::Itself(T::read(value, reader)?)),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref())),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let itself = T::schema(generator);
        json_schema!({ "anyOf": [{ "type": "string" }, itself] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_be_of_milliseconds() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5_400)));
        for wrong in ["", "ms", "1s5ms", "-5ms", "99999999999ms", "1.5h"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
