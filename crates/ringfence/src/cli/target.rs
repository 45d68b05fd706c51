//! A file that a person names to be written: never one that the program itself lives by.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::failure::with_hint;
use crate::config::{Reading, canonical};
use crate::control::place;
use crate::journal::Settings;
use crate::sources::kept_copies;
use crate::user::own_user;
use crate::{instance, lock};

/// Makes sure that a file may be written: what is no regular file or belongs to the program is refused, and what
/// is there already too unless it is meant.
pub(super) fn accept(path: &Path, reading: &Reading, force: bool) -> Result<()> {
    let shown = path.display();
    let found = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(with_hint(format!("cannot write {shown}: {error}"), ELSEWHERE)),
    };
    refuse_own(path, reading)?;
    match found {
        Some(found) if found.is_dir() => {
            Err(with_hint(format!("cannot write {shown}: it is a directory"), "name a file in it"))
        }
        Some(found) if !found.is_file() => {
            let hint = "without --output it goes to the standard output";
            Err(with_hint(format!("cannot write {shown}: it is no regular file"), hint))
        }
        Some(_) if !force => {
            let hint = "--force overwrites it, or name another file";
            Err(with_hint(format!("{shown} is there already"), hint))
        }
        Some(_) | None => Ok(()),
    }
}

/// Makes sure that a file is none that the program lives by.
pub(super) fn refuse_own(path: &Path, reading: &Reading) -> Result<()> {
    own(path, reading).map_or(Ok(()), |what| {
        Err(with_hint(format!("{} is {what}, and is not overwritten", path.display()), ELSEWHERE))
    })
}

const ELSEWHERE: &str = "name another file";

/// Returns what a file is to the program, if it is one of its own.
fn own(path: &Path, reading: &Reading) -> Option<&'static str> {
    let path = canonical(path);
    let journal = reading.journal.clone().unwrap_or_default();
    if journal_files(&journal).iter().any(|file| canonical(file) == path) {
        return Some("a file of the journal");
    }
    if sockets(reading)
        .iter()
        .any(|socket| [socket, &lock::name(socket)].iter().any(|own| canonical(own) == path))
    {
        return Some("a file of the control socket");
    }
    if path.starts_with(canonical(&kept_copies())) {
        return Some("a copy of a list that was fetched");
    }
    let is_own = |file: &PathBuf| canonical(file) == path;
    if is_own(&reading.path) {
        return Some("the configuration");
    }
    reading.files.iter().any(is_own).then_some("a file that the configuration names")
}

fn journal_files(journal: &Settings) -> Vec<PathBuf> {
    let beside = |path: &Path, end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let ends = ["", "-wal", "-shm", "-journal", ".lock"];
    let Some(path) = journal.path() else { return Vec::new() };
    // What registrars know this installation by stands with it.
    let instance = instance::file(path.parent().unwrap_or(Path::new("")));
    ends.map(|end| beside(path, end)).into_iter().chain([instance]).collect()
}

/// Returns where the control socket may be.
fn sockets(reading: &Reading) -> Vec<PathBuf> {
    let usual = || own_user().map(place::usual_places).unwrap_or_default();
    reading.control.clone().map_or_else(usual, |control| vec![control])
}
