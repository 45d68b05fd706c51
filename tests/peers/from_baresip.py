"""baresip as a caller that is rejected."""

import pathlib
import shutil

from phone import LISTED, Phone
from process import expect, free_port

CONFIGURATION = pathlib.Path(__file__).with_name("baresip")


def baresip_is_rejected(place):
    """A phone that people use calls, and says 486 Busy Here."""
    phone = Phone(place, registrar=free_port())
    home = place.folder / "baresip"
    shutil.copytree(CONFIGURATION, home)
    (home / "accounts").write_text(f"<sip:{LISTED}@127.0.0.1>;regint=0\n")
    dial = f"/dial sip:858@127.0.0.1:{phone.port}"
    baresip = place.start("baresip-out", ["baresip", "-4", "-f", home, "-s", "-t", "5", "-e", dial])
    took = baresip.wait_for("session closed: 486 Busy Here", 5)
    expect(baresip.count("SIP/2.0 100 Trying") == 1, "baresip did not get one 100 Trying")
    expect(baresip.count("SIP/2.0 486 Busy Here") == 1, "baresip did not get one 486")
    expect(baresip.count('Warning: 399 ') == 1, "baresip's 486 has no Warning")
    return [f"baresip says \"486 Busy Here\" {took:.2f} s after its start"]
