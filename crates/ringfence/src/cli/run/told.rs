//! What the log tells of each call.

use std::time::SystemTime;

use tracing::Level;

use crate::journal::{Ended, Kept, News};
use crate::log::{self, Line};
use crate::visible::cut;

/// What strangers choose is logged up to so many characters.
const MOST_CALLER: usize = 60;
const MOST_CALL_ID: usize = 80;

/// Who logs what there is to tell of many calls. What the log takes is asked once for all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller {
    /// Whether callers are told in full.
    log_numbers: bool,
    tells_decisions: bool,
    /// When it is told.
    at: SystemTime,
}

impl Teller {
    pub(super) fn new(log_numbers: bool) -> Self {
        let tells_decisions = tracing::event_enabled!(Level::INFO, id, line, caller, verdict, rule, status);
        Self { log_numbers, tells_decisions, at: SystemTime::now() }
    }

    /// Logs what there is to tell of a call.
    pub(super) fn log(self, news: &News<Kept>) {
        let Self { log_numbers, tells_decisions, at } = self;
        let call = match news {
            News::Call(call) | News::Ended(call) => call,
        };
        let (id, line) = (call.id(), call.line());
        match (news, &call.ended) {
            // Nothing that was not to be expected of a refusal.
            (News::Ended(_), Some(ended)) if ended.how == Ended::ACKNOWLEDGED => {
                tracing::debug!(id, line, status = ended.status, "call acknowledged");
            }
            (News::Ended(_), Some(ended)) => {
                let caller = caller(call, log_numbers);
                tracing::info!(
                    id,
                    line,
                    caller,
                    how = ended.how.as_ref(),
                    status = ended.status,
                    "call ended"
                );
            }
            (News::Call(_) | News::Ended(_), _) => {
                if tells_decisions {
                    decided(call, log_numbers, at);
                }
                // The caller chooses the Call-ID, and a number may stand in it, or an address.
                let call_id = || cut(call.call_id(), MOST_CALL_ID);
                tracing::debug!(
                    id,
                    call_id = call_id(),
                    // It names the caller, and the called.
                    reason = log_numbers.then(|| call.reason()),
                    source = call.source(),
                    "because"
                );
            }
        }
    }
}

fn caller(call: &Kept, log_numbers: bool) -> String {
    if log_numbers { cut(call.caller(), MOST_CALLER) } else { log::redacted(call.caller()) }
}

/// Logs a decision, as a line that is put together at once where that reads the same.
fn decided(call: &Kept, log_numbers: bool, at: SystemTime) {
    match log::line(Level::INFO, at) {
        Some(mut line) => {
            write_decided(call, log_numbers, &mut line);
            log::put(line);
        }
        None => tell_decided(call, &caller(call, log_numbers)),
    }
}

fn tell_decided(call: &Kept, caller: &str) {
    let (id, line, rule) = (call.id(), call.line(), call.rule());
    let (verdict, status) = (call.verdict.name(), call.verdict.status());
    tracing::info!(id, line, caller, verdict, rule, status, "call decided");
}

fn write_decided(call: &Kept, log_numbers: bool, line: &mut Line) {
    line.message("call decided");
    line.text("id", call.id());
    line.text("line", call.line());
    if log_numbers {
        line.text("caller", &caller(call, log_numbers));
    } else {
        line.plain_text("caller", log::redacted_in_pieces(call.caller()));
    }
    line.text("verdict", call.verdict.name());
    line.text("rule", call.rule());
    if let Some(status) = call.verdict.status() {
        line.number("status", u64::from(status));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::journal::{Call, Evidence, Outcome};

    #[test]
    fn a_decision_reads_the_same_as_a_line_and_as_an_event() {
        let text = |text: &str| text.to_owned();
        for verdict in [Outcome::reject(486), Outcome::Ring] {
            let call = Kept::of(Call {
                number: 1,
                at: Timestamp::UNIX_EPOCH,
                id: text("0.7"),
                call_id: text("7@pbx.example"),
                line: text("büro \"1\"\u{1b}"),
                caller: text("+41791234567"),
                display_name: None,
                source: text("192.0.2.1:5060"),
                verdict,
                rule: text("listed"),
                entry: None,
                reason: text("rejected"),
                evidence: Evidence::default(),
                ended: None,
            });
            for log_numbers in [false, true] {
                let written = log::shown(|line| write_decided(&call, log_numbers, line));
                let caller = caller(&call, log_numbers);
                assert_eq!(written, log::logged(|| tell_decided(&call, &caller)));
                assert!(written.contains("call decided id=\"0.7\" line="), "{written}");
            }
        }
    }
}
