"""Say which keys under `settings.secrets_pipeline` mean nothing: a misspelt `protected` protects nobody."""

from __future__ import annotations

from secrets_pipeline.desired.kinds import own_settings
from secrets_pipeline.desired.manifests.stack_settings import KNOWN
from secrets_pipeline.desired.reading.scope import StackScope, listed, near_miss


def tell_unknown_settings(stack: StackScope) -> None:
    """Collect a notice for each such key of a component of ours, once a stack: settings are often those of all."""
    first: dict[str, str] = {}
    for name in stack.kinds:
        for key in own_settings(stack.components[name].component):
            first.setdefault(key, name)
    for key in first.keys() - KNOWN:
        place = stack.components[first[key]].where(("settings", "secrets_pipeline", key))
        meant = near_miss(key, KNOWN) or f" Known are {listed(KNOWN)}."
        stack.notices.append(f"{place}: {key} means nothing here.{meant}")
