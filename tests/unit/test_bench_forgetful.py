"""The worker of the bench that remembers no identities has a part exchanged: the part must fit."""

import ast
from pathlib import Path

from tests.bench.forgetful import INSTEAD
from tests.bench.subjects.python_programs import ROOT


def methods(path: Path) -> dict[str, str]:
    """Return the parameters and the result of each public method of ``Seen``, as they are written there."""
    module = ast.parse(path.read_text())
    seen = next(each for each in module.body if isinstance(each, ast.ClassDef) and each.name == "Seen")
    return {
        each.name: f"{ast.unparse(each.args)} -> {each.returns and ast.unparse(each.returns)}"
        for each in seen.body
        if isinstance(each, ast.FunctionDef) and (each.name == "__init__" or not each.name.startswith("_"))
    }


def test_what_remembers_nothing_is_called_as_what_remembers() -> None:
    """Or it would be found out when a bench of an hour comes to compile it."""
    assert methods(INSTEAD) == methods(ROOT / "tables" / "seen.py")
