"""The service from its installation to its end, by the commands that a person gives."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from bounded import has_all_of_landlock
from process import expect
from service import CONFIGURATION, LISTED, PASSWORD, PATIENCE, PROGRAM, PROJECT, UNIT, ran, wait_until
from sipp import Calls

PAGE = PROJECT / "docs" / "service.md"
CALLS = 5
# What the unit says of how soon it is started anew, and for how long it may hang.
RESTART, WATCHDOG = 2, 60
# It asks systemd every quarter of that, and systemd ends who does not take SIGABRT.
HANGS_AT_MOST = WATCHDOG + 20 + PATIENCE
STOPS_WITHIN = 20
# What is said of a policy whose treatment is none.
WRONG = "there is no treatment"


def the_commands_of_the_page_install_and_start_it(service):
    """Those of docs/service.md, as they stand there, with the edit that it asks for."""
    commands = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.S)[1].splitlines()
    expect(len(commands) > 8, f"{PAGE} has {len(commands)} commands")
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], input=f"{PASSWORD}\n", capture_output=True, text=True, timeout=PATIENCE, cwd=PROJECT, check=False
        )
        # The line may not be registered yet, which is what `status` says then.
        codes = (0, 1) if "ringfence status" in command else (0,)
        expect(done.returncode in codes, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
        if " init " in command:
            CONFIGURATION.write_text(service.configured())
    told = {name: service.show(name) for name in ("Type", "ActiveState", "SubState", "UnitFileState", "NRestarts", "Result")}
    wanted = {"Type": "notify", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "NRestarts": "0", "Result": "success"}
    expect(told == wanted, f"systemd says of it {told}, expected {wanted}")
    service.pid()
    failed = ran("systemctl", "--failed", "--plain", "--no-legend")
    expect(not failed, f"units have failed: {failed}")
    return [f"{len(commands)} commands of docs/service.md; Type=notify, active (running), enabled"]


def it_registers_as_the_line_of_its_configuration(service):
    """By the password that systemd hands over."""
    service.wait_until_registered(accepted=1)
    return ["registered at Kamailio with the password of its credential"]


def a_call_through_the_registrar_gets_its_486(service):
    """SIPp calls it through Kamailio."""
    rejected(service, 486)
    return [f"{CALLS} calls, each its 486"]


def a_changed_policy_is_in_force_once_systemctl_reload_returns(service):
    """`ExecReload=` runs within the unit as well; who is listed is declined from then on."""
    pid = service.pid()
    CONFIGURATION.write_text(service.configured("decline"))
    ran("systemctl", "reload", UNIT)
    rejected(service, 603)
    expect(service.pid() == pid, "it was started anew")
    return [f"{CALLS} calls, each its 603, of the same process"]


def systemctl_reload_fails_where_the_policy_is_wrong_and_the_old_one_stays(service):
    """The command says so, the service goes on."""
    pid = service.pid()
    CONFIGURATION.write_text(service.configured("no such treatment"))
    done = subprocess.run(["systemctl", "reload", UNIT], capture_output=True, text=True, timeout=PATIENCE, check=False)
    expect(done.returncode == 1, f"systemctl reload ended with {done.returncode}: {done.stderr}")
    expect((service.show("ActiveState"), service.pid()) == ("active", pid), "it does not go on")
    rejected(service, 603)
    wait_until("the journal says why", lambda: any(WRONG in str(entry["MESSAGE"]) for entry in service.said()))
    CONFIGURATION.write_text(service.configured())
    return ["systemctl reload ends with 1, the journal says why, calls are answered as before"]


def ringfence_reload_by_root_does_as_well(service):
    """Over the control socket, whose folder is the service's own."""
    told = ran(PROGRAM, "reload", "--config", CONFIGURATION)
    expect(told.startswith("reloaded:"), f"it says {told!r}")
    rejected(service, 486)
    return [told.splitlines()[0]]


def systemctl_restart_ends_it_in_order_and_starts_it_anew(service):
    """The binding is taken back before the process ends, and made again."""
    pid, accepted = service.pid(), service.kamailio.accepted()
    ran("systemctl", "restart", UNIT)
    expect(service.pid() != pid, "it is the same process")
    # One that takes the binding back, one of the new process.
    service.wait_until_registered(accepted + 2)
    expiries = service.expiries()
    expect(expiries[-2] == 0 and expiries[-1] > 0, f"the REGISTERs were for {expiries[-2:]} s")
    rejected(service, 486)
    return [f"REGISTER with Expires: 0, then with {expiries[-1]}; {CALLS} calls, each its 486"]


def killed_it_is_started_anew(service):
    """`Restart=on-failure`, after a `kill -9`."""
    restarts, accepted = int(service.show("NRestarts")), service.kamailio.accepted()
    os.kill(service.pid(), signal.SIGKILL)
    began = time.monotonic()
    service.wait_until_registered(accepted + 1)
    took = time.monotonic() - began
    expect(int(service.show("NRestarts")) == restarts + 1, f"it was started anew {service.show('NRestarts')} times")
    expect(took > RESTART, f"it was registered after {took:.1f} s: sooner than it is started")
    rejected(service, 486)
    return [f"registered again {took:.1f} s after it (RestartSec={RESTART}); {CALLS} calls, each its 486"]


