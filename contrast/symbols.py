"""The symbols of the timeline: told apart by shape and pattern, coloured by theme/assets/contrast.css."""

import html
import re
from collections.abc import Iterable
from pathlib import Path

STYLE = Path(__file__).parents[1] / "theme/assets/contrast.css"
WIDTH = 680  # of a picture
LETTER = 6.8  # width of a character, generous
BAR = 11  # height of a bar
SHAPES = {
    "due": '<path class="due" d="M0-5v10"/>',
    "missed": '<path class="missed" d="M-4.5-4.5l9 9m0-9l-9 9"/>',
    "skipped": '<circle class="due" fill="none" r="3.2"/>',
    "hand": '<path class="hand" d="M0-4l5 9h-10z"/>',
    "alert": '<path class="hand" d="M-5.5 3.5q2-1.5 2-5a3.5 3.5 0 0 1 7 0q0 3.5 2 5zm4 1h3a1.5 1.5 0 0 1-3 0z"/>',
    "good": '<circle class="good" r="7"/><path class="sign" d="M-3.5 0l2.5 3 4.5-5.5"/>',
    "harm": '<path class="bad" d="M-7-7H7V7H-7z"/><path class="sign" d="M0-4.5v5.5m0 1.5v2"/>',
    "fault": '<path class="band" d="M-11-7h22v14h-22z"/><path class="edge" d="M-11-7v14m22 0v-14"/>',
}


def escape(text: str) -> str:
    """Return a text on one line, as it stands in the picture."""
    return html.escape(" ".join(text.split()), quote=False)


def shape(name: str, x: float, y: float) -> str:
    """Return one of the shapes around a point; not by <use>: Chromium leaves its copies uncoloured."""
    drawn, place = SHAPES[name], f'data-mark="{name}" transform="translate({x:.1f} {y:.1f})"'
    return f"<g {place}>{drawn}</g>" if drawn.count("<") > 1 else drawn.replace(" ", f" {place} ", 1)


def hatch(timeline: str) -> str:
    """Return the pattern of failed bars, under a name of its own for each timeline on a page."""
    return (
        f'<pattern id="{timeline}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path class="ground" d="M0 0h5v5h-5z"/><path class="hatch" d="M1 0V5"/></pattern>'
    )


def bar(outcome: str, x: float, end: float, y: float, timeline: str) -> str:
    """Return a bar around the height y: whole, hatched, or hollow with a torn end."""
    y -= BAR / 2
    if outcome == "killed":
        return f'<path class="killed" d="M{x:.1f} {y:.1f}H{end:.1f}l-4 2.7 4 2.8-4 2.8 4 2.7H{x:.1f}z"/>'
    kind = f'failed" fill="url(#{timeline}-hatch)' if outcome == "failed" else "ran"
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{end - x:.1f}" height="{BAR}" rx="1.5"/>'


def waited(due: float, start: float, y: float) -> str:
    """Return the line of a run that waited, from when it was due."""
    return f'<g class="waited"><path d="M{due:.1f} {y}H{start:.1f}"/><circle cx="{due:.1f}" cy="{y}" r="2.6"/></g>'


def again(end: float, start: float, y: float) -> str:
    """Return the link from the end of an attempt to the next."""
    dots = f'<path class="dots" d="M{end + 2:.1f} {y}H{start - 3:.1f}"/>' if start - end > 6 else ""
    return f'<g class="again">{dots}<path d="M{start - 5:.1f} {y - 3.5}l3.5 3.5-3.5 3.5"/></g>'


def bracket(x: float, end: float, y: float) -> str:
    """Return a bracket over bars, open below."""
    middle, half = (x + end) / 2, max((end - x) / 2, 5)
    return f'<path class="crowd" d="M{middle - half:.1f} {y + 3}v-4h{2 * half:.1f}v4"/>'


def legend(items: Iterable[tuple[str, str]], y: float) -> tuple[str, float]:
    """Return each mark with its meaning, line by line, and the height where they end."""
    x, drawn = 1.0, ""
    for mark, meaning in items:
        wide = 28 + len(meaning) * LETTER
        if x + wide > WIDTH:
            x, y = 1.0, y + 21
        text = f'<text class="quiet" x="28" y="4">{escape(meaning)}</text>'
        drawn += f'<g transform="translate({x:.1f} {y})">{mark}{text}</g>'
        x += wide + 14
    return drawn, y + 16


def picture(name: str, title: str, said: str, drawn: str, height: float) -> str:
    """Return what was drawn as one SVG element without blank lines; a screen reader says its title and what is `said`."""
    css = re.sub(r"/\*.*?\*/|(?<=\n) +", "", STYLE.read_text(), flags=re.DOTALL)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    whole = f"""
<svg xmlns="http://www.w3.org/2000/svg" class="timeline" {size} role="img"
 aria-labelledby="{name}-title" aria-describedby="{name}-desc">
<title id="{name}-title">{escape(title)}</title>
<desc id="{name}-desc">{escape(said)}</desc>
<style>{css}</style>
{drawn}
</svg>
"""
    return re.sub(r"\n\s*(?=\n)", "", whole).lstrip()
