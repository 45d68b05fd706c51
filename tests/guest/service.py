"""The service as systemd runs it in the guest, and the peers that it has there."""

import json
import pathlib
import re
import subprocess
import time

from kamailio import PASSWORD, Kamailio
from phone import LISTED
from process import Place, expect, free_port

NAME = "ringfence"
UNIT = "ringfence.service"
PROGRAM = "/usr/bin/ringfence"
CONFIGURATION = pathlib.Path("/etc/ringfence/ringfence.toml")
PROJECT = pathlib.Path(__file__).resolve().parents[2]

# A processor in software takes thirty times as long for everything, and others may use the real one.
PATIENCE = 60
# Nothing is to be refreshed while it is judged: each REGISTER that comes has a cause.
LIFETIME = 7200

POLICY = """\
version = 1

[softphone]
listen = "127.0.0.1:{port}"

[defaults]
region = "CH"

[account.home]
user = "858"
domain = "127.0.0.1"
port = {registrar}
password_file = "/run/credentials/ringfence.service/password_home"

[list.reject]
entries = ["+4179*"]

[[rule]]
id = "listed"
when = {{ caller_in = "reject" }}
then = "{treatment}"

[[rule]]
id = "otherwise"
then = "ring"
"""


class Service:
    """The service, its registrar, and what the judge keeps of it."""

    def __init__(self):
        ran("systemctl", "is-system-running", "--wait", codes=None)
        self.place = Place(pathlib.Path("/run/judge"), pathlib.Path(PROGRAM))
        self.registrar, self.port = free_port(), free_port()
        self.kamailio = Kamailio(self.place, self.registrar, expires=LIFETIME)
        self.calls = 0

    def kernel(self):
        """What it runs on."""
        return " ".join(pathlib.Path("/proc/version").read_text().split()[:3])

    def systemd(self):
        """What runs it."""
        return ran("systemctl", "--version").splitlines()[0]

    def started(self):
        """How long the system took."""
        return int(ran("systemctl", "show", "--value", "-p", "UserspaceTimestampMonotonic").strip() or 0) / 1e6

    def configured(self, treatment="busy"):
        """Its configuration, with what becomes of listed callers."""
        return POLICY.format(port=self.port, registrar=self.registrar, treatment=treatment)

    def show(self, name):
        """What systemd says of it: a property."""
        return ran("systemctl", "show", "--value", "-p", name, UNIT).strip()

    def pid(self):
        """Its process, which must be there."""
        pid = int(self.show("MainPID"))
        expect(pid, f"it does not run: {self.show('ActiveState')}, {self.show('Result')}")
        return pid

    def proc(self, file):
        """A file of /proc about its process."""
        return pathlib.Path(f"/proc/{self.pid()}/{file}").read_text()

    def status(self):
        """What `ringfence status` says."""
        return json.loads(ran(PROGRAM, "status", "--json", "--config", CONFIGURATION, codes=(0, 1)))

    def wait_until_registered(self, accepted):
        """Waits until the registrar has accepted so many REGISTERs and the service knows. Returns how long that took."""
        began = time.monotonic()
        wait_until(f"the registrar has accepted {accepted} REGISTERs", lambda: self.kamailio.accepted() >= accepted)
        wait_until("it is registered", lambda: self.show("ActiveState") == "active" and self.is_registered())
        expect(self.kamailio.accepted() == accepted, f"the registrar accepted {self.kamailio.accepted()} REGISTERs, not {accepted}")
        return time.monotonic() - began

    def is_registered(self):
        """Whether its line is."""
        answer = subprocess.run(
            [PROGRAM, "status", "--json", "--config", CONFIGURATION], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return answer.returncode == 0 and [line["state"] for line in json.loads(answer.stdout)["lines"]] == ["registered"]

    def expiries(self):
        """How long each REGISTER was for that the registrar accepted; 0 took a binding away."""
        return [int(expires) for expires in re.findall(r"REGISTER accepted .*Expires: (\d+)", self.kamailio.process.text())]

    def said(self):
        """What it has written to the journal of the system, an entry each."""
        lines = ran("journalctl", "--no-pager", "-o", "json", "--all", f"_SYSTEMD_UNIT={UNIT}").splitlines()
        return [json.loads(line) for line in lines]

    def last_words(self):
        """For a person who reads why an expectation did not hold."""
        journal = ran("journalctl", "--no-pager", "-o", "short-monotonic", "-n", "60", "-u", UNIT, codes=None)
        return f"--- the journal\n{journal}\n{self.place.last_words()}"


def ran(*command, codes=(0,), given=None, seconds=PATIENCE):
    """What a command says; it must end with one of some codes, or with any where there are none."""
    words = [str(word) for word in command]
    done = subprocess.run(words, input=given, capture_output=True, text=True, timeout=seconds, cwd=PROJECT, check=False)
    expect(codes is None or done.returncode in codes, f"{' '.join(words)} ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    return done.stdout


def wait_until(what, holds, seconds=PATIENCE):
    """Waits for something. Returns how long that took."""
    began = time.monotonic()
    while not holds():
        expect(time.monotonic() - began < seconds, f"after {seconds} s it does not hold that {what}")
        time.sleep(0.2)
    return time.monotonic() - began


__all__ = ["LISTED", "PASSWORD", "Service", "ran", "wait_until"]
