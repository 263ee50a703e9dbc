"""Judge unsettled components: an error if one is ours, otherwise a notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from secrets_pipeline.desired.kinds import COMPONENTS, SECRETS, TERRAFORM, own_settings, recognised
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks import Component, Unsettled, UnsettledBy

_BLOCKS = "A secret that refers to {} is blocked; nothing else is."
_READING_ALONE = frozenset({COMPONENTS, "dialect"})
"""Settings that say how components are read, and ask for nothing."""


@dataclass(frozen=True, slots=True)
class UnsettledStack:
    """The unsettled components of a stack.

    Attributes:
        errors: of components of ours, or that one of ours inherits from: nothing of the stack is read.
        incomplete: of imports that are not read, in a stack with components of ours: what is known of it is shown.
        unneeded: of components that no secret needs, each with the component's name.
    """

    errors: tuple[StackError, ...]
    incomplete: tuple[StackError, ...]
    unneeded: tuple[tuple[str, Unsettled], ...]

    @property
    def may_hide_secrets(self) -> bool:
        """Whether the stack may declare more than is known of it."""
        return any(one.by is not UnsettledBy.DUPLICATE for _, one in self.unneeded)

    def notices(self, stack: str) -> Iterator[tuple[UnsettledBy, str]]:
        """Say what is no error of the stack, by why it is unsettled, all duplicates together."""
        duplicates = [(name, one) for name, one in self.unneeded if one.by is UnsettledBy.DUPLICATE]
        if duplicates:
            (first, one), *others = duplicates
            blocked = _BLOCKS.format(first if not others else "one of them")
            yield UnsettledBy.DUPLICATE, f"{one.error.message}.{_also([name for name, _ in others])} {blocked}"
        found = {one.error.diagnostics(): (name, one) for name, one in self.unneeded}
        for name, one in found.values():
            if one.by is UnsettledBy.UNMADE:
                place = f"{one.error.where}: " if one.error.where else ""
                yield one.by, f"{place}{one.error.message}. {_BLOCKS.format(name)}"
            elif one.by is UnsettledBy.REMOTE_IMPORT:
                place = f"{one.error.where}: " if one.error.where else ""
                said = f"Stack {stack} declares no secret without it. {one.error.remedy}"
                yield one.by, f"{place}{one.error.message}. {said}"


def unsettled(scope: StackScope) -> UnsettledStack:
    """Find what is unsettled about a stack."""
    errors: dict[str, StackError] = {}
    duplicates: dict[str, list[tuple[str, StackError]]] = {}
    incomplete: dict[str, StackError] = {}
    unneeded: list[tuple[str, Unsettled]] = []
    bases = {
        str(base) for name in scope.kinds for base in scope.components[name].component.resolved.get("inheritance", ())
    }
    for of_kind in scope.stack.components.values():
        for component in (one for one in of_kind.values() if one.unsettled):
            needed = _is_ours(scope, component) or (component.kind == TERRAFORM and component.name in bases)
            for one in component.unsettled:
                if one.by is UnsettledBy.REMOTE_IMPORT and scope.kinds:
                    incomplete[one.error.diagnostics()] = one.error
                elif needed and one.by is UnsettledBy.DUPLICATE:
                    duplicates.setdefault(one.error.sentence, []).append((component.name, one.error))
                elif needed and one.by is not UnsettledBy.REMOTE_IMPORT:
                    errors[one.error.diagnostics()] = one.error
                else:
                    unneeded.append((component.name, one))
    of_one_cause = (_together(found) for found in duplicates.values())
    return UnsettledStack((*of_one_cause, *errors.values()), tuple(incomplete.values()), tuple(unneeded))


def _together(duplicates: list[tuple[str, StackError]]) -> StackError:
    """Make one error of duplicates that have one cause."""
    (_, first), *others = duplicates
    if not others:
        return first
    message = f"{first.message}.{_also([name for name, _ in others])}".rstrip(".")
    return StackError(message, remedy=first.remedy, where=first.where, sentence=first.sentence)


def _also(names: list[str]) -> str:
    return f" Duplicate too: {_listed(names)}." if names else ""


def _is_ours(scope: StackScope, component: Component) -> bool:
    """Whether a component is this project's affair in any of its versions, or may be."""
    if component.kind == TERRAFORM and component.name in scope.kinds:
        return True
    return any(_may_be_ours(scope, one) for one in (component, *component.others))


def _may_be_ours(scope: StackScope, component: Component) -> bool:
    declares = component.resolved.get("secrets")
    if isinstance(declares, dict) and declares.get("vars"):
        return True
    if component.kind != TERRAFORM:
        return False
    kind, named = recognised(component, scope.settings.components)
    if kind is None:
        return False
    asks = any(value for key, value in own_settings(component).items() if key not in _READING_ALONE)
    unmade = any(one.by is UnsettledBy.UNMADE for one in component.unsettled)
    return kind == SECRETS or named or asks or unmade


def _listed(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
