"""Debian's own `crontab -n` and lab.crontab give the same verdict on every line."""

import itertools
import subprocess
from pathlib import Path

import pytest

from lab.crontab import NAMES, NICKNAMES, BadSchedule, split_line

LESSON = Path(__file__).parent.parent / "02-cron"
IMAGE = "02-cron-python-app"
ASK = """while IFS= read -r line; do
    printf '%s /bin/true\\n' "$line" > /tmp/crontab
    if crontab -n /tmp/crontab > /dev/null 2>&1; then echo valid; else echo invalid; fi
done"""

PARTS = """
* 0 1 5 7 8 12 13 23 24 31 32 59 60 61 00 007 +5 1.5 1;2 x 1a ? L 5L 15W LW 5#2 H 24:00 0~10
1-5 5-1 0-7 1-59 1- -1 1-5-7 *-5 *,5 5,* 1,3,5 1,,3 ,1 1, 1-5,9
*/1 */2 */7 */0 */70 */ */a */5x */5. 5/10 1-5/2 1-5/99 1-5/0 1-5/
jan JAN Feb january jan-mar dec-jan jan,mar
sun Sun sunday mon-fri sun-fri fri-sun mon-5 mon-fri/2 0-sat mon,wed tue#
"""
BY_HAND = [
    *(f"@{name}" for name in NICKNAMES),
    *("@reboot", "@Daily", "@DAILY", "@every", "@every_minute", "@fortnightly", "@", "@daily @daily", "@ daily"),
    *("   * * * * *", "\t*\t*\t*\t*\t*", "*  *   * * *", "* * * *", "* * *", "*", "", "* * * * * *", "0 0 0 * * *"),
    *("0 0 * * * 2026", "0 0 1 1 * *", "*/5 * * * * *", "* * * * * ?", "* * 31 2 *", "0 0 30 2 1", "1 -5 * * *"),
    *("1, 2 * * * *", "* * * * *;", "'* * * * *'", '"* * * * *"', "0 0 1,15 * 1", "59 23 31 12 7", "*\u00a0* * * *"),
    *("A=1", "export A=1", "A = 1", 'A="1" 2', "# comment", "minute hour day month weekday", "٥ * * * *", "é * * * *"),
]


def lines() -> list[str]:
    """Every part in every field, then lines written by hand."""
    systematic = []
    for place, part in itertools.product(range(len(NAMES)), PARTS.split()):
        fields = ["*"] * len(NAMES)
        fields[place] = part
        systematic.append(" ".join(fields))
    return systematic + BY_HAND


def verdict(line: str) -> str:
    """lab's verdict; settings and comments are no schedules, and lab.crontab is not asked about them."""
    if line.startswith("#") or line in ("A=1", "A = 1"):
        return "valid"
    try:
        split_line(f"{line} /bin/true")
    except BadSchedule:
        return "invalid"
    return "valid"


@pytest.mark.stack
def test_every_verdict_is_that_of_debians_crontab() -> None:
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        subprocess.run(["docker", "build", "--tag", IMAGE, LESSON], check=True, capture_output=True)
    asked = lines()
    command = ["docker", "run", "--rm", "--interactive", "--network", "none", "--entrypoint", "sh", IMAGE, "-c", ASK]
    answer = subprocess.run(command, input="\n".join(asked) + "\n", capture_output=True, text=True, check=True)
    said = answer.stdout.split()
    assert len(said) == len(asked) >= 350
    assert min(said.count("valid"), said.count("invalid")) > 100
    different = [
        f"{line!r}: crontab says {debian}" for line, debian in zip(asked, said, strict=True) if verdict(line) != debian
    ]
    assert not different
