"""A scope in memory: the rows of a caller, or of a partition's share, and how events change them."""

from typing import Final

from mypy_extensions import mypyc_attr

from app.domain.levels import xp_from, xp_of_next_level_up
from app.domain.measures import Measures
from app.domain.progress import Held, Thresholds, next_thresholds
from app.engine.fold import Row
from tables import counters, models, rows, streaks
from tables.cells import Cells
from tables.codec import VERSION, UnreadableRowError
from tables.dates import Dates
from tables.model_set import ModelSet

#: Bits of ``Scope.changed``.
COUNTERS: Final = 1
MODELS: Final = 2
STREAKS: Final = 4

#: What a caller waits for of whom nothing was counted yet.
_AT_FIRST: Final = next_thresholds(Measures(), Held(), gateway=False)
_LEVEL_2: Final = xp_of_next_level_up(1)


@mypyc_attr(acyclic=True)
class Scope:
    """The rows of a scope. ``changed`` says what is not in the log yet; ``cells`` know it of themselves.

    Its sums are integers here, and go into a row when it is written: compiled, an attribute of a row takes
    ten times as long as one of the scope. What it holds is small and in few pieces, because looking for those
    in memory takes longest where there are many callers. ``due`` is set when an event may have earned
    something: the judge is asked only then. ``just_woken`` is set until it is written for the first time.
    """

    __slots__ = (
        "cache_hits",
        "caller_id",
        "callers",
        "cells",
        "changed",
        "cost_saved",
        "dates",
        "due",
        "facts_stored",
        "facts_superseded",
        "held",
        "just_woken",
        "key",
        "models",
        "newest",
        "next_level",
        "races",
        "requests",
        "semantic_hits",
        "thresholds",
        "tokens_saved",
    )

    def __init__(self, caller_id: str, rested: bytes = b"") -> None:
        """Take the rows of the scope as they rested, joined as in ``rows``."""
        self.caller_id = caller_id
        self.key = caller_id.encode()
        self.requests = 0
        self.tokens_saved = 0
        self.cost_saved = 0
        self.cache_hits = 0
        self.semantic_hits = 0
        self.races = 0
        self.facts_stored = 0
        self.facts_superseded = 0
        self.callers = 0
        self.newest = 0
        self.held: Held
        self.models = ModelSet()
        self.dates = Dates()
        self.cells = Cells(self.key)
        self.changed = 0
        self.due = False
        self.just_woken = True
        self.thresholds: Thresholds = _AT_FIRST
        #: The experience points of the next level.
        self.next_level: int = _LEVEL_2
        if rested:
            self._wake(rested)
        else:
            self.held = Held()

    def _wake(self, rested: bytes) -> None:
        sums = rows.row_of(rested, rows.COUNTERS)
        if not sums:
            raise UnreadableRowError(f"{self.caller_id!r} has rows, but none of {counters.TABLE}")
        row = counters.CODEC.decode(sums)
        self.requests = row.requests
        self.tokens_saved = row.tokens_saved
        self.cost_saved = row.cost_saved
        self.cache_hits = row.cache_hits
        self.semantic_hits = row.semantic_hits
        self.races = row.races
        self.facts_stored = row.facts_stored
        self.facts_superseded = row.facts_superseded
        self.callers = row.callers
        self.newest = row.newest
        self.held = row.held
        if names := rows.row_of(rested, rows.MODELS):
            self.models = ModelSet(models.CODEC.decode(names).names)
        if dates := rows.row_of(rested, rows.STREAKS):
            self.dates = Dates(streaks.CODEC.decode(dates))
        self.cells = Cells(self.key, rows.months_of(rested))
        self.expect_next(self.measures())

    def measures(self) -> Measures:
        """Return what unlocks and levels are decided on."""
        return Measures(
            requests=self.requests,
            tokens_saved=self.tokens_saved,
            cost_saved=self.cost_saved,
            cache_hits=self.cache_hits,
            semantic_hits=self.semantic_hits,
            callers=1 if self.requests else 0,
            models=self.models.count,
            races=self.races,
            facts=self.facts_stored,
            longest_streak=self.dates.longest,
        )

    def expect_next(self, m: Measures) -> None:
        """Find the next thresholds; call it with the measures after something was earned by them."""
        self.thresholds = next_thresholds(m, self.held, gateway=False)
        self.next_level = xp_of_next_level_up(self.held.level)
        self.due = False

    # -- events ------------------------------------------------------------------------------------------

    def add_request(self, model: bytes, day: int) -> bool:
        """Count a request; return whether its day or its model is new to the scope. The hot path."""
        self.count_request(day)
        if self.requests >= self.thresholds.requests:
            self.due = True
        if self.cells.requests > 1 and self.models.has(model):
            return False
        self.add_request_kind(model, day)
        return True

    def count_request(self, day: int) -> None:
        """Count a request whose model and day are added apart, as a share does."""
        self.requests += 1
        self.cells.open(day)
        self.cells.requests += 1

    def add_request_kind(self, model: bytes, day: int) -> None:
        """Add the model and the day of a request, new or not."""
        if self.models.add(model):
            self.changed |= MODELS
            if self.models.count >= self.thresholds.models:
                self.due = True
        if self.dates.add_request(day):
            self._dates_changed()

    def add_cache_hit(self, hits: int, tokens: int, cost: int, day: int, *, semantic: bool) -> None:
        """Count ``hits`` hits that saved ``tokens`` and ``cost`` nano-dollars together."""
        self.count_cache_hit(hits, tokens, cost, day, semantic=semantic)
        next_ = self.thresholds
        if (
            self.cache_hits >= next_.cache_hits
            or self.semantic_hits >= next_.semantic_hits
            or self.tokens_saved >= next_.tokens_saved
            or self.cost_saved >= next_.cost_saved
            or self._xp() >= self.next_level
        ):
            self.due = True

    def count_cache_hit(self, hits: int, tokens: int, cost: int, day: int, *, semantic: bool) -> None:
        """Count the same without asking whether something may be earned, as a share does."""
        self.cache_hits += hits
        self.tokens_saved += tokens
        self.cost_saved += cost
        if semantic:
            self.semantic_hits += hits
        cells = self.cells
        cells.open(day)
        cells.tokens_saved += tokens
        cells.cost_saved += cost

    def add_mcp_call(self, tokens: int, day: int) -> None:
        """Count an MCP call: its tokens and its day."""
        self.tokens_saved += tokens
        if self.tokens_saved >= self.thresholds.tokens_saved or self._xp() >= self.next_level:
            self.due = True
        if self.dates.add_active(day):
            self._dates_changed()

    def add_race(self) -> None:
        """Count a race."""
        self.races += 1
        if self.races >= self.thresholds.races or self._xp() >= self.next_level:
            self.due = True

    def add_fact(self, *, superseded: bool) -> None:
        """Count a fact that was stored, or that was superseded."""
        if superseded:
            self.facts_superseded += 1
        else:
            self.facts_stored += 1
            if self.facts_stored >= self.thresholds.facts or self._xp() >= self.next_level:
                self.due = True

    def _xp(self) -> int:
        return xp_from(self.tokens_saved, self.cache_hits, self.races, self.facts_stored)

    def _dates_changed(self) -> None:
        self.changed |= STREAKS
        if self.dates.longest >= self.thresholds.longest_streak:
            self.due = True

    # -- rows --------------------------------------------------------------------------------------------

    def changed_rows(self) -> list[Row]:
        """Return the rows that are not in the log yet, and take them for written."""
        written = []
        if self.changed & COUNTERS:
            written.append(Row(counters.TABLE, self.key, self._counters()))
        if self.changed & MODELS:
            written.append(Row(models.TABLE, self.key, self.models.encode()))
        if self.changed & STREAKS:
            written.append(Row(streaks.TABLE, self.key, self.dates.encode()))
        written += self.cells.changed_rows()
        self.changed = 0
        return written

    def rest(self) -> tuple[list[Row], bytes]:
        """Return the rows that are not in the log yet, and all rows, joined. Not to be used any more."""
        self.cells.settle()
        written = self.changed_rows()
        of_counters = of_models = of_streaks = b""
        for row in written:
            table, value = row.table, row.value or b""
            if table == counters.TABLE:
                of_counters = value
            elif table == models.TABLE:
                of_models = value
            elif table == streaks.TABLE:
                of_streaks = value
        rested = rows.joined(rows.COUNTERS, of_counters or self._counters())
        if self.models.count:
            rested += rows.joined(rows.MODELS, of_models or self.models.encode())
        if self.dates.longest:
            rested += rows.joined(rows.STREAKS, of_streaks or self.dates.encode())
        return written, rested + self.cells.rest()

    def _counters(self) -> bytes:
        return counters.CODEC.encode(
            (
                VERSION,
                self.requests,
                self.tokens_saved,
                self.cost_saved,
                self.cache_hits,
                self.semantic_hits,
                self.races,
                self.facts_stored,
                self.facts_superseded,
                self.callers,
                self.newest,
                self.held,
            )
        )
