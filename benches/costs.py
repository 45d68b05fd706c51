"""What a rejected call costs in one way or another: over connections, by each way of taking datagrams, by softphone's API, on two cores,
to a peer that joins what it sends, and by a policy of many rules.
"""

import itertools
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import policy
from certificate import Certificate
from connected import Connection
from instructions import build, cargo
from phone import TRUNK, Phone
from process import Place, expect, free_port
from servers import AT_ONCE, BENCHES, JOINED, WARM_UP, WITHOUT_100, Server, echo, flooded, flooding, logging, pinned, saturate

# How crates/softphone/examples/trunk.rs rejects.
API = ["task", "screen"]
# How benches/sockets takes and sends datagrams.
WAYS = ["one", "batch", "cut", "spin", "uring"]

# A line for each shard, all of them with the number that the flood calls.
SHARD = """
[account.shard{number}]
user = "858"
domain = "127.0.0.1"
register = false
shard = {number}
"""
SHARDED = """
[[rule]]
id = "everybody"
then = "busy"
"""


def connections(binary, is_quick):
    """Prints what a rejected call costs over a kept connection, by TCP and by TLS, with the log and without."""
    cores = sorted(os.sched_getaffinity(0))
    rounds, calls = (1, 20_000) if is_quick else (5, 50_000)
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        print(f"\n{calls:,} calls in one connection, {AT_ONCE} at once, median of {rounds}.\n")
        print("| connection | CPU µs/call | from - to | system's part | calls/s |\n|---|---:|---:|---:|---:|")
        for log, transport in itertools.product(("info", "warn"), ("tcp", "tls")):
            places = [Place(pathlib.Path(temporary) / f"{log}-{transport}-{turn}", binary) for turn in range(rounds)]
            costs = [kept(place, log, transport, calls, cores) for place in places]
            cpu, system, rate = (statistics.median(column) for column in zip(*costs))
            low, high = min(costs)[0], max(costs)[0]
            name = transport.upper() + (", no log" if log == "warn" else "")
            print(f"| {name} | {cpu:.1f} | {low:.1f} - {high:.1f} | {system:.1f} | {rate:,.0f} |")


