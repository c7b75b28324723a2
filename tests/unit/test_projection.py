from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.domain.measures import Measures
from app.domain.progress import Held
from app.postgres.project.batch import Batch, Place, Reached
from app.postgres.project.projection import Changes, Projection
from app.postgres.project.rows import BIGINT, text
from tables import counters, days, gateway, models, streaks, unlocks
from tables.codec import UnreadableRowError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Read:
    """A record as it was read."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = field(default_factory=list)


def batch(table: str, *records: Read, partition: int = 0) -> Batch:
    """A batch of records of one place."""
    taken = Batch()
    taken.take(Place(table, partition), records)
    return taken


def changes(table: str, *records: Read) -> Changes:
    """What a batch of records of one place changes when nothing was there before."""
    return Projection(Measures()).changes(batch(table, *records))


def month(**requests: int) -> bytes:
    """The row of November 2025 with so many requests on its days, d1 to d30."""
    cells = {20_392 + int(day[1:]): days.Cell(count, 2, 3) for day, count in requests.items()}
    return days.CODEC.encode(days.Month(cells=cells))


def test_the_newest_row_of_a_key_is_written_once() -> None:
    """Of several rows of a key only the newest is written; the offset behind the last one is reached."""
    first, second = (counters.CODEC.encode(counters.Counters(requests=number)) for number in (1, 2))
    found = changes("counters", Read(b"ada", first, 7, 100), Read(b"ada", second, 9, 90))
    [row] = found.rows["counters"]
    assert row[:2] == ("caller:ada", 2)
    assert found.reached == {Place("counters", 0): Reached(10, 100)}


def test_counters_and_levels() -> None:
    """Money is an exact decimal, counts stop at what bigint holds, and experience is that of the rules."""
    sums = counters.Counters(
        requests=2**64 - 1, tokens_saved=480, cost_saved=1, cache_hits=2, races=1, facts_stored=3
    )
    sums.held = Held(level=7)
    found = changes("counters", Read(b"ada", counters.CODEC.encode(sums)))
    assert found.rows["counters"] == [
        ("caller:ada", BIGINT, 480, Decimal("1E-9"), 2, 0, 1, 1, 3, 0, 0, 0, None)
    ]
    assert found.rows["levels"] == [("caller:ada", 7, 2 + 100 + 25 + 30, 212)]


def test_shares_are_no_callers() -> None:
    """Rows with an empty caller id are shares: of them only the days are taken, by the gateway's scope."""
    assert not changes("counters", Read(b"", counters.CODEC.encode(counters.Counters()))).rows
    assert not changes("models", Read(b"", models.CODEC.encode(models.Models()))).rows
    found = changes("days", Read(b"2025-11", month(d1=1)))
    assert found.rows["days"] == [("gateway", date(2025, 11, 1), 1, 2, Decimal("3E-9"))]
    assert found.rows["shares"] == [("days", 0, b"2025-11", month(d1=1))]


def test_only_days_that_differ_are_written_again() -> None:
    """Of a month that was written before, the days that are as they were are left alone."""
    projection = Projection(Measures())
    projection.changes(batch("days", Read(b"2025-11ada", month(d1=1, d2=1))))
    found = projection.changes(batch("days", Read(b"2025-11ada", month(d1=1, d2=2, d3=1))))
    assert [(row[1].day, row[2]) for row in found.rows["days"]] == [(2, 2), (3, 1)]


def test_months_that_are_forgotten() -> None:
    """No more months are remembered than there is room for; of one that was forgotten all days are written."""
    projection = Projection(Measures(), most_months=1)
    for caller in (b"ada", b"bob"):
        projection.changes(batch("days", Read(b"2025-11" + caller, month(d1=1))))
    found = projection.changes(batch("days", Read(b"2025-11ada", month(d1=1, d2=1))))
    assert [row[1].day for row in found.rows["days"]] == [1, 2]


def test_streaks() -> None:
    """Runs of days are ranges; the last run ends on the last active day."""
    row = streaks.ActiveDays()
    for day in (20_390, 20_391, 20_392, 20_400, 20_401):
        row.add_request(day)
    row.add_active(20_402)
    [found] = changes("streaks", Read(b"ada", streaks.CODEC.encode(row))).rows["streaks"]
    assert found[:6] == ("caller:ada", date(2025, 11, 10), 3, 3, 6, 5)
    assert found[6] == "{[2025-10-29,2025-10-31],[2025-11-08,2025-11-10]}"
    assert found[7] == "{[2025-10-29,2025-10-31],[2025-11-08,2025-11-09]}"


