"""Why cron runs nothing: cron itself, and the crontabs in the container as cron finds them."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from engine.containers import Container
from engine.docker import ask
from lab.console import plural
from lab.why.cause import Cause, Look

INSIDE = Path(__file__).with_name("inside_crontab.py").read_text(encoding="utf-8")
SPOOL = "/var/spool/cron/crontabs"
# The linter of `lab cron lint`: a crontab, and whether it has a user column → its problems, with line, level and what.
Lint = Callable[[bytes, bool], list[Any]]
# A part of what the linter says → the cause that it is; what has none of these is "job broken".
KINDS = {
    "CRLF": "CRLF in a crontab",
    "no newline": "no newline at the end",
    "refuses the whole file": "crontab refused",
    "ignores the whole file": "crontab refused",
}


def look_at(look: Look, container: Container, lint: Lint) -> None:
    """Add what keeps the jobs of lesson 02 from running; `lint` is that of `lab cron lint`."""
    printed = ask("exec", container.name, "python3", "-c", INSIDE)
    if printed is None:
        look.notes.append(f"{container.name} could not be asked: docker exec failed")
        return
    said = json.loads(printed)
    look.looked += ["the processes", plural(len(said["crontabs"]), "crontab")]
    if "cron" not in said["processes"]:
        seen = f"no process in {container.name} is called cron; there is {', '.join(sorted(set(said['processes'])))}"
        look.causes.append(Cause("cron not running", seen, f"docker top {container.name}"))
    if not any(one["path"].startswith(SPOOL) for one in said["crontabs"]):
        seen = f"{SPOOL} of {container.name} is empty: no user has a crontab"
        look.causes.append(Cause("no crontab", seen, f"docker exec {container.name} crontab -l"))
    for one in said["crontabs"]:
        look.causes += in_file(container, one, lint)


def in_file(container: Container, file: dict[str, Any], lint: Lint) -> Iterator[Cause]:
    """What is wrong with one crontab: what cron refuses unread, the lines, and the scripts that they name."""
    path, in_spool = file["path"], file["path"].startswith(SPOOL)
    show = f"docker exec {container.name} cat --show-all {path}"
    for reason in refused_unread(file, in_spool):
        yield Cause("crontab refused", f"{path}: {reason}", f"docker exec {container.name} ls -l {path}")
    problems = [one for one in lint(base64.b64decode(file["content"]), not in_spool) if one.level == "error"]
    for name in dict.fromkeys(map(kind, problems)):
        first = next(one for one in problems if kind(one) == name)
        yield Cause(name, f"{path}, line {first.line}: {first.what}", show)
    if file["missing"]:
        seen = f"{path} runs {', '.join(file['missing'])}, and there is no such file"
        yield Cause("job file missing", seen, f"docker exec {container.name} ls -l {' '.join(file['missing'])}")


def kind(problem: Any) -> str:
    """The cause that a problem of the linter is."""
    return next((cause for part, cause in KINDS.items() if part in problem.what), "job broken")


def refused_unread(file: dict[str, Any], in_spool: bool) -> Iterator[str]:
    """Why cron does not even read a file: entries 8, 9, 10 and 12 of docs/en/troubleshooting.md, each of them tried.

    A file in the spool is its user's, and nobody else may read it.
    """
    if in_spool and file["mode"] != 0o600:
        yield f"its mode is {file['mode']:o}, and cron wants 600: crontab FILE installs it so"
    elif not in_spool and file["mode"] & 0o022:
        yield f"its mode is {file['mode']:o}, group or others may write to it"
    if file["links"] > 1:
        yield f"it has {file['links']} names (hard links)"
    if in_spool:
        return
    if file["owner"]:
        yield f"its owner is the user {file['owner']}, and cron wants root"
    if not PurePosixPath(file["path"]).name.replace("_", "").replace("-", "").isalnum():
        yield "its name has other characters than letters, digits, _ and -"
