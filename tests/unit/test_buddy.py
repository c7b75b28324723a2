import msgspec
import pytest

from app.domain.buddy import NAMES, Mood, buddy, mood, pick_name, speech
from app.domain.progress import Held
from app.domain.species import CACHE_CAT, GATEWAY_DRAGON, TOKEN_FOX
from app.domain.stats import Stats


@pytest.mark.parametrize(
    ("seed", "name"),
    [
        ("", "Mighty Brook"),
        ("gatewaygateway-dragon", "Cipher Cat"),
        ("gatewaycache-cat", "Crimson Ember"),
        ("gatewaytoken-fox", "Token Tamer"),
        ("alicecache-cat", "Shadow Sparrow"),
        ("büro-7token-fox", "Cache Champion"),
        ("🦊🐉gateway-dragon", "Quantum Sage"),
        ("日本語gateway-dragon", "Mighty Brook"),
        ("x" * 200 + "gateway-dragon", "Mighty Brook"),
        ("ÿ\uffff\U00010000token-fox", "Swift Vortex"),
    ],
)
def test_a_name_is_the_one_that_the_reference_picks(seed: str, name: str) -> None:
    """A seed has the name that the reference's pickName gave it when run by Node."""
    assert pick_name(seed) == name


def test_code_points_with_one_high_surrogate_are_the_same_to_a_name() -> None:
    """Of a code point beyond U+FFFF only the high surrogate counts, as in the reference."""
    assert {pick_name(f"{chr(code)}!") for code in range(0x1F400, 0x1F800)} == {pick_name("\ud83d!")}


def test_there_are_names_for_all_hashes() -> None:
    """Every name is picked for some seed."""
    assert {pick_name(str(number)) for number in range(200)} == set(NAMES)


@pytest.mark.parametrize(
    ("stats", "feeling"),
    [
        (Stats(), "sleepy"),
        (Stats(total_requests=500, streak_days=6), "sleepy"),
        (Stats(streak_days=7), "excited"),
        (Stats(cache_hits=1), "hungry"),
        (Stats(cache_hits=1, total_requests=9, streak_days=6), "hungry"),
        (Stats(cache_hits=1, total_requests=10), "content"),
        (Stats(cache_hits=1, total_requests=10, streak_days=1), "happy"),
        (Stats(cache_hits=1, total_requests=10, streak_days=6), "happy"),
        (Stats(cache_hits=1, total_requests=10, streak_days=7), "excited"),
    ],
)
def test_a_mood_follows_the_reference(stats: Stats, feeling: Mood) -> None:
    """A week makes excited, no cache hit sleepy, few requests hungry, any streak happy, and else it is content."""
    assert mood(stats) == feeling


@pytest.mark.parametrize(
    ("stats", "words"),
    [
        (Stats(streak_days=7, cache_hits=100), "7-day streak — you're on fire 🔥"),
        (Stats(cache_hits=100, total_cost_saved=5), "100 cache hits and counting! 🎯"),
        (Stats(cache_hits=99, total_cost_saved=1.0), "Saved you $1.00 so far. Drinks on me ☕"),
        (Stats(total_cost_saved=0.999), "No traffic yet. Wake me up with a request 💤"),
        (Stats(cache_hits=1), "Feed me requests! Each one makes me stronger 🍴"),
        (
            Stats(cache_hits=1, total_requests=12, unique_callers=3),
            "Routing 12 requests across 3 callers — looking good!",
        ),
    ],
)
def test_words_follow_the_reference(stats: Stats, words: str) -> None:
    """The buddy says the first of the reference's sentences that fits."""
    assert speech(stats, mood(stats)) == words


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (1.005, "1.00"),
        (1.125, "1.13"),
        (1.375, "1.38"),
        (2.675, "2.67"),
        (1.115, "1.11"),
        (72.54, "72.54"),
        (10.235, "10.23"),
        (1.995, "2.00"),
        (99.995, "100.00"),
        (1234567.895, "1234567.90"),
        (1e15 + 0.125, "1000000000000000.13"),
        (123456789012345.67, "123456789012345.67"),
        (1e20, "100000000000000000000.00"),
    ],
)
def test_cents_are_rounded_as_javascript_does(dollars: float, text: str) -> None:
    """Dollars are said as Node's toFixed(2) writes them: by their exact value, and a tie up."""
    assert speech(Stats(total_cost_saved=dollars), "sleepy") == f"Saved you ${text} so far. Drinks on me ☕"


def test_a_new_scope_has_a_dragons_egg() -> None:
    """With nothing unlocked the buddy is the dragon in its egg, and no species counts as unlocked."""
    state = buddy("gateway", Stats(), xp=0, held=Held())
    assert (state.species_id, state.stage, state.stage_index) == ("gateway-dragon", "Egg", 0)
    assert state.ascii_art == GATEWAY_DRAGON.stages[0].ascii_art
    assert (state.level, state.xp, state.xp_for_next_level) == (1, 0, 53)
    assert not any(each.unlocked for each in state.unlocked_species)


def test_traffic_alone_does_not_make_a_dragon() -> None:
    """A scope with the fox unlocked has a fox, however many requests it made."""
    state = buddy("alice", Stats(total_requests=10**6), xp=60, held=Held(stages=[0, 0, 2]))
    assert (state.species, state.rarity, state.stage) == ("Token Fox", "uncommon", "Fox")
    assert state.stage_index == 1
    assert state.total_stages == 2
    assert state.name == pick_name("alicetoken-fox")


def test_a_buddy_shows_what_is_held() -> None:
    """Level and stage are those that were published, the streak is the current one."""
    stats = Stats(
        total_tokens_saved=60_000, total_cost_saved=2.5, cache_hits=12, streak_days=2, total_requests=40
    )
    state = buddy("alice", stats, xp=850, held=Held(level=4, stages=[0, 3, 2]))
    assert (state.level, state.xp, state.xp_for_next_level) == (4, 850, 5 * 5 * 53)
    assert (state.species, state.stage, state.ascii_art) == (
        "Cache Cat",
        "Wise Cat",
        CACHE_CAT.stages[2].ascii_art,
    )
    assert (state.streak_days, state.tokens_saved, state.cost_saved) == (2, 60_000, 2.5)
    assert state.mood == "happy"
    assert state.speech == "Saved you $2.50 so far. Drinks on me ☕"
    assert [(each.id, each.unlocked) for each in state.unlocked_species] == [
        (GATEWAY_DRAGON.id, False),
        (CACHE_CAT.id, True),
        (TOKEN_FOX.id, True),
    ]


def test_a_buddy_has_the_names_of_the_reference() -> None:
    """In JSON a buddy has the reference's field names."""
    state = msgspec.to_builtins(buddy("gateway", Stats(), xp=0, held=Held()))
    assert list(state) == [
        "name",
        "species",
        "speciesId",
        "rarity",
        "stage",
        "stageIndex",
        "totalStages",
        "level",
        "xp",
        "xpForNextLevel",
        "mood",
        "speech",
        "asciiArt",
        "streakDays",
        "tokensSaved",
        "costSaved",
        "unlockedSpecies",
    ]
    assert list(state["unlockedSpecies"][0]) == ["id", "name", "rarity", "unlocked"]
