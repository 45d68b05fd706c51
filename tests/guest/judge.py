"""Judges the service, in the machine that scripts/boot starts for it: each expectation is a function whose name says it, and
a line `ok` or `FAILED`. They follow each other as a day of the service does."""

import pathlib
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))

import bounded  # noqa: E402 (found through the path above)
import living  # noqa: E402
import switches  # noqa: E402
from process import Failed  # noqa: E402
from service import Service  # noqa: E402

# Without these there is nothing to judge.
FIRST = [
    living.the_commands_of_the_page_install_and_start_it,
    living.it_registers_as_the_line_of_its_configuration,
]

EXPECTATIONS = [
    living.a_call_through_the_registrar_gets_its_486,
    bounded.it_runs_as_nobody_else_and_has_no_right_of_root,
    bounded.its_own_sandbox_is_in_force_within_that_of_the_unit,
    bounded.it_writes_to_its_own_folders_and_nowhere_else,
    bounded.its_folders_and_files_are_nobody_elses,
    bounded.its_password_is_a_credential_that_only_it_can_read,
    *switches.each_switch_forbids_what_it_is_for(),
    switches.what_it_leaves_in_shared_memory_goes_with_it,
    living.a_changed_policy_is_in_force_once_systemctl_reload_returns,
    living.systemctl_reload_fails_where_the_policy_is_wrong_and_the_old_one_stays,
    living.ringfence_reload_by_root_does_as_well,
    living.systemctl_restart_ends_it_in_order_and_starts_it_anew,
    living.killed_it_is_started_anew,
    living.one_that_hangs_is_started_anew,
    living.its_calls_are_in_its_journal_through_all_of_this,
    living.what_it_logs_can_be_read_in_the_journal_of_the_system,
    living.systemctl_stop_ends_it_in_order_and_leaves_its_state_alone,
]


def main():
    """Judges, and ends with the line that scripts/boot reads."""
    words = chosen()
    service = Service()
    print(f"{service.kernel()}; {service.systemd()}; the system was started after {service.started():.0f} s", flush=True)
    rest = [expectation for expectation in EXPECTATIONS if not words or any(word in expectation.__name__ for word in words)]
    held = []
    for expectation in [*FIRST, *rest]:
        held.append(holds(expectation, service))
        if expectation in FIRST and not held[-1]:
            break
    if not all(held):
        print(service.last_words())
    service.place.close()
    print(f"{held.count(True)} passed, {held.count(False)} failed", flush=True)


def chosen():
    """The words that the command line of the kernel names: a machine is told nothing else."""
    told = [word for word in pathlib.Path("/proc/cmdline").read_text().split() if word.startswith("ringfence.only=")]
    return [word for word in told[0].partition("=")[2].split(",") if word] if told else []


def holds(expectation, service):
    """Judges one expectation and says what came of it."""
    name = expectation.__name__.replace("_", " ")
    began = time.monotonic()
    try:
        figures = list(expectation(service) or [])
    except (Failed, OSError, subprocess.SubprocessError) as failure:
        print(f"FAILED {name}: {failure}", flush=True)
        return False
    except Exception:
        # Nobody is there to start the rest again.
        print(f"FAILED {name}: {traceback.format_exc()}", flush=True)
        return False
    said = [f"ok {name} ({time.monotonic() - began:.1f} s)", *(f"    {figure}" for figure in figures)]
    print("\n".join(said), flush=True)
    return True


if __name__ == "__main__":
    main()
