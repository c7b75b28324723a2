"""CloudEvents 1.0 in Kafka messages, both modes: where the body is, and the id that the envelope gives it.

Source: CloudEvents Kafka Protocol Binding 1.0.2. Only what is used is checked: the version, the content type
and, where the body has no identity of its own, the id.
"""

import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from app.domain.events import DecodeFailed, SchemaFailed, explain

Headers = Sequence[tuple[str, bytes | None]]

VERSION: Final = "1.0"
_STRUCTURED: Final = "application/cloudevents"


class Body(NamedTuple):
    """The JSON of an event, and the id of its envelope; None where the message is no CloudEvent."""

    value: bytes | None
    ce_id: str | None


class Envelope(msgspec.Struct, gc=False):
    """A CloudEvent in structured mode."""

    specversion: str
    id: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)


def body_of(value: bytes | None, headers: Headers) -> Body:
    """Return the body of a message with headers. Raises ``BadMessage`` if its envelope cannot be used."""
    content_type = _header(headers, "content-type")
    if content_type is not None and _media_type(content_type).startswith(_STRUCTURED):
        return _structured(value, _media_type(content_type))
    version = _header(headers, "ce_specversion")
    if version is None:
        return Body(value, None)
    _require_version(version)
    _require_json(content_type)
    return Body(value, _header(headers, "ce_id"))


def _structured(value: bytes | None, media_type: str) -> Body:
    if media_type != f"{_STRUCTURED}+json":
        raise DecodeFailed(f"{_STRUCTURED} is understood as +json only, one event in a message")
    if value is None:
        raise DecodeFailed("the message has no value")
    try:
        envelope = _ENVELOPE.decode(value)
    except msgspec.ValidationError as exc:
        raise explain(exc) from None
    except UnicodeDecodeError:
        raise DecodeFailed("the value is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as exc:
        raise DecodeFailed(str(exc)) from None
    _require_version(envelope.specversion)
    _require_json(envelope.datacontenttype)
    return Body(_data(envelope), envelope.id)


def _data(envelope: Envelope) -> bytes:
    data, encoded = bytes(envelope.data), envelope.data_base64
    if bool(data) == (encoded is not None):
        raise SchemaFailed("Expected one of `data` and `data_base64`")
    if encoded is None:
        return data
    try:
        return b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise DecodeFailed("the data is not base64 - at `$.data_base64`") from None


def _require_version(version: str) -> None:
    if version != VERSION:
        raise SchemaFailed(f"Expected CloudEvents {VERSION} - at `specversion`")


def _require_json(content_type: str | None) -> None:
    """Raise unless the body is JSON; without a content type it is."""
    subtype = _media_type(content_type or "application/json").rpartition("/")[2]
    if subtype != "json" and not subtype.endswith("+json"):
        raise DecodeFailed("the content type is not JSON")


def _media_type(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _header(headers: Headers, name: str) -> str | None:
    """Return the last header of a name, None if there is none. Raises ``DecodeFailed``."""
    found = [value for key, value in headers if key == name]
    if not found or found[-1] is None:
        return None
    try:
        return found[-1].decode()
    except UnicodeDecodeError:
        raise DecodeFailed(f"the header `{name}` is not UTF-8") from None
