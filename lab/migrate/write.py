"""The files of a plan: prefect.yaml, automations.yaml, and the flows, copied from the lesson."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from engine.core import ROOT, UserError
from lab.cron.crontab import printable
from lab.migrate.beside import BESIDE, job_file, moving, shadows, switch
from lab.migrate.deployments import Deployment
from lab.migrate.plan import Plan
from lab.migrate.scalar import scalar

FLOWS = ROOT / "05-migration/flows"


def write(made: Plan, folder: Path, source: str, force: bool, beside: bool = False) -> list[Path]:
    """Write the files of a plan into a folder, and say which. Raises UserError where one exists, unless `force`.

    `beside`: cron keeps the jobs, and each is moved by its switch. A switch that is there stays as it is.
    """
    texts = {"prefect.yaml": prefect_yaml(moving(made) if beside else made, source)}
    if any(one.mailto for one in made.deployments):
        texts["automations.yaml"] = automations_yaml(made)
    if beside:
        texts["shadow.yaml"] = prefect_yaml(shadows(made), source)
        texts |= {f"jobs/{one.name}.toml": job_file(one, folder / f"jobs/{one.name}.toml") for one in made.deployments}
    python = beside or any(one.entrypoint.startswith("run_python") for one in made.deployments)
    flows = [FLOWS / name for name in ("command.py", "run_command.py", *(["run_python.py"] if python else []))]
    flows += BESIDE if beside else []
    paths = [folder / name for name in (*texts, *(flow.name for flow in flows))]
    if there := [path for path in paths if path.exists() and not force]:
        raise UserError(f"{there[0]} exists already: plan into another folder, or with --force to write it again")
    (folder / "jobs" if beside else folder).mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for old in folder.glob("jobs/*.toml"):
        if f"jobs/{old.name}" not in texts and switch(old).get("state") == "legacy":  # its line has left the crontab
            old.unlink()
    for flow in flows:
        shutil.copy(flow, folder)  # the gate stays executable
    return paths


def prefect_yaml(made: Plan, source: str) -> str:
    """The deployments as text."""
    lines = [
        f"# Written by `lab migrate plan {printable(source)}`: every command as cron hands it to the shell.",
        "# The schedules have slugs, so that a schedule that is deployed again stays the same one.",
        "deployments:" + ("" if made.deployments else " []"),
    ]
    texts = {verdict.number: printable(verdict.text.strip()) for verdict in made.verdicts}
    for one in made.deployments:
        lines += [f"  # {number}: {texts[number]}" for number in one.lines]
        lines += deployment_lines(one, made)
    return "\n".join(lines) + "\n"


def deployment_lines(one: Deployment, made: Plan) -> Iterator[str]:
    """One deployment, as lines."""
    yield f"  - name: {scalar(one.name)}"
    if one.description:
        yield f"    description: {scalar(one.description.replace('{{', '{ {'))}"
    yield f"    entrypoint: {one.entrypoint}"
    yield "    work_pool:"
    yield f"      name: {scalar(made.pool)}"
    if one.env:
        yield "      job_variables:"
        yield "        env:"
        for variable, text in one.env.items():
            yield f"          {scalar(variable)}: {scalar(text)}"
    yield f"    tags: {scalar(one.tags)}"
    yield "    schedules:"
    for number, schedule in enumerate(one.schedules, 1):
        slug = "cron" if number == 1 else f"cron-{number}"
        day_or = scalar(schedule.day_or)
        yield f"      - {{ slug: {slug}, cron: {scalar(schedule.cron)}, day_or: {day_or}, timezone: {scalar(made.zone)} }}"
    if one.limit:
        yield f"    concurrency_limit: {{ limit: 1, collision_strategy: {one.limit} }}"
    yield "    parameters:"
    for name, value in one.parameters.items():
        yield f"      {name}: {scalar(value)}"


def automations_yaml(made: Plan) -> str:
    """An automation for each deployment whose output cron mailed."""
    lines = [
        "# MAILTO: whoever got cron's mail is told of runs that failed or crashed. Put the id of your notification block",
        "# in place of the zeros (prefect block ls), then: prefect automation create --from-file automations.yaml",
        "automations:",
    ]
    for one in made.deployments:
        if one.mailto:
            lines += automation_lines(one)
    return "\n".join(lines) + "\n"


def automation_lines(one: Deployment) -> Iterator[str]:
    """One automation, as lines."""
    yield f"  - name: {scalar(f'{one.name} failed')}"
    yield f"    description: {scalar(f'for {one.mailto}')}"
    yield "    trigger:"
    yield "      type: event"
    yield "      posture: Reactive"
    yield "      threshold: 1"
    yield '      match: { "prefect.resource.id": "prefect.flow-run.*" }'
    role = '"prefect.resource.role": "deployment"'
    yield f'      match_related: {{ {role}, "prefect.resource.name": {scalar(one.name)} }}'
    yield "      expect: [prefect.flow-run.Failed, prefect.flow-run.Crashed]"
    yield "    actions:"
    yield "      - type: send-notification"
    yield '        block_document_id: "00000000-0000-0000-0000-000000000000"'
    yield f"        subject: {scalar(f'{one.name} failed')}"
    yield '        body: "{{ flow_run.name }}: {{ flow_run.state.message }}"'
