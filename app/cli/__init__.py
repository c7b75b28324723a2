"""The command line. Each command has a module of its own, imported only when it is used: `--help` is quick.

To add one: write `app/cli/<name>.py` with a click command (or group) named `command`, and add its line to
COMMANDS.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from app.errors import StreaklineError

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = {
    # name: (module, what `streakline --help` says about it), in the order of the help
    "demo": ("app.cli.demo", "See all of it at work on this machine, with sample traffic."),
    "kafka": ("app.cli.kafka", "Start, stop or find the local Apache Kafka."),
    "topics": ("app.cli.topics", "Make the topics, or say what is wrong with existing ones."),
    "worker": ("app.cli.worker", "Fold events until stopped."),
    "view": ("app.cli.view", "Serve the dashboard and the HTTP interface."),
    "show": ("app.cli.show", "Show the buddy, achievements, streak and calendar of a scope."),
    "watch": ("app.cli.watch", "Follow unlocks and level-ups as they are published."),
    "import": ("app.cli.importing", "Take the history of a gateway's PostgreSQL over, and follow it."),
    "verify": ("app.cli.verify", "Compare streakline with the SQL rescan that it replaces."),
    "project": ("app.cli.project", "Keep tables in PostgreSQL equal to the changelogs."),
    "dead-letters": ("app.cli.dead_letters", "List what could not be counted, or send it again."),
    "settings": ("app.cli.settings", "Show every setting with its value, secrets hidden."),
}


class Commands(click.Group):
    """The commands by name. Lists them without importing them, and prints errors as one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which they are listed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from COMMANDS alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command and exit with its status; an expected error is one line on stderr."""
        run: Callable[[], Any] = partial(super().main, *args, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        try:
            result: object = run()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "streakline"
            message = error.format_message().rstrip(".")
            _fail(f"{message}: see `{path} --help`", error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except click.Abort:
            _fail("stopped by Ctrl-C", 130)
        except StreaklineError as error:
            _fail("\n".join([str(error), *getattr(error, "__notes__", ())]), error.exit_status)
        sys.exit(result if isinstance(result, int) else 0)


def _fail(message: str, status: int) -> NoReturn:
    click.echo(f"streakline: {message}", err=True)
    sys.exit(status)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streakline", message="streakline %(version)s")
def main() -> None:
    """Streaks, achievements and buddies for an LLM gateway, folded from its Kafka topics.

    \b
    Example:
      streakline demo
      streakline show caller:ada

    Settings are environment variables. Exit status: 0 done, 1 failed or differs, 2 wrong use.
    """
