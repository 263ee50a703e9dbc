"""Compile and test condition blocks: operators with `IfExists`, `Null`, `ForAllValues` and `ForAnyValue`.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

from secrets_pipeline.access.evaluator.elements import listed, text_of
from secrets_pipeline.access.evaluator.lookup import RequestContext, UnknownValue
from secrets_pipeline.access.evaluator.operators import OPERATORS, Operator
from secrets_pipeline.access.evaluator.patterns import Patterns
from secrets_pipeline.access.evaluator.three_valued import Ternary, all_of, any_of, negated
from secrets_pipeline.errors import PolicyError

_IF_EXISTS = "ifexists"
_NULL = "null"


class _Set(Enum):
    """How several values of one key count together."""

    NONE = ""
    ALL = "forallvalues"
    ANY = "foranyvalue"


class Condition(Protocol):
    """One key under one operator."""

    def holds(self, lookup: RequestContext) -> Ternary:
        """Whether it holds for a request."""
        ...


class _Compared:
    __slots__ = ("_if_exists", "_key", "_negated", "_patterns", "_set")

    def __init__(self, key: str, patterns: Patterns, operator: Operator, quantifier: _Set, *, if_exists: bool) -> None:
        self._key = key
        self._patterns = patterns
        self._negated = operator.negated
        self._set = quantifier
        self._if_exists = if_exists

    def holds(self, lookup: RequestContext) -> Ternary:
        values = lookup.get(self._key)
        if isinstance(values, UnknownValue):
            return None
        if not values or (self._set is not _Set.NONE and not any(values)):
            # Values that are all empty count as none to a set operator.
            return self._of_absent()
        if len(values) == 1:
            return self._of(values[0], lookup)
        if self._set is _Set.ALL:
            return all_of(self._of(one, lookup) for one in values)
        if self._set is _Set.ANY:
            return any_of(self._of(one, lookup) for one in values)
        return (all_of if self._negated else any_of)(self._of(one, lookup) for one in values)

    def _of(self, value: str, lookup: RequestContext) -> Ternary:
        # A variable without a value is null: nothing equals it, and so everything differs from it.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
        found = self._patterns.match(value, lookup)
        return negated(found) if self._negated else found

    def _of_absent(self) -> bool:
        if self._if_exists or self._set is _Set.ALL:
            return True
        return self._negated and self._set is _Set.NONE


class _Null:
    __slots__ = ("_key", "_wanted")

    def __init__(self, key: str, wanted: frozenset[bool]) -> None:
        self._key = key
        self._wanted = wanted

    def holds(self, lookup: RequestContext) -> Ternary:
        values = lookup.get(self._key)
        return None if isinstance(values, UnknownValue) else (not values) in self._wanted


def compile_conditions(block: object, *, variables: bool, where: str) -> tuple[Condition, ...]:
    """The conditions of one statement, all of which must hold.

    Args:
        block: its `Condition` element.
        variables: whether `${…}` is a policy variable.
        where: names the statement, for errors.

    Raises:
        PolicyError: an operator that IAM does not have, or a block that is no map.
    """
    if not isinstance(block, Mapping):
        raise PolicyError(f"{where}: Condition is no map", remedy="Write {operator: {key: value}}.")
    return tuple(
        _condition(str(name), str(key), values, variables=variables, where=where)
        for name, keys in block.items()
        for key, values in _keys(keys, where).items()
    )


def _keys(keys: object, where: str) -> Mapping[str, Any]:
    if not isinstance(keys, Mapping):
        raise PolicyError(f"{where}: a condition operator has no map of keys", remedy="Write {operator: {key: value}}.")
    return keys


def _condition(name: str, key: str, values: object, *, variables: bool, where: str) -> Condition:
    qualifier, _, base = name.lower().rpartition(":")
    if_exists = base.endswith(_IF_EXISTS)
    plain = base.removesuffix(_IF_EXISTS)
    known = qualifier in {one.value for one in _Set}
    if known and plain == _NULL:
        return _Null(key.lower(), frozenset(text_of(one).lower() == "true" for one in listed(values)))
    if not known or plain not in OPERATORS:
        raise PolicyError(
            f"{where}: IAM has no condition operator {name}",
            remedy="See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.",
        )
    operator = OPERATORS[plain]
    patterns = Patterns(operator.pattern(text_of(one), variables=variables) for one in listed(values))
    return _Compared(key.lower(), patterns, operator, _Set(qualifier), if_exists=if_exists)
