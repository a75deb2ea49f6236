"""Record what each old form of Prefect says today, for the page prefect-terms: `python -m docs.old_forms`.

A file of 04-incidents/terms/old is a session: a line with `$ ` is a command, one with `>>> ` is Python, and below each is
what it prints. The lines with a prompt are written by hand, all others by the run. Of a traceback only its end is kept,
the error itself; the rest names lines of Prefect's own files.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from engine.core import ROOT, program, say
from engine.docker import docker, require_engine

FOLDER = ROOT / "04-incidents/terms/old"
IMAGE = "beyond-cron-prefect"
PROMPT = re.compile(r"^(\$|>>>) (.*)$", re.M)
TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?: .*\n)*", re.M)
END = "--- end of form ---"
# All of a file at once: bash runs the commands, an interactive Python the rest, each with both outputs in one.
SHELL = ("sh", "-c", "COLUMNS=80 exec sh 2>&1")
PYTHON = ("sh", "-c", "exec python -q -i -c 'import sys; sys.ps1 = sys.ps2 = \"\"' 2>&1")


def forms(text: str) -> list[tuple[str, str]]:
    """The prompt and the line of each form in a session."""
    return PROMPT.findall(text)


def answers(prompt: str, lines: Iterable[str]) -> list[str]:
    """What these lines print today, each, in a container without network, where nothing else runs."""
    program, end = (SHELL, f"echo '{END}'") if prompt == "$" else (PYTHON, f"print('{END}')")
    after = "" if prompt == "$" else "\n"  # ends a block of Python
    typed = "".join(f"{line}\n{after}{end}\n" for line in lines)
    printed = docker("run", "--rm", "--interactive", "--network=none", IMAGE, *program, stdin=typed)
    return [TRACEBACK.split(answer)[-1].strip("\n") for answer in printed.split(END)[:-1]]


def sessions(paths: Iterable[Path]) -> dict[Path, str]:
    """The text of these files as it is when it is recorded now."""
    found = {path: forms(path.read_text()) for path in paths}
    said: dict[tuple[Path, str], list[str]] = {}
    for prompt in ("$", ">>>"):
        wanted = [(path, line) for path, of in found.items() for mark, line in of if mark == prompt]
        for (path, _), answer in zip(wanted, answers(prompt, [line for _, line in wanted]), strict=True):
            said.setdefault((path, prompt), []).append(answer)
    lines = {
        path: [part for mark, line in of for part in (f"{mark} {line}", said[path, mark].pop(0)) if part]
        for path, of in found.items()
    }
    return {path: "\n".join(of) + "\n" for path, of in lines.items()}


def main() -> None:
    """Write the files."""
    require_engine("docs.old_forms")
    for path, text in sessions(sorted(FOLDER.iterdir())).items():
        path.write_text(text)
        say(f"{path.relative_to(ROOT)}: {len(forms(text))} forms")


if __name__ == "__main__":
    program(main)
