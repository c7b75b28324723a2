from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import EVENT_OF_TOPIC, RequestRouted
from tables.codec import UnreadableRowError
from tables.seen import SALTS, Seen
from tables.segments import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.engine.fold import Row

SALT = SALTS[RequestRouted]
Log = dict[bytes, bytes]


def ids(count: int, start: int = 0) -> list[bytes]:
    """Return some identities."""
    return [b"id-%d" % number for number in range(start, start + count)]


def new_ones(seen: Seen, identities: Iterable[bytes]) -> list[bytes]:
    """Add identities; return those that were new."""
    expected = list(identities)
    seen.expect(expected, SALT)
    return [each for number, each in enumerate(expected) if seen.add(number)]


def write(log: Log, rows: Iterable[Row]) -> None:
    """Take rows as a compacted topic does."""
    for row in rows:
        assert row.table == "seen"
        if row.value is None:
            log.pop(row.key, None)
        else:
            log[row.key] = row.value


def restored(log: Log, window: int) -> Seen:
    """Return what a worker has after a restart; the rows come in any order."""
    seen = Seen(window)
    for key, value in sorted(log.items()):
        seen.restore(key, value)
    seen.restored()
    return seen


def test_an_identity_is_new_once() -> None:
    """A hundred thousand different ones are all new, and none of them is again."""
    seen = Seen(100_000)
    assert new_ones(seen, ids(100_000)) == ids(100_000)
    assert new_ones(seen, ids(100_000)) == []


def test_those_expected_are_added_in_any_order_or_not_at_all() -> None:
    """What was expected but not added, as an event that is sent home, stays new."""
    seen = Seen(100)
    seen.expect(ids(4), SALT)
    assert [seen.add(number) for number in (2, 0, 2)] == [True, True, False]
    assert new_ones(seen, ids(4)) == [b"id-1", b"id-3"]


def test_topics_have_identities_of_their_own() -> None:
    """The same id in each of the six topics is six identities."""
    seen = Seen(100)
    assert len(set(SALTS.values())) == len(EVENT_OF_TOPIC)
    for new in (True, False):
        for salt in SALTS.values():
            seen.expect([b"id"], salt)
            assert seen.add(0) is new


@pytest.mark.parametrize("window", [1, 2, 59, 60, 121, 1_000, 100_000])
def test_the_newest_are_known_and_the_old_are_forgotten(window: int) -> None:
    """The newest ``window`` identities are known, before and after a restart; older ones are forgotten."""
    seen, log = Seen(window), Log()
    for start in range(0, 4 * window, max(1, window // 3)):
        new_ones(seen, ids(max(1, window // 3), start))
        write(log, seen.drain())
    end = start + max(1, window // 3)
    newest, oldest = ids(window, end - window), ids(window)
    again = restored(log, window)
    assert new_ones(seen, newest) == new_ones(again, newest) == []
    assert new_ones(seen, oldest) == new_ones(again, oldest) == oldest


@given(st.lists(st.tuples(st.lists(st.integers(0, 3_000), max_size=1_500), st.booleans()), max_size=12))
def test_restarts_do_not_matter(batches: list[tuple[list[int], bool]]) -> None:
    """With workers that die after any transaction, exactly what was not committed before is new."""
    seen, log, known = Seen(5_000), Log(), set[bytes]()
    for numbers, dies in batches:
        identities = [b"id-%d" % number for number in numbers]
        expected = list(dict.fromkeys(each for each in identities if each not in known))
        assert new_ones(seen, identities) == expected
        known |= set(identities)
        write(log, seen.drain())
        if dies:
            seen = restored(log, 5_000)


def test_what_was_not_committed_is_new_again() -> None:
    """After a crash the log decides, not what the worker had in memory."""
    seen, log = Seen(1_000), Log()
    new_ones(seen, ids(600))
    write(log, seen.drain())
    new_ones(seen, ids(300, 600))
    assert new_ones(restored(log, 1_000), ids(900)) == ids(300, 600)


def test_the_log_keeps_the_window_and_not_more() -> None:
    """Rows that the window has passed are deleted, so that the log does not grow."""
    seen, log = Seen(5 * SEGMENT), Log()
    for start in range(0, 40 * SEGMENT, 100):
        new_ones(seen, ids(100, start))
        write(log, seen.drain())
        assert len(log) <= 6
    assert list(seen.drain()) == []


@pytest.mark.parametrize(("before", "after"), [(5_000, 20_000), (20_000, 5_000)])
def test_the_window_may_change(before: int, after: int) -> None:
    """With another window the newest are still known, and the log shrinks to it."""
    seen, log = Seen(before), Log()
    new_ones(seen, ids(30_000))
    write(log, seen.drain())
    seen = restored(log, after)
    assert new_ones(seen, ids(5_000, 25_000)) == []
    new_ones(seen, ids(after, 30_000))
    write(log, seen.drain())
    assert new_ones(restored(log, after), ids(after, 30_000)) == []
    assert len(log) == -(-after // SEGMENT) + 1


def test_a_million_identities_take_less_than_16_bytes_each() -> None:
    """When it has seen three million, a window of a million takes less than 16 MB."""
    seen = Seen(1_000_000)
    for start in range(0, 3_000_000, 10_000):
        new_ones(seen, ids(10_000, start))
    list(seen.drain())
    size = memoryview(seen._heads).nbytes + memoryview(seen._ring).nbytes
    assert size < 16_000_000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"", b"\x92\x01\xc4\x08goodbye!"),
        (b"-1", b"\x92\x01\xc4\x08goodbye!"),
        (b"x", None),
        (b"0", b""),
        (b"0", b"garbage"),
        (b"0", b"\x92\x01\xc4\x00"),
        (b"0", b"\x92\x01\xc4\x07goodbye"),
        (b"0", b"\x92\x02\xc4\x08goodbye!"),
    ],
)
def test_rows_that_are_none(key: bytes, value: bytes | None) -> None:
    """A key that is no number, a value that is no row, is empty, cut short or of another version is refused."""
    Seen(100).restore(b"0", b"\x92\x01\xc4\x08goodbye!")
    with pytest.raises(UnreadableRowError):
        Seen(100).restore(key, value)


@pytest.mark.parametrize("missing", [[1], [3], [4, 5], [0, 2], [5], range(6)])
def test_rows_that_must_be_there(missing: Iterable[int]) -> None:
    """Only the oldest rows are ever deleted, not one between others, not the newest, not all."""
    seen, log = Seen(10 * SEGMENT), Log()
    new_ones(seen, ids(6 * SEGMENT - 1))
    write(log, seen.drain())
    again = Seen(10 * SEGMENT)
    for key, value in log.items():
        again.restore(key, value)
    for number in missing:
        again.restore(b"%d" % number, None)
    with pytest.raises(UnreadableRowError):
        again.restored()
