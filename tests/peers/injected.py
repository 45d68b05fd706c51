"""Line breaks, NUL and what steers a terminal, in every field that a user, a caller or a registrar has a say in: none of it
becomes a line of its own on the wire or in the log, moves a cursor, or breaks JSON.
"""

import json
import socket
import subprocess
import time
import unicodedata

from attacker import final
from messages import From, request
from pbx import Pbx
from phone import LISTED, Phone
from process import expect, free_port

# The journal has a call so soon.
WRITTEN_WITHIN = 5

# Clears the screen, sets the window's title, turns text around; C0 and C1.
HOSTILE = "x\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u200b\x7f\x85\x00\x0bX-Injected: 1"
WORD = "<>:\\\"/[]?{}!%*_`'~()"
BROKEN = "x\rX-Injected: 1\nX-Injected: 2"

CONFIGURATION = """\
version = 1

[softphone]
listen = "127.0.0.1:{port}"
{user_agent}

[journal]
path = "off"

[defaults]
region = "CH"

[account.office]
user = "{user}"
domain = "{domain}"
port = 5999
{account}

[[rule]]
id = "{id}"
then = {{ reject = {{ code = 486, {rejection} }} }}
"""
FIELDS = {
    "account": ("auth_user", "display_name", "outbound_proxy", "public_address", "websocket_path"),
    "user_agent": ("user_agent",),
    "rejection": ("phrase", "warning", "reason"),
}
PLAIN = {"user": "858", "domain": "127.0.0.1", "account": "", "user_agent": "", "id": "all", "rejection": 'phrase = "No"'}


def no_field_of_the_configuration_can_hold_a_line_break(place):
    """`check` refuses it, with the line and a hint, in each field that is sent or shown; a password is hashed, and nothing else."""
    tried = 0
    for escaped in r"a\r\nX-Injected: 1", r"a\nb", r"a\u0000b", r"a\u001b[2Jb":
        fields = [(name, f'{name} = "{escaped}"', into) for into, names in FIELDS.items() for name in names]
        fields += [(name, escaped, name) for name in ("user", "domain", "id")]
        for name, text, into in fields:
            said = check(place, PLAIN | {into: text})
            expect(said.returncode == 1, f"check takes {escaped!r} for {name}: {said.stdout}{said.stderr}")
            told = said.stdout + said.stderr
            expect("hint: " in told and "wrong.toml:" in told, f"check does not say where, or what to do: {told}")
            expect_clean(told, f"check of {name}")
            tried += 1
    pbx = Pbx(lambda request, number: [request.challenged() if number == 0 else request.accepted()])
    try:
        phone = Phone(place, pbx.port, r'password = "a\r\nX-Injected: 1\u0000"')
        phone.wait_for_state("registered", 5)
        expect(all(b"X-Injected" not in asked.message for asked in pbx.requests), "the password is in a REGISTER")
    finally:
        pbx.close()
    return [f"{tried} of {tried} refused with the line and a hint; a password with a line break is proven as any other"]


def check(place, fields):
    """What `check` says of a configuration."""
    file = place.folder / "wrong.toml"
    file.write_text(CONFIGURATION.format(port=free_port(), **fields), encoding="utf-8")
    return subprocess.run([place.binary, "check", "--config", file], capture_output=True, text=True, timeout=10, check=False)


def what_callers_and_registrars_say_steers_no_terminal_and_breaks_no_line(place):
    """INVITEs whose every field is hostile, and a registrar whose phrases are: the log in text and in JSON, `--trace`, `status`,
    `calls`, `why`, `stats`, `replay` as text, JSON and CSV.
    """
    pbx, hostile = Pbx(), Pbx(refused)
    lines = "\n".join(LINE.format(name=name, port=at.port) for name, at in (("858", pbx), ("hostile", hostile))) + RULES
    asked = [("--trace", "--log-numbers"), ("--log-format", "json", "--log-numbers")]
    shown = 0
    try:
        for index, arguments in enumerate(asked):
            phone = Phone(place, pbx.port, lines=lines, arguments=arguments)
            calls = invites()
            for invite in calls:
                expect_answered_in_lines(phone, invite)
            shown += told_cleanly(phone, len(calls))
            expect(phone.process.terminate(40) == 0, "ringfence did not end with 0 when asked to")
            log = phone.process.log.read_bytes().decode("utf-8")
            expect_clean(log, f"the log ({' '.join(arguments)})")
            if index:
                expect_json(log, "the log")
            phone.control.unlink(missing_ok=True)
            (place.folder / "journal.db").unlink()
    finally:
        pbx.close()
        hostile.close()
    return [f"{len(calls)} hostile calls, twice: their answers whole, {shown} lists of verbs and two logs clean"]


