from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from app.domain.cloud_events import body_of
from app.domain.events import (
    EVENT_OF_TOPIC,
    BadMessage,
    DecodeFailed,
    Event,
    OutOfRange,
    SchemaFailed,
    decode,
)

LATEST = 2_000_000_000_000
TIME = "2026-03-01T08:00:00Z"
BODIES: dict[str, dict[str, Any]] = {
    "gateway.requests": {"caller_id": "ada", "model": "m", "status": "ok", "cost_usd": "0.5"},
    "gateway.cache-hits": {"kind": "semantic", "tokens_saved": 7},
    "gateway.mcp-calls": {"caller_id": "ada", "tool": "grep"},
    "gateway.races": {"winner_model": "m"},
    "gateway.facts": {"superseded_by": "f-2"},
}
IDS = {kind: event.id_field for kind, event in EVENT_OF_TOPIC.items() if event.id_field is not None}
ENVELOPE = {"specversion": "1.0", "id": "e-1", "source": "/gateway", "type": "io.gateway.event"}
STRUCTURED = [("content-type", b"application/cloudevents+json")]
Headers = list[tuple[str, bytes | None]]


def cloud_event(
    body: Any, content_type: str | None = "application/json", identity: str = "e-1"
) -> CloudEvent:
    """Return an event as the CloudEvents SDK makes it."""
    attributes = {**ENVELOPE, "id": identity, "time": None, "datacontenttype": content_type}
    return CloudEvent({name: value for name, value in attributes.items() if value is not None}, body)


def taken(event_type: type[Event], value: bytes | None, headers: Headers) -> Any:
    """Return the event in a message."""
    body = body_of(value, headers)
    return decode(event_type, body.value, LATEST, body.ce_id)[0]


@pytest.mark.parametrize("mode", [to_binary, to_structured])
@pytest.mark.parametrize("topic", BODIES)
def test_the_id_of_the_envelope_stands_for_that_of_the_body(topic: str, mode: Any) -> None:
    """What the SDK encodes in either mode is taken, and its id is the event's where the body has none."""
    body = {**BODIES[topic], "created_at": TIME}
    message = mode(cloud_event(body), JSONFormat())
    event = taken(EVENT_OF_TOPIC[topic], message.value, list(message.headers.items()))
    assert isinstance(event, EVENT_OF_TOPIC[topic])
    assert getattr(event, IDS[topic]) == "e-1"
    plain = decode(EVENT_OF_TOPIC[topic], json.dumps({**body, IDS[topic]: "e-1"}).encode(), LATEST)[0]
    assert event.identity == plain.identity
    assert event.home_key == plain.home_key


@pytest.mark.parametrize("mode", [to_binary, to_structured])
@pytest.mark.parametrize("topic", BODIES)
def test_the_id_of_the_body_comes_first(topic: str, mode: Any) -> None:
    """An id in the body is the event's, whatever the envelope says; null counts as absent."""
    for own, expected in (("own", "own"), (None, "e-1")):
        message = mode(cloud_event({**BODIES[topic], "created_at": TIME, IDS[topic]: own}), JSONFormat())
        event = taken(EVENT_OF_TOPIC[topic], message.value, list(message.headers.items()))
        assert getattr(event, IDS[topic]) == expected


def test_the_id_of_a_subscription_is_not_that_of_an_event() -> None:
    """Two changes of a subscription are two events with one subscription id, which the body must have."""
    subscription = EVENT_OF_TOPIC["gateway.subscriptions"]
    message = to_binary(cloud_event({"created_at": TIME}), JSONFormat())
    with pytest.raises(SchemaFailed, match="subscription_id"):
        taken(subscription, message.value, list(message.headers.items()))
    message = to_binary(cloud_event({"created_at": TIME, "subscription_id": "s"}), JSONFormat())
    event = taken(subscription, message.value, list(message.headers.items()))
    assert event.identity == "s/2026-03-01T08:00:00+00:00"


BODY = json.dumps({"created_at": TIME}).encode()
BINARY: Headers = [("ce_specversion", b"1.0"), ("ce_id", b"e-1"), ("ce_source", b"/x"), ("ce_type", b"x")]


@pytest.mark.parametrize(
    "headers",
    [
        BINARY,
        [*BINARY, ("content-type", b"application/json")],
        [*BINARY, ("content-type", b"Application/JSON; charset=utf-8")],
        [*BINARY, ("content-type", b"application/vnd.gateway+json")],
        [*BINARY, ("ce_extension", b"\xff"), ("other", None)],
        [("ce_specversion", b"1.0"), ("ce_id", b"e-1")],
        [("ce_id", b"an older one"), *BINARY],
    ],
)
def test_binary_mode(headers: Headers) -> None:
    """Headers that are not used may be anything, and the content type any JSON."""
    assert body_of(BODY, headers) == (BODY, "e-1")


