"""Say at which level a declared secret is kept, by where it is declared (Atmos `pkg/secrets/scope.go`)."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.components.sections import At
from secrets_pipeline.stacks.merge import Section

SECRETS: Final = "secrets"
INSTANCE: Final = "instance"
"""One value for each component of each stack: what a component declares."""
STACK: Final = "stack"
"""One value for all components of a stack: what the root of a manifest declares."""
GLOBAL: Final = "global"
"""One value for all stacks, which a declaration has to ask for, wherever it stands."""


def with_scope(section: Section, scope: str, at: At) -> Section:
    """The `secrets` section with the scope in each declaration under `vars`, as Atmos merges and prints it.

    Args:
        section: of one layer, before it is merged.
        scope: what its place implies.
        at: where it stands.

    Raises:
        StackError: if a declaration says another scope than its place does, unless that is `global`.
    """
    declared = section.get("vars")
    if not isinstance(declared, dict):
        return section
    return {**section, "vars": {name: _scoped(name, one, scope, at) for name, one in declared.items()}}


def _scoped(name: str, declaration: Value, scope: str, at: At) -> Value:
    if not isinstance(declaration, dict):
        return declaration
    said = declaration.get("scope")
    if said == GLOBAL:
        return declaration
    if isinstance(said, str) and said not in ("", scope):
        key = at.key(f"secrets.vars.{name}.scope")
        raise StackError(
            f"secret scope conflicts with declaration position: secret {name!r} declares scope {said!r} but its "
            f"position implies {scope!r}",
            where=Where(file=at.file, component=at.component, key=key),
            remedy="Take scope out, write global, or declare it elsewhere.",
        )
    return {**declaration, "scope": scope}
