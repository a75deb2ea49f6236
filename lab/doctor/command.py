"""`lab doctor`: everything that is looked at, in the order of the table."""

from collections.abc import Iterator

import typer

from lab.console import judged, marked, out, plain, show
from lab.doctor import containers, engine, machine
from lab.doctor.finding import Finding

SYMBOLS = {"ok": "[green]✓[/]", "note": "[yellow]![/]", "bad": "[red]✗[/]"}
WITHOUT_DOCKER = (
    "Without Docker you can read the course, answer its questions, and use lab check 01-intro, lab cron, lab audit, "
    "lab migrate plan, make etl and make incidents."
)


def findings() -> Iterator[Finding]:
    """Everything looked at; what needs a daemon only where one answers."""
    daemon = engine.answers()
    info = engine.info() if daemon.state == "ok" else {}
    yield engine.version(info) if info else daemon
    if info:
        yield engine.compose()
        yield engine.memory(info)
        yield containers.processor(info)
        yield engine.clock()
        yield from engine.selinux(info)
        yield containers.images()
        yield containers.names()
    yield machine.credentials()
    yield containers.port("LAB_PORT", 8000, "the course", "make up")
    yield containers.port("PREFECT_PORT", 4200, "Prefect", "docker compose up")
    yield machine.disk(info.get("DockerRootDir", ""))
    yield machine.architecture()
    yield machine.line_endings()
    yield machine.clock()
    yield machine.time_zones()
    yield machine.python()


def doctor() -> None:
    """Inspect engine, images, ports, disk, line endings and clocks, and name the fix. Exit code 1 when one is needed."""
    seen = []
    with out.status("") as status:
        for finding in findings():
            status.update(plain(f"{finding.name}: {finding.seen}"))
            seen.append(finding)
    show(["", "what", "seen", "fix"], [[marked(SYMBOLS[one.state]), one.name, one.seen, one.fix] for one in seen])
    if seen[0].state == "bad" and not any(finding.name == "compose" for finding in seen):
        typer.echo(WITHOUT_DOCKER)
    judged(all(finding.state != "bad" for finding in seen))
