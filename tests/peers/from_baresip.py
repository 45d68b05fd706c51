"""baresip as a caller that is rejected, over each transport."""

import pathlib
import shutil

from certificate import Certificate
from phone import LISTED, TRUNK, Phone
from process import expect, free_port

CONFIGURATION = pathlib.Path(__file__).with_name("baresip")


def baresip_is_rejected(place):
    """A phone that people use calls, and says 486 Busy Here."""
    phone = Phone(place, free_port(), TRUNK)
    return is_rejected(place, f"127.0.0.1:{phone.port}")


def baresip_is_rejected_over_tcp(place):
    """It registers nowhere, connects and calls."""
    port = free_port()
    Phone(place, free_port(), TRUNK, listens=f'listen_tcp = "127.0.0.1:{port}"')
    return is_rejected(place, f"127.0.0.1:{port};transport=tcp")


def baresip_is_rejected_over_tls(place):
    """This baresip looks at no certificate; that ours is looked at is for the pages and SIPp."""
    port, certificate = free_port(), Certificate(place)
    Phone(place, free_port(), TRUNK, listens=f'listen_tls = "127.0.0.1:{port}"', settings=certificate.shown())
    return is_rejected(place, f"127.0.0.1:{port};transport=tls")


def is_rejected(place, target):
    """Calls once and reads what baresip shows of the answers."""
    home = place.folder / "baresip"
    shutil.copytree(CONFIGURATION, home)
    (home / "accounts").write_text(f"<sip:{LISTED}@127.0.0.1>;regint=0\n")
    dial = f"/dial sip:858@{target}"
    baresip = place.start("baresip-out", ["baresip", "-4", "-f", home, "-s", "-t", "5", "-e", dial])
    took = baresip.wait_for("session closed: 486 Busy Here", 5)
    expect(baresip.count("SIP/2.0 100 Trying") == 1, "baresip did not get one 100 Trying")
    expect(baresip.count("SIP/2.0 486 Busy Here") == 1, "baresip did not get one 486")
    expect(baresip.count('Warning: 399 ') == 1, "baresip's 486 has no Warning")
    return [f"baresip says \"486 Busy Here\" {took:.2f} s after its start"]
