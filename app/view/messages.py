"""The messages of the output topics as lines to read."""

from typing import Any, Final

import msgspec
from rich.text import Text

from app.domain.published import (
    ACHIEVEMENT_UNLOCKED,
    LEVEL_UP,
    PET_EVOLVED,
    AchievementUnlocked,
    LevelUp,
    PetEvolved,
    Published,
)
from app.view import words
from tables.publishing import GATEWAY

_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    ACHIEVEMENT_UNLOCKED: msgspec.json.Decoder(AchievementUnlocked),
    LEVEL_UP: msgspec.json.Decoder(LevelUp),
    PET_EVOLVED: msgspec.json.Decoder(PetEvolved),
}
_LEVEL_ICON = "⭐"
_SCOPE_CELLS = 22


def decode(output: str, value: bytes) -> Published:
    """Return the message of an output topic. Raises ``msgspec.DecodeError``."""
    message: Published = _DECODERS[output].decode(value)
    return message


def line(message: Published) -> Text:
    """Return when it was achieved, by whom and what, as one line."""
    is_gateway = message.scope == GATEWAY
    return Text.assemble(
        (f"{message.achieved_at:%Y-%m-%d %H:%M}  ", words.QUIET),
        words.icon(icon(message)),
        "  ",
        (f"{message.scope:{_SCOPE_CELLS}}  ", f"bold {words.ACCENT}" if is_gateway else "default"),
        what(message),
    )


def icon(message: Published) -> str:
    """Return what stands for a message."""
    match message:
        case AchievementUnlocked():
            return message.icon
        case PetEvolved():
            return words.PET_ICON.get(message.species_id, words.EGG_ICON)
        case _:
            return _LEVEL_ICON


def what(message: Published) -> Text:
    """Return what was achieved."""
    match message:
        case AchievementUnlocked(title=title, description=description):
            return Text.assemble((title, "bold"), (f"  {description}", words.QUIET))
        case LevelUp(from_level=before, level=level, xp=xp):
            return Text.assemble((f"level {before} → {level}", "bold"), (f" ({xp:,} XP)", words.QUIET))
        case PetEvolved(species=species, stage=stage, stage_index=0, rarity=rarity):
            return Text.assemble((f"{species} unlocked", "bold"), (f"  {stage}, {rarity}", words.QUIET))
        case PetEvolved(species=species, stage=stage, rarity=rarity):
            return Text.assemble((f"{species} evolved: {stage}", "bold"), (f"  {rarity}", words.QUIET))
        case _:
            return Text(type(message).__name__)
