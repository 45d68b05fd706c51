//! What the running program may do to its machine: what its work needs, and nothing else.
//!
//! ```text
//!  configuration ─▶ user: root's program becomes another's    ─▶ folders: what is read, what is written
//!                                                                    │
//!                 threads, sockets, journal ◀─ calls: seccomp ◀─ files: Landlock
//! ```
//!
//! All of it counts for the thread that asks for it and for those that it starts: it is done before there is any other.
//! What a program does that is asked about callers is confined with it.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;
mod folders;
#[cfg(target_os = "linux")]
mod user;

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use self::folders::Folders;
use crate::config::{Config, Sandbox, canonical};

/// What is in force, as the log and `ringfence status` tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confined {
    /// As whom the program runs, where root has started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// What may be read and written (Landlock).
    pub(crate) files: Extent,
    /// What may be asked of the kernel (seccomp).
    pub(crate) calls: Extent,
    /// Why not all of it is in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lacks: Vec<String>,
}

/// How much of something is in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Extent {
    #[default]
    None,
    Part,
    Whole,
}

/// Why the program cannot run as it is to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CannotConfine {
    why: String,
    pub(crate) hint: String,
}

/// What the command line says beside the configuration.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    /// As whom to run, in place of the configuration's `user`.
    pub(crate) user: Option<&'a str>,
    /// The capture file.
    pub(crate) pcap: Option<&'a Path>,
    /// Every file that the configuration is made of or names.
    pub(crate) named: &'a [PathBuf],
}

/// What may be read and run, once that is bounded.
static REACH: OnceLock<Reach> = OnceLock::new();

struct Reach {
    readable: Vec<Bounded>,
    runnable: Vec<Bounded>,
}

/// A folder as it was when it was opened: one that has taken its place since is another one to the kernel.
#[derive(Debug)]
struct Bounded {
    path: PathBuf,
    /// Device and inode.
    identity: Option<(u64, u64)>,
}

