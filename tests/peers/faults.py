"""What the softphone stands on breaks: it is killed under load, the disk is full or read-only, there are no files left."""

import json
import os
import socket
import sqlite3
import subprocess
import threading
import time

from besieged import Besieged
from messages import From, request
from process import expect, free_port

# docs/reference/journal.md: a kill loses nothing that was answered more than a second before.
PROMISED = 1.0
RATE = 500


def killed_under_load_it_keeps_every_call_of_more_than_a_second_ago(place):
    """kill -9 while 500 calls a second come: the journal is whole, and the softphone that is started again has its line."""
    besieged = Besieged(place)
    with Callers(besieged.phone.port) as callers:
        time.sleep(2.5)
        # To wait for the end of it takes a while.
        killed = time.monotonic()
        besieged.phone.process.kill()
    file = sqlite3.connect(f"file:{besieged.phone.journal}?mode=ro", uri=True)
    whole = file.execute("PRAGMA integrity_check").fetchone()[0]
    file.close()
    expect(whole == "ok", f"the journal is damaged: {whole}")
    written = {call["call_id"] for call in calls_of(besieged)}
    due = {call_id for call_id, at in callers.answered.items() if killed - at > PROMISED}
    expect(len(due) > RATE / 2, f"only {len(due)} calls were answered more than {PROMISED} s before")
    expect(due <= written, f"{len(due - written)} of {len(due)} calls of more than {PROMISED} s before are lost")
    lost = sum(call_id not in written for call_id in callers.answered)
    began = time.monotonic()
    besieged.phone.run()
    besieged.phone.wait_for_state("registered", 5)
    back = time.monotonic() - began
    besieged.good_call()
    return [
        f"{len(callers.answered)} calls answered before the kill: {lost} of the last second are lost, none before; registered"
        f" {back:.1f} s after the new start"
    ]


class Callers:
    """Calls from where the registrar is, so many a second, until it is left; nobody acknowledges anything."""

    def __init__(self, port):
        self.port = port
        self.answered = {}
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()

    def run(self):
        """Calls, and notes when each was answered."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.bind(("127.0.0.1", 0))
            caller.setblocking(False)
            sender, number, began = From(caller.getsockname()), 0, time.monotonic()
            while not self.is_over:
                while number < RATE * (time.monotonic() - began):
                    caller.sendto(request(sender, "INVITE", number), ("127.0.0.1", self.port))
                    number += 1
                self.hear(caller)
                time.sleep(0.005)

    def hear(self, caller):
        """Notes the first final response of each call."""
        while True:
            try:
                heard = caller.recv(65536).decode()
            except (BlockingIOError, ConnectionRefusedError):
                return
            if heard.startswith("SIP/2.0 486"):
                self.answered.setdefault(heard.partition("Call-ID: ")[2].partition("\r\n")[0], time.monotonic())


def calls_of(besieged, within=()):
    """The calls of the journal, in whatever namespace it lies."""
    phone = besieged.phone
    command = [*within, phone.place.binary, "calls", "--json", "--limit", "100000", "--config", phone.configuration]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    expect(told.returncode == 0, f"ringfence calls: {told.stderr.strip()}")
    return [json.loads(line) for line in told.stdout.splitlines()]


class Disk:
    """A disk of two megabytes of the test's own, in a namespace of mounts that is entered by what the place starts next."""

    SET_UP = "mount -t tmpfs -o size=2m,mode=0700 journal {disk} && echo ready && exec sleep infinity"

    def __init__(self, place):
        self.folder = place.folder / "disk"
        self.folder.mkdir(mode=0o700)
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        holder = place.start("disk", ["unshare", *user, "--mount", "sh", "-c", self.SET_UP.format(disk=self.folder)])
        holder.wait_for("ready", 5)
        entered = ["--user", "--preserve-credentials"] if user else []
        self.within = ["nsenter", "--target", str(holder.child.pid), "--mount", *entered, "--"]
        place.within = self.within

    def does(self, commands):
        """Runs commands where the disk is."""
        ran = subprocess.run([*self.within, "sh", "-c", commands], capture_output=True, text=True, timeout=10, check=False)
        return ran.stderr.strip()


# It is tried again every five seconds.
WRITTEN_WITHIN = 8
CALLS = 20


