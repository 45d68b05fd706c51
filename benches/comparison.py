"""Every server beside the others: a table, a plot, and which goals hold."""

import contextlib
import os
import pathlib
import shutil
import statistics
import tempfile
import time

from process import expect
from servers import AT_ONCE, LONGEST_TRANSACTION, OPEN_RATE, RATE, ROOT, SERVERS, Server, flooding, latency, load, saturate

PERFORMANCE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "servers.svg"

# What is asked of this program: CPU with one core saturated, by what Kamailio's stateful answer takes beside it, and
# memory when its transactions have ended, by what it had before.
MOST_CPU = 0.5
MOST_MEMORY_KEPT = 2.0


def servers(binary, is_quick, writes):
    """Measures every server by turns, prints a table, and writes it down if asked to."""
    cores = sorted(os.sched_getaffinity(0))
    expect(len(cores) >= 2, "two cores are needed: one for the server, one for its caller")
    rounds, calls, load_calls = (1, 50_000, 10_000) if is_quick else (5, 100_000, 40_000)
    chosen = [Server(name, start) for name, (program, start) in SERVERS.items() if shutil.which(program)]
    saturated = {server.name: [] for server in chosen}
    waited = {server.name: [] for server in chosen}
    loaded = {}
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = pathlib.Path(temporary)
        flood = flooding(folder)
        for _ in range(rounds):
            for server in chosen:
                with server.running(folder, binary, cores[0]):
                    saturated[server.name].append(saturate(server, flood, calls, cores))
                    waited[server.name].append(latency(server, flood, calls, cores[1]))
        if shutil.which("sipp"):
            with contextlib.ExitStack() as all_run:
                ended = {}
                for server in chosen:
                    all_run.enter_context(server.running(folder, binary, cores[0]))
                    idle = server.resident_mib()
                    loaded[server.name] = [idle, *load(server, load_calls, cores[1], folder)]
                    ended[server.name] = time.monotonic()
                for server in chosen:
                    time.sleep(max(0, ended[server.name] + LONGEST_TRANSACTION - time.monotonic()))
                    loaded[server.name].append(server.resident_mib())

    heading = f"At saturation: {calls:,} calls, {AT_ONCE} at once, median of {rounds}. "
    heading += f"At {RATE:,} a second: {load_calls:,} calls."
    columns = ["calls/s", "of its core", "others", "CPU µs/call", "from - to", "486 after, 1 open"]
    columns += [f"at {OPEN_RATE:,}/s", "99.9 %", f"CPU at {RATE:,}/s", "MiB idle", "highest", "after 32 s"]
    table = ["| server | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    costs = {}
    for server in chosen:
        cpu, rate, own, others = (statistics.median(column) for column in zip(*saturated[server.name]))
        costs[server.name] = [cost for cost, *_ in saturated[server.name]]
        low, high = min(costs[server.name]), max(costs[server.name])
        row = f"| {server.name} | {rate:,.0f} | {own:.0%} | {others:.0%} | {cpu:.1f} | {low:.1f} - {high:.1f} |"
        alone, busy, worst = (statistics.median(column) for column in zip(*waited[server.name]))
        row += f" {alone:,.0f} µs | {busy:,.0f} µs | {worst:,.0f} µs |"
        if server.name in loaded:
            idle, cpu, highest, after = loaded[server.name]
            row += f" {cpu:.1f} | {idle:.1f} | {highest:.1f} | {after:.1f} |"
        table.append(row)
    print(f"\n{heading}\n")
    print("\n".join(table))
    print("\nWhere a core was idle, the caller was the bound: the rate is the caller's, the CPU a call is the server's own.")
    print("Where others had a part of it (other programs, and the kernel on nobody's account), times are too high.")
    verdicts(costs, loaded.get("ringfence"))
    if writes:
        PLOT.write_text(plot(costs))
        put(PERFORMANCE, "servers", f"{heading}\n\n" + "\n".join(table) + f"\n\n![CPU a rejected call]({PLOT.name})")


def put(page, name, text):
    """Replaces what stands on a page between the marks of a name."""
    begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    expect(found and closed, f"{page} has no place for {name}")
    page.write_text(before + begin + text + end + after)


def plot(costs):
    """A bar a server: CPU a rejected call, and between which figures the runs lay."""
    left, unit, height = 170, 420 / max(max(each) for each in costs.values()), 26
    bars = []
    for row, (name, each) in enumerate(costs.items()):
        y, middle = row * height + 8, statistics.median(each)
        low, high = left + min(each) * unit, left + max(each) * unit
        fill = "#1a7f5a" if name.startswith("ringfence") else "#8a8f98"
        bars.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{name}</text>')
        bars.append(f'<rect x="{left}" y="{y}" width="{middle * unit:.1f}" height="18" fill="{fill}"/>')
        bars.append(f'<path d="M{low:.1f} {y + 9}H{high:.1f}" stroke="#222" stroke-width="1.5"/>')
        bars.append(f'<text x="{high + 6:.1f}" y="{y + 13}">{middle:.1f} µs</text>')
    size = f'width="680" height="{len(costs) * height + 12}"'
    style = 'font-family="sans-serif" font-size="13" fill="#222"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n' + "\n".join(bars) + "\n</svg>\n"


def verdicts(costs, loaded):
    """Says which bars hold."""
    if "kamailio stateful" in costs:
        own, beside = (statistics.median(costs[name]) for name in ("ringfence", "kamailio stateful"))
        held = "held" if own <= MOST_CPU * beside else "NOT HELD"
        print(f"CPU a rejected call: {own / beside:.2f} times Kamailio's, stateful, at most {MOST_CPU}: {held}")
    if loaded:
        idle, _, _, after = loaded
        kept = after / idle
        held = "held" if kept <= MOST_MEMORY_KEPT else "NOT HELD"
        print(f"memory after the load: {kept:.2f} times idle, at most {MOST_MEMORY_KEPT:.0f}: {held}")
