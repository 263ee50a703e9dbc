"""Find what a table means by `file::name`: a function, class or constant at the top level of a module."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]


def definition(place: str) -> ast.stmt:
    """The statement that defines what `file::name` names; the file is relative to the repository.

    Raises:
        LookupError: if the place has no name, or the file does not define it.
    """
    file, _, name = place.partition("::")
    if name not in (found := _definitions(file)):
        raise LookupError(f"{place} names nothing that {file} defines")
    return found[name]


@cache
def _definitions(file: str) -> dict[str, ast.stmt]:
    path = ROOT / file
    if path.suffix != ".py" or not path.is_file():
        return {}
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node
            case ast.Assign(targets=[ast.Name(id=name)]):
                found[name] = node
    return found