def kept(place, log, transport, calls, cores):
    """Calls over a new connection to a new server. Returns its CPU a call in µs, the system's part, and calls a second."""
    port, certificate = free_port(), Certificate(place)
    listens = f'listen_{transport} = "127.0.0.1:{port}"'
    with pinned(cores[0]), logging(log):
        phone = Phone(place, free_port(), TRUNK, listens=listens, settings=certificate.shown())
    with pinned(cores[1]):
        connection = Connection(port, certificate.certificate if transport == "tls" else None)
        connection.call(WARM_UP // 4, AT_ONCE)
        before, system, began = phone.process.cpu_seconds(), phone.process.system_seconds(), time.monotonic()
        connection.call(calls, AT_ONCE)
        took = time.monotonic() - began
    used, system = phone.process.cpu_seconds() - before, phone.process.system_seconds() - system
    place.close()
    return used / calls * 1e6, system / calls * 1e6, calls / took


def of_program(program, name, arguments):
    """How a program is started that is told its port among its arguments."""

    def start(place):
        port = free_port()
        return port, place.start(name, [program, *arguments(port)])

    return start


def by_turns(rounds, chosen, folder, binary, core, measure):
    """Runs servers by turns. Returns by their names what was measured of each, round by round."""
    measured = {server.name: [] for server in chosen}
    for _, server in itertools.product(range(rounds), chosen):
        with server.running(folder, binary, core):
            measured[server.name].append(measure(server))
    return measured


def sockets(is_quick):
    """Prints what an answer costs that is as little as an answer can be, by each way of taking and sending datagrams."""
    cores = sorted(os.sched_getaffinity(0))
    rounds, calls = (1, 100_000) if is_quick else (5, 200_000)
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        cargo("build", "--release", "--locked", "--manifest-path", BENCHES / "sockets" / "Cargo.toml", "--target-dir", folder / "built")
        program = folder / "built" / "release" / "ringfence-sockets"

        def measure(server):
            cpu, rate, own, _ = saturate(server, flood, calls, cores)
            return cpu, rate, own, flooded(server, flood, cores[1], calls // 10, 1)["p50"]

        def arguments(way):
            return lambda port: [port, way]

        chosen = [Server(way, of_program(program, way, arguments(way))) for way in WAYS]
        measured = by_turns(rounds, chosen, folder, program, cores[0], measure)
    print(f"\n{calls:,} calls, {AT_ONCE} at once, median of {rounds}.\n")
    print("| way | CPU µs/call | from - to | calls/s | of its core | 486 after, 1 open |\n|---|---:|---:|---:|---:|---:|")
    for way, rows in measured.items():
        cpu, rate, own, alone = (statistics.median(column) for column in zip(*rows))
        low, high = min(rows)[0], max(rows)[0]
        print(f"| {way} | {cpu:.2f} | {low:.2f} - {high:.2f} | {rate:,.0f} | {own:.0%} | {alone:.0f} µs |")


def api(is_quick):
    """Prints what a rejected call costs a program of one's own: by a task that is told of it, and by a screen."""
    cores = sorted(os.sched_getaffinity(0))
    rounds, calls = (1, 50_000) if is_quick else (5, 100_000)
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        program = build("--package", "softphone", "--example", "trunk")

        def arguments(by):
            return lambda port: [f"127.0.0.1:{port}", "sip:858@127.0.0.1", by]

        chosen = [Server(by, of_program(program, by, arguments(by))) for by in API] + [Server("bare echo", echo)]
        measured = by_turns(rounds, chosen, folder, program, cores[0], lambda server: saturate(server, flood, calls, cores))
    print(f"\n{calls:,} calls, {AT_ONCE} at once, median of {rounds}.\n")
    print("| rejected by | CPU µs/call | from - to | calls/s | of its core |\n|---|---:|---:|---:|---:|")
    for by, rows in measured.items():
        cpu, rate, own, _ = (statistics.median(column) for column in zip(*rows))
        print(f"| {by} | {cpu:.1f} | {min(rows)[0]:.1f} - {max(rows)[0]:.1f} | {rate:,.0f} | {own:.0%} |")


def cores(binary, is_quick):
    """Prints what a second core brings: one shard and its caller on one core, then two of each on two.

    A caller beside its shard takes part of that core, in both cases the same: with a core of its own it would need four.
    """
    both = sorted(os.sched_getaffinity(0))[:2]
    expect(len(both) == 2, "two cores are needed")
    rounds, calls = (1, 50_000) if is_quick else (5, 100_000)
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        print(f"\n{calls:,} calls a core, {AT_ONCE} at once, median of {rounds}.\n")
        print("| log | one core: calls/s | CPU µs/call | two cores: calls/s | CPU µs/call | times | from - to |\n|---|---:|---:|---:|---:|---:|---:|")
        for log in ("info", "warn"):
            turns = [[sharded(folder, binary, flood, log, both[:count], calls) for count in (1, 2)] for _ in range(rounds)]
            one, two = ([statistics.median(column) for column in zip(*of)] for of in zip(*turns))
            times = sorted(two[0] / one[0] for one, two in turns)
            row = f"| {log} | {one[0]:,.0f} | {one[1]:.1f} | {two[0]:,.0f} | {two[1]:.1f} |"
            print(f"{row} {statistics.median(times):.2f} | {times[0]:.2f} - {times[-1]:.2f} |")


def sharded(folder, binary, flood, log, on, calls):
    """Has each of several shards called, each on a core with its caller. Returns calls a second and CPU a call in µs."""
    place = Place(folder / f"sharded-{time.monotonic_ns()}", binary)
    lines = "\n".join(SHARD.format(number=number) for number in range(len(on)))
    listens = f'shards = {len(on)}\nprocessors = "{",".join(map(str, on))}"'
    try:
        with pinned(*on), logging(log):
            phone = Phone(place, registrar=free_port(), lines=lines + SHARDED, listens=listens)

        def called(count):
            callers = []
            for number, core in enumerate(on):
                with pinned(core):
                    command = [flood, str(phone.port + number), str(count), str(AT_ONCE)]
                    callers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            told = [json.loads(caller.communicate()[0]) for caller in callers]
            expect(all(each["calls"] == count for each in told), f"not every call was answered: {told}")
            return sum(each["calls"] / each["seconds"] for each in told)

        called(WARM_UP)
        used = phone.process.cpu_seconds()
        rate = called(calls)
        return rate, (phone.process.cpu_seconds() - used) / (calls * len(on)) * 1e6
    finally:
        place.close()


def together(binary, is_quick):
    """Prints what a rejected call costs a peer that takes each response by itself, and one that takes those together which
    were sent together: what the network cards of two machines do, the kernel does on loopback.
    """
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        apart_and_together(JOINED, pathlib.Path(temporary), binary, is_quick)


def by_policy(binary, is_quick):
    """Prints the same of the policy that the goals are for, with a million callers."""
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        numbers = policy.compiled(folder, binary)
        chosen = {
            "a record and a line of log of each call": ruled(numbers, "call", None, "", "info"),
            "the same, 100 only where a call waits": ruled(numbers, "call", None, WITHOUT_100, "info"),
            "the same, no log": ruled(numbers, "call", None, WITHOUT_100, "warn"),
            "calls are counted, no journal": ruled(numbers, "counter", "off", WITHOUT_100, "warn"),
            "bare echo": echo,
        }
        apart_and_together(chosen, folder, binary, is_quick, "callers", policy.CALLERS)


def ruled(numbers, log, journal, listens, level):
    """This program with a hundred rules and a list of ten million numbers."""

    def start(place):
        with logging(level):
            lines = policy.lines(numbers, free_port(), log)
            phone = Phone(place, free_port(), lines=lines, settings=policy.DEFAULTS, listens=listens, journal=journal)
        return phone.port, phone.process

    return start


def apart_and_together(chosen, folder, binary, is_quick, *callers):
    """Measures servers by turns, with callers of both kinds, and prints a table."""
    cores = sorted(os.sched_getaffinity(0))
    rounds, calls = (1, 50_000) if is_quick else (5, 100_000)
    flood = flooding(folder)
    measured = {}
    for _ in range(rounds):
        for (name, start), how in itertools.product(chosen.items(), ((), ("together",))):
            server = Server(name.replace(",", ""), start)
            with server.running(folder, binary, cores[0]):
                cpu, rate, _, _ = saturate(server, flood, calls, cores, *how, *callers)
                measured.setdefault(name, {}).setdefault(how, []).append((cpu, rate))
    print(f"\n{calls:,} calls, {AT_ONCE} at once, median of {rounds}.\n")
    print("| server | apart: CPU µs/call | from - to | calls/s | together: CPU µs/call | from - to | calls/s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, ways in measured.items():
        row = f"| {name} |"
        for runs in ways.values():
            cpu, rate = (statistics.median(column) for column in zip(*runs))
            row += f" {cpu:.1f} | {min(runs)[0]:.1f} - {max(runs)[0]:.1f} | {rate:,.0f} |"
        print(row)
