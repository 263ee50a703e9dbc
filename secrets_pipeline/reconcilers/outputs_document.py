"""The outputs document: what each component hands to its consumers, published in SSM Parameter Store.

`/secrets-pipeline/{stack}/{component}/secret_arns` holds `{"<key>": "<ARN>"}`; further parts follow as
`secret_arns/2` … where one parameter (4 KiB) does not hold them all. ARNs and names only: nothing here is secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.aws import calling, pages
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.reconcilers.states import SecretState

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "outputs"
ROOT = "/secrets-pipeline"
_PARAMETER_LIMIT = 4096
_OURS = re.compile(r"/secret_arns(/[0-9]+)?$")


class OutputsDocumentReconciler:
    """The published outputs of one stack."""

    def __init__(self, context: StackContext) -> None:
        self._context = context

    def plan(self) -> Sequence[Change]:
        """One change a parameter that should exist, then those that are left over."""
        published, wanted = self._published(), self._wanted()
        changes = []
        for name, text in wanted.items():
            action = ChangeClass.CREATE if name not in published else ChangeClass.UPDATE
            if published.get(name) == text:
                action = ChangeClass.NONE
            reason = {ChangeClass.CREATE: "is not published yet", ChangeClass.UPDATE: "ARNs differ"}.get(action)
            changes.append(Change(Resource(KIND, name), action, (reason,) if reason else ()))
        action = ChangeClass.PRUNE if self._context.options.prune else ChangeClass.ORPHAN
        surplus = sorted(name for name in set(published) - set(wanted) if _OURS.search(name))
        changes.extend(Change(Resource(KIND, name), action, ("no component says it any more",)) for name in surplus)
        return changes

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        name, client = change.resource.name, self._context.account.client("ssm")
        self._context.inventory.forget("outputs")
        if change.action is ChangeClass.PRUNE:
            with calling("DeleteParameter", name):
                client.delete_parameter(Name=name)
            return "deleted"
        text = self._wanted().get(name)
        if text is None:
            raise SkippedError("no secret of it exists")
        with calling("PutParameter", name):
            client.put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
        return f"{len(json.loads(text))} ARNs"

    def _handed_out(self, state: SecretState) -> bool:
        return state.deleted_at is None and self._context.owns(state)

    def _published(self) -> Mapping[str, str]:
        path = f"{ROOT}/{self._context.spec.stack}/"

        def read() -> Mapping[str, str]:
            with calling("GetParametersByPath", path):
                found = pages(self._context.account.client("ssm"), "get_parameters_by_path", Path=path, Recursive=True)
                return {parameter["Name"]: parameter["Value"] for parameter in found}

        published: Mapping[str, str] = self._context.inventory.remember("outputs", read=read)
        return published

    def _wanted(self) -> Mapping[str, str]:
        spec, inventory = self._context.spec, self._context.inventory
        wanted: dict[str, str] = {}
        for component, kind in spec.components.items():
            if kind != "secretsmanager":
                continue
            arns = {}
            for secret in spec.secrets:
                state = inventory.secret(secret.name)
                if secret.ref.component == component and state is not None and self._handed_out(state):
                    arns[secret.ref.key] = state.arn
            base = f"{ROOT}/{spec.stack}/{component}/secret_arns"
            for number, part in enumerate(_parts(arns), start=1):
                wanted[base if number == 1 else f"{base}/{number}"] = part
        return wanted


def _parts(arns: Mapping[str, str]) -> list[str]:
    parts: list[dict[str, str]] = []
    for key, arn in sorted(arns.items()):
        if not parts or len(json.dumps({**parts[-1], key: arn})) > _PARAMETER_LIMIT:
            parts.append({})
        parts[-1][key] = arn
    return [json.dumps(part) for part in parts]
