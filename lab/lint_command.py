"""What is wrong with the command of a crontab line, under the shell, the PATH and the environment that cron gives it.

A job gets /bin/sh (dash), PATH=/usr/bin:/bin, HOME, LOGNAME and SHELL, and starts in its home directory: measured on
Debian's cron, and repeated by tests/test_troubleshooting.py.
"""

import re
import shlex
from collections.abc import Iterator, Mapping

Fault = tuple[str, str, str]  # "error" or "warning", what it is, how to repair it


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


PRESET = words("HOME LOGNAME PATH SHELL PWD OLDPWD PPID IFS OPTIND OPTARG")
BUILTINS = words(
    ". : [ [[ alias break cd command continue echo eval exec exit export false getopts hash jobs kill local printf pwd "
    "read readonly return set shift source test times trap true type ulimit umask unalias unset wait"
)
BEFORE_A_COMMAND = words("if then elif else while until do ! {")
NOT_A_COMMAND = words("fi done esac } for case in")
USUAL = words("""
awk base64 basename bash bc bzip2 cat chgrp chmod chown cksum clickhouse-client cmp comm cp csplit curl cut dash date dd
df diff dirname du egrep env expand expr fgrep file find flock fmt fold git gpg grep gunzip gzip head hostname id
install ionice join jq last less link ln logger login ls lsof mail mailx mariadb mariadb-dump mawk md5sum mkdir mkfifo
mktemp mv mysql mysqladmin mysqldump nice nl nohup nproc numfmt od openssl paste perl pg_dump pg_dumpall pg_isready
pgrep pkill printenv ps psql readlink realpath redis-cli renice rev rm rmdir rsync run-parts scp sed sendmail seq setsid
sh sha1sum sha256sum shuf sleep sort split sqlite3 ssh stat stdbuf su sudo sync tac tail tar tee timeout touch tr
truncate tsort tty uname uniq unlink unxz unzip uptime users uuidgen vmstat wc wget which who whoami xargs xz yes zcat
zgrep zip zstd
""")
IN_LOCAL_BIN = re.compile(
    r"(python|pip)[\d.]*|node|npm|npx|yarn|uv|poetry|prefect|airflow|dbt|celery|gunicorn|pytest|docker(-compose)?|aws|go"
    r"|php|composer|ruby|bundle|rake|java|supercronic"
)
IN_SBIN = re.compile(r"logrotate|service|ip|iptables|useradd|reboot|shutdown|cron|ldconfig|sysctl")
WRAPPERS = {"flock": 1, "timeout": 1} | dict.fromkeys(("nice", "ionice", "env", "nohup", "exec", "setsid", "time"), 0)
TAKES_A_VALUE = re.compile(r"-[ncksEwu]|--(wait|timeout|signal|kill-after|adjustment)")
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


def command_faults(command: str, variables: Mapping[str, str]) -> Iterator[Fault]:
    """What breaks a command, given the variables that the crontab sets above it."""
    if len(command) > 998:
        yield "error", "the command is longer than 998 characters: cron refuses the file", "put it in a script"
    if re.search(r"(?<!\\)%", command):
        yield "error", "% ends the command, what follows becomes its input", "write \\%"
    unquoted = re.sub(r"\\.|'[^']*'", " ", command.replace("\\%", "%"))
    yield from shell_faults(unquoted, variables.get("SHELL", "/bin/sh"))
    yield from environment_faults(unquoted, variables)
    yield from path_faults(command, variables)
    yield from output_faults(unquoted, variables)


def shell_faults(unquoted: str, shell: str) -> Iterator[Fault]:
    """Words of bash where the shell is another one."""
    if shell.endswith(("bash", "zsh")) or re.search(r"\b(bash|zsh)\b.*\s-\w*c\b", unquoted):
        return
    for pattern, name, fix in BASHISMS:
        if pattern.search(unquoted):
            yield "error", f"{name} is bash, and {shell} is not", f"{fix}, or put SHELL=/bin/bash above"


def environment_faults(unquoted: str, variables: Mapping[str, str]) -> Iterator[Fault]:
    """Variables that the command reads and nothing sets; a command that sources a file may have them from there."""
    if re.search(r"(^|[\s;&|(])(\.|source)\s", unquoted):
        return
    known = PRESET | set(variables) | set(re.findall(r"(?:^|[\s;&|({])(\w+)=", unquoted))
    known |= set(re.findall(r"\b(?:for|read)\s+(?:-r\s+)?(\w+)", unquoted))
    with_default = re.compile(r"\$\{\w+:?[-=+]")
    for name in dict.fromkeys(re.findall(r"\$\{?([A-Za-z_]\w*)", with_default.sub("", unquoted))):
        if name not in known:
            what = f"${name} is not set: the environment of the container never reaches a job"
            yield "error", what, f"put {name}=… on a line above, or have a script read it from a file"


def path_faults(command: str, variables: Mapping[str, str]) -> Iterator[Fault]:
    """Programs that the job would not find."""
    if "PATH" in variables or re.search(r"\bPATH=", command):
        return
    for word in dict.fromkeys(programs(command)):
        if word[0] in "/$~`\"'" or word in USUAL or word in BUILTINS:
            continue
        if "/" in word:
            if not re.search(r"(^|[;&|(]\s*)cd\s", command):
                yield "error", f"{word} is looked for in the home directory", "write its full path, or cd first"
            continue
        where = "/usr/local/bin" if IN_LOCAL_BIN.fullmatch(word) else "/usr/sbin" if IN_SBIN.fullmatch(word) else ""
        if where:
            what = f"{word} is not found: PATH is /usr/bin:/bin, in most images it is in {where}"
            yield "error", what, f"write {where}/{word}"
        else:
            yield "warning", f"{word} may not be found: PATH is /usr/bin:/bin", "write its full path"


def programs(command: str) -> Iterator[str]:
    """The first word of each simple command, past assignments and wrappers such as `flock -n file`."""
    reader = shlex.shlex(command.replace("\\%", "%"), posix=False, punctuation_chars=True)
    reader.wordchars += "@:%+^,$[]{}!\\"
    try:
        tokens = list(reader)
    except ValueError:  # an open quote: the shell will say so
        return
    expected, operands, value = True, 0, False
    for token in tokens:
        if set(token) <= set("();<>|&"):
            if not {"<", ">"} & set(token):
                expected, operands, value = not token.endswith(")"), 0, False
        elif not expected or re.match(r"\w+=", token) or token in BEFORE_A_COMMAND:
            continue
        elif value or token.startswith("-"):
            value = not value and bool(TAKES_A_VALUE.fullmatch(token))
        elif operands:
            operands -= 1
        elif token in WRAPPERS:
            operands = WRAPPERS[token]
        else:
            expected = False
            if token not in NOT_A_COMMAND:
                yield token


def output_faults(unquoted: str, variables: Mapping[str, str]) -> Iterator[Fault]:
    """Output that goes to a mail nobody gets; a line with MAILTO above it is taken to want that."""
    if "MAILTO" in variables:
        return
    if not re.search(r"[>|]", unquoted):
        yield "warning", "its output goes to a mail, and is lost without a mail server", "add >> /var/log/cron.log 2>&1"
    elif re.search(r"2>&1\s*>>?\s*[^&\s]", unquoted):
        yield "warning", "2>&1 stands before the file, so errors still go to a mail", "move 2>&1 to the end"
    elif not re.search(r"2>|&>|\|", unquoted):
        yield "warning", "its errors go to a mail, and are lost without a mail server", "add 2>&1 at the end"
