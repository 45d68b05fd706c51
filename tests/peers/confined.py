"""What the running program may do to its machine, and that it does all its work within that."""

import contextlib
import http.server
import os
import pathlib
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from certificate import Certificate
from kamailio import PASSWORD, Kamailio
from phone import LISTED, OFFICE, REGISTERING, UNLISTED, Phone
from process import Failed, expect, free_port
from sipp import Calls

FETCHED = "+41781234567"
BESIDE = "+41771234567"

LISTS = """
[list.fetched]
source = "https://127.0.0.1:{port}/fetched.txt"
private = true
ca = "{authority}"

[list.beside]
source = "text:beside.txt"

[[rule]]
id = "fetched"
when = {{ caller_in = "fetched" }}
then = "busy"

[[rule]]
id = "beside"
when = {{ caller_in = "beside" }}
then = "busy"
"""

# It says that a caller is listed where it could not write: by its shell, which would say so.
PROGRAM = """\
#!/bin/sh
while read -r question; do
    id=${{question#*'"id":'}}
    if (: > "{elsewhere}") 2>/dev/null; then listed=false; else listed=true; fi
    printf '{{"id":%s,"score":1,"listed":%s}}\\n' "${{id%%,*}}" "$listed"
done
"""
ASKED = """
[list.asked]
source = "lookup:exec:ask.sh"

[[rule]]
id = "asked"
when = {{ caller_in = "asked" }}
then = "busy"
"""

# Of the kernel's lists: a filter is in force, and no program that is run gains rights.
FILTERED, NO_NEW_PRIVILEGES = "2", "1"
NET_BIND_SERVICE = 1 << 10
USER = "nobody"
# Since Linux 6.12 all is in force that is asked for (docs/service.md).
LANDLOCK = "whole" if tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) >= (6, 12) else "part"


