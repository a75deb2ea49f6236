"""The commands of a page: every `console` block is run, in order, in a terminal, as a reader would.

The pages that one process runs share a terminal, as a reader has one. Each has to leave it as it was, so it makes no
difference which pages have run before: none, those of a group, or all (`--one-shell`, which cleans up nothing).
"""

import difflib
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sybil import Example

from engine.core import ROOT
from engine.docker import ask
from engine.markdown import session

# What a terminal does not show as it is: moves of the cursor, what erases, and all else that begins with an escape.
CONTROL = re.compile(
    r"(?P<text>[^\x1b\r\n]+)|(?P<move>[\r\n])|\x1b\[(?P<number>\d*)(?P<what>[AGJK])|"
    r"\x1b(?:\[[0-9;?<=>]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>78]|[()][A-Z0-9])|\x1b"
)
# What bash says of a job in the background: that it starts, has ended, or has been stopped. No page shows it.
JOB = re.compile(r"^\[\d+\](?: \d+|[+-]? +(?P<state>Done|Exit \d+|Stopped) .*)(?:\n|\Z)", re.M)
# Above a block, in an HTML comment: what of it may be repeated until it matches, and what ends otherwise than well.
NOTE = re.compile(r"<!--- (?:repeat for (?P<seconds>\d+) s|exit code (?P<code>\d+)): (?P<commands>[^\n]+) -->\s*\Z")
END = "--- end of output, exit code "
SIZE = (24, 80)  # rows and columns, those of a terminal that nobody has made larger
# Makes the terminal that it is started on its own, and becomes bash, which then has job control.
BASH = """import fcntl, os, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp("bash", ["bash", "--noprofile", "--norc", "--noediting", "-i"])"""
COMMAND_DEADLINE = 600  # seconds
# Where the pages of these lessons have Prefect's server, for all lessons to run side by side. None of their commands
# names the port, and `--one-shell` leaves it as it is printed.
PREFECT_PORTS = {"04-incidents": "4204", "05-migration": "4205"}

# What a page has to leave as it was, but for what the shell itself changes with each command.
STATE = "pwd; export -p; declare -F; alias; shopt -p; set +o; jobs -r"
CHANGES = re.compile(r"declare -x (_|OLDPWD)\b")

# What has run, and was as its page says: the page, the line of the block, the command, and what it printed.
executed: list[tuple[str, int, str, str]] = []
clean_up = True  # whether what a page leaves running is taken down; not with --one-shell


def course_pages() -> list[Path]:
    """The pages in the order of the course, which is that of `nav` in mkdocs.yml."""
    return [ROOT / "docs/en" / name for name in re.findall(r"[\w-]+\.md\b", (ROOT / "mkdocs.yml").read_text())]


@dataclass(frozen=True)
class Step:
    """A command of a page, its expected output (`...` is the only wildcard), its exit code, and how long it may take.

    A command that only reads may come too early, before a tick of cron or a health check: its block says that it is
    repeated for `seconds` until it matches.
    """

    command: str
    expected: str
    code: int
    seconds: float

    def fits(self, output: str, code: int) -> bool:
        """Whether a run of it was as the page says; where the page shows no output, any will do."""
        pattern = ".*".join(map(re.escape, self.expected.split("...")))
        return code == self.code and (not self.expected or re.fullmatch(pattern, output, re.S) is not None)


def notes(above: str) -> Iterator[re.Match[str]]:
    """The notes at the end of the text above a block, the nearest first."""
    while note := NOTE.search(above):
        yield note
        above = above[: note.start()]


def steps(block: str, above: str) -> list[Step]:
    """The commands of a block, with what the notes above it say of those that begin as they do.

    Raises ValueError when a note names a command that the block does not have.
    """
    seconds: dict[str, float] = {}
    codes: dict[str, int] = {}
    found = session(block)
    commands = [command for command, _ in found]
    for note in notes(above):
        for beginning in note["commands"].split(", "):
            mine = [command for command in commands if command.startswith(beginning)]
            if not mine:
                raise ValueError(f"no command below begins with {beginning!r}: {note[0].strip()}")
            if note["seconds"]:
                seconds |= dict.fromkeys(mine, float(note["seconds"]))
            else:
                codes |= dict.fromkeys(mine, int(note["code"]))
    return [Step(command, output, codes.get(command, 0), seconds.get(command, 0)) for command, output in found]


