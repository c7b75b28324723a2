"""The description of the HTTP interface, in OpenAPI 3.1, made from the types of its answers."""

from importlib.metadata import version
from typing import Any, Final

import msgspec

from app.domain.buddy import BuddyState
from app.domain.calendar import CALENDAR_DAYS, CalendarDay
from app.domain.events import MAX_TEXT
from app.domain.feed import FeedEntry
from app.domain.forecast import Forecast
from app.domain.published import AchievementUnlocked, LevelUp, PetEvolved
from app.domain.stats import Stats
from app.view import limits
from app.view.answers import Catalog, Leader
from app.view.problems import CONTENT_TYPE, ProblemDetails
from app.view.scope_view import Achievements
from app.view.standings import RANKINGS

JsonObject = dict[str, Any]

AS_OF: Final = "Streakline-As-Of"
_JSON: Final = "application/json"

_TYPES: Final = (
    *(Stats, BuddyState, Achievements, CalendarDay, FeedEntry, Forecast),
    *(Leader, Catalog, ProblemDetails),
    # What the stream tells.
    *(AchievementUnlocked, LevelUp, PetEvolved),
)

_AS_OF_HEADER: Final[JsonObject] = {
    AS_OF: {
        "description": "The newest event time that is in the answer: of a caller's home partition, or of all "
        "partitions. Absent where nothing was folded.",
        "schema": {"type": "string", "format": "date-time"},
    }
}
_SCOPE: Final[JsonObject] = {
    "name": "scope",
    "in": "path",
    "required": True,
    "description": "`gateway`, or `caller:` and the caller's id, percent-encoded.",
    "schema": {"type": "string", "pattern": f"^(gateway|caller:[^\\x00-\\x1f]{{1,{MAX_TEXT}}})$"},
    "examples": {"gateway": {"value": "gateway"}, "caller": {"value": "caller:ada"}},
}


def _problem(description: str) -> JsonObject:
    reference = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
    return {"description": description, "content": {CONTENT_TYPE: {"schema": reference}}}


def _text(content_type: str) -> JsonObject:
    return {"description": "Text", "content": {content_type: {"schema": {"type": "string"}}}}


_BAD_PARAMETER: Final = _problem("A parameter is not accepted")
_NO_TOKEN: Final = _problem("The token is missing or wrong")
_METRICS: Final = {"200": _text("text/plain"), "401": _NO_TOKEN}


def document(*, needs_token: bool) -> JsonObject:
    """Return the description of a view that needs a token, or needs none."""
    schemas, components = _schemas()
    day, leader, entry = schemas[CalendarDay], schemas[Leader], schemas[FeedEntry]
    days = _integer("days", "How many days, today's the last.", CALENDAR_DAYS, limits.CALENDAR_DAYS)
    entries = _integer("limit", "How many entries at most.", limits.FEED_DEFAULT, limits.FEED_ENTRIES)
    leaders = _integer("limit", "How many callers at most.", limits.LEADERS_DEFAULT, limits.LEADERS)
    by: JsonObject = {
        "name": "by",
        "in": "query",
        "description": "What callers are ranked by.",
        "schema": {"enum": list(RANKINGS), "default": RANKINGS[0]},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "streakline view",
            "version": version("streakline"),
            "description": "Streaks, achievements and buddies of an LLM gateway, from memory. "
            "Field names and shapes are those of gamification.ts.",
        },
        "security": [{"bearer": []}] if needs_token else [],
        "paths": {
            "/v1/scopes/{scope}/stats": _of_scope("The twelve stats", schemas[Stats]),
            "/v1/scopes/{scope}/buddy": _of_scope("The buddy", schemas[BuddyState]),
            "/v1/scopes/{scope}/achievements": _of_scope(
                "What is unlocked and what is not", schemas[Achievements]
            ),
            "/v1/scopes/{scope}/calendar": _of_scope("Its days, the oldest first", _array(day), days),
            "/v1/scopes/{scope}/events": _of_scope("Its newest requests", _array(entry), entries),
            "/v1/scopes/{scope}/forecast": _of_scope("What it will save", schemas[Forecast]),
            "/v1/leaderboard": _get("The first callers", _array(leader), [by, leaders]),
            "/v1/catalog": _get("All that can be earned, and how many have it", schemas[Catalog], []),
            "/v1/stream": _stream(),
            "/healthz/live": _probe("Whether the process answers"),
            "/healthz/ready": _probe("Whether answers are complete", unready=True),
            "/metrics": {"get": {"summary": "Metrics for Prometheus", "responses": _METRICS}},
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "STREAKLINE_API_TOKEN, where it is set.",
                }
            },
        },
    }


def parameters_of(path: str) -> frozenset[str] | None:
    """Return the names of the query parameters of a path; None where anything is accepted and ignored."""
    described = document(needs_token=False)["paths"].get(path)
    if described is None or not path.startswith("/v1/"):
        return None
    return frozenset(each["name"] for each in described["get"]["parameters"] if each["in"] == "query")


def _schemas() -> tuple[dict[Any, JsonObject], JsonObject]:
    types = [
        Stats,
        BuddyState,
        Achievements,
        CalendarDay,
        FeedEntry,
        Forecast,
        Leader,
        Catalog,
        ProblemDetails,
    ]
    told = [AchievementUnlocked, LevelUp, PetEvolved]
    found, components = msgspec.json.schema_components(
        [*types, *told], ref_template="#/components/schemas/{name}"
    )
    return dict(zip([*types, *told], found, strict=True)), components


def _of_scope(summary: str, schema: JsonObject, *parameters: JsonObject) -> JsonObject:
    path = _get(summary, schema, [_SCOPE, *parameters])
    path["get"]["responses"]["404"] = _problem("No such scope, or nothing was counted for it yet")
    return path


def _get(summary: str, schema: JsonObject, parameters: list[JsonObject]) -> JsonObject:
    answer = {"description": summary, "headers": _AS_OF_HEADER, "content": {_JSON: {"schema": schema}}}
    responses = {
        "200": answer,
        **({"400": _BAD_PARAMETER} if parameters else {}),
        "401": _NO_TOKEN,
        "503": _problem("The changelogs are not read to their end yet"),
    }
    return {"get": {"summary": summary, "parameters": parameters, "responses": responses}}


def _stream() -> JsonObject:
    scope: JsonObject = {
        "name": "scope",
        "in": "query",
        "description": "Only what is published for this scope.",
        "schema": _SCOPE["schema"],
    }
    last: JsonObject = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id that was heard last: what came after it is sent first, if it is still kept.",
        "schema": {"type": "string"},
    }
    responses = {
        "200": _text("text/event-stream"),
        "400": _BAD_PARAMETER,
        "401": _NO_TOKEN,
        "503": _problem("Too many listen already"),
    }
    summary = (
        "What is published, as it is published: server-sent events, named and shaped as the output topics"
    )
    return {"get": {"summary": summary, "parameters": [scope, last], "responses": responses}}


def _probe(summary: str, *, unready: bool = False) -> JsonObject:
    says = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string"}},
    }
    answer = {"description": summary, "content": {_JSON: {"schema": says}}}
    return {"get": _open(summary, {"200": answer, **({"503": answer} if unready else {})})}


def _open(summary: str, responses: JsonObject) -> JsonObject:
    """Return an operation that needs no token."""
    return {"summary": summary, "security": [], "responses": responses}


def _array(items: JsonObject) -> JsonObject:
    return {"type": "array", "items": items}


def _integer(name: str, description: str, default: int, most: int) -> JsonObject:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return {"name": name, "in": "query", "description": description, "schema": schema}
