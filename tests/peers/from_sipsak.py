"""sipsak as who asks whether the softphone is there: OPTIONS, as monitoring sends it."""

import re

from phone import TRUNK, Phone
from process import expect, free_port


def sipsak_is_answered(place):
    """By UDP, and by TCP."""
    port = free_port()
    phone = Phone(place, free_port(), TRUNK, listens=f'listen_tcp = "127.0.0.1:{port}"')
    for transport, at in ("udp", phone.port), ("tcp", port):
        # -N: its exit code is that of a check of Nagios, 0 for a 2xx.
        command = ["sipsak", "-vvv", "-N", "-E", transport, "-H", "127.0.0.1", "-s", f"sip:858@127.0.0.1:{at}"]
        sipsak = place.start(f"sipsak-{transport}", command)
        code = sipsak.finish(5)
        expect(code == 0, f"sipsak ended with {code} by {transport}")
        said = sipsak.text()
        expect(re.search(r"^SIP/2.0 200 OK", said, re.M), f"by {transport} sipsak got no 200")
        for header in "Allow", "Accept":
            expect(re.search(rf"^{header}: ", said, re.M), f"by {transport} the 200 has no {header}")
    return ["200 with Allow and Accept to OPTIONS by UDP and by TCP"]
