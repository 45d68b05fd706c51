//! A policy file that is not in force: to be tested, or to be tried on past calls.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use ringfence_policy::{Diagnostic, Draft, File, List, ListSource, ListSpec, Policy, Severity, SourceSpec};

use super::failure::with_hint;
use crate::config::{FOREIGN, Lists, Report, Told, regular};
use crate::user::own_user;

/// A policy is no longer, in bytes.
const MOST: u64 = 1024 * 1024;

/// Reads a policy file with what it includes, and says what is wrong with it.
pub(super) fn read(path: &Path) -> Result<(Draft, Vec<Diagnostic>)> {
    let main = text(path).map(|text| File::new(path.display().to_string(), text));
    let main = main
        .map_err(|why| with_hint(format!("cannot read {}: {why}", path.display()), "name a policy file"))?;
    let mut open = |written: &str, of: &str| {
        let path = beside(Path::new(of), written);
        text(&path).map(|text| File::new(path.display().to_string(), text))
    };
    Ok(Draft::read(main, &mut open, &FOREIGN))
}

/// Makes the policy of a file, to be compared with the one in force. Nothing is fetched: a list that lies on
/// a server is the one in force of the same name.
pub(super) fn policy(path: &Path, in_force: &Policy) -> Result<Policy> {
    let (draft, wrong) = read(path)?;
    let mut report = Report::default();
    let lists = Lists::read(&draft, own_user().unwrap_or(u32::MAX), &mut report);
    let list = |spec: &ListSpec| -> Arc<List> {
        let fetched = in_force.list(spec.name()).filter(|_| spec.sources().iter().any(is_remote));
        fetched.or_else(|| Some(&lists.named(spec.name())?.list)).map_or_else(|| spec.inline(), Arc::clone)
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

fn text(path: &Path) -> Result<String, String> {
    let bytes = regular::read(path, MOST).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "expected UTF-8 text, found other bytes".to_owned())
}

/// Returns the path of a file that is named in another, in one way only.
fn beside(of: &Path, written: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in of.parent().unwrap_or(Path::new("")).join(written).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if path.components().next_back().is_some_and(is_name) => drop(path.pop()),
            part @ (Component::Prefix(_)
            | Component::RootDir
            | Component::ParentDir
            | Component::Normal(_)) => {
                path.push(part);
            }
        }
    }
    path
}

fn is_name(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name_however_it_is_named() {
        for (of, written, expected) in [
            ("policy.toml", "lists.toml", "lists.toml"),
            ("etc/policy.toml", "./org/../lists.toml", "etc/lists.toml"),
            ("etc/policy.toml", "../lists.toml", "lists.toml"),
            ("policy.toml", "../lists.toml", "../lists.toml"),
            ("policy.toml", "/srv/lists.toml", "/srv/lists.toml"),
        ] {
            assert_eq!(beside(Path::new(of), written), Path::new(expected), "{of} {written}");
        }
    }
}
