"""The figures that the pages include, each written by what measured it: `make facts` brings results/facts up to date.

Six sources, all committed, so that a test can tell when a figure is stale:

- the pages themselves: how long they take to read, with their exercises;
- results/durations.json: how long their commands took in a whole run of the tests;
- results/measured.json: what tests have noted that ran alone, on an idle machine;
- bench/results: what the benchmarks of the load, the queues and the alerts have measured;
- results/defects.md: what the old system of lesson 05 lost in a run;
- contrast/results: what was counted on the fault board.

With `--measured` what such tests have noted since is taken over first.
"""

import json
import re
import sys
from collections.abc import Iterator
from statistics import median

from engine.core import CACHE, ROOT, UserError, program
from engine.markdown import table

PAGES = (
    "01-intro",
    "02-cron",
    "03-prefect",
    "prefect-etl",
    "prefect-operating",
    "prefect-host",
    "trigger",
    "04-incidents",
    "missed-runs",
    "prefect-terms",
    "05-migration",
    "migrate",
    "move",
    "workers",
    "monitoring",
    "bigdata",
    "contrast",
    "oncall",
    "why",
)
MEASURED = ROOT / "results/measured.json"
DEFECTS = ROOT / "results/defects.md"
DURATIONS = ROOT / "results/durations.json"
FACTS = ROOT / "results/facts"

# Assumptions, not measurements: words a minute of a text that is to be understood, lines of code a minute, and minutes
# for an exercise of each kind. No learner has been timed yet.
WORDS, LINES = 180, 20
MINUTES = {"choice": 1.0, "predict": 2.0, "text short": 1.5, "text long": 3.0, "self": 4.0, "check": 5.0}
# What an instructor can do in some minutes, breaks included: a page, its exercises, or a break.
PAUSES = {"break": 15, "lunch": 60}  # minutes
PLANS = {
    "half-day": (240, "01-intro, break, 02-cron, 02-cron exercises, break, 03-prefect"),
    "one-day": (
        480,
        "01-intro, 01-intro exercises, break, 02-cron, 02-cron exercises, lunch, "
        "03-prefect, break, 03-prefect exercises, break, prefect-etl",
    ),
}
FENCE = re.compile(r"^( *)```[^\n]*\n(.*?)^\1```", re.M | re.S)
INCLUDE = re.compile(r'--8<-- "([^":]+)(?::(\d+):(\d+))?"')


def reading(page: str) -> float:
    """Minutes to read a page, its prose and its code; code that is shown again counts once."""
    text = (ROOT / "docs/en" / f"{page}.md").read_text()
    shown = {found.groups() for fence in FENCE.finditer(text) for found in INCLUDE.finditer(fence[2])}
    whole = {path for path, first, _ in shown if not first}
    code = sum(len((ROOT / path).read_text().splitlines()) for path in whole)
    code += sum(int(last) - int(first) + 1 for path, first, last in shown if first and path not in whole)
    prose = re.sub(r"<!--.*?-->|^ *--8<--[^\n]*|^ *!!! exercise.*?(?=^\S)", "", FENCE.sub("", text), flags=re.M | re.S)
    return len(prose.split()) / WORDS + code / LINES


def running(page: str) -> float:
    """Minutes in which the commands of a page ran, by the record of a whole run. It has the blocks of over 5 seconds."""
    seconds: dict[str, float] = json.loads(DURATIONS.read_text())["tests"]
    return sum(took for test, took in seconds.items() if test.startswith(f"docs/en/{page}.md::")) / 60


def exercising(page: str) -> float:
    """Minutes for the exercises of a page."""
    text = (ROOT / "docs/en" / f"{page}.md").read_text()
    kinds = re.findall(r"^ *!!! exercise ([a-z ]+?) id_", text, re.M)
    return sum(MINUTES[kind] for kind in kinds)


def rounded(minutes: float) -> int:
    """To five minutes, five at least: nobody can say it better."""
    return max(5, 5 * round(minutes / 5))


def hours(minutes: int) -> str:
    """45 min, 2 h, 2 h 5 min: with spaces that do not break."""
    parts = [f"{minutes // 60}\u00a0h"] * (minutes >= 60) + [f"{minutes % 60}\u00a0min"] * (minutes % 60 > 0)
    return "\u00a0".join(parts)


