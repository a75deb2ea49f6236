"""Let real cron run four lines of the crontab in the next minute, the report with a wrong password, and count."""

import gzip
import subprocess
from pathlib import Path

from look import change, number, pids, until

SRV = Path("/srv/shop")
REPORT = SRV / "reports/today.csv.gz"
DONE = SRV / "log/products.log"


def crontab(text: str | None = None) -> str:
    """The crontab of the user shop; or install another."""
    command = ["crontab", "-u", "shop", "-l" if text is None else "-"]
    return subprocess.run(command, input=text, text=True, check=True, capture_output=True).stdout


def lines_of(text: str, word: str) -> list[str]:
    """The commands of a crontab that have a word in them."""
    return [line.split(maxsplit=5)[5] for line in text.splitlines() if word in line and line[0] in "*0123456789"]


def of_cron() -> list[tuple[str, str]]:
    """Two lines for one job, a `%` that ends a line, and a failure that a pipe hides."""
    theirs = crontab()
    settings = [line for line in theirs.splitlines() if "=" in line.split(" ")[0]]
    [report], [backup], products = (lines_of(theirs, word) for word in ("report.py", "mariadb-dump", "products.py"))
    wrong = [line.replace(":beyond-cron@", ":changed@") for line in settings if line.startswith("SHOP_URL=")]
    jobs = [f"* * * * * {command}" for command in (*products, backup)]
    change("DELETE FROM search_words WHERE product MOD 2 = 0")
    change("UPDATE products SET status = 'new' WHERE id MOD 2 = 0")
    logged = len(DONE.read_text().splitlines()) if DONE.exists() else 0
    mails, backups = (set((SRV / folder).iterdir()) for folder in ("mail", "backup"))
    REPORT.unlink(missing_ok=True)
    crontab("\n".join([*settings, *jobs, *wrong, f"* * * * * {report}", ""]))
    try:
        until(REPORT.exists)
        until(lambda: len(DONE.read_text().splitlines()) == logged + len(products))
        until(lambda: not pids("legacy/report.py"))
    finally:
        crontab(theirs)
    until(lambda: bool(set((SRV / "mail").iterdir()) - mails))
    new = [mail.read_text() for mail in set((SRV / "mail").iterdir()) - mails]
    words = "FROM search_words WHERE product MOD 2 = 0"
    doubled = number(f"SELECT COUNT(*) - COUNT(DISTINCT product, word) {words}")
    made = len(set((SRV / "backup").iterdir()) - backups)
    about = sum("unexpected EOF" in mail for mail in new)
    rows = len(gzip.decompress(REPORT.read_bytes()).splitlines())
    return [
        (f"cron: {len(products)} lines for one job, started in the same minute, 600 words", f"{doubled} twice"),
        ("cron: 1 backup due, with `%` in its line", f"{made} made, {about} mail"),
        ("cron: 1 report failed, in a pipe", f"{len(new) - about} mails, {rows} rows in the file"),
    ]
