"""Which lines of a crontab and which schedules of a prefect.yaml belong together: those of one command."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.cron.crontab import Job, Schedule
from lab.migrate.lines import percent
from lab.migrate.prefect_yaml import Deployment, Scheduled


@dataclass(frozen=True)
class Line:
    """A line with a job: its number, its schedule, and its command as the shell gets it."""

    number: int
    schedule: Schedule
    command: str
    written: str  # the command as it stands there


@dataclass
class Pair:
    """The lines of one command, the schedules that belong to them, and what else there is to say."""

    lines: list[Line] = field(default_factory=list)
    schedules: list[Scheduled] = field(default_factory=list)
    deployments: list[str] = field(default_factory=list)
    other_commands: list[str] = field(default_factory=list)  # of deployments that only name a line

    @property
    def command(self) -> str:
        """The command of the lines, or of the schedules where there is no line."""
        if self.lines:
            return self.lines[0].written
        return next((one.command for one in self.schedules if one.command), "")


def line_of(job: Job, system: bool) -> Line:
    """A job as a line; in a `system` crontab a user stands before the command."""
    written = job.rest
    if system:
        written = [*job.rest.split(maxsplit=1), "", ""][1]
    return Line(job.number, job.schedule, percent(written)[0].strip(), written.strip())


def paired(lines: Iterable[Line], deployments: Iterable[Deployment]) -> list[Pair]:
    """Lines and schedules together, in the order of the lines; what has no partner comes as a pair of its own."""
    pairs: dict[str, Pair] = {}
    for line in lines:
        pairs.setdefault(line.command, Pair()).lines.append(line)
    found = list(pairs.values())
    for deployment in deployments:
        for command, schedules in commands_of(deployment):
            pair = partner(command, deployment, found)
            if pair is None:
                pair = Pair()
                found.append(pair)
            elif command is not None and not same(command, pair):
                pair.other_commands.append(command)
            pair.schedules += schedules
            if deployment.name not in pair.deployments:
                pair.deployments.append(deployment.name)
    return found


def commands_of(deployment: Deployment) -> Iterator[tuple[str | None, list[Scheduled]]]:
    """The commands that a deployment runs, each with its schedules; a schedule may have one of its own."""
    by_command: dict[str | None, list[Scheduled]] = {}
    for one in deployment.schedules:
        by_command.setdefault(one.command, []).append(one)
    yield from (by_command or {deployment.command: []}).items()


def partner(command: str | None, deployment: Deployment, pairs: Iterable[Pair]) -> Pair | None:
    """The pair with this command, or with a line that the deployment names, or with the script that it calls.

    Several lines may call one script, and the numbers of the lines may be those of the crontab of before: a line that is
    named and calls the script goes first.
    """
    with_lines = [pair for pair in pairs if pair.lines]
    equal = [pair for pair in with_lines if command is not None and same(command, pair)]
    named = [pair for pair in with_lines if any(line.number in deployment.lines for line in pair.lines)]
    calling = [pair for pair in with_lines if deployment.script in pair.lines[0].command.split()]
    both = [pair for pair in named if pair in calling]
    return next(iter([*equal, *both, *calling, *named]), None)


def same(command: str, pair: Pair) -> bool:
    """Whether the lines of a pair have this command, as it is written or as the shell gets it."""
    return any(command.strip() in (line.command, line.written) for line in pair.lines)


def numbers(pair: Pair) -> str:
    """The numbers of the lines of a pair."""
    return ", ".join(str(line.number) for line in pair.lines)
