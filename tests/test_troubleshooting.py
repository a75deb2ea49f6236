"""docs/en/troubleshooting.md: each of the twenty causes is made, its symptom seen, its fix applied."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.engine import tried as docker

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/en/troubleshooting.md"
IMAGE = "02-cron-python-app"
stack = pytest.mark.stack

# Replaces the image's own crontab; the ticks tell how often cron has woken up.
TICKS = "crontab -r; echo '* * * * * root echo tick >> /tmp/ticks' > /etc/cron.d/ticks; "
TALKING = "exec cron -f -x misc"  # cron says on standard error what it would tell syslog


class Box:
    """A container of the course's image in which a minute of cron lasts a quarter of a second."""

    def __init__(self, name: str, *flags: str, cron: str = TALKING, init: bool = True, setup: str = TICKS) -> None:
        self.name = name
        flags = ("--init",) * init + ("--env", "RATE=240", *flags)
        # With a setup of "" the command is run as it is, without a time-lapse.
        command = ["timelapse", "sh", "-c", setup + cron] if setup else ["sh", "-c", cron]
        started = docker("run", "--detach", "--name", name, *flags, IMAGE, *command)
        assert started.returncode == 0, started.stdout

    def sh(self, command: str, stdin: str | None = None) -> str:
        """What a command prints in the container, both streams."""
        return docker("exec", "--interactive", self.name, "sh", "-c", command, stdin=stdin).stdout

    def crontab(self, text: str) -> str:
        return self.sh("crontab -", text)

    def drop_in(self, name: str, text: str, mode: int = 644) -> None:
        """Write a file to /etc/cron.d in one step, so that cron never reads half of it."""
        self.sh(f"cat > /root/new && chmod {mode} /root/new && mv /root/new /etc/cron.d/{name}", text)

    def log(self) -> str:
        return docker("logs", self.name).stdout

    def state(self, field: str) -> str:
        return docker("inspect", "--format", f"{{{{.State.{field}}}}}", self.name).stdout.strip()

    def until(self, wanted: str, read: str | Callable[[], str], seconds: float = 240) -> str:
        """Read again and again (a command in the container, or a function) until the wanted text is there."""
        deadline = time.monotonic() + seconds
        while wanted not in (seen := self.sh(read) if isinstance(read, str) else read()):
            if time.monotonic() > deadline:
                pytest.fail(f"expected {wanted!r}, seen {seen[-500:]!r}; cron said last:\n{self.log()[-1500:]}")
            time.sleep(0.05)
        return seen

    def minutes(self, number: int = 3) -> None:
        """Let cron wake up a number of times."""
        ticks = self.sh("cat /tmp/ticks").count("tick\n")
        self.until("tick\n" * (ticks + number), "cat /tmp/ticks")

    def never_wrote(self, file: str = "/tmp/out") -> None:
        """Minutes go by, and the job has not made its file."""
        self.minutes()
        assert "No such file" in self.sh(f"cat {file}")


@pytest.fixture(scope="session")
def image() -> None:
    if docker("image", "inspect", IMAGE).returncode:
        built = docker("build", "--quiet", "--tag", IMAGE, str(ROOT / "02-cron"))
        assert built.returncode == 0, built.stdout


@pytest.fixture
def start(image: None, request: pytest.FixtureRequest) -> Iterator[Callable[..., Box]]:
    """Start boxes that are removed at the end of the test, whatever happens."""
    names: list[str] = []

    def start_box(*flags: str, **options: str | bool) -> Box:
        names.append(f"trouble-{request.node.name[5:7]}-{len(names)}")
        docker("rm", "--force", names[-1])
        return Box(names[-1], *flags, **options)  # type: ignore[arg-type]

    yield start_box
    docker("rm", "--force", "--volumes", *names)


