"""Show the two KMS keys of the pipeline itself in the plan of the first stack of an account and region.

A run that applies makes them before its first stage, as every mark needs them (`aws/service_keys.py`): the
stage kms_keys reports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from secrets_pipeline.engine.apply import Reconciler
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.kms_key.reconciler import KIND

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def is_service_key(change: Change) -> bool:
    """Tell whether a change makes a key of the pipeline itself."""
    return change.ancillary and change.resource.kind == KIND


class WithServiceKeys:
    """Plans the service keys that do not exist yet, then what a reconciler of keys plans.

    Args:
        stack: the stack.
        reconciler: of the keys that the stack declares.
    """

    def __init__(self, stack: Stack, reconciler: Reconciler) -> None:
        self._stack = stack
        self._reconciler = reconciler

    def plan(self) -> Sequence[Change]:
        """Plan one change a service key that this run makes, or has made; see `engine.Reconciler`."""
        settings = self._stack.run.settings
        purposes = {
            settings.fingerprint_key: "the pipeline's own: it proves the marks of this account and region",
            settings.seal_key: "the pipeline's own: it encrypts new passwords on their way to Secrets Manager",
        }
        own = [
            Change(Resource(KIND, alias), ChangeClass.CREATE, (Because(purposes[alias]),), ancillary=True)
            for alias in self._made()
        ]
        return [*own, *self._reconciler.plan()]

    def apply(self, change: Change) -> str:
        """Tell that a service key was made, or give the change to the reconciler; see `engine.Reconciler`."""
        if is_service_key(change):
            self._stack.observed.made_service_keys.discard(change.resource.name)
            return "made, before anything was marked with it"
        return self._reconciler.apply(change)

    def _made(self) -> list[str]:
        stack, settings = self._stack, self._stack.run.settings
        if stack.spec.retired:
            return []
        if stack.run.writes:
            # Marks need them: they are made here at the latest.
            _ = stack.ownership.fingerprinter
            return sorted(stack.observed.made_service_keys)
        named = (settings.fingerprint_key, settings.seal_key)
        return [alias for alias in named if alias.startswith("alias/") and not self._exists(alias)]

    def _exists(self, alias: str) -> bool:
        keys = self._stack.observed.keys
        with suppress(AwsError):
            return alias in keys.aliases() or keys.about(alias) is not None
        # Without the right to look, the plan leaves the key out; an apply reports AWS's answer.
        return True
