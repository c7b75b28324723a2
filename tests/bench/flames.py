"""Stacks as a flame graph: the outermost frame on top, as wide as the time that was spent in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 1200
_ROW: Final = 17
_TOP: Final = 40
#: The narrowest frame that is drawn, and the pixels of a letter.
_NARROWEST: Final = 1.5
_LETTER: Final = 6.4
_FONT: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_COLOURS: Final = {
    "identity": "#b197fc",
    "decode": "#74c0fc",
    "encode": "#63e6be",
    "fold": "#ff922b",
    "publish": "#f783ac",
    "fetch": "#ffd43b",
    "commit": "#8ce99a",
    "network": "#e9ecef",
}
_PLAIN: Final = "#ced4da"


@dataclass(slots=True)
class _Node:
    count: int = 0
    inner: dict[str, "_Node"] = field(default_factory=dict)


def draw(stacks: Mapping[tuple[str, ...], int], title: str, kind_of: Callable[[str], str]) -> str:
    """Return the picture; hovering over a frame shows its name and share. ``kind_of`` gives a frame its colour."""
    root = _Node()
    for stack, count in stacks.items():
        node = root
        node.count += count
        for frame in stack:
            node = node.inner.setdefault(frame, _Node())
            node.count += count
    boxes: list[str] = []
    deepest = _boxes(root, (0.0, 0), root.count, boxes, kind_of)
    high = _TOP + _ROW * (deepest + 1)
    legend = "".join(
        f'<rect x="{330 + 100 * place}" y="14" width="12" height="12" fill="{colour}"/>'
        f'<text x="{347 + 100 * place}" y="24" fill="#343a40">{kind}</text>'
        for place, (kind, colour) in enumerate(_COLOURS.items())
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {high}" role="img">
<title>{escape(title)}</title>
<rect width="{_WIDTH}" height="{high}" fill="#ffffff"/>
<g font-family="{_FONT}" font-size="10.5">
<text x="8" y="25" font-size="14" fill="#212529">{escape(title)}</text>
{legend}
{"".join(boxes)}
</g>
</svg>
"""


def _boxes(
    node: _Node, place: tuple[float, int], total: int, boxes: list[str], kind_of: Callable[[str], str]
) -> int:
    """Add the boxes of what is inside a node; return the deepest row."""
    left, row = place
    deepest = row
    for frame, inner in sorted(node.inner.items(), key=lambda each: -each[1].count):
        width = _WIDTH * inner.count / total
        if width < _NARROWEST:
            continue
        colour = _COLOURS.get(kind_of(frame), _PLAIN)
        top = _TOP + _ROW * row
        text = frame if len(frame) * _LETTER < width else frame[: max(int(width / _LETTER) - 1, 0)]
        boxes.append(
            f"<g><title>{escape(frame)}: {inner.count / total:.1%}</title>"
            f'<rect x="{left:.1f}" y="{top}" width="{width - 0.5:.1f}" height="{_ROW - 1}" fill="{colour}" rx="1"/>'
            f'<text x="{left + 3:.1f}" y="{top + 12}" fill="#212529">{escape(text)}</text></g>\n'
        )
        deepest = max(deepest, _boxes(inner, (left, row + 1), total, boxes, kind_of))
        left += width
    return deepest
