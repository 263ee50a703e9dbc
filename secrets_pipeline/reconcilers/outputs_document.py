"""The outputs document: what each component hands to its consumers, published in SSM Parameter Store.

`/secrets-pipeline/{stack}/{component}/secret_arns` holds `{"<key>": "<ARN>"}`; further parts follow as
`secret_arns/2` … where one parameter (4 KiB) does not hold them all. ARNs and names only: nothing here is secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.aws import calling, pages
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.reconcilers.states import SecretState

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "outputs"
ROOT = "/secrets-pipeline"
_PARAMETER_LIMIT = 4096
_OURS = re.compile(r"/(secret_arns(/[0-9]+)?|delivered)$")


class OutputsDocumentReconciler:
    """The published outputs of one stack."""

    def __init__(self, context: StackContext) -> None:
        self._context = context
        self._planned: Mapping[str, str] | None = None

    def plan(self, *, also: Collection[str] = ()) -> Sequence[Change]:
        """One change a parameter that should exist, then those that are left over.

        Args:
            also: parameters under the same path that others look after.
        """
        found, wanted = published(self._context), self._wanted()
        self._planned = wanted
        changes = []
        for name, text in wanted.items():
            action = ChangeClass.CREATE if name not in found else ChangeClass.UPDATE
            if found.get(name) == text:
                action = ChangeClass.NONE
            reason = {ChangeClass.CREATE: "is not published yet", ChangeClass.UPDATE: "ARNs differ"}.get(action)
            changes.append(Change(Resource(KIND, name), action, (reason,) if reason else ()))
        action = ChangeClass.PRUNE if self._context.options.prune else ChangeClass.ORPHAN
        surplus = sorted(name for name in set(found) - {*wanted, *also} if _OURS.search(name))
        changes.extend(Change(Resource(KIND, name), action, ("no component says it any more",)) for name in surplus)
        return changes

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        name = change.resource.name
        if change.action is ChangeClass.PRUNE:
            self._context.inventory.forget("outputs")
            with calling("DeleteParameter", name):
                self._context.account.client("ssm").delete_parameter(Name=name)
            return "deleted"
        # Each part would go through all secrets again.
        text = (self._wanted() if self._planned is None else self._planned).get(name)
        if text is None:
            raise SkippedError("no secret of it exists")
        publish(self._context, name, text)
        return f"{len(json.loads(text))} ARNs"

    def _handed_out(self, state: SecretState) -> bool:
        return state.deleted_at is None and self._context.owns(state)

    def _wanted(self) -> Mapping[str, str]:
        spec, inventory = self._context.spec, self._context.inventory
        wanted: dict[str, str] = {}
        for component, kind in spec.components.items():
            if kind != "secretsmanager":
                continue
            arns = {}
            for secret in spec.secrets:
                if secret.ref.component != component:
                    continue
                state = inventory.secret(secret.name)
                if state is not None and self._handed_out(state):
                    arns[secret.ref.key] = state.arn
            base = f"{ROOT}/{spec.stack}/{component}/secret_arns"
            for number, part in enumerate(parts(arns), start=1):
                wanted[base if number == 1 else f"{base}/{number}"] = part
        return wanted


def published(context: StackContext) -> Mapping[str, str]:
    """Every parameter under the stack's path, by name; read once a run, and again after a write."""
    path = f"{ROOT}/{context.spec.stack}/"

    def read() -> Mapping[str, str]:
        with calling("GetParametersByPath", path):
            found = pages(context.account.client("ssm"), "get_parameters_by_path", Path=path, Recursive=True)
            return {parameter["Name"]: parameter["Value"] for parameter in found}

    parameters: Mapping[str, str] = context.inventory.remember("outputs", read=read)
    return parameters


def publish(context: StackContext, name: str, text: str) -> None:
    """Write one parameter; nothing in it is secret."""
    context.inventory.forget("outputs")
    with calling("PutParameter", name):
        context.account.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)


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
