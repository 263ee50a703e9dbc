"""Tell whether one resource-based policy allows no more than another, and narrow it to what both allow.

The procedure is sound and gives up early: what it calls narrower is; much that it does not call so is, too. It rests on
AWS's rule that an allow adds, and a denial takes away: a policy allows no more than another one if each of its Allow
statements is covered by Allow statements of the other, and each Deny statement of the other by Deny statements of it.
A statement is taken apart into one principal, action and resource at a time. How closely an Allow names its principal
counts: `*` and sessions escape a role's permissions boundary, and an account only delegates. So a name covers itself,
and `*` covers every AWS principal.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.policy_text.canonical import canonical
from secrets_pipeline.access.policy_text.statements import VERSION

PolicyText: TypeAlias = str | Mapping[str, Any] | None
_Statement: TypeAlias = Mapping[str, Any]

_ANYBODY = "AWS|*"
_OLD_VERSION = "2008-10-17"
_POSITIVE = frozenset(
    {
        *("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress", "bool"),
        *("numericequals", "dateequals", "binaryequals"),
    }
)
_NEGATIVE = frozenset(
    {"stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress"}
)
_IF_EXISTS = "ifexists"


@dataclass(frozen=True, slots=True)
class _Atom:
    """One principal, action and resource of a statement, under its conditions.

    Attributes:
        principal: `kind|name`.
        action: in lower case.
        conditions: (operator, key) in lower case → values; all have to hold.
    """

    principal: str
    action: str
    resource: str
    conditions: Mapping[tuple[str, str], frozenset[str]]


def is_narrower(new: PolicyText, old: PolicyText) -> bool:
    """Whether `new` allows no request that `old` refuses; False also where that cannot be proven.

    Args:
        new: policy of a secret or key, as document or JSON; None for none.
        old: the policy that it would replace.
    """
    if _read_differently(new, old):
        return False
    ours, theirs = _statements(new), _statements(old)
    return all(_covered(one, _of(theirs, "Allow")) for one in _of(ours, "Allow")) and all(
        _covered(one, _of(ours, "Deny")) for one in _of(theirs, "Deny")
    )


def narrowed(observed: PolicyText, declared: PolicyText) -> dict[str, Any] | None:
    """What is left of an observed policy without what the declared one lacks, and with all denials of both.

    Args:
        observed: the policy as it is, as document or JSON.
        declared: the policy as it should be.

    Returns:
        A policy that `is_narrower` calls narrower than the observed one, which it is itself where nothing can be said;
        None for no policy.
    """
    seen, wanted = _statements(observed), _statements(declared)
    if _read_differently(observed, declared):
        return {"Version": _version(observed), "Statement": seen} if seen else None
    allows = _common(_of(wanted, "Allow"), _of(seen, "Allow"))
    denies = _distinct([*_of(wanted, "Deny"), *_of(seen, "Deny")])
    statements = [dict(one) for one in (*allows, *denies)]
    version = _version(observed) if seen else _version(declared)
    return {"Version": version, "Statement": statements} if statements else None


def _common(wanted: Sequence[_Statement], seen: Sequence[_Statement]) -> list[_Statement]:
    """What both the declared and the observed statements allow, as far as one of them says it."""
    both = [part for one in wanted for part in _covered_parts(one, seen)]
    # What both say is said once, in the words of the YAML.
    more = [part for one in seen for part in _covered_parts(one, wanted) if not _covered(part, both)]
    return _distinct([*both, *more])


def _covered_parts(statement: _Statement, by: Sequence[_Statement]) -> Iterator[_Statement]:
    """The statement, if it is covered; else those of its principals and actions that are."""
    if _covered(statement, by):
        yield statement
        return
    if _is_opaque(statement):
        return
    shared = {key: value for key, value in statement.items() if key not in ("Sid", "Principal", "Action")}
    for principal in _principals(statement["Principal"]):
        kind, _, name = principal.partition("|")
        whom = {"Principal": {kind: name}}
        actions = [one for one in listed(statement.get("Action")) if _covered({**shared, **whom, "Action": one}, by)]
        if actions:
            yield {**shared, **whom, "Action": actions}


def _read_differently(one: PolicyText, other: PolicyText) -> bool:
    """Whether the same text may mean two things: policy variables are text in the older version of the language."""
    versions = {_version(document) for document in (one, other) if _statements(document)}
    return len(versions) > 1 and any("${" in json.dumps(_statements(document)) for document in (one, other))


def _distinct(statements: Sequence[_Statement]) -> list[_Statement]:
    return list({_plain(one): one for one in statements}.values())


def _plain(statement: _Statement) -> str:
    """A statement's text without its Sid, equal for all spellings."""
    return canonical({"Version": VERSION, "Statement": [{k: v for k, v in statement.items() if k != "Sid"}]})


