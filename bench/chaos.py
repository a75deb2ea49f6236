"""Chaos for the ETL of 03-prefect: everything is killed while the shop is at work, and then every row is compared.

The lesson's own stack, with many more rows, two writers and a reader that looks for rows shown twice. Runs of the ETL
are killed -9 before, in and after their load; ClickHouse, PostgreSQL, Prefect's server and worker are killed or
restarted under them; the network is cut. Then it gets quiet: one sales_etl, one reconcile, and a comparison of all
values by code that shares nothing with the flows. Exit code 1 when a row was lost, doubled, or ever seen twice.
"""

import argparse
import random
import signal
import sys
import time
from collections import Counter
from itertools import pairwise
from typing import Any

from bench.chaos_stack import LESSON_FLOWS, Stack
from bench.report import machine, table, write
from lab.engine import Trouble, say

# Fault → how often, in a hundred. Most kills are of the ETL itself, in the moments in which it matters.
FAULTS = {
    "ETL killed -9": 64, "ClickHouse killed -9": 9, "PostgreSQL killed -9": 5, "PostgreSQL stopped, immediate": 3,
    "PostgreSQL restarted": 3, "worker killed -9": 6, "Prefect server killed -9": 4, "network cut": 6,
}  # fmt: skip
KILLS_OF_NAIVE = {"ETL killed -9": 80, "ClickHouse killed -9": 20}
PHASES = {"before": 12, "load": 56, "between": 20, "after": 12}  # of an ETL run: where to kill it
GUESS = {"before": 3.0, "load": 2.0, "between": 0.5, "after": 1.0}  # seconds, until a run has shown how long it takes
NAMES = {
    "before": "killed before the load",
    "load": "killed in the load",
    "between": "killed after the load, watermark not yet saved",
    "after": "killed after the watermark was saved",
}


class Chaos:
    """The faults, and what is counted about them."""

    def __init__(self, stack: Stack, chance: random.Random, naive: bool) -> None:
        """Nothing has happened so far."""
        self.stack, self.chance, self.naive = stack, chance, naive
        self.faults: Counter[str] = Counter()
        self.phases: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.seconds: dict[tuple[str, str], float] = {}  # that a phase of this flow has taken

    def pick(self, weights: dict[str, int]) -> str:
        """One of them, by weight."""
        return self.chance.choices(list(weights), list(weights.values()))[0]

    def round(self) -> str:
        """One run of the ETL and one fault; return what happened in a few words."""
        fault = self.pick(KILLS_OF_NAIVE if self.naive else FAULTS)
        flow = "naive" if self.naive else self.pick({"sales_etl": 78, "reconcile": 22})
        full = flow == "sales_etl" and self.chance.random() < 0.2
        phase = self.pick(PHASES)
        name = flow + (" full" if full else "")
        seconds = self.chance.random() * self.seconds.get((name, phase), GUESS[phase])
        if fault == "worker killed -9":
            running = self.stack.kill_worker_in_a_run(self.chance.random() * 4)
            self.faults[fault] += 1
            self.counts["kills of the worker in the middle of a run"] += running
            return fault
        if fault == "ETL killed -9":
            self.stack.ask(flow=flow, full=full, phase=phase, seconds=seconds)
            ended = self.stack.answer()
        else:
            self.stack.ask(flow=flow, full=full, phase="after", seconds=100)
            ended = self.fault(fault, seconds)
        if not ended["retries"]:
            times = [*ended["times"].items(), *([] if ended["killed"] else [("end", ended["took"])])]
            for (passed, start), (_, end) in pairwise(times):
                self.seconds[name, passed] = (self.seconds.get((name, passed), end - start) + end - start) / 2
        return f"{fault}; {name} {self.note(fault, ended, full)}"

    def fault(self, fault: str, seconds: float) -> dict[str, Any]:
        """Do it to a service when the run's load has begun, and wait for the end of the run."""
        ended = self.stack.answer(until="load")
        if "code" not in ended:
            time.sleep(min(seconds, 4))
        self.faults[fault] += 1
        stack = self.stack
        match fault:
            case "ClickHouse killed -9":
                stack.kill("warehouse", self.chance.random() * 3)
            case "PostgreSQL killed -9":
                stack.kill("shop", self.chance.random() * 3)
            case "PostgreSQL stopped, immediate":
                stack.stop_postgres_at_once(self.chance.random() * 3)
            case "PostgreSQL restarted":
                stack.docker("restart", stack.container("shop"))
            case "Prefect server killed -9":
                stack.kill("prefect-server", self.chance.random() * 3)
            case "network cut":
                stack.cut(self.chance.choice(["warehouse", "shop", stack.etl]), 1 + self.chance.random() * 7)
        return ended if "code" in ended else self.stack.answer()

    def note(self, fault: str, ended: dict[str, Any], full: bool) -> str:
        """Count how a run ended."""
        if ended["killed"] and fault == "ETL killed -9":
            self.faults[fault] += 1
            self.phases[NAMES[ended["phase"]]] += 1
            landed = {t: n for t, n in ended["arrived"].items() if n and t not in ended["copied"]}
            if ended["phase"] == "load" and landed:
                self.counts["kills in the load that left rows of an unfinished copy"] += 1
            if full and 0 < landed.get("order_lines", 0) < self.stack.lines * 0.95:
                self.counts["kills that tore an insert in two: some of its rows in the warehouse"] += 1
            return f"{NAMES[ended['phase']]}, {sum(ended['arrived'].values())} rows had come"
        if ended["killed"]:
            self.counts["runs that hung after a fault for 100 s, and were killed"] += 1
            return "hung, killed after 100 s"
        kind = "completed" if ended["code"] == 0 else "failed"
        self.counts[f"runs that {kind}" + (" by retries" if ended["retries"] and kind == "completed" else "")] += 1
        if kind == "failed" and not self.naive:
            say("  failed: " + " ".join(ended["log"][-1:])[-300:])
        return f"{kind} after {ended['took']} s, {ended['retries']} retries"


