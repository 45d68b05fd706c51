//! How old what is on this machine of a list is: what nobody renews is told by `check`.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{Diagnostic, Draft, ListSpec as Written, Set};

use super::copies::Copies;
use super::fetch::copied;
use super::source::{Ready, Source};
use super::spec::{ListSpec, directory, ready};
use crate::mapped::Contents;

/// Returns a warning for each source whose rows are older than what the policy says of the list; `copies` is where last
/// good copies are kept.
pub(crate) fn too_old(draft: &Draft, copies: &Path, user: u32, now: Timestamp) -> Vec<Diagnostic> {
    let copies = Copies::new(copies.to_owned());
    let mut warnings = Vec::new();
    for written in draft.lists() {
        let Ok((spec, _)) = ready(written) else { continue };
        for source in written.sources() {
            let Ok(Ready::Source(from)) = Ready::new(&source.source, &directory(&source.file)) else {
                continue;
            };
            if let Some(mut warning) = of_source(written, &spec, &from, &copies, user, now) {
                warning.place = draft.place_of(source);
                warnings.push(warning);
            }
        }
    }
    warnings
}

fn of_source(
    written: &Written,
    spec: &ListSpec,
    source: &Source,
    copies: &Copies,
    user: u32,
    now: Timestamp,
) -> Option<Diagnostic> {
    let age = |at: Timestamp| now.duration_since(at);
    match source {
        Source::Web { .. } | Source::AddressBook { .. } | Source::FtcDnc { .. } => {
            let (addresses, copies) = (copied(spec, source, now), copies.of(spec));
            let age = age(addresses.iter().filter_map(|address| copies.seen(address)).max()?);
            let every = spec.interval(source);
            is_past(age, spec.patience(source)).then(|| {
                let message = format!(
                    "the last good copy of {source} is {} old, and is to be renewed every {}",
                    told(age),
                    told_of(every)
                );
                Diagnostic::warning(message).hint(
                    "`ringfence status` tells why the source is not reached; on_stale = \"drop\" does without old rows",
                )
            })
        }
        Source::File { path, .. } => {
            let every = written.refresh()?;
            let age = age(Timestamp::try_from(fs::metadata(path).ok()?.modified().ok()?).ok()?);
            is_past(age, every.saturating_mul(UNTOUCHED_REFRESHES)).then(|| {
                let message = format!(
                    "{source} was last changed {} ago, and is looked at every {}",
                    told(age),
                    told_of(every)
                );
                Diagnostic::warning(message)
                    .hint("see whether what writes the file still runs, or leave `refresh` out")
            })
        }
        Source::Compiled { path } => {
            let every = written.refresh()?;
            let set = Set::open(Arc::new(Contents::open(path, user).ok()?)).ok()?;
            let age = age(set.made());
            is_past(age, every).then(|| {
                let message = format!(
                    "the compiled list {} was made {} ago, and is to be renewed every {}",
                    path.display(),
                    told(age),
                    told_of(every)
                );
                let hint = format!("compile it again: ringfence list compile LIST -o {}", path.display());
                Diagnostic::warning(message).hint(hint)
            })
        }
    }
}

/// A file that has not changed for so many of its refreshes has nobody who writes it.
const UNTOUCHED_REFRESHES: u32 = 10;

fn is_past(age: SignedDuration, limit: Duration) -> bool {
    SignedDuration::try_from(limit).is_ok_and(|limit| age > limit)
}

fn told_of(span: Duration) -> String {
    told(SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX))
}

