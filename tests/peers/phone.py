"""The softphone under test: `ringfence run` with a configuration of the test."""

import collections
import json
import re
import subprocess
import time

from process import expect, free_port

LISTED = "+41791234567"
UNLISTED = "+41441234567"

CONFIGURATION = """\
version = 1

[softphone]
listen = "{listen}:{port}"
{listens}
control = "{control}"

[journal]
path = "{journal}"

[defaults]
region = "CH"

{settings}

{lines}
"""

OFFICE = """\
[account.office]
user = "858"
domain = "{domain}"
port = {registrar}
{account}

[list.reject]
entries = ["+4179*"]

[[rule]]
id = "listed"
when = {{ caller_in = "reject" }}
then = "busy"

[[rule]]
id = "otherwise"
then = {otherwise}
"""

REGISTERING = 'password = "{password}"'
NOT_REGISTERING = "register = false"
# Who connects is known by his address alone.
TRUNK = 'register = false\npeers = ["127.0.0.1"]'


class Phone:
    """A running softphone: extension 858 of a registrar on 127.0.0.1, or the lines of a configuration."""

    def __init__(
        self,
        place,
        registrar,
        account=NOT_REGISTERING,
        otherwise='"ring"',
        lines=None,
        patience=5,
        listens="",
        settings="",
        domain="127.0.0.1",
        listen="127.0.0.1",
        arguments=(),
        journal=None,
        into=None,
        not_judged=None,
        timeless=None,
        long_by_udp=False,
    ):
        # Why what it sends is not judged, or not by its times.
        self.not_judged = not_judged
        self.options = [*(["--timeless"] if timeless else []), *(["--long-by-udp"] if long_by_udp else [])]
        self.timeless = timeless
        self.place = place
        self.into = into
        self.journal = journal or place.folder / "journal.db"
        self.arguments = arguments
        self.listens = listens
        self.settings = settings
        self.listen = listen
        self.port = free_port()
        self.control = place.socket()
        # Nothing else is written there: whoever watches it sees changes of the configuration alone.
        self.home = place.folder / "etc"
        self.home.mkdir(exist_ok=True)
        self.configuration = self.home / "ringfence.toml"
        # It holds a password.
        self.configuration.touch(mode=0o600)
        lines = lines or OFFICE.format(domain=domain, registrar=registrar, account=account, otherwise=otherwise)
        self.written = lines
        self.configuration.write_text(self.configured(lines))
        self.run(patience)

    def run(self, patience=5):
        """Starts the program, again after it has ended."""
        capture, captured = self.capture()
        command = [self.place.binary, "run", "--config", self.configuration, *self.arguments, *captured]
        if self.into:
            # What it prints goes there and into no log of ours.
            command = ["sh", "-c", 'exec "$@" >"$0" 2>&1', self.into, *command]
        self.process = self.place.start("ringfence", command)
        if capture:
            capture.process = self.process
        self.wait_until_it_listens(patience)

    def capture(self):
        """Where what it sends is written for the auditor, and the arguments for that."""
        if not self.place.audit:
            return None, []
        if self.timeless and not self.not_judged:
            self.place.audit.leave_out(f"its times: {self.timeless}")
        ports = [self.port, *re.findall(r'^listen_\w+ = "[^"]*:(\d+)"', self.listens, re.M)]
        return self.place.audit.begin(ports, self.arguments, self.not_judged, self.options)

    def configured(self, lines):
        """The configuration with these accounts, lists and rules."""
        return CONFIGURATION.format(
            port=self.port,
            listen=self.listen,
            listens=self.listens,
            control=self.control,
            journal=self.journal,
            settings=self.settings,
            lines=lines,
        )

    def wait_until_it_listens(self, patience=5):
        """Waits until the control socket answers, which it does once the softphone runs."""
        deadline = time.monotonic() + patience
        while (answer := self.ask("status")).returncode not in (0, 1):
            code = self.process.child.poll()
            expect(code is None, f"ringfence ended with {code}")
            expect(time.monotonic() < deadline, f"ringfence does not answer after {patience} s: {answer.stderr.strip()}")
            time.sleep(0.05)

    def ask(self, verb, *words):
        """Runs a reading verb against the running program."""
        command = [self.place.binary, verb, "--json", "--config", self.configuration, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)

    def status(self):
        """What `ringfence status` says."""
        answer = self.ask("status")
        expect(answer.returncode in (0, 1), f"ringfence status: {answer.stderr.strip()}")
        return json.loads(answer.stdout)

    def endings(self):
        """How many calls of the journal ended how."""
        answer = self.ask("calls", "--limit", "1000")
        expect(answer.returncode == 0, f"ringfence calls: {answer.stderr.strip()}")
        calls = [json.loads(line) for line in answer.stdout.splitlines()]
        return collections.Counter(call.get("ended", {}).get("how") for call in calls)

    def lines(self):
        """What it says of each line: `state`, and `cause` where something is wrong."""
        return self.status()["lines"]

    def wait_for_state(self, state, seconds):
        """Waits until every line is in a state. Returns what is said of the first."""
        deadline = time.monotonic() + seconds
        while any(line["state"] != state for line in self.lines()):
            expect(time.monotonic() < deadline, f"not {state} after {seconds} s: {self.lines()}")
            time.sleep(0.05)
        return self.lines()[0]