def _statements(document: PolicyText) -> list[_Statement]:
    parsed = json.loads(document) if isinstance(document, str) else document
    return listed(parsed.get("Statement")) if parsed else []


def _version(document: PolicyText) -> str:
    parsed = json.loads(document) if isinstance(document, str) and document else document
    return str(parsed.get("Version", _OLD_VERSION)) if isinstance(parsed, Mapping) else VERSION


def _of(statements: Sequence[_Statement], effect: str) -> list[_Statement]:
    return [one for one in statements if one.get("Effect") == effect]


def _covered(statement: _Statement, by: Sequence[_Statement]) -> bool:
    """Whether every request that a statement speaks of is one that statements of the same effect speak of."""
    if any(_plain(statement) == _plain(one) for one in by):
        return True
    if _is_opaque(statement):
        return False
    covering = [atom for one in by if not _is_opaque(one) for atom in _atoms(one)]
    return all(any(_covers(wide, narrow) for wide in covering) for narrow in _atoms(statement))


def _is_opaque(statement: _Statement) -> bool:
    """Whether only its whole text can be compared."""
    known = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    asked = [(name.lower(), key.lower()) for name, keys in (statement.get("Condition") or {}).items() for key in keys]
    return "Principal" not in statement or not statement.keys() <= known or len(set(asked)) < len(asked)


def _atoms(statement: _Statement) -> Iterator[_Atom]:
    conditions: dict[tuple[str, str], frozenset[str]] = {}
    for operator, block in (statement.get("Condition") or {}).items():
        for key, values in block.items():
            conditions[operator.lower(), key.lower()] = frozenset(map(_text, listed(values)))
    # Without a Resource, a statement speaks of the one that it is attached to.
    resources = listed(statement.get("Resource")) or ["*"]
    for principal, action, resource in itertools.product(
        _principals(statement["Principal"]), listed(statement.get("Action")), resources
    ):
        yield _Atom(principal, str(action).lower(), str(resource), conditions)


def _principals(element: object) -> list[str]:
    if not isinstance(element, Mapping):
        return [_ANYBODY]
    plain = json.loads(canonical({"Statement": [{"Principal": element}]}))["Statement"][0]["Principal"]
    return [f"{kind}|{name}" for kind, names in plain.items() for name in names]


def _covers(wide: _Atom, narrow: _Atom) -> bool:
    """Whether every request that `narrow` speaks of is one that `wide` speaks of, naming the caller as strongly."""
    by_name = wide.principal == narrow.principal or (wide.principal == _ANYBODY and narrow.principal.startswith("AWS|"))
    return (
        by_name
        and _glob_covers(wide.action, narrow.action)
        and wide.resource in ("*", narrow.resource)
        and all(_asked_as_much(key, values, narrow.conditions) for key, values in wide.conditions.items())
    )


def _asked_as_much(
    asked: tuple[str, str], values: frozenset[str], given: Mapping[tuple[str, str], frozenset[str]]
) -> bool:
    """Whether conditions imply one: each value that they let pass, it lets pass too."""
    operator, key = asked
    # What holds of a key that is there holds of one that may be missing.
    spelt = {operator, operator.removesuffix(_IF_EXISTS)}
    base = operator.rpartition(":")[2].removesuffix(_IF_EXISTS)
    for one in spelt:
        other = given.get((one, key))
        if other is None:
            continue
        if other == values or (base in _POSITIVE and other <= values) or (base in _NEGATIVE and other >= values):
            return True
    return False


def _glob_covers(wide: str, narrow: str) -> bool:
    """Whether each text that matches one pattern of `*` and `?` matches another; False also where that is not plain.

    The wildcards of `narrow` are taken as characters that only a wildcard of `wide` matches.
    """
    # reached[i]: whether wide[:i] matches what was read of `narrow`.
    reached = [True]
    reached += [all(character == "*" for character in wide[: i + 1]) for i in range(len(wide))]
    for character in narrow:
        following = [False]
        for i, pattern in enumerate(wide):
            if pattern == "*":
                following.append(following[i] or reached[i + 1])
            else:
                same = pattern == character or (pattern == "?" and character != "*")
                following.append(reached[i] and same)
        reached = following
    return reached[-1]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