/// Returns a span in the largest unit of which there are two at least, as people say it.
fn told(span: SignedDuration) -> String {
    let (minutes, hours) = (span.as_mins(), span.as_hours());
    let days = hours / 24;
    let units = [(days, "day"), (hours, "hour"), (minutes, "minute")];
    let unit = units.into_iter().find(|(count, _)| *count >= 2);
    match unit.unwrap_or((span.as_secs(), "second")) {
        (1, unit) => format!("1 {unit}"),
        (count, unit) => format!("{count} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::PathBuf;
    use std::time::SystemTime;

    use ringfence_policy::SetWriter;

    use super::super::copies::Document;
    use super::*;
    use crate::user::own_user;

    /// A list of one source, beside a directory of copies.
    struct Home {
        directory: tempfile::TempDir,
        draft: Draft,
    }

    impl Home {
        fn with(list: &str) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let policy = format!(
                "[defaults]\nregion = \"CH\"\n[list.reject]\n{list}\n[[rule]]\nid = \"rest\"\nthen = \"ring\"\n"
            );
            let name = directory.path().join("ringfence.toml");
            let file = ringfence_policy::File::new(name.to_string_lossy(), policy);
            let (draft, wrong) = Draft::read(file, &mut |_, _| Err("none".to_owned()), &[]);
            assert_eq!(wrong, []);
            Self { directory, draft }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        /// Returns what is told of the source, with the line that names it.
        fn told(&self) -> Vec<(String, usize)> {
            let told = too_old(&self.draft, &self.path("copies"), own_user().unwrap(), now());
            assert!(told.iter().all(|warning| warning.hint.is_some()));
            let text = |warning: Diagnostic| {
                (
                    warning.message.replace(&format!("{}/", self.path("").display()).replace("//", "/"), ""),
                    warning.place.unwrap().line,
                )
            };
            told.into_iter().map(text).collect()
        }
    }

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn ago(hours: i64) -> Timestamp {
        now() - SignedDuration::from_hours(hours)
    }

    #[test]
    fn a_copy_that_was_not_renewed_for_several_refreshes_is_told() {
        let home = Home::with("source = \"https://lists.example/spam.csv\"\nrefresh = \"1d\"");
        assert_eq!(home.told(), [], "there is no copy yet");
        let document = Document {
            source: "https://lists.example/spam.csv".to_owned(),
            content_type: None,
            etag: None,
            last_modified: None,
            signature: None,
            body: b"+41791234567\n".to_vec(),
        };
        let copies = Copies::new(home.path("copies"));
        copies.keep(&document, ago(48)).unwrap();
        assert_eq!(home.told(), []);
        copies.touch(&document.source, ago(24 * 40)).unwrap();
        let message = "the last good copy of https://lists.example/spam.csv is 40 days old, and is to be renewed every 24 hours";
        assert_eq!(home.told(), [(message.to_owned(), 4)]);
    }

    #[test]
    fn a_file_with_a_refresh_that_nobody_touches_is_told() {
        let home = Home::with("source = \"spam.csv\"\nrefresh = \"1h\"");
        let file = File::create(home.path("spam.csv")).unwrap();
        file.set_modified(SystemTime::from(ago(10))).unwrap();
        assert_eq!(home.told(), []);
        file.set_modified(SystemTime::from(ago(11))).unwrap();
        let message = "spam.csv was last changed 11 hours ago, and is looked at every 60 minutes";
        assert_eq!(home.told(), [(message.to_owned(), 4)]);
        let home = Home::with("source = \"spam.csv\"");
        File::create(home.path("spam.csv")).unwrap().set_modified(SystemTime::from(ago(9_999))).unwrap();
        assert_eq!(home.told(), [], "it has no refresh");
    }

    #[test]
    fn a_compiled_list_that_was_made_long_ago_is_told() {
        for (hours, expected) in [(23, 0), (25, 1)] {
            let home = Home::with("source = \"set:spam.set\"\nrefresh = \"1d\"");
            let mut bytes = std::io::Cursor::new(Vec::new());
            SetWriter::new("spam", ago(hours)).write(&mut bytes).unwrap();
            fs::write(home.path("spam.set"), bytes.into_inner()).unwrap();
            let told = home.told();
            assert_eq!(told.len(), expected, "{told:?}");
            assert!(
                told.iter().all(|(message, line)| message.contains("25 hours ago") && *line == 4),
                "{told:?}"
            );
        }
    }
}
