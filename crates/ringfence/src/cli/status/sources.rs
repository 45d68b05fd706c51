//! What `status` says of the lists that are fetched and of the look-ups: nothing of what is as it should be.

use jiff::Timestamp;

use super::labelled;
use crate::cli::output::{between, span};
use crate::page::Page;
use crate::sources::{ListStatus, LookUpStatus, Origin, SourcesStatus};
use crate::style::{BAD, CAUTION, paint};
use crate::visible::visible;

/// Tells of the sources on servers what is not as it should be, and what each look-up was asked.
pub(super) fn tell(page: &mut Page, sources: &SourcesStatus, now: Timestamp) {
    sources.lists.iter().for_each(|list| tell_list(page, list, now));
    for (index, look_up) in sources.look_ups.iter().enumerate() {
        tell_look_up(page, if index == 0 { "look-ups" } else { "" }, look_up);
    }
}

fn tell_list(page: &mut Page, list: &ListStatus, now: Timestamp) {
    let held = match (list.origin, list.seen) {
        (Origin::Nowhere, _) | (_, None) => "nothing has come yet".to_owned(),
        (Origin::Copy, Some(seen)) => {
            format!("the last good copy, {} old, {} rows", span(between(seen, now)), list.rows)
        }
        (Origin::Source, Some(seen)) => format!("seen {} ago, {} rows", span(between(seen, now)), list.rows),
    };
    if let Some(error) = &list.error {
        let next = span(between(now, list.next));
        let stale = if list.is_stale { ", stale" } else { "" };
        let text = format!("{}: {}; {held}{stale}; next try in {next}", visible(&list.list), visible(error));
        labelled(page, "", paint(BAD, text));
        if let Some(hint) = &list.hint {
            labelled(page, "", format_args!("hint: {}", visible(hint)));
        }
    } else if list.is_stale || list.origin == Origin::Nowhere {
        labelled(page, "", paint(CAUTION, format!("{}: {held}", visible(&list.list))));
    }
    if list.unread > 0 {
        let first = list.first_unread.as_deref().map(|first| format!(", first {}", visible(first)));
        let text =
            format!("{}: {} rows not read{}", visible(&list.list), list.unread, first.unwrap_or_default());
        labelled(page, "", paint(CAUTION, text));
    }
}

fn tell_look_up(page: &mut Page, label: &str, look_up: &LookUpStatus) {
    let LookUpStatus { list, asked, remembered, missed, is_resting, error, hint, .. } = look_up;
    let told = format!("{}: asked {asked} times, {remembered} remembered, {missed} missed", visible(list));
    labelled(page, label, told);
    if *is_resting {
        labelled(page, "", paint(BAD, "left alone for a while, since it failed again and again"));
    }
    if let Some(error) = error {
        labelled(page, "", paint(CAUTION, format!("last failure: {}", visible(error))));
    }
    if let Some(hint) = hint.as_ref().filter(|_| error.is_some()) {
        labelled(page, "", format_args!("hint: {}", visible(hint)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn good() -> ListStatus {
        ListStatus {
            list: "fine".to_owned(),
            source: "https://lists.example/fine.csv".to_owned(),
            rows: 100,
            unread: 0,
            first_unread: None,
            origin: Origin::Source,
            seen: Some(at(0)),
            next: at(3_600),
            is_stale: false,
            error: None,
            hint: None,
        }
    }

    fn kept() -> ListStatus {
        ListStatus {
            list: "kept".to_owned(),
            origin: Origin::Copy,
            is_stale: true,
            error: Some("the server answers 500".to_owned()),
            hint: Some("ask its owner".to_owned()),
            ..good()
        }
    }

    fn slow() -> LookUpStatus {
        LookUpStatus {
            list: "slow".to_owned(),
            source: "lookup:exec:ask".to_owned(),
            asked: 9,
            remembered: 1,
            missed: 8,
            rests: 1,
            is_resting: true,
            error: Some("no answer within 800 ms".to_owned()),
            hint: None,
        }
    }

    #[test]
    fn a_status_tells_why_a_source_brings_nothing() {
        let mut page = Page::new();
        tell(&mut page, &SourcesStatus { lists: vec![good(), kept()], look_ups: vec![slow()] }, at(600));
        let plain = anstream::adapter::strip_str(&page.to_string()).to_string();
        assert!(!plain.contains("fine"), "{plain}");
        for expected in [
            "kept: the server answers 500; the last good copy, 10 min 0 s old, 100 rows, stale; next try in 50 min 0 s",
            "hint: ask its owner",
            "slow: asked 9 times, 1 remembered, 8 missed",
            "left alone",
            "last failure: no answer within 800 ms",
        ] {
            assert!(plain.contains(expected), "{expected}: {plain}");
        }
    }
}
