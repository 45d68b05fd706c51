"""The unit of packaging/, and the program as systemd starts it."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile

from phone import Phone
from process import expect, free_port

UNIT = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "ringfence.service"

# What `systemd-analyze security` says of it, of 10; it takes tenths.
MOST_EXPOSED = 1.2
WATCHDOG = 2


def the_unit_is_sound_and_exposes_little(place):
    """As systemd 252 and newer read it."""
    unit = place.folder / UNIT.name
    # Where the program is installed on a machine of its own.
    unit.write_text(UNIT.read_text().replace("/usr/bin/ringfence", str(place.binary)))
    # It reads units of this machine as well, of which it may say more.
    said = [line for line in analyze("verify", unit).splitlines() if UNIT.name in line]
    expect(not said, f"systemd-analyze verify: {said}")
    told = analyze("security", "--offline=true", f"--threshold={round(10 * MOST_EXPOSED)}", unit)
    exposure = told.strip().splitlines()[-1].partition("level for")[2].strip()
    return [f"systemd-analyze security: {exposure} (bound {MOST_EXPOSED})"]


def who_started_it_hears_that_it_is_ready_lives_and_ends(place):
    """Readiness, the watchdog and the end, by the socket that systemd names; also by one without a file."""
    # A path may be 107 octets long.
    with tempfile.TemporaryDirectory(prefix="rf-") as folder:
        for name in f"{folder}/notify", f"@ringfence-peers-{free_port()}":
            with heard_at(name) as heard:
                place.within = ["env", f"NOTIFY_SOCKET={name}", f"WATCHDOG_USEC={WATCHDOG * 1_000_000}"]
                phone = Phone(place, free_port(), settings='[service]\nsandbox = "on"\n')
                place.within = []
                words = [heard(5), heard(WATCHDOG), heard(WATCHDOG)]
                expect(words == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"], f"who started it heard {words}")
                expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
                last = heard(1)
                while last == "WATCHDOG=1":
                    last = heard(1)
                expect(last == "STOPPING=1", f"at its end who started it heard {last}")
    return ["READY=1, WATCHDOG=1 in time, STOPPING=1, by a socket with a file and by one without"]


def analyze(*arguments):
    """What systemd-analyze says; it fails where that is an error."""
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    expect(ran.returncode == 0, f"{' '.join(command)}: {(ran.stdout + ran.stderr)[-500:]}")
    return ran.stdout + ran.stderr


@contextlib.contextmanager
def heard_at(name):
    """A socket as systemd's, and what waits for the next word."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(name.replace("@", "\0", 1))

        def heard(seconds):
            notify.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                return notify.recv(100).decode()
            return None

        yield heard
