"""What the running service may do to its machine, as the kernel tells it of its process."""

import contextlib
import os
import pathlib
import re
import stat
import subprocess

import switches
from process import expect
from service import CONFIGURATION, PROGRAM, UNIT, ran

# Of whom systemd makes for the time that a service runs (`DynamicUser=`).
DYNAMIC_USERS = range(61184, 65520)
# Since this Linux Landlock has all that is asked for (docs/service.md).
WHOLE = (6, 12)
# As `StateDirectory=` and its like name them. Those of /tmp and /var/tmp are its own (`PrivateTmp=`).
WRITABLE = ["/run/ringfence-tried", "/tmp", "/var/cache/private/ringfence-tried", "/var/lib/private/ringfence-tried", "/var/tmp"]
OWN = ("/var/lib/private/ringfence", "/var/cache/private/ringfence", "/run/ringfence", f"/run/credentials/{UNIT}")
# From systemd 257 on the owner that a file of a dynamic user has on the disk is nobody, whoever that user is.
OWNER_ON_DISK = "nobody"


def it_runs_as_nobody_else_and_has_no_right_of_root(service):
    """In each of its threads."""
    threads, users = [], set()
    for thread in sorted(pathlib.Path(f"/proc/{service.pid()}/task").glob("*/status")):
        # One that had nothing to do may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            threads.append(thread.read_text())
    for thread in threads:
        held = dict(re.findall(r"^(\w+):\t(.*)", thread, re.M))
        ids = {int(number) for field in ("Uid", "Gid") for number in held[field].split()}
        expect(len(ids) == 1 and ids.issubset(DYNAMIC_USERS), f"the thread {held['Name']} has the ids {ids}")
        rights = {field: held[field] for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(held[field], 16)}
        expect(not rights, f"the thread {held['Name']} has the rights {rights}")
        expect((held["NoNewPrivs"], held["Seccomp"], held["Umask"]) == ("1", "2", "0077"), f"the thread {held['Name']}: {held}")
        users |= ids
    limit = re.search(r"Max open files +(\d+) +(\d+)", service.proc("limits"))[2]
    expect(limit == "65536", f"it may open {limit} files")
    core = re.search(r"Max core file size +(\d+|unlimited) +(\d+|unlimited)", service.proc("limits"))[2]
    expect(core == "0", f"a core of {core} octets may be left of it")
    return [f"{len(threads)} threads, of the user {users.pop()}, with an empty bounding set, no new privileges, a filter and the umask 0077"]


def has_all_of_landlock():
    """Whether this kernel has all that the program asks for; if not, it warns of that."""
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) >= WHOLE


def its_own_sandbox_is_in_force_within_that_of_the_unit(service):
    """Landlock as far as this kernel has it, and seccomp, as the program tells it."""
    wanted = {"files": "whole" if has_all_of_landlock() else "part", "calls": "whole"}
    told = service.status()["confined"]
    expect({key: told.get(key) for key in wanted} == wanted, f"status says {told}, expected {wanted}")
    said = [entry["MESSAGE"] for entry in service.said() if "confined" in entry["MESSAGE"]]
    expect(said, "the log does not tell it")
    page = ran(PROGRAM, "status", "--config", CONFIGURATION)
    sandbox = next(line for line in page.splitlines() if line.startswith("sandbox"))
    return [" ".join(sandbox.split()), f"Linux {os.uname().release}: {told}"]


def it_writes_to_its_own_folders_and_nowhere_else(service):
    """Of all folders that there are where it runs: as its user by the unit alone, and as root would find it there."""
    found = switches.folders_that_can_be_written_to()
    strange = [folder for folder in found if folder not in WRITABLE]
    expect(not strange, f"it could write to {strange}")
    lacks = [folder for folder in WRITABLE if folder not in found]
    expect(not lacks, f"it could not write to {lacks}: of {found}")
    for folder in "/etc/ringfence", "/etc", "/usr/bin", "/var/lib", "/boot":
        command = ["nsenter", f"--target={service.pid()}", "--mount", "--", "touch", f"{folder}/written"]
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        expect("Read-only file system" in tried.stderr, f"root writes to {folder} where it runs: {tried.stderr}")
        expect(not pathlib.Path(folder, "written").exists(), f"root has written to {folder}")
    return [f"its user can write to {', '.join(found)}", "/etc, /usr, /var/lib and /boot are read-only there, for root as well"]


def its_folders_and_files_are_nobody_elses(service):
    """All that is its user's lies in the folders of the unit, and can be read by nobody else."""
    user = os.stat(f"/proc/{service.pid()}").st_uid
    listed = ran("find", "/", "/run", "/tmp", "/dev/shm", "-xdev", "(", "-user", user, "-o", "-user", OWNER_ON_DISK, ")").splitlines()
    own = sorted(path for path in listed if not os.path.islink(path))
    strange = [path for path in own if not path.startswith(OWN)]
    expect(not strange, f"it owns {strange}")
    open_to_others = [path for path in own if stat.S_IMODE(os.lstat(path).st_mode) & 0o077]
    expect(not open_to_others, f"others may read {open_to_others}")
    expect(any(path.endswith("ringfence.db") for path in own), f"its journal is not among {own}")
    return own


def its_password_is_a_credential_that_only_it_can_read(service):
    """Neither the folder of root nor the one that systemd made is open to others."""
    for path in "/etc/ringfence/passwords/home", f"/run/credentials/{UNIT}/password_home":
        tried = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", "cat", path], capture_output=True, text=True, check=False)
        expect(tried.returncode == 1 and "Permission denied" in tried.stderr, f"nobody reads {path}: {tried.stdout}{tried.stderr}")
    handed = stat.S_IMODE(os.stat(f"/run/credentials/{UNIT}/password_home").st_mode)
    expect(not handed & 0o337, f"the credential has the mode {handed:o}")
    environment = service.proc("environ")
    expect("correct horse" not in environment, "the password is in its environment")
    return [f"the mode of the credential is {handed:o}; nobody else reads it or its source"]
