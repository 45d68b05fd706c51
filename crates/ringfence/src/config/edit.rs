//! `block`, `allow` and `remove`: changes the lists where they are written, and nothing else there.
//!
//! One obvious place for a new entry: the first file of its list if it has files, else `entries` in
//! the configuration. A file is replaced whole (written beside, then renamed), so that a reader, the
//! running program among them, sees the old one or the new one. Editors that share a file wait for each other.

mod inline;
mod line_ends;
mod turn;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ringfence_policy::{Diagnostic, Entry, Pattern};
use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::lists::{self, Loaded};
use super::regular;
pub(crate) use inline::{add_inline, add_until};
pub(crate) use turn::Turn;

/// Why a list was not changed.
#[derive(Debug)]
pub(crate) enum EditError {
    Io {
        path: PathBuf,
        source: io::Error,
    },
    /// The configuration is not TOML, or `entries` is no array.
    Format {
        path: PathBuf,
        message: String,
    },
}

/// Adds an entry to a list, with a comment, and returns the file it is in.
pub(crate) fn add(config: &Path, list: &Loaded, written: &str, comment: &str) -> Result<PathBuf, EditError> {
    add_all(config, list, &[(written.to_owned(), comment.to_owned())])
}

/// Adds entries to a list, each with a comment that may be empty, and returns the file they are in.
pub(crate) fn add_all(
    config: &Path,
    list: &Loaded,
    entries: &[(String, String)],
) -> Result<PathBuf, EditError> {
    let Some(file) = list.files.first() else {
        edit_entries(config, &list.name, |array| {
            for (written, comment) in entries {
                push(array, written, comment);
            }
        })?;
        return Ok(config.to_owned());
    };
    // One that is gone is not made anew: what else was in it would be off the list.
    let before = read(file, lists::MOST).map_err(|source| {
        let is_gone = source.kind() == io::ErrorKind::NotFound;
        EditError::io(file, if is_gone { io::Error::other(GONE) } else { source })
    })?;
    let mut text = line_ends::plain(&before);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for (written, comment) in entries {
        text.push_str(written);
        text.push_str(&commented("  # ", comment));
    }
    replace(file, &line_ends::kept(&before, &text))?;
    Ok(file.clone())
}

const GONE: &str = "it is gone: put it back, or make an empty one";

/// Returns the end of a line, with a comment before it if there is one.
fn commented(begin: &str, comment: &str) -> String {
    if comment.is_empty() { "\n".to_owned() } else { format!("{begin}{comment}\n") }
}

/// Removes every entry that says the same as `pattern`, and returns what was removed, and from where.
pub(crate) fn remove(
    config: &Path,
    list: &Loaded,
    pattern: &Pattern,
) -> Result<Vec<(String, PathBuf, usize)>, EditError> {
    let found: Vec<Entry<'_>> = list
        .list
        .find_pattern(pattern)
        .into_iter()
        .chain(list.list.repeated().filter(|(first, _)| first.pattern() == *pattern).map(|(_, again)| again))
        .collect();
    // One that is named twice is edited once: behind what is removed the lines have other numbers.
    let mut files = BTreeMap::new();
    for file in &list.files {
        let one = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let (_, lines) = files.entry(one).or_insert_with(|| (file, Vec::new()));
        lines.extend(found.iter().filter_map(|entry| line_in(*entry, file)));
    }
    for (file, lines) in files.values() {
        if !lines.is_empty() {
            let text = read(file, lists::MOST).map_err(|source| EditError::io(file, source))?;
            // A file that has changed since it was read keeps what now stands on that line.
            let is_meant = |number: usize, line: &str| {
                let line = line.trim_start_matches('\u{feff}').trim_start();
                lines.iter().any(|(meant, written)| *meant == number && is_entry(line, written))
            };
            let kept =
                (1..).zip(text.split_inclusive('\n')).filter(|(number, line)| !is_meant(*number, line));
            replace(file, &kept.map(|(_, line)| line).collect::<String>())?;
        }
    }
    // Each in the file it stands in, which may be one that the configuration includes.
    let mut inline: Vec<(PathBuf, usize)> =
        found.iter().filter_map(|entry| list.inline_place(*entry)).collect();
    inline.sort_unstable();
    for same_file in inline.chunk_by(|(one, _), (other, _)| one == other) {
        let file = same_file.first().map_or(config, |(file, _)| file);
        edit_entries(file, &list.name, |entries| {
            for (_, index) in same_file.iter().rev() {
                take(entries, *index);
            }
        })?;
    }
    let removed = found.iter().filter(|entry| is_editable(list, **entry)).map(|entry| {
        let (file, line) = list.place_of(*entry);
        (entry.written().to_owned(), file, line)
    });
    Ok(removed.collect())
}

