"""What a hardening switch of the unit forbids, tried: `attempts.py NAME...` tries each in a process of its own, and prints what
came of each, `NAME: done` or `NAME: refused: WHY`. What is tried does no harm to the machine where it is allowed.
"""

import contextlib
import ctypes
import errno
import mmap
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

libc = ctypes.CDLL(None, use_errno=True)
# Numbers of x86-64.
SYS_PERSONALITY, SYS_INIT_MODULE, SYS_UNSHARE, SYS_SHMGET, SYS_KEYCTL, SYS_SYSLOG = 135, 175, 272, 29, 250, 103
PER_LINUX32 = 8
CLONE_NEWUTS = 0x04000000
KEYCTL_SEARCH, SESSION_KEYRING = 10, -3
SYSLOG_SIZE = 10
# The judge leaves these in the guest.
OTHERS_FILE, HOME_FILE, SETUID_PROGRAM, KEY = "/tmp/of-another", "/root/of-root", "/usr/local/bin/id-of-root", b"of-another"
SHARED_MEMORY, OTHERS_MEMORY = 0x52465343, 0x52465344
# `mov eax, 20; int 0x80; ret`: getpid, as a 32-bit program asks for it.
GETPID_OF_32_BITS = bytes.fromhex("b814000000cd80c3")


def call(number, *arguments):
    """A call of the kernel by its number."""
    answer = libc.syscall(number, *arguments)
    if answer == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def gains_rights():
    told = subprocess.run([SETUID_PROGRAM, "-u"], capture_output=True, text=True, check=True).stdout.strip()
    if told != "0":
        raise PermissionError(errno.EPERM, f"it runs as {told}")


def takes_a_low_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as low:
        low.bind(("127.0.0.1", 999))


def writes_to_etc():
    with tempfile.NamedTemporaryFile(dir="/etc"):
        pass


def writes_to_run_lock():
    with tempfile.NamedTemporaryFile(dir="/run/lock"):
        pass


def reads_a_home():
    pathlib.Path(HOME_FILE).read_bytes()


def reads_the_tmp_of_others():
    pathlib.Path(OTHERS_FILE).read_bytes()


def finds_the_shared_memory_of_another():
    call(SYS_SHMGET, OTHERS_MEMORY, 0, 0)


def has_the_mounts_of_the_machine():
    own = os.readlink("/proc/self/ns/mnt")
    if own != os.environ["MOUNTS"]:
        raise OSError(errno.EXDEV, f"it is in {own}")


def reads_the_disk():
    with open("/dev/vda", "rb") as disk:
        disk.read(512)


def gives_a_file_to_another():
    with tempfile.NamedTemporaryFile() as file:
        os.chown(file.name, 12345, 12345)


def sees_the_processes_of_others():
    os.stat("/proc/1")


def reads_what_is_no_process_of_proc():
    pathlib.Path("/proc/version").read_text()


def reads_a_key_of_another():
    call(SYS_KEYCTL, KEYCTL_SEARCH, SESSION_KEYRING, b"user", KEY, 0)


def sets_the_clock():
    time.clock_settime(time.CLOCK_REALTIME, time.time())


def sets_the_name_of_the_machine():
    socket.sethostname(socket.gethostname())


def reads_the_log_of_the_kernel():
    call(SYS_SYSLOG, SYSLOG_SIZE, None, 0)
    with open("/dev/kmsg", "rb"):
        pass


def loads_a_module():
    # What is no module is refused as that by a kernel that would take one.
    with tolerated(errno.ENOEXEC):
        call(SYS_INIT_MODULE, b"no module", 9, b"")


def sets_a_tunable():
    file = pathlib.Path("/proc/sys/vm/swappiness")
    file.write_text(file.read_text())


def makes_a_control_group():
    os.rmdir(tempfile.mkdtemp(dir="/sys/fs/cgroup"))


def becomes_another_personality():
    call(SYS_PERSONALITY, PER_LINUX32)


def makes_memory_that_is_written_and_run():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def makes_a_namespace():
    call(SYS_UNSHARE, CLONE_NEWUTS)


def takes_the_processor_for_itself():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def makes_a_setuid_file():
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0o4700)


def opens_a_packet_socket():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()


def calls_as_a_32_bit_program():
    with tempfile.TemporaryFile() as file:
        file.write(GETPID_OF_32_BITS.ljust(4096, b"\xc3"))
        file.flush()
        address = run_from(file.fileno())
    pid = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))


def run_from(file):
    """Maps a file so that it can be run. Returns where."""
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, ctypes.c_size_t(4096), mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, file, ctypes.c_long(0))
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return address


def mounts_a_file_system():
    with tempfile.TemporaryDirectory() as folder:
        if libc.mount(b"none", folder.encode(), b"tmpfs", 0, None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        libc.umount(folder.encode())


def takes_another_root():
    os.chroot("/")


def makes_a_file_that_others_read():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "file")
        file.touch()
        if not file.stat().st_mode & 0o077:
            raise PermissionError(errno.EACCES, f"its mode is {stat.S_IMODE(file.stat().st_mode):o}")


def leaves_shared_memory():
    call(SYS_SHMGET, SHARED_MEMORY, 4096, 0o1600)


def lists_folders_that_can_be_written_to():
    """Not what the kernel shows of processes and devices; links are looked at where they lead."""
    found = []
    for folder, below, _ in os.walk("/"):
        if os.access(folder, os.W_OK):
            found.append(folder)
        below[:] = [name for name in below if os.path.join(folder, name) not in ("/proc", "/dev")]
    raise OSError(0, " ".join(sorted(found)))


@contextlib.contextmanager
def tolerated(number):
    """An error that says that the call was allowed."""
    try:
        yield
    except OSError as error:
        if error.errno != number:
            raise


def tried(name):
    """Tries it in a process of its own. Returns what came of it."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            globals()[name]()
            said = "done"
        except OSError as error:
            said = f"refused: {error.strerror}"
        except Exception as error:
            said = f"broken: {error!r}"
        os.write(writes, said.encode())
        os._exit(0)
    os.close(writes)
    _, status = os.waitpid(child, 0)
    said = os.read(reads, 65536).decode()
    os.close(reads)
    # A filter of system calls ends who is not let (SIGSYS).
    code = os.waitstatus_to_exitcode(status)
    return said or (f"refused: ended by signal {-code}" if code == -signal.SIGSYS else f"broken: ended with {code}")


if __name__ == "__main__":
    for attempt in sys.argv[1:]:
        print(f"{attempt}: {tried(attempt)}", flush=True)
