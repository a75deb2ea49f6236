"""The words before a command that start it in their own way: flock, timeout, env, nice and their like."""

import re
from collections.abc import Callable
from functools import partial

from lab.migrate.peeled import Peeled
from lab.migrate.words import OPERATOR, literal, mask, pieces, seconds, words

Word = tuple[int, str]
FLOCK_VALUES = "-w --wait --timeout -E --conflict-exit-code"
STAYS = {  # before a command: kept, and looked behind; with the options that take a value
    "nice": "-n --adjustment",
    "ionice": "-c -n --class --classdata",
    "sudo": "-u -g --user --group",
    "exec": "",
    "time": "",
}
QUIET = ("chronic", "cronic", "systemd-cat")
ESCAPES = ("setsid", "nohup")


def front(job: Peeled) -> bool:
    """Peel, or look behind, the first word of a line of one command."""
    parts = pieces(job.command)
    if len(parts) != 1 or OPERATOR.search(mask(job.command) or "&"):
        return False
    found = words(job.command)
    if not found:
        return False
    name = found[0][1].rpartition("/")[2]
    if re.match(r"[A-Za-z_]\w*=", found[0][1]):
        return assignment(job, found)
    return KNOWN[name](job, found[1:]) if name in KNOWN else False


def assignment(job: Peeled, found: list[Word]) -> bool:
    """Peel NAME=value before a command that does not itself expand the name."""
    name, _, value = found[0][1].partition("=")
    if len(found) < 2 or job.kept or f"${name}" in job.command or f"${{{name}" in job.command:
        return False
    if not literal(job.command[found[0][0] : found[1][0]]):
        return False
    job.env[name] = value
    return rest(job, found[1:])


def rest(job: Peeled, found: list[Word]) -> bool:
    """Go on with the words that are left."""
    if not found:
        return False
    job.command = job.command[found[0][0] :]
    return True


def options(found: list[Word], flags: str, values: str) -> tuple[dict[str, str], list[Word]] | None:
    """The options at the front, long ones by their whole name, and the words after them.

    `flags` and `values` are the options without and with a value, in words. None when an option is not known.
    """
    given: dict[str, str] = {}
    while found and re.match(r"-.", found[0][1]):
        word, found = found[0][1], found[1:]
        if word == "--":
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            names: list[str] = [name]
        else:  # -xn, -w10
            names, equals, value = cluster(word, values.split())
        for name in names:
            given[name] = ""
        if name in values.split():
            if not equals:
                if not found:
                    return None
                value, found = found[0][1], found[1:]
            given[name] = value
        if not set(names) <= {*flags.split(), *values.split()}:
            return None
    return given, found


def cluster(word: str, values: list[str]) -> tuple[list[str], str, str]:
    """The short options of one word, whether a value follows in it, and that value."""
    names = []
    for at, letter in enumerate(word[1:], 1):
        names.append(f"-{letter}")
        if names[-1] in values:
            return names, word[at + 1 :], word[at + 1 :]
    return names, "", ""


def flock(job: Peeled, found: list[Word]) -> bool:
    """`flock -n FILE command` and its relatives."""
    read = options(found, "-n --nb --nonblock -x -e --exclusive -o --close -F --no-fork --verbose", FLOCK_VALUES)
    if read is None or len(read[1]) < 2 or job.lock:
        job.say("lock-stays", "a flock in a form that is not understood: it stays in the command, and no limit is set")
        return False
    given, (file, *after) = read
    job.lock, job.timed = file[1], job.timeout is not None
    if {"-n", "--nb", "--nonblock"} & set(given):
        job.wait = 0
        job.say("lock", f"flock -n {job.lock}: a run that finds one at work is cancelled")
    else:
        job.wait = next((seconds(given[name]) for name in ("-w", "--wait", "--timeout") if name in given), None)
        job.say("lock", f"flock {job.lock}: runs wait for each other")
        if job.wait:
            job.say("lock-wait", f"flock waits {job.wait:g} s only; a limit of Prefect's has no such bound")
    if after[0][1] in ("-c", "--command"):
        return shell_command(job, after)
    return rest(job, after)


def shell_command(job: Peeled, after: list[Word]) -> bool:
    """Go on with the one word after -c."""
    if len(after) != 2:
        return False
    if job.kept:
        job.kept += "/bin/sh -c "
        return rest(job, after[1:]) and False
    job.command = after[1][1]
    return True


def timeout(job: Peeled, found: list[Word]) -> bool:
    """`timeout 30m command`, and with -k and -s."""
    read = options(found, "--foreground --preserve-status -v --verbose", "-k --kill-after -s --signal")
    length = seconds(read[1][0][1]) if read and len(read[1]) > 1 else None
    if read is None or not length:
        job.say("timeout-stays", "a timeout in a form that is not understood: it stays in the command")
        return False
    given, after = read
    job.timeout = min(length, job.timeout or length)
    job.say("timeout", f"timeout {read[1][0][1]}: parameter timeout, {length:g} s")
    signal = given.get("-s", given.get("--signal", "TERM"))
    if signal not in ("TERM", "SIGTERM", "15"):
        job.say("timeout-signal", f"timeout sends {signal}; Prefect's flow sends TERM, then KILL")
    return rest(job, after[1:])


def stays(job: Peeled, found: list[Word], values: str) -> bool:
    """Keep nice, sudo and the like in the command; what they hold is looked at."""
    read = options(found, "-H -n -t -E", values)
    if read is None or not read[1]:
        return False
    before = read[1][0][0]
    job.kept += job.command[:before]
    return rest(job, read[1])


def quiet(job: Peeled, found: list[Word]) -> bool:
    """chronic and its like keep quiet what a run keeps quiet anyhow, unless it fails."""
    read = options(found, "-v -e", "-t -p --identifier --priority")
    if read is None or not read[1]:
        return False
    job.say("quiet", "chronic, cronic, systemd-cat: left out at cut-over, a run is quiet unless it fails")
    return rest(job, read[1])


def escapes(job: Peeled, found: list[Word]) -> bool:
    """Setsid and nohup would let the job escape from its run."""
    read = options(found, "-f -w -c --fork --wait --ctty", "")
    if read is None or not read[1]:
        return False
    job.say("escapes", "setsid or nohup: a timeout cannot end what has left the run; left out at cut-over")
    return rest(job, read[1])


def env(job: Peeled, found: list[Word]) -> bool:
    """`env NAME=value command`."""
    if job.kept or not found or "=" not in found[0][1]:
        return False
    return rest(job, found)


KNOWN: dict[str, Callable[[Peeled, list[Word]], bool]] = {
    "flock": flock,
    "timeout": timeout,
    "env": env,
    **{name: partial(stays, values=values) for name, values in STAYS.items()},
    **dict.fromkeys(QUIET, quiet),
    **dict.fromkeys(ESCAPES, escapes),
}