def times() -> Iterator[tuple[str, str]]:
    """How long each page takes: a sentence for the page itself, tables and plans for instructors, and the total."""
    parts = {page: (rounded(reading(page) + running(page)), rounded(exercising(page))) for page in PAGES}
    for page, (page_takes, exercises) in parts.items():
        yield f"time-{page}", f"The page takes about {hours(page_takes)}, its exercises about {hours(exercises)} more."
    rows = [
        [f"[{page}]({page}.md)", hours(a), f"{running(page):.0f} min", hours(b), hours(a + b)]
        for page, (a, b) in parts.items()
    ]
    pages, exercises = (sum(of) for of in zip(*parts.values(), strict=True))
    waiting = sum(map(running, PAGES))
    rows.append(["all", hours(pages), f"{waiting:.0f} min", hours(exercises), hours(pages + exercises)])
    yield "times", table(["page", "to read and run", "of which commands run", "exercises", "together"], rows)
    yield "time-total", f"All pages together take about {hours(pages)}, their exercises about {hours(exercises)} more."
    for name, (most, steps) in PLANS.items():
        yield f"plan-{name}", plan(most, steps, parts)


def plan(most: int, steps: str, parts: dict[str, tuple[int, int]]) -> str:
    """A timetable: each step, when it begins, and how long it takes."""
    rows, begins = [], 0
    for step in steps.split(", "):
        page, _, what = step.partition(" ")
        takes = PAUSES.get(step) or parts[page][what == "exercises"]
        shown = step if step in PAUSES else f"[{page}]({page}.md){', its exercises' * bool(what)}"
        rows.append([shown, f"{begins // 60}:{begins % 60:02}", hours(takes)])
        begins += takes
    rows.append(["the end", f"{begins // 60}:{begins % 60:02}", ""])
    return f"It takes {hours(begins)} of {hours(most)}, breaks included.\n\n{table(['what', 'at', 'takes'], rows)}"


def measurements(measured: dict[str, float]) -> Iterator[tuple[str, str]]:
    """What tests have noted; whole sentences, since an include ends its paragraph."""
    of = {name: f"{value:.0f}" for name, value in measured.items()}
    yield (
        "prefect-up",
        f"On two cores everything was healthy after {of['prefect-up']} seconds, "
        f"and the first run was Completed after {of['prefect-first-run']}.",
    )
    yield (
        "prefect-idle",
        f"Its stack takes {of['prefect-idle']} MB of memory when it has been started (`docker stats`).",
    )
    yield (
        "host-etl",
        f"On two cores the installation took {of['host-install']} seconds, "
        f"the first run {of['host-first']}, and the second {of['host-again']}.",
    )


def systems(measured: dict[str, float]) -> Iterator[tuple[str, str]]:
    """The old system of lesson 05 beside Prefect: what it takes, and in which figures they differ.

    Raises UserError when results/defects.md has another form.
    """
    start = "migration-"
    of = {name.removeprefix(start): f"{value:.0f}" for name, value in measured.items() if name.startswith(start)}
    yield (
        "migration-up",
        f"All of it was up after {of['up']} seconds on two cores, and took {of['idle']} MB of memory when idle: "
        f"{of['prefect-idle']} MB of them for Prefect, its database and its workers, {of['legacy-idle']} MB for the old machine.",
    )
    lost = re.search(r"RabbitMQ: worker killed (\d+) times, (\d+) orders sent \| (\d+) lost", DEFECTS.read_text())
    mails = re.findall(r"(\d+) mail", DEFECTS.read_text())
    if not lost or not mails:
        raise UserError(
            f"{DEFECTS.name} has another form: docker compose exec -T legacy python defects, in 05-migration"
        )
    defects = DEFECTS.read_text().count("\n") - 2  # lines of a table, without those of its head
    seen = json.loads((ROOT / "bench/results/queues-chaos.json").read_text())["brokers"]["rabbitmq"]
    queues = json.loads((ROOT / "bench/results/queues.json").read_text())
    rates = {int(count): told["burst"]["rate"] for count, told in queues["scale"].items()}
    bare = queues["bare"]["5 ms"]
    alert = median(json.loads((ROOT / "bench/results/alerts.json").read_text())["seconds"]["FlowFailed"])
    workers = "[Workers](workers.md#more-workers)"
    loses = "[What it loses](05-migration.md#what-it-loses)"
    rows = [
        [
            "Resilience",
            f"{lost[3]} of {lost[2]} orders lost, {lost[1]} kills",
            f"{seen['lost']} of {seen['sent']} lost, {seen['consumers killed -9 at work']} kills",
            f"{loses}, [Workers](workers.md#a-stress-test)",
        ],
        [
            "Scaling",
            "one loop for each queue, named in a file",
            f"{max(rates)} workers by `--scale` take {rates[max(rates)] / rates[1]:.1f} times as many orders a second as one",
            workers,
        ],
        [
            "Speed of one worker",
            f"a loop without Prefect, with the same batches: {bare['bare']:.0f} orders/s",
            f"{bare['prefect']:.0f} orders/s",
            workers,
        ],
        [
            "Observability",
            f"{defects} defects at work, mails of them: {sum(map(int, mails))}",
            f"a failed run reaches the pager after {alert:.0f} s",
            f"{loses}, [How fast](#how-fast)",
        ],
        [
            "Configuration",
            f"{of['crontab-lines']} lines in the crontab, its settings included",
            f"{of['moved-lines']} lines of YAML for the same jobs",
            "[Move a crontab](migrate.md)",
        ],
        [
            "Maintenance",
            f"containers: {of['legacy-containers']}; {of['legacy-idle']} MB when idle",
            f"containers: {of['prefect-containers']}; {of['prefect-idle']} MB",
            "[Start it](05-migration.md#start-it)",
        ],
    ]
    yield "systems", table(["", "The old system", "Prefect", "Measured in"], rows)


