//! Another user in the place of root.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist, setgroups, setresgid, setresuid};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_keep_capabilities};

use super::CannotConfine;

/// A user of this machine, with the groups it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SystemUser {
    name: String,
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl SystemUser {
    /// Looks a user up, and its group or another.
    pub(super) fn find(name: &str, group: Option<&str>) -> Result<Self, CannotConfine> {
        let user = User::from_name(name).map_err(|error| unknown("user", name, error))?;
        let add = format!("add it (`useradd --system {name}`), or name another: [service] user");
        let user = user.ok_or_else(|| CannotConfine::new(format!("there is no user {name}"), add))?;
        let gid = match group {
            None => user.gid,
            Some(group) => {
                let found = Group::from_name(group).map_err(|error| unknown("group", group, error))?;
                let add = format!("add it (`groupadd --system {group}`), or name another: [service] group");
                found.ok_or_else(|| CannotConfine::new(format!("there is no group {group}"), add))?.gid
            }
        };
        let in_c =
            CString::new(name).map_err(|error| CannotConfine::new(error.to_string(), "name a user"))?;
        let groups = getgrouplist(&in_c, gid).map_err(|error| unknown("groups of the user", name, error))?;
        Ok(Self { name: name.to_owned(), uid: user.uid, gid, groups })
    }

    /// Tells whether the program runs as this user already.
    pub(super) fn is_current(&self) -> bool {
        Uid::current() == self.uid && Uid::effective() == self.uid
    }

    /// Returns who is to own what the program writes.
    pub(super) fn owner(&self) -> (u32, u32) {
        (self.uid.as_raw(), self.gid.as_raw())
    }

    /// Becomes this user, for good. Of root's rights one is kept where a port needs it: to bind low ports.
    pub(super) fn become_it(&self, binds_low_ports: bool) -> Result<(), CannotConfine> {
        if !Uid::effective().is_root() {
            let why = format!("only root can become the user {}", self.name);
            return Err(CannotConfine::new(why, "start it as root or as that user, or leave `user` away"));
        }
        self.change(binds_low_ports).map_err(|error| {
            let why = format!("cannot become the user {}: {error}", self.name);
            CannotConfine::new(why, "start it as that user, or let it have CAP_SETUID and CAP_SETGID")
        })?;
        crate::user::note_started_by_root();
        Ok(())
    }

    fn change(&self, binds_low_ports: bool) -> io::Result<()> {
        set_keep_capabilities(binds_low_ports)?;
        setgroups(&self.groups)?;
        setresgid(self.gid, self.gid, self.gid)?;
        setresuid(self.uid, self.uid, self.uid)?;
        let kept = if binds_low_ports { CapabilitySet::NET_BIND_SERVICE } else { CapabilitySet::empty() };
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: none })?;
        set_keep_capabilities(false)?;
        if !self.uid.is_root() && setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0)).is_ok() {
            return Err(io::Error::other("it can become root again"));
        }
        Ok(())
    }
}

fn unknown(what: &str, name: &str, error: nix::Error) -> CannotConfine {
    let why = format!("cannot look up the {what} {name}: {error}");
    CannotConfine::new(why, "see whether /etc/passwd, or what /etc/nsswitch.conf names, can be read")
}
