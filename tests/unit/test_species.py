import unicodedata

import pytest

from app.domain.ascii_art import Picture
from app.domain.measures import Measures
from app.domain.species import (
    CACHE_CAT,
    GATEWAY_DRAGON,
    RARITY_ORDER,
    SPECIES,
    TOKEN_FOX,
    Species,
    active_species,
    is_unlocked,
    stage_index,
)

PICTURES = [
    pytest.param(picture, id=name)
    for species in SPECIES
    for name, picture in [
        (species.id, species.ascii_art),
        *((f"{species.id}, {stage.name}", stage.ascii_art) for stage in species.stages),
    ]
]


def test_the_species_are_the_references() -> None:
    """Ids, names, rarities, conditions and stages are those of the reference, and so is their order, which is state."""
    assert [(each.id, each.name, each.rarity, each.unlock_condition) for each in SPECIES] == [
        ("gateway-dragon", "Gateway Dragon", "legendary", "1M tokens saved + 7-day streak"),
        ("cache-cat", "Cache Cat", "rare", "10 cache hits"),
        ("token-fox", "Token Fox", "uncommon", "1K tokens saved"),
    ]
    assert [[(stage.name, stage.unlocks_at_tokens_saved) for stage in each.stages] for each in SPECIES] == [
        [
            ("Egg", 0),
            ("Hatchling", 10_000),
            ("Drake", 100_000),
            ("Dragon", 1_000_000),
            ("Elder Dragon", 10_000_000),
        ],
        [("Kitten", 0), ("Cat", 5_000), ("Wise Cat", 50_000)],
        [("Pup", 0), ("Fox", 10_000)],
    ]


@pytest.mark.parametrize("species", SPECIES)
def test_stages_begin_at_nothing_and_rise(species: Species) -> None:
    """The first stage of a species needs no tokens, and each later one more than the one before."""
    thresholds = [stage.unlocks_at_tokens_saved for stage in species.stages]
    assert thresholds[0] == 0
    assert thresholds == sorted(set(thresholds))


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_is_a_rectangle_of_single_cells(picture: Picture) -> None:
    """Every line of a picture is equally wide, made only of characters that take one cell in any terminal."""
    assert len(picture) >= 3
    assert len({len(line) for line in picture}) == 1
    for character in "".join(picture):
        assert unicodedata.east_asian_width(character) == "Na"
        assert not unicodedata.combining(character)


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_has_no_margin(picture: Picture) -> None:
    """A picture fills its rectangle: something touches each side, so that centring it centres what is seen."""
    assert picture[0].strip()
    assert picture[-1].strip()
    assert any(not line.startswith(" ") for line in picture)
    assert any(not line.endswith(" ") for line in picture)


def test_the_stages_look_different() -> None:
    """No two stages share a picture."""
    pictures = [stage.ascii_art for species in SPECIES for stage in species.stages]
    assert len(set(pictures)) == len(pictures)


@pytest.mark.parametrize(
    ("species", "m", "unlocked"),
    [
        (GATEWAY_DRAGON, Measures(tokens_saved=1_000_000, longest_streak=7), True),
        (GATEWAY_DRAGON, Measures(tokens_saved=999_999, longest_streak=7), False),
        (GATEWAY_DRAGON, Measures(tokens_saved=1_000_000, longest_streak=6), False),
        (GATEWAY_DRAGON, Measures(requests=1_000_000, cache_hits=1_000_000), False),
        (CACHE_CAT, Measures(cache_hits=10), True),
        (CACHE_CAT, Measures(cache_hits=9, tokens_saved=10**9), False),
        (TOKEN_FOX, Measures(tokens_saved=1_000), True),
        (TOKEN_FOX, Measures(tokens_saved=999, cache_hits=100), False),
    ],
)
def test_a_species_is_unlocked_by_its_own_condition(species: Species, m: Measures, unlocked: bool) -> None:  # noqa: FBT001
    """A species is unlocked by its own condition and by nothing else."""
    assert is_unlocked(species, m) is unlocked


@pytest.mark.parametrize(
    ("species", "tokens", "stage"),
    [
        (GATEWAY_DRAGON, 0, "Egg"),
        (GATEWAY_DRAGON, 9_999, "Egg"),
        (GATEWAY_DRAGON, 10_000, "Hatchling"),
        (GATEWAY_DRAGON, 99_999, "Hatchling"),
        (GATEWAY_DRAGON, 1_000_000, "Dragon"),
        (GATEWAY_DRAGON, 9_999_999, "Dragon"),
        (GATEWAY_DRAGON, 10**12, "Elder Dragon"),
        (CACHE_CAT, 4_999, "Kitten"),
        (CACHE_CAT, 5_000, "Cat"),
        (CACHE_CAT, 50_000, "Wise Cat"),
        (TOKEN_FOX, 9_999, "Pup"),
        (TOKEN_FOX, 10_000, "Fox"),
    ],
)
def test_the_stage_follows_the_tokens_saved(species: Species, tokens: int, stage: str) -> None:
    """The stage is the last one whose tokens are saved."""
    assert species.stages[stage_index(species, tokens)].name == stage


@pytest.mark.parametrize(
    ("unlocked", "active"),
    [
        (set(), GATEWAY_DRAGON),
        ({"token-fox"}, TOKEN_FOX),
        ({"token-fox", "cache-cat"}, CACHE_CAT),
        ({"token-fox", "gateway-dragon"}, GATEWAY_DRAGON),
        ({"a species of a later version"}, GATEWAY_DRAGON),
    ],
)
def test_the_rarest_unlocked_species_is_active(unlocked: set[str], active: Species) -> None:
    """The buddy is of the rarest species that is unlocked; with none it is the dragon."""
    assert active_species(unlocked) is active


def test_rarities_are_ranked_as_in_the_reference() -> None:
    """Rarities rise from common to legendary."""
    assert sorted(RARITY_ORDER, key=RARITY_ORDER.__getitem__) == [
        "common",
        "uncommon",
        "rare",
        "epic",
        "legendary",
    ]