def report(chaos: Chaos, facts: dict[str, Any], name: str) -> None:
    """The table of it all, on the terminal and in bench/results."""
    counts = {what: count for part in (chaos.faults, chaos.phases, chaos.counts) for what, count in part.most_common()}
    rows = [[what, str(number)] for what, number in (counts | facts).items()]
    write(name, {"machine": machine()} | counts | facts, table(["what", "how many"], rows))


def run(options: argparse.Namespace, stack: Stack) -> int:
    """All of it; return how many rows were lost, doubled, different, left over, or seen twice."""
    began = time.monotonic()
    chaos = Chaos(stack, random.Random(options.seed), options.naive)
    say(f"starting the stack, and a shop of {options.lines} order lines, seed {options.seed}")
    stack.start(options.lines, options.writers)
    stack.ask(flow=stack.flows[0], phase="after", seconds=300)
    first = stack.answer()
    if first["code"]:
        raise Trouble(f"the first load failed: {' '.join(first['log'][-1:])}")
    say(f"{time.monotonic() - began:.0f} s: the first load is done, the writers are at work")
    while chaos.faults.total() < options.kills and time.monotonic() - began < options.seconds:
        what = chaos.round()
        done, now = chaos.faults.total(), time.monotonic() - began
        say(f"{now:5.0f} s  {done:3} of {options.kills}: {what}")
    facts: dict[str, Any] = {
        "kills, restarts and cuts": chaos.faults.total(),
        "seconds of chaos": round(time.monotonic() - began),
    }
    facts |= stack.quiet()
    bad = 0
    for flow in stack.flows:
        stack.ask(flow=flow, phase="after", seconds=600)
        if (ended := stack.answer())["code"]:
            say(f"{flow} fails in the quiet at the end: {' '.join(ended['log'][-3:])}")
            bad += 1
        found = stack.compare()
        examples = found.pop("examples")
        # Only reconcile sees rows that were removed from the shop.
        wrong = {name: count for name, count in found.items() if name != "rows" and count}
        bad += sum(wrong.values()) - (wrong.get("extra", 0) if flow == "sales_etl" else 0)
        for name, count in found.items():
            facts[f"after {flow}: rows {name if name != 'rows' else 'compared'}"] = count
        if wrong and (flow != "sales_etl" or set(wrong) != {"extra"}):
            say("\n".join(example[:150] for example in examples))
    looks = stack.stop_reader()
    facts |= {
        "looks of the reader at a view": looks["looks"],
        "looks at the report's view": looks.get("looks at sales", 0),
    }
    facts |= {"looks that showed a row twice": looks["duplicates"], "looks without answer": looks.get("no answer", 0)}
    facts |= {"wall time, seconds": round(time.monotonic() - began), "seed": options.seed}
    report(chaos, facts, "chaos-naive" if options.naive else "chaos")
    if chaos.faults.total() and not looks["looks"]:
        raise Trouble("the reader never got an answer: nothing was shown")
    return bad + int(looks["duplicates"])


def main() -> None:
    """Read the options, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="faults in all (default 100)")
    parser.add_argument("--seconds", type=float, default="inf", help="of chaos at most, also with fewer faults")
    parser.add_argument("--lines", type=int, default=1_200_000, help="order lines; an insert is torn above 1 048 576")
    parser.add_argument("--writers", type=int, default=2, help="sessions that change the shop (default 2)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the random choices")
    parser.add_argument(
        "--naive", action="store_true", help="load as a script under cron does: must end with exit code 1"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        with Stack(("naive",) if options.naive else LESSON_FLOWS) as stack:
            bad = run(options, stack)
    except KeyboardInterrupt:
        sys.exit("stopped: the containers and their volumes are gone")
    say("0 rows lost, 0 doubled, 0 shown twice" if not bad else f"{bad} rows are wrong, or were shown twice")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
