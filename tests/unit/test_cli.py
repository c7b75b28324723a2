from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from app.cli import COMMANDS, Commands, main
from app.errors import StreaklineError
from app.settings import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Walk all commands, with the words that run them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}".strip(), command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}".strip())


ALL = dict(commands(main))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A runner whose environment has no settings, and a home directory of its own."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return CliRunner()


def test_help_lists_every_command(run: CliRunner) -> None:
    """The help names every command, and what it does."""
    result = run.invoke(main, ["--help"])
    assert result.exit_code == 0
    for name, (_, text) in COMMANDS.items():
        assert name in result.output
        assert text.split()[0] in result.output


@pytest.mark.parametrize("words", ["", *ALL])
def test_every_help_has_an_example(run: CliRunner, words: str) -> None:
    """The help of every command has an example that begins with the program's name."""
    result = run.invoke(main, [*words.split(), "--help"], prog_name="streakline")
    assert result.exit_code == 0
    example = result.output.partition("Example:")[2]
    assert f"streakline {words}".strip() in example


def test_help_is_quick() -> None:
    """The help imports neither Kafka clients nor the commands."""
    script = "import sys, app.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    slow = {"aiokafka", "faust", "rich", "psycopg", "app.settings", "app.local"}
    assert not slow & set(done.stdout.split())


def test_version(run: CliRunner) -> None:
    """--version prints the name and the version of the package."""
    assert run.invoke(main, ["--version"]).output.startswith("streakline 0.")


@pytest.mark.parametrize(
    "words", [["nope"], ["--nope"], ["kafka", "nope"], ["kafka", "start", "--port", "x"]]
)
def test_wrong_use(run: CliRunner, words: list[str]) -> None:
    """Wrong use is one line on stderr that names the help, and status 2."""
    result = run.invoke(main, words, prog_name="streakline")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("streakline: ")
    assert "--help`" in result.stderr
    assert result.stderr.count("\n") == 1


def test_wrong_setting(run: CliRunner) -> None:
    """A wrong setting is one line on stderr, and status 2."""
    result = run.invoke(main, ["settings"], env={"STREAKLINE_PARTITIONS": "many"})
    assert result.exit_code == 2
    assert result.stderr.startswith("streakline: STREAKLINE_PARTITIONS=many is wrong")
    assert result.stderr.count("\n") == 1


def test_expected_error(run: CliRunner) -> None:
    """An expected error is its message on stderr, then its details, and status 1."""
    error = StreaklineError("the disk is full")
    error.add_note("end of the log")

    @click.group(cls=Commands, invoke_without_command=True)
    def failing() -> None:
        raise error

    result = run.invoke(failing)
    assert result.exit_code == 1
    assert result.stderr == "streakline: the disk is full\nend of the log\n"


def test_settings_are_plain_lines(run: CliRunner) -> None:
    """Where the output is no terminal, each setting is one line of three fields; secrets are hidden."""
    environ = {"STREAKLINE_API_TOKEN": "hush", "STREAKLINE_VIEW_PORT": "9000"}
    result = run.invoke(main, ["settings"], env=environ)
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [variable for variable, _, _ in rows] == list(VARIABLES)
    assert ["STREAKLINE_VIEW_PORT", "9000", "set"] in rows
    assert ["STREAKLINE_API_TOKEN", "(hidden)", "set"] in rows
    assert "hush" not in result.stdout


def test_status_without_a_broker(run: CliRunner) -> None:
    """Without a local broker, its status says how to start one, and is 1; stopping it is done already."""
    result = run.invoke(main, ["kafka", "status"])
    assert result.exit_code == 1
    assert "streakline kafka start" in result.stdout
    assert run.invoke(main, ["kafka", "stop"]).exit_code == 0
