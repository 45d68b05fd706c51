"""Pages that call the softphone from a browser, over secure WebSocket."""

import re

from browser import PAGES, calls_of_a_page
from certificate import Certificate
from phone import LISTED, TRUNK, UNLISTED, Phone
from process import expect, free_port


def a_page_with_jssip_is_rejected(place):
    """It sees the 486 and its Warning; a call that rings is cancelled by the page."""
    return is_rejected(place, "jssip")


def a_page_with_sip_js_is_rejected(place):
    """The same with SIP.js."""
    return is_rejected(place, "sipjs")


def the_guide_shows_the_page_that_is_tried(_):
    """docs/guides/browser.md has the page with JsSIP as it stands."""
    guide = (PAGES.parents[1] / "docs/guides/browser.md").read_text(encoding="utf-8")
    page = (PAGES / "jssip.js").read_text(encoding="utf-8")
    expect(f"```js\n{page}```" in guide, "docs/guides/browser.md shows another page than tests/pages/jssip.js")


def is_rejected(place, library):
    """Calls from a listed number, and from one that rings."""
    port, certificate = free_port(), Certificate(place)
    phone = Phone(place, free_port(), TRUNK, listens=f'listen_wss = "127.0.0.1:{port}"', settings=certificate.shown())
    told = calls_of_a_page(place, library, certificate, port, [LISTED, UNLISTED])
    rejected, rung = told[LISTED], told[UNLISTED]
    expect(rejected["status"] == 486 and not rejected["rang"], f"the listed caller's page saw {rejected}")
    warned = re.fullmatch(r'399 \S+ "User reject"', rejected["warning"] or "")
    expect(warned, f"the page was warned with {rejected['warning']}")
    expect(rung["rang"] and rung["status"] in (487, None), f"the page of the call that rings saw {rung}")
    endings = dict(phone.endings())
    expect(endings.get("acknowledged") == 1, f"the calls ended so: {endings}")
    return [f"the page sees 486 with {rejected['warning']}", f"calls ended so: {endings}"]
