"""A registered softphone that is attacked: what must hold of it before, meanwhile and afterwards, and what it took."""

import collections
import dataclasses
import json
import os
import pathlib
import sys
import time

from kamailio import PASSWORD, Kamailio
from phone import REGISTERING, Phone
from process import expect, free_port

ATTACKER = pathlib.Path(__file__).with_name("attacker.py")

# `scripts/attack --times N` makes every attack so much longer.
TIMES = int(os.environ.get("RINGFENCE_ATTACK_TIMES", "1"))

# A good call is answered so soon when an attack has ended.
ANSWERED_WITHIN = 1.0
# What waits in the buffer of the socket is taken out of it so soon.
SETTLED_WITHIN = 5.0


@dataclasses.dataclass
class Took:
    """What an attack took of the softphone, and what it was told."""

    name: str
    tried: int
    answers: dict
    counted: dict
    cpu: float
    kib: tuple
    call: float

    def __str__(self):
        told = ", ".join(f"{count:,} × {status}" for status, count in sorted(self.by_status().items())) or "nothing"
        before, peak, after = (f"{kib / 1024:.1f}" for kib in self.kib)
        cpu = f"{self.cpu * 1e6 / self.tried:.1f} µs" if self.tried else f"{self.cpu:.2f} s in all"
        return f"| {self.name} | {self.tried:,} | {told} | {before} / {peak} / {after} | {cpu} | {self.call * 1000:.0f} ms |"


    def by_status(self):
        """How many answers there were of each status."""
        by_status = collections.Counter()
        for line, count in self.answers.items():
            by_status[line.removeprefix("SIP/2.0 ")[:3]] += count
        return by_status


class Besieged:
    """A softphone with one line at a Kamailio, and who attacks it."""

    def __init__(self, place, account="", defines=(), transport_port=None, **phone):
        self.place = place
        self.registrar = free_port()
        self.kamailio = Kamailio(place, self.registrar, defines=defines, expires=3600)
        account = f"{REGISTERING.format(password=PASSWORD)}\n{account}"
        self.phone = Phone(place, transport_port or self.registrar, account, **phone)
        self.phone.wait_for_state("registered", 10)
        # The first call has the program read in what it is made of.
        self.good_call()

    def attack(self, *words, seconds=60):
        """Has the attacker do something, and returns what it says. It is given the port of the softphone."""
        does, *others = words
        port = self.registrar if does == "call" else self.phone.port
        name = f"attacker-{len(self.place.processes)}"
        attacker = self.place.start(name, [sys.executable, ATTACKER, does, port, *others])
        code = attacker.finish(seconds)
        expect(code == 0, f"attacker {' '.join(map(str, words))} ended with {code}: {attacker.text()[-800:]}")
        return json.loads(attacker.text())

    def flood(self, name, kind, count, source, most_kib, rate=5000, does="flood", times=TIMES):
        """Floods it from an address. Returns what that took; memory grows by so much at most meanwhile."""
        count *= times
        return self.measured(name, lambda: self.attack(does, kind, count, rate, source, seconds=60 + count / 500), most_kib)

    def measured(self, name, attack, most_kib):
        """Attacks it. What holds after every attack is seen to: it runs, its line is registered, and a good call is answered."""
        process = self.phone.process
        before, counters, cpu = process.resident_kib(), self.counters(), process.cpu_seconds_exactly()
        process.forget_peak()
        said = attack()
        counted = self.counted_since(counters, said["sent"])
        used = process.cpu_seconds_exactly() - cpu
        call = self.good_call()
        peak, after = process.resident_kib(peak=True), process.resident_kib()
        took = Took(name, said["sent"], said["answers"], counted, used, (before, peak, after), call)
        expect(peak - before <= most_kib, f"memory grew by {peak - before} KiB, {most_kib} at most was expected: {took}")
        states = [line["state"] for line in self.phone.lines()]
        expect(states == ["registered"], f"the line is {states} after {name}")
        return took

    def counted_since(self, before, sent):
        """What was counted since then, as soon as so many datagrams have come in or were lost by the system."""
        deadline = time.monotonic() + SETTLED_WITHIN
        while True:
            counted = {name: value - before[name] for name, value in self.counters().items()}
            if counted["datagrams"] + counted["dropped_by_system"] >= sent:
                return counted
            expect(time.monotonic() < deadline, f"of {sent} datagrams some are not counted: {counted}")
            time.sleep(0.05)

    def good_call(self):
        """Calls through the registrar, as anybody does, and is rejected. Returns how long that took."""
        said = self.attack("call")
        expect(said["status"].startswith("SIP/2.0 486"), f"a good call was answered {said['status'] or 'nothing'}")
        expect(said["took"] <= ANSWERED_WITHIN, f"a good call was answered after {said['took']:.2f} s")
        return said["took"]

    def counters(self):
        """What it has counted."""
        return self.phone.status()["counters"]
