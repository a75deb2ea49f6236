"""`make bench-queues`: consumers of lesson 05 by number, beside one without Prefect, beside other patterns, and scaled.

Environment: BURST (3000 orders), REPEAT (3 runs for each figure, the median counts), WORKERS ("1 2 3 5"), and
PARTS ("scale bare patterns burst"), of which the results that are not run anew are kept.
"""

import json
import time
from collections.abc import Callable
from os import environ
from statistics import median
from typing import Any

from bench.arguments import arguments, whole_numbers
from bench.charts import Line, chart
from bench.containers import HOUSE
from bench.queue_stack import SUPPLIER, Stack, project_name
from bench.report import RESULTS, machine, write
from engine.core import UserError, positive, program, say, step
from engine.docker import docker, require_engine
from engine.markdown import table
from engine.web import PrefectApi

STEADY, SECONDS = 100, 20  # orders a second, for so long
DELAYED, EACH = 400, 10  # orders by .delay(), more than the kills can lose, and by a flow run each
KILLS = 4  # of the task worker of .delay(), as many as the legacy worker gets
BARE = ("python", "-u", f"{HOUSE}/bench/inside/queues/bare.py")
DRAINED = 6000  # orders of the burst that is drained
QUIET = 60  # seconds without a new order
LOOK = 10  # seconds between two looks of the autoscaler