impl Bounded {
    fn all(paths: Vec<PathBuf>) -> Vec<Self> {
        paths.into_iter().map(|path| Self { identity: identity(&path), path }).collect()
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Becomes the user that is named, and confines the program. There must be no other thread yet.
pub(crate) fn confine(config: &Config, options: &Options<'_>) -> Result<Confined, CannotConfine> {
    let user = become_user(config, options)?;
    let folders = Folders::of(config, options);
    let mut confined = match config.service.sandbox {
        Sandbox::Off => {
            let lacks = vec!["[service] sandbox = \"off\"".to_owned()];
            return Ok(Confined { user, lacks, ..Confined::default() });
        }
        Sandbox::On | Sandbox::Required => restrict(config, &folders),
    };
    if config.service.sandbox == Sandbox::Required && !confined.lacks.is_empty() {
        let why = format!("the sandbox is not whole: {}", confined.lacks.join("; "));
        return Err(CannotConfine::new(why, "set [service] sandbox = \"on\" to run with what there is"));
    }
    confined.user = user;
    if confined.files != Extent::None {
        // It is asked once a process.
        let _ = REACH.set(Reach {
            readable: Bounded::all(folders.readable()),
            runnable: Bounded::all(folders.runnable()),
        });
    }
    Ok(confined)
}

/// Tells whether the sandbox lets the running program use the folders of its start alone.
pub(crate) fn bounds_folders() -> bool {
    REACH.get().is_some()
}

/// Tells whether the sandbox keeps the running program from reading a file.
pub(crate) fn is_out_of_reach(path: &Path) -> bool {
    REACH.get().is_some_and(|reach| !is_beneath(path, &reach.readable))
}

/// Tells whether a file lies in none of the folders that were named at the start, be they what they were then or not.
pub(crate) fn is_elsewhere(path: &Path) -> bool {
    let path = canonical(path);
    REACH.get().is_some_and(|reach| reach.readable.iter().all(|folder| !path.starts_with(&folder.path)))
}

/// Tells whether the sandbox lets a program be run.
pub(crate) fn may_run(path: &Path) -> bool {
    REACH.get().is_none_or(|reach| is_beneath(path, &reach.runnable))
}

fn is_beneath(path: &Path, folders: &[Bounded]) -> bool {
    let path = canonical(path);
    folders.iter().any(|folder| path.starts_with(&folder.path) && identity(&folder.path) == folder.identity)
}

#[cfg(target_os = "linux")]
fn restrict(config: &Config, folders: &Folders) -> Confined {
    let mut lacks = Vec::new();
    let files = match files::restrict(folders, &tcp_ports(config)) {
        Ok((extent, lack)) => {
            lacks.extend(lack);
            extent
        }
        Err(error) => {
            lacks.push(format!("files are not confined: {error}"));
            Extent::None
        }
    };
    let calls = match calls::restrict(!folders.run.is_empty()) {
        Ok(()) => Extent::Whole,
        Err(error) => {
            lacks.push(format!("system calls are not filtered: {error}"));
            Extent::None
        }
    };
    Confined { user: None, files, calls, lacks }
}

#[cfg(not(target_os = "linux"))]
fn restrict(_: &Config, _: &Folders) -> Confined {
    Confined { lacks: vec!["this system has neither Landlock nor seccomp".to_owned()], ..Confined::default() }
}

/// Returns the ports that are listened on by TCP, those of all shards.
#[cfg(target_os = "linux")]
fn tcp_ports(config: &Config) -> Vec<u16> {
    let ports = config.softphone.connections.values().map(std::net::SocketAddr::port);
    ports.flat_map(|port| of_shards(port, config.softphone.shards)).collect()
}

/// Returns a port and those of the further shards above it; any port is any for all.
#[cfg(target_os = "linux")]
fn of_shards(port: u16, shards: u16) -> impl Iterator<Item = u16> {
    let last = if port == 0 { 0 } else { port.saturating_add(shards.saturating_sub(1)) };
    port..=last
}

#[cfg(target_os = "linux")]
fn become_user(config: &Config, options: &Options<'_>) -> Result<Option<String>, CannotConfine> {
    let Some(name) = options.user.or(config.service.user.as_deref()) else { return Ok(None) };
    // The group is of the user that stands beside it.
    let group = config.service.group.as_deref().filter(|_| options.user.is_none());
    let system_user = user::SystemUser::find(name, group)?;
    if !system_user.is_current() {
        folders::give(config, system_user.owner())?;
        system_user.become_it(has_low_port(config))?;
        folders::check_readable(options.named, name)?;
        folders::check_writable(config, name)?;
    }
    Ok(Some(name.to_owned()))
}

/// Returns what is wrong on this machine with the user that a configuration names.
#[cfg(target_os = "linux")]
pub(crate) fn wrong_user(config: &Config) -> Option<CannotConfine> {
    user::SystemUser::find(config.service.user.as_deref()?, config.service.group.as_deref()).err()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn wrong_user(_: &Config) -> Option<CannotConfine> {
    None
}

#[cfg(not(target_os = "linux"))]
fn become_user(config: &Config, options: &Options<'_>) -> Result<Option<String>, CannotConfine> {
    match options.user.or(config.service.user.as_deref()) {
        None => Ok(None),
        Some(name) => Err(CannotConfine::new(
            format!("cannot become the user {name}: that is possible on Linux only"),
            "have the service manager start the program as that user",
        )),
    }
}

/// Tells whether a port is listened on that not everybody may have.
#[cfg(target_os = "linux")]
fn has_low_port(config: &Config) -> bool {
    let softphone = &config.softphone;
    let addresses = softphone.connections.values().chain([&softphone.listen]);
    addresses.map(std::net::SocketAddr::port).any(|port| port != 0 && port < FIRST_OF_ALL)
}

/// The first port that everybody may have, where the system does not say otherwise.
#[cfg(target_os = "linux")]
const FIRST_OF_ALL: u16 = 1024;

impl CannotConfine {
    fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: hint.into() }
    }
}

impl fmt::Display for CannotConfine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// One sentence, without what it lacks.
impl fmt::Display for Confined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = match self.files {
            Extent::Whole => "files and TCP ports confined",
            Extent::Part => "files confined in part",
            Extent::None => "files not confined",
        };
        let calls = if self.calls == Extent::None { "not filtered" } else { "filtered" };
        write!(f, "{files}, system calls {calls}")?;
        self.user.as_ref().map_or(Ok(()), |user| write!(f, ", as the user {user}"))
    }
}

#[cfg(test)]
mod tests;
