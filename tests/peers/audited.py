"""What the softphone sends, judged by the rules of RFC 3261: each start of it writes a capture file, which the example `audit` of
crates/testing reads when the test is over.
"""

import json
import pathlib
import re
import subprocess
import threading

from process import Failed, expect

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What the log says where not all that was sent is in the capture file.
NOT_WHOLE = "the trace ends", "the trace leaves out", "the trace is not complete"


def built(*what):
    """Builds something of the workspace and returns where cargo put it."""
    command = ["cargo", "build", "--locked", *what, "--message-format", "json-render-diagnostics"]
    told = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = (json.loads(line) for line in told.stdout.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


class Auditor:
    """It judges the captures of one run of the tests, which have one each beside each other."""

    def __init__(self):
        # Of the workspace: of its crate alone it would have other features, and all that it needs be built once more.
        self.program = built("--workspace", "--example", "audit")
        self.counting = threading.Lock()
        self.captures = 0
        self.messages = 0
        self.not_judged = {}

    def judge(self, capture):
        """Fails with what was wrong in it."""
        name = capture.file.name
        if not capture.file.exists():
            # It ended before it began: the test knows why.
            return self.leave_out(capture.test, f"{name} was never begun")
        lost = next((line for line in capture.log().splitlines() if any(words in line for words in NOT_WHOLE)), None)
        expect(lost is None, f"{capture.file} cannot be judged, which the test does not say: {lost}")
        command = [self.program, *capture.options, capture.file, *map(str, capture.ports)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        expect(told.returncode == 0, f"wrong on the wire, {capture.file}:\n{told.stdout}{told.stderr}")
        with self.counting:
            self.captures += 1
            self.messages += int(re.search(r"(\d+) messages judged", told.stdout)[1])

    def leave_out(self, test, reason):
        """Takes that something of a test is not judged."""
        with self.counting:
            self.not_judged.setdefault(test, set()).add(reason)

    def summary(self):
        """What was judged in this run, and what was not."""
        yield f"judged by RFC 3261: nothing is wrong in {self.captures} captures of {self.messages:,} messages"
        for test, reasons in sorted(self.not_judged.items()):
            yield f"    not judged: {test.replace('_', ' ')}: {'; '.join(sorted(reasons))}"


class Capture:
    """The capture file of one start of the softphone."""

    def __init__(self, test, file, ports, options):
        self.test = test
        self.file = file
        self.ports = ports
        self.options = options
        self.process = None
        self.kept = None

    def log(self):
        """What the softphone has said of that start."""
        return self.process.text() if self.kept is None else self.kept

    def keep_log(self):
        """Keeps it: the next start writes to the same file."""
        self.kept = self.process.text()


class Audited:
    """The captures of one test."""

    def __init__(self, auditor, folder):
        self.auditor = auditor
        self.test = folder.name
        self.folder = folder
        self.captures = []

    def begin(self, ports, arguments, reason, options):
        """A capture of the next start, unless there is a reason that there is none; and the arguments that have it written."""
        if reason:
            self.leave_out(reason)
            return None, []
        if self.captures:
            self.captures[-1].keep_log()
        arguments = [str(argument) for argument in arguments]
        own = arguments.index("--pcap") + 1 if "--pcap" in arguments else None
        file = pathlib.Path(arguments[own]) if own else self.folder / f"capture-{len(self.captures) + 1}.pcap"
        self.captures.append(Capture(self.test, file, ports, options))
        return self.captures[-1], [] if own else ["--pcap", file]

    def judge(self):
        """Judges all of them, and fails with whatever was wrong in any."""
        wrong = []
        for capture in self.captures:
            try:
                self.auditor.judge(capture)
            except Failed as failure:
                wrong.append(str(failure))
        expect(not wrong, "\n".join(wrong))

    def leave_out(self, reason):
        """Takes that something of the test is not judged."""
        self.auditor.leave_out(self.test, reason)