def test_unlocks_of_callers_and_of_the_gateway() -> None:
    """Both ledgers are one table; the gateway's has no caller in its key."""
    now = datetime(2025, 11, 1, tzinfo=UTC)
    unlock = unlocks.CODEC.encode(unlocks.Unlock(event_id="e", achieved_at=now, recorded_at=now))
    for table, key, scope in (
        ("unlocks", b"level\0ada", "caller:ada"),
        ("gateway-unlocks", b"level\0", "gateway"),
    ):
        [row] = changes(table, Read(key, unlock)).rows["unlocks"]
        assert row[:4] == (scope, "level", "e", now)


def test_gateway_is_merged_from_shares() -> None:
    """The gateway's sums, days and level are those of all shares, from its opening balance on, also after a restart."""
    projection = Projection(Measures(tokens_saved=100, cost_saved=10**9))
    shares = [
        Read(b"%d/counters/" % number, counters.CODEC.encode(counters.Counters(requests=number, callers=1)))
        for number in (1, 2)
    ]
    held = gateway.HELD_CODEC.encode(gateway.GatewayHeld(held=Held(level=3)))
    found = [projection.changes(batch(gateway.SHARES, *shares))]
    found.append(projection.changes(batch(gateway.HELD, Read(b"gateway", held))))
    found += [
        projection.changes(batch("days", Read(b"2025-11", month(d1=number)), partition=number))
        for number in (1, 2)
    ]
    written = {table: rows for each in found for table, rows in each.rows.items()}
    assert written["days"] == [("gateway", date(2025, 11, 1), 3, 4, Decimal("6E-9"))]
    [row] = written["counters"]
    assert row[:7] == ("gateway", 3, 100, Decimal(1), 0, 0, 2)
    assert written["levels"] == [("gateway", 3, 0, 53)]
    assert set(found[-1].rows) == {"days", "shares"}, "what is as it was is not written again"
    again = Projection(Measures(tokens_saved=100, cost_saved=10**9)).restore(
        share for each in found for share in each.rows["shares"]
    )
    for table in ("counters", "levels", "days"):
        assert again.rows[table] == written[table]


@pytest.mark.parametrize(
    ("table", "key", "deleted"),
    [
        ("counters", b"ada", {"counters": [("caller:ada",)], "levels": [("caller:ada",)]}),
        ("models", b"ada", {"models": [("caller:ada",)]}),
        ("streaks", b"ada", {"streaks": [("caller:ada",)]}),
        ("days", b"2025-11ada", {"days": [("caller:ada", date(2025, 11, 1))]}),
        ("unlocks", b"level\0ada", {"unlocks": [("caller:ada", "level")]}),
        ("gateway-unlocks", b"level\0", {"unlocks": [("gateway", "level")]}),
    ],
)
def test_removed_rows(table: str, key: bytes, deleted: dict[str, list[tuple[object, ...]]]) -> None:
    """A row that is removed from a changelog is removed from the tables."""
    found = changes(table, Read(key, None))
    assert found.deleted == deleted
    assert not found.rows


def test_what_cannot_be_a_row() -> None:
    """A share that is removed, and bytes that are no row, are refused: an empty scope must not stand for them."""
    for table, key, value in (
        (gateway.SHARES, b"1/counters/", None),
        ("days", b"2025-11", None),
        ("counters", b"ada", b"\x91\x63"),
        (gateway.SHARES, b"nonsense", b"\x90"),
    ):
        with pytest.raises(UnreadableRowError):
            changes(table, Read(key, value))


def test_texts_stay_different() -> None:
    """What text cannot hold is spelled out, and no two ids become one."""
    ids = ["ada", "\0", "␀", "␀0", "␀␀", "\0\0", "a\0b", "a␀0b"]
    assert len({text(each) for each in ids}) == len(ids)
    assert not any("\0" in text(each) for each in ids)
    assert text("ada ✓\\\t\n") == "ada ✓\\\t\n"
