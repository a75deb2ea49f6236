"""The deployments of a prefect.yaml as a person wrote it, with what decides when their runs start, and of what command."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.core import UserError
from lab.cron.crontab import printable
from lab.migrate.dates import Timing
from lab.migrate.timings import Wrong, timing_of, truth

LINES = re.compile(r"crontab lines? (\d+(?:(?:, | and |, and )\d+)*)")


@dataclass(frozen=True)
class Scheduled:
    """A schedule of a deployment, and the command that its runs get; None where the flow takes none."""

    deployment: str
    timing: Timing | None
    command: str | None
    active: bool = True
    day_or_given: bool = True
    wrong: str = ""  # why there is no timing


@dataclass(frozen=True)
class Deployment:
    """A deployment: its schedules, its own command, and the lines of the crontab that it names."""

    name: str
    schedules: tuple[Scheduled, ...]
    command: str | None
    script: str | None  # of a flow that calls a Python script
    lines: frozenset[int]


def read_deployments(path: Path) -> list[Deployment]:
    """The deployments of a file. Raises UserError when it cannot be read or is no prefect.yaml."""
    try:
        raw = path.read_bytes()
    except OSError as reason:
        raise UserError(f"{path} cannot be read: {(reason.strerror or str(reason)).lower()}") from None
    try:
        content = yaml.safe_load(raw)
    except yaml.MarkedYAMLError as error:
        mark = f"{path}:{error.problem_mark.line + 1}" if error.problem_mark else f"{path}"
        raise UserError(f"{mark}: this is no YAML: {printable(str(error.problem))}") from None
    except (yaml.YAMLError, ValueError, RecursionError, ArithmeticError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise UserError(f"{path} is no YAML: {printable(why)}") from None
    found = content.get("deployments") if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UserError(f"{path} is no prefect.yaml: it has no list called deployments")
    return [deployment_of(one, f"deployment {number}") for number, one in enumerate(found, 1)]


def deployment_of(raw: dict[Any, Any], otherwise: str) -> Deployment:
    """A deployment as it stands in the file; `otherwise` is its name when it has none."""
    name = printable(text_of(raw.get("name")) or otherwise)
    parameters = mapping(raw.get("parameters"))
    parameters = mapping(parameters.get("parameters")) or parameters  # those of a job beside cron
    command = text_of(parameters.get("command"))
    listed = raw.get("schedules")
    if listed is None and raw.get("schedule"):  # as it was written once, and still may be
        listed = [raw["schedule"]]
    rows = [row for row in (listed if isinstance(listed, list) else [listed]) if row]
    running = not truth(raw.get("paused"), False)
    return Deployment(
        name,
        tuple(scheduled(row, name, command, running) for row in rows),
        command,
        text_of(parameters.get("script")),
        frozenset(lines_named(raw.get("description"), raw.get("tags"))),
    )


def scheduled(row: object, name: str, command: str | None, running: bool) -> Scheduled:
    """A schedule of a deployment, with what is wrong with it when Prefect does not take it."""
    fields = mapping(row)
    own = text_of(mapping(fields.get("parameters")).get("command"))
    active = running and truth(fields.get("active"), True)
    given = fields.get("day_or") is not None
    try:
        return Scheduled(name, timing_of(fields), own or command, active, given)
    except (Wrong, ArithmeticError) as reason:
        return Scheduled(name, None, own or command, active, given, printable(str(reason)))


def lines_named(description: object, tags: object) -> Iterator[int]:
    """The lines of the crontab that a description or a tag names: `crontab line 12`."""
    for text in [description, *(tags if isinstance(tags, list) else [tags])]:
        for match in LINES.finditer(str(text)):
            yield from (int(number[:9]) for number in re.findall(r"\d+", match[1]))


def mapping(value: object) -> dict[Any, Any]:
    """A mapping as it is; anything else is none."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str | None:
    """A text, or a number as text; anything else is none."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
