//! Compiled lists as files: opened and checked, or replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use ringfence_policy::{Set, SetWriter, Written};

use super::super::failure::with_hint;
use crate::config::regular;
use crate::mapped::Contents;
use crate::user::own_user;

/// Opens a compiled list, and reads all of it to see that it is what was written.
pub(super) fn opened(contents: Contents, path: &Path) -> Result<Set> {
    let set = Set::open(Arc::new(contents)).and_then(|set| set.verify().map(|()| set));
    set.map_err(|error| with_hint(format!("{}: {error}", path.display()), error.hint()))
}

/// Writes a compiled list in the place of an earlier one, or of none.
///
/// It is written beside, forced to the disk, read back and checked, and only then renamed: at any
/// time there is one list under that name, whole, and who has mapped the earlier one keeps it.
pub(super) fn replace(writer: SetWriter, output: &Path) -> Result<Written> {
    // A link stays a link: what it leads to is replaced.
    let output = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
    refuse_other_files(&output)?;
    let name = output.file_name().context("expected the name of a file for the compiled list")?;
    let beside = output.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = write(writer, &output, &beside).and_then(|written| {
        opened(Contents::open(&beside, own_user()?)?, &beside)?;
        fs::rename(&beside, &output)?;
        let directory = output.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(written)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write {}", output.display()))
}

/// Does not overwrite what is no compiled list: it may be the only copy of what is compiled.
fn refuse_other_files(output: &Path) -> Result<()> {
    let mut beginning = [0; 16];
    let length = match regular::open(output) {
        Err(error) if error.is_missing() => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", output.display())),
        Ok(mut file) => io::Read::read(&mut file, &mut beginning)?,
    };
    if length == 0 || Set::is_compiled(&beginning) {
        return Ok(());
    }
    let message = format!("{} is no compiled list, and is not overwritten", output.display());
    Err(with_hint(message, "name another file for --output"))
}

fn write(writer: SetWriter, output: &Path, beside: &Path) -> Result<Written> {
    let old = fs::metadata(output).ok();
    // Others may read it if they could read the old one. Nobody else may write to it: it is mapped.
    let mode = old.as_ref().map_or(0o644, MetadataExt::mode) & 0o755;
    let _ = fs::remove_file(beside);
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(beside)?;
    if let Some(old) = &old {
        // Only root may give a file away; anyone else replaces files of their own.
        let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
    }
    let bar = ProgressBar::new_spinner().with_style(style("{spinner} {msg}"));
    bar.set_message("compiling");
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut sink = Shown { file, bar };
    let written = writer.write(&mut sink)?;
    sink.bar.set_message("waiting for the disk");
    sink.file.sync_all()?;
    sink.bar.finish_and_clear();
    Ok(written)
}

/// A file that shows how much has been written.
struct Shown {
    file: File,
    bar: ProgressBar,
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.bar.inc(length as u64);
        self.bar.set_message(format!("written {} bytes", grouped(self.bar.position())));
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Shows the progress of reading, on a terminal alone.
pub(super) fn bar(length: usize, path: &Path) -> ProgressBar {
    let bar = ProgressBar::new(length as u64).with_style(style("{msg} {bar:40} {percent} % {eta}"));
    bar.set_message(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Counts something.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", grouped(count))
}

/// Writes a count with a comma before each three digits.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use arc_swap::ArcSwap;
    use jiff::Timestamp;
    use ringfence_policy::{Caller, E164, Facts, List, Policy, Region, decide};

    use super::*;

    #[test]
    fn counts_are_grouped_by_three_digits() {
        for (count, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(count), expected);
        }
    }

    /// Compiles every second number, enough for a file that is mapped.
    fn every_second(first: u64, path: &Path) {
        let mut writer = SetWriter::new("reject", Timestamp::UNIX_EPOCH);
        for index in 0..200_000 {
            writer.push_number(E164::new(12_000_000_000 + 2 * index + first).unwrap()).unwrap();
        }
        replace(writer, path).unwrap();
    }

    fn mapped(path: &Path) -> Arc<List> {
        let contents = Contents::open(path, own_user().unwrap()).unwrap();
        assert!(matches!(contents, Contents::Mapped(_)));
        let mut list = List::builder("reject");
        list.set("numbers.set", opened(contents, path).unwrap());
        Arc::new(list.build().0)
    }

    /// Decides two calls from neighbouring numbers by one policy: whichever list it has, one of
    /// them is refused.
    fn decide_two(policy: &Policy, number: u64) -> bool {
        let is_refused = |number: u64| {
            let user = format!("+{number}");
            let caller = Caller::from_header(&user, "pbx.example");
            let facts = Facts::new(&caller, "home", policy.region());
            decide(policy, &facts, Timestamp::UNIX_EPOCH).treatment().is_refusal()
        };
        is_refused(number) != is_refused(number + 1)
    }

    #[tokio::test]
    async fn each_call_is_decided_by_one_whole_list_while_it_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path: PathBuf = home.path().join("numbers.set");
        every_second(0, &path);
        let us = Region::parse("US").unwrap();
        let policy = Policy::of_lists(us, Arc::new(List::empty("allow")), mapped(&path)).unwrap();
        let policy = ArcSwap::from_pointee(policy);
        let (is_over, wrong, calls) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let call = calls.fetch_add(1, Ordering::Relaxed);
                    let is_right = decide_two(&policy.load(), 12_000_000_000 + call * 7_919 % 199_999 * 2);
                    wrong.fetch_add(u64::from(!is_right), Ordering::Relaxed);
                }
            });
            for turn in 1..5 {
                every_second(turn % 2, &path);
                let next = policy.load().with_list(mapped(&path)).unwrap();
                policy.store(Arc::new(next));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        assert_eq!(wrong.into_inner(), 0);
        assert!(calls.into_inner() > 1_000);
    }
}