/// Tells whether an entry stands where people write: not in a compiled list, nor in what others write.
pub(crate) fn is_editable(list: &Loaded, entry: Entry<'_>) -> bool {
    entry.origin().file().is_none_or(|name| list.files.iter().any(|file| file == Path::new(name)))
}

/// Tells whether a line is that of an entry, and not of one that only begins so.
fn is_entry(line: &str, written: &str) -> bool {
    let behind = line.strip_prefix(written);
    behind
        .is_some_and(|behind| behind.is_empty() || behind.starts_with([' ', '\t', '\r', '\n', '#', ';', ',']))
}

/// Returns the line that an entry stands on in a file, and what stands there.
fn line_in<'a>(entry: Entry<'a>, file: &Path) -> Option<(usize, &'a str)> {
    let is_there = entry.origin().file().is_some_and(|name| Path::new(name) == file);
    is_there.then(|| (usize::try_from(entry.origin().line()).unwrap_or_default(), entry.written()))
}

/// Changes `entries` of a list in the configuration; comments, order and line ends stay as they are.
fn edit_entries(config: &Path, list: &str, edit: impl FnOnce(&mut Array)) -> Result<(), EditError> {
    let format = |message: String| EditError::Format { path: config.to_owned(), message };
    let text = read(config, super::MOST).map_err(|source| EditError::io(config, source))?;
    let mut document: DocumentMut =
        line_ends::plain(&text).parse().map_err(|error| format(format!("{error}")))?;
    let lists = document.entry("list").or_insert_with(implicit_table);
    let lists = lists.as_table_like_mut().ok_or_else(|| format("`list` is no table".to_owned()))?;
    let table = lists.entry(list).or_insert_with(|| Item::Table(Table::new()));
    let table = table.as_table_like_mut();
    let table = table.ok_or_else(|| format(format!("`list.{list}` is no table")))?;
    let entries = table.entry("entries").or_insert_with(|| Item::Value(Array::new().into()));
    let entries = entries.as_array_mut();
    let entries = entries.ok_or_else(|| format("`entries` is no array".to_owned()))?;
    end_with_comma(entries);
    edit(entries);
    replace(config, &line_ends::kept(&text, &document.to_string()))
}

/// A `[list]` that is not written out when there is only a `[list.reject]` in it.
fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

/// Puts a comma behind the last entry of an array of lines, where there is one behind the others.
fn end_with_comma(entries: &mut Array) {
    let last = entries.len().checked_sub(1).and_then(|last| entries.get_mut(last));
    let suffix = last.and_then(|last| {
        let suffix = last.decor().suffix()?.as_str()?.to_owned();
        suffix.contains('\n').then(|| last.decor_mut().set_suffix(""))?;
        Some(suffix)
    });
    if let Some(suffix) = suffix {
        entries.set_trailing_comma(true);
        let behind = entries.trailing().as_str().unwrap_or_default();
        entries.set_trailing(format!("{suffix}{behind}"));
    }
}

/// Adds an entry on a line of its own, before the lines of comments that close the array. The comment beside an entry is, for
/// the TOML library, what stands before the next one, or before the closing bracket.
fn push(entries: &mut Array, written: impl Into<Value>, comment: &str) {
    let trailing = entries.trailing().as_str().unwrap_or_default().to_owned();
    let (before, closing) = at_line_end(&trailing);
    let mut value: Value = written.into();
    value.decor_mut().set_prefix(format!("{}\n  ", before.trim_end()));
    entries.push_formatted(value);
    entries.set_trailing_comma(true);
    let added = commented(" # ", comment);
    let closing = if closing.is_empty() { "\n" } else { closing };
    entries.set_trailing(format!("{}{closing}", added.trim_end_matches('\n')));
}