@stack
def test_01_variables_are_missing(start: Callable[..., Box]) -> None:
    job = '* * * * * env > /tmp/new; mv /tmp/new /tmp/env; echo "$(readlink /proc/$$/exe) [$GREETING] [$KEY]" >> /tmp/out\n'
    given = ("--env", "GREETING=good day", "--env", "KEY=a#b")
    for_all = start(*given, cron="printenv > /etc/environment; exec cron -f")
    plain, handed_over = start(*given), start(*given, cron="(umask 077; export -p > /run/job.env); exec cron -f")
    plain.crontab(job)
    for_all.crontab(job)
    handed_over.crontab(job.replace("* env", "* . /run/job.env; env"))
    plain.until("/usr/bin/dash [] []", "cat /tmp/out")
    for_all.until("[good day] [a]", "cat /tmp/out")
    assert "PATH=/usr/bin:/bin\n" in for_all.sh("cat /tmp/env")
    handed_over.until("[good day] [a#b]", "cat /tmp/out")
    assert "KEY=a#b\n" in for_all.sh("runuser -u nobody -- cat /etc/environment")
    assert "a#b" not in (refused := handed_over.sh("runuser -u nobody -- cat /run/job.env /etc/environment"))
    assert "/run/job.env: Permission denied" in refused
    env = [line for line in plain.sh("sort /tmp/env").splitlines() if not re.match("FAKETIME|LD_PRELOAD", line)]
    assert env == ["HOME=/root", "LOGNAME=root", "PATH=/usr/bin:/bin", "PWD=/root", "SHELL=/bin/sh"]
    plain.crontab("GREETING=good day\n" + job)
    plain.until("[good day]", "cat /tmp/out")


@stack
def test_02_docker_logs_is_empty(start: Callable[..., Box]) -> None:
    box = start(cron="exec cron -f")
    box.crontab("* * * * * echo report\n")
    box.minutes()
    assert box.log() == ""
    assert box.sh("cron -N -x misc").count(" CMD (") == 1  # of the two that are due
    assert "No MTA installed, discarding output" in box.sh("rm /etc/crontab /etc/cron.d/ticks; cron -N -x misc")
    box.crontab("* * * * * echo report > /proc/1/fd/1 2>&1\n")
    box.until("report", box.log)


@stack
def test_03_permission_denied_on_the_output_of_process_1(start: Callable[..., Box]) -> None:
    box = start()
    box.drop_in("report", "* * * * * nobody sh -c 'echo report > /proc/1/fd/1' 2> /tmp/error\n")
    box.until("cannot create /proc/1/fd/1: Permission denied", "cat /tmp/error")
    job = "* * * * * root /usr/sbin/runuser -u nobody -- sh -c 'echo report by $(id -un)' > /proc/1/fd/1 2>&1\n"
    box.drop_in("report", job)
    box.until("\nreport by nobody", box.log)


@stack
def test_04_cannot_make_an_entry_for_the_session(start: Callable[..., Box]) -> None:
    # A container started from a login session can inherit its login id; only the first write of it is free.
    box = start(setup=TICKS + "echo 1000 > /proc/self/loginuid; ")
    box.until("Cannot make/remove an entry for the specified session", box.log)
    assert "No such file" in box.sh("cat /tmp/ticks")
    box.sh("sed -i 's/required *pam_loginuid/optional pam_loginuid/' /etc/pam.d/cron")
    box.until("tick", "cat /tmp/ticks")


@stack
def test_05_windows_line_ends(start: Callable[..., Box]) -> None:
    box = start()
    assert "bad minute" in box.crontab("* * * * * echo run >> /tmp/out\r\n\r\n")
    assert box.crontab("* * * * * echo run >> /tmp/out\r\n") == ""
    box.until("/tmp/out\r\n", "ls /tmp/out*")
    box.never_wrote()
    assert box.sh("crontab -l") == "* * * * * echo run >> /tmp/out\\r\n"  # shown as a backslash and an r
    box.sh("cp /var/spool/cron/crontabs/root /root/crontab.txt")
    box.sh("sed -i 's/\\r$//' /root/crontab.txt && crontab /root/crontab.txt")
    box.until("run", "cat /tmp/out")


