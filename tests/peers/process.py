"""Processes on loopback that end when their test does, and what they use of the machine."""

import contextlib
import itertools
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A test's expectation that was not met, in a sentence."""


def expect(holds, otherwise):
    """Fails the test with a sentence unless something holds."""
    if not holds:
        raise Failed(otherwise)


# Below those that the system gives to whoever asks for any (`ip_local_port_range`), and above those of media.
PORTS = range(20_001, 32_000)
# Another run beside this one begins elsewhere.
next_ports = itertools.islice(itertools.cycle(PORTS), random.randrange(len(PORTS)), None)
giving = threading.Lock()


def free_port():
    """A port of 127.0.0.1 that nobody has, by UDP or TCP. It is given to nobody else before all have been: who is to bind it
    may do so late, and others are started meanwhile.
    """
    with giving:
        taken = taken_ports()
        for port in itertools.islice(next_ports, len(PORTS)):
            if port not in taken:
                return port
    raise Failed("no port of 127.0.0.1 is free")


def taken_ports():
    """The ports that sockets have, as the system lists them. To bind one and see would take it for as long as a program that
    is started at that moment holds what it has inherited.
    """
    tables = [pathlib.Path("/proc/net", kind + family) for kind in ("udp", "tcp") for family in ("", "6")]
    sockets = itertools.chain.from_iterable(table.read_text().splitlines()[1:] for table in tables if table.exists())
    return {int(line.split()[1].rpartition(":")[2], 16) for line in sockets}


class Place:
    """The folder of one test and everything that it started."""

    def __init__(self, folder, binary, audit=None):
        self.folder = folder
        self.binary = binary
        # What becomes of the captures of the softphone (`audited.py`).
        self.audit = audit
        self.is_closed = False
        self.processes = []
        self.sockets = set()
        # What a command is run by, where that is to be in a network of its own.
        self.within = []
        folder.mkdir()

    def start(self, name, command, environment=None):
        """Starts a process in a session of its own, its output in NAME.log."""
        process = Process(name, [str(part) for part in [*self.within, *command]], self.folder, environment)
        self.processes.append(process)
        return process

    def socket(self):
        """A place for a Unix socket, whose path is 107 octets at most: beside the folder, which may be deep."""
        path = self.folder.with_suffix(".sock")
        self.sockets.add(path)
        return path

    def close(self):
        """Kills what still runs, with the children it has. Who is killed leaves its socket, and the lock of it."""
        if self.is_closed:
            return
        self.is_closed = True
        for process in self.processes:
            process.kill()
        for path in self.sockets:
            for left in path, path.with_suffix(".sock.lock"):
                left.unlink(missing_ok=True)

    def last_words(self):
        """The ends of the logs, for a person who reads why a test failed. SIPp's is a screen: its errors
        stand in the failure.
        """
        told = (process for process in self.processes if not process.name.startswith("sipp"))
        return "\n".join(f"--- {process.log.name}\n{process.text()[-2000:]}" for process in told)


class Process:
    """One process that a test started."""

    def __init__(self, name, command, folder, environment):
        self.name = name
        self.log = folder / f"{name}.log"
        self.child = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def text(self):
        """What it has printed, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.log.read_text(encoding="utf-8", errors="replace"))

    def count(self, words):
        """How many lines it printed that contain some words."""
        return sum(words in line for line in self.text().splitlines())

    def wait_for(self, words, seconds):
        """Waits until it has printed some words. Returns how long that took."""
        began = time.monotonic()
        while words not in self.text():
            expect(self.child.poll() is None, f"{self.name} ended with {self.child.returncode} before it said {words!r}")
            expect(time.monotonic() - began < seconds, f"{self.name} did not say {words!r} within {seconds} s")
            time.sleep(0.05)
        return time.monotonic() - began

    def finish(self, seconds):
        """Waits for its end. Returns its exit code."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end within {seconds} s") from None

    def terminate(self, seconds):
        """Asks it to end, as a service manager would. Returns its exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.finish(seconds)

    def kill(self):
        """Kills it and its children at once, as a power cut would."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()

    def pin(self, core):
        """Keeps all its threads on one core, and those of its children."""
        for process in self.session():
            for thread in os.listdir(process / "task"):
                os.sched_setaffinity(int(thread), {core})

    def session(self):
        """It and the children it has: the folders in /proc of the processes of its session."""
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[3]) == self.child.pid:
                    yield stat.parent

    def cpu_seconds(self):
        """User and system time so far, its children's too."""
        return sum(self.user_and_system_seconds())

    def system_seconds(self):
        """Of that, what the system took for it."""
        return self.user_and_system_seconds()[1]

    def user_and_system_seconds(self):
        """The two, its children's too."""
        fields = [(process / "stat").read_text().rpartition(")")[2].split() for process in self.session()]
        expect(fields, f"{self.name} is no longer running")
        return [sum(int(of[column]) for of in fields) / TICKS_A_SECOND for column in (11, 12)]

    def cpu_seconds_exactly(self):
        """What its own threads have run for, to the nanosecond. Those that have ended are not in it."""
        try:
            spent = [(task / "schedstat").read_text().split()[0] for task in pathlib.Path(f"/proc/{self.child.pid}/task").iterdir()]
        except FileNotFoundError:
            raise Failed(f"{self.name} is no longer running") from None
        return sum(map(int, spent)) / 1e9

    def forget_peak(self):
        """Has the system take its memory at the highest from now on."""
        with open(f"/proc/{self.child.pid}/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")

    def resident_kib(self, peak=False):
        """Resident memory now, or at its highest."""
        return int(re.search(r"VmHWM:\s+(\d+)" if peak else r"VmRSS:\s+(\d+)", self._proc("status"))[1])

    def _proc(self, file):
        try:
            with open(f"/proc/{self.child.pid}/{file}", encoding="ascii", errors="replace") as proc:
                return proc.read()
        except FileNotFoundError:
            raise Failed(f"{self.name} is no longer running") from None
