"""The settings: environment variables in, one frozen value out.

`Settings.from_environ` is the only way in. It reads the mapping it is given, the files that `*_FILE`
variables name, and the state file of the local broker, which says where that broker listens. Nothing is
global or cached.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.errors import SettingsError
from app.settings.reader import MECHANISMS, NANOS, PROTOCOLS, SECRETS, Baseline, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LOCAL_ADDRESS",
    "STATE_FILE",
    "VARIABLES",
    "Baseline",
    "Settings",
    "SettingsError",
    "local_address",
    "user_dir",
]

LOCAL_ADDRESS = "127.0.0.1:9092"
STATE_FILE = "broker.json"  # in the data directory; written by app.local


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. Secrets are in here: print `rows()`, never the object."""

    bootstrap_servers: str
    local_broker: bool
    security_protocol: str
    sasl_mechanism: str | None
    sasl_username: str | None
    sasl_password: str | None
    ssl_cafile: Path | None
    ssl_certfile: Path | None
    ssl_keyfile: Path | None
    app_id: str
    instance_id: str | None
    topic_prefix: str
    partitions: int
    replication_factor: int
    dedupe_window: int
    baseline: Baseline
    database_url: str | None
    api_token: str | None
    view_host: str
    view_port: int
    worker_host: str
    worker_port: int
    data_dir: Path
    given: frozenset[str]
    """The variables that were set, directly or through a file; all others have their default."""

    def __repr__(self) -> str:
        """Leave out the values, because tracebacks and logs print this."""
        return f"<Settings app_id={self.app_id!r} bootstrap_servers={self.bootstrap_servers!r}>"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check all settings. An empty variable counts as unset.

        Raises SettingsError for the first variable that is wrong.
        """
        env = Reader(environ)
        data_dir = env.path("STREAKLINE_DATA_DIR") or user_dir(environ, "XDG_DATA_HOME", ".local/share")
        servers = env.servers("KAFKA_BOOTSTRAP_SERVERS")
        protocol = env.choice("KAFKA_SECURITY_PROTOCOL", PROTOCOLS) or "PLAINTEXT"
        mechanism = env.choice("KAFKA_SASL_MECHANISM", MECHANISMS)
        settings = cls(
            bootstrap_servers=servers or local_address(data_dir),
            local_broker=servers is None,
            security_protocol=protocol,
            sasl_mechanism=mechanism or ("PLAIN" if protocol.startswith("SASL_") else None),
            sasl_username=env.text("KAFKA_SASL_USERNAME"),
            sasl_password=env.text("KAFKA_SASL_PASSWORD"),
            ssl_cafile=env.file("KAFKA_SSL_CAFILE"),
            ssl_certfile=env.file("KAFKA_SSL_CERTFILE"),
            ssl_keyfile=env.file("KAFKA_SSL_KEYFILE"),
            app_id=env.name("STREAKLINE_APP_ID") or "streakline",
            instance_id=env.name("STREAKLINE_INSTANCE_ID"),
            topic_prefix=env.name("STREAKLINE_TOPIC_PREFIX") or "",
            partitions=env.integer("STREAKLINE_PARTITIONS", default=8, low=1, high=1000),
            replication_factor=env.integer(
                "STREAKLINE_REPLICATION_FACTOR", default=1 if servers is None else 3, low=1, high=100
            ),
            dedupe_window=env.integer("STREAKLINE_DEDUPE_WINDOW", default=1_000_000, low=1, high=10**9),
            baseline=env.baseline("STREAKLINE_BASELINE"),
            database_url=env.text("STREAKLINE_DATABASE_URL"),
            api_token=env.token("STREAKLINE_API_TOKEN"),
            view_host=env.host("STREAKLINE_VIEW_HOST"),
            view_port=env.integer("STREAKLINE_VIEW_PORT", default=8080, low=0, high=65535),
            worker_host=env.host("STREAKLINE_WORKER_HOST"),
            worker_port=env.integer("STREAKLINE_WORKER_PORT", default=6066, low=0, high=65535),
            data_dir=data_dir,
            given=frozenset(variable for variable in VARIABLES if env.text(variable) is not None),
        )
        settings._check_security()
        return settings

    def topic(self, name: str) -> str:
        """Put the prefix before the name of a topic."""
        return self.topic_prefix + name

    def kafka_options(self) -> dict[str, Any]:
        """Make the keyword arguments that every aiokafka client takes to reach and enter the cluster.

        Raises SettingsError when a certificate or key cannot be loaded.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL_"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        return options

    def rows(self) -> list[tuple[str, str, Literal["default", "set"]]]:
        """List every setting as (variable, value with secrets hidden, where the value comes from)."""
        return [
            (variable, self._shown(variable, field), "set" if variable in self.given else "default")
            for variable, field in VARIABLES.items()
        ]

    def _shown(self, variable: str, field: str) -> str:
        value = getattr(self, field)
        if value is None:
            return ""
        if variable in SECRETS:
            return "(hidden)"
        if isinstance(value, Baseline):
            return f"tokens_saved={value.tokens_saved},cost_saved={Decimal(value.cost_saved) / NANOS:f}"
        return str(value)

    def _check_security(self) -> None:
        """Refuse settings that would silently not be used: a password sent nowhere is a mistake."""
        protocol = self.security_protocol
        if protocol.startswith("SASL_"):
            for variable in ("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"):
                if variable not in self.given:
                    raise SettingsError(
                        f"{variable} is not set, but KAFKA_SECURITY_PROTOCOL={protocol} needs it"
                    )
        unused = [] if protocol.startswith("SASL_") else [v for v in VARIABLES if v.startswith("KAFKA_SASL_")]
        unused += [] if protocol.endswith("SSL") else [v for v in VARIABLES if v.startswith("KAFKA_SSL_")]
        for variable in unused:
            if variable in self.given:
                other = "SASL_SSL or SASL_PLAINTEXT" if "SASL" in variable else "SSL or SASL_SSL"
                raise SettingsError(
                    f"{variable} is set, but KAFKA_SECURITY_PROTOCOL={protocol} makes no use of it: "
                    f"choose {other}, or unset it"
                )
        if self.ssl_keyfile and not self.ssl_certfile:
            raise SettingsError("KAFKA_SSL_KEYFILE is set without KAFKA_SSL_CERTFILE: set both, or neither")

    def _ssl_context(self) -> ssl.SSLContext:
        variable = "KAFKA_SSL_CAFILE"
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
            if self.ssl_certfile:
                variable = "KAFKA_SSL_CERTFILE"
                # An encrypted key must fail here; without the callback OpenSSL would ask on the terminal.
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, password=lambda: "")
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{variable} cannot be used: {error}: give an unencrypted PEM file"
            ) from error
        return context


