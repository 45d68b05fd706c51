//! A policy file that is not in force: to be tested, or to be tried on past calls.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use ringfence_policy::{Diagnostic, Draft, File, List, ListSpec, Policy, Severity};

use super::failure::with_hint;
use crate::config::{FOREIGN, regular};

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

/// Makes the policy of a file, to be compared with the one in force. A list that has sources is the one in
/// force of the same name.
pub(super) fn policy(path: &Path, in_force: &Policy) -> Result<Policy> {
    let (draft, _) = read(path)?;
    let list = |spec: &ListSpec| -> Arc<List> {
        let known = in_force.list(spec.name()).filter(|_| !spec.sources().is_empty());
        known.map_or_else(|| spec.inline(), Arc::clone)
    };
    draft.compile(list).map_err(|wrong| {
        let errors: Vec<&Diagnostic> =
            wrong.iter().filter(|wrong| wrong.severity == Severity::Error).collect();
        for wrong in &errors {
            anstream::eprintln!("{wrong}\n");
        }
        let s = if errors.len() == 1 { "" } else { "s" };
        let message = format!("{} has {} error{s}", path.display(), errors.len());
        with_hint(message, format!("`ringfence test {}` shows them again", path.display()))
    })
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