@stack
def test_06_missing_newline(start: Callable[..., Box]) -> None:
    box = start()
    assert "missing newline before EOF, can't install" in box.crontab("* * * * * date")
    box.drop_in("report", "* * * * * root echo run >> /tmp/out")
    box.until("ERROR (Missing newline before EOF, this crontab file will be ignored)", box.log)
    box.never_wrote()
    box.sh("echo >> /etc/cron.d/report")
    box.until("run", "cat /tmp/out")


@stack
def test_07_python_not_found(start: Callable[..., Box]) -> None:
    box = start()
    job = "* * * * * python3 --version >> /tmp/out 2>&1\n"
    box.crontab(job)
    box.until("/bin/sh: 1: python3: not found", "cat /tmp/out")
    box.sh("printf '#!/bin/sh\necho another Python\n' > /usr/bin/python3; chmod +x /usr/bin/python3")
    box.until("another Python", "cat /tmp/out")
    box.crontab(job.replace("python3", "/usr/local/bin/python3"))
    box.until("Python 3", "cat /tmp/out")
    box.crontab("PATH=/usr/local/bin:/usr/bin:/bin\n" + job.replace("out", "path"))
    assert "not found" not in box.until("Python 3", "cat /tmp/path")


@stack
def test_08_group_writable(start: Callable[..., Box]) -> None:
    box = start()
    box.drop_in("report", "* * * * * root echo run >> /tmp/out\n", mode=664)
    box.until("INSECURE MODE (group/other writable) (/etc/cron.d/report)", box.log)
    box.never_wrote()
    box.sh("chmod 644 /etc/cron.d/report")
    box.until("run", "cat /tmp/out")


@stack
def test_09_wrong_owner(start: Callable[..., Box], tmp_path: Path) -> None:
    job = tmp_path / "report"
    job.write_text("* * * * * root echo run >> /tmp/out\n")
    job.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(job, 1000, 1000)
    mounted = start("--volume", f"{job}:/etc/cron.d/report:ro")
    copied = start("--volume", f"{job}:/mnt/report:ro", setup=TICKS + "install -m 644 /mnt/report /etc/cron.d/; ")
    mounted.until("WRONG FILE OWNER (/etc/cron.d/report)", mounted.log)
    mounted.never_wrote()
    copied.until("run", "cat /tmp/out")


@stack
def test_10_name_with_a_dot(start: Callable[..., Box]) -> None:
    box = start()
    box.drop_in("report.cron", "* * * * * root echo run >> /tmp/out\n")
    box.minutes()
    assert "report" not in box.log()
    box.never_wrote()
    box.sh("mv /etc/cron.d/report.cron /etc/cron.d/report")
    box.until("run", "cat /tmp/out")


@stack
def test_11_user_column(start: Callable[..., Box]) -> None:
    box = start()
    box.drop_in("report", "* * * * * /bin/date >> /tmp/drop-in 2>&1\n")
    box.crontab("* * * * * root /bin/date >> /tmp/crontab 2>&1\n")
    box.until("ERROR (Syntax error, this crontab file will be ignored)", box.log)
    box.until("/bin/sh: 1: root: not found", "cat /tmp/crontab")
    box.drop_in("report", "* * * * * root /bin/date >> /tmp/drop-in 2>&1\n")
    box.crontab("* * * * * /bin/date >> /tmp/crontab 2>&1\n")
    box.until("2026", "cat /tmp/drop-in")
    box.until("2026", "cat /tmp/crontab")


