"""What is wrong with the command of a crontab line, under the shell, the PATH and the environment that cron gives it.

A job gets /bin/sh (dash), PATH=/usr/bin:/bin, HOME, LOGNAME and SHELL, and starts in its home directory: measured on
Debian's cron, and repeated by tests/test_troubleshooting.py.
"""

import re
from collections.abc import Iterator, Mapping

from lab.cron.crontab import cut_at_percent

Problem = tuple[str, str, str]  # "error" or "warning", what it is, how to repair it


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


PRESET = words("HOME LOGNAME PATH SHELL LANG PWD OLDPWD PPID IFS OPTIND OPTARG")
BUILTINS = words(
    ". : [ [[ alias break cd command continue echo eval exec exit export false getopts hash jobs kill local printf pwd "
    "read readonly return set shift source test times trap true type ulimit umask unalias unset wait"
)
BEFORE_A_COMMAND = words("if then elif else while until do ! {")
NOT_A_COMMAND = words("fi done esac } ) for case in")
USUAL = words("""
apt-get awk base64 basename bash bc borg bzip2 cat certbot chgrp chmod chown cksum clickhouse-client cmp comm cp
csplit curl cut dash date dd df diff dirname du egrep env expand expr fgrep file find flock fmt fold git gpg grep
gunzip gzip head hostname id install ionice ip join journalctl jq last less link ln logger login ls lsof mail mailx
mariadb mariadb-dump mawk md5sum mkdir mkfifo mktemp mount mountpoint mv mysql mysqladmin mysqldump nice nl nohup
nproc numfmt od openssl paste perl pg_dump pg_dumpall pg_isready pgrep pidof ping pkill printenv ps psql rclone
readlink realpath redis-cli renice restic rev rm rmdir rsync run-parts scp sed sendmail seq setsid sh sha1sum
sha256sum shuf sleep sort split sqlite3 ssh stat stdbuf su sudo sync systemctl tac tail tar tee timeout touch tr
truncate tsort tty umount uname uniq unlink unxz unzip uptime users uuidgen vmstat wc wget which who whoami xargs xz
yes zcat zgrep zip zstd
""")
IN_LOCAL_BIN = re.compile(
    r"(python|pip)[\d.]*|node|npm|npx|yarn|uv|poetry|prefect|airflow|dbt|celery|gunicorn|pytest|docker(-compose)?|aws|go"
    r"|php|composer|ruby|bundle|rake|java|supercronic"
)
IN_SBIN = re.compile(r"logrotate|service|iptables|useradd|reboot|shutdown|cron|ldconfig|sysctl")
WRAPPERS = {  # a program that starts another: how many operands stand before that one, and which options take a value
    "flock": (1, words("-w -E -c --wait --timeout --conflict-exit-code --command")),
    "timeout": (1, words("-k -s --kill-after --signal")),
    "nice": (0, words("-n --adjustment")),
    "ionice": (0, words("-c -n --class --classdata")),
    "env": (0, words("-u -C --unset --chdir")),
    "sudo": (0, words("-u -g --user --group")),
    "exec": (0, words("-a")),
    "stdbuf": (0, words("-i -o -e")),
} | dict.fromkeys(("nohup", "setsid", "time", "chronic"), (0, frozenset()))
READS_STDIN = words("""
mail mailx sendmail wall write cat tee sh bash dash mysql mariadb psql sqlite3 redis-cli bc dc ed logger xargs ssh perl
""")
QUOTED = r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`"""
TOKEN = re.compile(
    rf"""(?P<redirect>\d*(?:&>>?|<<<|<<-?|>>|>\||<>|[<>]&?))|(?P<operator>[;&|]+|[()\n])|(?P<word>(?:{QUOTED}|[^\s;&|()<>])+)""",
    re.DOTALL,
)
SOURCES = re.compile(r"(^|[\s;&|(])(\.|source)\s")  # a file that may set anything, PATH too
BASHISMS = (
    (re.compile(r"\[\["), "[[ … ]]", "write [ … ]"),
    (re.compile(r"(^|[;&|({]\s*)source\s"), "source", "write a dot: . file"),
    (re.compile(r"&>"), "&>", "write > file 2>&1"),
    (re.compile(r"[<>]\("), "<( … )", "use a pipe"),
    (re.compile(r"<<<"), "<<<", "use echo … |"),
    (re.compile(r"\|&"), "|&", "write 2>&1 |"),
    (re.compile(r"\{\w+\.\.\w+\}"), "{1..9}", "use seq"),
    (re.compile(r"\$\{\w+(\^|,|/|:\d)"), "${x/…}", "use sed or cut"),
    (re.compile(r"(?<!\[)\[\s[^]]*=="), "== in [ … ]", "write ="),
)


def command_problems(command: str, variables: Mapping[str, str]) -> Iterator[Problem]:
    """What breaks a command; `variables` are those that the crontab sets above it."""
    if has_input(command):
        command, _ = cut_at_percent(command)
    if cut_at_percent(command)[1] is not None:
        yield "error", "% ends the command, what follows becomes its input", "write \\%"
    unquoted = re.sub(r"\\.|'[^']*'", " ", command.replace("\\%", "%"))
    yield from shell_problems(unquoted, variables.get("SHELL", "/bin/sh"))
    yield from environment_problems(unquoted, variables)
    yield from path_problems(command, variables)
    yield from output_problems(unquoted, variables)


def shell_problems(unquoted: str, shell: str) -> Iterator[Problem]:
    """Words of bash where the shell is another one."""
    if shell.endswith(("bash", "zsh")) or re.search(r"\b(bash|zsh)\b.*\s-\w*c\b", unquoted):
        return
    for pattern, name, fix in BASHISMS:
        if pattern.search(unquoted):
            yield "error", f"{name} is bash, and {shell} is not", f"{fix}, or put SHELL=/bin/bash above"


def environment_problems(unquoted: str, variables: Mapping[str, str]) -> Iterator[Problem]:
    """Variables that the command reads and nothing sets; a command that sources a file may have them from there."""
    if SOURCES.search(unquoted):
        return
    known = PRESET | set(variables) | set(re.findall(r"(?:^|[\s;&|({])(\w+)=", unquoted))
    known |= set(re.findall(r"\b(?:for|read)\s+(?:-r\s+)?(\w+)", unquoted))
    with_default = re.compile(r"\$\{\w+:?[-=+]")
    for name in dict.fromkeys(re.findall(r"\$\{?([A-Za-z_]\w*)", with_default.sub("", unquoted))):
        if name not in known:
            what = f"${name} is not set: cron gives a job none of your environment"
            yield "error", what, f"put {name}=… on a line above, or have a script read it from a file"


def path_problems(command: str, variables: Mapping[str, str]) -> Iterator[Problem]:
    """Programs that the job may not find."""
    if "PATH" in variables or re.search(r"\bPATH=", command) or SOURCES.search(command):
        return
    for word in dict.fromkeys(programs(command)):
        if word in USUAL | BUILTINS or word[0] in "/$~" or set(word) & set("\"'`\\") or f"bin/{word} " in command:
            continue
        if "/" in word:
            if not re.search(r"(^|[;&|(]\s*)cd\s", command):
                yield "warning", f"{word} is looked for in the home directory", "write its full path, or cd first"
        elif IN_SBIN.fullmatch(word):
            yield "error", f"{word} is not found: PATH is /usr/bin:/bin, it is in /usr/sbin", f"write /usr/sbin/{word}"
        elif IN_LOCAL_BIN.fullmatch(word):
            what = f"{word} may not be found: PATH is /usr/bin:/bin, official images have it in /usr/local/bin"
            yield "warning", what, "write its full path"
        else:
            yield "warning", f"{word} may not be found: PATH is /usr/bin:/bin", "write its full path"


