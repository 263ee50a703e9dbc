"""Publish the outputs document in SSM Parameter Store: what each component hands to its consumers.

`/secrets-pipeline/{stack}/{component}/secret_arns` holds `{"<key>": "<ARN>"}`; further parts follow as
`secret_arns/2` … where one parameter (4 KiB) does not hold them all. ARNs and names only: nothing here is secret.

Where the stack's name has a hyphen the same stands once more where Atmos's `!store` looks by default, which splits it
there: `/secrets-pipeline/{part}/{part}/{component}/secret_arns`. What readers knew before stays where it was, and says
which of these others are the stack's own: two stacks may look into one folder there, which `{part}/stack` tells apart.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.desired.names import store_place
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, NotOurs, Reason
from secrets_pipeline.reconcilers.left import left
from secrets_pipeline.reconcilers.outputs_document.published import parts, publish, published, taken_parameters
from secrets_pipeline.reconcilers.secret.readable import secret_arn

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "outputs"
_RENAME = "rename the stack or the component: Atmos would look there for the outputs of both"
_OURS = re.compile(r"/(secret_arns(/[0-9]+)?|delivered)$")
_DELIVERED = "/delivered"
_REFRESHED = re.compile(r"refreshed(/[0-9]+)?")


_NOTE_LEFT = Because("names the stack that its parameters belong to, which is not declared any more", "goes last")


class OutputsDocumentReconciler:
    """Publishes the outputs of one stack.

    Args:
        stack: the stack.
        soon: names of secrets that do not exist yet, and are made before this is applied; for a plan.
    """

    def __init__(self, stack: Stack, *, soon: Collection[str] = ()) -> None:
        self._stack = stack
        self._soon = soon
        self._planned: Mapping[str, str] | None = None

    def plan(self, *, also: Collection[str] = ()) -> Sequence[Change]:
        """Plan one change a parameter that should exist, then those that are left over.

        Args:
            also: parameters under the same path that others look after.
        """
        if taken := taken_parameters(self._stack):
            return [Change(Resource(KIND, self._stack.observed.parameters.folder), ChangeClass.BLOCKED, (taken,))]
        own, in_store, wanted = published(self._stack), self._stack.observed.parameters.in_store(), self._wanted()
        found = {**in_store, **own}
        self._planned = wanted
        changes = []
        folder = self._stack.observed.parameters.folder
        for name, text in wanted.items():
            action = ChangeClass.CREATE if name not in found else ChangeClass.UPDATE
            if found.get(name) == text:
                action = ChangeClass.NONE
            reason: Reason | None = None
            if action is not ChangeClass.NONE:
                state = "is not published yet" if action is ChangeClass.CREATE else "ARNs differ"
                reason = Because(state if name.startswith(f"{folder}/") else f"{state}: a copy for Atmos's !store")
            if other := self._holder(name, found):
                action, reason = ChangeClass.BLOCKED, NotOurs(f"stack {other} publishes there", _RENAME)
            book = name in (self._stack.observed.parameters.note, self._stack.observed.parameters.store_note)
            reasons = (reason,) if reason else ()
            changes.append(Change(Resource(KIND, name), action, reasons, note=book, ancillary=not book))
        unwanted = [name for name in set(own) - {*wanted, *also} if self._is_ours(name) and not self._holder(name, own)]
        copies = {copy for name in unwanted if (copy := self._in_store(name))} & in_store.keys() - wanted.keys()
        surplus = tuple(sorted({*unwanted, *(copy for copy in copies if not self._holder(copy, found))}))
        changes.extend(Change(Resource(KIND, name), *left(self._stack, _why_left(name)), act=True) for name in surplus)
        if self._stack.spec.retired:
            notes = self._notes(found)
            found_left = left(self._stack, _NOTE_LEFT)
            changes.extend(Change(Resource(KIND, note), *found_left, depends_on=surplus, act=True) for note in notes)
        return changes

    def _notes(self, found: Mapping[str, str]) -> list[str]:
        """The notes of the stack that say whose its parameters are; that of the repository comes last."""
        parameters = self._stack.observed.parameters
        place = str(parameters.store_note)
        here = [place] if found.get(place) == self._stack.spec.stack else []
        return [one for one in (*here, parameters.note) if one in found]

    def _in_store(self, name: str) -> str | None:
        """Where Atmos looks for what is published under a name; None where nobody does, or it is the same place."""
        component, _, key = name.removeprefix(f"{self._stack.observed.parameters.folder}/").partition("/secret_arns")
        place = store_place(self._stack.spec.stack, component, f"secret_arns{key}")
        return None if self._stack.observed.parameters.store_note is None else place

    def _holder(self, name: str, found: Mapping[str, str]) -> str:
        """The other stack whose note says that what lies there is its own, put there for Atmos; empty for none."""
        parameters = self._stack.observed.parameters
        base = (
            parameters.folder
            if name.startswith(f"{parameters.folder}/")
            else str(parameters.store_note)[: -len("/stack")]
        )
        steps = name.removeprefix(base).split("/")[:-1]
        folders = itertools.accumulate(steps, lambda above, step: f"{above}/{step}")
        notes = (found.get(f"{base}{folder}/stack", "") for folder in folders)
        return next((note for note in notes if note not in ("", self._stack.spec.stack)), "")

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
        parameters = self._stack.observed.parameters
        notes = {parameters.note: "names the repository", parameters.store_note: "names the stack"}
        if name in notes:
            return notes[name]
        count = len(json.loads(text))
        return f"{count} ARN{'' if count == 1 else 's'}"

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

    def _arn(self, secret: SecretSpec) -> str:
        """The ARN that is handed out; of a secret that is about to be made a text as long as it; empty for none."""
        state, soon = self._stack.observed.secrets.get(secret.name), secret.name in self._soon
        if state is not None and (soon or (state.deleted_at is None and self._stack.ownership.owns(state))):
            return state.arn
        return secret_arn(self._stack, secret) if soon else ""

    def _wanted(self) -> Mapping[str, str]:
        spec = self._stack.spec
        wanted: dict[str, str] = {}
        for component, kind in spec.components.items():
            if kind != "secretsmanager":
                continue
            own = (secret for secret in spec.secrets if secret.ref.component == component)
            arns = {secret.ref.key: arn for secret in own if (arn := self._arn(secret))}
            base = f"{self._stack.observed.parameters.folder}/{component}/secret_arns"
            for number, part in enumerate(parts(arns), start=1):
                name = base if number == 1 else f"{base}/{number}"
                wanted[name] = part
                if component not in spec.contested_outputs and (copy := self._in_store(name)):
                    wanted[copy] = part
        note = self._stack.observed.parameters.store_note
        if note and any(name.startswith(note.removesuffix("stack")) for name in wanted):
            wanted[note] = spec.stack
        if wanted and self._stack.ownership.repository.id:
            wanted[self._stack.observed.parameters.note] = self._stack.ownership.repository.id
        return wanted


def _why_left(name: str) -> Because:
    said = "no component says it any more"
    if not name.endswith(_DELIVERED):
        return Because(said)
    return Because(f"{said}; what was delivered to functions, services and stages stays in them, as they are others'")
