"""Say statement by statement in what two policy documents differ: what is added, removed and changed. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from secrets_pipeline.access.policy_text.canonical import canonical
from secrets_pipeline.engine.reason import Detail, Sign

Document: TypeAlias = str | Mapping[str, Any] | None
_Statement: TypeAlias = Mapping[str, Any]
_NAMELESS: Final = "without Sid"
_SHOWN_FIRST: Final = ("Effect", "Action", "NotAction", "Principal", "NotPrincipal", "Resource", "NotResource")


def policy_details(observed: Document, wanted: Document) -> tuple[Detail, ...]:
    """Compare two policies, whatever order or shape they are written in.

    Statements are matched by their Sid, else as a whole: one without a Sid that changed is removed, and added.

    Args:
        observed: what AWS holds; None for no policy.
        wanted: what is declared; None for none.
    """
    (old_version, before), (new_version, after) = _read(observed), _read(wanted)
    found: list[Detail] = []
    if before and after and old_version != new_version:
        found.append(Detail(Sign.CHANGED, "Version", old_version, new_version))
    removed, added = _without_equals(before, after)
    was, now = _by_sid(removed), _by_sid(added)
    for sid in [sid for sid in was if sid in now]:
        found.extend(_changed(sid, was[sid], now[sid]))
    found.extend(_whole(Sign.REMOVED, one) for one in removed if str(one.get("Sid", "")) not in now)
    found.extend(_whole(Sign.ADDED, one) for one in added if str(one.get("Sid", "")) not in was)
    return tuple(found)


def _read(document: Document) -> tuple[str, list[_Statement]]:
    text = canonical(document)
    read: dict[str, Any] = json.loads(text) if text else {"Version": "", "Statement": []}
    return str(read["Version"]), read["Statement"]


def _without_equals(before: list[_Statement], after: list[_Statement]) -> tuple[list[_Statement], list[_Statement]]:
    old, new = Counter(map(json.dumps, before)), Counter(map(json.dumps, after))
    return [json.loads(one) for one in (old - new).elements()], [json.loads(one) for one in (new - old).elements()]


def _by_sid(statements: list[_Statement]) -> dict[str, _Statement]:
    """Those that can be matched by their Sid: it is there, and no other one has it."""
    named = Counter(str(one["Sid"]) for one in statements if one.get("Sid"))
    return {str(one["Sid"]): one for one in statements if one.get("Sid") and named[str(one["Sid"])] == 1}


def _changed(sid: str, before: _Statement, after: _Statement) -> Iterator[Detail]:
    """What differs inside of a statement: each value of an element that is added or removed."""
    was, now = dict(_elements(before)), dict(_elements(after))
    for element in dict.fromkeys((*was, *now)):
        old, new = was.get(element, ()), now.get(element, ())
        what = f"statement {sid}: {element}"
        if element == "Effect" and old and new and old != new:
            yield Detail(Sign.CHANGED, what, old[0], new[0])
            continue
        yield from (Detail(Sign.REMOVED, what, observed=one) for one in old if one not in new)
        yield from (Detail(Sign.ADDED, what, wanted=one) for one in new if one not in old)


def _elements(statement: _Statement) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The elements of a statement with their values: `Principal AWS`, `Condition StringEquals aws:SourceVpc`."""
    for element, value in statement.items():
        if element == "Sid":
            continue
        if element == "Condition":
            for operator, block in value.items():
                yield from ((f"Condition {operator} {key}", _values(held)) for key, held in block.items())
        elif isinstance(value, Mapping):
            yield from ((f"{element} {kind}", _values(held)) for kind, held in value.items())
        else:
            yield element, _values(value)


def _values(held: object) -> tuple[str, ...]:
    return tuple(map(str, held)) if isinstance(held, list) else (str(held),)


def _whole(sign: Sign, statement: _Statement) -> Detail:
    """A whole statement in a line: effect, actions, principals, resources, then its conditions."""
    elements = dict(_elements(statement))
    order = sorted(elements, key=lambda one: next((i for i, k in enumerate(_SHOWN_FIRST) if one.startswith(k)), 99))
    said = "; ".join(
        ", ".join(elements[one]) if one == "Effect" else f"{one} {', '.join(elements[one])}" for one in order
    )
    what = f"statement {statement.get('Sid') or _NAMELESS}"
    return Detail(sign, what, said if sign is Sign.REMOVED else "", said if sign is Sign.ADDED else "")
