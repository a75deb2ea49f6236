"""What `lab cron lint` finds, and what it leaves in peace."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cron.command import app
from lab.cron.lint import lint, lint_file

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
    "* * * * * /x > /l 2>&1\n# the end",  # a comment and blanks need no newline
    "* * * * * /x > /l 2>&1\n  \t",
    f'MAILTO=""\n* * * * * /x {LOG}',
    f"GREETING=hello to 5 of 7 people\n* * * * * /x {LOG}",
    "*/5 * * * * flock -n /tmp/l -c 'echo x' > /dev/null 2>&1\n",
    f"0 0 * * * echo a \\& b {LOG}",
    f"0 0 * * * sleep $(( $(date +\\%s) \\% 60 )) && \\mv /a /b {LOG}",
    f"0 0 * * * case $1 in a) echo a;; b) echo b;; esac {LOG}",
    f"0 0 * * * mysql -u root db < /x.sql {LOG}",
    f"0 0 * * * [ -x /usr/bin/ts ] && date | /usr/bin/ts | ts {LOG}",
    "MAILTO=a\n0 0 * * * mail joe%Joe,%%text\n",  # input, as the manual has it
    f"0 0 29 2 * /x {LOG}",
    f"0 0 * * * cd /app && . venv/bin/activate && python x.py {LOG}",
    f"0 0 * * * systemctl is-active --quiet x || mount /y {LOG}",
]


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_crontab_is_left_in_peace(text: str) -> None:
    assert found(text) == []


AS_PACKAGES_HAVE_IT = [  # forms of Debian's own files in /etc/cron.d
    "09,39 * * * * root [ -x /usr/lib/x/clean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/x/clean; fi",
    "5-55/10 * * * * root command -v date > /dev/null && date 1 1",
    "@hourly www-data [ -f /usr/bin/x ] && systemctl is-active --quiet x && flock -n /run/x/lock /usr/share/x/y hourly",
    '30 */2 * * * root if ! nice ionice -c3 /usr/sbin/x >/run/x 2>&1; then mailx -s "x `hostname`" root </run/x; fi',
    "32 3 * * * munin dir=$({ cat /a/* 2>/dev/null || true; } | sed -nE 's/^(x)$/\\1/p'); if [ -d \"$dir\" ]; then rm $dir; fi",
    "0 * * * * root test -x /usr/sbin/x && { [ -r /etc/x ] && . /etc/x ; nice -n$LEVEL /usr/sbin/x -q ; }",
    "*/15 * * * * root [ -f /etc/x ] && if true; then TZ=UTC /usr/sbin/x --quiet; fi",
    "18 */3 * * * amavis test -e /usr/sbin/x && /usr/sbin/x sa-sync",
    "0 5 * * * hpc hpc import --all > /dev/null 2>&1",
    "15 4 * * * news test -x /usr/lib/news/bin/x && /usr/lib/news/bin/x expire",
]


@pytest.mark.parametrize("line", AS_PACKAGES_HAVE_IT)
def test_a_crontab_of_a_debian_package_is_left_in_peace(line: str) -> None:
    said = [what for _, _, what in found(f"MAILTO=root\n{line}\n", system=True)]
    assert [what for what in said if "hpc may not be found" not in what] == []


BROKEN = [
    (f"\ufeff* * * * * /x {LOG}", 1, "error", "the file starts with a byte order mark"),
    (f"* * * * * /x {LOG}* * * * * /y > /l 2>&1", 2, "error", "the last line has no newline at its end"),
    ("# c\n* * * * * /x > /l 2>&1\r\n\r\n", 2, "error", "CRLF line ends, 2 of them"),
    (f"* * * * * date +%F {LOG}", 1, "error", "% ends the command"),
    (f"* * * * * root /x {LOG}", 1, "error", "a user column in a user's crontab: cron runs a command called 'root'"),
    (f"* * * * * python3 /x.py {LOG}", 1, "warning", "python3 may not be found"),
    (f"* * * * * cd /app && python3 x.py {LOG}", 1, "warning", "python3 may not be found"),
    (f"* * * * * flock -n /l timeout -k 5 60 pip list {LOG}", 1, "warning", "pip may not be found"),
    (f"* * * * * [ -f /x ] && nice -n 5 uv run {LOG}", 1, "warning", "uv may not be found"),
    (f"* * * * * curl -fsS https://a.example/b%20c {LOG}", 1, "error", "% ends the command"),
    (f'* * * * * sh -c "date +%F" {LOG}', 1, "error", "% ends the command"),
    (f"* * * * * A=1 logrotate /x {LOG}", 1, "error", "logrotate is not found"),
    (f"* * * * * ./run.sh {LOG}", 1, "warning", "./run.sh is looked for in the home directory"),
    (f"* * * * * frobnicate {LOG}", 1, "warning", "frobnicate may not be found"),
    (f"* * * * * psql $DB_URL {LOG}", 1, "error", "$DB_URL is not set"),
    (f"* * * * * psql ${{DB_URL}} {LOG}", 1, "error", "$DB_URL is not set"),
    (f"* * * * * psql $DB_URL {LOG}DB_URL=later\n", 1, "error", "$DB_URL is not set"),
    (f"PATH=$PATH:/x\n* * * * * /x {LOG}", 1, "error", "cron expands nothing here: PATH will hold the text $PATH"),
    (f"LOGS=$HOME/log\n* * * * * /x {LOG}", 1, "warning", "cron expands nothing here: LOGS will hold the text $HOME"),
    ("CRON_TZ=UTC\n", 1, "warning", "CRON_TZ belongs to cronie"),
    ("TZ=America/New_York\n", 1, "warning", "TZ changes what a job prints, not when it starts"),
    ("TZ=America/New_York 0 9 * * * /x\n", 1, "error", "cron takes the whole line for the value of TZ"),
    ("CRON_TZ=UTC @daily /x\n", 1, "error", "cron takes the whole line for the value of CRON_TZ"),
    ("MAILTO=\n", 1, "warning", "MAILTO= without a value: the cron of Debian 12 refuses the whole file"),
    ('MAILTO="a@b c@d"\n', 1, "error", "cron sends no mail with the address 'a@b c@d'"),
    ('MAILTO = "a@b" # note\n', 1, "error", "the quotes of this setting are not closed, or something follows them"),
    ('"FOO=bar\n', 1, "error", "the quotes of this setting are not closed, or something follows them"),
    ("'A'B=1\n", 1, "error", "the quotes of this setting are not closed, or something follows them"),
    ("\u00a0* * * * * /x > /l 2>&1\n", 1, "error", "minute '\\xa0*'"),
    ("\v* * * * * /x > /l 2>&1\n", 1, "error", "minute '\\x0b*'"),
    ("@daily *foo\n", 1, "error", "the command cannot start with *; cron refuses the whole file"),
    ("*/2147483648 * * * * /x > /l 2>&1\n", 1, "error", "minute '*/2147483648'"),
    ("# x\n" * 10_001, 10_001, "error", "it has more than 10000 lines; cron refuses the whole file"),
    (f"* * * * * /x\0y {LOG}", 1, "error", "a byte that is 0"),
    (f"0 0 12 * * ? /bin/x {LOG}", 1, "error", "a sixth field: cron has five, and takes '?' for the command"),
    (f"0 0 12 ? * MON-FRI /bin/x {LOG}", 1, "error", "month '?': ? L and W belong to other schedulers"),
    (f"0 0/5 * * * ? /bin/x {LOG}", 1, "error", "hour '0/5': a step needs a range"),
    (f"0 9 * * * 2026 /bin/x {LOG}", 1, "error", "a sixth field: cron has five, and takes '2026' for the command"),
    ("export A=1\n", 1, "error", "export is the shell's word"),
    (f"0 0 31 2 * /x {LOG}", 1, "error", "'0 0 31 2 *' never runs"),
    (f"0 22-6 * * * /x {LOG}", 1, "error", "hour '22-6' runs backwards and matches nothing"),
    (f"24:00 * * * * /x {LOG}", 1, "warning", "minute '24:00' is read as '24'"),
    (f"0 6 1-7 * 1 /x {LOG}", 1, "warning", "both day fields are set"),
    (f"61 * * * * /x {LOG}", 1, "error", "minute '61': 61 is not between 0 and 59; cron refuses the whole file"),
    (f"* * * * * * /x {LOG}", 1, "error", "a sixth field"),
    ("* * * * *\n", 1, "error", "there is no command"),
    (f"* * * * * {'x' * 999}\n", 1, "error", "the command is longer than 998 bytes"),
    (f"* * * * * {'é' * 600}\n", 1, "error", "the command is longer than 998 bytes"),
    (f"* * * * * /x > /l 2>&1{' ' * 990}\n", 1, "error", "the command is longer than 998 bytes"),
    (f"0 8,22-6 * * * /x {LOG}", 1, "error", "hour '22-6' runs backwards and matches nothing"),
    (f"0 0 * * 7-3/2 /x {LOG}", 1, "error", "day of week '7-3/2' runs backwards and matches nothing"),
    (f"0 0 * * 5-00/2 /x {LOG}", 1, "error", "day of week '5-00/2' runs backwards and matches nothing"),
    (f"0 @reboot 3 4 5 6 /x {LOG}", 1, "error", "hour '@reboot': it takes numbers from 0 to 23"),
    (f"* * * * * date +\\\\%F {LOG}", 1, "error", "% ends the command"),  # the backslash escapes the other
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
    ("text", "fix"),
    [
        ("22-6", "22-23,0-6"),
        ("22-6/2", "22-23/2,0-6/2"),
        ("22-6/3", "22-23/3,1-6/3"),
        ("23-1/4", "23-23/4"),
        ("8,22-6", "8,22-23,0-6"),
        ("fri-sun", "fri-7"),
        ("6-0", "6-7"),
        ("sat-tue", "sat-7,1-tue"),
        ("sat-tue/2", "sat-7/2,1-tue/2"),
    ],
)
def test_a_backwards_range_is_repaired(text: str, fix: str) -> None:
    fields = f"0 {text} * * *" if text[0] in "28" else f"0 0 * * {text}"
    [finding] = lint(f"{fields} /x {LOG}".encode())
    assert finding.fix == f"write {fix}"
    assert found(f"{fields.replace(text, fix)} /x {LOG}") == []


@pytest.mark.parametrize(
    "command",
    [
        "node /app/index.js",
        "mysql -u root db",
        "mysql mysql -e x",
        "daemon /usr/bin/x",
        "postgres -D /data",
        "app /x",
        "root.sh /x",
        "mail root",
    ],
)
def test_no_command_is_taken_for_a_user(command: str) -> None:
    assert not [what for _, level, what in found(f"*/5 * * * * {command} {LOG}") if level == "error" or "user" in what]


@pytest.mark.parametrize(
    ("line", "what", "fix"),
    [
        ("every day at noon run", "minute 'every'", "begin a comment with #, and a job with five fields"),
        ("0 25 * * * /x", "hour '25': 25 is not between 0 and 23", 'try it with: lab cron explain "0 25 * * *"'),
        ("0 3 * * * root frobnicate", "a user column in a user's crontab", "remove root, if it is meant as the user"),
        ("daily /x", "minute 'daily'", "write @daily"),
        ("~ 3 * * * /x", "minute '~'", "write a number"),
        ("0 0 12 ? * MON-FRI /x", "month '?'", "leave out the seconds: 0 12 * * MON-FRI"),
        ("0 0 12 ? * 2-6 /x", "month '?'", "leave out the seconds, and write the weekday by name"),  # 1 is Sunday there
        ("0 0 12 * * ? /x", "a sixth field", "leave out the seconds: 0 12 * * *"),
        ("H 3 * * * /x", "minute 'H': it takes numbers from 0 to 59; H belongs to Jenkins", "write a number"),
        ("MAILTO='a", "the quotes of this setting", 'write NAME="value", and nothing after it'),
    ],
)
def test_what_is_advised(line: str, what: str, fix: str) -> None:
    finding = next(finding for finding in lint(f"{line}\n".encode()) if finding.level == "error")
    assert finding.what.startswith(what)
    assert fix in finding.fix


@pytest.mark.parametrize(
    "user", ["root", "www-data", "shop", "mysql mysql -e x", "git", "logcheck if true; then", "list ["]
)
def test_a_system_crontab_has_a_user_column(user: str) -> None:
    assert found(f"* * * * *  {user}\t/x {LOG}", system=True) == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("0 9 * * * root", "there is no command after the user root"),
        ("@daily", "there is no user and no command"),
        ("@daily root", "there is no command after the user root"),
        ("0 0 12 * * ? root /x", "a sixth field: cron has five, and takes '?' for the user"),
        ("0 9 * * * certbot renew", "the user column is missing: cron looks for a user 'certbot'"),
        ("0 9 * * * backup --all", "the user column is missing: cron looks for a user 'backup'"),
        ("0 9 * * * matomo archive", "cron takes 'matomo' for the user, and 'archive' for the command"),
        ("0 9 * * * git gc", "cron takes 'git' for the user, and 'gc' for the command"),
        ("0 9 * * * node /app/index.js", "cron takes 'node' for the user, and '/app/index.js' for the command"),
    ],
)
def test_what_else_a_system_crontab_lacks(line: str, what: str) -> None:
    assert what in [said for _, _, said in found(f"{line}\n", system=True)]


@pytest.mark.parametrize(
    "command",
    [
        "/x",
        "cd /x && ./y",
        "find /x",
        "sync",
        "python3 /app/x.py",
        "php x.php",
        "npm run x",
        "docker ps",
        "mysql -e x",
        "x.sh",
        "LOG=/x /y",
        "(cd /x && ./y)",
        "{ /x; }",
        "if /x; then /y; fi",
        "while /x; do /y; done",
        "for i in 1 2; do /x; done",
        "! /x",
        "$HOME/x",
        "$PYTHON /x",
    ],
)
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


def test_standard_input() -> None:
    result = CliRunner().invoke(app, ["lint", "-"], input="61 * * * * /x")
    assert result.exit_code == 1
    assert result.output.startswith("-:1: error: the last line has no newline at its end")


def test_what_is_no_text_is_printed_as_escapes() -> None:
    result = CliRunner().invoke(app, ["lint", "-"], input=b"* * * * * \x1b[2J\xff > /l\n\xff\n")
    assert result.exit_code == 1
    assert all(character.isprintable() for line in result.output.splitlines() for character in line)
