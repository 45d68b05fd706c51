"""The servers that `scripts/bench` measures, each pinned to a core, and the calls that it has come to them: by benches/flood.rs, or by
SIPp at a fixed rate.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import time

from phone import LISTED, Phone
from process import TICKS_A_SECOND, Place, expect, free_port
from sipp import last_row

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCHES = ROOT / "benches"

AT_ONCE = 64
WARM_UP = 20_000
RATE = 2_000
# For the latency far from saturation.
OPEN_RATE = 20_000
# RFC 3261 section 17.2.1: no transaction outlives its final response by more than 64*T1.
LONGEST_TRANSACTION = 32


class Server:
    """A server that rejects every call, pinned to a core, and what it uses of the machine."""

    def __init__(self, name, start):
        self.name = name
        self.start = start

    @contextlib.contextmanager
    def running(self, folder, binary, core):
        """Runs it in a folder of its own. Gives itself with `port` and `process` set."""
        place = Place(folder / f"{self.name.replace(' ', '-')}-{time.monotonic_ns()}", binary)
        try:
            with pinned(core):
                self.port, self.process = self.start(place)
            time.sleep(1)
            yield self
        finally:
            place.close()

    def resident_mib(self):
        """Resident memory; what several of its processes share counts once."""
        pids = list(self.process.session())
        file, field = ("status", "VmRSS") if len(pids) == 1 else ("smaps_rollup", "Pss")
        return sum(int(re.search(rf"^{field}:\s+(\d+)", (pid / file).read_text(), re.M)[1]) for pid in pids) / 1024


def ringfence(place):
    """This program, with a reject list and its journal."""
    phone = Phone(place, registrar=free_port())
    return phone.port, phone.process


@contextlib.contextmanager
def logging(level):
    """Has what is started within log from a level on, whatever the user's environment says."""
    before = os.environ.get("RUST_LOG")
    os.environ["RUST_LOG"] = level
    try:
        yield
    finally:
        if before is None:
            del os.environ["RUST_LOG"]
        else:
            os.environ["RUST_LOG"] = before


def ringfence_quiet(place):
    """The same without a line of log a call."""
    with logging("warn"):
        return ringfence(place)


def ringfence_asking(place):
    """The same as the quiet one, asking again and again for a second after each datagram."""
    with logging("warn"):
        phone = Phone(place, registrar=free_port(), listens='busy_poll = "1s"')
    return phone.port, phone.process


# RFC 3261 section 17.2.1: what is answered within 200 ms may do without.
WITHOUT_100 = 'trying = "when waiting"'


def ringfence_brief(place):
    """The same as the first one, with a 100 only where a call waits."""
    phone = Phone(place, registrar=free_port(), listens=WITHOUT_100)
    return phone.port, phone.process


def ringfence_bare(place):
    """The same, and nothing is written: no journal and no log."""
    with logging("warn"):
        phone = Phone(place, registrar=free_port(), listens=WITHOUT_100, journal="off")
    return phone.port, phone.process


def kamailio(*defines):
    """Kamailio with one worker and as much shared memory as a saturated core fills in 5 s."""

    def start(place):
        port = free_port()
        command = ["kamailio", "-DD", "-E", "-f", BENCHES / "kamailio.cfg", "-Y", place.folder, "-m", 3072]
        return port, place.start("kamailio", [*command, "-l", f"udp:127.0.0.1:{port}", *defines])

    return start


def echo(place):
    """The least that can answer."""
    port = free_port()
    program = place.folder / "echo"
    subprocess.run(["rustc", "--edition", "2024", "-O", "-o", program, BENCHES / "echo.rs"], check=True)
    return port, place.start("echo", [program, port])


def sipp_answers(place):
    """SIPp as a server."""
    port = free_port()
    command = ["sipp", "-sf", BENCHES / "answerer.xml", "-i", "127.0.0.1", "-p", port, "-nostdin"]
    return port, place.start("sipp", [*command, "-buff_size", 8 << 20, "-deadcall_wait", 0, "-f", 60])


