"""What a scope holds in memory says the same as the rows that it is made of, whatever is added and written when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.streaks import longest_run
from tables import days, models, streaks
from tables.cells import Cells
from tables.codec import LARGEST
from tables.dates import Dates
from tables.model_set import ModelSet
from tables.rows import DAYS, joined, row_of

#: Days of few months and years, so that they meet, and of none before and after.
some_days = st.one_of(
    st.integers(19_750, 19_860),
    st.sampled_from([-719_162, -1, 0, 30, 31, 127, 128, 255, 256, 65_535, 65_536, 2_932_896]),
)
#: Sums whose MessagePack has one, two, three, five and nine bytes, and what is too large for any.
amounts = st.sampled_from(
    [
        *(0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**32),
        *(2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64),
    ]
)
ADD, WRITE, REST, LEAVE = "add", "write", "rest", "leave"
steps = st.lists(
    st.one_of(
        st.tuples(st.just(ADD), some_days, amounts, amounts),
        st.tuples(st.sampled_from([WRITE, REST, LEAVE]), st.just(0), st.just(0), st.just(0)),
    ),
    max_size=40,
)


def decoded(rows: dict[bytes, bytes]) -> dict[int, days.Cell]:
    """Return all cells of some rows of days; each must be in the row of its month, encoded as it always was."""
    cells: dict[int, days.Cell] = {}
    for key, value in rows.items():
        month = days.CODEC.decode(value)
        assert days.CODEC.encode(month) == value
        assert {days.month_of(day) for day in month.cells} == {days.split_key(key)[0]}
        cells |= month.cells
    return cells


@given(steps)
@settings(max_examples=500)
@example(
    [(ADD, 19_783, 1, 2), (WRITE, 0, 0, 0), (ADD, 19_783, 1, 2), (ADD, 19_784, 0, 0), (ADD, 19_783, 5, 5)]
)
@example([(ADD, 19_783, 1, 2), (ADD, 19_860, 1, 2), (ADD, 19_783, 1, 2), (WRITE, 0, 0, 0), (REST, 0, 0, 0)])
def test_cells_are_what_was_added(taken: list[tuple[str, int, int, int]]) -> None:
    """In the log is the sum of each day, in as few rows as have changed, wherever it was written or came to rest."""
    cells, expected = Cells(b"ada"), dict[int, days.Cell]()
    log: dict[bytes, bytes] = {}
    changed: set[str] = set()

    def write() -> None:
        written = cells.changed_rows()
        assert sorted(row.key for row in written) == sorted(days.key_of(month, b"ada") for month in changed)
        log.update((row.key, row.value or b"") for row in written)
        changed.clear()
        assert decoded(log) == {
            day: days.Cell(cell.requests, min(cell.tokens_saved, LARGEST), min(cell.cost_saved, LARGEST))
            for day, cell in expected.items()
        }

    for what, day, tokens, cost in taken:
        if what == ADD:
            cells.open(day)
            cells.requests += 1
            cells.tokens_saved += tokens
            cells.cost_saved += cost
            cell = expected.setdefault(day, days.Cell())
            cell.requests += 1
            cell.tokens_saved += tokens
            cell.cost_saved += cost
            changed.add(days.month_of(day))
            continue
        if what == LEAVE:  # as a scope does that rests as soon as it is written
            cells.settle()
        write()
        if what in (REST, LEAVE):
            rested = cells.rest()
            cells = Cells(b"ada", rested)
            assert len(rested) == sum(len(DAYS) + days.MONTH_BYTES + 4 + len(value) for value in log.values())
            for key, value in log.items():  # at rest is what was written, sums that stopped too
                expected |= days.CODEC.decode(value).cells
                assert row_of(rested, DAYS + key[: days.MONTH_BYTES]) == value
    write()


@pytest.mark.parametrize(
    "pairs",
    [
        b"\xde\x00\x01\xcd\x4d\x48\x93\x01\x02\x03",  # the head of many where there are few
        b"\xdf\x00\x00\x00\x01\xcd\x4d\x48\x93\x01\x02\x03",  # and of very many
        b"\x81\xce\x00\x00\x4d\x48\x93\xcc\x01\xd0\x02\xd3\x00\x00\x00\x00\x00\x00\x00\x03",  # long numbers
        b"\x81\xcd\x4d\x48\xdc\x00\x03\x01\x02\x03",  # the head of a long array
        b"\x81\xcd\x4d\x48\x94\x01\x02\x03\x04",  # a field more, as of a release to come
    ],
)
def test_rows_that_another_encoder_wrote_are_read(pairs: bytes) -> None:
    """What means the same as a row that is written here counts as much, however it is spelled."""
    day = 0x4D48
    row = b"\x92\x01" + pairs
    cells = Cells(b"ada", joined(DAYS + days.month_of(day).encode(), row))
    for each in (day + 1, day):
        cells.open(each)
        cells.requests += 1
    [written] = cells.changed_rows()
    expected = {day: days.Cell(2, 2, 3), day + 1: days.Cell(1, 0, 0)}
    assert days.CODEC.decode(written.value or b"").cells == expected


@pytest.mark.parametrize("row", [b"\x90", b"\x91\x01", b"\x92\x01\x80", b"\x92\x01\xde\x00\x00"])
def test_a_month_without_a_day_is_read(row: bytes) -> None:
    """A row that leaves out what it has none of is an empty one."""
    cells = Cells(b"ada", joined(DAYS + b"2024-03", row))
    cells.open(19_783)
    cells.requests += 1
    [written] = cells.changed_rows()
    assert days.CODEC.decode(written.value or b"").cells == {19_783: days.Cell(1, 0, 0)}


@given(st.lists(st.tuples(st.booleans(), some_days)), st.sets(some_days))
def test_dates_are_the_days_that_were_added(added: list[tuple[bool, int]], before: set[int]) -> None:
    """Sets, longest run and what is said to be new are those of the row that says it plainly."""
    expected = streaks.ActiveDays()
    for day in before:
        expected.add_request(day)
    dates = Dates(streaks.CODEC.decode(streaks.CODEC.encode(expected)))
    for is_request, day in added:
        new = expected.add_request(day) if is_request else expected.add_active(day)
        assert (dates.add_request(day) if is_request else dates.add_active(day)) == new
        assert dates.longest == expected.longest
    assert dates.row() == streaks.CODEC.decode(dates.encode()) == expected
    assert dates.encode() == streaks.CODEC.encode(dates.row())
    assert expected.longest == longest_run(expected.active)


@pytest.mark.parametrize("prefix", ["m-", "made-up-"])
def test_a_set_of_models_is_a_set(prefix: str) -> None:
    """It has what was added, once, whether a name came early enough to have a number or not; and no more than so many."""
    names = [f"{prefix}{number}" for number in range(1_500)]
    half = ModelSet(set(names[:700]))
    added = [name for name in names for _ in range(2) if half.add(name.encode())]
    assert added == names[700:]
    assert sorted(half.names()) == sorted(models.CODEC.decode(half.encode()).names) == sorted(names)
    assert half.count == len(names)
    assert all(half.has(name.encode()) for name in names)
    assert not half.has(b"another")
    full = ModelSet({str(number) for number in range(models.MOST)})
    assert (full.add(b"one more"), full.count, full.has(b"one more")) == (False, models.MOST, False)


def test_the_names_of_one_scope_are_not_those_of_another() -> None:
    """Names are numbered together and held apart."""
    sets: list[Any] = [ModelSet({"a"}), ModelSet({"b"}), ModelSet(set())]
    assert [each.names() for each in sets] == [["a"], ["b"], []]
    assert [each.has(b"a") for each in sets] == [True, False, False]
