"""The model of missed runs, held against real cron and real Prefect: two hundred outages each."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.outages import at_once, cron_expected, prefect_expected, prefect_seen
from support.records import commit, proving

from bench import outages
from bench.prefect_outages import COUNT

FEW = 6  # cases of a batch that are run anew: of Prefect, one for each policy
SYSTEMS = ("cron", "prefect")
ONE_AT_ONCE = ("prefect-cancel-new", "prefect-enqueue")


def agrees(system: str, case: dict[str, Any], down: str, answer: Any) -> bool:
    """Whether what happened in an outage is what the model says."""
    if system == "cron":
        return bool(cron_expected(case) == answer)
    alone = case["policy"] not in ONE_AT_ONCE or at_once(answer) == 1
    return alone and prefect_seen(case, answer) == prefect_expected(case, down)


def recorded(system: str) -> list[tuple[dict[str, Any], str, Any]]:
    """Every case, what was away, and what happened. A stale record is no error: the stack tests run all of it anew."""
    if not outages.is_fresh(system):
        pytest.xfail(f"{system}: made from other inputs, or not whole, so it is made anew; to renew it: make outages")
    return [(case, case["down"], answer) for case, answer in outages.recorded(system)]


def sample(system: str) -> list[tuple[int, dict[str, Any]]]:
    """The batches that are run anew: a part of one; half of them in a proof; all where the record is stale.

    The commit draws. Each half has a batch of each thing that can be away.
    """
    every = list(enumerate(outages.batches(system)))
    if not outages.is_fresh(system):
        return every
    if proving():
        half = len(every) // 2
        return every[:half] if commit() % 2 else every[half:]
    [(number, batch)] = random.Random(commit()).sample(every, 1)
    return [(number, {**batch, "cases": batch["cases"][:FEW]})]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_record_is_whole(system: str) -> None:
    assert len(recorded(system)) == COUNT


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_model_says_what_happened(system: str) -> None:
    cases = recorded(system)
    apart = [case for case, down, answer in cases if not agrees(system, case, down, answer)]
    print(f"{system}: the model's runs are the real ones in {len(cases) - len(apart)} of {len(cases)} outages")
    assert not apart


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_the_outages_cover(system: str) -> None:
    """Each thing that can be away, many times."""
    kinds = Counter(down for _, down, _ in recorded(system))
    assert len(kinds) == 3 and min(kinds.values()) >= 40


def test_the_page_has_the_table_of_the_record() -> None:
    assert outages.RESULTS.read_text() == outages.report()


@pytest.mark.stack
@pytest.mark.timeout(3600)  # all of it, where the record is stale
@pytest.mark.parametrize("system", SYSTEMS)
def test_it_does_it_again(system: str) -> None:
    chosen = sample(system)
    with outages.asking(system, "this test") as containers, ThreadPoolExecutor(outages.AT_ONCE) as pool:
        answers = list(pool.map(lambda one: outages.answer(containers, system, *one), chosen))
    cases = [{"down": batch.get("down"), **case} for _, batch in chosen for case in batch["cases"]]
    print(f"made anew: {len(cases)} outages of {system}, of {len(chosen)} batches")
    for case, answer in zip(cases, (one for batch in answers for one in batch), strict=True):
        assert agrees(system, case, case["down"], answer), (case, answer)