/// Removes an entry with the comment beside it; the comment beside its predecessor stays.
fn take(entries: &mut Array, index: usize) {
    if index >= entries.len() {
        return;
    }
    let removed = entries.remove(index);
    let before = prefix(&removed).to_owned();
    if let Some(next) = entries.get_mut(index) {
        let joined = join(&before, prefix(next), index == 0, false);
        next.decor_mut().set_prefix(joined);
        return;
    }
    let trailing = entries.trailing().as_str().unwrap_or_default();
    let mut joined = join(&before, trailing, entries.is_empty(), true);
    if joined.contains('#') && !joined.contains('\n') {
        joined.push('\n');
    }
    entries.set_trailing(joined);
    if entries.is_empty() {
        entries.set_trailing_comma(false);
    }
}

/// Joins the comment of the entry before a removed one, and what stays of the lines between the two, with what follows the
/// comment of the removed.
fn join(before_removed: &str, after_removed: &str, is_first: bool, is_last: bool) -> String {
    let (comment, above) = at_line_end(before_removed);
    match at_line_end(after_removed) {
        (_, "") if is_first || !above.is_empty() => before_removed.to_owned(),
        (_, "") => after_removed.to_owned(),
        (_, below) => format!("{}{}{below}", comment.trim_end(), staying(above, below, is_last)),
    }
}

/// Returns which of the lines above a removed entry stay: all but the comment right above it, which goes with it, unless a blank
/// line sets that off as a heading, or the next entry stands below it, too.
fn staying(above: &str, below: &str, is_last: bool) -> String {
    let is_blank = |line: &&str| line.trim().is_empty();
    let mut lines: Vec<&str> = above.split('\n').skip(1).collect();
    // The last is what stood before the entry, on its line.
    lines.pop();
    let mut following: Vec<&str> = below.split('\n').skip(1).collect();
    following.pop();
    let is_shared = !is_last && following.is_empty();
    let own = lines.iter().rposition(is_blank).map_or(0, |blank| blank + 1);
    // Below a heading that is set off on both sides a comment is the entry's.
    let is_heading = own > 0 && lines.iter().take(own).all(is_blank);
    if !is_shared && !is_heading {
        lines.truncate(own);
    }
    // One blank line is enough, and none before the closing bracket.
    let is_set_off = following.first().map_or(is_last, is_blank);
    while is_set_off && lines.last().is_some_and(is_blank) {
        lines.pop();
    }
    lines.iter().flat_map(|line| ["\n", line]).collect()
}

/// Parts what stands on the line of an entry, behind it, from the lines below.
fn at_line_end(text: &str) -> (&str, &str) {
    text.split_at(text.find('\n').unwrap_or(text.len()))
}

fn prefix(value: &Value) -> &str {
    value.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default()
}

fn read(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(regular::read(path, most)?).map_err(|error| {
        let file = ringfence_policy::File::from_bytes(path.to_string_lossy(), error.into_bytes());
        io::Error::other(Diagnostic::not_utf8(&file).map_or_else(String::new, |wrong| wrong.summary()))
    })
}

/// Replaces a file by one with the same mode, owner and group, or creates it: for its owner alone, since lists tell of people.
/// Where who writes may not give it back to its owner, what is in the file is written anew.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), EditError> {
    let io = |source| EditError::io(path, source);
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().ok_or_else(|| io(io::ErrorKind::InvalidInput.into()))?;
    let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let old = fs::metadata(&path).ok();
    let mode = old.as_ref().map_or(0o600, |old| old.permissions().mode() & 0o7777);
    let written = (|| {
        // What a crash, or somebody else, has left there is not followed, whatever it is.
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        // Only root may give a file away, and others to groups of their own.
        let is_kept = old.as_ref().is_none_or(|old| {
            file.metadata().is_ok_and(|new| (new.uid(), new.gid()) == (old.uid(), old.gid()))
                || std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid())).is_ok()
        });
        if !is_kept {
            drop(file);
            fs::remove_file(&beside)?;
            let mut file = OpenOptions::new().write(true).truncate(true).open(&path)?;
            file.write_all(text.as_bytes())?;
            return file.sync_all();
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    })();
    written.map_err(|source| {
        let _ = fs::remove_file(&beside);
        io(source)
    })
}

impl EditError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// Returns what the system says, if it is that.
    pub(crate) fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            Self::Format { .. } => None,
        }
    }
}

impl std::fmt::Display for EditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "cannot change {}: {source}", path.display()),
            Self::Format { path, message } => write!(f, "cannot change {}: {message}", path.display()),
        }
    }
}

impl std::error::Error for EditError {}

#[cfg(test)]
mod tests;
