"""Write the table of permissions as policy documents, each as long as IAM takes one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.rights.model import Right, Touched
from secrets_pipeline.operations.rights.table import RIGHTS

LONGEST = 6_144
"""Characters of a managed policy, white space not counted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""
MOST = 10
"""Managed policies of a role, unless AWS raises that quota."""
_NUMBER = 4
"""Digits that the name of a part may have."""
_VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True)
class RolePolicies:
    """The policies of one role.

    Attributes:
        touched: the role, and what it touches.
        documents: to be attached to it, all of them.
        writes: whether it does more than plan.
    """

    touched: Touched
    documents: tuple[dict[str, Any], ...]
    writes: bool

    @property
    def named(self) -> dict[str, dict[str, Any]]:
        """The documents by the names of their policies: `secrets-pipeline-1`, or with the name of the assumed role."""
        role = self.touched.role_arn
        name = "secrets-pipeline" if role is None else f"secrets-pipeline-{role.rpartition('/')[2]}"
        return {f"{name}-{number}": one for number, one in enumerate(self.documents, start=1)}


def role_policies(touched: Touched, *, plan_only: bool = False) -> RolePolicies:
    """Write what a role needs.

    Args:
        touched: what it touches.
        plan_only: whether it only plans and checks.

    Raises:
        SpecError: if a statement on a single thing is too long for a policy.
    """
    statements = [
        part for right in RIGHTS for one in statement(right, touched, plan_only=plan_only) for part in _parts(one)
    ]
    return RolePolicies(touched, tuple(_documents(statements)), writes=not plan_only)


def statement(right: Right, touched: Touched, *, plan_only: bool = False) -> Iterator[dict[str, Any]]:
    """Write a row of the table; none where nothing of its kinds is touched, or it has no action that only reads."""
    resources = list(dict.fromkeys(arn for kind in right.on for arn in touched.arns.get(kind, ())))
    actions = right.actions(plan_only=plan_only)
    if not resources or not actions:
        return
    condition = right.condition(touched) if right.condition else {}
    yield {
        "Sid": right.sid,
        "Effect": "Allow",
        "Action": actions,
        "Resource": resources,
        **({"Condition": condition} if condition else {}),
    }


def _parts(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """A statement, or several that say the same of some of its resources each: the second is called `…2`."""
    groups: list[list[str]] = [whole["Resource"]]
    while any(len(one) > 1 and _length([{**whole, "Resource": one}]) > LONGEST - _NUMBER for one in groups):
        groups = [half for one in groups for half in (one[: len(one) // 2], one[len(one) // 2 :]) if half]
    sids = [whole["Sid"], *(f"{whole['Sid']}{number}" for number in range(2, len(groups) + 1))]
    return [{**whole, "Sid": sid, "Resource": group} for sid, group in zip(sids, groups, strict=True)]


def _documents(statements: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Fill one document after the other, in the table's order."""
    filled: list[dict[str, Any]] = []
    for one in statements:
        if filled and _length([*filled, one]) > LONGEST:
            yield _document(filled)
            filled = []
        if _length([one]) > LONGEST:
            raise SpecError(
                f"statement {one['Sid']} is longer than the {LONGEST:,} characters that IAM takes of a policy",
                remedy="Its condition lists too much: ask for fewer stacks at once with --stack, each with a role.",
            )
        filled.append(one)
    if filled:
        yield _document(filled)


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": _VERSION, "Statement": statements}


def _length(statements: list[dict[str, Any]]) -> int:
    return len(json.dumps(_document(statements), separators=(",", ":")))