@pytest.mark.parametrize(
    "headers",
    [[("trace", b"1")], [("ce_id", b"e-1")], [("content-type", b"text/plain")], [("ce_specversion", None)]],
)
def test_what_is_no_cloud_event(headers: Headers) -> None:
    """Without a version in a header, or a content type of CloudEvents, a message is bare JSON."""
    assert body_of(BODY, headers) == (BODY, None)
    assert body_of(None, headers) == (None, None)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents+json",
        b"application/CloudEvents+JSON; charset=UTF-8",
        b"application/cloudevents+json;x=y",
    ],
)
def test_structured_mode(content_type: bytes) -> None:
    """The data is the body to the byte, as JSON or as base64; attributes that are not used may be anything."""
    headers: Headers = [("content-type", content_type)]
    data = b'{"created_at": "2026-03-01T08:00:00Z", "cost_usd": 0.10}'
    envelope = json.dumps({**ENVELOPE, "partitionkey": 5})[:-1].encode()
    assert body_of(envelope + b', "data":' + data + b"}", headers) == (data, "e-1")
    encoded = json.dumps(base64.b64encode(data).decode()).encode()
    assert body_of(envelope + b', "data_base64":' + encoded + b"}", headers) == (data, "e-1")


def structured(**fields: Any) -> bytes:
    """Return an envelope with some attributes changed; None leaves one out."""
    attributes = {**ENVELOPE, "data": {"created_at": TIME}, **fields}
    return json.dumps({name: value for name, value in attributes.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("kind", "value", "headers", "words"),
    [
        (SchemaFailed, BODY, [("ce_specversion", b"0.3"), ("ce_id", b"x")], "CloudEvents 1.0"),
        (DecodeFailed, BODY, [("ce_specversion", b"\xff")], "`ce_specversion` is not UTF-8"),
        (DecodeFailed, BODY, [("ce_specversion", b"1.0"), ("ce_id", b"\xff")], "`ce_id` is not UTF-8"),
        (DecodeFailed, BODY, [*BINARY, ("content-type", b"application/avro")], "not JSON"),
        (DecodeFailed, BODY, [*BINARY, ("content-type", b"\xff")], "`content-type` is not UTF-8"),
        (SchemaFailed, BODY, [("ce_specversion", b"1.0")], "missing required field `hit_id`"),
        (OutOfRange, BODY, [("ce_specversion", b"1.0"), ("ce_id", b"")], "1 to 200"),
        (OutOfRange, BODY, [("ce_specversion", b"1.0"), ("ce_id", b"x" * 201)], "1 to 200"),
        (DecodeFailed, None, BINARY, "no value"),
        (DecodeFailed, None, STRUCTURED, "no value"),
        (DecodeFailed, b"{", STRUCTURED, "truncated"),
        (DecodeFailed, b"\xff", STRUCTURED, ""),
        (DecodeFailed, b'{"specversion": "\xff"}', STRUCTURED, "UTF-8"),
        (DecodeFailed, b'{"data":' + b"[" * 100_000, STRUCTURED, ""),
        (SchemaFailed, b"[]", STRUCTURED, "array"),
        (SchemaFailed, structured(specversion=None), STRUCTURED, "`specversion`"),
        (SchemaFailed, structured(specversion="0.3"), STRUCTURED, "CloudEvents 1.0"),
        (SchemaFailed, structured(id=7), STRUCTURED, "`$.id`"),
        (SchemaFailed, structured(id=None), STRUCTURED, "missing required field `hit_id`"),
        (OutOfRange, structured(id=""), STRUCTURED, "1 to 200"),
        (SchemaFailed, structured(data=None), STRUCTURED, "`data`"),
        (SchemaFailed, structured(data_base64="e30="), STRUCTURED, "`data`"),
        (SchemaFailed, structured(data="text"), STRUCTURED, "object"),
        (DecodeFailed, structured(data=None, data_base64="e30"), STRUCTURED, "base64"),
        (DecodeFailed, structured(data=None, data_base64="\u00e9"), STRUCTURED, "base64"),
        (DecodeFailed, structured(datacontenttype="text/xml"), STRUCTURED, "not JSON"),
        (
            DecodeFailed,
            b"[]",
            [("content-type", b"application/cloudevents-batch+json")],
            "one event in a message",
        ),
        (DecodeFailed, b"", [("content-type", b"application/cloudevents+avro")], "+json only"),
    ],
)
def test_envelopes_that_cannot_be_used(
    kind: type[BadMessage], value: bytes | None, headers: Headers, words: str
) -> None:
    """Each is refused with a reason, and with words that do not repeat the value."""
    with pytest.raises(BadMessage) as refused:
        taken(EVENT_OF_TOPIC["gateway.cache-hits"], value, headers)
    assert type(refused.value) is kind
    assert words in str(refused.value)