def scale(stack: Stack, counts: list[int], burst: int, repeat: int) -> dict[str, Any]:
    """A burst and a steady load at each number of workers: the run whose rate is the median."""
    found: dict[str, Any] = {}
    for count in counts:
        with step(f"{count} workers"):
            stack.consumers(count)
            bursts = sorted((one_load(stack, burst) for _ in range(repeat)), key=lambda told: float(told["rate"]))
            steady = one_load(stack, STEADY * SECONDS, "--rate", str(STEADY))
        found[str(count)] = {"burst": bursts[repeat // 2], "steady": steady}
        say(f"  {bursts[repeat // 2]}")
    return found


def one_load(stack: Stack, count: int, *options: str) -> dict[str, Any]:
    """Send orders to the consumers that are there, and measure until all are taken."""
    stack.empty_inbox()
    stack.load(count, *options)
    stack.all_taken(count)
    return stack.measured()


def bare(stack: Stack, burst: int, repeat: int) -> dict[str, Any]:
    """One consumer with Prefect and one without, in turn: orders a second, when an order takes 5 ms, and when it takes none."""
    found: dict[str, Any] = {}
    for work, check in {"5 ms": SUPPLIER, "none": ""}.items():
        rates: dict[str, list[float]] = {"prefect": [], "bare": []}
        for _ in range(repeat):
            stack.consumers(1, check)
            one_load(stack, burst)
            rates["prefect"].append(rate_of(stack))
            stack.compose("stop", "worker-queues")
            box = stack.beside(*BARE, check=check)
            one_load(stack, burst)
            rates["bare"].append(rate_of(stack))
            docker("rm", "--force", box)
        found[work] = {who: median(each) for who, each in rates.items()}
        say(f"  {work}: {found[work]}")
    stack.env["CHECK_URL"] = SUPPLIER
    return found


def patterns(stack: Stack) -> dict[str, Any]:
    """What `.delay()` loses when its task worker is killed, and what it and a flow run for each order cost."""
    stack.consumers(1)
    stack.compose("stop", "worker-queues")
    stack.empty_inbox()
    with step(f".delay(): {DELAYED} orders wait, {KILLS} kills"):
        stack.exec("worker-drain", "python", "flows/delayed.py", str(DELAYED))
        worker = stack.beside("python", "flows/delayed.py", "serve")
        for kill in range(1, KILLS + 1):
            stack.all_taken(DELAYED // 8 * kill)
            docker("kill", "--signal", "KILL", worker)
            docker("start", worker)
        settle(stack)
        rate = rate_of(stack)
    docker("rm", "--force", worker)
    found = {"delay": {"sent": DELAYED, "kills": KILLS, "lost": DELAYED - stack.taken(), "rate": rate}}
    deploy = ("prefect", "--no-prompt", "deploy", "flows/run_each.py:take_order", "--name", "each", "--pool", "queues")
    stack.exec("worker-drain", *deploy)
    stack.empty_inbox()
    with step(f"a flow run for each of {EACH} orders"):
        stack.exec("worker-drain", "python", "flows/run_each.py", str(EACH))
        stack.all_taken(EACH)
    found["each"] = {
        "sent": EACH,
        "lost": EACH - stack.taken(),
        "rate": rate_of(stack),
    }
    return found


def rate_of(stack: Stack) -> float:
    """Orders a second from the first one taken to the last."""
    ((count, seconds),) = stack.shop(
        "SELECT COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(taken_at), MAX(taken_at)) / 1e6 FROM inbox"
    )
    return (int(count) - 1) / float(seconds)


def settle(stack: Stack) -> None:
    """Wait until the inbox has not grown for QUIET seconds."""
    seen, changed = stack.taken(), time.monotonic()
    while time.monotonic() < changed + QUIET:
        time.sleep(2)
        if (now := stack.taken()) != seen:
            seen, changed = now, time.monotonic()


def burst_drained(stack: Stack) -> dict[str, Any]:
    """One consumer, a burst, and an autoscaler that looks each LOOK seconds: depth and drains, second by second."""
    stack.consumers(1)
    stack.exec("worker-drain", *f"prefect deployment schedule create autoscale/watch --interval {LOOK}".split())
    stack.empty_inbox()
    api = PrefectApi(stack.address("prefect-server", 4200), "admin:beyond-cron")
    began = time.monotonic()
    stack.load(DRAINED)
    samples: list[tuple[float, int, int]] = []
    with step(f"a burst of {DRAINED} orders, drained"):
        while not samples or samples[-1][1] or samples[-1][2]:
            if time.monotonic() > began + 900:
                raise UserError(f"not drained in 900 s: {samples[-1]}")
            time.sleep(1)
            samples.append((time.monotonic() - began, DRAINED - stack.taken(), drains(api)))
    return {"samples": samples} | stack.measured()


def drains(api: PrefectApi) -> int:
    """How many runs of `drain` are at work."""
    running = {"tags": {"all_": ["drain"]}, "state": {"type": {"any_": ["RUNNING"]}}}
    return int(api("/flow_runs/count", {"flow_runs": running}))


def show(found: dict[str, Any]) -> None:
    """Write the tables and the pictures."""
    texts: list[str] = []

    def keep(part: str, rows: str, how: str = "RabbitMQ, batches of 100") -> None:
        """Write a table under the date on which its part was measured."""
        about = found["machines"][part]
        texts.append(f"{about['date']}, {about['cores']} cores; {how}.\n\n{rows}")
        (RESULTS / f"queues-{part}.md").write_text(f"{texts[-1]}\n")

    if "scale" in found:
        one = found["scale"][min(found["scale"], key=int)]["burst"]["rate"]
        rows = [
            [
                count,
                f"{told['burst']['rate']:.0f}",
                f"{told['burst']['rate'] / one:.1f}",
                f"{told['burst']['median_wait']:.1f}",
                f"{told['steady']['median_wait']:.1f}",
                f"{min(told['burst']['shares']) / max(told['burst']['shares']):.2f}",
            ]
            for count, told in found["scale"].items()
        ]
        head = ["workers", "orders/s", "ratio", "median wait, burst (s)", "median wait, steady (s)", "least / most"]
        keep("scale", table(head, rows))
        (RESULTS / "queues-scale.svg").write_text(scale_chart(found["scale"], one))
    if "bare" in found:
        rows = [
            [work, f"{told['prefect']:.0f}", f"{told['bare']:.0f}", f"{told['prefect'] / told['bare']:.2f}"]
            for work, told in found["bare"].items()
        ]
        keep("bare", table(["work for an order", "with Prefect, orders/s", "without", "ratio"], rows))
    if "patterns" in found:
        delay, each = found["patterns"]["delay"], found["patterns"]["each"]
        rows = [
            ["`.delay()`", str(delay["sent"]), str(delay["kills"]), str(delay["lost"]), f"{delay['rate']:.1f}"],
            ["a flow run for each order", str(each["sent"]), "0", str(each["lost"]), f"{each['rate']:.2f}"],
        ]
        keep(
            "patterns",
            table(["pattern", "orders", "kills", "lost", "orders/s"], rows),
            "no broker, a run for each order",
        )
    if "burst" in found:
        (RESULTS / "queues-burst.svg").write_text(burst_chart(found["burst"]))
    write("queues", found, "\n\n".join(texts))


def scale_chart(found: dict[str, Any], one: float) -> str:
    """Throughput by workers, as ratios to one, beside the ideal."""
    ratios = [(float(count), told["burst"]["rate"] / one) for count, told in found.items()]
    about = "; ".join(f"{count:.0f} workers: {ratio:.1f} times the orders a second of one" for count, ratio in ratios)
    lines = [Line("measured", ratios), Line("as many times as workers", [(n, n) for n, _ in ratios], dashed=True)]
    return chart("Throughput by the number of workers", about, "workers", "times one worker", lines)


def burst_chart(found: dict[str, Any]) -> str:
    """Orders that wait, and runs that drain them, over time."""
    samples = found["samples"]
    waiting = Line("orders that wait", [(at, depth) for at, depth, _ in samples])
    runs = Line("runs that drain", [(at, count) for at, _, count in samples], steps=True)
    about = (
        f"{max(depth for _, depth, _ in samples)} orders wait at most, and {max(n for *_, n in samples)} runs drain "
        f"them at once, beside one consumer; after {samples[-1][0]:.0f} seconds no order waits and no run is left."
    )
    return chart("A burst, and what drains it", about, "seconds", "orders", [waiting], runs)


def main() -> int:
    """Measure what PARTS says, keep the rest, print and write bench/results/queues*."""
    arguments(__doc__)
    parts = (environ.get("PARTS") or "scale bare patterns burst").split()
    burst, repeat = positive("BURST", 3000), positive("REPEAT", 3)
    measures: dict[str, Callable[[Stack], Any]] = {
        "scale": lambda stack: scale(stack, counts, burst, repeat),
        "bare": lambda stack: bare(stack, burst, repeat),
        "patterns": patterns,
        "burst": burst_drained,
    }
    if unknown := set(parts) - set(measures):
        raise UserError(f"PARTS={' '.join(unknown)}: there is {', '.join(measures)}")
    counts = whole_numbers("WORKERS", "1 2 3 5", "make bench-queues")
    if counts[0] != 1 or len(counts) == 1:
        raise UserError("WORKERS: one and at least one other number, since all are compared with one: WORKERS='1 2'")
    require_engine("make bench-queues")
    before = RESULTS / "queues.json"
    found: dict[str, Any] = json.loads(before.read_text()) if before.exists() else {}
    RESULTS.mkdir(parents=True, exist_ok=True)
    with Stack(project_name("cost"), "rabbitmq") as stack:
        for part in parts:
            with step(part):
                found[part] = measures[part](stack)
            found["machines"] = found.get("machines", {}) | {part: machine()}
            show(found)
    return 0


if __name__ == "__main__":
    program(main)
