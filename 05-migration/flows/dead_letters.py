"""Give dead letters another chance, when what was wrong with them is mended."""

from contextlib import closing

from prefect import flow, get_run_logger

from consume import BROKERS, Broker


@flow(flow_run_name="{broker}")
def replay_dead_letters(broker: Broker, reason: str = "") -> int:
    """Put those dead letters among the orders again whose reason has these words in it; without words, all.

    A letter is sent before it is acknowledged: a run that is killed may send one twice, which the inbox knows.
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
    """The reason that a consumer gave, or that of the broker, which gives up by itself."""
    return str(headers.get("x-reason") or headers.get("x-first-death-reason") or "")
