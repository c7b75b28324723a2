"""Numbers, icons and bars as text, the same in every terminal."""

from typing import Final

from rich.cells import cell_len
from rich.text import Text

from app.domain.species import Rarity

ICON_CELLS: Final = 2

#: Colours that are legible on a light and on a dark background.
ACCENT: Final = "#d97706"
GOOD: Final = "#2f9e5b"
#: Not "bright_black", which some palettes make the colour of the background.
QUIET: Final = "grey50"
RARITY_STYLE: Final[dict[Rarity, str]] = {
    "common": "default",
    "uncommon": "#2f9e5b",
    "rare": "#3b82d6",
    "epic": "#a855c7",
    "legendary": "#d97706",
}
PET_ICON: Final = {"gateway-dragon": "🐉", "cache-cat": "🐱", "token-fox": "🦊"}
EGG_ICON: Final = "🥚"

# Asks for the colourful form of a character whose plain form has one cell. Terminals disagree on the width of
# the two together, so the plain form is used, and a space beside it.
_VARIATION_SELECTOR = "\N{VARIATION SELECTOR-16}"


def icon(emoji: str) -> str:
    """Return an icon that takes two cells in every terminal."""
    plain = emoji.replace(_VARIATION_SELECTOR, "")
    return plain + " " * (ICON_CELLS - cell_len(plain))


def number(value: float) -> str:
    """Return a number with commas between thousands."""
    return f"{value:,}"


def dollars(value: float) -> str:
    """Return an amount of money; less than a cent is not rounded to nothing."""
    return f"${value:,.2f}" if value == 0 or value >= 0.01 else "less than $0.01"  # noqa: PLR2004 - a cent


def plural(word: str, count: int) -> str:
    """Return a word as it is after a number."""
    return word if count == 1 else f"{word}s"


def counted(count: int, word: str) -> str:
    """Return a number of things."""
    return f"{count:,} {plural(word, count)}"


def bar(share: float, width: int, style: str = ACCENT) -> Text:
    """Return a bar of which a share is filled; what is begun shows, and only what is complete is full."""
    filled = min(width, max(0, int(share * width)))
    if share > 0:
        filled = max(1, filled)
    return Text.assemble(("━" * filled, style), ("─" * (width - filled), QUIET))
