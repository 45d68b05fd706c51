//! What may be read, written and run, and on which TCP ports may be listened: Landlock.
//!
//! Where a connection leads is not bounded: SRV records, redirections and list servers name ports of their own.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, NetPort, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Extent;
use super::folders::Folders;

/// What is asked for: what a kernel does not know is left away.
const KNOWN: ABI = ABI::V7;

/// Restricts this thread and those that it starts. Returns how much is in force, and why it is not all.
pub(super) fn restrict(
    folders: &Folders,
    tcp_ports: &[u16],
) -> Result<(Extent, Option<String>), RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let run = read | AccessFs::Execute;
    let file = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
    // An outgoing connection may begin at an address of ours, and then at any port.
    let ports = tcp_ports.iter().chain([&0]).map(|port| Ok(NetPort::new(*port, AccessNet::BindTcp)));
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(&folders.read, read))?
        .add_rules(path_beneath_rules(&folders.run, run))?
        .add_rules(path_beneath_rules(&folders.write, written()))?
        .add_rules(path_beneath_rules(&folders.files, file))?
        .add_rules(ports.collect::<Vec<Result<_, RulesetError>>>())?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => (Extent::Whole, None),
        RulesetStatus::PartiallyEnforced => {
            let why =
                format!("this kernel has less of Landlock than the sandbox asks for: {:?}", status.landlock);
            (Extent::Part, Some(why))
        }
        RulesetStatus::NotEnforced => (
            Extent::None,
            Some("files are not confined: this kernel has no Landlock, or it is not enabled".to_owned()),
        ),
    })
}

/// What is done in a folder of the program's own: files and sockets, no devices, links or folders.
fn written() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeSock
        | AccessFs::RemoveFile
}
