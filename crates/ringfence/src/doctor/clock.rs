//! Whether our clock and the server's agree.

use std::time::Duration;

use softphone::examine::Examination;

use super::{Finding, Severity, Topic, answered};

/// What two clocks that are set by a time server never differ by: `Date` is exact to a second, and the answer takes its
/// time.
const APART: u64 = 10;

pub(super) fn findings(examined: &Examination) -> Vec<Finding> {
    let Some(tried) = answered(examined) else { return Vec::new() };
    let Some(ahead) = tried.answers().find_map(|response| response.clock_ahead) else {
        let found = "the server does not say what time it is (no Date that can be read)";
        return vec![Finding::new(Topic::Clock, Severity::Note, found)];
    };
    let apart = ahead.unsigned_abs();
    if apart <= APART {
        let found = "the server's clock and ours agree";
        return vec![Finding::new(Topic::Clock, Severity::Ok, found)];
    }
    let which = if ahead > 0 { "ahead of" } else { "behind" };
    let found =
        format!("the server's clock is {} {which} ours", crate::cli::span(Duration::from_secs(apart)));
    let remedy = "set this machine's clock by a time server (timedatectl set-ntp true), or have the server's set: schedules, \
                  records and certificates go by it";
    vec![Finding::new(Topic::Clock, Severity::Warning, found).remedy(remedy)]
}