@stack
def test_12_more_than_one_hard_link(start: Callable[..., Box]) -> None:
    link = "echo '* * * * * echo run >> /tmp/out' | crontab -; ln /var/spool/cron/crontabs/root /root/backup; "
    for fix in ("crontab -l | crontab -", "EDITOR='touch -d tomorrow' crontab -e"):  # opened and saved unchanged
        box = start(setup=TICKS + link)
        box.until("NUMBER OF HARD LINKS > 1 (crontabs/root)", box.log)
        box.never_wrote()
        box.sh(fix)
        box.until("run", "cat /tmp/out")


@stack
def test_13_edit_in_place(start: Callable[..., Box], tmp_path: Path) -> None:
    file = tmp_path / "crontab.txt"
    file.write_text("* * * * * echo old >> /tmp/out\n")
    file.chmod(0o600)
    in_place = start("--volume", f"{file}:/var/spool/cron/crontabs/root", setup=TICKS.removeprefix("crontab -r; "))
    installed = start("--volume", f"{file}:/mnt/crontab.txt", setup=TICKS + "crontab /mnt/crontab.txt; ")
    for box in (in_place, installed):
        box.until("old", "cat /tmp/out")
    file.write_text("* * * * * echo new >> /tmp/out\n")
    assert "echo new" in in_place.sh("crontab -l")
    in_place.minutes()
    assert "new" not in in_place.sh("cat /tmp/out")
    in_place.sh("touch /var/spool/cron/crontabs")
    installed.sh("crontab /mnt/crontab.txt")
    for box in (in_place, installed):
        box.until("new", "cat /tmp/out")


@stack
def test_14_wrong_hour(start: Callable[..., Box]) -> None:
    # The hour alone: a minute is a quarter of a second here, and the job may take longer to look at the clock.
    jobs = "0 3 * * * date +\\%H\\%z > /tmp/out\nTZ=Asia/Tokyo\n0 3 * * * echo ran > /tmp/tokyo"
    early = {"setup": TICKS + f"printf '%s\\n' '{jobs}' | crontab -; "}  # three o'clock is near
    flags, zone = ("--env", "START=2026-03-02 02:55:00"), ("--env", "TZ=America/Sao_Paulo")
    without_tzdata = start(*flags, *zone, "--tmpfs", "/usr/share/zoneinfo", **early)
    in_utc, in_zone = start(*flags, **early), start(*flags, *zone, **early)
    for box, hour in ((in_utc, "03+0000"), (without_tzdata, "03+0000"), (in_zone, "03-0300")):
        box.until(hour, "cat /tmp/out")
        box.until("ran", "cat /tmp/tokyo")  # in the same minute, not at 3 in Tokyo


@stack
def test_15_job_in_utc(start: Callable[..., Box]) -> None:
    job = "0 3 * * * date +\\%z > /tmp/{}\n"
    jobs = job.format("job") + "TZ=America/Sao_Paulo\n" + job.format("told")
    # The time-lapse hands TZ to the jobs, which cron does not.
    setup = TICKS + f"sed -i /^TZ=/d /etc/environment; printf '%s' '{jobs}' | crontab -; "
    box = start("--env", "START=2026-03-02 02:55:00", "--env", "TZ=America/Sao_Paulo", setup=setup)
    box.until("+0000", "cat /tmp/job")
    box.until("-0300", "cat /tmp/told")


@stack
def test_16_stop_takes_ten_seconds(start: Callable[..., Box]) -> None:
    deaf, heard = start(init=False, setup="", cron="exec cron -f"), start(setup="", cron="exec cron -f")
    for box, least, most, exit_code in ((deaf, 3, 10, "137"), (heard, 0, 3, "143")):
        box.until("\n", "cat /run/crond.pid 2>/dev/null")
        begun = time.monotonic()
        docker("stop", "--time", "3", box.name)  # 10 s when nothing is said
        assert least <= time.monotonic() - begun < most
        assert box.state("ExitCode") == exit_code


