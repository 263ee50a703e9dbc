"""The outputs document: what each component hands to its consumers, published in SSM Parameter Store.

`/secrets-pipeline/{stack}/{component}/secret_arns` holds `{"<key>": "<ARN>"}`; further parts follow as
`secret_arns/2` … where one parameter (4 KiB) does not hold them all. ARNs and names only: nothing here is secret.
`/secrets-pipeline/{stack}/repository` says whose all of it is: two repositories may have a stack of one name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, NotOurs
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.marks.not_ours import way_out
from secrets_pipeline.reconcilers.marks.secret_mark import Owner
from secrets_pipeline.reconcilers.observed.secret_state import SecretState

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "outputs"
ROOT = "/secrets-pipeline"
_PARAMETER_LIMIT = 4096
_HOLDER = "holder of the parameters"
_OURS = re.compile(r"/(secret_arns(/[0-9]+)?|delivered)$")


class OutputsDocumentReconciler:
    """The published outputs of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._planned: Mapping[str, str] | None = None

    def plan(self, *, also: Collection[str] = ()) -> Sequence[Change]:
        """One change a parameter that should exist, then those that are left over.

        Args:
            also: parameters under the same path that others look after.
        """
        if taken := taken_parameters(self._stack):
            return [Change(Resource(KIND, _folder(self._stack)), ChangeClass.BLOCKED, (taken,))]
        found, wanted = published(self._stack), self._wanted()
        self._planned = wanted
        changes = []
        for name, text in wanted.items():
            action = ChangeClass.CREATE if name not in found else ChangeClass.UPDATE
            if found.get(name) == text:
                action = ChangeClass.NONE
            reason = {ChangeClass.CREATE: "is not published yet", ChangeClass.UPDATE: "ARNs differ"}.get(action)
            changes.append(Change(Resource(KIND, name), action, (Because(reason),) if reason else ()))
        action = ChangeClass.PRUNE if self._stack.run.options.prune else ChangeClass.ORPHAN
        surplus = sorted(name for name in set(found) - {*wanted, *also} if _OURS.search(name))
        changes.extend(
            Change(Resource(KIND, name), action, (Because("no component says it any more"),)) for name in surplus
        )
        return changes

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        name = change.resource.name
        if change.action is ChangeClass.PRUNE:
            self._stack.observed.forget("outputs")
            with calling("DeleteParameter", name):
                self._stack.account.client("ssm").delete_parameter(Name=name)
            return "deleted"
        # Each part would go through all secrets again.
        text = (self._wanted() if self._planned is None else self._planned).get(name)
        if text is None:
            raise SkippedError("no secret of it exists")
        publish(self._stack, name, text)
        return f"{len(json.loads(text))} ARNs" if name != _note(self._stack) else "names the repository"

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
            base = f"{ROOT}/{spec.stack}/{component}/secret_arns"
            for number, part in enumerate(parts(arns), start=1):
                wanted[base if number == 1 else f"{base}/{number}"] = part
        if wanted and self._stack.ownership.repository.id:
            wanted[_note(self._stack)] = self._stack.ownership.repository.id
        return wanted


def published(stack: Stack) -> Mapping[str, str]:
    """Every parameter under the stack's path, by name; none where they are those of another repository."""
    return {} if taken_parameters(stack) else _parameters(stack)


def taken_parameters(stack: Stack) -> NotOurs | None:
    """Say whose the parameters under the stack's path are; None where they are ours, or nobody's.

    The stack's inline policies bear its name alone, so they are whose the parameters are.
    """
    holder, ours = _holder(stack), stack.ownership.repository.id
    if holder in ("", ours):
        return None
    owner, folder = Owner(stack.spec.stack, repository=holder), _folder(stack)
    if not stack.ownership.repository.may_take(owner, lambda _spec: True):
        return NotOurs(f"belongs to {owner.home}", way_out(owner, Owner(owner.stack)))
    if stack.run.options.adopts(folder):
        return None
    way = f"rename the stack, or take it over: {adoption(stack.spec.stack, folder)}"
    return NotOurs(f"belongs to {owner.home}", way)


def _folder(stack: Stack) -> str:
    return f"{ROOT}/{stack.spec.stack}"


def _note(stack: Stack) -> str:
    return f"{_folder(stack)}/repository"


def _holder(stack: Stack) -> str:
    """Id of the repository that the note names; empty where there is none."""
    holder: str = stack.observed.remember(_HOLDER, read=lambda: _parameters(stack).get(_note(stack), ""))
    return holder


def _parameters(stack: Stack) -> Mapping[str, str]:
    """As they are, whoever wrote them; read once a run, and again after a write."""
    path = f"{_folder(stack)}/"

    def read() -> Mapping[str, str]:
        with calling("GetParametersByPath", path):
            found = pages(stack.account.client("ssm"), "get_parameters_by_path", Path=path, Recursive=True)
            return {parameter["Name"]: parameter["Value"] for parameter in found}

    parameters: Mapping[str, str] = stack.observed.remember("outputs", read=read)
    return parameters


def publish(stack: Stack, name: str, text: str) -> None:
    """Write one parameter, and before the first one whose all are; nothing in it is secret.

    Raises:
        SkippedError: if they are those of another repository.
        AwsError: if Parameter Store refuses.
    """
    if taken := taken_parameters(stack):
        raise SkippedError(f"{_folder(stack)} {taken}")
    note, repository = _note(stack), stack.ownership.repository.id
    if repository and _holder(stack) != repository:
        _put(stack, note, repository)
        # Not read again: other threads are writing under this path.
        stack.observed.learn(_HOLDER, known=repository)
    if name != note:
        _put(stack, name, text)


def _put(stack: Stack, name: str, text: str) -> None:
    stack.observed.forget("outputs")
    with calling("PutParameter", name):
        stack.account.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)


def parts(entries: Mapping[str, str]) -> list[str]:
    """Some entries as one JSON document, or as several where one parameter does not hold them."""
    parts: list[dict[str, str]] = []
    size = _PARAMETER_LIMIT
    for key, text in sorted(entries.items()):
        # `, ` stands where the braces of an entry of its own would: an entry adds what it takes alone.
        more = len(json.dumps({key: text}))
        if size + more > _PARAMETER_LIMIT:
            parts.append({})
            size = 0
        parts[-1][key] = text
        size += more
    return [json.dumps(part) for part in parts]
