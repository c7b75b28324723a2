from __future__ import annotations

import json
import re
import ssl
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from app.settings import VARIABLES, Baseline, Settings, SettingsError

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with nothing but an empty home directory."""
    return {"HOME": str(tmp_path)}


def test_defaults(home: dict[str, str], tmp_path: Path) -> None:
    """With nothing set, the settings are those of the contract, on the local broker."""
    settings = Settings.from_environ(home)
    assert settings.bootstrap_servers == "127.0.0.1:9092"
    assert settings.local_broker
    assert (settings.app_id, settings.topic_prefix, settings.instance_id) == ("streakline", "", None)
    assert (settings.partitions, settings.replication_factor, settings.dedupe_window) == (8, 1, 1_000_000)
    assert settings.baseline == Baseline(tokens_saved=0, cost_saved=0)
    assert (settings.view_host, settings.view_port) == ("127.0.0.1", 8080)
    assert (settings.worker_host, settings.worker_port) == ("127.0.0.1", 6066)
    assert settings.data_dir == tmp_path / ".local/share/streakline"
    assert settings.given == frozenset()
    assert {source for _, _, source in settings.rows()} == {"default"}


def test_settings_do_not_change(home: dict[str, str]) -> None:
    """Settings are a value: assigning to one is refused."""
    with pytest.raises(FrozenInstanceError):
        Settings.from_environ(home).partitions = 9  # type: ignore[misc]


def test_replication_follows_the_broker(home: dict[str, str]) -> None:
    """Topics have three replicas on a configured cluster, one on the local broker, or as many as are set."""
    configured = home | {"KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9092, kafka-2:9092"}
    assert Settings.from_environ(configured).replication_factor == 3
    assert Settings.from_environ(configured).bootstrap_servers == "kafka-1:9092,kafka-2:9092"
    assert Settings.from_environ(configured | {"STREAKLINE_REPLICATION_FACTOR": "2"}).replication_factor == 2


def test_local_address_comes_from_the_state_file(home: dict[str, str], tmp_path: Path) -> None:
    """The local broker is found where its state file says it listens."""
    (tmp_path / "broker.json").write_text(json.dumps({"address": "127.0.0.1:19092"}))
    settings = Settings.from_environ(home | {"STREAKLINE_DATA_DIR": str(tmp_path)})
    assert settings.bootstrap_servers == "127.0.0.1:19092"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"address": 1}'])
def test_damaged_state_file(home: dict[str, str], tmp_path: Path, content: str) -> None:
    """A state file that says nothing useful leaves the default address."""
    (tmp_path / "broker.json").write_text(content)
    settings = Settings.from_environ(home | {"STREAKLINE_DATA_DIR": str(tmp_path)})
    assert settings.bootstrap_servers == "127.0.0.1:9092"


def test_data_directory_follows_xdg(home: dict[str, str]) -> None:
    """The data directory is below XDG_DATA_HOME when that is an absolute path."""
    assert str(Settings.from_environ(home | {"XDG_DATA_HOME": "/data"}).data_dir) == "/data/streakline"
    relative = Settings.from_environ(home | {"XDG_DATA_HOME": "data"})
    assert relative.data_dir == Settings.from_environ(home).data_dir


def test_topic_prefix(home: dict[str, str]) -> None:
    """The prefix goes before every topic name."""
    settings = Settings.from_environ(home | {"STREAKLINE_TOPIC_PREFIX": "test-1."})
    assert settings.topic("gateway.requests") == "test-1.gateway.requests"


@pytest.mark.parametrize(
    ("text", "tokens", "nanos"),
    [
        ("tokens_saved=500000,cost_saved=12.50", 500_000, 12_500_000_000),
        ("cost_saved=0.000000001", 0, 1),
        (" tokens_saved = 7 ", 7, 0),
        ("", 0, 0),
    ],
)
def test_baseline(home: dict[str, str], text: str, tokens: int, nanos: int) -> None:
    """The baseline is tokens and dollars, either of which may be left out; dollars become nano-dollars."""
    settings = Settings.from_environ(home | {"STREAKLINE_BASELINE": text})
    assert settings.baseline == Baseline(tokens_saved=tokens, cost_saved=nanos)


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("STREAKLINE_PARTITIONS", "0", "1 to 1000"),
        ("STREAKLINE_PARTITIONS", "1001", "1 to 1000"),
        ("STREAKLINE_PARTITIONS", "eight", "1 to 1000"),
        ("STREAKLINE_PARTITIONS", "+8", "1 to 1000"),
        ("STREAKLINE_PARTITIONS", "\u0668", "1 to 1000"),
        ("STREAKLINE_VIEW_PORT", "65536", "0 to 65535"),
        ("STREAKLINE_WORKER_PORT", "-1", "0 to 65535"),
        ("STREAKLINE_DEDUPE_WINDOW", "0", "whole number"),
        ("STREAKLINE_REPLICATION_FACTOR", "1.5", "whole number"),
        ("STREAKLINE_APP_ID", "my app", "letters, digits"),
        ("STREAKLINE_APP_ID", "..", "letters, digits"),
        ("STREAKLINE_TOPIC_PREFIX", "a/b", "letters, digits"),
        ("STREAKLINE_INSTANCE_ID", "x" * 101, "1 to 100"),
        ("STREAKLINE_VIEW_HOST", "a host", "host name"),
        ("STREAKLINE_API_TOKEN", "two words", "printable ASCII"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:0", "host:port"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092,,", "host:port"),
        ("KAFKA_BOOTSTRAP_SERVERS", "http://kafka:9092", "host:port"),
        ("KAFKA_SECURITY_PROTOCOL", "sasl", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "GSSAPI", "SCRAM-SHA-256"),
        ("KAFKA_SSL_CAFILE", "/no/such.pem", "no such file"),
        ("STREAKLINE_BASELINE", "tokens_saved=1.5", "whole tokens"),
        ("STREAKLINE_BASELINE", "tokens_saved=-1", "neither below 0"),
        ("STREAKLINE_BASELINE", "cost_saved=0.0000000001", "nine decimals"),
        ("STREAKLINE_BASELINE", "cost_saved=NaN", "nine decimals"),
        ("STREAKLINE_BASELINE", "cost_saved=Infinity", "nine decimals"),
        ("STREAKLINE_BASELINE", "tokens_saved=1e999999999", "whole tokens"),
        ("STREAKLINE_BASELINE", "savings=1", "tokens_saved="),
        ("STREAKLINE_BASELINE", "tokens_saved=1,tokens_saved=1", "tokens_saved="),
        ("STREAKLINE_BASELINE", "tokens_saved", "tokens_saved="),
    ],
)
def test_wrong_value(home: dict[str, str], variable: str, value: str, accepted: str) -> None:
    """A wrong value is one line that names the variable and what is accepted."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ(home | {variable: value})
    message = str(caught.value)
    assert message.startswith(variable)
    assert accepted in message
    assert "\n" not in message


