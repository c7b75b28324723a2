from dataclasses import replace

import msgspec
import pytest

from app.domain.achievements import ACHIEVEMENTS, CALLER_ACHIEVEMENTS, GATEWAY_ONLY, Achievement, achievement
from app.domain.measures import MEASURES, Measures
from app.domain.money import NANOS_PER_DOLLAR
from app.domain.progress import (
    NEVER,
    AchievementEarned,
    Held,
    LevelReached,
    Progress,
    StageReached,
    Thresholds,
    hold,
    holds,
    is_due,
    judge,
    next_thresholds,
    stages_held,
)
from app.domain.species import CACHE_CAT, GATEWAY_DRAGON, SPECIES, TOKEN_FOX

EVERYTHING = Measures(*[10**9] * 11)
EVERYTHING.cost_saved = 10**9 * NANOS_PER_DOLLAR


def brief(progress: list[Progress]) -> list[str]:
    """One word per progress, to compare what was earned."""
    words = []
    for earned in progress:
        match earned:
            case AchievementEarned():
                words.append(earned.achievement.id)
            case LevelReached():
                words.append(f"level {earned.from_level}-{earned.level}")
            case StageReached():
                words.append(f"{earned.stage.name} {earned.stage_index}")
    return words


def test_nothing_done_earns_nothing() -> None:
    """A new scope has earned nothing and is at level 1."""
    held = Held()
    assert judge(Measures(), held, gateway=True) == []
    assert held == Held(achievements=0, level=1, stages=[0, 0, 0])


@pytest.mark.parametrize("each", ACHIEVEMENTS, ids=lambda each: each.id)
def test_an_achievement_is_earned_at_its_threshold(each: Achievement) -> None:
    """An achievement is earned when its measure reaches the threshold, not one below, and not again above."""
    m, held = Measures(), Held()
    setattr(m, each.measure, each.threshold - 1)
    hold(held, judge(m, held, gateway=True))
    assert not holds(held, each)
    setattr(m, each.measure, each.threshold)
    earned = [p for p in judge(m, held, gateway=True) if isinstance(p, AchievementEarned)]
    assert earned == [AchievementEarned(each, each.threshold, each.threshold)]
    hold(held, earned)
    assert holds(held, each)
    setattr(m, each.measure, each.threshold + 1)
    assert each.id not in brief(judge(m, held, gateway=True))


def test_a_value_may_be_past_its_threshold() -> None:
    """What is earned states the value that the measure has, and the threshold that it passed."""
    [earned] = judge(Measures(requests=250), Held(achievements=1), gateway=False)
    assert earned == AchievementEarned(achievement("requests-100"), 250, 100)


def test_a_caller_never_earns_what_only_a_gateway_can() -> None:
    """A caller that has done everything earns its 20, the gateway all 22, each in catalog order."""
    caller = [
        p.achievement for p in judge(EVERYTHING, Held(), gateway=False) if isinstance(p, AchievementEarned)
    ]
    gateway = [
        p.achievement for p in judge(EVERYTHING, Held(), gateway=True) if isinstance(p, AchievementEarned)
    ]
    assert caller == list(CALLER_ACHIEVEMENTS)
    assert gateway == list(ACHIEVEMENTS)


def test_progress_comes_in_one_order() -> None:
    """Achievements come in catalog order, then the level, then the stages by species."""
    m = Measures(requests=1, cache_hits=10, tokens_saved=10_000, longest_streak=3)
    assert brief(judge(m, Held(), gateway=False)) == [
        "first-call",
        "first-cache",
        "saved-1k",
        "saved-10k",
        "streak-3",
        "level 1-3",
        "Kitten 0",
        "Cat 1",
        "Pup 0",
        "Fox 1",
    ]


def test_levels_passed_at_once_are_one() -> None:
    """Levels that are passed through at once are one progress, from the level held to the highest."""
    [earned] = judge(Measures(facts=500), Held(achievements=1 << 4), gateway=False)
    assert earned == LevelReached(from_level=1, level=9, xp=5_000, xp_for_next_level=5_300)


def test_a_level_is_reached_at_its_border() -> None:
    """Level 2 is reached at 212 points and not at 210, and reaching 53 is no level-up."""
    held = Held(achievements=1 << 4)
    assert judge(Measures(facts=6), held, gateway=False) == []
    assert judge(Measures(facts=21), held, gateway=False) == []
    assert brief(judge(Measures(facts=21, tokens_saved=480), held, gateway=False)) == ["level 1-2"]


def test_a_species_that_is_unlocked_late_catches_up() -> None:
    """The dragon of a scope with a million tokens hatches and grows at once when its week is full."""
    m = Measures(tokens_saved=2_000_000, longest_streak=6)
    held = Held()
    hold(held, judge(m, held, gateway=False))
    assert stages_held(held, GATEWAY_DRAGON) == 0
    m.longest_streak = 7
    assert brief(judge(m, held, gateway=False)) == ["streak-7", "Egg 0", "Hatchling 1", "Drake 2", "Dragon 3"]


def test_later_stages_come_one_by_one() -> None:
    """A stage that is held is not reached again, the next one is."""
    held = Held(stages=[0, 1, 2])
    earned = judge(Measures(tokens_saved=5_000), held, gateway=False)
    assert StageReached(CACHE_CAT, CACHE_CAT.stages[1], 1) in earned
    assert [p for p in earned if isinstance(p, StageReached) and p.species is TOKEN_FOX] == []


