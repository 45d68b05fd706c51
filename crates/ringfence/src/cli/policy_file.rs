//! A policy file that is not in force: to be tested, or to be tried on past calls.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use ringfence_policy::{Diagnostic, Draft, List, ListSource, ListSpec, Policy, Severity, SourceSpec};

use super::failure::with_hint;
use crate::config::{FOREIGN, Lists, Report, Told, policy_file};
use crate::user::own_user;

/// Reads a policy file with what it includes, and says what is wrong with it.
pub(super) fn read(path: &Path) -> Result<(Draft, Vec<Diagnostic>)> {
    let main = policy_file::read(path)
        .map_err(|why| with_hint(format!("cannot read {}: {why}", path.display()), "name a policy file"))?;
    let mut open =
        |written: &str, by: &str| policy_file::read(&policy_file::included(Path::new(by), written));
    Ok(Draft::read(main, &mut open, &FOREIGN))
}

/// Makes the policy of a file, to be compared with the one in force. Nothing is fetched: of a list that lies on
/// a server, the rows that the one in force of the same name has from servers count, beside what the file says itself.
pub(super) fn policy(path: &Path, in_force: &Policy) -> Result<Policy> {
    let (draft, wrong) = read(path)?;
    let mut report = Report::default();
    let lists = Lists::read(&draft, own_user().unwrap_or(u32::MAX), &mut report);
    let list = |spec: &ListSpec| -> Arc<List> {
        let own = lists.named(spec.name()).map_or_else(|| spec.inline(), |loaded| Arc::clone(&loaded.list));
        match in_force.list(spec.name()).filter(|_| spec.sources().iter().any(is_remote)) {
            Some(in_force) => with_fetched(&own, in_force),
            None => own,
        }
    };
    let is_error = |wrong: &&Diagnostic| wrong.severity == Severity::Error;
    let compiled = draft.compile(list);
    if let (Ok(policy), 0) = (&compiled, report.errors()) {
        return Ok(policy.clone());
    }
    let wrong = compiled.err().unwrap_or(wrong);
    for wrong in wrong.iter().filter(is_error) {
        anstream::eprintln!("{}\n", Told(wrong));
    }
    if report.errors() > 0 {
        anstream::eprintln!("{report}\n");
    }
    let errors = wrong.iter().filter(is_error).count() + report.errors();
    let s = if errors == 1 { "" } else { "s" };
    let message = format!("{} has {errors} error{s}", path.display());
    Err(with_hint(message, "mend what is told above, then try again"))
}

/// Adds to a list what another one has from servers.
fn with_fetched(own: &List, in_force: &List) -> Arc<List> {
    let mut builder = List::builder(own.name());
    builder.again(own, |_| true);
    // Whatever is fetched has the name of its address.
    builder.again(in_force, |file| file.is_some_and(|file| file.starts_with("https://")));
    Arc::new(builder.build().0)
}

fn is_remote(source: &SourceSpec) -> bool {
    match source.source {
        ListSource::Https { .. } | ListSource::CardDav { .. } | ListSource::FtcDoNotCall => true,
        ListSource::File { .. }
        | ListSource::Set { .. }
        | ListSource::PhoneBlock
        | ListSource::LookupHttps { .. }
        | ListSource::LookupProgram { .. } => false,
    }
}
