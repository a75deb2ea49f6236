"""`lab export`, `lab verify` and `lab class`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from engine.core import IMPOSSIBLE, UserError
from lab.checks.registry import all_checks
from lab.console import ended_by_signals, fail, judged, out, plain, plural
from lab.cron.crontab import printable
from lab.evidence.export import checks_digest, evidence, named_in, private_names
from lab.evidence.form import Evidence, State, evidence_of, name_of, read, written
from lab.evidence.page import page
from lab.evidence.strict import MOST_BYTES, Refused, parse
from lab.evidence.table import table
from lab.evidence.tally import read_class
from lab.evidence.verify import Finding, Result, verify
from lab.progress import store


def export(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("evidence.json"),
    name: Annotated[str, typer.Option("--name", help="Your name, for the instructor; left out unless given.")] = "",
    progress: Annotated[
        Path | None, typer.Option("--progress", help="The answers on the pages, as a page of the course saves them.")
    ] = None,
) -> None:
    """Judge the exercises that you have changed, and write them with their verdicts into one file."""
    try:
        name_of(name)
    except Refused as reason:
        raise UserError(f"--name: {reason}") from None
    if not file.absolute().parent.is_dir():
        raise UserError(f"{file} cannot be written: there is no folder {file.parent}")
    answers = store.read(progress).answers if progress else {}
    with ended_by_signals(), out.status("the exercises run …"):
        made = evidence(name, answers)
    text = written(made)
    try:  # whoever gets it reads it so
        if len(data := text.encode()) > MOST_BYTES:
            raise Refused(f"it is larger than {MOST_BYTES:,} bytes")
        evidence_of(parse(data), set(all_checks()))
    except UnicodeEncodeError:
        raise UserError("nothing is written, nobody could read it: an answer holds half a character") from None
    except Refused as reason:
        raise UserError(f"nothing is written, nobody could read it: {reason}") from None
    file.write_text(text, encoding="utf-8")
    states = Counter(one.state for one in made.exercises.values())
    out.print(f"{file}: {', '.join(f'{states[state]} {state}' for state in State if states[state])}", markup=False)
    for note in named(made, answers):
        out.print(note, markup=False)


def named(made: Evidence, answers: dict[str, store.Answer]) -> list[str]:
    """A line for each text of the learner's own that names what an export leaves out elsewhere."""
    names = private_names()
    texts = {id: one.text for id, one in made.exercises.items()} | {id: one.value for id, one in answers.items()}
    found = {id: named_in(text, names) for id, text in texts.items()}
    return [
        f"your text of {id} has {word} in it, and is exported as you wrote it" for id, word in found.items() if word
    ]


def verify_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What lab export has written.")],
    trust: Annotated[
        bool, typer.Option("--trust", help="Run what no sandbox holds, too: only if you trust the files.")
    ] = False,
) -> None:
    """Run the exercises of a file again, in a sandbox. Exit code 1 when a verdict differs, 2 when one cannot be had."""
    results: Counter[Result] = Counter()
    unreadable = 0
    for file in files:
        try:
            with ended_by_signals(), out.status(plain(f"{printable(file.name)} is verified …")):
                made = read(file, set(all_checks()))
                findings = verify(made, trust)
        except UserError as error:
            if len(files) == 1:
                raise
            unreadable += 1
            fail(str(error))
            continue
        report(file, made, findings)
        results.update(one.result for one in findings)
    if unreadable or (results[Result.NOT_JUDGED] and not results[Result.DIFFERS]):
        raise typer.Exit(IMPOSSIBLE)
    judged(not results[Result.DIFFERS])


def report(file: Path, made: Evidence, findings: Sequence[Finding]) -> None:
    """Print what differs in a file, then how many verdicts are the same."""
    name = printable(file.name)
    for one in findings:
        if one.result is not Result.SAME:
            out.print(f"{name}: {one.result}: {one.id}: {printable(one.why)}", markup=False)
    ran = [one for one in findings if one.said.state is not State.AS_SHIPPED]
    same = sum(one.result is Result.SAME for one in ran)
    untouched = len(findings) - len(ran)
    other = "" if made.checks == checks_digest() else "; it was made with other checks than those of this course"
    out.print(f"{name}: {same} of {plural(len(ran), 'verdict')} the same, {untouched} as shipped{other}", markup=False)


def class_(
    folder: Annotated[Path, typer.Argument(help="The folder with the files of lab export.")],
    page_file: Annotated[Path, typer.Option("--page", help="Where to write the page.")] = Path("class.html"),
    csv_file: Annotated[Path, typer.Option("--csv", help="Where to write the table.")] = Path("class.csv"),
) -> None:
    """Put a class on one page, and into a table for a spreadsheet. Nothing of the files is run."""
    learners, refused = read_class(folder)
    for reason in refused:
        fail(reason)
    texts = {page_file: page(learners, refused), csv_file: table(learners)}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    left_out = f", {plural(len(refused), 'file')} left out" if refused else ""
    out.print(f"{page_file} and {csv_file}: {plural(len(learners), 'learner')}{left_out}", markup=False)
    if refused:
        raise typer.Exit(IMPOSSIBLE)
