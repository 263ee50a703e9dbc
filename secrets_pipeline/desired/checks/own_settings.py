"""Check keys under `settings.secrets_pipeline`, as a misspelt `protected` protects nobody, and the kinds it names."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.desired.kinds import COMPONENTS, IGNORE, own_settings
from secrets_pipeline.desired.manifests.stack_settings import KNOWN
from secrets_pipeline.desired.outputs import KINDS
from secrets_pipeline.desired.reading.inputs import found_kind
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope, listed, near_miss


def tell_unknown_settings(stack: StackScope) -> None:
    """Collect a notice for each key that means nothing in a component of ours, once a stack: many share settings."""
    first: dict[str, str] = {}
    for name in stack.kinds:
        for key in own_settings(stack.components[name].component):
            first.setdefault(key, name)
    for key in first.keys() - KNOWN:
        place = stack.components[first[key]].where(("settings", "secrets_pipeline", key))
        meant = near_miss(key, KNOWN) or f" Known are {listed(KNOWN)}."
        stack.notices.append(f"{place}: {key} means nothing here.{meant}")


_PATH = ("settings", "secrets_pipeline", COMPONENTS)
_KNOWN = (*KINDS, IGNORE)


def check_component_kinds(stack: StackScope) -> None:
    """Collect an error for each kind that there is not, once a stack: the setting is often that of a whole stack."""
    said: set[str] = set()
    for component in stack.components.values():
        for name, kind in _given(component, said).items():
            if kind not in _KNOWN and name not in said:
                said.add(name)
                shown = repr(kind) if isinstance(kind, str) else found_kind(kind)
                near = near_miss(str(kind), _KNOWN)
                component.error((*_PATH, name), f"{name} is {shown}", f"Write one of {', '.join(_KNOWN)}.{near}")


def _given(component: ComponentScope, said: set[str]) -> Mapping[str, object]:
    given = component.setting(COMPONENTS)
    if isinstance(given, Mapping):
        return given
    if given is not None and "" not in said:
        said.add("")
        component.error(_PATH, f"{COMPONENTS} is {found_kind(given)}, not a map", "Write {my-secrets: secretsmanager}.")
    return {}