def test_secret_from_a_file(home: dict[str, str], tmp_path: Path) -> None:
    """A secret may come from a file; the line end of the file is not part of it."""
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    settings = Settings.from_environ(home | {"STREAKLINE_API_TOKEN_FILE": str(secret)})
    assert settings.api_token == "s3cret"
    assert "STREAKLINE_API_TOKEN" in settings.given


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot be read"), (b"\n", "empty"), (b"\xff", "UTF-8")]
)
def test_unusable_secret_file(
    home: dict[str, str], tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """A secret's file that is missing, empty or not text is an error that names the file."""
    secret = tmp_path / "password"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(SettingsError, match=reason) as caught:
        Settings.from_environ(home | {"STREAKLINE_DATABASE_URL_FILE": str(secret)})
    assert str(secret) in str(caught.value)


def test_secret_given_twice(home: dict[str, str]) -> None:
    """A secret both in a variable and in a file is an error: nobody could say which one counts."""
    with pytest.raises(SettingsError, match="both set"):
        Settings.from_environ(home | {"STREAKLINE_API_TOKEN": "a", "STREAKLINE_API_TOKEN_FILE": "/b"})


def test_secrets_stay_hidden(home: dict[str, str]) -> None:
    """Neither the rows for the terminal nor the repr contain a secret."""
    secrets = {
        "KAFKA_SASL_PASSWORD": "hush-1",
        "STREAKLINE_API_TOKEN": "hush-2",
        "STREAKLINE_DATABASE_URL": "postgresql://u:hush-3@db/x",
    }
    sasl = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u"}
    settings = Settings.from_environ(home | secrets | sasl)
    rows = settings.rows()
    assert "hush" not in repr(settings) + str(rows)
    assert [(variable, source) for variable, value, source in rows if value == "(hidden)"] == [
        ("KAFKA_SASL_PASSWORD", "set"),
        ("STREAKLINE_DATABASE_URL", "set"),
        ("STREAKLINE_API_TOKEN", "set"),
    ]


def test_rows_list_every_setting(home: dict[str, str]) -> None:
    """Every variable has a row, as text that could be set again."""
    settings = Settings.from_environ(home | {"STREAKLINE_BASELINE": "tokens_saved=5,cost_saved=0.25"})
    assert [variable for variable, _, _ in settings.rows()] == list(VARIABLES)
    assert ("STREAKLINE_BASELINE", "tokens_saved=5,cost_saved=0.25", "set") in settings.rows()


def test_kafka_options(home: dict[str, str]) -> None:
    """The options for aiokafka name the servers, the user and a context that verifies certificates."""
    assert Settings.from_environ(home).kafka_options() == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "PLAINTEXT",
    }
    options = Settings.from_environ(
        home
        | {
            "KAFKA_BOOTSTRAP_SERVERS": "kafka:9093",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": "me",
            "KAFKA_SASL_PASSWORD": "secret",
        }
    ).kafka_options()
    context = options.pop("ssl_context")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert options == {
        "bootstrap_servers": "kafka:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": "secret",
    }


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_USERNAME is not set"),
        ({"KAFKA_SASL_PASSWORD": "x"}, "KAFKA_SASL_PASSWORD is set, but"),
        ({"KAFKA_SSL_CAFILE": "CA"}, "KAFKA_SSL_CAFILE is set, but"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEYFILE": "CA"}, "without KAFKA_SSL_CERTFILE"),
    ],
)
def test_security_must_fit(
    home: dict[str, str], tmp_path: Path, environ: dict[str, str], message: str
) -> None:
    """Credentials that the protocol lacks, or would silently leave unused, are an error."""
    pem = tmp_path / "some.pem"
    pem.write_text("")
    given = {variable: str(pem) if value == "CA" else value for variable, value in environ.items()}
    with pytest.raises(SettingsError, match=message):
        Settings.from_environ(home | given)


def test_unusable_certificate(home: dict[str, str], tmp_path: Path) -> None:
    """A CA file that is not one is an error when the options are made."""
    pem = tmp_path / "ca.pem"
    pem.write_text("not a certificate")
    settings = Settings.from_environ(home | {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": str(pem)})
    with pytest.raises(SettingsError, match="KAFKA_SSL_CAFILE cannot be used"):
        settings.kafka_options()


def test_the_readme_explains_every_setting() -> None:
    """Each is in its table of settings, and no other is."""
    text = README.read_text(encoding="utf-8").partition("\n### Settings\n")[2].partition("\n### ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert re.findall(r"`(\w+)`", "".join(rows)) == list(VARIABLES)
