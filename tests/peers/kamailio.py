"""Kamailio as registrar and proxy."""

import pathlib

CONFIGURATION = pathlib.Path(__file__).with_name("kamailio.cfg")
PASSWORD = "correct horse"

# What it shortens every binding to.
LONGEST_EXPIRES = 20


class Kamailio:
    """A running Kamailio; its bindings are in memory and die with it.

    With a `second` URI each call rings there too, and a 6xx of one phone stops the other as RFC 3261 section 16.7
    has it, unless a define of `kamailio.cfg` says otherwise.
    """

    def __init__(
        self, place, port, name="kamailio", second=None, defines=(), megabytes=32, expires=LONGEST_EXPIRES, tls=None, reached_at=None
    ):
        defines = [*defines, f'SECOND="{second}"'] if second else defines
        listens = ["-l", f"udp:127.0.0.1:{port}"]
        if reached_at:
            # Where the phone is; calls come from 127.0.0.1 all the same.
            defines = [*defines, "REACHED_ELSEWHERE"]
            listens += ["-l", f"udp:{reached_at}:{port}"]
        if "WITH_STREAMS" in defines:
            listens += ["-l", f"tcp:127.0.0.1:{port}"]
        if tls:
            defines = [*defines, f'CERTIFICATE="{tls.certificate}"', f'PRIVATE_KEY="{tls.key}"']
            listens += ["-l", f"tls:127.0.0.1:{tls.port}"]
        self.process = place.start(
            name,
            ["kamailio", "-f", CONFIGURATION, "-DD", "-E", "-m", megabytes, "-M", "8"]
            + [*listens, "-Y", place.folder, "-w", place.folder]
            + ["-A", f'DOMAIN="{reached_at or "127.0.0.1"}"', "-A", f'PASSWORD="{PASSWORD}"']
            + ["-A", f"LONGEST_EXPIRES={expires}"]
            + [part for define in defines for part in ("-A", define)],
        )
        self.process.wait_for("finally", 10)

    def challenged(self):
        """How many REGISTERs it answered with 401."""
        return self.process.count("REGISTER challenged")

    def accepted(self):
        """How many REGISTERs it answered with 200."""
        return self.process.count("REGISTER accepted")
