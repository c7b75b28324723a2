"""Lines over two logarithmic axes as an SVG that every browser shows alike, for light pages and dark ones."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH, _HEIGHT = 860, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 220, 64, 74
_LINE = 18
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_STYLE: Final = """
.page { fill: #ffffff } .text { fill: #24292f } .faint { fill: #6e7781 } .grid { stroke: #e4e7eb }
.ours { stroke: #e8590c; fill: #e8590c } .theirs { stroke: #5b7fb0; fill: #5b7fb0 }
@media (prefers-color-scheme: dark) {
.page { fill: #16181d } .text { fill: #e6e8ec } .faint { fill: #9aa1ac } .grid { stroke: #2c3038 }
.theirs { stroke: #7d9cc6; fill: #7d9cc6 } }
"""


class Series(NamedTuple):
    """A line: points (x, y), both above 0; ``kind`` is ours or theirs. A point above the top is drawn open there."""

    label: str
    points: Sequence[tuple[float, float]]
    kind: str


class Axes(NamedTuple):
    """What the axes go to, in powers of ten, and how a value is written at them."""

    x: tuple[int, int]
    y: tuple[int, int]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is on the page."""
        across = (log10(x) - self.x[0]) / (self.x[1] - self.x[0])
        up = (log10(y) - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)


def lines(title: str, across: str, note: str, series: Sequence[Series], limit: float) -> str:
    """Return a picture of lines; values of ``limit`` and more were stopped there and are drawn open."""
    xs = [x for each in series for x, _ in each.points]
    ys = [min(y, limit) for each in series for _, y in each.points]
    axes = Axes(
        (floor(log10(min(xs))), max(ceil(log10(max(xs))), floor(log10(min(xs))) + 1)),
        (floor(log10(min(ys))), ceil(log10(max(ys)))),
    )
    drawn = [*_grid(axes), *(part for each in series for part in _line(axes, each, limit))]
    body = "\n".join([*drawn, *_labels(axes, series, limit)])
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
<rect class="page" width="{_WIDTH}" height="{_HEIGHT}" rx="9"/>
<g font-family="{_FONT}" font-size="13">
<text class="text" x="20" y="36" font-size="17" font-weight="600">{escape(title)}</text>
{body}
<text class="faint" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 36}" text-anchor="middle">{escape(across)}</text>
<text class="faint" x="20" y="{_HEIGHT - 14}" font-size="12">{escape(note)}</text>
</g>
</svg>
"""


def _grid(axes: Axes) -> Iterator[str]:
    for power in range(axes.y[0], axes.y[1] + 1):
        x, y = axes.place(10.0 ** axes.x[0], 10.0**power)
        yield f'<line class="grid" x1="{x:.0f}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{x - 10:.0f}" y="{y + 4:.1f}" text-anchor="end">{_seconds(10.0**power)}</text>'
    for power in range(axes.x[0], axes.x[1] + 1):
        x, y = axes.place(10.0**power, 10.0 ** axes.y[0])
        yield f'<text class="faint" x="{x:.1f}" y="{y + 20:.0f}" text-anchor="middle">{10**power:,}</text>'


def _line(axes: Axes, series: Series, limit: float) -> Iterator[str]:
    places = [(axes.place(x, min(y, limit)), y >= limit) for x, y in series.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for (x, y), _ in places)
    yield f'<polyline class="{series.kind}" points="{path}" style="fill: none" stroke-width="2.5"/>'
    for (x, y), is_open in places:
        fill = ' style="fill: none" stroke-width="2"' if is_open else ""
        yield f'<circle class="{series.kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"{fill}/>'


def _labels(axes: Axes, series: Sequence[Series], limit: float) -> Iterator[str]:
    """Return each line's name behind its last point, moved down where it would be on another one."""
    ends = [(*axes.place(each.points[-1][0], min(each.points[-1][1], limit)), each.label) for each in series]
    below = 0.0
    for x, y, label in sorted(ends, key=lambda end: end[1]):
        below = max(y + 4, below + _LINE)
        yield f'<text class="text" x="{x + 14:.1f}" y="{below:.1f}" font-weight="600">{escape(label)}</text>'


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 1 else f"{value * 1000:g} ms"
