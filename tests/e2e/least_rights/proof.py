"""Which parts of a policy were needed: each request is judged again without each action, and without each resource."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Layer,
    Policy,
    PrincipalKind,
    Request,
    TargetResource,
    authorize,
)
from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator import AskedRight

Document = Mapping[str, Any]
Part = tuple[str, str]
"""The Sid of a statement, and one of its actions, or of its resources."""


def spare_actions(documents: Iterable[Document], asked: Iterable[AskedRight]) -> set[Part]:
    """Actions without which every request would have been allowed as well."""
    return _spare(list(documents), list(asked), "Action")


def needed_kinds(documents: Iterable[Document], asked: Iterable[AskedRight]) -> tuple[set[Part], set[Part]]:
    """The kinds of resources that statements name, and those of which one at least was needed."""
    given, requests = list(documents), list(asked)
    every = {(one["Sid"], part) for document in given for one in document["Statement"] for part in one["Resource"]}
    needed = every - _spare(given, requests, "Resource")
    return {_kind(one) for one in every}, {_kind(one) for one in needed}


def _kind(part: Part) -> Part:
    sid, resource = part
    arn = Arn.match(resource)
    return sid, f"{arn.service}:{arn.kind}" if arn else resource


def _spare(documents: list[Document], asked: list[AskedRight], element: str) -> set[Part]:
    statements = [one for document in documents for one in document["Statement"]]
    parts = {(one["Sid"], part) for one in statements for part in one[element]}
    by_action: dict[str, list[AskedRight]] = defaultdict(list)
    for one in asked:
        by_action[one.action].append(one)
    return {part for part in parts if not _needed(statements, part, element, by_action)}


def _needed(statements: list[Document], part: Part, element: str, asked: Mapping[str, list[AskedRight]]) -> bool:
    sid, left_out = part
    [whole] = [one for one in statements if one["Sid"] == sid]
    actions = [left_out] if element == "Action" else whole["Action"]
    rest = [one for one in statements if set(one["Action"]) & set(actions)]
    policy, without = _policy(rest), _policy(_without(rest, sid, element, left_out))
    return any(_allowed(policy, one) and not _allowed(without, one) for one in _of(asked, actions))


def _of(asked: Mapping[str, list[AskedRight]], actions: Iterable[str]) -> Iterator[AskedRight]:
    return itertools.chain.from_iterable(asked.get(action, ()) for action in actions)


def _without(statements: list[Document], sid: str, element: str, left_out: str) -> Iterator[Document]:
    for one in statements:
        kept = [part for part in one[element] if part != left_out] if one["Sid"] == sid else one[element]
        if kept:
            yield {**one, element: kept}


def _policy(statements: Iterable[Document]) -> Policy:
    return Policy("policy", {"Version": "2012-10-17", "Statement": list(statements)})


def _allowed(policy: Policy, asked: AskedRight) -> bool:
    account_id = asked.role.split(":")[4]
    caller = Caller(asked.role, account_id, PrincipalKind.ROLE, session="pipeline", identity=(policy,))
    target = TargetResource(asked.resource, account_id, Layer.SECRET_POLICY)
    return bool(authorize(Request(asked.action, Context(dict(asked.context))), caller, target).allowed)
