"""Publish the outputs document in SSM Parameter Store: what each component hands to its consumers.

`/secrets-pipeline/{stack}/{component}/secret_arns` holds `{"<key>": "<ARN>"}`; further parts follow as
`secret_arns/2` … where one parameter (4 KiB) does not hold them all. ARNs and names only: nothing here is secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.outputs_document.published import parts, publish, published, taken_parameters

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "outputs"
_OURS = re.compile(r"/(secret_arns(/[0-9]+)?|delivered)$")
_DELIVERED = "/delivered"
_REFRESHED = re.compile(r"refreshed(/[0-9]+)?")


class OutputsDocumentReconciler:
    """Publishes the outputs of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._planned: Mapping[str, str] | None = None

    def plan(self, *, also: Collection[str] = ()) -> Sequence[Change]:
        """Plan one change a parameter that should exist, then those that are left over.

        Args:
            also: parameters under the same path that others look after.
        """
        if taken := taken_parameters(self._stack):
            return [Change(Resource(KIND, self._stack.observed.parameters.folder), ChangeClass.BLOCKED, (taken,))]
        found, wanted = published(self._stack), self._wanted()
        self._planned = wanted
        changes = []
        for name, text in wanted.items():
            action = ChangeClass.CREATE if name not in found else ChangeClass.UPDATE
            if found.get(name) == text:
                action = ChangeClass.NONE
            why = {ChangeClass.CREATE: "is not published yet", ChangeClass.UPDATE: "ARNs differ"}.get(action)
            changes.append(Change(Resource(KIND, name), action, (Because(why),) if why else (), note=True))
        action = ChangeClass.PRUNE if self._stack.run.options.prune else ChangeClass.ORPHAN
        surplus = sorted(name for name in set(found) - {*wanted, *also} if self._is_ours(name))
        changes.extend(Change(Resource(KIND, name), action, (_left(name),)) for name in surplus)
        note = self._stack.observed.parameters.note
        if self._stack.spec.retired and note in found:
            reason = Because("names the repository of a stack that is not declared any more", "goes last")
            changes.append(Change(Resource(KIND, note), action, (reason,), depends_on=tuple(surplus)))
        return changes

    def apply(self, change: Change) -> str:
        """Call PutParameter or DeleteParameter for one parameter; see `engine.Reconciler`."""
        name = change.resource.name
        if change.action is ChangeClass.PRUNE:
            return self._prune(name)
        # Each part would go through all secrets again.
        text = (self._wanted() if self._planned is None else self._planned).get(name)
        if text is None:
            raise SkippedError("no secret of it exists")
        publish(self._stack, name, text)
        is_note = name == self._stack.observed.parameters.note
        return "names the repository" if is_note else f"{len(json.loads(text))} ARNs"

    def _is_ours(self, name: str) -> bool:
        inside = name.removeprefix(f"{self._stack.observed.parameters.folder}/")
        return bool(_OURS.search(name)) or (self._stack.spec.retired and _REFRESHED.fullmatch(inside) is not None)

    def _prune(self, name: str) -> str:
        parameters = self._stack.observed.parameters
        if name == parameters.note and (others := sorted(set(parameters.published()) - {name})):
            # It says whose they are: without it nobody could prove that they may go.
            raise SkippedError(f"still says whose {others[0]} is", remedy="What is there has to go first; then again.")
        parameters.delete(name)
        return "deleted"

    def _handed_out(self, state: SecretState) -> bool:
        return state.deleted_at is None and self._stack.ownership.owns(state)

    def _wanted(self) -> Mapping[str, str]:
        spec, inventory = self._stack.spec, self._stack.observed.secrets
        wanted: dict[str, str] = {}
        for component, kind in spec.components.items():
            if kind != "secretsmanager":
                continue
            arns = {}
            for secret in spec.secrets:
                if secret.ref.component != component:
                    continue
                state = inventory.get(secret.name)
                if state is not None and self._handed_out(state):
                    arns[secret.ref.key] = state.arn
            base = f"{self._stack.observed.parameters.folder}/{component}/secret_arns"
            for number, part in enumerate(parts(arns), start=1):
                wanted[base if number == 1 else f"{base}/{number}"] = part
        if wanted and self._stack.ownership.repository.id:
            wanted[self._stack.observed.parameters.note] = self._stack.ownership.repository.id
        return wanted


def _left(name: str) -> Because:
    said = "no component says it any more"
    if not name.endswith(_DELIVERED):
        return Because(said)
    return Because(f"{said}; what was delivered to functions, services and stages stays in them, as they are others'")
