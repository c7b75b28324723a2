"""Reading and checking single environment variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
SECRETS = frozenset({"KAFKA_SASL_PASSWORD", "STREAKLINE_API_TOKEN", "STREAKLINE_DATABASE_URL"})
NANOS = 10**9

_MAX_INTEGER = 2**53 - 1
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")  # Kafka allows 249 in a topic; our part needs up to 60
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The opening balance of the gateway's scope: tokens, and nano-dollars."""

    tokens_saved: int = 0
    cost_saved: int = 0


class Reader:
    """Read one variable at a time: None or the default for what is unset, SettingsError for what is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, variable: str) -> str | None:
        """The value, or what the file that `<variable>_FILE` names holds: secrets only."""
        value = self.environ.get(variable) or None
        path = self.environ.get(f"{variable}_FILE") if variable in SECRETS else None
        if not path:
            return value
        if value is not None:
            raise SettingsError(f"{variable} and {variable}_FILE are both set: set one of them")
        try:
            value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingsError(f"{variable}_FILE={path} cannot be read: {reason}") from error
        if not value:
            raise SettingsError(f"{variable}_FILE={path} is empty: it must hold the secret")
        return value

    def integer(self, variable: str, *, default: int, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = self.text(variable)
        if value is None:
            return default
        if not re.fullmatch(r"[0-9]{1,16}", value, re.ASCII) or not low <= int(value) <= high:
            raise SettingsError(
                f"{variable}={value} is wrong: a whole number from {low} to {high} is accepted"
            )
        return int(value)

    def choice(self, variable: str, accepted: tuple[str, ...]) -> str | None:
        """One of the accepted words, exactly."""
        value = self.text(variable)
        if value is not None and value not in accepted:
            raise SettingsError(f"{variable}={value} is wrong: accepted are {', '.join(accepted)}")
        return value

    def name(self, variable: str) -> str | None:
        """A name that Kafka takes as part of the name of a topic."""
        value = self.text(variable)
        if value is not None and (not _NAME.fullmatch(value) or not value.strip(".")):
            raise SettingsError(
                f"{variable}={value} is wrong: 1 to 100 letters, digits, dots, underscores or hyphens "
                "are accepted, as in the name of a topic"
            )
        return value

    def servers(self, variable: str) -> str | None:
        """One or more host:port, separated by commas; the port may be left out."""
        value = self.text(variable)
        if value is None:
            return None
        servers = [server.strip() for server in value.split(",")]
        for server in servers:
            match = _SERVER.fullmatch(server)
            if not match or not 1 <= int(match[2] or 9092) <= 65535:  # noqa: PLR2004 - ports
                raise SettingsError(f"{variable}={value} is wrong: host:port,host:port is accepted")
        return ",".join(servers)

    def host(self, variable: str) -> str:
        """An address to listen on; loopback unless told otherwise."""
        value = self.text(variable) or "127.0.0.1"
        if not _HOST.fullmatch(value):
            raise SettingsError(f"{variable}={value} is wrong: a host name or an IP address is accepted")
        return value

    def token(self, variable: str) -> str | None:
        """A bearer token, as a header can carry it."""
        value = self.text(variable)
        if value is not None and not re.fullmatch(r"[!-~]+", value):
            raise SettingsError(
                f"{variable} is wrong: printable ASCII without spaces is accepted, as HTTP can send it"
            )
        return value

    def path(self, variable: str) -> Path | None:
        """A path; ~ is the home directory."""
        value = self.text(variable)
        return Path(value).expanduser().absolute() if value else None

    def file(self, variable: str) -> Path | None:
        """The path of a file that exists."""
        path = self.path(variable)
        if path is not None and not path.is_file():
            raise SettingsError(f"{variable}={path} is wrong: there is no such file")
        return path

    def baseline(self, variable: str) -> Baseline:
        """Opening amounts: whole tokens, and dollars that are kept as nano-dollars."""
        value = self.text(variable) or ""
        parts = [part.partition("=") for part in value.split(",") if part.strip()]
        amounts = {key.strip(): amount.strip() for key, _, amount in parts}
        twice = len(amounts) < len(parts)
        try:
            tokens, cost = Decimal(amounts.pop("tokens_saved", "0")), Decimal(amounts.pop("cost_saved", "0"))
            nanos = cost * NANOS
            whole = all(0 <= number <= _MAX_INTEGER and number == int(number) for number in (tokens, nanos))
        except (InvalidOperation, ValueError, OverflowError):
            whole = False
            tokens = nanos = Decimal(0)
        if twice or amounts or not whole:
            raise SettingsError(
                f"{variable}={value} is wrong: tokens_saved=1000,cost_saved=1.50 is accepted, "
                "with whole tokens and dollars of at most nine decimals, neither below 0"
            )
        return Baseline(tokens_saved=int(tokens), cost_saved=int(nanos))
