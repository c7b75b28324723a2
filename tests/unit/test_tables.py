from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from app.domain.achievements import achievement
from app.domain.measures import Measures
from app.domain.progress import AchievementEarned, Held, LevelReached, StageReached
from app.domain.species import CACHE_CAT
from app.engine.fold import Batch
from app.settings import Settings
from app.topics import Surroundings
from tables import counters, days, models, segments, streaks, subscriptions, unlocks
from tables.codec import LARGEST, Codec, UnreadableRowError, VersionedRow
from tables.gateway import HELD_CODEC, Gateway, GatewayHeld, Shares
from tables.rows import COUNTERS, DAYS, MODELS, STREAKS, Rows, months_of, row_of
from tests.support.in_process import NOW, Deployed, Read, surroundings

CODECS: dict[str, Codec[Any]] = {
    "counters": counters.CODEC,
    "days": days.CODEC,
    "models": models.CODEC,
    "streaks": streaks.CODEC,
    "subscriptions": subscriptions.CODEC,
    "unlocks": unlocks.CODEC,
    "seen": segments.CODEC,
    "gateway-held": HELD_CODEC,
}
AT = datetime(2024, 3, 1, 8, 0, 0, 123_456, tzinfo=UTC)

ROWS: list[tuple[str, Any]] = [
    ("counters", counters.Counters()),
    (
        "counters",
        counters.Counters(
            requests=1,
            tokens_saved=2,
            cost_saved=3,
            cache_hits=4,
            semantic_hits=5,
            races=6,
            facts_stored=7,
            facts_superseded=8,
            callers=9,
            newest=-10,
            held=Held(achievements=2**22 - 1, level=99, stages=[5, 3, 2]),
        ),
    ),
    ("days", days.Month()),
    ("days", days.Month(cells={-1: days.Cell(1, 2, 3), 19_782: days.Cell(0, LARGEST, 0)})),
    ("models", models.Models(names={"m-1", "\N{GRINNING FACE}", "\0"})),
    ("streaks", streaks.ActiveDays(active={-1: 2**64 - 1, 309: 1}, requested={309: 1}, longest=64)),
    ("subscriptions", subscriptions.Subscription()),
    ("subscriptions", subscriptions.Subscription(changed_at=-1, active=True, ever_active=True)),
    ("unlocks", unlocks.Unlock(event_id="e", achieved_at=AT, recorded_at=AT)),
    (
        "unlocks",
        unlocks.Unlock(
            event_id="e",
            achieved_at=AT,
            recorded_at=AT,
            cause_topic="gateway.requests",
            cause_partition=3,
            cause_offset=2**62,
            cause_id="\N{GRINNING FACE}" * 200,
        ),
    ),
    ("seen", segments.Segment(hashes=bytes(range(16)))),
    ("gateway-held", GatewayHeld(held=Held(achievements=3, level=2, stages=[0, 1, 0]))),
]


@pytest.mark.parametrize(("table", "row"), ROWS)
def test_rows_are_read_as_they_were_written(table: str, row: Any) -> None:
    """A row that goes through its codec is the same row."""
    codec = CODECS[table]
    assert codec.decode(codec.encode(row)) == row


@pytest.mark.parametrize("table", list(CODECS))
def test_the_version_comes_first(table: str) -> None:
    """Every row is an array whose first element is the version of its layout."""
    row = next(row for name, row in ROWS if name == table)
    assert msgspec.msgpack.decode(CODECS[table].encode(row))[0] == 1


@pytest.mark.parametrize("table", list(CODECS))
def test_another_version_is_refused(table: str) -> None:
    """A row of a version that is not known is not guessed at."""
    row = next(row for name, row in ROWS if name == table)
    fields = [2, *msgspec.msgpack.decode(CODECS[table].encode(row))[1:]]
    with pytest.raises(UnreadableRowError, match="version 2 is not 1"):
        CODECS[table].decode(msgspec.msgpack.encode(fields))


