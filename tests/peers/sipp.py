"""SIPp as the caller or as another phone, and its own statistics of what came back."""

import csv
import pathlib
import re

from phone import LISTED
from process import expect, free_port

SCENARIOS = pathlib.Path(__file__).with_name("sipp")

# What SIPp counts of messages that fit no call or no step of it.
STRAY = ["OutOfCallMsgs(C)", "DeadCallMsgs(C)", "FailedCall(C)"]


class Scenario:
    """A running SIPp that is over after `count` calls of a scenario."""

    def __init__(self, place, scenario, count, arguments):
        self.place = place
        self.count = count
        name = f"sipp-{len(place.processes)}"
        self.port = free_port()
        self.statistics = place.folder / f"{name}.csv"
        self.process = place.start(
            name,
            ["sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", self.port, "-m", count]
            + ["-nostdin", "-timeout", "60", "-timeout_error", "-deadcall_wait", "1000"]
            + ["-buff_size", 8 << 20, "-trace_counts", "-trace_stat", "-stf", self.statistics, "-trace_err"]
            + arguments,
        )

    def finish(self, seconds):
        """Waits for the last call and returns what SIPp counted, by names such as `486_Recv`."""
        code = self.process.finish(seconds)
        counts = last_row(next(self.place.folder.glob(f"*_{self.process.child.pid}_counts.csv"), None))
        # "2_486_Recv": the message's place in the scenario, the message, what happened to it.
        counted = {re.sub(r"^\d+_", "", name): int(value) for name, value in counts.items() if value.isdigit()}
        counted |= {name: int(value) for name, value in last_row(self.statistics).items() if name in STRAY}
        errors = next(self.place.folder.glob(f"*_{self.process.child.pid}_errors.log"), None)
        said = errors.read_text(encoding="utf-8", errors="replace")[:800] if errors else self.process.text()[-800:]
        expect(code == 0, f"SIPp ended with {code}, having counted {without_zeros(counted)}: {said}")
        expect(counted, f"SIPp wrote no statistics: {said}")
        return counted

    def finish_exactly(self, seconds, **repeated):
        """Waits for the last call: each message of the scenario came and went once a call, and no other.

        `repeated` says how often a call repeats a message: `Retrans_486=3`.
        """
        counted = self.finish(seconds)
        wanted = {name: self.count for name in counted if name.endswith(("_Sent", "_Recv", "_Sessions"))}
        for name, times in repeated.items():
            kind, message = name.split("_")
            wanted[f"{message}_{kind}"] = times * self.count
        counted = without_zeros(counted)
        expect(counted == wanted, f"of {self.count} calls SIPp counted {counted}, expected {wanted}")


class Calls(Scenario):
    """SIPp placing `count` calls by a scenario, `rate` a second and at most `outstanding` at a time; it waits `patience`
    seconds for each message."""

    def __init__(
        self,
        place,
        scenario,
        target,
        count,
        rate,
        caller=LISTED,
        called="858",
        outstanding=None,
        final=None,
        transport="u1",
        via=None,
        patience=10,
    ):
        file = SCENARIOS / f"{scenario}.xml"
        if final or via:
            # SIPp takes no status from outside its scenario, nor a transport that it does not speak itself. Each has
            # a file of its own: an earlier one may not have read its file yet.
            text = file.read_text(encoding="utf-8").replace("STATUS", str(final))
            text = text.replace("[transport]", via or "[transport]")
            file = place.folder / f"{scenario}-{final}-{len(place.processes)}.xml"
            file.write_text(text, encoding="utf-8")
        arguments = ["-s", called, "-key", "caller", caller, "-r", rate, "-l", outstanding or 10 * rate, "-t", transport, "-max_socket", 1000]
        super().__init__(place, file, count, [*arguments, "-recv_timeout", 1000 * patience, f"127.0.0.1:{target}"])


class SecondPhone(Scenario):
    """SIPp as the other phone of a number, for `count` calls: it rings, and answers after 4 s unless it is cancelled."""

    def __init__(self, place, count):
        super().__init__(place, SCENARIOS / "second.xml", count, [])
        self.uri = f"sip:second@127.0.0.1:{self.port}"


def without_zeros(counted):
    """What was counted at all."""
    return {name: value for name, value in counted.items() if value}


def last_row(file):
    """The newest row of one of SIPp's tables by column; no column where SIPp wrote no row."""
    if file is None or not file.exists():
        return {}
    with file.open(encoding="ascii", errors="replace", newline="") as table:
        rows = list(csv.reader(table, delimiter=";"))
    return dict(zip(rows[0], rows[-1])) if rows else {}
