"""What `lab cron lint` finds, and what it leaves in peace."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cron_cli import app
from lab.lint import lint, lint_file

LOG = ">> /var/log/cron.log 2>&1\n"


def found(text: str | bytes, system: bool = False) -> list[tuple[int, str, str]]:
    raw = text.encode() if isinstance(text, str) else text
    return [(finding.line, finding.level, finding.what) for finding in lint(raw, system)]


SOUND = [
    "",
    "# a comment\n\n",
    f"* * * * * /usr/local/bin/python3 /app/app.py {LOG}",
    f"@daily flock -n /tmp/lock /app/backup.sh {LOG}",
    f"*/5 * * * * cd /app && ./run.sh {LOG}",
    f"PATH=/usr/local/bin:/usr/bin:/bin\n* * * * * python3 /app/app.py {LOG}",
    f"DB_URL=postgres://shop\n* * * * * psql \"$DB_URL\" -c 'select $1' {LOG}",
    f"* * * * * . /app/env && curl -fsS $PING_URL {LOG}",
    f'* * * * * echo "$(date +\\%F) ${{NAME:-nobody}}" {LOG}',
    f"SHELL=/bin/bash\n* * * * * [[ -f /x ]] && rm /x {LOG}",
    f"* * * * * bash -c '[[ -f /x ]]' {LOG}",
    f"* * * * * for i in 1 2; do echo $i; done {LOG}",
    f"* * * * * N=1; echo $N $? {LOG}",
    f"0 3 * * * timeout -k 5 60 find /tmp -name '*.log' -exec rm {{}} + {LOG}",
    f"* * * * * if [ -f /a ]; then (rm /a); fi {LOG}",
    "* * * * * /app/run.sh 2>&1 | logger\n",
    "MAILTO=ops@example.org\n* * * * * /app/run.sh\n",
    f"0 22-23,0-6 * * * /app/run.sh {LOG}",
    f"* * * * * tar czf /b/b-$(date +\\%F).tgz /data {LOG}",
]


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_crontab_is_left_in_peace(text: str) -> None:
    assert found(text) == []


BROKEN = [
    (f"\ufeff* * * * * /x {LOG}", 1, "error", "the file starts with a byte order mark"),
    (f"* * * * * /x {LOG}* * * * * /y > /l 2>&1", 2, "error", "the last line has no newline at its end"),
    ("# c\n* * * * * /x > /l 2>&1\r\n\r\n", 2, "error", "CRLF line ends, 2 of them"),
    (f"* * * * * date +%F {LOG}", 1, "error", "% ends the command"),
    (f"* * * * * root /x {LOG}", 1, "error", "a user column in a user's crontab: cron runs a command called 'root'"),
    (f"* * * * * python3 /x.py {LOG}", 1, "error", "python3 is not found"),
    (f"* * * * * cd /app && python3 x.py {LOG}", 1, "error", "python3 is not found"),
    (f"* * * * * flock -w 5 /l timeout -k 5 60 pip list {LOG}", 1, "error", "pip is not found"),
    (f"* * * * * A=1 logrotate /x {LOG}", 1, "error", "logrotate is not found"),
    (f"* * * * * ./run.sh {LOG}", 1, "error", "./run.sh is looked for in the home directory"),
    (f"* * * * * frobnicate {LOG}", 1, "warning", "frobnicate may not be found"),
    (f"* * * * * psql $DB_URL {LOG}", 1, "error", "$DB_URL is not set"),
    (f"* * * * * psql ${{DB_URL}} {LOG}", 1, "error", "$DB_URL is not set"),
    (f"* * * * * psql $DB_URL {LOG}DB_URL=later\n", 1, "error", "$DB_URL is not set"),
    (f"PATH=$PATH:/x\n* * * * * /x {LOG}", 1, "error", "cron expands nothing here: PATH will hold the text $PATH"),
    (f"LOGS=$HOME/log\n* * * * * /x {LOG}", 1, "warning", "cron expands nothing here: LOGS will hold the text $HOME"),
    ("CRON_TZ=UTC\n", 1, "warning", "CRON_TZ belongs to cronie"),
    ("export A=1\n", 1, "error", "export is the shell's word"),
    (f"0 0 31 2 * /x {LOG}", 1, "error", "'0 0 31 2 *' never runs"),
    (f"0 22-6 * * * /x {LOG}", 1, "error", "hour '22-6' runs backwards and matches nothing"),
    (f"24:00 * * * * /x {LOG}", 1, "warning", "minute '24:00' is read as '24'"),
    (f"0 6 1-7 * 1 /x {LOG}", 1, "warning", "both day fields are set"),
    (f"61 * * * * /x {LOG}", 1, "error", "minute '61': 61 is not between 0 and 59; cron refuses the whole file"),
    (f"* * * * * * /x {LOG}", 1, "error", "a sixth field"),
    ("* * * * *\n", 1, "error", "there is no command"),
    (f"* * * * * {'x' * 999}\n", 1, "error", "the command is longer than 998 characters"),
    (f"* * * * * [[ -f /x ]] && rm /x {LOG}", 1, "error", "[[ … ]] is bash"),
    (f"* * * * * source /x {LOG}", 1, "error", "source is bash"),
    ("* * * * * /x &> /l\n", 1, "error", "&> is bash"),
    ("* * * * * /x\n", 1, "warning", "its output goes to a mail"),
    ("* * * * * /x > /l\n", 1, "warning", "its errors go to a mail"),
    ("* * * * * /x 2>&1 > /l\n", 1, "warning", "2>&1 stands before the file"),
]


@pytest.mark.parametrize(("text", "line", "level", "what"), BROKEN)
def test_what_breaks_is_found_on_its_line(text: str, line: int, level: str, what: str) -> None:
    assert [(at, severity) for at, severity, said in found(text) if said.startswith(what)] == [(line, level)]


@pytest.mark.parametrize(
    ("text", "fix"), [("22-6", "22-23,0-6"), ("fri-sun", "fri-7"), ("6-0", "6-7"), ("sat-tue", "sat-7,1-tue")]
)
def test_a_backwards_range_is_repaired(text: str, fix: str) -> None:
    fields = f"0 {text} * * *" if text[0] == "2" else f"0 0 * * {text}"
    [finding] = lint(f"{fields} /x {LOG}".encode())
    assert finding.fix == f"write {fix}"
    assert found(f"{fields.replace(text, fix)} /x {LOG}") == []


@pytest.mark.parametrize("user", ["root", "www-data", "shop"])
def test_a_system_crontab_has_a_user_column(user: str) -> None:
    assert found(f"* * * * *  {user}\t/x {LOG}", system=True) == []


@pytest.mark.parametrize("command", ["/x", "cd /x && ./y", "find /x", "sync"])
def test_a_system_crontab_without_a_user_column(command: str) -> None:
    [(line, level, what), *_] = found(f"* * * * * {command}\n", system=True)
    assert (line, level, what.partition(":")[0]) == (1, "error", "the user column is missing")


def test_mode_and_name_of_a_system_crontab(tmp_path: Path) -> None:
    drop_in = tmp_path / "cron.d" / "shop.cron"
    drop_in.parent.mkdir()
    drop_in.write_text(f"* * * * * root /x {LOG}")
    drop_in.chmod(0o664)
    assert [finding.level for finding in lint_file(drop_in, system=True)] == ["error", "error"]
    assert lint_file(drop_in.rename(tmp_path / "shop.txt"))[0].level == "error"  # root is a command there
    drop_in = (tmp_path / "shop.txt").rename(tmp_path / "shop")
    drop_in.chmod(0o644)
    assert lint_file(drop_in, system=True) == []


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["lint", *map(str, words)])
    return result.exit_code, result.output


def test_one_line_for_each_finding_and_a_summary(tmp_path: Path) -> None:
    file = tmp_path / "crontab.txt"
    file.write_text(f"* * * * * root /x {LOG}* * * * * /y\n")
    assert run(file) == (
        1,
        f"{file}:1: error: a user column in a user's crontab: cron runs a command called 'root' → remove root\n"
        f"{file}:2: warning: its output goes to a mail, and is lost without a mail server → "
        "add >> /var/log/cron.log 2>&1\n"
        "1 error, 1 warning\n",
    )


def test_exit_codes(tmp_path: Path) -> None:
    file = tmp_path / "crontab.txt"
    assert run(file) == (2, f"{file} cannot be read: no such file or directory\n")
    assert run(tmp_path) == (2, f"{tmp_path} cannot be read: is a directory\n")
    file.write_text("* * * * * /x\n")
    assert run(file)[0] == 0  # a warning is no error
    file.write_text(f"* * * * * /x {LOG}")
    assert run(file) == (0, f"{file}: nothing found\n")
