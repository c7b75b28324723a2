"""The species of buddies: how each is unlocked, and the stages that it grows through (from the reference)."""

from collections.abc import Container
from typing import Final, Literal, TypeAlias

import msgspec

from app.domain import ascii_art as art
from app.domain.ascii_art import Picture
from app.domain.measures import MeasureName, Measures, value_of

Rarity: TypeAlias = Literal["common", "uncommon", "rare", "epic", "legendary"]

RARITY_ORDER: Final[dict[Rarity, int]] = {"common": 0, "uncommon": 1, "rare": 2, "epic": 3, "legendary": 4}


class Stage(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A form of a species, reached when the scope has it unlocked and has saved so many tokens."""

    name: str
    unlocks_at_tokens_saved: int
    ascii_art: Picture


class Requirement(msgspec.Struct, frozen=True, gc=False):
    """A measure that must have reached a value."""

    measure: MeasureName
    threshold: int


class Species(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A kind of buddy, unlocked when all its requirements are met. The first stage begins at 0 tokens."""

    id: str
    name: str
    rarity: Rarity
    unlock_condition: str
    requirements: tuple[Requirement, ...]
    ascii_art: Picture
    stages: tuple[Stage, ...]


GATEWAY_DRAGON: Final = Species(
    id="gateway-dragon",
    name="Gateway Dragon",
    rarity="legendary",
    unlock_condition="1M tokens saved + 7-day streak",
    requirements=(Requirement("tokens_saved", 1_000_000), Requirement("longest_streak", 7)),
    ascii_art=art.DRAGON_PORTRAIT,
    stages=(
        Stage("Egg", 0, art.EGG),
        Stage("Hatchling", 10_000, art.HATCHLING),
        Stage("Drake", 100_000, art.DRAKE),
        Stage("Dragon", 1_000_000, art.DRAGON),
        Stage("Elder Dragon", 10_000_000, art.ELDER_DRAGON),
    ),
)

CACHE_CAT: Final = Species(
    id="cache-cat",
    name="Cache Cat",
    rarity="rare",
    unlock_condition="10 cache hits",
    requirements=(Requirement("cache_hits", 10),),
    ascii_art=art.CAT_PORTRAIT,
    stages=(
        Stage("Kitten", 0, art.KITTEN),
        Stage("Cat", 5_000, art.CAT),
        Stage("Wise Cat", 50_000, art.WISE_CAT),
    ),
)

TOKEN_FOX: Final = Species(
    id="token-fox",
    name="Token Fox",
    rarity="uncommon",
    unlock_condition="1K tokens saved",
    requirements=(Requirement("tokens_saved", 1_000),),
    ascii_art=art.FOX_PORTRAIT,
    stages=(Stage("Pup", 0, art.PUP), Stage("Fox", 10_000, art.FOX)),
)

# Append only, like the stages of a species: its position is its place in the stored state (progress.Held).
SPECIES: Final = (GATEWAY_DRAGON, CACHE_CAT, TOKEN_FOX)


def is_unlocked(species: Species, m: Measures) -> bool:
    """Say whether a scope meets the species' own condition."""
    for each in species.requirements:  # noqa: SIM110 - asked often, and a generator costs more than the answer
        if value_of(m, each.measure) < each.threshold:
            return False
    return True


def stage_index(species: Species, tokens_saved: int) -> int:
    """The index of the highest stage that so many saved tokens reach."""
    index = 0
    while (
        index + 1 < len(species.stages) and tokens_saved >= species.stages[index + 1].unlocks_at_tokens_saved
    ):
        index += 1
    return index


def active_species(unlocked: Container[str]) -> Species:
    """The rarest species of those whose ids are in `unlocked`; with none the dragon, shown as its egg."""
    candidates = [species for species in SPECIES if species.id in unlocked]
    return max(candidates, key=lambda species: RARITY_ORDER[species.rarity], default=GATEWAY_DRAGON)
