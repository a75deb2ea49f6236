"""Lines over an axis, as one SVG element in the colours of the site, light and dark."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 260, 50, 560, 20, 215
COLOURS = ("var(--follow, #0b6b75)", "var(--wrong, #9a3d0c)", "var(--right, #1b6e3d)")
STYLE = """<style>
.chart { display: block; height: auto; width: 100%; max-width: 900px; }
.chart:root { background: #fff; color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) { .chart:root {
background: #14191f; color: #d6dee5; --follow: #70c7d0; --wrong: #f3ab76; --right: #79d29c; --line: #35414c; } }
.chart text { fill: currentColor; font: 12px var(--md-text-font-family, system-ui, sans-serif); }
.chart .grid { stroke: var(--line, #d3dae0); }
.chart path { fill: none; stroke-width: 2; }
</style>"""


@dataclass(frozen=True)
class Line:
    """A named line through points; the highest value of its own axis is at the top."""

    name: str
    points: list[tuple[float, float]]
    dashed: bool = False
    steps: bool = False


def round_up(value: float) -> float:
    """The next number that reads well on an axis."""
    unit = 10.0 ** (len(str(int(value))) - 1)
    return next((factor * unit for factor in (1, 2, 4, 5, 8) if factor * unit >= value), 10 * unit)


def chart(title: str, about: str, across: str, up: str, lines: list[Line], second: Line | None = None) -> str:
    """A picture of `lines`, on one axis, and of a `second` line on an axis of its own at the right."""
    last = max(x for line in lines for x, _ in line.points)
    first = min(x for line in lines for x, _ in line.points)
    most = round_up(max(y for line in lines for _, y in line.points))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(about)}</desc>",
        STYLE,
    ]

    def x(value: float) -> float:
        return LEFT + (value - first) / (last - first) * (RIGHT - LEFT)

    for n in range(5):
        y, value = BOTTOM - n / 4 * (BOTTOM - TOP), most * n / 4
        parts += [f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.0f}" y2="{y:.0f}"/>']
        parts += [f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{value:g}</text>']
    ticks = sorted({px for px, _ in lines[0].points}) if len(lines[0].points) < 8 else [
        first + (last - first) * n / 6 for n in range(7)
    ]  # fmt: skip
    parts += [f'<text x="{x(t):.0f}" y="{BOTTOM + 18}" text-anchor="middle">{t:.0f}</text>' for t in ticks]
    parts += [f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>']
    parts += [f'<text x="4" y="12">{escape(up)}</text>']
    for line, colour in zip([*lines, *([second] if second else [])], COLOURS, strict=False):
        top = round_up(max(y for _, y in line.points)) if line is second else most
        parts += draw(line, colour, x, top)
        if line is second:
            parts += [
                f'<text x="{RIGHT + 6}" y="{BOTTOM - n / top * (BOTTOM - TOP) + 4:.0f}" fill="{colour}">{n}</text>'
                for n in range(int(top) + 1)
            ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def draw(line: Line, colour: str, x: Callable[[float], float], most: float) -> list[str]:
    """The path of a line, and its name near its highest point."""
    at = [(x(px), BOTTOM - py / most * (BOTTOM - TOP)) for px, py in line.points]
    path = f"M{at[0][0]:.1f} {at[0][1]:.1f}"
    for px, py in at[1:]:
        path += f" H{px:.1f} V{py:.1f}" if line.steps else f" L{px:.1f} {py:.1f}"
    dashes = ' stroke-dasharray="6 4"' if line.dashed else ""
    px, py = min(at, key=lambda point: point[1])
    left = px > (LEFT + RIGHT) / 2
    name = (
        f'<text x="{px + (-6 if left else 6):.0f}" y="{max(py - 6, 12):.0f}" text-anchor="{"end" if left else "start"}"'
    )
    return [
        f'<path d="{path}" stroke="{colour}"{dashes}/>',
        f'{name} style="fill: {colour}">{escape(line.name)}</text>',
    ]
