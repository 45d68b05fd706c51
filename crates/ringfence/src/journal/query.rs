//! What can be asked of the calls.

use std::fmt::Write as _;

use jiff::Timestamp;
use rusqlite::types::Value;

use super::kept::Kept;
use super::packs::number;

/// Which calls; what is left out does not count. The newest come first.
///
/// A caller may end in `*`: then it is what the caller begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// As the journal shows it: `+41791234567`, `+4179*`, `anonymous`, `alice`.
    pub(crate) caller: Option<String>,
    /// What the rules know the caller by, where more than one may be shown so: see [`super::identity()`].
    pub(crate) identity: Option<String>,
    pub(crate) rule: Option<String>,
    /// The rule that would have decided in shadow mode.
    pub(crate) shadow: Option<String>,
    pub(crate) list: Option<String>,
    /// The verb: `reject`, `redirect`, `ring`, `stand_aside`, `ignore` or `refuse`.
    pub(crate) outcome: Option<String>,
    pub(crate) line: Option<String>,
    pub(crate) since: Option<Timestamp>,
    /// Calls before this time.
    pub(crate) until: Option<Timestamp>,
    /// One call, by its number in the file.
    pub(crate) number: Option<i64>,
    /// What the program numbered the call by.
    pub(crate) id: Option<String>,
    /// Which the caller chooses: it may read like the number or the id of another call.
    pub(crate) call_id: Option<String>,
    /// How many at most; all of them without.
    pub(crate) limit: Option<u32>,
}

impl Query {
    /// Returns the question as SQL, and what stands for its marks.
    pub(super) fn sql(&self, columns: &str) -> (String, Vec<Value>) {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        let mut ask = |condition: &str, asked: Vec<Value>| {
            let mut parts = condition.split('?');
            let mut sql = parts.next().unwrap_or_default().to_owned();
            for (part, value) in parts.zip(asked) {
                values.push(value);
                // To write to a string cannot fail.
                let _ = write!(sql, "?{}{part}", values.len());
            }
            conditions.push(sql);
        };
        let text = |text: &str| Value::Text(text.to_owned());
        match self.caller.as_deref().map(|caller| (caller, caller.strip_suffix('*'))) {
            Some((_, Some(start))) => {
                // No caller has a letter after the last one there is.
                ask("caller BETWEEN ? AND ?", vec![text(start), text(&format!("{start}\u{10ffff}"))]);
            }
            Some((caller, None)) => ask("caller = ?", vec![text(caller)]),
            None => {}
        }
        let columns_asked = [
            ("ifnull(identity, caller) = ?", &self.identity),
            ("rule = ?", &self.rule),
            ("list = ?", &self.list),
            ("verdict = ?", &self.outcome),
            ("line = ?", &self.line),
            ("id = ?", &self.id),
            ("call_id = ?", &self.call_id),
            // One that is no JSON is asked for, so that whoever reads it says so.
            (
                "CASE WHEN json_valid(shadow) THEN EXISTS (SELECT 1 FROM json_each(shadow) WHERE value = ?)
                 ELSE shadow IS NOT NULL END",
                &self.shadow,
            ),
        ];
        for (condition, asked) in columns_asked {
            if let Some(asked) = asked {
                ask(condition, vec![text(asked)]);
            }
        }
        if let Some(since) = self.since {
            ask("at >= ?", vec![Value::Integer(since.as_microsecond())]);
        }
        if let Some(until) = self.until {
            ask("at < ?", vec![Value::Integer(until.as_microsecond())]);
        }
        if let Some(number) = self.number {
            ask("number = ?", vec![Value::Integer(number)]);
        }
        let conditions = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
        let limit = self.limit.map_or(-1, i64::from);
        let sql = format!(
            "SELECT {columns} FROM calls WHERE {conditions} ORDER BY at DESC, number DESC LIMIT {limit}"
        );
        (sql, values)
    }

    /// Tells whether a call is asked for: the same that the SQL says.
    pub(super) fn is_about(&self, call: &Kept) -> bool {
        let has = |asked: &Option<String>, what: Option<&str>| asked.is_none() || asked.as_deref() == what;
        let is_caller = self.caller.as_deref().is_none_or(|asked| match asked.strip_suffix('*') {
            Some(start) => call.caller().starts_with(start),
            None => call.caller() == asked,
        });
        is_caller
            && has(&self.identity, call.identity().or(Some(call.caller())))
            && has(&self.rule, Some(call.rule()))
            && has(&self.list, call.list())
            && has(&self.outcome, Some(call.verdict.name()))
            && has(&self.line, Some(call.line()))
            && has(&self.id, Some(call.id()))
            && has(&self.call_id, Some(call.call_id()))
            && self.number.is_none_or(|asked| number(call) == asked)
            && self.shadow.as_ref().is_none_or(|asked| call.shadow.contains(asked))
            && self.since.is_none_or(|since| call.at >= since)
            && self.until.is_none_or(|until| call.at < until)
    }
}
