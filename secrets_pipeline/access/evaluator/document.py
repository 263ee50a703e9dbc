"""Compile a policy document into statements that tell which action, caller, resource and conditions they are about.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from secrets_pipeline.access.evaluator.conditions import compile_conditions
from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.evaluator.lookup import RequestContext
from secrets_pipeline.access.evaluator.patterns import (
    MANY,
    ONE,
    Pattern,
    Patterns,
    caseless_matcher,
    resource_matcher,
    variables_of,
)
from secrets_pipeline.access.evaluator.principals import Principals
from secrets_pipeline.access.evaluator.three_valued import Ternary, negated
from secrets_pipeline.access.evaluator.vocabulary import Layer, LayerOutcome, UnreadPolicies, Vote
from secrets_pipeline.errors import PolicyError

VERSION_WITH_VARIABLES = "2012-10-17"
_EVERY_ACTION = frozenset({"*", "*:*"})
_REMEDY = "See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html."


class Statement:
    """One statement.

    Attributes:
        policy: name of its policy.
        name: its Sid, or `#1` for the first one.
        denies: whether its effect is Deny.
        allows_everything: whether it allows every action on every resource, without a condition.
        principals: whom it names; None in policies that are attached to the caller.
        keys: the condition keys that it asks for, in conditions or as variables of resources, as it spells them.
        votes: the votes that were made of it.
    """

    __slots__ = (
        "_actions",
        "_conditions",
        "_not_actions",
        "_not_resources",
        "_resources",
        "allows_everything",
        "denies",
        "keys",
        "name",
        "policy",
        "principals",
        "votes",
    )

    def __init__(self, policy: str, number: int, element: Mapping[str, Any], *, variables: bool) -> None:
        self.policy = policy
        self.name = str(element.get("Sid") or f"#{number}")
        where = f"policy {policy}, statement {self.name}"
        effect = element.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise PolicyError(f"{where}: its effect is {effect!r}", remedy="Write Allow or Deny.")
        self.denies = effect == "Deny"
        self._not_actions = "NotAction" in element
        actions = listed(element.get("NotAction" if self._not_actions else "Action"))
        if not actions:
            raise PolicyError(f"{where}: it names no action", remedy=_REMEDY)
        self._actions = tuple(caseless_matcher(_marked(str(one))) for one in actions)
        self._not_resources = "NotResource" in element
        resources = listed(element.get("NotResource" if self._not_resources else "Resource"))
        self._resources = (
            Patterns(Pattern(str(one), resource_matcher, variables=variables) for one in resources)
            if resources and not ("*" in resources and not self._not_resources)
            else None
        )
        excepted = "NotPrincipal" in element
        whom = element.get("NotPrincipal" if excepted else "Principal")
        self.principals = None if whom is None else Principals(whom, excepted=excepted, where=where)
        conditions = element.get("Condition") or {}
        self._conditions = compile_conditions(conditions, variables=variables, where=where)
        every_action = not self._not_actions and not _EVERY_ACTION.isdisjoint(map(str, actions))
        every_resource = not self._not_resources and "*" in resources
        self.allows_everything = not self.denies and every_action and every_resource and not self._conditions
        asked = [str(key) for keys in conditions.values() for key in keys]
        if variables:
            asked += [key for one in resources for key in variables_of(str(one))]
        self.keys = tuple(dict.fromkeys(asked))
        self.votes: dict[tuple[Layer, LayerOutcome, str], Vote] = {}

    def speaks_of(self, action: str) -> bool:
        """Whether it is about an action, for example `kms:Decrypt`."""
        return any(test(action) for test in self._actions) is not self._not_actions

    def applies(self, resource: str, lookup: RequestContext) -> Ternary:
        """Whether resource and conditions hold for a request, whoever makes it."""
        truth: Ternary = True
        if self._resources is not None:
            truth = self._resources.match(resource, lookup)
            if self._not_resources:
                truth = negated(truth)
            if truth is False:
                return False
        for condition in self._conditions:
            held = condition.holds(lookup)
            if held is False:
                return False
            if held is None:
                truth = None
        return truth


class Policy:
    """A policy document.

    Args:
        name: how messages call it, for example its ARN, or `inline read-database`.
        document: the document, or its JSON.

    Raises:
        PolicyError: it is no policy.
    """

    __slots__ = ("_by_action", "name", "statements")

    def __init__(self, name: str, document: str | Mapping[str, Any]) -> None:
        self.name = name
        parsed = _parsed(name, document)
        variables = parsed.get("Version") == VERSION_WITH_VARIABLES
        self.statements = tuple(
            Statement(name, number, element, variables=variables)
            for number, element in enumerate(_elements(name, parsed), 1)
        )
        self._by_action: dict[str, tuple[Statement, ...]] = {}

    def about(self, action: str) -> tuple[Statement, ...]:
        """The statements that speak of an action; Allow and Deny, in the document's order."""
        found = self._by_action.get(action)
        if found is None:
            found = tuple(one for one in self.statements if one.speaks_of(action))
            self._by_action[action] = found
        return found

    @property
    def allows_everything(self) -> bool:
        """Whether it allows every action on every resource without a condition, as AdministratorAccess does."""
        return any(one.allows_everything for one in self.statements)

    def __repr__(self) -> str:
        return f"Policy({self.name!r}, {len(self.statements)} statements)"


def _marked(action: str) -> str:
    return action.replace("*", MANY).replace("?", ONE)


def _parsed(name: str, document: str | Mapping[str, Any]) -> Mapping[str, Any]:
    problem = "is no JSON object"
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            problem = "is no JSON"
    if not isinstance(document, Mapping):
        raise PolicyError(f"policy {name} {problem}", remedy=_REMEDY)
    return document


def _elements(name: str, document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    elements = listed(document.get("Statement"))
    if not all(isinstance(one, Mapping) for one in elements):
        raise PolicyError(f"policy {name}: a statement is no map", remedy=_REMEDY)
    return elements


def understood(name: str, document: Mapping[str, object]) -> Policy | UnreadPolicies:
    """Parse a policy; one that the evaluator does not understand becomes `UnreadPolicies`."""
    try:
        return Policy(name, document)
    except PolicyError as error:
        return UnreadPolicies(error.message)
