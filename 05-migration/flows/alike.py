"""Find products that may be there twice, under two names. Python compares each name with all others, by letters."""

from difflib import SequenceMatcher

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from lines import snapshot

SAME = 0.9  # of the letters


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def alike(products: int = 400, tasks: int = 8) -> int:
    """How many pairs of the first products have names that are nearly the same."""
    with snapshot() as shop:
        shop.execute(f"SELECT name FROM products ORDER BY id LIMIT {products}")
        names = [name.decode() for (name,) in shop.fetchall()]
    # Each task takes a name here and there, not a block of names: early names have the most others to compare with.
    futures = [count_pairs.submit(names, first, tasks) for first in range(tasks)]
    pairs = sum(future.result() for future in futures)
    get_run_logger().info("%d pairs of %d names", pairs, len(names))
    return pairs


@task(cache_policy=NO_CACHE, task_run_name="from the name {first} on")
def count_pairs(names: list[str], first: int, step: int) -> int:
    """Count the later names that nearly equal the names at first, first + step, …"""
    matcher, count = SequenceMatcher(autojunk=False), 0
    for place in range(first, len(names), step):
        matcher.set_seq2(names[place])  # the matcher caches its analysis of this name
        for other in names[place + 1 :]:
            matcher.set_seq1(other)
            count += matcher.ratio() >= SAME
    return count


if __name__ == "__main__":
    alike()
