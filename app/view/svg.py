"""What was printed on a terminal, as an SVG that looks the same in every browser and fetches no font."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

_CELL: Final = 8.4
_LINE: Final = 19
_MARGIN: Final = 18
_TOP: Final = 46
_FONT: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_DIM_COLOURS = [
    *((24, 26, 31), (224, 108, 117), (63, 185, 104), (217, 165, 32)),
    *((88, 150, 230), (186, 120, 220), (86, 182, 194), (214, 217, 224)),
]
_BRIGHT_COLOURS = [
    *((127, 132, 145), (240, 128, 136), (98, 210, 130), (240, 190, 70)),
    *((120, 175, 250), (205, 145, 240), (110, 205, 215), (255, 255, 255)),
]
_THEME: Final = TerminalTheme(
    (24, 26, 31),
    (214, 217, 224),
    _DIM_COLOURS,
    _BRIGHT_COLOURS,
)
# Words with single spaces between them. What is apart is placed on its own: renderers disagree about spaces.
_RUN = re.compile(r"\S+(?: \S+)*")


def to_svg(renderables: Iterable[RenderableType], width: int, title: str) -> str:
    """Return a picture of a terminal of so many columns on which these were printed."""
    console = Console(width=width, force_terminal=True, color_system="truecolor", highlight=False)
    lines = [line for each in renderables for line in console.render_lines(each, pad=False)]
    columns = max((sum(segment.cell_length for segment in line) for line in lines), default=0)
    wide, high = columns * _CELL + 2 * _MARGIN, len(lines) * _LINE + _TOP + _MARGIN
    texts = "\n".join(text for number, line in enumerate(lines) for text in _texts(number, line))
    lights = "".join(
        f'<circle cx="{_MARGIN + 4 + 18 * place}" cy="22" r="5.5" fill="{colour}"/>'
        for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high}" role="img">
<title>{escape(title)}</title>
<rect width="{wide:.0f}" height="{high}" rx="9" fill="{_THEME.background_color.hex}"/>
{lights}
<g font-family="{_FONT}" font-size="14" fill="{_THEME.foreground_color.hex}">
<text x="{wide / 2:.0f}" y="27" text-anchor="middle" fill="#7f8491">{escape(title)}</text>
{texts}
</g>
</svg>
"""


def _texts(number: int, line: Iterable[Segment]) -> Iterator[str]:
    column, y = 0, _TOP + _LINE * number + 14
    for text, style, control in line:
        if control:
            continue
        for start, run in _runs(text):
            x = _MARGIN + _CELL * (column + cell_len(text[:start]))
            length = f' textLength="{_CELL * cell_len(run):.1f}"' if cell_len(run) > 1 else ""
            yield f'<text x="{x:.1f}" y="{y}"{length}{_look(style)}>{escape(run)}</text>'
        column += cell_len(text)


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """Return where each run begins and what it is; an emoji is a run of its own."""
    for match in _RUN.finditer(text):
        start = match.start()
        for part in re.split(r"([\U0001F000-\U0001FFFF\u2600-\u27BF\u2B50])", match.group()):
            if part.strip():
                yield start + len(part) - len(part.lstrip()), part.strip()
            start += len(part)


def _look(style: Style | None) -> str:
    if style is None:
        return ""
    look = ""
    if style.color is not None and not style.color.is_default:
        look += f' fill="{style.color.get_truecolor(_THEME).hex}"'
    if style.bold:
        look += ' font-weight="bold"'
    if style.italic:
        look += ' font-style="italic"'
    return look