@pytest.mark.parametrize("table", list(CODECS))
@pytest.mark.parametrize(
    "value", [b"", b"\xc1", b"text", b"{}", b"\x91\x01\x01", b"\x92\x01\xa1\xff", msgspec.msgpack.encode("x")]
)
def test_what_is_no_row_is_refused(table: str, value: bytes) -> None:
    """Bytes that are not a row are never taken for an empty one."""
    with pytest.raises(UnreadableRowError):
        CODECS[table].decode(value)


def test_the_layout_of_counters_is_what_is_stored_already() -> None:
    """A row of the first release is read; a change of the layout must come with a new version."""
    stored = bytes.fromhex("9c01070203040506000801cd03e893050293000102")
    row = counters.CODEC.decode(stored)
    assert (row.requests, row.tokens_saved, row.facts_superseded, row.callers, row.newest) == (
        7,
        2,
        8,
        1,
        1_000,
    )
    assert row.held == Held(achievements=5, level=2, stages=[0, 1, 2])
    assert counters.CODEC.encode(row) == stored


# -- sums beyond 64 bits -----------------------------------------------------------------------------------


def saturating_sum(amounts: list[int], restarts: set[int]) -> int:
    """Add amounts, going through the log after some of them; return what is stored in the end."""
    row = counters.Counters()
    for number, amount in enumerate(amounts):
        row.tokens_saved += amount
        if number in restarts:
            row = counters.CODEC.decode(counters.CODEC.encode(row))
    return counters.CODEC.decode(counters.CODEC.encode(row)).tokens_saved


def test_sums_stop_at_the_largest_number() -> None:
    """A sum beyond 64 bits is stored as the largest number, and what is below is exact."""
    assert saturating_sum([LARGEST, 1], set()) == LARGEST
    assert saturating_sum([LARGEST - 1, 1], set()) == LARGEST
    assert saturating_sum([2**63, 5], set()) == 2**63 + 5


def test_sums_beyond_64_bits_do_not_depend_on_restarts() -> None:
    """What is stored is the same wherever the log was read back in between, and never falls."""
    amounts = [2**62] * 6
    stored = {
        saturating_sum(amounts, set(restarts))
        for count in range(len(amounts))
        for restarts in itertools.combinations(range(len(amounts)), count)
    }
    assert stored == {LARGEST}


def test_a_saturated_row_keeps_the_rest() -> None:
    """Only the number that is too large is changed."""
    row = counters.Counters(requests=7, tokens_saved=2**70, newest=-5, held=Held(3, 2, [1, 2, 3]))
    read = counters.CODEC.decode(counters.CODEC.encode(row))
    assert read == counters.Counters(requests=7, tokens_saved=LARGEST, newest=-5, held=Held(3, 2, [1, 2, 3]))
    month = days.Month(cells={-3: days.Cell(1, 2**80, 3)})
    assert days.CODEC.decode(days.CODEC.encode(month)).cells == {-3: days.Cell(1, LARGEST, 3)}


def test_numbers_beyond_64_bits_are_published_as_the_largest() -> None:
    """A caller whose tokens are beyond all bounds still has its unlocks, and readers get numbers they can read."""
    deployed = Deployed(1)
    huge = {"topic": "gateway.cache-hits", "caller_id": "ada", "created_at": "2024-03-01T08:00:00Z"}
    deployed.arrive(
        (0, {**huge, "hit_id": f"h{number}", "tokens_saved": 2**53 - 1, "hits": 2**53 - 1})
        for number in range(2_100)
    )
    deployed.settle()
    row = counters.CODEC.decode(deployed.rows()["counters"][b"ada"])
    assert (row.tokens_saved, row.cache_hits) == (LARGEST, LARGEST)
    values = [msgspec.json.decode(message.value or b"") for message in deployed.published]
    assert all(value["xp"] < 2**63 for value in values if "xp" in value)


# -- merging -----------------------------------------------------------------------------------------------