def one_that_hangs_is_started_anew(service):
    """`WatchdogSec=`: stopped by SIGSTOP it says nothing."""
    restarts, accepted = int(service.show("NRestarts")), service.kamailio.accepted()
    os.kill(service.pid(), signal.SIGSTOP)
    took = wait_until("systemd starts it anew", lambda: int(service.show("NRestarts")) == restarts + 1, HANGS_AT_MOST)
    service.wait_until_registered(accepted + 1)
    journal = ran("journalctl", "--no-pager", "-o", "cat", "-u", UNIT)
    expect("Watchdog timeout" in journal, "the journal does not say that it hung")
    rejected(service, 486)
    return [f"started anew after {took:.0f} s (WatchdogSec={WATCHDOG}); {CALLS} calls, each its 486"]


def its_calls_are_in_its_journal_through_all_of_this(service):
    """Root reads it."""
    def written():
        return ran(PROGRAM, "calls", "--json", "--limit", "1000", "--config", CONFIGURATION).splitlines()

    wait_until(f"{service.calls} calls are in its journal", lambda: len(written()) == service.calls)
    callers = {json.loads(call)["caller"] for call in written()}
    expect(callers == {LISTED}, f"its calls are of {callers}")
    return [f"{service.calls} calls of one caller, through two failures and a restart"]


def what_it_logs_can_be_read_in_the_journal_of_the_system(service):
    """Text in lines without colours, no password and no caller in it, and no error but the one that was asked for."""
    entries = service.said()
    expect(len(entries) > 10, f"it has written {len(entries)} lines")
    odd = [entry["MESSAGE"] for entry in entries if not isinstance(entry["MESSAGE"], str) or not entry["MESSAGE"].isprintable()]
    expect(not odd, f"these are no text: {odd[:3]}")
    told = "\n".join(entry["MESSAGE"] for entry in entries)
    for secret in PASSWORD, LISTED:
        expect(secret not in told, f"{secret!r} is in the log")
    errors = [entry["MESSAGE"] for entry in entries if re.search(r"\b(ERROR|WARN|warning)\b", entry["MESSAGE"])]
    known = [WRONG] if has_all_of_landlock() else [WRONG, "the sandbox is not whole"]
    unasked = [error for error in errors if not any(words in error for words in known)]
    expect(not unasked, f"it has logged {unasked[:5]}")
    logged = [entry for entry in entries if "reload failed" in entry["MESSAGE"]]
    expect(logged and {entry["PRIORITY"] for entry in logged} == {"3"}, f"the journal takes no error for one: {logged[:1]}")
    return [f"{len(entries)} lines, {len(errors)} of them errors and warnings: of the wrong policy, and of a kernel that has not all of Landlock", entries[1]["MESSAGE"]]


def systemctl_stop_ends_it_in_order_and_leaves_its_state_alone(service):
    """Its binding, its user, its credentials and what it has in /run go; what it has written stays."""
    accepted = service.kamailio.accepted()
    began = time.monotonic()
    ran("systemctl", "stop", UNIT)
    took = time.monotonic() - began
    told = [service.show(name) for name in ("ActiveState", "Result", "ExecMainStatus")]
    expect(told == ["inactive", "success", "0"], f"systemd says of its end {told}")
    expect(took < STOPS_WITHIN, f"it took {took:.0f} s")
    wait_until("its binding is taken back", lambda: service.kamailio.accepted() == accepted + 1)
    expect(service.expiries()[-1] == 0, f"its last REGISTER was for {service.expiries()[-1]} s")
    left = [path for path in ("/run/ringfence", f"/run/credentials/{UNIT}") if pathlib.Path(path).exists()]
    expect(not left, f"these are left: {left}")
    expect(pathlib.Path("/var/lib/ringfence/ringfence.db").exists(), "its journal is gone")
    gone = subprocess.run(["getent", "passwd", "ringfence"], capture_output=True, text=True, check=False)
    expect(gone.returncode == 2, f"its user is still there: {gone.stdout}")
    return [f"ended after {took:.1f} s with 0; its binding, its user, its credentials and its folder in /run are gone"]


def rejected(service, status):
    """Has SIPp call it through the registrar: each call gets this and nothing else."""
    calls = Calls(service.place, "outcome", service.registrar, CALLS, rate=2, caller=LISTED, final=status, patience=PATIENCE)
    counted = calls.finish(2 * PATIENCE)
    expect(counted.get(f"{status}_Recv") == CALLS and not counted.get("FailedCall(C)"), f"of {CALLS} calls SIPp counted {counted}")
    service.calls += CALLS
