"""Replay dead letters after their cause is fixed."""

from contextlib import closing

from prefect import flow, get_run_logger

from consume import BROKERS, Broker


@flow(flow_run_name="{broker}")
def replay_dead_letters(broker: Broker, reason: str = "") -> int:
    """Put dead letters back among the orders: those with these words in their reason, or all of them.

    A letter is sent before it is acknowledged. A killed run may send one twice; the inbox ignores the second.
    """
    with closing(BROKERS[broker](BROKERS[broker].DEAD_LETTERS)) as dead:
        left, revived = dead.depth(), 0
        while left > 0 and (letters := dead.batch()):
            left -= len(letters)
            chosen = [letter for letter in letters if reason in why(letter.headers)]
            for letter in chosen:
                dead.revive(letter)
            dead.acknowledge(chosen)
            revived += len(chosen)
    get_run_logger().info("%d dead letters are orders again", revived)
    return revived


def why(headers: dict) -> str:
    """The consumer's reason, or the broker's when the broker itself gave up the message."""
    return str(headers.get("x-reason") or headers.get("x-first-death-reason") or "")
