"""`make chaos-queues`: orders on both brokers of lesson 05, while consumers and brokers are killed; then each is counted.

A consumer is killed -9 at a random moment, and only when it has taken orders since its start. RabbitMQ is killed -9, the
stand-in of SQS is stopped cleanly, for it writes its queues when it ends. Some orders are poison. When it is quiet the
dead letters are counted, the shop gets the product that was missing, and `replay` puts all of them among the orders again.
Environment: MESSAGES (20000 on each broker), KILLS (20 at most), SEED (1), BROKERS ("rabbitmq sqs"; with one of them,
the result of the other is kept).
"""

import json
import random
import time
from os import environ
from typing import Any

from bench.arguments import arguments
from bench.queue_stack import Stack, project_name, started_at
from bench.report import RESULTS, machine, write
from engine.core import DONE, FAILED, UserError, positive, program, say, step
from engine.docker import docker, require_engine
from engine.markdown import table

CONSUMERS, POISON = 3, 0.005
BROKER_RESTARTS = 2
TITLES = {"rabbitmq": "RabbitMQ", "sqs": "SQS"}  # a broker and its service have one name
QUIET = 150  # seconds without a new order: longer than SQS hides what a dead consumer had in hand
WRONG = (
    *("lost", "twice in the shop", "products with a wrong stock", "poison neither dead nor mended"),
    *("dead letters that are no poison", "dead letters without a reason"),
)
MENDED = "INSERT INTO products (id, name, price, stock, status) VALUES (4711, 'lost lamp', 7, 1000000, 'ready')"


