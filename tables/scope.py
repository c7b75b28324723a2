"""A scope in memory: the rows of a caller, or of a partition's share, and how events change them."""

from typing import Final

from mypy_extensions import mypyc_attr

from app.domain.levels import xp_from
from app.domain.measures import Measures
from app.domain.progress import Held, Thresholds, next_thresholds
from app.engine.fold import Row
from tables import counters, models, streaks
from tables.cells import Cells
from tables.codec import VERSION
from tables.dates import Dates
from tables.model_set import ModelSet
from tables.rows import Rows

#: Bits of ``Scope.changed``.
COUNTERS: Final = 1
MODELS: Final = 2
STREAKS: Final = 4


@mypyc_attr(acyclic=True)
class Scope:
    """The rows of a scope. ``changed`` says what is not in the log yet; ``cells`` know it of themselves.

    Its sums are integers here, and go into a row when it is written: compiled, an attribute of a row takes
    ten times as long as one of the scope. What it holds is small and in few pieces, because looking for those
    in memory takes longest where there are many callers. ``due`` is set when an event may have earned
    something: the judge is asked only then.
    """

    __slots__ = (
        "_rows",
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
        "key",
        "models",
        "newest",
        "races",
        "requests",
        "semantic_hits",
        "thresholds",
        "tokens_saved",
    )

    def __init__(self, caller_id: str, rows: Rows) -> None:
        self.caller_id = caller_id
        self.key = caller_id.encode()
        self._rows = rows
        row = rows.take(counters.TABLE, self.key)
        self.requests: int = row.requests
        self.tokens_saved: int = row.tokens_saved
        self.cost_saved: int = row.cost_saved
        self.cache_hits: int = row.cache_hits
        self.semantic_hits: int = row.semantic_hits
        self.races: int = row.races
        self.facts_stored: int = row.facts_stored
        self.facts_superseded: int = row.facts_superseded
        self.callers: int = row.callers
        self.newest: int = row.newest
        self.held: Held = row.held
        self.models = ModelSet(rows.take(models.TABLE, self.key).names)
        self.dates = Dates(rows.take(streaks.TABLE, self.key))
        self.cells = Cells(self.key, rows)
        self.changed = 0
        self.thresholds: Thresholds
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
        self.due = False

    # -- events ------------------------------------------------------------------------------------------

    def add_request(self, model: str, day: int) -> bool:
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

    def add_request_kind(self, model: str, day: int) -> None:
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
            or self._xp() >= next_.xp
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
        if self.tokens_saved >= self.thresholds.tokens_saved or self._xp() >= self.thresholds.xp:
            self.due = True
        if self.dates.add_active(day):
            self._dates_changed()

    def add_race(self) -> None:
        """Count a race."""
        self.races += 1
        if self.races >= self.thresholds.races or self._xp() >= self.thresholds.xp:
            self.due = True

    def add_fact(self, *, superseded: bool) -> None:
        """Count a fact that was stored, or that was superseded."""
        if superseded:
            self.facts_superseded += 1
        else:
            self.facts_stored += 1
            if self.facts_stored >= self.thresholds.facts or self._xp() >= self.thresholds.xp:
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
        rows = []
        if self.changed & COUNTERS:
            rows.append(Row(counters.TABLE, self.key, self._counters()))
        if self.changed & MODELS:
            rows.append(Row(models.TABLE, self.key, self.models.encode()))
        if self.changed & STREAKS:
            rows.append(Row(streaks.TABLE, self.key, self.dates.encode()))
        rows += self.cells.changed_rows()
        self.changed = 0
        return rows

    def rest(self) -> None:
        """Give the rows back, encoded, as the log has them: all are written. Not to be used any more."""
        rows, key = self._rows, self.key
        rows.keep(counters.TABLE, key, self._counters())
        if self.models.count:
            rows.keep(models.TABLE, key, self.models.encode())
        if self.dates.longest:
            rows.keep(streaks.TABLE, key, self.dates.encode())
        self.cells.rest()

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
