"""Each hardening switch of the unit, tried three times: what it is for is done where nothing forbids it, and refused both where
that switch stands alone and where all of the unit's do. So it is each switch that is judged, and not what others forbid as well.
"""

import ctypes
import functools
import os
import pathlib
import re
import shutil
import subprocess

import attempts
from process import expect
from service import PROJECT, ran, wait_until

UNIT = PROJECT / "packaging" / "ringfence.service"
TRIED = pathlib.Path("/run/systemd/system/ringfence-tried.service")
SAID = "/run/ringfence-tried.log"
ATTEMPTS = ["/usr/bin/python3", "-B", attempts.__file__]

# Root may do all that a switch forbids, unless the switch counts for others alone.
AS_ANOTHER = "User=nobody"
EPERM = "SystemCallErrorNumber=EPERM"
IPC_CREAT = 0o1000
# A switch of the unit, what it is for, and what it needs beside it to be tried alone.
TABLE = [
    ("NoNewPrivileges=yes", "gains_rights", AS_ANOTHER),
    ("CapabilityBoundingSet=", "takes_a_low_port"),
    ("ProtectSystem=strict", "writes_to_etc"),
    ("ProtectHome=yes", "reads_a_home"),
    ("InaccessiblePaths=-/run/lock", "writes_to_run_lock"),
    ("PrivateTmp=yes", "reads_the_tmp_of_others"),
    ("PrivateIPC=yes", "finds_the_shared_memory_of_another"),
    ("PrivateMounts=yes", "has_the_mounts_of_the_machine"),
    ("PrivateDevices=yes", "reads_the_disk"),
    ("DevicePolicy=closed", "reads_the_disk"),
    ("PrivateUsers=yes", "gives_a_file_to_another"),
    ("ProtectProc=invisible", "sees_the_processes_of_others", AS_ANOTHER),
    ("ProcSubset=pid", "reads_what_is_no_process_of_proc"),
    ("KeyringMode=private", "reads_a_key_of_another"),
    ("ProtectClock=yes", "sets_the_clock"),
    ("ProtectHostname=yes", "sets_the_name_of_the_machine"),
    ("ProtectKernelLogs=yes", "reads_the_log_of_the_kernel"),
    ("ProtectKernelModules=yes", "loads_a_module"),
    ("ProtectKernelTunables=yes", "sets_a_tunable"),
    ("ProtectControlGroups=yes", "makes_a_control_group"),
    ("LockPersonality=yes", "becomes_another_personality"),
    ("MemoryDenyWriteExecute=yes", "makes_memory_that_is_written_and_run"),
    ("RestrictNamespaces=yes", "makes_a_namespace"),
    ("RestrictRealtime=yes", "takes_the_processor_for_itself"),
    ("RestrictSUIDSGID=yes", "makes_a_setuid_file"),
    ("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "opens_a_packet_socket"),
    ("SystemCallArchitectures=native", "calls_as_a_32_bit_program"),
    ("SystemCallFilter=@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self", "mounts_a_file_system", EPERM),
    ("SystemCallFilter=~@privileged", "takes_another_root", EPERM),
    ("UMask=0077", "makes_a_file_that_others_read"),
]
# These are judged elsewhere: of the user, that it has no right; what is removed, below; the error that is given, with each.
ELSEWHERE = {"AmbientCapabilities=", "RemoveIPC=yes", "SystemCallErrorNumber=EPERM"}

# The unit, with what is tried in the place of the program: it is started, tries, and ends.
REPLACED = [
    (r"^Type=.*", "Type=oneshot"),
    (r"^ExecStart=.*", "ExecStart={command}\nStandardOutput=truncate:{said}\nEnvironment={environment}"),
    (r"^(WatchdogSec|ExecReload|Restart|RestartSec|LoadCredential)=.*\n", ""),
    (r"^(User|StateDirectory|CacheDirectory|RuntimeDirectory)=ringfence$", r"\1=ringfence-tried"),
    (r"^\[Install\]\n.*\n", ""),
]


def each_switch_forbids_what_it_is_for():
    """An expectation for each line of the table, and one for the table."""
    def every_switch_of_the_unit_is_in_the_table(_):
        told = UNIT.read_text()
        lines = re.findall(r"^\w+=.*", told[told.index("NoNewPrivileges=") : told.index("[Install]")], re.M)
        tried_or_judged = ELSEWHERE | {row[0] for row in TABLE}
        lacks, gone = set(lines) - tried_or_judged, tried_or_judged - set(told.splitlines())
        expect(not lacks, f"these are tried nowhere: {sorted(lacks)}")
        expect(not gone, f"these are in the unit no more: {sorted(gone)}")
        return [f"{len(lines)} lines"]

    return [every_switch_of_the_unit_is_in_the_table, *(functools.update_wrapper(functools.partial(forbids, *row), named(row[0])) for row in TABLE)]


def named(switch):
    """What an expectation takes its name from."""
    def expectation():
        """It is forbidden, and by this."""

    expectation.__name__ = f"the switch {switch} forbids what it is for"
    return expectation


def forbids(switch, attempt, *rest):
    """What it is for is done without it, and refused by it alone and by the unit."""
    *beside, _ = rest
    free = in_the_open(tuple(beside))[attempt]
    alone = tried([attempt], [switch, *beside])[attempt]
    within = in_the_unit()[attempt]
    told = f"{attempt.replace('_', ' ')}: without it {free}; by it alone {alone}; in the unit {within}"
    expect(free == "done" and alone.startswith("refused") and within.startswith("refused"), told)
    return [told]


@functools.cache
def in_the_open(beside):
    """What comes of each attempt where nothing forbids it."""
    furnish()
    names = sorted({row[1] for row in TABLE if tuple(row[2:]) == beside})
    return tried(names, beside)


@functools.cache
def in_the_unit():
    """What comes of each attempt under all switches of the unit."""
    furnish()
    return tried_in_the_unit(sorted({row[1] for row in TABLE}))


def tried(names, properties):
    """Has systemd try something with some properties and no others."""
    given = [f"--property={line}" for line in ["KeyringMode=shared", f"Environment={environment()}", *properties]]
    # The last counts where one is given twice.
    return outcomes(ran("systemd-run", "--wait", "--pipe", "--quiet", "--collect", *given, "--", *ATTEMPTS, *names))


def tried_in_the_unit(names):
    """Has systemd try something in the unit."""
    unit = UNIT.read_text()
    for pattern, instead in REPLACED:
        unit, count = re.subn(pattern, instead, unit, flags=re.M)
        expect(count, f"the unit has no line {pattern}")
    unit = unit.replace("{command}", " ".join([*ATTEMPTS, *names])).replace("{said}", SAID).replace("{environment}", environment())
    TRIED.parent.mkdir(parents=True, exist_ok=True)
    TRIED.write_text(unit)
    ran("systemctl", "daemon-reload")
    ran("systemctl", "start", TRIED.name)
    return outcomes(pathlib.Path(SAID).read_text())


def folders_that_can_be_written_to():
    """All of them, in the unit."""
    told = tried_in_the_unit(["lists_folders_that_can_be_written_to"])["lists_folders_that_can_be_written_to"]
    return told.removeprefix("refused: ").split()


def outcomes(said):
    """What came of each attempt, by its name."""
    return dict(line.split(": ", 1) for line in said.splitlines())


def environment():
    """What an attempt is told of the machine."""
    return f"MOUNTS={os.readlink('/proc/1/ns/mnt')}"


@functools.cache
def furnish():
    """Leaves in the machine what attempts are made at."""
    for file in attempts.OTHERS_FILE, attempts.HOME_FILE:
        pathlib.Path(file).write_text("of another")
        os.chmod(file, 0o644)
    os.chmod("/root", 0o755)
    shutil.copy("/usr/bin/id", attempts.SETUID_PROGRAM)
    os.chmod(attempts.SETUID_PROGRAM, 0o4755)
    attempts.call(attempts.SYS_SHMGET, attempts.OTHERS_MEMORY, 4096, IPC_CREAT | 0o666)
    add_key, user_keyring = 248, -4
    attempts.call(add_key, b"user", attempts.KEY, b"secret", ctypes.c_size_t(6), user_keyring)


def what_it_leaves_in_shared_memory_goes_with_it(_):
    """`RemoveIPC=`: and it stays where another leaves it."""
    told = tried_in_the_unit(["leaves_shared_memory"])["leaves_shared_memory"]
    expect(told == "done", f"it could not leave it: {told}")
    # systemd does it after it has said that the unit has ended.
    wait_until("it is gone", lambda: not left())
    tried(["leaves_shared_memory"], [AS_ANOTHER])
    expect(left(), "nobody's is not there either: it is not the unit that removes it")
    subprocess.run(["ipcrm", "-M", str(attempts.SHARED_MEMORY)], check=True)
    return ["gone with the unit; another's stays"]


def left():
    """Whether the shared memory of the attempt is there."""
    keys = [int(line.split()[0]) for line in pathlib.Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return attempts.SHARED_MEMORY in keys
