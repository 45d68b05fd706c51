"""Runs the peer tests, each in a folder of its own, and says what each did: one after the other, with those that mostly wait
beside them, and at last, alone, those that measure."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import audited
import behind_kamailio
import clogged
import confined
import connected
import examined
import faults
import flows
import forked
import from_baresip
import from_browser
import from_sipp
import from_sipsak
import hostile
import injected
import lasting
import misled
import named
import nonsense
import reloading
import scanned
import serviced
import stuck
import surviving
from browser import PAGES
from process import Failed, Place

# What Debian's packages bring, and the packages.
PROGRAMS = {
    "kamailio": "kamailio",
    "sipp": "sip-tester",
    "baresip": "baresip-core",
    "sipsak": "sipsak",
    "svmap": "sipvicious",
    "chromium": "chromium",
    "openssl": "openssl",
    "faketime": "faketime",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "tc": "iproute2",
    "nft": "nftables",
    "systemd-analyze": "systemd",
    "nsenter": "util-linux",
    "prlimit": "util-linux",
    "unshare": "util-linux",
}

# So many of them at once: to start them all together takes all that there is.
BESIDE = 8
# They wait for timers, and take next to nothing meanwhile.
PATIENT = [
    flows.behind_a_router_that_restarts_it_is_called_again_half_a_minute_later,
    flows.through_two_proxies_it_is_called_while_one_of_them_lives,
    lasting.two_phones_on_one_account_leave_each_other_alone,
    named.where_no_dns_server_answers_it_comes_back_with_the_next,
    named.when_its_registrar_has_moved_it_follows_the_name,
    from_sipp.a_486_is_repeated_until_its_ack_comes,
    hostile.a_flood_by_the_registrar_costs_what_its_calls_cost_and_is_forgotten,
    clogged.half_finished_handshakes_and_messages_take_no_line_and_no_file_too_many,
    clogged.who_asks_and_never_reads_is_closed_and_costs_no_more_than_is_said,
    nonsense.registrars_that_answer_nonsense_get_no_storm_and_take_no_other_line,
    lasting.when_the_clock_jumps_it_stays_registered_and_keeps_its_journal,
    misled.dns_that_lies_leads_no_line_astray,
    stuck.servers_of_lists_that_do_not_let_go_keep_no_call_waiting,
    faults.on_a_full_disk_no_call_waits_and_none_is_lost,
    faults.on_a_read_only_disk_it_runs_and_says_so,
    faults.first_started_on_a_full_disk_it_leaves_nothing_half,
    faults.a_capture_file_on_a_full_disk_is_told_of_and_stops_no_call,
    scanned.scanners_find_nothing,
    scanned.scanners_at_the_registrars_address_learn_no_extension_and_no_password,
]

IN_TURN = [
    behind_kamailio.registers_and_rejects_and_comes_back_after_a_restart,
    behind_kamailio.after_a_kill_the_new_binding_takes_the_place_of_the_old,
    behind_kamailio.a_wrong_password_is_said_and_never_becomes_a_storm,
    from_sipp.a_ringing_call_is_cancelled_by_its_caller,
    from_sipp.a_listed_caller_is_redirected,
    from_sipp.a_stranger_gets_no_answer,
    from_baresip.baresip_is_rejected,
    from_baresip.baresip_is_rejected_over_tcp,
    from_baresip.baresip_is_rejected_over_tls,
    from_sipsak.sipsak_is_answered,
    from_browser.a_page_with_jssip_is_rejected,
    from_browser.a_page_with_sip_js_is_rejected,
    from_browser.the_guide_shows_the_page_that_is_tried,
    connected.over_tcp_it_registers_and_rejects_and_comes_back_after_a_restart,
    connected.over_tls_it_registers_and_rejects_and_comes_back_after_a_restart,
    connected.over_websocket_it_registers_and_rejects_and_comes_back_after_a_restart,
    connected.over_wss_it_registers_and_rejects_and_comes_back_after_a_restart,
    connected.a_certificate_that_nobody_vouches_for_is_refused,
    connected.a_certificate_of_a_sip_domain_is_for_that_domain,
    connected.a_long_register_goes_by_tcp_and_calls_come_by_udp,
    connected.with_outbound_a_long_register_has_calls_come_by_tcp,
    connected.where_there_is_no_tcp_a_long_register_goes_by_udp,
    confined.confined_it_does_all_of_its_work,
    confined.a_program_that_is_asked_about_callers_runs_within_it,
    serviced.the_unit_is_sound_and_exposes_little,
    serviced.who_started_it_hears_that_it_is_ready_lives_and_ends,
    confined.started_by_root_it_becomes_another_user,
    examined.doctor_sees_a_registered_line_by_every_transport,
    examined.doctor_says_what_is_wrong,
    connected.a_trunk_calls_by_tcp,
    connected.a_trunk_calls_by_tls,
    surviving.where_every_tenth_packet_is_lost_it_registers_and_rejects,
    surviving.where_three_packets_in_ten_are_lost_it_registers_and_rejects,
    surviving.when_its_address_changes_it_says_so_and_registers_again,
    surviving.when_its_network_goes_it_says_so_and_comes_back_with_it,
    lasting.after_a_nights_sleep_it_registers_again_at_once,
    lasting.when_a_certificate_has_ended_it_says_so_and_takes_the_next_one,
    named.by_naptr_srv_and_hosts_it_registers_and_rejects,
    forked.a_6xx_alone_takes_a_call_from_the_other_phone,
    forked.where_the_proxy_heeds_no_6xx_the_other_phone_answers_every_call,
    forked.who_is_asked_first_lets_calls_pass_to_the_phone_or_refuses_them,
    forked.a_call_that_reaches_two_lines_is_decided_by_each,
    hostile.floods_by_strangers_are_dropped_unanswered,
    hostile.floods_from_forged_sources_are_dropped_unanswered,
    clogged.streams_that_lie_about_their_length_are_refused,
    injected.no_field_of_the_configuration_can_hold_a_line_break,
    injected.what_callers_and_registrars_say_steers_no_terminal_and_breaks_no_line,
    faults.killed_under_load_it_keeps_every_call_of_more_than_a_second_ago,
    faults.without_files_calls_go_on_and_no_loop_spins,
    faults.a_trace_that_nobody_reads_keeps_neither_calls_nor_the_end_waiting,
]

# They judge by what a call takes, or take all that there is.
ALONE = [
    hostile.strangers_who_overwhelm_it_keep_no_call_of_the_registrar_away,
    reloading.while_all_that_decides_is_replaced,
    from_sipp.under_a_load_of_2000_calls_a_second,
    from_sipp.with_one_core_saturated,
]

# The modules whose tests attack the softphone or break what it stands on: `scripts/attack` runs those alone.
ATTACKS = [clogged, faults, hostile, injected, lasting, misled, nonsense, scanned, stuck]


def run(binary, words, only=None):
    """Runs the tests whose names contain one of the words, or all; of some modules only, where those are given. Returns the
    exit code.
    """
    missing = [f"{name} (Debian package {package})" for name, package in PROGRAMS.items() if not shutil.which(name)]
    if only is None and not (PAGES / "node_modules").is_dir():
        missing.append("the libraries of tests/pages (npm)")
    if missing:
        print(f"not installed: {', '.join(missing)}; scripts/test installs them")
        print(f"0 passed, {len(PATIENT + IN_TURN + ALONE)} failed")
        return 1

    def chosen(tests):
        named = [test for test in tests if not words or any(word in test.__name__ for word in words)]
        return [test for test in named if only is None or sys.modules[test.__module__] in only]

    root = pathlib.Path(tempfile.mkdtemp(prefix="ringfence-peers-"))

    auditor = audited.Auditor()

    def failure_of(test):
        return fails(test, binary, root, auditor)

    with ThreadPoolExecutor(BESIDE) as beside:
        waiting = beside.map(failure_of, chosen(PATIENT))
        ended = [*map(failure_of, chosen(IN_TURN)), *waiting]
    ended += map(failure_of, chosen(ALONE))
    failures = list(filter(None, ended))
    if failures:
        # Once more, where whoever reads the end alone finds them.
        print(*failures, f"the logs of what failed are in {root}", sep="\n")
    else:
        shutil.rmtree(root)
    print(*auditor.summary(), sep="\n")
    print(f"{len(ended) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or not ended else 0


def fails(test, binary, root, auditor):
    """Runs one test, has judged what the softphone sent in it, and returns what failed or nothing. Whatever it started has ended
    when this returns.
    """
    name = test.__name__.replace("_", " ")
    print(f"{name} ...", flush=True)
    began = time.monotonic()
    audit = audited.Audited(auditor, root / test.__name__)
    place = Place(audit.folder, binary, audit)
    try:
        figures = list(test(place) or [])
        place.close()
        audit.judge()
    except (Failed, OSError, subprocess.SubprocessError) as failure:
        failed = f"FAILED {name} after {time.monotonic() - began:.1f} s: {failure}"
        print(f"{failed}\n{place.last_words()}", flush=True)
        return failed
    finally:
        place.close()
    # In one piece: others print meanwhile.
    said = [f"ok {name} ({time.monotonic() - began:.1f} s)", *(f"    {figure}" for figure in figures)]
    print("\n".join(said), flush=True)
    return None