def test_counters_add_up() -> None:
    """Merging adds every sum and keeps the newest time; what is held is judged anew."""
    a = counters.Counters(
        requests=1,
        tokens_saved=2,
        cost_saved=3,
        cache_hits=4,
        semantic_hits=5,
        races=6,
        facts_stored=7,
        facts_superseded=8,
        callers=9,
        newest=10,
    )
    b = counters.Counters(requests=100, callers=1, newest=3, held=Held(achievements=7, level=9))
    b.add(a)
    assert msgspec.structs.asdict(b) | {"held": None} == {
        "version": 1,
        "requests": 101,
        "tokens_saved": 2,
        "cost_saved": 3,
        "cache_hits": 4,
        "semantic_hits": 5,
        "races": 6,
        "facts_stored": 7,
        "facts_superseded": 8,
        "callers": 10,
        "newest": 10,
        "held": None,
    }
    assert b.held == Held(achievements=7, level=9)


def test_models_and_months_merge() -> None:
    """Models are united, cells of the same day are added."""
    names = models.Models(names={"a", "b"})
    names.add(models.Models(names={"b", "c"}))
    assert names.names == {"a", "b", "c"}
    month = days.Month(cells={1: days.Cell(1, 2, 3)})
    month.add(days.Month(cells={1: days.Cell(10, 20, 30), 2: days.Cell(0, 0, 1)}))
    assert month.cells == {1: days.Cell(11, 22, 33), 2: days.Cell(0, 0, 1)}


def test_days_of_two_shares_join_to_one_run() -> None:
    """A run that no share has alone is the gateway's."""
    a, b = streaks.ActiveDays(), streaks.ActiveDays()
    for day in (62, 63, 66):
        a.add_request(day)
    for day in (64, 65):
        b.add_active(day)
    a.add(b)
    assert (a.longest, b.longest) == (5, 2)
    assert a.requested == {0: 3 << 62, 1: 1 << 2}


def test_a_day_of_a_call_becomes_a_day_of_a_request() -> None:
    """A day that is active already can still become a day with a request, once."""
    row = streaks.ActiveDays()
    assert row.add_active(5)
    assert not row.add_active(5)
    assert row.add_request(5)
    assert not row.add_request(5)
    assert row.active == row.requested == {0: 32}


def test_changes_of_a_subscription_come_in_any_order() -> None:
    """The newest change wins, of two at one time the active one, and ever active it stays."""
    changes = [(10, True), (20, False), (20, True), (30, False), (-5, True)]
    for some in itertools.permutations(changes):
        row = subscriptions.Subscription()
        for changed_at, active in some:
            row.change(changed_at, active=active)
        assert row == subscriptions.Subscription(changed_at=30, active=False, ever_active=True)
    for some in itertools.permutations(changes[:3]):
        row = subscriptions.Subscription()
        for changed_at, active in some:
            row.change(changed_at, active=active)
        assert row == subscriptions.Subscription(changed_at=20, active=True, ever_active=True)


def test_a_subscription_that_was_never_active() -> None:
    """A subscription that was only ever dropped counts for nothing."""
    row = subscriptions.Subscription()
    row.change(10, active=False)
    assert row == subscriptions.Subscription(changed_at=10, active=False, ever_active=False)


# -- keys --------------------------------------------------------------------------------------------------

CALLERS = [
    b"ada",
    b"",
    b"\0",
    b"a\0b",
    b"achievement/first-call\0",
    b"2024-03",
    "\N{GRINNING FACE}".encode(),
    b"/",
]


@pytest.mark.parametrize("caller", CALLERS)
def test_keys_are_taken_apart_again(caller: bytes) -> None:
    """A caller's id may hold whatever separates the parts of a key."""
    assert days.split_key(days.key_of("0001-12", caller)) == ("0001-12", caller)
    for progress, what in (
        (AchievementEarned(achievement("first-call"), 1, 1), "achievement/first-call"),
        (LevelReached(1, 3, 500, 848), "level"),
        (StageReached(CACHE_CAT, CACHE_CAT.stages[1], 1), "stage/cache-cat/1"),
    ):
        assert unlocks.split_key(unlocks.key_of(progress, caller)) == (what, caller)


