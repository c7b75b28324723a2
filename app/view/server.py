"""The HTTP interface: contract, section 5. Every answer is made from memory, without waiting for anything."""

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from app.domain.buddy import buddy
from app.domain.calendar import CALENDAR_DAYS, calendar
from app.domain.forecast import forecast
from app.domain.levels import xp
from app.metrics import CONTENT_TYPE, ViewMetrics, exposed
from app.view import limits
from app.view.answers import catalog, leaderboard
from app.view.assets import Assets
from app.view.guard import Guard
from app.view.openapi import AS_OF, document, parameters_of
from app.view.problems import Problem, choice, integer, optional_scope, require_known, scope_of_path
from app.view.recent import Recent
from app.view.scope_rows import ScopeState
from app.view.scope_view import achievements, stats
from app.view.standings import RANKINGS
from app.view.state import ViewState
from app.view.stream import Stream
from tables.publishing import GATEWAY

logger = logging.getLogger(__name__)

_STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy must not hold messages back
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Reading(Protocol):
    """What is read of the changelogs: see ``ChangelogTail``."""

    # ruff: noqa: D102 - the class says it
    @property
    def state(self) -> ViewState | None: ...
    @property
    def is_ready(self) -> bool: ...
    @property
    def remaining(self) -> int: ...


def utc_today() -> date:
    """Return the day that it is, in UTC."""
    return datetime.now(UTC).date()