def programs(command: str) -> Iterator[str]:
    """The first word of each simple command, past assignments and wrappers such as `flock -n file`."""
    text = re.sub(r"\$\(\(.*?\)\)", "0", command.replace("\\%", "%"))
    for simple in simple_commands(text):
        if name := program(simple):
            yield name.removeprefix("\\")


def simple_commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command of a line, without redirections; the pattern of a `case` is none."""
    simple: list[str] = []
    depth, target = 0, False
    for token in TOKEN.finditer(text):
        if token["redirect"]:
            target = True
        elif token["word"]:
            if not target:
                simple.append(token["word"])
            target = False
        else:
            depth += {"(": 1, ")": -1}.get(token["operator"], 0)
            if depth >= 0:
                yield simple
            closes = token["operator"] == ")" and depth >= 0
            simple, depth, target = [")"] if closes else [], max(depth, 0), False
    yield simple


def program(simple: list[str]) -> str:
    """The program that a simple command starts; empty when it starts none."""
    operands, options, value = 0, words(""), False
    for word in simple:
        if re.match(r"\w+=", word) or word in BEFORE_A_COMMAND:
            continue
        if value or word.startswith("-"):
            value = not value and word in options
        elif operands:
            operands -= 1
        elif word in WRAPPERS:
            operands, options = WRAPPERS[word]
        else:
            return "" if word in NOT_A_COMMAND else word
    return ""


def has_input(command: str) -> bool:
    """Whether the first % is meant to begin the input: a program that reads it stands before, and nothing is open."""
    before, after = cut_at_percent(command)
    if (
        after is None
        or before[-1:] in ("", " ", "\t", "+")
        or re.sub(QUOTED, "", before).count("$(")
        or open_quote(before)
    ):
        return False
    return (list(programs(before)) or [""])[-1].rpartition("/")[2] in READS_STDIN


def open_quote(text: str) -> bool:
    """Whether a quotation mark in the text has no partner."""
    return bool(re.search(r"[\"'`]", re.sub(QUOTED, "", text)))


def output_problems(unquoted: str, variables: Mapping[str, str]) -> Iterator[Problem]:
    """Output that goes to a mail that nobody gets; where MAILTO is set above, it is wanted."""
    if "MAILTO" in variables:
        return
    if not re.search(r">|(?<!\|)\|(?!\|)", unquoted):
        yield "warning", "its output goes to a mail, and is lost without a mail server", "add >> /var/log/cron.log 2>&1"
    elif re.search(r"2>&1\s*>>?\s*[^&\s]", unquoted):
        yield "warning", "2>&1 stands before the file, so errors still go to a mail", "move 2>&1 to the end"
    elif not re.search(r"2>|&>|(?<!\|)\|(?!\|)", unquoted):
        yield "warning", "its errors go to a mail, and are lost without a mail server", "add 2>&1 at the end"
