"""A scope in memory: the rows of a caller, or of a partition's share, and how events change them."""

from typing import Final

from app.domain.levels import xp_from
from app.domain.measures import Measures
from app.domain.progress import Thresholds, next_thresholds
from tables import counters, days, models, streaks
from tables.rows import Rows

#: Bits of ``Scope.changed``.
COUNTERS: Final = 1
MODELS: Final = 2
STREAKS: Final = 4


#: No day at all.
_NONE: Final = -(2**40)


class Scope:
    """The rows of a scope. ``changed`` and ``changed_days`` say what is not in the log yet.

    ``due`` is set when an event may have earned something: the judge is asked only then.
    """

    __slots__ = (
        "_day",
        "_rows",
        "_today",
        "caller_id",
        "cells",
        "changed",
        "changed_days",
        "counters",
        "due",
        "key",
        "models",
        "months",
        "streaks",
        "thresholds",
    )

    def __init__(self, caller_id: str, rows: Rows) -> None:
        self.caller_id = caller_id
        self.key = caller_id.encode()
        self._rows = rows
        self.counters = rows.take(counters.TABLE, self.key)
        self.models = rows.take(models.TABLE, self.key)
        self.streaks = rows.take(streaks.TABLE, self.key)
        self.months: dict[str, days.Month] = {}
        #: The cells of the months that are loaded; the same objects as in ``months``.
        self.cells: dict[int, days.Cell] = {}
        self.changed = 0
        self.changed_days: set[int] = set()
        #: The day of the event before, which is changed already, and its cell: mostly the next one's too.
        self._day = _NONE
        self._today: days.Cell
        self.thresholds: Thresholds
        self.expect_next()

    def measures(self) -> Measures:
        """Return what unlocks and levels are decided on."""
        counters = self.counters
        return Measures(
            requests=counters.requests,
            tokens_saved=counters.tokens_saved,
            cost_saved=counters.cost_saved,
            cache_hits=counters.cache_hits,
            semantic_hits=counters.semantic_hits,
            callers=1 if counters.requests else 0,
            models=len(self.models.names),
            races=counters.races,
            facts=counters.facts_stored,
            longest_streak=self.streaks.longest,
        )

    def expect_next(self) -> None:
        """Compute the next thresholds; call it after something was earned."""
        self.thresholds = next_thresholds(self.measures(), self.counters.held, gateway=False)
        self.due = False

    def add_request(self, model: str, day: int) -> bool:
        """Count a request; return whether its day or its model is new to the scope. The hot path."""
        counters = self.counters
        counters.requests += 1
        cell = self._today if day == self._day else self._cell(day)
        cell.requests += 1
        if counters.requests >= self.thresholds.requests:
            self.due = True
        if cell.requests > 1 and model in self.models.names:
            return False
        self.add_request_kind(model, day)
        return True

    def add_requests(self, count: int, day: int) -> None:
        """Count requests of one day whose models and days are added apart, as a share does."""
        self.counters.requests += count
        self._cell(day).requests += count

    def add_request_kind(self, model: str, day: int) -> None:
        """Add the model and the day of a request, new or not."""
        if self.models.put(model):
            self.changed |= MODELS
            if len(self.models.names) >= self.thresholds.models:
                self.due = True
        if self.streaks.add_request(day):
            self._days_changed()

    def add_cache_hit(self, hits: int, tokens: int, cost: int, day: int, *, semantic: bool) -> None:
        """Count ``hits`` hits that saved ``tokens`` and ``cost`` nano-dollars together."""
        counters, next_ = self.counters, self.thresholds
        counters.cache_hits += hits
        counters.tokens_saved += tokens
        counters.cost_saved += cost
        if semantic:
            counters.semantic_hits += hits
        cell = self._cell(day)
        cell.tokens_saved += tokens
        cell.cost_saved += cost
        if (
            counters.cache_hits >= next_.cache_hits
            or counters.semantic_hits >= next_.semantic_hits
            or counters.tokens_saved >= next_.tokens_saved
            or counters.cost_saved >= next_.cost_saved
            or self._xp() >= next_.xp
        ):
            self.due = True

    def add_mcp_call(self, tokens: int, day: int) -> None:
        """Count an MCP call: its tokens and its day."""
        self.counters.tokens_saved += tokens
        if self.counters.tokens_saved >= self.thresholds.tokens_saved or self._xp() >= self.thresholds.xp:
            self.due = True
        if self.streaks.add_active(day):
            self._days_changed()

    def add_race(self) -> None:
        """Count a race."""
        self.counters.races += 1
        if self.counters.races >= self.thresholds.races or self._xp() >= self.thresholds.xp:
            self.due = True

    def add_fact(self, *, superseded: bool) -> None:
        """Count a fact that was stored, or that was superseded."""
        if superseded:
            self.counters.facts_superseded += 1
        else:
            self.counters.facts_stored += 1
            if self.counters.facts_stored >= self.thresholds.facts or self._xp() >= self.thresholds.xp:
                self.due = True

    def _xp(self) -> int:
        counters = self.counters
        return xp_from(counters.tokens_saved, counters.cache_hits, counters.races, counters.facts_stored)

    def _days_changed(self) -> None:
        self.changed |= STREAKS
        if self.streaks.longest >= self.thresholds.longest_streak:
            self.due = True

    def _cell(self, day: int) -> days.Cell:
        if day != self._day:
            self.changed_days.add(day)
            self._today = self.cells.get(day) or self._load_cell(day)
            self._day = day
        return self._today

    def changed_months(self) -> list[str]:
        """Return the months that have changed; call it when they are written."""
        months = sorted({days.month_of(day) for day in self.changed_days})
        self.changed_days.clear()
        self._day = _NONE
        return months

    def rest(self) -> None:
        """Give the rows back, encoded, as the log has them: all are written. Not to be used any more."""
        rows, key = self._rows, self.key
        rows.keep(counters.TABLE, key, counters.CODEC.encode(self.counters))
        if self.models.names:
            rows.keep(models.TABLE, key, models.CODEC.encode(self.models))
        if self.streaks.active:
            rows.keep(streaks.TABLE, key, streaks.CODEC.encode(self.streaks))
        for month, row in self.months.items():
            rows.keep(days.TABLE, days.key_of(month, key), days.CODEC.encode(row))

    def _load_cell(self, day: int) -> days.Cell:
        month = days.month_of(day)
        row = self.months.get(month)
        if row is None:
            row = self.months[month] = self._rows.take(days.TABLE, days.key_of(month, self.key))
            self.cells.update(row.cells)
        self.cells[day] = cell = row.cell(day)
        return cell