@stack
def test_17_container_exits_at_once(start: Callable[..., Box]) -> None:
    gone = start(setup="", cron="exec cron")
    hidden = start(setup="", cron="cron && tail -f /dev/null")
    right = start(setup="", cron="exec cron -f")
    gone.until("exited", lambda: gone.state("Status"))
    assert (gone.state("ExitCode"), gone.log()) == ("0", "")
    for box in (hidden, right):
        box.until("killed", "kill $(cat /run/crond.pid) && echo killed")
    right.until("exited", lambda: right.state("Status"))
    assert hidden.state("Status") == "running"


@stack
def test_18_percent(start: Callable[..., Box]) -> None:
    box = start()
    box.crontab("* * * * * echo $(date +%H:%M) >> /tmp/out\n")
    box.until("CMD (echo $(date +)", box.log)
    box.never_wrote()
    box.crontab("* * * * * echo $(date +\\%H:\\%M) >> /tmp/out\n")
    box.until("09:", "cat /tmp/out")


@stack
def test_19_cannot_open_the_pid_file(start: Callable[..., Box]) -> None:
    flags = ("--read-only", "--tmpfs", "/etc/cron.d")
    faked = (
        "echo '* * * * * nobody id -un >> /tmp/out' > /etc/cron.d/report; export FAKETIME_DONT_RESET=1 "
        "FAKETIME='@2026-03-02 08:58:00 x240' LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1); " + TALKING
    )
    user = start("--user", "nobody", setup="", cron=TALKING)
    read_only = start(*flags, setup="", cron=faked)
    half = start(*flags, "--tmpfs", "/run", setup="", cron=faked)
    whole = start(*flags, "--tmpfs", "/run", "--tmpfs", "/tmp", setup="", cron=faked)
    user.until("cron: can't open or create /var/run/crond.pid: Permission denied", user.log)
    read_only.until("cron: can't open or create /var/run/crond.pid: Read-only file system", read_only.log)
    half.until("error (create tmpfile)", half.log)
    assert "No such file" in half.sh("cat /tmp/out")
    whole.until("nobody", "cat /tmp/out")


@stack
def test_20_jobs_pile_up(start: Callable[..., Box]) -> None:
    job = "echo + >> /tmp/{0}; sleep 200; echo - >> /tmp/{0}"
    box, replica = start(), start()
    piled = "* * * * * root " + job.format("piled") + "\n"
    locked = "* * * * * root flock -n /tmp/lock sh -c '" + job.format("locked") + "'\n"
    for each in (box, replica):
        each.drop_in("jobs", piled + locked)
    for file in ("piled", "locked"):
        box.until("-", f"cat /tmp/{file}")
    box.minutes(8)
    assert "+\n+\n+\n" in box.sh("cat /tmp/piled")
    assert "+\n-\n+" in box.until("+\n-\n+", "cat /tmp/locked")
    assert "+\n+" not in box.sh("cat /tmp/locked")
    replica.until("+", "cat /tmp/locked")  # a lock is of one container: the other runs the job too


def test_every_entry_has_its_test() -> None:
    page = PAGE.read_text()
    entries = re.split(r"^### (?=\d)", page, flags=re.MULTILINE)[1:]
    numbers = [int(entry.split(".")[0]) for entry in entries]
    assert numbers == list(range(1, 21))
    assert numbers == sorted(int(name[5:7]) for name in globals() if re.match(r"test_\d\d_", name))
    for entry in entries:
        assert re.findall(r"^\*\*(\w+)\*\*: \S", entry, re.MULTILINE) == ["Symptom", "Cause", "Fix"], entry[:60]
    anchors = re.findall(r"^### \d+\. .* \{ #([a-z0-9-]+) \}$", page, re.MULTILINE)
    assert len(anchors) == len(set(anchors)) == 20
    by_symptom = page[page.index("by symptom {") : page.index("## Ask first")]
    for number, anchor in enumerate(anchors, 1):
        assert re.search(rf"\[{number} [^]]+\]\(#{anchor}\)", by_symptom), f"no symptom leads to entry {number}"