def benchmark() -> Iterator[tuple[str, str]]:
    """The load beside a script that makes Python objects of all rows, at two million rows."""
    rows = json.loads((ROOT / "bench/results/etl.json").read_text())["rows"]["2000000"]
    naive, load = rows["naive"], rows["load"]
    yield (
        "naive",
        f"For two million rows that took {naive['seconds'] / load['seconds']:.1f} times as long "
        f"and {naive['mb']:.0f} MB of memory, where the stream needs {load['mb']:.0f} MB.",
    )


# Harm that is there or not: its count says nothing.
YES_OR_NO = {"nobody told", "over 100 MB when idle", "schedules with a hole"}


def harm(verdict: dict[str, int]) -> str:
    """The cell of a lane on the fault board: a mark, and what was counted, in words."""
    said = []
    for what, count in verdict.items():
        if count:
            one = re.sub(r"s\b", "", what, count=1) if count == 1 else what
            said.append(what if what in YES_OR_NO else f"{count} {one}")
    return f"**✗**{{ .harm }} {', '.join(said)}" if said else "**✓**{ .none }"


def board() -> Iterator[tuple[str, str]]:
    """The fault board: how many faults do no harm in each lane, then fault by fault as its page names and groups them."""
    page = (ROOT / "docs/en/contrast.md").read_text()
    groups: dict[str, list[list[str]]] = {}
    verdicts = []
    for level, title, name in re.findall(r"^(###?) (.+?)(?: \{ #([\w-]+) \})?$", page, re.M):
        record = ROOT / f"contrast/results/{name}.json"
        if level == "##":
            group = title
        elif name and record.exists():
            lanes = json.loads(record.read_text())["lanes"]
            verdicts.append([lane["verdict"] for lane in lanes.values()])
            groups.setdefault(group, []).append([f"[{title}](#{name}) `{name}`", *map(harm, verdicts[-1])])
    free = [sum(not any(of.values()) for of in lane) for lane in zip(*verdicts, strict=True)]
    written = (ROOT / "contrast/results/board.md").read_text().splitlines()[0]
    header = [name.strip() for name in written.split("|")[2:-1]]
    tables = [table(["", *header], [["**Faults without harm**", *(f"**{n} of {len(verdicts)}**" for n in free)]])]
    tables += [table([group, *header], rows) for group, rows in groups.items()]
    yield "board", "\n\n".join(tables)


def facts() -> dict[str, str]:
    """All figures: the name of their file in results/facts → what is in it."""
    measured = json.loads(MEASURED.read_text())
    return dict([*times(), *measurements(measured), *systems(measured), *benchmark(), *board()])


def pictures() -> dict[str, str]:
    """The picture of the README in a light and in a dark file: GitHub asks its own scheme, a file that of the system."""
    both = (ROOT / "contrast/results/slow-run.svg").read_text()
    light, dark = re.findall(r"--ink:[^\n]*", both)
    one = re.sub(r"@media screen and \(prefers-color-scheme: dark\).*?\n}\n}\n", "", both, count=1, flags=re.S)
    one = one.replace(" color-scheme: light dark;", "")
    return {"slow-run-light": one, "slow-run-dark": one.replace(light, dark)}


def take_over() -> None:
    """Keep what tests have noted, beside what they have not. Raises UserError when they have noted nothing."""
    notes = CACHE / "measured.json"
    if not notes.exists():
        raise UserError("no test has noted anything in .cache/measured.json: make facts runs those that do")
    merged = json.loads(MEASURED.read_text()) | json.loads(notes.read_text())
    MEASURED.write_text(json.dumps(merged, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """Write the files."""
    if "--measured" in sys.argv:
        take_over()
    FACTS.mkdir(parents=True, exist_ok=True)
    for name, text in facts().items():
        (FACTS / f"{name}.md").write_text(text + "\n")
    for name, picture in pictures().items():
        (FACTS.parent / f"{name}.svg").write_text(picture)


if __name__ == "__main__":
    program(main)
