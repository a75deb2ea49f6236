"""Processes of host mode: started here, known again by a mark in their environment, ended one by one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
from settings import LESSON, MARK, stop_with

STOPPED = (signal.SIGTERM, signal.SIGINT)  # signals that end a process at somebody's wish


class Processes:
    """The processes of one user's host mode, whose pid files and logs are in the folder `state`."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def ours(self, process: psutil.Process) -> bool:
        """A number in a pid file may have a new owner by now; the mark says who started the process, and for what."""
        try:
            return process.uids().real == os.getuid() and process.environ().get(MARK) == str(self.state)
        except psutil.Error:
            return False

    def all(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self.ours(process)]

    def running(self, kind: str = "*") -> dict[str, psutil.Process]:
        """What the pid files name and still runs, as name → process; files of others and of the dead are removed."""
        found = {}
        for file in sorted((self.state / "run").glob(f"{kind}.pid")):
            try:
                process = psutil.Process(int(file.read_text()))
            except (psutil.Error, ValueError):
                process = None
            if process and self.ours(process):
                found[file.stem] = process
            else:
                file.unlink(missing_ok=True)
        return found

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def launch(self, name: str, command: list[str], background: bool) -> "subprocess.Popen[bytes]":
        """Start a command with a pid file; in the background, its output goes to a log file."""
        # A shell that starts us with & lets us ignore Ctrl-C, and Prefect ends on no other signal: undo that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        log = self.log(name).open("w") if background else None
        child = subprocess.Popen(
            command,
            cwd=LESSON,
            env=os.environ | {MARK: str(self.state)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log and subprocess.STDOUT,
            start_new_session=background,
        )
        (self.state / "run" / f"{name}.pid").write_text(f"{child.pid}\n")
        return child

    def wait_until_ready(self, name: str, child: "subprocess.Popen[bytes]", ready: Callable[[], bool]) -> None:
        """Exits with the end of its log if it ends, or is not ready in 90 seconds."""
        end = time.monotonic() + 90
        while not ready():
            if child.poll() is not None or time.monotonic() > end:
                if child.returncode is None:
                    self.terminate([psutil.Process(child.pid)])
                last = "\n".join(self.log(name).read_text().splitlines()[-5:])
                stop_with(f"{name} does not start; {self.log(name)} ends:\n{last}")
            time.sleep(0.3)

    def terminate(self, processes: Iterable[psutil.Process], patience: float = 15) -> None:
        """End them and what they started: SIGTERM, and SIGKILL for who still runs after `patience` seconds."""
        family = []
        for process in processes:
            try:
                family += [process, *process.children(recursive=True)]
                process.terminate()
            except psutil.NoSuchProcess:
                pass
        _, alive = psutil.wait_procs([p for p in family if self.ours(p)], timeout=patience)
        for process in alive:
            print(f"process {process.pid} did not end in {patience:.0f} s and was killed")
            process.kill()
        psutil.wait_procs(alive, timeout=5)


def attend(name: str, child: "subprocess.Popen[bytes]") -> None:
    """Wait until it ends, by itself, Ctrl-C or make stop; whoever ends us ends it. Exits if it failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the child too
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.terminate())
    code = child.wait()
    print(f"{name} ended")
    if code not in (0, *(-number for number in STOPPED), *(128 + number for number in STOPPED)):
        sys.exit(code)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it."""
    subprocess.run(["rm", "-rf", folder], check=True)
