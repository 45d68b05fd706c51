//! What may not be asked of the kernel: seccomp.
//!
//! A list of what is denied, not of what is allowed: the C library, `SQLite` and the runtime ask for other calls with
//! each version, and one that were missing would take every line down. What is denied is what no version of them can need: to run
//! programs, to look into others, to change the system or what may be executed of memory. It fails with `EPERM`, as it would
//! for want of rights: that stops an intruder as well as a kill does, and a mistake in this list costs no call. (`clone3` fails with `ENOSYS`, so that the C library asks for `clone`; a call by the
//! numbers of another architecture ends the process.)

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rustix::io::Errno;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Denies this thread, and those that it starts, what it cannot need. Where the policy has a program asked, that one must
/// be run, and may make code as it runs.
pub(super) fn restrict(runs_programs: bool) -> Result<(), seccompiler::Error> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut denied: Rules = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    denied.extend(conditional()?);
    if !runs_programs {
        denied.extend([libc::SYS_execve, libc::SYS_execveat].map(|call| (call, Vec::new())));
        denied.extend(executable_memory()?);
    }
    apply(denied, Errno::PERM, architecture)?;
    // Its flags lie where a filter cannot look: the C library asks for `clone` instead, of which they are looked at.
    apply([(libc::SYS_clone3, Vec::new())].into(), Errno::NOSYS, architecture)
}

fn apply(mut denied: Rules, with: Errno, architecture: TargetArch) -> Result<(), seccompiler::Error> {
    if architecture == TargetArch::x86_64 {
        // Some kernels know each call by a second number as well.
        let again: Vec<_> = denied.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        denied.extend(again);
        // Those that have another number there; nothing here is made for those kernels.
        denied.extend(X32_ALONE.map(|call| (call | X32, Vec::new())));
    }
    let with = SeccompAction::Errno(with.raw_os_error().unsigned_abs());
    let filter = SeccompFilter::new(denied, SeccompAction::Allow, with, architecture)?;
    apply_filter(&BpfProgram::try_from(filter)?)
}

/// `__X32_SYSCALL_BIT`
const X32: i64 = 0x4000_0000;
/// The calls of `syscall_64.tbl` that are x32's only, `rt_sigaction` to `pwritev2`.
const X32_ALONE: RangeInclusive<i64> = 512..=547;

/// Calls that nothing here can need.
const NEVER: &[i64] = &[
    // To look into other processes, or have them do something.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Another view of the files, or of the system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // Another kernel, or code in it.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The machine itself.
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_personality,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    // Another user's rights, or rights that were given up.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
];

/// Calls that are denied with some arguments.
fn conditional() -> Result<Rules, BackendError> {
    let all = |conditions| SeccompRule::new(conditions);
    // The Internet, this machine, and the kernel's own news of addresses: no packets, no Bluetooth, no ciphers in the kernel.
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let others = families.map(|family| condition(0, Is::Ne, family.unsigned_abs()));
    let other_family = all(others.into_iter().collect::<Result<_, _>>()?)?;
    // Of what the kernel has to tell, addresses and routes: no firewall, no audit.
    let netlink = condition(0, Is::Eq, libc::AF_NETLINK.unsigned_abs())?;
    let other_news = all(vec![netlink, condition(2, Is::Ne, libc::NETLINK_ROUTE.unsigned_abs())?])?;
    let namespaces = NAMESPACES.iter().map(|flag| {
        let flag = flag.unsigned_abs();
        all(vec![condition(0, Is::MaskedEq(flag.into()), flag)?])
    });
    // What a terminal would take for typed.
    let typed = [TIOCSTI, TIOCLINUX].map(|what| all(vec![condition(1, Is::Eq, what)?]));
    Ok([
        (libc::SYS_socket, vec![other_family.clone(), other_news]),
        (libc::SYS_socketpair, vec![other_family]),
        (libc::SYS_clone, namespaces.collect::<Result<_, _>>()?),
        (libc::SYS_ioctl, typed.into_iter().collect::<Result<_, _>>()?),
    ]
    .into())
}

const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;

/// Memory that can be written and executed, or is made executable: only who brings code of his own needs it.
fn executable_memory() -> Result<Rules, BackendError> {
    let execute = libc::PROT_EXEC.unsigned_abs();
    let both = execute | libc::PROT_WRITE.unsigned_abs();
    let with = |protection: u32| {
        Ok(vec![SeccompRule::new(vec![condition(2, Is::MaskedEq(protection.into()), protection)?])?])
    };
    Ok([
        (libc::SYS_mmap, with(both)?),
        (libc::SYS_mprotect, with(execute)?),
        (libc::SYS_pkey_mprotect, with(execute)?),
    ]
    .into())
}

fn condition(argument: u8, operator: Is, value: u32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, Length::Dword, operator, value.into())
}
