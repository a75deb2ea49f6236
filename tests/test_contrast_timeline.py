"""A record as a picture and as words: each mark is drawn as often as the table says, and can be seen and read."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import markdown
import pytest
import yaml

from contrast.summary import read
from contrast.timeline import svg, table

ROOT = Path(__file__).parents[1]
STYLE = (ROOT / "theme/assets/contrast.css").read_text()
SITE = (ROOT / "theme/assets/site.css").read_text()


def attempt(start: float, end: float | None, outcome: str = "ok") -> dict[str, Any]:
    return {"start": start, "end": end, "outcome": outcome, "rows": 5}


def run(due: int | None, *attempts: dict[str, Any], job: str = "load") -> dict[str, Any]:
    return {"job": job, "due": due, "attempts": list(attempts)}


def lane(*runs: dict[str, Any], missed: tuple[int, ...] = (), alerts: tuple[float, ...] = ()) -> dict[str, Any]:
    told = [{"at": at, "text": "no ping | for <3> ticks"} for at in alerts]
    return {"verdict": {"rows doubled": len(missed)}, "runs": list(runs), "alerts": told, "missed": list(missed)}


def record(plain: dict[str, Any], hardened: dict[str, Any], prefect: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = {"fault": "slow-run", "claim": "Cron & <co>\n\nforget.", "ticks": 10, "tick_seconds": 4.0, "spans": []}
    return result | {"lanes": {"plain": plain, "hardened": hardened, "prefect": prefect}} | more


def quick(*dues: int) -> list[dict[str, Any]]:
    return [run(due, attempt(due + 0.05, due + 0.06)) for due in dues]


FIVE = record(
    lane(*[run(due, attempt(due + 0.1, 6.7 + due / 10)) for due in range(2, 7)], *quick(0, 1, 8)),
    lane(*quick(0, 1, 2, 7, 8, 9), missed=(3, 4, 5, 6), alerts=(5.2, 5.3, 9)),
    lane(*quick(*range(10))),
    spans=[[1.5, 6.6, "upstream slow"], [9, 12, "and again"]],
)
MISSED = record(lane(missed=tuple(range(10))), lane(run(None, attempt(9.5, 9.6)), missed=(1, 4, 5)), lane())
FLOOD = record(lane(*[run(due, attempt(9.2, 9.9)) for due in range(10)]), lane(), lane(*quick(*range(10))))
DRAINED = record(lane(), lane(), lane(*[run(due, attempt(10 + due, 10.9 + due)) for due in range(10)]))
RETRIES = record(
    lane(run(2, attempt(2.1, 2.2, "failed"))),
    lane(run(2, attempt(2.1, 2.11, "failed"), attempt(2.12, 2.13, "failed"))),
    lane(run(2, attempt(2.1, None, "killed"), attempt(3, 3.1, "failed"), attempt(4, 4.2))),
)
JOBS = record(
    lane(*[run(0, attempt(at, at + 0.9), job=job) for at, job in enumerate(("extract", "load", "report"))]),
    lane(),
    lane(run(1, attempt(1, 1.01), job="load"), run(1, attempt(1.2, 2, "killed"), job="extract")),
)
RECORDS = {"five": FIVE, "missed": MISSED, "flood": FLOOD, "drained": DRAINED, "retries": RETRIES, "jobs": JOBS}
every_record = pytest.mark.parametrize("result", RECORDS.values(), ids=RECORDS)


def parse(result: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", svg(result)))


def words(result: dict[str, Any]) -> list[str]:
    return [row.split(" | ")[1] for row in table(result).splitlines()[2:]]


def test_the_table_says_what_happened() -> None:
    assert words(FIVE) == [
        "ran 8, up to 5 at once",
        "ran 6, missed 4 (ticks 3 to 6); alerts: “no ping &#124; for &#60;3&#62; ticks” (3 times, ticks 5.2 to 9)",
        "ran 10",
    ]
    assert words(MISSED) == [
        "nothing ran, missed 10 (ticks 0 to 9)",
        "ran 1, asked for by hand 1, missed 3 (ticks 1, 4 to 5)",
        "nothing ran",
    ]
    assert words(FLOOD)[0] == "ran 10, waited 9, up to 10 at once"
    assert words(RETRIES) == [
        "failed 1",
        "failed 1, retried 1, 0 of them with success (1 failed attempt before)",
        "ran 1, retried 1, 1 of them with success (2 failed attempts before)",
    ]
    assert table(FIVE).startswith("| Lane | What happened | rows doubled |\n| --- | --- | ---: |\n| Plain cron | ran 8")
    assert table(FIVE).splitlines()[3].endswith(" | 4 |")


def test_a_run_that_ends_as_the_next_begins_is_not_beside_it() -> None:
    assert words(record(lane(run(0, attempt(0, 1)), run(1, attempt(1, 2))), lane(), lane()))[0] == "ran 2"
    nobody_knows = lane(run(0, attempt(0, None, "killed")), run(1, attempt(1, 2)))  # whether it has ended
    assert words(record(nobody_knows, lane(), lane()))[0] == "ran 1, killed 1, up to 2 at once"


@every_record
def test_each_mark_is_drawn_as_often_as_it_is_counted(result: dict[str, Any]) -> None:
    picture = parse(result)
    legend = picture.findall("./g[@transform]")
    named = {"".join(item.itertext()).strip() for item in legend}
    meanings = {
        "ran": (".//*[@class='ran']", "ran"),
        "failed": (".//*[@class='failed']", "failed"),
        "killed": (".//*[@class='killed']", "killed"),
        "waited": (".//g[@class='waited']", "waited since it was due"),
        "crowd": (".//*[@class='over']", "most at once"),
        "missed": (".//*[@data-mark='missed']", "missed: due, never ran"),
        "hand": (".//*[@data-mark='hand']", "asked for by hand"),
    }
    counts = [one.marks() for one in read(result).values()]
    for mark, (path, meaning) in meanings.items():
        drawn = len(picture.findall(path)) - sum(len(item.findall(path)) for item in legend)
        counted = sum(count[mark] > 0 if mark == "crowd" else count[mark] for count in counts)
        assert drawn == counted, mark
        assert (meaning in named) == (counted > 0), mark
    again = sum(len(one["attempts"]) - 1 for part in result["lanes"].values() for one in part["runs"])
    assert len(picture.findall(".//g[@class='again']")) == again + (again > 0)
    said = picture.findtext("desc") or ""
    assert all(f"{one.name}: {one.words()}." in said for one in read(result).values())


@every_record
def test_bars_lie_within_the_picture_are_seen_and_cover_none_of_the_same_row(result: dict[str, Any]) -> None:
    picture = parse(result)
    rows: dict[str, list[tuple[float, float]]] = {}
    for bar in picture.findall("./g/rect[@class='ran']"):
        x, width = float(bar.attrib["x"]), float(bar.attrib["width"])
        assert width >= 3 and x >= 0 and x + width <= 680
        rows.setdefault(bar.attrib["y"], []).append((x, x + width))
    for bars in rows.values():
        ordered = sorted(bars)
        assert all(one[1] <= two[0] + 0.5 for one, two in pairwise(ordered))


def test_a_fault_of_late_rows_says_how_many_each_run_has_loaded() -> None:
    plain, hardened = (
        lane(*(run(at, attempt(at, at + 0.2) | {"rows": rows}) for at, rows in enumerate(of)))
        for of in ((3, 3), (3, 5))
    )
    numbered = parse(record(plain, hardened, hardened) | {"numbered": True})
    said = [one.text for one in numbered.findall("./g/text[@class='letter']")]
    assert sorted(filter(None, said)) == [*"3333", *"55", "5"]  # the last one is in the legend
    assert "rows that it loaded" in svg(record(plain, hardened, hardened) | {"numbered": True})
    assert "rows that it loaded" not in svg(record(plain, hardened, hardened))


def test_runs_at_once_are_stacked_and_jobs_have_rows_of_their_own() -> None:
    def heights(result: dict[str, Any]) -> int:
        return len(
            {bar.attrib["y"] for bar in parse(result).findall("./g/rect[@class='ran']") if float(bar.attrib["y"]) > 0}
        )

    assert heights(record(FLOOD["lanes"]["plain"], lane(), lane())) == 10
    assert heights(record(lane(*quick(*range(10))), lane(), lane())) == 1
    assert heights(record(JOBS["lanes"]["plain"], lane(), lane())) == 3
    text = svg(JOBS)
    assert [text.count(f">{letter}</text>") for letter in "ABC"] == [4, 4, 3]  # at the row, in wide bars, in the legend


def test_many_runs_that_waited_still_fit() -> None:
    crowd = [run(0, attempt(1 + at / 10, 1.05 + at / 10)) for at in range(40)]
    height = float(parse(record(lane(*crowd), lane(), lane())).attrib["height"])
    assert height < 300


@every_record
def test_it_can_stand_on_a_page_with_others(result: dict[str, Any]) -> None:
    text = svg(result)
    assert not re.search(r"\n\s*\n", text) and text.startswith("<svg ") and text.endswith("</svg>\n")
    other = svg(result | {"fault": "poison"})
    ids = re.findall(r' id="([^"]+)"', text + other)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    page = f'Before.\n\n<div class="timeline-scroll">\n{text}</div>\n\n{table(result)}\nAfter.\n'
    extensions = [
        one for one in yaml.safe_load((ROOT / "mkdocs.yml").read_text())["markdown_extensions"] if one == "tables"
    ]
    built = markdown.markdown(page, extensions=[*extensions, "attr_list"])
    assert text.strip() in built and built.count("<tr>") == 4 and built.endswith("<p>After.</p>")


def test_a_screen_reader_is_told() -> None:
    picture = parse(FIVE)
    assert picture.attrib["role"] == "img"
    assert picture.attrib["aria-labelledby"] == picture.find("title").attrib["id"]  # type: ignore[union-attr]
    assert picture.attrib["aria-describedby"] == picture.find("desc").attrib["id"]  # type: ignore[union-attr]
    assert picture.findtext("title") == "slow-run: Cron & <co> forget."


def test_a_run_without_attempts_is_refused() -> None:
    with pytest.raises(ValueError, match="lane plain of slow-run: a run without an attempt"):
        svg(record(lane(run(1)), lane(), lane()))


def colours(text: str) -> dict[str, str]:
    return {name: colour for name, colour in re.findall(r"--(\w+): (#\w+);", text) if len(colour) in (4, 7)}


def channels(colour: str) -> list[float]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]


def contrast(one: list[float], two: list[float]) -> float:
    """The contrast of WCAG 2."""
    light = [
        sum(
            w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for w, c in zip(weights, rgb, strict=True)
        )
        for weights, rgb in (((0.2126, 0.7152, 0.0722), one), ((0.2126, 0.7152, 0.0722), two))
    ]
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_those_of_the_site_and_can_be_told_from_the_ground(scheme: str) -> None:
    light, dark = STYLE.split("@media screen and (prefers-color-scheme: dark)")
    alone = colours(light if scheme == "light" else dark)
    of_site = colours(SITE.split("@media screen")[0 if scheme == "light" else 1])
    assert alone and {name: of_site[name] for name in alone} == alone
    paper, wrong = channels(alone["paper"]), channels(alone["wrong"])
    share = int(re.findall(r"color-mix\(in srgb, var\(--wrong, currentColor\) (\d+)%", STYLE)[0]) / 100
    band = [share * w + (1 - share) * p for w, p in zip(wrong, paper, strict=True)]
    for ground in (paper, band):
        assert all(
            contrast(channels(alone[name]), ground) >= 4.5 for name in ("ink", "muted", "wrong", "follow", "right")
        )


def test_no_text_is_smaller_than_eleven_pixels_on_a_narrow_page() -> None:
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (\d+)px", STYLE)]
    least = float(re.findall(r"min-width: (\d+)px", STYLE)[0])
    assert min(sizes) * least / 680 >= 11