SERVERS = {
    "ringfence": ("cargo", ringfence),
    "ringfence, no log": ("cargo", ringfence_quiet),
    "ringfence, busy polling": ("cargo", ringfence_asking),
    "kamailio stateless": ("kamailio", kamailio()),
    "kamailio stateful": ("kamailio", kamailio("-A", "STATEFUL")),
    "sipp": ("sipp", sipp_answers),
    "bare echo": ("rustc", echo),
}

# What is measured with responses that stay together, too.
JOINED = {
    "ringfence": ringfence,
    "100 only where a call waits": ringfence_brief,
    "the same, no journal, no log": ringfence_bare,
    "bare echo": echo,
}


@contextlib.contextmanager
def pinned(*cores):
    """Lets what is started within run on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def busy_seconds(core):
    """How long a core has not been idle so far."""
    fields = re.search(rf"^cpu{core} (.*)", pathlib.Path("/proc/stat").read_text(), re.M)[1].split()
    user, nice, system, _, _, *interrupts = map(int, fields[:7])
    return (user + nice + system + sum(interrupts)) / TICKS_A_SECOND


def flooding(folder):
    """Builds benches/flood.rs and returns where it is."""
    flood = folder / "flood"
    subprocess.run(["rustc", "--edition", "2024", "-O", "-o", flood, BENCHES / "flood.rs"], check=True)
    return flood


def flooded(server, flood, core, count, *how):
    """Has benches/flood.rs call, and returns what it tells."""
    command = [flood, str(server.port), str(count), *map(str, how)]
    with pinned(core):
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    expect(told["calls"] == count, f"{server.name} answered {told['calls']} of {count} calls: {told}")
    expect(told["stray"] == 0, f"{server.name} sent what answers no call: {told}")
    return told


def latency(server, flood, calls, core):
    """How long a 486 takes in µs: the median with one call open, the median and the 99.9th percentile at OPEN_RATE."""
    alone = flooded(server, flood, core, calls // 4, 1)
    busy = flooded(server, flood, core, calls, 4 * AT_ONCE, OPEN_RATE)
    return alone["p50"], busy["p50"], busy["p999"]


def saturate(server, flood, calls, cores, *how):
    """Keeps calls open all the time. Returns CPU a call in µs, calls a second, and which part of its core the server
    had and others had.
    """
    flooded(server, flood, cores[1], WARM_UP, AT_ONCE, *how)
    before, busy = server.process.cpu_seconds(), busy_seconds(cores[0])
    told = flooded(server, flood, cores[1], calls, AT_ONCE, *how)
    used, busy = server.process.cpu_seconds() - before, busy_seconds(cores[0]) - busy
    seconds = told["seconds"]
    return used / calls * 1e6, calls / seconds, used / seconds, max(0, busy - used) / seconds


def load(server, calls, core, folder):
    """Calls at a fixed rate. Returns CPU a call in µs and the highest resident memory in MiB."""
    table = folder / f"load-{time.monotonic_ns()}.csv"
    command = ["sipp", "-sf", BENCHES / "caller.xml", "-s", "858", "-key", "caller", LISTED, "-i", "127.0.0.1"]
    command += ["-p", free_port(), "-m", calls, "-r", RATE, "-l", 4 * RATE, "-nostdin", "-buff_size", 8 << 20]
    command += ["-trace_stat", "-stf", table, "-timeout", calls // RATE + 30, f"127.0.0.1:{server.port}"]
    before, highest = server.process.cpu_seconds(), 0
    with pinned(core):
        command = [str(part) for part in command]
        caller = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while caller.poll() is None:
        highest = max(highest, server.resident_mib())
        time.sleep(0.25)
    used, told = server.process.cpu_seconds() - before, last_row(table)
    answered = int(told["SuccessfulCall(C)"])
    expect(answered == calls, f"{server.name} answered {answered} of {calls} calls at {RATE} a second")
    return used / calls * 1e6, highest
