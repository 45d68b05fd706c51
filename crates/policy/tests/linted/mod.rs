//! Policies to find something odd in.

use std::sync::Arc;

use jiff::Timestamp;
use ringfence_policy::{Diagnostic, Draft, File, List, ListSpec, Severity};

fn now() -> Timestamp {
    "2026-06-02T10:00:00Z".parse().expect("an instant")
}

/// Returns what is odd about some blocks, to which defaults and a last rule are added.
pub(crate) fn odd(blocks: &str) -> Vec<String> {
    odd_with(blocks, ListSpec::inline)
        .into_iter()
        .filter(|odd| odd.severity > Severity::Note)
        .map(|odd| odd.message)
        .collect()
}

pub(crate) fn odd_with(blocks: &str, lists: impl FnMut(&ListSpec) -> Arc<List>) -> Vec<Diagnostic> {
    let defaults = "defaults = { region = \"CH\", timezone = \"Europe/Zurich\" }\n";
    let text = format!("{defaults}{blocks}\n[[rule]]\nid = \"last\"\nthen = \"ring\"\n");
    let (draft, wrong) =
        Draft::read(File::new("p.toml", text), &mut |_, _| Err("no such file".to_owned()), &[]);
    let errors: Vec<_> = wrong.iter().filter(|wrong| wrong.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    draft.check(&draft.compile(lists).expect("nothing is wrong"), now())
}

/// Returns what is odd about a whole policy and the files it includes.
#[allow(dead_code, reason = "not all tests have several files")]
pub(crate) fn odd_of(main: &str, others: &[(&str, &str)]) -> Vec<String> {
    let mut open = |written: &str, _: &str| match others.iter().find(|(name, _)| *name == written) {
        Some((name, text)) => Ok(File::new(*name, *text)),
        None => Err("no such file".to_owned()),
    };
    let (draft, wrong) = Draft::read(File::new("p.toml", main), &mut open, &[]);
    assert!(wrong.iter().all(|wrong| wrong.severity < Severity::Error), "{wrong:#?}");
    let odd = draft.check(&draft.compile(ListSpec::inline).expect("nothing is wrong"), now());
    odd.into_iter().filter(|odd| odd.severity > Severity::Note).map(|odd| odd.message).collect()
}

pub(crate) fn rule(id: &str, when: &str, then: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nwhen = {when}\nthen = {then}\n")
}
