//! What the running program reads and writes, folder by folder: an editor puts a new file in the place of the old one, and a
//! permission for a file would be one for the old file.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, lchown};
use std::path::{Path, PathBuf};

use super::{CannotConfine, Options};
use crate::config::{Config, canonical};
use crate::control::place;
use crate::sources::{Source, kept_copies, local, programs};
use crate::user::own_user;

/// What the program reads, runs and writes.
#[derive(Debug, Default)]
pub(super) struct Folders {
    pub(super) read: Vec<PathBuf>,
    /// Where programs lie that are asked about callers, and what they are run by; none where none is asked.
    pub(super) run: Vec<PathBuf>,
    pub(super) write: Vec<PathBuf>,
    /// Single files that are written.
    pub(super) files: Vec<PathBuf>,
}

/// What the C library, the resolver and TLS read of the system, now and whenever it changes. `/etc` as a whole: its files are
/// replaced, `resolv.conf` with every change of the network. Its secrets are kept by their own permissions.
const SYSTEM: [&str; 12] = [
    "/etc",
    "/usr/share",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/share/ca-certificates",
    "/lib",
    "/lib64",
    "/nix/store",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/var/lib/ca-certificates",
];
/// What it reads of the machine itself.
const MACHINE: [&str; 4] = ["/proc/sys/net", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/proc/self"];
/// Where programs are run from, and what they are run by.
const PROGRAMS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/nix/store"];
/// Variables that say where a part of the system is to be read instead.
const VARIABLES: [&str; 3] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "TZDIR"];

impl Folders {
    /// Finds out what a configuration needs. Folders of the program's own are made where they are missing, and so is the
    /// capture file.
    pub(super) fn of(config: &Config, options: &Options<'_>) -> Self {
        let mut read: BTreeSet<PathBuf> = SYSTEM.iter().chain(&MACHINE).map(PathBuf::from).collect();
        let named = options.named.iter().map(PathBuf::as_path).chain(local(&config.remote));
        let named = named.chain([config.path.as_path()]);
        read.extend(named.flat_map(|file| [folder_of(file), folder_of(&canonical(file))]));
        read.extend(config.service.reads.iter().cloned());
        read.extend(VARIABLES.iter().filter_map(std::env::var_os).map(PathBuf::from));
        read.insert(folder_of(&canonical(Path::new("/etc/resolv.conf"))));
        let asked: Vec<&Path> = programs(&config.look_ups).collect();
        let mut run: BTreeSet<PathBuf> = asked.iter().map(|program| folder_of(&canonical(program))).collect();
        let mut files = Vec::new();
        if !asked.is_empty() {
            run.extend(PROGRAMS.iter().map(PathBuf::from));
            files.push(PathBuf::from("/dev/null"));
        }
        if let Some(pcap) = options.pcap {
            // What is there keeps what it holds until the trace begins, and a pipe its reader. What cannot be made is told then.
            let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(pcap);
            // A pipe without a name is no file that could be confined.
            files.extend(fs::canonicalize(pcap));
        }
        let own = own(config);
        for folder in &own {
            // What cannot be made is told by whoever is to write there.
            let _ = make(folder);
        }
        let write = own.into_iter().chain(config.service.writes.iter().cloned()).collect();
        Self { read: read.into_iter().collect(), run: run.into_iter().collect(), write, files }
    }

    /// Returns all that may be read, by its one name.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        [&self.read, &self.run, &self.write].into_iter().flatten().map(|folder| canonical(folder)).collect()
    }

    /// Returns where all lies that may be run, by its one name.
    pub(super) fn runnable(&self) -> Vec<PathBuf> {
        self.run.iter().map(|folder| canonical(folder)).collect()
    }
}

/// Returns the folders of the program's own: of the journal, the copies of lists, and the control socket.
fn own(config: &Config) -> Vec<PathBuf> {
    let control = config.softphone.control.clone();
    let control = control.or_else(|| own_user().ok().map(place::default_place));
    let journal = config.journal.path().map(folder_of);
    journal.into_iter().chain([kept_copies()]).chain(control.map(|socket| folder_of(&socket))).collect()
}

/// Makes the folders that are missing, and gives them to the user that is to write there: the folder and not what a link leads
/// to, which whoever may write beside it could put in its place meanwhile.
pub(super) fn give(config: &Config, (user, group): (u32, u32)) -> Result<(), CannotConfine> {
    for folder in of_service(config) {
        if folder.exists() {
            continue;
        }
        let made = make(&folder).and_then(|()| lchown(&folder, Some(user), Some(group)));
        made.map_err(|error| {
            let why = format!("cannot make the folder {}: {error}", folder.display());
            CannotConfine::new(why, "make it and give it to that user, or name another")
        })?;
    }
    Ok(())
}

/// Says which file of the configuration a user cannot read: it would be missing at the next reload.
pub(super) fn check_readable(files: &[PathBuf], user: &str) -> Result<(), CannotConfine> {
    for file in files {
        let Err(error) = File::open(file) else { continue };
        if error.kind() == io::ErrorKind::PermissionDenied {
            let file = file.display();
            let hint =
                format!("give it to that user: chown {user} {file}; its folders must be open to it, too");
            return Err(CannotConfine::new(format!("the user {user} cannot read {file}: {error}"), hint));
        }
    }
    Ok(())
}

/// Says which folder of the program's own a user cannot write to.
pub(super) fn check_writable(config: &Config, user: &str) -> Result<(), CannotConfine> {
    // Where no list is fetched, no copy is kept.
    let is_fetched = config.remote.iter().flat_map(|list| &list.sources).any(Source::is_fetched);
    let is_used = |folder: &PathBuf| is_fetched || *folder != kept_copies();
    for folder in of_service(config).into_iter().filter(is_used) {
        if let Err(error) = tempfile::tempfile_in(&folder) {
            let folder = folder.display();
            let hint = format!("give it to that user, with what is in it: chown -R {user} {folder}");
            return Err(CannotConfine::new(
                format!("the user {user} cannot write to {folder}: {error}"),
                hint,
            ));
        }
    }
    Ok(())
}

/// The folders of a program that root starts, whoever it then runs as.
fn of_service(config: &Config) -> Vec<PathBuf> {
    let control = config.softphone.control.clone().unwrap_or_else(|| PathBuf::from(place::SYSTEM));
    let journal = config.journal.path().map(folder_of);
    journal.into_iter().chain([kept_copies(), folder_of(&control)]).collect()
}

/// Makes a folder that is its owner's alone, and those above it, which all may pass through.
fn make(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    }
    DirBuilder::new().mode(0o700).create(folder)
}

/// Returns where a file lies.
fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}
