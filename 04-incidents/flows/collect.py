"""The same collector without an orchestrator: asyncio, logging, and a line in a crontab."""

import asyncio
import logging
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from client import AGENCIES, CLIENT, LIMIT, MOST_WAITS, OPEN, POPS, SINCE, classify, read
from incidents import HEADER, REJECTS, Agencies, Events, Pops, since, sort_out
from table import merge, oldest_open, one_collector

RETRIES = 4
log = logging.getLogger("collect")


class Api(httpx.AsyncClient):
    """A connection for one run, with LIMIT questions at the same time and the retries of each."""

    def __init__(self) -> None:
        super().__init__(**CLIENT)
        self.gate = asyncio.Semaphore(LIMIT)

    async def ask(self, path: str, **params: Any) -> Any:
        """The answer, after as many attempts as it takes; raises the last error."""
        retries = waits = 0
        async with self.gate:
            while True:
                try:
                    return read(await self.get(path, params=params))
                except (httpx.HTTPError, ValueError) as error:
                    verdict = classify(error)
                    told = verdict.after is not None
                    waits, retries = waits + told, retries + (not told)
                    if not verdict.again or waits > MOST_WAITS or retries > RETRIES:
                        raise
                    seconds = verdict.after if verdict.after is not None else backoff(retries)
                    log.warning("%s: %r, again in %.1f s", path, error, seconds)
                    await asyncio.sleep(seconds)

    async def agencies(self, pop: int, name: str) -> list[str]:
        """Who is responsible for a POP. Raises ValueError when the answer is about another one."""
        answer = Agencies.model_validate(await self.ask(AGENCIES, popId=pop))
        if answer.pop != name:
            raise ValueError(f"asked for POP {pop}, {name!r}, and was told of {answer.pop!r}")
        return [activity.sigla for activity in answer.atividades]


def backoff(retry: int) -> float:
    """1, 2, 4, 8 seconds, spread by half."""
    return 2 ** (retry - 1) * random.uniform(1, 1.5)


async def collect(agency: str, folder: Path) -> list[int]:
    """One collection; the POPs that stay without an answer."""
    async with Api() as api:
        start = since(datetime.now(UTC), oldest_open(folder / "incidents.csv", HEADER))
        still_open, recent, pops = await asyncio.gather(api.ask(OPEN), api.ask(SINCE, inicio=start), api.ask(POPS))
        names = {pop.id: pop.titulo for pop in Pops.model_validate(pops).objeto}
        good, bad = sort_out(
            [event for answer in (still_open, recent) for event in Events.model_validate(answer).eventos],
            names,
        )
        log.info("%s incidents since %s, %s rejected", len(good), start, len(bad))

        seen = sorted({incident.pop for incident in good.values()})
        told = await asyncio.gather(*(api.agencies(pop, names[pop]) for pop in seen), return_exceptions=True)
    ours = {pop for pop, theirs in zip(seen, told, strict=True) if isinstance(theirs, list) and agency in theirs}
    log.info("%s of %s POPs are %s's", len(ours), len(seen), agency)
    rows = {str(id): incident.row() for id, incident in sorted(good.items()) if incident.pop in ours}
    counts = merge(folder / "incidents.csv", HEADER, rows)
    merge(folder / "rejects.csv", REJECTS, bad, gone=set(map(str, good)))
    log.info("%s new, %s changed, %s rejected", counts.new, counts.changed, len(bad))
    return [pop for pop, theirs in zip(seen, told, strict=True) if isinstance(theirs, BaseException)]


def main() -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    folder = Path(os.environ.get("FOLDER", "data"))
    try:
        with one_collector(folder):
            unknown = asyncio.run(collect(os.environ.get("AGENCY", "CET-RIO"), folder))
    except (httpx.HTTPError, ValueError, OSError) as error:
        log.error("%s: %s", type(error).__name__, error)
        return 1
    if unknown:
        log.error("without an answer: POP %s", ", ".join(map(str, unknown)))
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