class Chaos:
    """What is done to a stack at work, and how often."""

    def __init__(self, stack: Stack, chance: random.Random) -> None:
        """Nothing has been done."""
        self.stack, self.chance = stack, chance
        self.kills = self.restarts = 0

    def at_work(self, boxes: list[str]) -> list[str]:
        """The consumers that have taken orders since they were started last."""
        last = dict(self.stack.shop("SELECT consumer, MAX(taken_at) FROM inbox GROUP BY consumer"))
        return [box for box in boxes if last.get(box[:12], "").replace(" ", "T") > started_at(box)[:26]]

    def kill_a_consumer(self, boxes: list[str]) -> bool:
        """Kill -9 one that is at work, if there is one, and start it again as its engine would."""
        if not (victims := self.at_work(boxes)):
            return False
        victim = self.chance.choice(victims)
        docker("kill", "--signal", "KILL", victim)
        docker("start", victim)
        self.kills += 1
        return True

    def restart_the_broker(self) -> None:
        """Without warning; SQS's stand-in cleanly."""
        service = self.stack.broker
        if self.stack.broker == "rabbitmq":
            docker("kill", "--signal", "KILL", self.stack.container(service))
            docker("start", self.stack.container(service))
        else:
            self.stack.compose("restart", "--timeout", "20", service)
        self.restarts += 1

    def run(self, messages: int, kills: int, boxes: list[str]) -> None:
        """Kill and restart while orders are left; end when none has come for QUIET seconds, or all are there."""
        restart_at = [messages * (n + 1) // (BROKER_RESTARTS + 1) for n in range(BROKER_RESTARTS)]
        done, changed = 0, time.monotonic()
        while done < messages and time.monotonic() < changed + QUIET:
            time.sleep(self.chance.uniform(0.2, 2))
            if (now := self.stack.taken()) != done:
                done, changed = now, time.monotonic()
            if self.restarts < len(restart_at) and done > restart_at[self.restarts]:
                self.restart_the_broker()
            elif self.kills < kills and self.kill_a_consumer(boxes):
                say(f"  {self.kills} kills, {self.restarts} restarts, {done} of {messages} orders taken")


def one_broker(broker: str, messages: int, kills: int, seed: int) -> dict[str, int]:
    """All of it on one broker; the counts. Raises UserError when a consumer was never at work."""
    with Stack(project_name(f"chaos-{broker}"), broker) as stack:
        with step(f"{broker}: the stack starts, {CONSUMERS} consumers"):
            boxes = stack.consumers(CONSUMERS)
        say(stack.load(messages, "--poison", str(POISON), "--seed", str(seed)))
        chaos, began = Chaos(stack, random.Random(seed)), time.monotonic()
        chaos.run(round(messages * (1 - 2 * POISON)), kills, boxes)
        with step("it gets quiet"):
            settled(stack, messages, seed)
        counts = stack.judge(messages, POISON, seed)
        if not chaos.kills:
            raise UserError("no consumer was killed at work: more MESSAGES")
        counts |= {"consumers killed -9 at work": chaos.kills, "broker restarts": chaos.restarts}
        counts |= {"seconds": round(time.monotonic() - began)}
        return counts | replayed(stack, messages, seed)


def settled(stack: Stack, messages: int, seed: int) -> None:
    """Wait until nothing is lost, or nothing has changed for QUIET seconds."""
    seen, changed = stack.judge(messages, POISON, seed), time.monotonic()
    while (seen["lost"] or seen["poison neither dead nor mended"]) and time.monotonic() < changed + QUIET:
        time.sleep(5)
        if (now := stack.judge(messages, POISON, seed)) != seen:
            seen, changed = now, time.monotonic()


def replayed(stack: Stack, messages: int, seed: int) -> dict[str, int]:
    """Give the shop the product that was missing, replay all dead letters, and count again."""
    stack.shop(MENDED)
    stack.run("replay-dead-letters/replay", "--param", f"broker={stack.broker}")
    changed, now = time.monotonic(), stack.judge(messages, POISON, seed)
    while now["poison in the shop"] < now["unknown"] and time.monotonic() < changed + QUIET:
        time.sleep(5)
        now = stack.judge(messages, POISON, seed)
    return {
        "replayed: mended, an order now": now["poison in the shop"],
        "replayed: twice in the shop": now["twice in the shop"],
        "replayed: lost": now["unknown"] - now["poison in the shop"] + now["poison neither dead nor mended"],
    }


def wrong(counts: dict[str, int]) -> int:
    """How much of it must not be."""
    return sum(counts[what] for what in (*WRONG, "replayed: twice in the shop", "replayed: lost"))


def main() -> int:
    """Run it on each broker, print the table, and write it to bench/results/queues-chaos."""
    arguments(__doc__)
    messages, kills, seed = positive("MESSAGES", 20_000), positive("KILLS", 20), positive("SEED", 1)
    brokers = (environ.get("BROKERS") or "rabbitmq sqs").split()
    if unknown := set(brokers) - set(TITLES):
        raise UserError(f"BROKERS={' '.join(unknown)}: there is rabbitmq and sqs")
    require_engine("make chaos-queues")
    before = RESULTS / "queues-chaos.json"
    found: dict[str, Any] = json.loads(before.read_text()) if before.exists() else {"runs": {}, "brokers": {}}
    for broker in brokers:
        found["brokers"][broker] = one_broker(broker, messages, kills, seed)
        found["runs"][broker] = {"seed": seed, "machine": machine()}
        show(found)
    return FAILED if any(wrong(found["brokers"][broker]) for broker in brokers) else DONE


def show(found: dict[str, Any]) -> None:
    """Print the table, and write it, with the seed and the date of each broker's run."""
    there = [broker for broker in TITLES if broker in found["runs"]]
    about = [(TITLES[broker], found["runs"][broker]) for broker in there]
    runs = [
        f"{title}: seed {run['seed']}, {run['machine']['date']}, {run['machine']['cores']} cores"
        for title, run in about
    ]
    counts = [found["brokers"][broker] for broker in there]
    rows = [[what, *(str(count[what]) for count in counts)] for what in counts[0]]
    write("queues-chaos", found, f"{'; '.join(runs)}.\n\n{table(['', *(title for title, _ in about)], rows)}")


if __name__ == "__main__":
    program(main)