LINE = '[account.{name}]\nuser = "{name}"\ndomain = "127.0.0.1"\nport = {port}\npassword = "x"\n'
RULES = """
[[rule]]
id = "later"
when = { caller_in = "later", line = "hostile" }
then = "busy"

[[rule]]
id = "all"
then = { reject = { code = 486, warning = "Not wanted" } }
add_to = { list = "later", ttl = "1h" }
"""


def refused(asked, number):
    """A refusal whose phrase, Warning and realm are hostile."""
    if number % 2:
        return [asked.challenged(f'opaque="{HOSTILE}"', nonce=HOSTILE)]
    return [asked.answer(f"403 {HOSTILE}", f'Warning: 399 {HOSTILE} "{HOSTILE}"')]


def invites():
    """Each with one field that is hostile, and one with all."""
    fields = {
        "from": {"caller": f'"{HOSTILE}" <sip:{LISTED}@127.0.0.1>'},
        "user": {"caller": f"<sip:{HOSTILE}@127.0.0.1>"},
        "escaped": {"caller": "<sip:a%0d%0aX-Injected:%201%1b%5b2J%00@127.0.0.1>"},
        "host": {"caller": f"<sip:{LISTED}@{HOSTILE}>"},
        "called": {"called": "858%0d%0aX-Injected:%201%1b%5b2J"},
        "broken": {"caller": f'"{BROKEN}" <sip:{LISTED}@127.0.0.1>'},
    }
    names = "P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info", "Subject", "User-Agent", "Reason", "Organization"
    names += "Call-Info", "Alert-Info", "Privacy", "Priority", "Identity", "Referred-By", "X-Custom", "Date", "Server", "Require"
    for name in names:
        fields[name] = {"more": f'{name}: "{HOSTILE}" <sip:{HOSTILE}@127.0.0.1>\n'}
    fields["all"] = {"more": "".join(each["more"] for each in fields.values() if "more" in each), **fields["from"]}
    return [*fields.values(), {"hides": True}]


def expect_answered_in_lines(phone, fields):
    """What is answered, if anything is, has no line that the request has not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind(("127.0.0.1", 0))
        sender = From(caller.getsockname())
        # What a Call-ID may be made of (RFC 3261 section 25.1, `word`), and in one call what it may not.
        call_id = f"{sender.mark}{HOSTILE if fields.get('hides') else WORD}"
        invite = request(sender, "INVITE", 1, **{key: value for key, value in fields.items() if key != "hides"})
        caller.sendto(invite.replace(f"Call-ID: {sender.mark}1".encode(), f"Call-ID: {call_id}".encode()), ("127.0.0.1", phone.port))
        answer = final(caller, 2)
        names = {line.partition(":")[0] for line in answer.split("\r\n")[1:]}
        expect(not any(name.startswith("X-") for name in names), f"a line was injected: {answer!r}")


VERBS = [
    ("status",),
    ("calls", "--limit", "100"),
    ("calls", "--csv", "--limit", "100"),
    ("calls", "--withheld", "--limit", "100"),
    ("why", "last"),
    ("why", "c1"),
    ("why", "c5"),
    ("stats",),
    ("replay",),
    ("list",),
]


def told_cleanly(phone, count):
    """What the verbs print, as text and as JSON. Returns how much of it there was."""
    # The last record is written a third of a second after its call.
    deadline = time.monotonic() + WRITTEN_WITHIN
    while len(calls := json_of(phone, "calls", "--limit", "100")) <= count // 2:
        expect(time.monotonic() < deadline, f"the journal has {len(calls)} of {count} calls")
        time.sleep(0.1)
    told = 0
    for verb in VERBS:
        for words in (verb, (*verb, "--json")):
            if "--csv" in verb and "--json" in words:
                continue
            command = [phone.place.binary, *words, "--config", phone.configuration]
            ran = subprocess.run(command, capture_output=True, timeout=10, check=False)
            expect(ran.returncode in (0, 1), f"{' '.join(words)} ended with {ran.returncode}: {ran.stderr.decode()[:300]}")
            text = ran.stdout.decode("utf-8")
            expect_clean(text + ran.stderr.decode("utf-8"), " ".join(words))
            if "--json" in words:
                expect_json(text, " ".join(words))
            told += 1
    return told


def json_of(phone, *words):
    """What a verb says, line by line."""
    answer = phone.ask(*words)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def expect_clean(text, what):
    """No control character but the end of a line, and none that turns text around or is not seen."""
    unseen = [letter for letter in text if letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")]
    at = text.index(unseen[0]) if unseen else 0
    expect(not unseen, f"{what} has {unseen[0] if unseen else ''!r} in {text[max(0, at - 80) : at + 80]!r}")
    lines = [line for line in text.splitlines() if line.lstrip().startswith("X-Injected")]
    expect(not lines, f"{what} has a line of a caller's: {lines}")


def expect_json(text, what):
    """Each line is an object."""
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError as error:
            expect(False, f"{what} is no JSON: {error}: {line[:300]}")
