"""Judge texts: each is written into a folder of its own, and judged by the check that `lab check` runs."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.core import CACHE, UserError
from lab.checks.registry import Check, Outcome, all_checks
from lab.checks.runner import Stopped, judge_all
from lab.cron.crontab import printable
from lab.evidence.form import MOST_LINE, Exercise, State


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder below the course, where Docker may look; removed at the end."""
    CACHE.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=CACHE, prefix="evidence-") as folder:
        yield Path(folder)


def judge_texts(texts: Mapping[str, str], folder: Path) -> dict[str, Exercise]:
    """What becomes of texts, by the ids of their exercises. One whose check ends with an error is not judged.

    Raises UserError when what several checks share cannot be started.
    """
    errors: dict[str, str] = {}
    tasks = []
    for number, (id, text) in enumerate(texts.items()):
        check = all_checks()[id]
        file = folder / str(number) / check.file  # the name is the course's own, never one from a file
        file.parent.mkdir()
        file.write_bytes(text.encode())
        tasks.append((_noting(check, errors), file))
    with closing(judge_all(tasks)) as outcomes:
        return {check.id: _exercise(texts[check.id], outcome, errors.get(check.id)) for check, outcome in outcomes}


def _noting(check: Check, errors: dict[str, str]) -> Check:
    """The same check; its error is noted, so that the other exercises are judged all the same."""

    def judge(*words: Any) -> Outcome:
        try:
            return check.judge(*words)
        except Stopped:
            raise
        except UserError as error:
            errors[check.id] = str(error)
        except Exception as error:
            errors[check.id] = f"{type(error).__name__}: {error}"
        return Outcome(False, "", "")

    return replace(check, judge=judge)


def _exercise(text: str, outcome: Outcome, error: str | None) -> Exercise:
    """What a file keeps of it: lines that are not endless, and that no terminal obeys."""
    if error is not None:
        return Exercise(State.NOT_JUDGED, text, seen=printable(error)[:MOST_LINE])
    expected, seen = (printable(line)[:MOST_LINE] for line in (outcome.expected, outcome.seen))
    return Exercise(State.PASSED if outcome.passed else State.FAILED, text, expected, seen)