def on_a_full_disk_no_call_waits_and_none_is_lost(place):
    """Calls are answered as ever, `status` says that the disk is full, and they are written when there is room again."""
    disk = Disk(place)
    besieged = Besieged(place, journal=disk.folder / "journal.db")
    place.within = []
    said = disk.does(f"dd if=/dev/zero of={disk.folder}/filler bs=64k; sync")
    expect("No space left" in said, f"the disk is not full: {said}")
    slowest = max(besieged.good_call() for _ in range(CALLS))
    failing = wait_for(besieged, lambda journal: journal.get("failing"), WRITTEN_WITHIN)
    why = failing["failing"]["why"]
    expect("full" in why, f"status does not say that the disk is full: {failing}")
    line = besieged.phone.lines()[0]
    expect(line["state"] == "registered", f"the line is {line}")
    disk.does(f"rm {disk.folder}/filler")
    emptied = time.monotonic()
    journal = wait_for(besieged, lambda journal: not journal.get("failing") and not journal["waiting"], WRITTEN_WITHIN)
    took = time.monotonic() - emptied
    expect(journal["lost"] == 0, f"{journal['lost']} records are lost")
    written = len(calls_of(besieged, disk.within))
    expect(written == CALLS + 1, f"the journal has {written} of {CALLS + 1} calls")
    return [f"status says: {why}; {CALLS} calls answered meanwhile, the slowest in {slowest * 1000:.0f} ms; all written {took:.1f} s after there was room"]


