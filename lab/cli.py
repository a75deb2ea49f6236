"""The command line of `lab`: one function for each command."""

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lab import cron_cli, doctor, faults_cli, up
from lab.checks import ROOT, Check, find_checks
from lab.timelapse import NoEngine

app = typer.Typer(
    help="The learner's tool of Beyond Cron.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(soft_wrap=True, highlight=False)
err = Console(soft_wrap=True, highlight=False, stderr=True)


def fail(message: str, code: int = 2) -> typer.Exit:
    """Print one line on standard error and return the exit to raise."""
    err.print(message, style="red", markup=False)
    return typer.Exit(code)


def wanted(name: str | None) -> list[Check]:
    """The checks that an argument names; ends the program with one line when there are none."""
    try:
        return find_checks(name)
    except LookupError as unknown:
        raise fail(str(unknown.args[0])) from None


@app.command("check")
def check_exercises(
    name: Annotated[str | None, typer.Argument(help="A lesson (02-cron) or an exercise (02-cron/percent).")] = None,
    solutions: Annotated[bool, typer.Option("--solutions", help="Check the solutions instead of your files.")] = False,
) -> None:
    """Run the exercises and say of each what was expected and what was seen."""
    passed = 0
    checks = wanted(name)
    for check in checks:
        file = check.solution if solutions else check.path
        if not file.exists():
            raise fail(f"{file.relative_to(ROOT)} is missing; bring it back with: lab reset {check.id}")
        try:
            with out.status(f"{check.id} runs …"):
                outcome = check.judge(file)
        except NoEngine as reason:
            raise fail(f"{check.id} cannot be checked: {reason}") from None
        passed += outcome.passed
        out.print("[green]✓ passed[/]" if outcome.passed else "[red]✗ failed[/]", check.id)
        if not outcome.passed:
            out.print(f"  expected: {outcome.expected}", markup=False)
            out.print(f"  seen:     {outcome.seen}", markup=False)
            out.print(f"  hint:     {check.hint}", markup=False)
    out.print(f"{passed} of {len(checks)} passed")
    if passed < len(checks):
        raise typer.Exit(1)


@app.command()
def reset(name: Annotated[str, typer.Argument(help="An exercise (02-cron/percent).")]) -> None:
    """Bring an exercise back as it was shipped; your version is kept beside it, ending in .yours."""
    if "/" not in name:
        raise fail(f"{name!r} is not an exercise; name one, such as: lab reset 02-cron/percent")
    [check] = wanted(name)
    path = check.path.relative_to(ROOT)
    git = ["git", "-C", str(ROOT)]
    shipped = subprocess.run([*git, "show", f"HEAD:{path}"], capture_output=True, check=False)
    if shipped.returncode:
        raise fail(f"{path} cannot be restored: git has no shipped version of it here")
    if check.path.exists() and check.path.read_bytes() != shipped.stdout:
        kept = Path(f"{check.path}.yours")
        shutil.copy2(check.path, kept)
        out.print(f"your version is kept as {kept.relative_to(ROOT)}")
    check.path.write_bytes(shipped.stdout)
    out.print(f"{path} is as shipped")


app.add_typer(cron_cli.app, name="cron")
app.command()(doctor.doctor)
app.command()(up.up)
app.command()(up.down)
app.command("break")(faults_cli.break_)
app.command()(faults_cli.mend)
