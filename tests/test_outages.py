"""The model of missed runs, held against real cron: two hundred outages."""

import random
from collections import Counter
from typing import Any

import pytest
from support.outages import cron_expected
from support.records import commit, proving

from bench import outages
from bench.prefect_outages import COUNT

FEW = 6  # cases of a batch that are run anew
SYSTEMS = ("cron",)  # whose two hundred outages are recorded


def recorded(system: str) -> list[tuple[dict[str, Any], str, Any]]:
    """Every case, what was away, and what happened. A stale record is no error: the stack tests run all of it anew."""
    if not outages.is_fresh(system):
        pytest.xfail(f"{system}: made from other inputs, or not whole, so it is made anew; to renew it: make outages")
    return [(case, case["down"], answer) for case, answer in outages.recorded(system)]


def sample(system: str) -> list[tuple[int, dict[str, Any]]]:
    """The batches that are run anew: all where the record is stale, else a part of one that the commit draws."""
    every = list(enumerate(outages.batches(system)))
    if proving() or not outages.is_fresh(system):
        return every
    [(number, batch)] = random.Random(commit()).sample(every, 1)
    return [(number, {**batch, "cases": batch["cases"][:FEW]})]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_record_is_whole(system: str) -> None:
    assert len(recorded(system)) == COUNT


def test_the_model_is_cron() -> None:
    equal = [cron_expected(case) == ran for case, _, ran in recorded("cron")]
    print(f"cron: the model's runs are those of the daemon in {sum(equal)} of {len(equal)} outages")
    assert all(equal)


def test_what_the_outages_cover() -> None:
    """Each thing that can be away, many times."""
    kinds = Counter(down for _, down, _ in recorded("cron"))
    assert len(kinds) == 3 and min(kinds.values()) >= 40


def test_the_page_has_the_table_of_the_record() -> None:
    assert outages.RESULTS.read_text() == outages.report()


@pytest.mark.stack
@pytest.mark.timeout(3600)  # all of it, where the record is stale
@pytest.mark.parametrize("system", SYSTEMS)
def test_it_does_it_again(system: str) -> None:
    with outages.asking(system, "this test") as containers:
        for number, batch in sample(system):
            print(f"made anew: {system}, batch {number + 1}, {len(batch['cases'])} cases")
            answers = outages.answer(containers, system, number, batch)
            for case, ran in zip(batch["cases"], answers, strict=True):
                assert ran == cron_expected(case), case
