"""A scope in memory: the rows of a caller, or of a partition's share, and how events change them."""

from typing import Final

from app.domain.levels import xp_from
from app.domain.measures import Measures
from app.domain.progress import Held, Thresholds, next_thresholds
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

    The sums of its counters and those of its last event's day are integers here, and go into their rows when
    these are written: compiled, an attribute of a row takes ten times as long as one of the scope.
    ``due`` is set when an event may have earned something: the judge is asked only then.
    """

    __slots__ = (
        "_day",
        "_day_cost",
        "_day_requests",
        "_day_tokens",
        "_rows",
        "cache_hits",
        "caller_id",
        "callers",
        "cells",
        "changed",
        "changed_days",
        "cost_saved",
        "due",
        "facts_stored",
        "facts_superseded",
        "held",
        "key",
        "models",
        "months",
        "newest",
        "races",
        "requests",
        "semantic_hits",
        "streaks",
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
        self.models: models.Models = rows.take(models.TABLE, self.key)
        self.streaks: streaks.ActiveDays = rows.take(streaks.TABLE, self.key)
        self.months: dict[str, days.Month] = {}
        #: The cells of the months that are loaded; the same objects as in ``months``.
        self.cells: dict[int, days.Cell] = {}
        self.changed = 0
        self.changed_days: set[int] = set()
        #: The day of the last event, and what its cell has to say when it is settled.
        self._day = _NONE
        self._day_requests = 0
        self._day_tokens = 0
        self._day_cost = 0
        self.thresholds: Thresholds
        self.expect_next()

    def counters(self) -> counters.Counters:
        """Return the row of the counters."""
        return counters.Counters(
            requests=self.requests,
            tokens_saved=self.tokens_saved,
            cost_saved=self.cost_saved,
            cache_hits=self.cache_hits,
            semantic_hits=self.semantic_hits,
            races=self.races,
            facts_stored=self.facts_stored,
            facts_superseded=self.facts_superseded,
            callers=self.callers,
            newest=self.newest,
            held=self.held,
        )

    def measures(self) -> Measures:
        """Return what unlocks and levels are decided on."""
        return Measures(
            requests=self.requests,
            tokens_saved=self.tokens_saved,
            cost_saved=self.cost_saved,
            cache_hits=self.cache_hits,
            semantic_hits=self.semantic_hits,
            callers=1 if self.requests else 0,
            models=len(self.models.names),
            races=self.races,
            facts=self.facts_stored,
            longest_streak=self.streaks.longest,
        )

    def expect_next(self) -> None:
        """Compute the next thresholds; call it after something was earned."""
        self.thresholds = next_thresholds(self.measures(), self.held, gateway=False)
        self.due = False

    def add_request(self, model: str, day: int) -> bool:
        """Count a request; return whether its day or its model is new to the scope. The hot path."""
        self.count_request(day)
        if self.requests >= self.thresholds.requests:
            self.due = True
        if self._day_requests > 1 and model in self.models.names:
            return False
        self.add_request_kind(model, day)
        return True

    def count_request(self, day: int) -> None:
        """Count a request whose model and day are added apart, as a share does."""
        self.requests += 1
        if day != self._day:
            self._turn_to(day)
        self._day_requests += 1

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
        self.cache_hits += hits
        self.tokens_saved += tokens
        self.cost_saved += cost
        if semantic:
            self.semantic_hits += hits
        if day != self._day:
            self._turn_to(day)
        self._day_tokens += tokens
        self._day_cost += cost
        next_ = self.thresholds
        if (
            self.cache_hits >= next_.cache_hits
            or self.semantic_hits >= next_.semantic_hits
            or self.tokens_saved >= next_.tokens_saved
            or self.cost_saved >= next_.cost_saved
            or self._xp() >= next_.xp
        ):
            self.due = True

    def add_mcp_call(self, tokens: int, day: int) -> None:
        """Count an MCP call: its tokens and its day."""
        self.tokens_saved += tokens
        if self.tokens_saved >= self.thresholds.tokens_saved or self._xp() >= self.thresholds.xp:
            self.due = True
        if self.streaks.add_active(day):
            self._days_changed()

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

    def _days_changed(self) -> None:
        self.changed |= STREAKS
        if self.streaks.longest >= self.thresholds.longest_streak:
            self.due = True

    def _turn_to(self, day: int) -> None:
        """Count for another day from here on."""
        self._settle()
        cell = self.cells.get(day) or self._load_cell(day)
        self.changed_days.add(day)
        self._day = day
        self._day_requests = cell.requests
        self._day_tokens = cell.tokens_saved
        self._day_cost = cell.cost_saved

    def _settle(self) -> None:
        """Have the cell of the day say what was counted for it."""
        if self._day != _NONE:
            cell = self.cells[self._day]
            cell.requests = self._day_requests
            cell.tokens_saved = self._day_tokens
            cell.cost_saved = self._day_cost
            self._day = _NONE

    def changed_months(self) -> list[str]:
        """Return the months that have changed; call it when they are written."""
        self._settle()
        months = sorted({days.month_of(day) for day in self.changed_days})
        self.changed_days.clear()
        return months

    def rest(self) -> None:
        """Give the rows back, encoded, as the log has them: all are written. Not to be used any more."""
        rows, key = self._rows, self.key
        rows.keep(counters.TABLE, key, counters.CODEC.encode(self.counters()))
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