def test_what_is_held_is_kept() -> None:
    """A scope that holds more than its measures say keeps it and earns nothing anew."""
    held = Held(achievements=2 ** len(ACHIEVEMENTS) - 1, level=30, stages=[5, 3, 2])
    before = msgspec.structs.replace(held)
    progress = judge(Measures(requests=1, tokens_saved=1_000), held, gateway=True)
    assert progress == []
    hold(held, progress)
    assert held == before


def test_holding_twice_changes_nothing() -> None:
    """Noting the same progress again leaves what is held as it is, and nothing is earned anew."""
    held = Held()
    progress = judge(EVERYTHING, held, gateway=True)
    hold(held, progress)
    once = msgspec.json.encode(held)
    hold(held, progress)
    assert msgspec.json.encode(held) == once
    assert judge(EVERYTHING, held, gateway=True) == []


def test_older_progress_does_not_take_back() -> None:
    """Noting a lower level or stage than is held changes nothing."""
    held = Held(level=9, stages=[0, 3, 0])
    hold(held, [LevelReached(1, 2, 212, 477), StageReached(CACHE_CAT, CACHE_CAT.stages[0], 0)])
    assert held == Held(level=9, stages=[0, 3, 0])


def test_state_from_before_a_species_was_added_is_understood() -> None:
    """What was stored with fewer species counts as locked for the ones added since."""
    held = msgspec.json.decode("[3,2,[1]]", type=Held)
    assert [stages_held(held, species) for species in SPECIES] == [1, 0, 0]
    hold(held, judge(Measures(requests=1, tokens_saved=1_000), held, gateway=False))
    assert held.stages == [1, 0, 1]


def test_what_is_held_is_stored_as_an_array() -> None:
    """What is held is written as the array of its fields, and is read back the same, also where fields are missing."""
    held = Held(achievements=5, level=3, stages=[0, 1, 2])
    assert msgspec.json.encode(held) == b"[5,3,[0,1,2]]"
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(held), type=Held) == held
    assert msgspec.json.decode("[]", type=Held) == Held()


def test_thresholds_name_every_measure() -> None:
    """There is a threshold for each measure, in the order of the measures."""
    assert Thresholds.__match_args__ == MEASURES


def test_the_first_thresholds() -> None:
    """A new scope waits for its first of everything; a million tokens and a week are waited for together."""
    assert next_thresholds(Measures(), Held(), gateway=True) == Thresholds(
        requests=1,
        tokens_saved=1_000,
        cost_saved=NANOS_PER_DOLLAR // 100,
        cache_hits=1,
        semantic_hits=1,
        callers=3,
        models=5,
        races=1,
        facts=1,
        longest_streak=3,
        subscriptions=3,
    )


def test_a_caller_does_not_wait_for_what_it_cannot_earn() -> None:
    """A caller is never judged for callers or subscriptions."""
    thresholds = next_thresholds(Measures(), Held(), gateway=False)
    assert (thresholds.callers, thresholds.subscriptions) == (NEVER, NEVER)
    assert {achievement(each).measure for each in GATEWAY_ONLY} == {"callers", "subscriptions"}


def test_with_everything_earned_only_levels_are_left() -> None:
    """A scope that holds everything waits for no measure, only for its next level."""
    held = Held()
    hold(held, judge(EVERYTHING, held, gateway=True))
    left = next_thresholds(EVERYTHING, held, gateway=True)
    assert left == Thresholds()
    assert not is_due(EVERYTHING, left)


def test_the_next_stage_is_waited_for_exactly() -> None:
    """A kitten with all else earned is judged again when it has the tokens of a cat."""
    held = Held(achievements=2 ** len(ACHIEVEMENTS) - 1, level=100, stages=[5, 1, 2])
    thresholds = next_thresholds(Measures(cache_hits=10), held, gateway=False)
    assert thresholds == Thresholds(tokens_saved=5_000)


def test_a_met_requirement_is_not_waited_for() -> None:
    """With a million tokens saved the dragon waits for the streak, and not on every event for the tokens."""
    m = Measures(tokens_saved=1_000_000, longest_streak=1)
    held = Held()
    hold(held, judge(m, held, gateway=False))
    thresholds = next_thresholds(m, held, gateway=False)
    assert thresholds.tokens_saved == NEVER
    assert not is_due(m, thresholds)


def test_what_is_already_earned_is_due() -> None:
    """Thresholds that are asked for before judging say that judging is due."""
    m = Measures(tokens_saved=2_000_000, longest_streak=7)
    held = Held(achievements=2 ** len(ACHIEVEMENTS) - 1, level=100, stages=[0, 0, 2])
    assert is_due(m, next_thresholds(m, held, gateway=False))


@pytest.mark.parametrize("name", MEASURES)
def test_each_threshold_is_watched(name: str) -> None:
    """Reaching any one threshold makes judging due, one below does not."""
    thresholds = replace(Thresholds(), **{name: 500})
    m = Measures()
    setattr(m, name, 499)
    assert not is_due(m, thresholds)
    setattr(m, name, 500)
    assert is_due(m, thresholds)
