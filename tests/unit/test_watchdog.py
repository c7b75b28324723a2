from __future__ import annotations

from aiokafka import TopicPartition

from app.engine.progress import Progress, Stuck

A, B = TopicPartition("requests", 0), TopicPartition("requests", 1)


def test_a_partition_that_lags_and_stands_still_is_stuck() -> None:
    """Only after the whole limit, counted from when there was something to fold; the line says where it stands."""
    progress = Progress(60)
    for now in range(100, 160, 10):
        assert progress.look(now, {A: 5, B: 7}, {A: 9, B: 7}) == []
    assert progress.look(160, {A: 5, B: 7}, {A: 12, B: 7}) == [Stuck(A, 5, 12, 60)]
    [stuck] = progress.look(170, {A: 5, B: 7}, {A: 12, B: 7})
    assert str(stuck) == "requests[0] stands at offset 5 and ends at 12: nothing was committed for 70 s"


def test_whoever_moves_or_has_nothing_to_fold_is_not_stuck() -> None:
    """Slow is not stuck, and the time that a partition was idle does not count."""
    progress = Progress(60)
    for now in range(0, 600, 10):
        slow = now // 50
        assert progress.look(now, {A: slow, B: 7}, {A: 1000, B: 7}) == []
    for now in range(600, 660, 10):
        assert progress.look(now, {A: 1000, B: 7}, {A: 1000, B: 8}) == []
    assert progress.look(660, {A: 1000, B: 7}, {A: 1000, B: 8}) == [Stuck(B, 7, 8, 60)]


def test_a_partition_waits_for_its_turn_while_others_move() -> None:
    """Five times as long: one that still stands then is stuck whatever the others do."""
    progress = Progress(60)
    for now in range(0, 300, 10):
        assert progress.look(now, {A: now, B: 7}, {A: 1000, B: 9}) == []
    assert progress.look(300, {A: 300, B: 7}, {A: 1000, B: 9}) == [Stuck(B, 7, 9, 300)]


def test_a_partition_has_its_turn_soon_where_the_others_have_stopped() -> None:
    """It is stuck when nothing has moved for the limit, however long it had stood before."""
    progress = Progress(60)
    for now in range(0, 200, 10):
        assert progress.look(now, {A: min(now, 140), B: 7}, {A: 1000, B: 9}) == []
    stuck = progress.look(200, {A: 140, B: 7}, {A: 1000, B: 9})
    assert stuck == [Stuck(A, 140, 1000, 60), Stuck(B, 7, 9, 200)]


def test_lag_that_is_gone_for_a_moment_begins_anew() -> None:
    """A partition that was up to date between two looks has made progress."""
    progress = Progress(60)
    for now in range(0, 60, 10):
        progress.look(now, {A: 5}, {A: 6})
    progress.look(60 - 1, {A: 5}, {A: 5})
    for now in range(60, 120, 10):
        assert progress.look(now, {A: 5}, {A: 6}) == []


def test_nothing_is_concluded_over_a_pause_or_another_assignment() -> None:
    """A process that slept, a broker that did not answer, a rebalance: the time before does not count."""
    progress = Progress(60)
    for now in (0, 10, 20, 60, 70, 80, 90, 100, 110):
        assert progress.look(now, {A: 5}, {A: 6}) == []
    progress.forget()
    assert progress.look(120, {A: 5}, {A: 6}) == []
    assert [bool(progress.look(now, {A: 5}, {A: 6})) for now in (130, 140, 150, 160, 170, 180)] == [
        *[False] * 5,
        True,
    ]


def test_only_who_stands_is_known_to_stand() -> None:
    """What was up to date, or elsewhere, at the last look does not stand still."""
    progress = Progress(60)
    progress.look(0, {A: 5, B: 7}, {A: 9, B: 7})
    assert progress.is_at(A, 5)
    assert not progress.is_at(A, 6)
    assert not progress.is_at(B, 7)