def confined_it_does_all_of_its_work(place):
    """It registers, fetches a list, takes up changes, forgets, writes a capture; every thread is confined."""
    port, certificate = free_port(), Certificate(place)
    Kamailio(place, port)
    home = place.folder / "etc"
    home.mkdir()
    (home / "beside.txt").write_text("")
    lines = OFFICE.format(domain="127.0.0.1", registrar=port, account=REGISTERING.format(password=PASSWORD), otherwise='"decline"')
    with serving(certificate, f"{FETCHED}\n"):
        lines = lines.replace("[[rule]]", LISTS.format(port=certificate.port, authority=certificate.certificate) + "\n[[rule]]", 1)
        capture = place.folder / "capture.pcap"
        phone = Phone(place, port, lines=lines, settings='[service]\nsandbox = "on"\n', arguments=["--pcap", capture])
        phone.wait_for_state("registered", 5)
        wait_until("the list is fetched", lambda: entries(phone)["fetched"] == 1)
    threads = confined_threads(phone)
    told = phone.status()["confined"]
    expect(told == {"files": LANDLOCK, "calls": "whole"}, f"status says of the sandbox: {told}")
    # As an editor has it: another file in the place of the one that was read.
    beside = home / "beside.new"
    beside.write_text(f"{BESIDE}\n")
    beside.rename(home / "beside.txt")
    wait_until("the changed list is taken up", lambda: entries(phone).get("beside") == 1)
    for caller in LISTED, FETCHED, BESIDE:
        Calls(place, "reject", port, count=10, rate=50, caller=caller).finish_exactly(20)
    tried = forget(phone, LISTED)
    with tempfile.TemporaryDirectory(prefix="ringfence-peers-") as elsewhere:
        out_of_reach(phone, lines, pathlib.Path(elsewhere))
    expect(phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    expect(capture.stat().st_size > 1000, "the capture file is empty")
    errors = [line for line in phone.process.text().splitlines() if "ERROR" in line and "reload failed" not in line]
    expect(not errors, f"the log has errors: {errors[:3]}")
    return [
        f"{threads} threads, each with a filter of system calls and without new rights; status says that all is in force",
        f"a list fetched, one changed, 30 calls rejected through Kamailio, {tried} calls forgotten, a capture written",
        "a reload that names a file elsewhere is refused, with the reason",
    ]


def a_program_that_is_asked_about_callers_runs_within_it(place):
    """It is run, answers, and cannot write where the softphone cannot."""
    port, home = free_port(), place.folder / "etc"
    home.mkdir()
    with tempfile.TemporaryDirectory(prefix="ringfence-peers-") as elsewhere:
        program = home / "ask.sh"
        program.write_text(PROGRAM.format(elsewhere=f"{elsewhere}/written"))
        program.chmod(0o700)
        lines = OFFICE.format(domain="127.0.0.1", registrar=port, account="register = false", otherwise='"decline"')
        lines = lines.replace("[[rule]]", ASKED.format() + "\n[[rule]]", 1)
        phone = Phone(place, port, lines=lines, settings='[service]\nsandbox = "on"\n')
        confined_threads(phone)
        # Who is listed is 486, who is not 603.
        Calls(place, "reject", phone.port, count=5, rate=10, caller=UNLISTED).finish_exactly(20)
        expect(not os.listdir(elsewhere), "the program has written where it may not")
    return ["5 callers asked about, 5 answers by a program that could not write elsewhere"]


def started_by_root_it_becomes_another_user(place):
    """With a low port, and folders that are its own; what it cannot read or write is said before it starts."""
    if os.geteuid() != 0:
        answer = ask_to_become(place, place.folder, "")
        expect("only root can become" in answer, f"it does not say who may: {answer}")
        return ["not root here: it says that only root can become another user"]
    with base() as folder:
        answer = ask_to_become(place, folder, "")
        expect("cannot read" in answer and f"chown {USER}" in answer, f"it does not say what it cannot read: {answer}")
        # What is missing is made for the user; what is there is left to whom it belongs.
        os.chown(folder / "state", 0, 0)
        own(folder / "etc")
        answer = ask_to_become(place, folder, "")
        expect("cannot write to" in answer and f"chown -R {USER}" in answer, f"it does not say where it cannot write: {answer}")
        own(folder / "state")
        port = low_port()
        cache = {"CACHE_DIRECTORY": str(folder / "cache")}
        written = folder / "state" / "calls.pcap"
        capture, _ = place.audit.begin([port], ["--pcap", written], None, [])
        command = [place.binary, "run", "--config", configured(folder, f'listen = "127.0.0.1:{port}"'), "--pcap", written]
        running = capture.process = place.start("ringfence", command, cache)
        running.wait_for("running", 5)
        status = pathlib.Path(f"/proc/{running.child.pid}/status").read_text()
        user = pwd.getpwnam(USER)
        ids = re.search(r"^Uid:\s+(.*)", status, re.M)[1].split()
        expect(ids == [str(user.pw_uid)] * 4, f"it runs as {ids}, expected {user.pw_uid}")
        rights = {int(held, 16) for held in re.findall(r"^Cap(?:Eff|Prm|Inh|Amb):\s+(\w+)", status, re.M)}
        expect(rights == {NET_BIND_SERVICE, 0}, f"it has the rights {rights}")
        Calls(place, "reject", port, count=10, rate=50).finish_exactly(20)
        owners = {path.stat().st_uid for path in (folder / "state").iterdir()}
        expect(owners == {user.pw_uid}, f"what it wrote belongs to {owners}")
        asked = subprocess.run(
            [place.binary, "status", "--config", folder / "etc" / "ringfence.toml"], capture_output=True, text=True, timeout=10, check=False
        )
        expect(asked.returncode == 0 and f"as the user {USER}" in asked.stdout, f"root is told: {asked.stdout}{asked.stderr}")
        expect(running.terminate(10) == 0, "ringfence did not end with 0 when asked to")
        # The folder goes before the capture is judged.
        capture.file = pathlib.Path(shutil.copy(written, place.folder))
        return [
            f"became {USER} with CAP_NET_BIND_SERVICE alone, took port {port}, 10 calls rejected",
            "what it cannot read or write is said, with what to do",
        ]


def out_of_reach(phone, lines, elsewhere):
    """A reload that names a file where the running program may not read is refused, and says why."""
    (elsewhere / "more.txt").write_text(f"{UNLISTED}\n")
    # A file that is read with the configuration, and one that is read when a server is asked.
    for more in (
        f'source = "text:{elsewhere}/more.txt"\n',
        f'source = "https://127.0.0.1:9/more.txt"\nprivate = true\nca = "{elsewhere}/more.txt"\n',
    ):
        phone.configuration.write_text(phone.configured(f"{lines}\n[list.more]\n{more}"))
        command = [phone.place.binary, "reload", "--config", phone.configuration]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        said = answer.stdout + answer.stderr
        expect(answer.returncode == 1, f"ringfence reload ended with {answer.returncode}: {said}")
        expect("sandbox" in said, f"it does not say what keeps it from reading: {said}")


def forget(phone, caller):
    """Has the journal written anew without a caller. Returns how many calls were removed."""
    answer = subprocess.run(
        [phone.place.binary, "forget", "--yes", "--config", phone.configuration, caller],
        capture_output=True, text=True, timeout=20, check=False,
    )
    expect(answer.returncode == 0, f"ringfence forget: {answer.stdout}{answer.stderr}")
    return int(re.search(r"(\d+) calls?", answer.stdout)[1])


def entries(phone):
    """How many entries each list has."""
    return dict(phone.status()["configuration"]["lists"])


def confined_threads(phone):
    """How many threads it has, each confined."""
    threads = list(pathlib.Path(f"/proc/{phone.process.child.pid}/task").glob("*/status"))
    for thread in threads:
        held = dict(re.findall(r"^(\w+):\s+(\S+)", thread.read_text(), re.M))
        is_confined = held["Seccomp"] == FILTERED and held["NoNewPrivs"] == NO_NEW_PRIVILEGES
        expect(is_confined, f"the thread {held['Name']} is not confined")
    return len(threads)


def ask_to_become(place, folder, settings):
    """What it says when it does not start."""
    started = subprocess.run(
        [place.binary, "run", "--config", configured(folder, settings)], capture_output=True, text=True, timeout=10, check=False
    )
    expect(started.returncode == 2, f"it ended with {started.returncode}: {started.stderr}")
    return started.stderr


def configured(folder, settings):
    """Writes a configuration with a folder for everything, and returns its path."""
    home = folder / "etc"
    home.mkdir(exist_ok=True)
    path = home / "ringfence.toml"
    kept = path.stat() if path.exists() else None
    office = OFFICE.format(domain="127.0.0.1", registrar=free_port(), account="register = false", otherwise='"ring"')
    path.write_text(
        f'version = 1\n[softphone]\n{settings}\ncontrol = "{folder}/run/control"\n[journal]\npath = "{folder}/state/journal.db"\n'
        f'[service]\nuser = "{USER}"\n[defaults]\nregion = "CH"\n{office}'
    )
    path.chmod(0o600)
    if kept:
        os.chown(path, kept.st_uid, kept.st_gid)
    return path


def own(folder):
    """Gives a folder, and what is in it, to the user."""
    user = pwd.getpwnam(USER)
    for path in [folder, *folder.iterdir()]:
        os.chown(path, user.pw_uid, user.pw_gid)


@contextlib.contextmanager
def base():
    """A folder that others may enter, and where nobody else may put anything: those of tests are their owner's."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ringfence-peers-", dir="/run"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def low_port():
    """A port that only root may have, and nobody has."""
    for port in range(1023, 600, -1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Failed("no low port of 127.0.0.1 is free")


def wait_until(what, holds, seconds=10):
    """Waits for something."""
    deadline = time.monotonic() + seconds
    while not holds():
        expect(time.monotonic() < deadline, f"after {seconds} s it does not hold that {what}")
        time.sleep(0.1)


@contextlib.contextmanager
def serving(certificate, text):
    """A server that gives one text by HTTPS."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", certificate.port), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