VARIABLES: Mapping[str, str] = {
    "KAFKA_BOOTSTRAP_SERVERS": "bootstrap_servers",
    "KAFKA_SECURITY_PROTOCOL": "security_protocol",
    "KAFKA_SASL_MECHANISM": "sasl_mechanism",
    "KAFKA_SASL_USERNAME": "sasl_username",
    "KAFKA_SASL_PASSWORD": "sasl_password",
    "KAFKA_SSL_CAFILE": "ssl_cafile",
    "KAFKA_SSL_CERTFILE": "ssl_certfile",
    "KAFKA_SSL_KEYFILE": "ssl_keyfile",
    "STREAKLINE_APP_ID": "app_id",
    "STREAKLINE_INSTANCE_ID": "instance_id",
    "STREAKLINE_TOPIC_PREFIX": "topic_prefix",
    "STREAKLINE_PARTITIONS": "partitions",
    "STREAKLINE_REPLICATION_FACTOR": "replication_factor",
    "STREAKLINE_DEDUPE_WINDOW": "dedupe_window",
    "STREAKLINE_BASELINE": "baseline",
    "STREAKLINE_DATABASE_URL": "database_url",
    "STREAKLINE_API_TOKEN": "api_token",
    "STREAKLINE_VIEW_HOST": "view_host",
    "STREAKLINE_VIEW_PORT": "view_port",
    "STREAKLINE_WORKER_HOST": "worker_host",
    "STREAKLINE_WORKER_PORT": "worker_port",
    "STREAKLINE_DATA_DIR": "data_dir",
}
"""Every variable and its field, in the order in which they are shown."""


def user_dir(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    """Find streakline's own folder below a base directory of the user, as the XDG specification has it.

    `variable` is XDG_DATA_HOME or XDG_CACHE_HOME, `fallback` its default below the home directory. As the
    specification asks, a relative path in the variable is ignored.
    """
    base = Path(environ.get(variable, ""))
    home = Path(environ.get("HOME") or Path("~").expanduser())
    return (base if base.is_absolute() else home / fallback) / "streakline"


def local_address(data_dir: Path) -> str:
    """Look up where the local broker of this data directory listens; the default address without one."""
    try:
        address = json.loads((data_dir / STATE_FILE).read_bytes())["address"]
    except (OSError, ValueError, KeyError, TypeError):
        return LOCAL_ADDRESS
    return address if isinstance(address, str) else LOCAL_ADDRESS
