"""Errors as RFC 9457 problem details, and parameters that are checked."""

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Final, Literal, TypeVar

import msgspec
from aiohttp import web

from app.domain.events import MAX_TEXT
from tables.publishing import GATEWAY

CONTENT_TYPE: Final = "application/problem+json"

_CALLER: Final = "caller:"
_Choice = TypeVar("_Choice", bound=str)


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an error."""

    type: Literal["about:blank"] = "about:blank"
    #: What the status means.
    title: str
    status: int
    #: What is wrong this time, and what would be right.
    detail: str


class Problem(Exception):  # noqa: N818 - the word of the RFC
    """An error to be answered; ``headers`` are those of the answer."""

    def __init__(self, status: HTTPStatus, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> web.Response:
        """Return the answer."""
        body = ProblemDetails(title=self.status.phrase, status=self.status, detail=str(self))
        return web.Response(
            body=msgspec.json.encode(body),
            status=self.status,
            headers={**self.headers, "Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"},
        )


def require_known(request: web.Request, known: Collection[str]) -> None:
    """Refuse a query with a parameter that would have no effect: it is a mistake."""
    for name in request.query:
        if name not in known:
            has = f"it has {', '.join(sorted(known))}" if known else "it has none"
            raise Problem(HTTPStatus.BAD_REQUEST, f"a parameter of the query is unknown here: {has}")


def integer(request: web.Request, name: str, *, default: int, low: int, high: int) -> int:
    """Return a parameter of the query: a whole number from low to high."""
    value = _one(request, name)
    if value is None:
        return default
    if not re.fullmatch("[0-9]{1,9}", value) or not low <= int(value) <= high:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{name} must be a whole number from {low} to {high}")
    return int(value)


def choice(request: web.Request, name: str, choices: tuple[_Choice, ...]) -> _Choice:
    """Return a parameter of the query: one of the choices, the first if it is not given."""
    value = _one(request, name)
    if value is None:
        return choices[0]
    if value not in choices:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{name} must be one of {', '.join(choices)}")
    return value


def optional_scope(request: web.Request) -> str | None:
    """Return the parameter ``scope`` of the query; None if it is not given."""
    value = _one(request, "scope")
    if value is not None and not is_scope(value):
        raise Problem(HTTPStatus.BAD_REQUEST, "scope must be gateway, or caller: and an id")
    return value


def scope_of_path(request: web.Request) -> str:
    """Return the scope in the path."""
    scope = request.match_info["scope"]
    if not is_scope(scope):
        raise Problem(HTTPStatus.NOT_FOUND, "there is no such scope: it is gateway, or caller: and an id")
    return scope


def is_scope(value: str) -> bool:
    """Say whether a text is the name of a scope, known or not."""
    caller_id = value.removeprefix(_CALLER)
    return value == GATEWAY or (value.startswith(_CALLER) and 1 <= len(caller_id) <= MAX_TEXT)


def _one(request: web.Request, name: str) -> str | None:
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{name} is given {len(values)} times")
    return values[0] if values else None
