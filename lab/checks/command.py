"""`lab check` and `lab reset`."""

import json
import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from engine.core import ROOT, UserError
from lab.checks.formats import Outcomes, as_json, as_junit
from lab.checks.registry import Check, Outcome, all_checks, find_checks
from lab.checks.runner import judge_all
from lab.console import ended_by_signals, err, interrupted, judged, out
from lab.progress import store

SHIPPED = Path(__file__).with_name("shipped.json")  # exercise → its text, as the course has it


def check(
    name: Annotated[str | None, typer.Argument(help="A lesson (02-cron) or an exercise (02-cron/percent).")] = None,
    solutions: Annotated[bool, typer.Option("--solutions", help="Check the solutions instead of your files.")] = False,
    hint: Annotated[bool, typer.Option("--hint", help="Say more of what helps where one fails.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON, and nothing else.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the outcomes to a file as JUnit XML, too.")
    ] = None,
) -> None:
    """Run the exercises and say of each what was expected and what was seen."""
    tasks = [(one, one.solution if solutions else one.path) for one in find_checks(name)]
    for one, file in tasks:
        if not file.is_file():
            raise UserError(f"{file.relative_to(ROOT)} is missing; bring it back with: lab reset {one.id}")
    if junit and not junit.parent.is_dir():
        raise UserError(f"{junit.parent} is no folder: --junit writes a file to one that there is")
    console, begin, done = err if json_ else out, time.monotonic(), Outcomes()
    digests = [store.digest(file) for _, file in tasks]  # of what is judged: it may be saved again meanwhile
    try:
        with ended_by_signals(), closing(judge_all(tasks)) as outcomes, console.status("") as status:
            for number, (one, _) in enumerate(tasks, 1):
                status.update(f"{number} of {len(tasks)}: {one.id} runs …")
                done.append(next(outcomes))
                if not json_:
                    report(*done[-1], hint)
                if not solutions:
                    remember(*done[-1], digests[number - 1])
    except (KeyboardInterrupt, SystemExit):
        interrupted(console)
        raise
    passed = sum(outcome.passed for _, outcome in done)
    if junit:
        junit.write_text(as_junit(done, time.monotonic() - begin), encoding="utf-8")
    if json_:
        typer.echo(as_json(done, time.monotonic() - begin))
    else:
        out.print(f"{passed} of {len(tasks)} passed")
    judged(passed == len(tasks))


def report(check: Check, outcome: Outcome, more: bool = False) -> None:
    """Print the outcome of a check: why it works and what comes next, or what was expected, what was seen, and the hint.

    The hint is one that fits what was seen; with `more`, a more concrete one is below it.
    """
    out.print("[green]✓ passed[/]" if outcome.passed else "[red]✗ failed[/]", check.id)
    if outcome.passed:
        lines = {"why": check.advice.why, "next": check.advice.next}
    else:
        lines = {"expected": outcome.expected, "seen": outcome.seen}
        cause = check.advice.diagnose(outcome.seen)
        lines |= {"hint": cause.hint, "more": cause.more if more else f"lab check {check.id} --hint"}
    for name, text in lines.items():
        out.print(f"  {name + ':':<9} {text}", markup=False)


def remember(check: Check, outcome: Outcome, digest: str) -> None:
    """Keep the outcome for `lab list`; where that cannot be done, say why: the verdict stands all the same."""
    judged = {check.id: store.Judged(outcome.passed, digest)}
    try:
        store.keep(lambda own: store.Progress(own.answers, own.checks | judged))
    except (UserError, OSError) as error:
        err.print(f"lab list will not know of it: {error}", style="yellow", markup=False)


def reset(name: Annotated[str, typer.Argument(help="An exercise (02-cron/percent).")]) -> None:
    """Bring an exercise back as it was shipped; your version is kept beside it, ending in .yours."""
    if "/" not in name:
        raise UserError(f"{name!r} is not an exercise; name one, such as: lab reset 02-cron/percent")
    [exercise] = find_checks(name)
    path, shipped = exercise.path, json.loads(SHIPPED.read_text(encoding="utf-8"))[exercise.id].encode()
    if path.exists() and path.read_bytes() != shipped:
        kept = unused(Path(f"{path}.yours"))
        shutil.copy2(path, kept)
        out.print(f"your version is kept as {kept.relative_to(ROOT)}")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(shipped)
    out.print(f"{path.relative_to(ROOT)} is as shipped")


def unused(path: Path) -> Path:
    """That path, or the first of path.2, path.3, … that does not exist, so that nothing kept is overwritten."""
    number = 1
    numbered = path
    while numbered.exists():
        number += 1
        numbered = Path(f"{path}.{number}")
    return numbered


if __name__ == "__main__":  # after an exercise was changed: python -m lab.checks.command
    texts = {check.id: check.path.read_text(encoding="utf-8") for check in all_checks().values()}
    SHIPPED.write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