class Server:
    """The routes, and what they answer from."""

    def __init__(
        self,
        reading: Reading,
        recent: Recent,
        stream: Stream,
        *,
        guard: Guard,
        metrics: ViewMetrics,
        today: Callable[[], date] = utc_today,
    ) -> None:
        self._reading = reading
        self._recent = recent
        self._stream = stream
        self._guard = guard
        self._metrics = metrics
        self._today = today
        #: The query parameters of each path; None where anything is accepted.
        self._parameters: Mapping[str, frozenset[str] | None] = {}

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        assets = Assets()
        server = web.Application(middlewares=[self._measure, _problems, self._check])
        server.add_routes(
            [
                web.get("/v1/scopes/{scope}/stats", self._stats),
                web.get("/v1/scopes/{scope}/buddy", self._buddy),
                web.get("/v1/scopes/{scope}/achievements", self._achievements),
                web.get("/v1/scopes/{scope}/calendar", self._calendar),
                web.get("/v1/scopes/{scope}/events", self._events),
                web.get("/v1/scopes/{scope}/forecast", self._forecast),
                web.get("/v1/leaderboard", self._leaderboard),
                web.get("/v1/catalog", self._catalog),
                web.get("/v1/stream", self._follow),
                web.get("/healthz/live", self._live),
                web.get("/healthz/ready", self._ready),
                web.get("/metrics", self._exposed),
                web.get("/openapi.json", self._describe),
                web.get("/", assets.index),
                web.get("/page/{name}", assets.file),
            ]
        )
        paths = [resource.canonical for resource in server.router.resources()]
        self._parameters = {path: parameters_of(path) for path in paths}
        return server

    # -- scopes --------------------------------------------------------------------------------------------

    async def _stats(self, request: web.Request) -> web.Response:
        return self._scope(request, stats)

    async def _buddy(self, request: web.Request) -> web.Response:
        return self._scope(
            request,
            lambda state, today: buddy(
                state.seed, stats(state, today), xp=xp(state.measures), held=state.held
            ),
        )

    async def _achievements(self, request: web.Request) -> web.Response:
        return self._scope(request, lambda state, _: achievements(state))

    async def _calendar(self, request: web.Request) -> web.Response:
        days = integer(request, "days", default=CALENDAR_DAYS, low=1, high=limits.CALENDAR_DAYS)
        return self._scope(request, lambda state, today: calendar(state.cells, today, days))

    async def _forecast(self, request: web.Request) -> web.Response:
        return self._scope(request, lambda state, today: forecast(state.cells, today))

    async def _events(self, request: web.Request) -> web.Response:
        limit = integer(request, "limit", default=limits.FEED_DEFAULT, low=1, high=limits.FEED_ENTRIES)
        return self._scope(
            request,
            lambda state, _: self._recent.entries(None if state.scope == GATEWAY else state.seed, limit),
        )

    def _scope(self, request: web.Request, answer: Callable[[ScopeState, date], Any]) -> web.Response:
        """Answer what is asked of the scope in the path."""
        scope, all_scopes = scope_of_path(request), self._state()
        state = all_scopes.scope(scope)
        if state is None:
            raise Problem(HTTPStatus.NOT_FOUND, "nothing was counted for this caller yet")
        return _json(answer(state, self._today()), all_scopes.as_of(scope))

    # -- all of them ---------------------------------------------------------------------------------------

    async def _leaderboard(self, request: web.Request) -> web.Response:
        by = choice(request, "by", RANKINGS)
        limit = integer(request, "limit", default=limits.LEADERS_DEFAULT, low=1, high=limits.LEADERS)
        state = self._state()
        return _json(leaderboard(state, by, limit), state.as_of(None))

    async def _catalog(self, _: web.Request) -> web.Response:
        state = self._state()
        return _json(catalog(state), state.as_of(None))

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        scope = optional_scope(request)
        if self._stream.listeners >= limits.LISTENERS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many listen already", Retry_After="10")
        response = web.StreamResponse(headers=_STREAM_HEADERS)
        await response.prepare(request)
        told = self._stream.listen(scope, request.headers.get("Last-Event-ID"))
        with contextlib.suppress(ConnectionError):  # it went away
            async with contextlib.aclosing(told):
                async for frame in told:
                    await response.write(frame)
        return response

    # -- about itself ----------------------------------------------------------------------------------------

    async def _live(self, _: web.Request) -> web.Response:
        return _json({"status": "live"})

    async def _ready(self, _: web.Request) -> web.Response:
        if self._reading.is_ready:
            return _json({"status": "ready"})
        remaining = self._reading.remaining
        status = "reading" if self._reading.state is None else "stale"
        body = {"status": status, "offsets_remaining": remaining}
        return _json(body, status=HTTPStatus.SERVICE_UNAVAILABLE)

    async def _exposed(self, _: web.Request) -> web.Response:
        return web.Response(body=exposed(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE})

    async def _describe(self, _: web.Request) -> web.Response:
        return _json(document(needs_token=self._guard.needs_token))

    def _state(self) -> ViewState:
        state = self._reading.state
        if state is None:
            detail = "the changelogs are not read to their end yet"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, Retry_After="2")
        return state

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._guard.check(request)
        resource = request.match_info.route.resource
        known = self._parameters.get(resource.canonical) if resource is not None else None
        if known is not None:
            require_known(request, known)
        return await handler(request)

    @web.middleware
    async def _measure(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        if resource is not None and type(response) is web.Response:
            self._metrics.answered(resource.canonical, response.status, time.perf_counter() - started)
        return response


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as problem details; what nobody expected is logged, without values."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as exc:
        allowed = {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else {}
        return Problem(HTTPStatus(exc.status), _said_of(exc), **allowed).response()
    except Exception:
        logger.exception("a request could not be answered: %s", request.match_info.route.resource)
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the view's log says what happened").response()


def _said_of(exc: web.HTTPException) -> str:
    match exc.status:
        case HTTPStatus.NOT_FOUND:
            return "there is nothing here: /openapi.json says what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return "the view only answers questions: use GET"
        case _:
            return exc.reason


def _json(body: Any, as_of: datetime | None = None, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if as_of is not None:
        headers[AS_OF] = as_of.isoformat().replace("+00:00", "Z")
    return web.Response(body=msgspec.json.encode(body), status=status, headers=headers)
