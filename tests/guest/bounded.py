"""What the running service may do to its machine, as the kernel tells it of its process."""

import os
import pathlib
import re
import stat
import subprocess

from process import expect
from service import CONFIGURATION, PROGRAM, UNIT, ran

# Of whom systemd makes for the time that a service runs (`DynamicUser=`).
DYNAMIC_USERS = range(61184, 65520)
# Since this Linux Landlock has all that is asked for (docs/service.md).
WHOLE = (6, 12)
# Where files can be written to within it, and what is no file of a disk there.
WRITABLE = {
    "/var/lib/private/ringfence",
    "/var/cache/private/ringfence",
    "/run/ringfence",
    "/run/private/ringfence",
    "/tmp",
    "/var/tmp",
}
DEVICES = "/dev"


def it_runs_as_nobody_else_and_has_no_right_of_root(service):
    """In each of its threads."""
    threads = sorted(pathlib.Path(f"/proc/{service.pid()}/task").glob("*/status"))
    users = set()
    for thread in threads:
        held = dict(re.findall(r"^(\w+):\t(.*)", thread.read_text(), re.M))
        ids = {int(number) for field in ("Uid", "Gid") for number in held[field].split()}
        expect(len(ids) == 1 and ids.issubset(DYNAMIC_USERS), f"the thread {held['Name']} has the ids {ids}")
        rights = {field: held[field] for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(held[field], 16)}
        expect(not rights, f"the thread {held['Name']} has the rights {rights}")
        expect((held["NoNewPrivs"], held["Seccomp"], held["Umask"]) == ("1", "2", "0077"), f"the thread {held['Name']}: {held}")
        users |= ids
    limit = re.search(r"Max open files +(\d+) +(\d+)", service.proc("limits"))[2]
    expect(limit == "65536", f"it may open {limit} files")
    return [f"{len(threads)} threads, of the user {users.pop()}, with an empty bounding set, no new privileges, a filter and the umask 0077"]


def its_own_sandbox_is_in_force_within_that_of_the_unit(service):
    """Landlock as far as this kernel has it, and seccomp; one more filter than the unit's."""
    release = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))
    wanted = {"files": "whole" if release >= WHOLE else "part", "calls": "whole"}
    told = service.status()["confined"]
    expect({key: told.get(key) for key in wanted} == wanted, f"status says {told}, expected {wanted}")
    said = [entry["MESSAGE"] for entry in service.said() if "confined" in entry["MESSAGE"]]
    expect(said, "the log does not tell it")
    page = ran(PROGRAM, "status", "--config", CONFIGURATION)
    sandbox = next(line for line in page.splitlines() if line.startswith("sandbox"))
    return [" ".join(sandbox.split()), f"Linux {os.uname().release}: {told}"]


def it_writes_to_its_own_folders_and_nowhere_else(service):
    """Of all that is mounted where it runs, and as root would find it there."""
    mounts = [line.split() for line in service.proc("mountinfo").splitlines()]
    last = {mount[4]: mount[5].split(",") for mount in mounts}
    writable = {place for place, options in last.items() if "rw" in options and not (place + "/").startswith(DEVICES + "/")}
    expect(writable <= WRITABLE, f"it can write to {sorted(writable - WRITABLE)}")
    expect(any(place.endswith("lib/private/ringfence") for place in writable), f"it can write to {sorted(writable)}")
    for folder in "/etc/ringfence", "/etc", "/usr/bin", "/var/lib", "/boot":
        command = ["nsenter", f"--target={service.pid()}", "--mount", "--", "touch", f"{folder}/written"]
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        expect("Read-only file system" in tried.stderr, f"root writes to {folder} where it runs: {tried.stderr}")
    return [f"written to can be: {', '.join(sorted(writable))}", "/etc, /usr, /var/lib and /boot are read-only there, for root as well"]


def its_folders_and_files_are_nobody_elses(service):
    """All that is its user's lies in the folders of the unit, and can be read by nobody else."""
    user = os.stat(f"/proc/{service.pid()}").st_uid
    listed = ran("find", "/", "/run", "/tmp", "/dev/shm", "-xdev", "-user", user, "-not", "-type", "l").splitlines()
    own = sorted({line for line in listed if not line.startswith("/proc")})
    roots = ("/var/lib/private/ringfence", "/var/cache/private/ringfence", "/run/private/ringfence", "/run/ringfence", "/run/credentials/ringfence.service")
    strange = [path for path in own if not path.startswith(roots)]
    expect(not strange, f"it owns {strange}")
    open_to_others = [path for path in own if stat.S_IMODE(os.lstat(path).st_mode) & 0o077 and not path.startswith(roots[4])]
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
