"""The buddy of a scope: its species and stage, its name, mood and words, as in the reference."""

from typing import Final, Literal, TypeAlias

import msgspec

from app.domain.ascii_art import Picture
from app.domain.levels import xp_for_next_level
from app.domain.progress import Held, stages_held
from app.domain.species import SPECIES, Rarity, Species, active_species
from app.domain.stats import Stats

Mood: TypeAlias = Literal["happy", "content", "sleepy", "hungry", "excited"]

NAMES: Final = (
    "Mighty Brook",
    "Swift Vortex",
    "Crimson Ember",
    "Quantum Sage",
    "Neural Knight",
    "Token Tamer",
    "Cache Champion",
    "Echo Phoenix",
    "Shadow Sparrow",
    "Stellar Drifter",
    "Cipher Cat",
)


class UnlockedSpecies(msgspec.Struct, frozen=True, gc=False):
    """A species in the list of all, and whether the scope has unlocked it."""

    id: str
    name: str
    rarity: Rarity
    unlocked: bool


class BuddyState(msgspec.Struct, frozen=True, rename="camel"):
    """The reference's BuddyState."""

    name: str
    species: str
    species_id: str
    rarity: Rarity
    stage: str
    stage_index: int
    total_stages: int
    level: int
    xp: int
    xp_for_next_level: int
    mood: Mood
    speech: str
    ascii_art: Picture
    streak_days: int
    tokens_saved: int
    #: Dollars.
    cost_saved: float
    unlocked_species: tuple[UnlockedSpecies, ...]


def buddy(seed: str, stats: Stats, *, xp: int, held: Held) -> BuddyState:
    """The buddy of the scope with these stats, these experience points and these unlocks.

    `seed` is the caller's id, or "gateway". What is shown is what was published: level, species and stage are
    those held, so they never fall, though the stats may. With no species unlocked it is the dragon's egg.
    """
    species, stage_index = shown_species(held)
    stage = species.stages[stage_index]
    feeling = mood(stats)
    return BuddyState(
        name=pick_name(seed + species.id),
        species=species.name,
        species_id=species.id,
        rarity=species.rarity,
        stage=stage.name,
        stage_index=stage_index,
        total_stages=len(species.stages),
        level=held.level,
        xp=xp,
        xp_for_next_level=xp_for_next_level(xp),
        mood=feeling,
        speech=speech(stats, feeling),
        ascii_art=stage.ascii_art,
        streak_days=stats.streak_days,
        tokens_saved=stats.total_tokens_saved,
        cost_saved=stats.total_cost_saved,
        unlocked_species=tuple(
            UnlockedSpecies(each.id, each.name, each.rarity, unlocked=stages_held(held, each) > 0)
            for each in SPECIES
        ),
    )


def shown_species(held: Held) -> tuple[Species, int]:
    """The rarest species of those that are held and the index of its stage; without any the dragon's egg."""
    species = active_species({each.id for each in SPECIES if stages_held(held, each)})
    return species, max(0, stages_held(held, species) - 1)


def pick_name(seed: str) -> str:
    """The name that belongs to a seed, for good.

    The reference takes the first UTF-16 unit of each code point, so beyond U+FFFF only the high surrogate.
    """
    h = 0
    for character in seed:
        code = ord(character)
        unit = code if code <= 0xFFFF else 0xD800 + ((code - 0x10000) >> 10)  # noqa: PLR2004 - UTF-16
        h = (h * 31 + unit) & 0x7FFFFFFF
    return NAMES[h % len(NAMES)]


def mood(stats: Stats) -> Mood:
    """How the buddy feels (the reference's selectMood)."""
    if stats.streak_days >= _FIERY_STREAK:
        return "excited"
    if stats.cache_hits == 0:
        return "sleepy"
    if stats.total_requests < _FED_REQUESTS:
        return "hungry"
    if stats.streak_days >= 1:
        return "happy"
    return "content"


def speech(stats: Stats, feeling: Mood) -> str:
    """What the buddy says (the reference's selectSpeech)."""
    if stats.streak_days >= _FIERY_STREAK:
        return f"{stats.streak_days}-day streak — you're on fire 🔥"
    if stats.cache_hits >= _MANY_HITS:
        return f"{stats.cache_hits} cache hits and counting! 🎯"
    if stats.total_cost_saved >= 1:
        return f"Saved you ${_to_cents(stats.total_cost_saved)} so far. Drinks on me ☕"
    if feeling == "sleepy":
        return "No traffic yet. Wake me up with a request 💤"
    if feeling == "hungry":
        return "Feed me requests! Each one makes me stronger 🍴"
    return f"Routing {stats.total_requests} requests across {stats.unique_callers} callers — looking good!"


_FIERY_STREAK = 7
_FED_REQUESTS = 10
_MANY_HITS = 100


def _to_cents(dollars: float) -> str:
    """What JavaScript's toFixed(2) makes of dollars >= 0: the exact value of the float, a tie rounded up."""
    numerator, denominator = dollars.as_integer_ratio()
    cents = (200 * numerator + denominator) // (2 * denominator)
    return f"{cents // 100}.{cents % 100:02d}"
