"""Bars as an SVG that every browser shows alike, for light pages and dark ones."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

_WIDTH: Final = 960
_LABELS: Final = 425
_BARS: Final = 360
_ROW: Final = 34
_TOP: Final = 58
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_STYLE: Final = """
.page { fill: #ffffff } .text { fill: #24292f } .faint { fill: #6e7781 } .line { stroke: #24292f }
.ours { fill: #e8590c } .theirs { fill: #8aa4c8 } .ceiling { fill: #c9ced6 }
@media (prefers-color-scheme: dark) {
.page { fill: #16181d } .text { fill: #e6e8ec } .faint { fill: #9aa1ac } .line { stroke: #e6e8ec }
.theirs { fill: #5f7ca6 } .ceiling { fill: #4a505b } }
"""


class Bar(NamedTuple):
    """A median with the lowest and the highest of its rounds; ``kind`` is ours, theirs or ceiling."""

    label: str
    median: float
    low: float
    high: float
    kind: str


def bars(title: str, note: str, rows: Sequence[Bar]) -> str:
    """Return a picture of horizontal bars, the number at the end of each, its spread as a thin line."""
    most = max(row.high for row in rows)
    high = _TOP + _ROW * len(rows) + 34
    body = "\n".join(_bar(number, row, most) for number, row in enumerate(rows))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {high}" role="img">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
<rect class="page" width="{_WIDTH}" height="{high}" rx="9"/>
<g font-family="{_FONT}" font-size="14">
<text class="text" x="20" y="34" font-size="17" font-weight="600">{escape(title)}</text>
{body}
<text class="faint" x="20" y="{high - 14}" font-size="12">{escape(note)}</text>
</g>
</svg>
"""


def _bar(number: int, row: Bar, most: float) -> str:
    top = _TOP + _ROW * number
    middle, length = top + 12, max(_BARS * row.median / most, 1.5)
    low, high = (_LABELS + _BARS * value / most for value in (row.low, row.high))
    weight = ' font-weight="600"' if row.kind == "ours" else ""
    return "\n".join(
        [
            f'<text class="text" x="{_LABELS - 12}" y="{middle + 5}" text-anchor="end"{weight}>{escape(row.label)}</text>',
            f'<rect class="{row.kind}" x="{_LABELS}" y="{top}" width="{length:.1f}" height="24" rx="3"/>',
            f'<line class="line" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke-width="1.5"/>',
            f'<text class="text" x="{max(high, _LABELS + length) + 10:.1f}" y="{middle + 5}"{weight}>{row.median:,.0f}</text>',
        ]
    )
