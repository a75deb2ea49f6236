"""Judge a stranger's programs in a container: for the checks that `lab check` runs on the learner's own machine.

The container has no network, none of your files, and of the course only what the checks read. It is removed at the end.
"""

import json
import os
import subprocess
import sysconfig
import tempfile
import threading
import uuid
from collections.abc import Mapping
from dataclasses import replace

from engine.core import ROOT, UserError, last_line
from engine.docker import ask, has_image
from engine.images import PYTHON
from lab.checks.sandbox import LABEL
from lab.cron.crontab import printable
from lab.evidence.form import Exercise, exercises_of
from lab.evidence.strict import MOST_BYTES, Refused, parse

PATIENCE = 600  # seconds for the exercises of one file; the checks themselves give up sooner
# What the checks read. The solutions are not among it: a program could run one.
COURSE = ("engine", "contrast", "lab", "01-intro/orders.py", "05-migration/crontabs")
ISOLATION = (
    "--network=none", "--read-only", "--tmpfs=/tmp:exec,mode=1777,size=256m", "--cap-drop=ALL",
    "--security-opt=no-new-privileges", "--pids-limit=256", "--memory=1g", "--log-driver=none",
)  # fmt: skip


def judge_in_container(texts: Mapping[str, str]) -> dict[str, Exercise]:
    """What becomes of texts, by the ids of their exercises. Raises UserError when there is no answer that can be read."""
    if not has_image(PYTHON):
        raise UserError(f"the sandbox needs the image {PYTHON}, and it is not here: make images")
    name = f"lab-check-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryFile() as told:
        told.write(json.dumps(dict(texts)).encode())
        told.seek(0)
        command = ["docker", "run", "--interactive", "--rm", "--init", "--name", name, *ISOLATION, *_options(), PYTHON]
        client = subprocess.Popen(
            [*command, "python", "-m", "lab.evidence.inside"], stdin=told, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert client.stdout and client.stderr
        alarm = threading.Timer(PATIENCE, client.kill)
        alarm.start()
        try:  # who prints without end fills no memory: no more is read, and the alarm ends it
            answer, errors = client.stdout.read(MOST_BYTES), client.stderr.read(MOST_BYTES)
        finally:
            alarm.cancel()
            client.kill()
            ask("rm", "--force", "--volumes", name)
            client.communicate()
    return _read(answer, errors, texts)


def _options() -> list[str]:
    """Whom the container runs as, what it sees, and what tells Python where that is."""
    packages = sysconfig.get_path("purelib")
    mounts = [f"--volume={ROOT / path}:/course/{path}:ro" for path in COURSE] + [f"--volume={packages}:/packages:ro"]
    variables = {"PYTHONPATH": "/course:/packages", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"}
    who = [f"--user={os.getuid()}:{os.getgid()}", "--workdir=/tmp", f"--label={LABEL}={os.getpid()}"]
    return [*who, *mounts, *(f"--env={name}={value}" for name, value in variables.items())]


def _read(answer: bytes, errors: bytes, texts: Mapping[str, str]) -> dict[str, Exercise]:
    """The answer, which a program in the container may have written itself: so it is read as a stranger's."""
    try:
        judged = exercises_of(parse(answer), set(texts))
    except Refused:
        reason = printable(last_line(errors.decode(errors="replace")))[:200]
        raise UserError(
            f"the container of the checks gave no answer that can be read, or none in {PATIENCE} s: {reason}"
        ) from None
    if set(judged) != set(texts):
        raise UserError("the container of the checks did not judge all exercises that it was given")
    return {id: replace(exercise, text=texts[id]) for id, exercise in judged.items()}
