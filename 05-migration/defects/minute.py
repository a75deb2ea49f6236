"""Let real cron run four lines of the crontab in the next minute, the report with a wrong password, and count."""

import gzip
import subprocess
from pathlib import Path

import shop
from look import change, number, pids, until

SRV = Path("/srv/shop")
REPORT = SRV / "reports/today.csv.gz"
DONE = SRV / "log/products.log"


def crontab(text: str | None = None) -> str:
    """The crontab of the user shop; or install another."""
    command = ["crontab", "-u", "shop", "-l" if text is None else "-"]
    return subprocess.run(command, input=text, text=True, check=True, capture_output=True).stdout


def files(folder: str) -> set[Path]:
    """What is in a folder of the legacy machine."""
    return set((SRV / folder).iterdir())


def lines_of(text: str, word: str) -> list[str]:
    """The commands of a crontab that have a word in them."""
    return [line.split(maxsplit=5)[5] for line in text.splitlines() if word in line and line[0] in "*0123456789"]


def logged() -> int:
    """How many runs of products.py have left a line in its log."""
    return len(DONE.read_text().splitlines()) if DONE.exists() else 0


def hold_until_both_have_read() -> None:
    """Let nobody write into the search index before both lines for the products want to: a busy shop."""
    waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting%%' AND info LIKE %s"
    with shop.connect() as database, database.cursor() as cursor:
        cursor.execute("LOCK TABLES search_words WRITE")
        until(lambda: number(waiting, "INSERT INTO search_words%") == 2, "both lines for the products want to write")
        cursor.execute("UNLOCK TABLES")


def one_minute(theirs: str) -> None:
    """Let cron run the products, twice, the backup, and the report with a wrong password, all in the next minute."""
    settings = [line for line in theirs.splitlines() if "=" in line.split(" ")[0]]
    wrong = [line.replace(":beyond-cron@", ":changed@") for line in settings if line.startswith("SHOP_URL=")]
    jobs = [f"* * * * * {command}" for word in ("products.py", "mariadb-dump") for command in lines_of(theirs, word)]
    [report] = lines_of(theirs, "report.py")
    before = logged()
    REPORT.unlink(missing_ok=True)
    crontab("\n".join([*settings, *jobs, *wrong, f"* * * * * {report}", ""]))
    try:
        hold_until_both_have_read()
        until(REPORT.exists, "cron starts the report")
        both = before + len(lines_of(theirs, "products.py"))
        until(lambda: logged() == both, "both lines for the products have run")
        until(lambda: not pids("legacy/report.py"), "the report ends")
    finally:
        crontab(theirs)


def of_cron() -> list[tuple[str, str, bool]]:
    """Two lines for one job, a `%` that ends a line, and a failure that a pipe hides."""
    change("DELETE FROM search_words WHERE product MOD 2 = 0")
    change("UPDATE products SET status = 'new' WHERE id MOD 2 = 0")
    mails, backups = files("mail"), files("backup")
    one_minute(crontab())
    until(lambda: files("mail") > mails, "cron sends a mail")
    new = [mail.read_text() for mail in files("mail") - mails]
    backup = sum("mariadb-dump" in mail for mail in new)
    words = "FROM search_words WHERE product MOD 2 = 0"
    doubled = number(f"SELECT COUNT(*) - COUNT(DISTINCT product, word) {words}")
    rows = len(gzip.decompress(REPORT.read_bytes()).splitlines())
    made = len(files("backup") - backups)
    mailed = len(new) - backup
    return [
        ("cron: 2 lines for one job, started in the same minute, 600 words", f"{doubled} twice", doubled == 600),
        ("cron: 1 backup due, with `%` in its line", f"{made} made, {backup} mail", (made, backup) == (0, 1)),
        ("cron: 1 report failed, in a pipe", f"{mailed} mails, {rows} rows in the file", (mailed, rows) == (0, 0)),
    ]