def first_started_on_a_full_disk_it_leaves_nothing_half(place):
    """There is no room for the journal, nor for what registrars are to know it by. The next start, with room, makes both."""
    disk = Disk(place)
    said = disk.does(f"dd if=/dev/zero of={disk.folder}/filler bs=64k; sync")
    expect("No space left" in said, f"the disk is not full: {said}")
    besieged = Besieged(place, journal=disk.folder / "journal.db")
    log = besieged.phone.process.text()
    for words in "journal not written", "registrars are not told which device this is":
        expect(words in log, f"the log does not say: {words}")
    disk.does(f"rm {disk.folder}/filler")
    wait_for(besieged, lambda journal: not journal.get("failing") and not journal["waiting"], WRITTEN_WITHIN)
    expect(besieged.phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    besieged.phone.run()
    place.within = []
    besieged.phone.wait_for_state("registered", 5)
    again = besieged.phone.process.text()
    expect("registrars are not told" not in again, f"the next start fails by what the first has left: {again[-500:]}")
    expect("+sip.instance" in besieged.kamailio.process.text().splitlines()[-1], "the registrar is not told which device it is")
    besieged.good_call()
    written = len(calls_of(besieged, disk.within))
    expect(written == 2, f"the journal has {written} of 2 calls")
    return ["it runs without, says so, and the next start has journal and instance-id"]


def a_capture_file_on_a_full_disk_is_told_of_and_stops_no_call(place):
    """The disk of `--pcap` fills while it runs: that is said at once, calls go on, and the end says it again by its exit status."""
    disk = Disk(place)
    besieged = Besieged(place, arguments=["--pcap", disk.folder / "calls.pcap"], not_judged="its capture file is on a full disk")
    said = disk.does(f"dd if=/dev/zero of={disk.folder}/filler bs=64k; sync")
    expect("No space left" in said, f"the disk is not full: {said}")
    place.within = []
    slowest, deadline = 0, time.monotonic() + WRITTEN_WITHIN
    while "cannot write the capture file" not in besieged.phone.process.text():
        slowest = max(slowest, besieged.good_call())
        expect(time.monotonic() < deadline, f"nothing is told of it within {WRITTEN_WITHIN} s")
    slowest = max(slowest, *(besieged.good_call() for _ in range(CALLS)))
    code = besieged.phone.process.terminate(10)
    expect(code == 2, f"ringfence ended with {code}")
    told = besieged.phone.process.text().splitlines()[-3:]
    expect(any("cannot write the capture file" in line for line in told), f"the end does not say it: {told}")
    return [f"told, and {CALLS} calls answered behind it, the slowest in {slowest * 1000:.0f} ms; it ended with exit status 2"]


def on_a_read_only_disk_it_runs_and_says_so(place):
    """A journal that was written before, on a disk that is mounted read-only at the next start."""
    disk = Disk(place)
    besieged = Besieged(place, journal=disk.folder / "journal.db")
    expect(besieged.phone.process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    said = disk.does(f"mount -o remount,ro {disk.folder}")
    expect(not said, f"the disk cannot be made read-only: {said}")
    besieged.phone.run()
    place.within = []
    besieged.phone.wait_for_state("registered", 5)
    slowest = max(besieged.good_call() for _ in range(CALLS))
    why = wait_for(besieged, lambda journal: journal.get("failing"), WRITTEN_WITHIN)["failing"]["why"]
    disk.does(f"mount -o remount,rw {disk.folder}")
    journal = wait_for(besieged, lambda journal: not journal.get("failing") and not journal["waiting"], WRITTEN_WITHIN)
    expect(journal["lost"] == 0, f"{journal['lost']} records are lost")
    written = len(calls_of(besieged, disk.within))
    expect(written == CALLS + 1, f"the journal has {written} of {CALLS + 1} calls")
    return [f"status says: {why}; {CALLS} calls answered meanwhile, the slowest in {slowest * 1000:.0f} ms, and written when it could be"]


def wait_for(besieged, holds, seconds):
    """Waits until something holds of what `status` says of the journal, and returns that."""
    deadline = time.monotonic() + seconds
    while not holds(journal := besieged.phone.status()["journal"]):
        expect(time.monotonic() < deadline, f"not within {seconds} s: {journal}")
        time.sleep(0.1)
    return journal


def a_trace_that_nobody_reads_keeps_neither_calls_nor_the_end_waiting(place):
    """Log and ladder go into a pipe that is open and never read: calls are answered as ever, and it ends when it is told to."""
    pipe = place.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    besieged = Besieged(place, arguments=["--trace"], into=pipe, not_judged="nobody reads its trace, which comes to a stop")
    process = besieged.phone.process
    idle = process.resident_kib()
    with Callers(besieged.phone.port) as callers:
        time.sleep(3)
        call = besieged.good_call()
    grown = process.resident_kib(peak=True) - idle
    # Those calls that nobody acknowledges are kept as well.
    expect(grown <= MOST_UNREAD + 8 * len(callers.answered), f"memory has grown by {grown} KiB")
    began = time.monotonic()
    expect(process.terminate(10) == 0, "ringfence did not end with 0 when asked to")
    took = time.monotonic() - began
    expect(len(calls_of(besieged)) >= len(callers.answered), "calls are not in the journal")
    os.close(reader)
    return [f"{len(callers.answered)} calls answered, one of the registrar's in {call * 1000:.0f} ms; memory {grown} KiB more; ended {took:.1f} s after it was told to"]


# What the log and the trace hold for who does not take it: a megabyte, and four thousand datagrams.
MOST_UNREAD = 8192

# Of a core, while somebody knocks who cannot be let in.
MOST_IDLE = 0.2


def without_files_calls_go_on_and_no_loop_spins(place):
    """prlimit takes from the running program all files but those it has open: calls go on, who connects waits, and the control
    socket answers again when there are files.
    """
    besieged = Besieged(place, listens='listen_tcp = "127.0.0.1:{}"'.format(port := free_port()))
    process = besieged.phone.process
    held = limit(process, len(os.listdir(f"/proc/{process.child.pid}/fd")))
    # Both listeners are knocked at.
    knocking = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3)]
    control = socket.socket(socket.AF_UNIX)
    control.connect(str(besieged.phone.control))
    spent, began = process.cpu_seconds_exactly(), time.monotonic()
    slowest = 0
    while time.monotonic() - began < 3:
        slowest = max(slowest, besieged.good_call())
        time.sleep(0.2)
    share = (process.cpu_seconds_exactly() - spent) / (time.monotonic() - began)
    expect(share < MOST_IDLE, f"{share:.0%} of a core are used while there are no files")
    limit(process, held)
    restored = time.monotonic()
    besieged.phone.wait_until_it_listens(5)
    back = time.monotonic() - restored
    for connection in (*knocking, control):
        connection.close()
    line = besieged.phone.lines()[0]
    expect(line["state"] == "registered", f"the line is {line}")
    return [f"calls answered meanwhile, the slowest in {slowest * 1000:.0f} ms; {share:.1%} of a core; status answers {back:.1f} s after there are files again"]




def limit(process, files):
    """Lets it open so many files from now on. Returns how many it was let before."""
    before = subprocess.run(["prlimit", "--pid", str(process.child.pid), "--nofile", "--output", "SOFT", "--noheadings"], capture_output=True, text=True, check=True)
    # The hard limit stays, so that it can be raised again.
    subprocess.run(["prlimit", "--pid", str(process.child.pid), f"--nofile={files}:"], check=True)
    return int(before.stdout)
