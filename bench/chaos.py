"""Chaos for the ETL of 03-prefect: everything is killed while the shop is at work, and then every row is compared.

The lesson's own stack, with many more rows, two writers and a reader that looks for rows shown twice. Runs of the ETL
are killed -9 before, in and after their load; ClickHouse, PostgreSQL, Prefect's server and worker are killed or
restarted under them; the network is cut. Then it gets quiet: one sales_etl, one reconcile, and a comparison of all
values by code that shares nothing with the flows. Exit code 1 when a row was lost, doubled, or ever seen twice.
"""

import argparse
import random
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.chaos_stack import LESSON_FLOWS, NAIVE, Ended, Stack
from bench.report import machine, write
from engine.core import DONE, FAILED, UserError, program, say
from engine.markdown import table

# Fault → how often, in a hundred. Most kills are of the ETL itself, in the moments in which it matters.
FAULTS = {
    "ETL killed -9": 64, "ClickHouse killed -9": 9, "PostgreSQL killed -9": 5, "PostgreSQL stopped, immediate": 3,
    "PostgreSQL restarted": 3, "worker killed -9": 6, "Prefect server killed -9": 4, "network cut": 6,
}  # fmt: skip
FAULTS_OF_NAIVE = {"ETL killed -9": 80, "ClickHouse killed -9": 20}
PHASES = {"before": 12, "load": 56, "between": 20, "after": 12}  # of an ETL run: where to kill it
GUESS = {"before": 3.0, "load": 2.0, "between": 0.5, "after": 1.0}  # seconds, until a run has shown how long it takes
HUNG = 100  # seconds after which a run is killed that no fault was meant to kill
NAMES = {
    "before": "killed before the load",
    "load": "killed in the load",
    "between": "killed after the load, watermark not yet saved",
    "after": "killed after the watermark was saved",
}


@dataclass(frozen=True)
class Round:
    """One run of the ETL and one fault."""

    fault: str
    flow: str
    full: bool  # all rows, not only those that have changed
    phase: str  # in which a run is killed
    seconds: float  # after the beginning of that phase, or of the load

    @property
    def name(self) -> str:
        """The flow, and whether it loads all rows."""
        return self.flow + (" full" if self.full else "")


class Chaos:
    """The faults, and what is counted about them."""

    def __init__(self, stack: Stack, chance: random.Random) -> None:
        """Nothing has happened so far."""
        self.stack, self.chance = stack, chance
        self.faults: Counter[str] = Counter()
        self.phases: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.seconds: dict[tuple[str, str], float] = {}  # that a phase of this flow has taken

    def pick(self, weights: dict[str, int]) -> str:
        """One of them, by weight."""
        return self.chance.choices(list(weights), list(weights.values()))[0]

    def plan(self) -> Round:
        """The next round, by chance."""
        fault = self.pick(FAULTS_OF_NAIVE if self.stack.naive else FAULTS)
        flow = "naive" if self.stack.naive else self.pick({"sales_etl": 78, "reconcile": 22})
        full = flow == "sales_etl" and self.chance.random() < 0.2
        phase = self.pick(PHASES)
        name = flow + (" full" if full else "")
        seconds = self.chance.random() * self.seconds.get((name, phase), GUESS[phase])
        return Round(fault, flow, full, phase, seconds)

    def round(self) -> str:
        """One run of the ETL and one fault; return what happened in a few words."""
        plan = self.plan()
        if plan.fault == "worker killed -9":
            running = self.stack.kill_worker_in_a_run(self.chance.random() * 4)
            self.faults[plan.fault] += 1
            self.counts["kills of the worker in the middle of a run"] += running
            return plan.fault
        if plan.fault == "ETL killed -9":
            ended = self.stack.run(plan.flow, full=plan.full, phase=plan.phase, seconds=plan.seconds).wait()
        else:
            ended = self.run_under(plan)
        self.learn(plan, ended)
        return f"{plan.fault}; {plan.name} {self.note(plan, ended)}"

    def run_under(self, plan: Round) -> Ended:
        """Run the ETL, let the fault happen when its load has begun, and wait for its end."""
        run = self.stack.run(plan.flow, full=plan.full, seconds=HUNG)
        run.wait_for("load")
        if not run.ended:
            time.sleep(min(plan.seconds, 4))
        self.faults[plan.fault] += 1
        self.inject(plan.fault)
        return run.wait()

    def inject(self, fault: str) -> None:
        """Let a fault happen to a service, and end."""
        match fault:
            case "ClickHouse killed -9":
                self.stack.kill("warehouse", self.chance.random() * 3)
            case "PostgreSQL killed -9":
                self.stack.kill("shop", self.chance.random() * 3)
            case "PostgreSQL stopped, immediate":
                self.stack.stop_postgres_at_once(self.chance.random() * 3)
            case "PostgreSQL restarted":
                self.stack.restart("shop")
            case "Prefect server killed -9":
                self.stack.kill("prefect-server", self.chance.random() * 3)
            case "network cut":
                self.stack.cut(self.chance.choice(["warehouse", "shop", "etl"]), 1 + self.chance.random() * 7)

    def learn(self, plan: Round, ended: Ended) -> None:
        """Remember how long the phases of a run took, for the next kills."""
        if ended.retries:
            return
        times = [*ended.times.items(), *([] if ended.killed else [("end", ended.took)])]
        for (phase, start), (_, end) in pairwise(times):
            known = self.seconds.get((plan.name, phase), end - start)
            self.seconds[plan.name, phase] = (known + end - start) / 2

    def note(self, plan: Round, ended: Ended) -> str:
        """Count how a run ended; return it in a few words."""
        if ended.killed and plan.fault == "ETL killed -9":
            return self.note_kill(plan, ended)
        if ended.killed:
            self.counts[f"runs that hung after a fault for {HUNG} s, and were killed"] += 1
            return f"hung, killed after {HUNG} s"
        kind = "failed" if ended.code else "completed"
        by_retries = " by retries" if ended.retries and not ended.code else ""
        self.counts[f"runs that {kind}{by_retries}"] += 1
        if ended.code and not self.stack.naive:
            say(f"  failed: {ended.last_words[-300:]}")
        return f"{kind} after {ended.took} s, {ended.retries} retries"

    def note_kill(self, plan: Round, ended: Ended) -> str:
        """Count a kill of the ETL, and what it left in the warehouse; return it in a few words."""
        self.faults[plan.fault] += 1
        self.phases[NAMES[ended.phase]] += 1
        unfinished = {name: rows for name, rows in ended.arrived.items() if name not in ended.copied}
        if ended.phase == "load" and unfinished:
            self.counts["kills in the load that left rows of an unfinished copy"] += 1
        if plan.full and 0 < unfinished.get("order_lines", 0) < self.stack.lines * 0.95:
            self.counts["kills that tore an insert in two: some of its rows in the warehouse"] += 1
        return f"{NAMES[ended.phase]}, {sum(ended.arrived.values())} rows had come"