@pytest.mark.parametrize(
    ("day", "month"),
    [(0, "1970-01"), (-1, "1969-12"), (19_782, "2024-02"), (19_783, "2024-03"), (-719_162, "0001-01")],
)
def test_months_of_days(day: int, month: str) -> None:
    """A day is in its month, also in years of fewer than four digits."""
    assert days.month_of(day) == month


@pytest.mark.parametrize("caller", ["a\0b", "2024-03ada", "x/y", "caller:z", "\N{GRINNING FACE}" * 200, " "])
def test_callers_may_be_called_anything(caller: str) -> None:
    """An id with separators in it is a caller like any other, after a restart too."""
    deployed = Deployed(2)
    request = {
        "topic": "gateway.requests",
        "caller_id": caller,
        "model": "m",
        "status": "ok",
        "created_at": "2024-03-01T08:00:00Z",
    }
    for number in range(3):
        deployed.arrive([(0, {**request, "request_id": f"r{number}"})])
        deployed.settle()
        for each in range(3):
            deployed.crash(each)
    rows = deployed.rows()
    key = caller.encode()
    assert counters.CODEC.decode(rows["counters"][key]).requests == 3
    assert days.CODEC.decode(rows["days"][days.key_of("2024-03", key)]).cells == {19_783: days.Cell(3, 0, 0)}
    scopes = [msgspec.json.decode(message.value or b"")["scope"] for message in deployed.published]
    assert sorted(scopes) == [f"caller:{caller}", "gateway"] or sorted(scopes) == [
        "gateway",
        f"caller:{caller}",
    ]


# -- rows at rest ------------------------------------------------------------------------------------------


def test_rows_at_rest() -> None:
    """The newest row of a key counts, and rows are handed out once, until they come back."""
    rows = Rows()
    old, new = (models.CODEC.encode(models.Models(names={name})) for name in ("old", "new"))
    rows.put("models", b"ada", old)
    rows.put("models", b"ada", new)
    rested = rows.wake(b"ada")
    assert row_of(rested, MODELS) == new
    assert (rows.wake(b"ada"), rows.wake(b"bob")) == (b"", b"")
    rows.rest(b"ada", rested)
    assert rows.wake(b"ada") == rested


def test_rows_of_a_scope_are_told_apart() -> None:
    """Rows of several tables and months, of callers whose ids look like keys, are each what was put last."""
    rows = Rows()
    callers = [b"ada", b"", b"\0", b"2024-03", b"2024-03ada", b"\1" * 7]
    for count in (1, 2):
        for caller in callers:
            for month in ("2024-03", "2024-04"):
                row = days.Month(cells={1: days.Cell(count, len(caller), int(month[-2:]))})
                rows.put("days", days.key_of(month, caller), days.CODEC.encode(row))
            names = {str(number) for number in range(count * 100)}
            rows.put("models", caller, models.CODEC.encode(models.Models(names=names)))
            rows.put("streaks", caller, streaks.CODEC.encode(streaks.ActiveDays(longest=count)))
    for caller in callers:
        rested = rows.wake(caller)
        april = days.CODEC.decode(row_of(rested, DAYS + b"2024-04"))
        assert april.cells == {1: days.Cell(2, len(caller), 4)}
        assert streaks.CODEC.decode(row_of(rested, STREAKS)).longest == 2
        assert len(models.CODEC.decode(row_of(rested, MODELS)).names) == 200
        assert (row_of(rested, COUNTERS), row_of(rested, DAYS + b"2024-05")) == (b"", b"")
        months = months_of(rested)
        assert (row_of(months, MODELS), row_of(months, STREAKS)) == (b"", b"")
        for name in (b"2024-03", b"2024-04"):
            assert row_of(months, DAYS + name) == row_of(rested, DAYS + name) != b""


@pytest.mark.parametrize("value", [b"\xc1", None])
def test_a_broken_row_is_refused_when_it_is_read(value: bytes | None) -> None:
    """A restore fails at once, not when the caller comes back; a deletion is none of ours."""
    rows = Rows()
    with pytest.raises(UnreadableRowError):
        rows.put("models", b"ada", value)


