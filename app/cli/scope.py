"""A scope as a parameter of commands."""

from __future__ import annotations

import click


class ScopeType(click.ParamType):
    """`gateway` or `caller:<id>`."""

    name = "scope"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the scope; say what was probably meant where it is none."""
        if value == "gateway" or (value.startswith("caller:") and value != "caller:"):
            return value
        meant = f"caller:{value.removeprefix('caller:') or 'ada'}"
        raise click.BadParameter(f"{value} is no scope, did you mean {meant}", ctx, param)
