//! `[service]`: as whom the program runs, and whether it confines itself.

use std::path::PathBuf;

use super::account::beside;
use super::section::{Key, Section};

/// What `[service]` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Service {
    /// As whom the program runs that root has started.
    pub(crate) user: Option<String>,
    /// That user's group, if not its own.
    pub(crate) group: Option<String>,
    pub(crate) sandbox: Sandbox,
    /// What may be read beside what the configuration names: folders and files.
    pub(crate) reads: Vec<PathBuf>,
    /// What may be written beside the program's own: by a program that is asked about callers.
    pub(crate) writes: Vec<PathBuf>,
}

/// Whether the program confines itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// As far as the system can.
    #[default]
    On,
    /// In full, or it does not start.
    Required,
    Off,
}

const USER: Key = Key::new("user", "the name of a user of this machine", "\"ringfence\"");
const GROUP: Key = Key::new("group", "the name of a group of this machine", "\"ringfence\"");
const SANDBOX: Key =
    Key::new("sandbox", "`on` (as far as the system can), `required` (in full) or `off`", "\"on\"");
const READS: Key = Key::new("reads", "paths of folders or files", "[\"/srv/lists\"]");
const WRITES: Key = Key::new("writes", "paths of folders or files", "[\"/var/lib/ask\"]");

impl Service {
    /// Reads a section; what it does not say keeps its default.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let name = |key| section.parsed(key, name).map(|at| at.value);
        let paths = |key| section.texts(key).into_iter().map(|at| beside(section.path(), at.value)).collect();
        let service = Self {
            user: name(&USER),
            group: name(&GROUP),
            sandbox: section.parsed(&SANDBOX, sandbox).map(|at| at.value).unwrap_or_default(),
            reads: paths(&READS),
            writes: paths(&WRITES),
        };
        if let (None, Some(span)) = (&service.user, section.span_of(&GROUP)) {
            section.error(span, "`group` is the group of `user`, and there is none", "add `user`");
        }
        section.finish();
        service
    }

    /// Returns the settings that another one changes; each takes effect with a restart.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let differs = [
            (&USER, self.user != other.user),
            (&GROUP, self.group != other.group),
            (&SANDBOX, self.sandbox != other.sandbox),
            (&READS, self.reads != other.reads),
            (&WRITES, self.writes != other.writes),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(key, _)| format!("service.{}", key.name)).collect()
    }
}

fn name(text: &str) -> Option<String> {
    let is_plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, ':' | '/');
    let is_name = !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(is_plain);
    is_name.then(|| text.to_owned())
}

/// As `useradd` has it.
const LONGEST_NAME: usize = 256;

fn sandbox(text: &str) -> Option<Sandbox> {
    match text {
        "on" => Some(Sandbox::On),
        "required" => Some(Sandbox::Required),
        "off" => Some(Sandbox::Off),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read_text;
    use super::*;

    const REST: &str = "[account.home]\nuser = \"858\"\ndomain = \"pbx.example\"\nregister = false\n\
                        [[rule]]\nid = \"all\"\nthen = \"ring\"\n[defaults]\nregion = \"CH\"\n";

    #[test]
    fn it_says_who_runs_and_what_may_be_read() {
        let text = format!(
            "version = 1\n[service]\nuser = \"ringfence\"\nsandbox = \"required\"\nreads = [\"lists\", \"/srv\"]\n{REST}"
        );
        let config = read_text(Path::new("/etc/ringfence/ringfence.toml"), text).config.unwrap();
        let service = config.service;
        assert_eq!(service.user.as_deref(), Some("ringfence"));
        assert_eq!(service.sandbox, Sandbox::Required);
        assert_eq!(service.reads, ["/etc/ringfence/lists", "/srv"].map(PathBuf::from));
        let changed = service.differences(&Service::default());
        assert_eq!(changed, ["service.user", "service.sandbox", "service.reads"]);
    }

    #[test]
    fn what_is_no_name_or_no_sandbox_is_an_error_and_so_is_a_group_without_a_user() {
        for wrong in ["user = \"a:b\"", "user = \"\"", "sandbox = \"perhaps\"", "group = \"staff\""] {
            let reading =
                read_text(Path::new("ringfence.toml"), format!("version = 1\n[service]\n{wrong}\n{REST}"));
            assert_eq!(reading.report.errors(), 1, "{wrong}: {}", reading.report);
        }
    }
}