class Shell:
    """An interactive bash on a terminal of its own, as a reader has it: with job control, and colours."""

    def __init__(self, env: dict[str, str]) -> None:
        """Start it. Its prompt tells where the output of a command ends; what is typed does not come back."""
        self.terminal, end = pty.openpty()
        modes = termios.tcgetattr(end)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(end, termios.TCSANOW, modes)
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.bash = subprocess.Popen(
            [sys.executable, "-c", BASH],
            cwd=ROOT,
            env=env | {"PS1": rf"\n{END}$?\n", "PS2": "", "HISTFILE": "", "TERM": "xterm-256color"},
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)
        self.output = os.fdopen(os.dup(self.terminal), errors="replace", newline="\n")
        self.until_prompt("bash")

    def run(self, command: str) -> tuple[str, int]:
        """Type a command; return what it printed, without colours, and its exit code.

        As one group, which bash reads to its end before it begins: the command finds nothing more on the terminal.
        Raises AssertionError when a job in the background was stopped, for it wanted the terminal.
        """
        os.write(self.terminal, f"{{ {command}\n}}\n".encode())
        printed, code = self.until_prompt(command)
        output = on_screen(printed)
        for job in JOB.finditer(output):
            assert job["state"] != "Stopped", f"$ {command}\nin the background, and reads from the terminal: {job[0]}"
        return JOB.sub("", output).strip("\n"), code

    def until_prompt(self, command: str) -> tuple[str, int]:
        """What is printed before the next prompt, and the exit code in it. Raises AssertionError when none comes."""
        watchdog = threading.Timer(COMMAND_DEADLINE, self.kill)
        watchdog.daemon = True
        watchdog.start()
        lines: list[str] = []
        try:
            while line := self.output.readline():
                if line.startswith(END):
                    return "".join(lines), int(line.removeprefix(END))
                lines.append(line)
        except OSError:  # Linux's word for a terminal that nobody has open any more
            pass
        finally:
            watchdog.cancel()
        raise AssertionError(f"$ {command}\nthe shell ended, or this took over {COMMAND_DEADLINE} s\n{''.join(lines)}")

    def kill(self) -> None:
        """End bash and what runs in the foreground: the kernel hangs up."""
        os.killpg(self.bash.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the terminal's window: bash ends, and all its jobs."""
        self.output.close()
        os.close(self.terminal)
        try:
            self.bash.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()
            self.bash.wait()


def on_screen(printed: str) -> str:
    """What a terminal shows in the end, without colours: programs go back, and draw over their own progress."""
    lines, row, column = [""], 0, 0
    for part in CONTROL.finditer(printed):
        text, number, line = part["text"], int(part["number"] or 0), lines[row]
        match part["what"] or part["move"]:
            case "\n":
                row, column = row + 1, 0
                lines += [""] * (row == len(lines))
            case "\r" | "G":
                column = max(number - 1, 0)
            case "A":
                row = max(row - max(number, 1), 0)
            case "K":
                lines[row] = "" if number else line[:column]
            case "J":
                lines[row:] = [line[:column]]
            case None if text:
                lines[row] = line[:column].ljust(column) + text + line[column + len(text) :]
                column += len(text)
    return "\n".join(line.rstrip(" ") for line in lines)


def lessons_of(text: str) -> list[str]:
    """The lessons whose stacks a page may leave: those that it enters, if it starts any. Another page's are not its own."""
    return sorted(set(re.findall(r"\bcd (?:\.\./)?(\d\d-[\w-]+)", text))) if "docker compose up" in text else []


def left(lesson: str) -> bool:
    """Whether something of a lesson's stack is still there."""
    mine = f"label=com.docker.compose.project={lesson}"
    # The image of a lesson passes its labels on to whatever is run from it; only a stack's own containers have a number.
    numbered = ("ps", "--all", "--filter", "label=com.docker.compose.container-number")
    kinds = (numbered, ("volume", "ls"), ("network", "ls"))
    return bool(shutil.which("docker")) and any(ask(*kind, "--quiet", "--filter", mine) for kind in kinds)


def clean(lessons: list[str]) -> None:
    """Take down what these lessons left running, so that no page sees another's leftovers."""
    for lesson in lessons if clean_up else []:
        if left(lesson):
            words = ("down", "--volumes", "--remove-orphans", "--timeout", "1")
            ask("compose", "--project-directory", lesson, "--profile", "*", *words)


def clean_host(text: str) -> None:
    """The same for lesson 03 without Docker, whose server would keep its port after a page that failed."""
    lesson = ROOT / "03-prefect"
    used = "$ make etl" in text or "$ make start-server" in text
    if used and (lesson / ".local").exists() and (lesson / ".venv").exists():
        subprocess.run(["make", "--directory", lesson, "clean"], capture_output=True, check=False, timeout=120)


@dataclass(frozen=True)
class Terminal:
    """A shell, and how it was when it was opened: in the repository's root, with .venv activated."""

    shell: Shell
    before: str


terminal: Terminal | None = None  # of this process


def open_terminal() -> Terminal:
    """A new one."""
    drop = {"COMPOSE_FILE", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    env = {key: value for key, value in os.environ.items() if key not in drop}
    env["VIRTUAL_ENV_DISABLE_PROMPT"] = "1"  # by its prompt a shell tells where an output ends
    shell = Shell(env | {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"})
    shell.run(f"source '{Path(sys.executable).parent}/activate'")
    return Terminal(shell, state(shell))


def state(shell: Shell) -> str:
    """The folder of a shell, its exported variables, functions, aliases, options and running jobs."""
    lines = shell.run(STATE)[0].splitlines()
    return "\n".join(line for line in lines if not CHANGES.match(line))


def changed(before: str, after: str) -> list[str]:
    """What differs between two states, a line each."""
    differing = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in differing if line[0] in "+-"]


def open_shell(example: Example) -> Shell:
    """The shell of a page; its first block may have to start it."""
    global terminal
    if "terminal" not in example.namespace:
        example.namespace["text"] = example.document.text
        lessons = lessons_of(example.document.text)
        clean(lessons)
        terminal = example.namespace["terminal"] = with_port(terminal or open_terminal(), lessons)
    return example.namespace["terminal"].shell  # type: ignore[no-any-return]


def with_port(opened: Terminal, lessons: list[str]) -> Terminal:
    """A terminal whose PREFECT_PORT is that of these lessons, as that of an instructor who has exported another one."""
    if not clean_up:
        return opened
    port = next((PREFECT_PORTS[lesson] for lesson in lessons if lesson in PREFECT_PORTS), "")
    opened.shell.run(f"export PREFECT_PORT={port}" if port else "unset PREFECT_PORT")
    return Terminal(opened.shell, state(opened.shell))


def close_shell(namespace: dict[str, Any]) -> None:
    """Clean up behind a page. Raises AssertionError when the page has come to its end, and has left something."""
    global terminal
    if "terminal" not in namespace:
        return
    opened: Terminal = namespace["terminal"]
    text: str = namespace["text"]
    differs, running = [], []
    if namespace.get("ended"):
        differs = changed(opened.before, state(opened.shell))
        running = [lesson for lesson in lessons_of(text) if left(lesson)]
    if differs or not namespace.get("ended"):  # the next page gets another shell
        opened.shell.close()
        terminal = None if terminal is opened else terminal
    if clean_up:
        clean_host(text)
    clean(lessons_of(text))
    assert not differs, f"the page does not undo this: {differs}"
    assert not running, f"the page leaves the stacks of {running}"


def console(example: Example) -> None:
    """Run the commands of one block, and compare."""
    shell = open_shell(example)
    failed = example.namespace.get("failed", False)
    example.namespace |= {"failed": True, "ended": False}  # until this block has succeeded
    for step in steps(example.parsed, example.document.text[: example.start]):
        deadline = time.monotonic() + step.seconds
        while True:
            output, code = shell.run(step.command)
            if step.fits(output, code):
                break
            assert time.monotonic() < deadline, (
                f"$ {step.command}\n--- expected, exit {step.code}\n{step.expected}\n--- got, exit {code}\n{output}"
            )
            time.sleep(0.5)
        output = re.sub(rf":({'|'.join(PREFECT_PORTS.values())})\b", ":4200", output)  # as a reader sees it
        executed.append((str(Path(example.path).relative_to(ROOT)), example.line, step.command, output))
    last = "```console" not in example.document.text[example.end :]
    example.namespace |= {"failed": failed, "ended": last and not failed}