@pytest.mark.parametrize("key", [b"", b"0", b"0/days/", b"0/unknown/", b"\xff\xff", b"0/\xff/"])
def test_a_share_must_have_a_key(key: bytes) -> None:
    """A snapshot whose key says nothing is refused."""
    with pytest.raises(UnreadableRowError):
        Shares().put(key, counters.CODEC.encode(counters.Counters()))


def test_a_snapshot_replaces_the_one_before() -> None:
    """Repeated and replaced snapshots count once."""
    shares = Shares()
    for requests in (1, 5, 5):
        for partition in (b"0", b"11"):
            row = counters.Counters(requests=requests, callers=1)
            shares.put(partition + b"/counters/", counters.CODEC.encode(row))
    assert (shares.counters().requests, shares.counters().callers) == (10, 2)


def test_a_fold_says_how_much_it_has_to_write() -> None:
    """It is about what a drain hands over, and nothing after it, in both stages."""
    deployed = Deployed(1)
    event = {
        "topic": "gateway.requests",
        "model": "m",
        "status": "success",
        "created_at": "2024-03-01T08:00:00Z",
    }
    callers = ({**event, "request_id": f"r-{number}", "caller_id": f"c-{number}"} for number in range(100))
    deployed.arrive((0, each) for each in callers)
    for task in (0, 1):
        deployed.fold(task, 100)
        state, rows, sent = deployed._states[task], deployed.logs[task].rows, len(deployed.published)
        expected = state.unwritten
        deployed.drain(task)
        written = sum(map(len, rows.values())) + len(deployed.published) - sent
        assert 0.5 * written < expected < 2 * written
        assert state.unwritten == 0


def test_the_gateway_refuses_a_row_that_was_deleted() -> None:
    """The gateway's tables never delete: a tombstone in one is damage."""
    with pytest.raises(UnreadableRowError):
        Gateway(surroundings(1), Measures()).restore("gateway-shares", b"0/counters/", None)


def test_the_gateway_opens_with_its_balance() -> None:
    """What the settings say was saved before counts for the gateway's unlocks from its first merge on."""
    around = surroundings(1)
    gateway = Gateway(around, Measures(tokens_saved=999, cost_saved=10**9))
    share = counters.CODEC.encode(counters.Counters(tokens_saved=1, newest=1_709_280_000_000_000))
    record = Read("streakline.gateway-shares", 0, 0, 0, b"0/counters/", share)
    gateway.fold_shares(Batch(record.topic, 0, [record]), NOW)
    values = [msgspec.json.decode(message.value or b"") for message in gateway.drain().messages]
    assert [value.get("achievement_id") for value in values] == ["saved-1k", "cost-1c", "cost-1d", None]
    assert {value["achieved_at"] for value in values} == {"2024-03-01T08:00:00Z"}
    assert gateway.drain().messages == []


# -- where keys belong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "murmur2"),
    [
        # From the tests of Apache Kafka's own client.
        (b"21", -973_932_308),
        (b"foobar", -790_332_482),
        (b"a-little-bit-long-string", -985_981_536),
        (b"a-little-bit-longer-string", -1_486_304_829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        (b"abc", 479_470_107),
    ],
)
@pytest.mark.parametrize("partitions", [1, 4, 8, 1_000])
def test_a_key_is_at_home_where_the_java_client_sends_it(key: bytes, murmur2: int, partitions: int) -> None:
    """The home partition is the one that Apache Kafka's own client chooses for the key."""
    around = Surroundings.of(Settings.from_environ({"STREAKLINE_PARTITIONS": str(partitions)}))
    assert around.partition_of(key) == (murmur2 & 0x7FFFFFFF) % partitions


def test_times_of_the_ledger_keep_their_moment() -> None:
    """A time with an offset is the same moment after it was stored."""
    at = datetime(2024, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    row = unlocks.Unlock(event_id="e", achieved_at=at, recorded_at=at)
    assert unlocks.CODEC.decode(unlocks.CODEC.encode(row)).achieved_at == at


def test_every_row_type_has_a_version() -> None:
    """All rows of all tables begin with their version."""
    assert {type(row) for _, row in ROWS} == set(VersionedRow.__subclasses__())