def start(stack: Stack, options: argparse.Namespace) -> None:
    """Start the stack, and load it for the first time. Raises UserError when that fails."""
    say(f"starting the stack, and a shop of {options.lines} order lines, seed {options.seed}")
    stack.start(options.lines, options.writers)
    if (ended := stack.run(stack.flows[0], seconds=300).wait()).code:
        raise UserError(f"the first load failed: {ended.last_words}")


def check_rows(stack: Stack, flow: str) -> tuple[dict[str, int], int]:
    """Run a flow in the quiet and compare all rows: the counts, and how many rows are wrong."""
    ended = stack.run(flow, seconds=600).wait()
    if ended.code:
        say(f"{flow} fails in the quiet at the end: {ended.last_words}")
    counts = stack.compare()
    examples = counts.pop("examples")
    right = ("rows", "extra") if flow == "sales_etl" else ("rows",)  # only reconcile sees what the shop removed
    wrong = sum(count for name, count in counts.items() if name not in right)
    if wrong:
        say("\n".join(example[:150] for example in examples))
    facts = {f"after {flow}: rows {name if name != 'rows' else 'compared'}": n for name, n in counts.items()}
    return facts, wrong + bool(ended.code)


def judge(stack: Stack) -> tuple[dict[str, int], int]:
    """Let it get quiet, and compare; return the facts, and how many rows were lost, doubled, left over, or seen twice."""
    facts, wrong = stack.stop_writers(), 0
    for flow in stack.flows:
        counts, of_flow = check_rows(stack, flow)
        facts, wrong = facts | counts, wrong + of_flow
    reader = stack.stop_reader()
    facts |= {
        "reads of a view": reader["reads"],
        "reads of the report's view": reader.get("reads of sales", 0),
        "reads that showed a row twice": reader["duplicates"],
        "reads without answer": reader.get("no answer", 0),
    }
    return facts, wrong + reader["duplicates"]


def report(chaos: Chaos, facts: dict[str, Any], name: str) -> None:
    """Print the table of it all, and write it to bench/results."""
    counts = {what: count for part in (chaos.faults, chaos.phases, chaos.counts) for what, count in part.most_common()}
    rows = [[what, str(number)] for what, number in (counts | facts).items()]
    about = machine() | {
        "clickhouse": chaos.stack.exec("warehouse", "clickhouse-client", "--query", "SELECT version()").strip()
    }
    text = f"ClickHouse {about['clickhouse']}, {about['date']}.\n\n{table(['what', 'how many'], rows)}"
    write(name, {"machine": about} | counts | facts, text)


def run(options: argparse.Namespace, stack: Stack) -> int:
    """All of it; return how many rows were lost, doubled, different, left over, or seen twice.

    Raises UserError when the first load fails, or the reader never got an answer.
    """
    began = time.monotonic()

    def elapsed() -> float:
        return time.monotonic() - began

    chaos = Chaos(stack, random.Random(options.seed))
    start(stack, options)
    say(f"{elapsed():.0f} s: the first load is done, the writers are at work")
    while chaos.faults.total() < options.kills and elapsed() < options.seconds:
        words = chaos.round()
        say(f"{elapsed():5.0f} s  {chaos.faults.total():3} of {options.kills}: {words}")
    facts = {"kills, restarts and cuts": chaos.faults.total(), "seconds of chaos": round(elapsed())}
    verdict, wrong = judge(stack)
    facts |= verdict | {"wall time, seconds": round(elapsed()), "seed": options.seed}
    report(chaos, facts, "chaos-naive" if options.naive else "chaos")
    if chaos.faults and not facts["reads of a view"]:
        raise UserError("the reader never got an answer: nothing was proven")
    return wrong


def main() -> int:
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
    if options.kills < 1:
        raise UserError(f"--kills {options.kills} proves nothing: at least 1")
    with Stack(NAIVE if options.naive else LESSON_FLOWS) as stack:
        wrong = run(options, stack)
    say(f"{wrong} rows are wrong, or were shown twice" if wrong else "0 rows lost, 0 doubled, 0 shown twice")
    return FAILED if wrong else DONE


if __name__ == "__main__":
    program(main)
