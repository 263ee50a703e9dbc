"""Random requests and policies over small alphabets.

Each is drawn of one number: by `hypothesis`, or counted through by the differential test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from secrets_pipeline.access.evaluator import PrincipalKind
from tests.strategies.policy_alphabet import (
    ASSUMING,
    BOOLEANS,
    EXCEPTED,
    FAMILIES,
    IDENTITY_PROVIDER,
    PATTERNS,
    PEOPLE,
    PRINCIPALS,
    ROLE,
    SECRET,
    STRINGS,
    THINGS,
    Family,
    Thing,
)
from tests.strategies.policy_cases import ALLOW_ALL, Case, Document, Levels

Item = TypeVar("Item")


class Dice:
    """Draws cases, and changes to them.

    Args:
        seed: the same draws always the same.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - no secret comes of it

    def __repr__(self) -> str:
        return f"Dice({self._seed})"

    def case(self) -> Case:
        """One request with its policies."""
        thing = self.pick(THINGS)
        caller = self.pick(ASSUMING if thing is ROLE else PEOPLE)
        action = thing.actions[0] if self.chance(80) else self.pick(thing.actions)
        if thing is ROLE and self.chance(20):
            caller, action = IDENTITY_PROVIDER, "sts:AssumeRoleWithWebIdentity"
        outside = caller.kind in (PrincipalKind.SERVICE, PrincipalKind.IDENTITY_PROVIDER)
        root = caller.kind is PrincipalKind.ROOT
        bounded = caller.kind in (PrincipalKind.ROLE, PrincipalKind.USER)
        sessions = caller.kind in (PrincipalKind.ROLE, PrincipalKind.FEDERATED_USER)
        return Case(
            caller,
            thing,
            action,
            self.pick(thing.arns),
            self.context(thing),
            identity=() if outside or root else self._documents(thing, most=2),
            boundary=self.document(thing) if bounded and self.chance(30) else None,
            session_policy=self.document(thing) if sessions and self.chance(25) else None,
            scps=() if outside else self._scps(thing),
            rcps=self._rcps(thing),
            # A key and a role always have one.
            policy=None if thing is SECRET and self.chance(25) else self.resource_policy(thing),
        )

    def document(self, thing: Thing, *, allows: int = 85) -> Document:
        """A policy that is attached to a caller."""
        return self._document([self.statement(thing, allows=allows) for _ in range(self.count(3))])

    def resource_policy(self, thing: Thing) -> Document:
        """A policy that is attached to a target."""
        statements = []
        for _ in range(self.count(3)):
            statement = self.statement(thing)
            if thing is ROLE:
                statement.pop("Resource", None)
                statement.pop("NotResource", None)
            if self.chance(10):
                statement["NotPrincipal"] = self.pick(EXCEPTED)
            else:
                statement["Principal"] = self.pick(PRINCIPALS)
            statements.append(statement)
        return self._document(statements)

    def statement(self, thing: Thing, *, allows: int = 85) -> Document:
        """A statement without a principal."""
        statement: Document = {"Effect": "Allow" if self.chance(allows) else "Deny"}
        if self.chance(30):
            statement["Sid"] = f"S{self._random.randrange(1000)}"
        whole = self.chance(40)
        statement["NotAction" if self.chance(10) else "Action"] = (
            thing.action_patterns[0] if whole else self.some(thing.action_patterns)
        )
        if "NotAction" in statement:
            statement["NotAction"] = self.some(thing.action_patterns[1:])
        if self.chance(10):
            statement["NotResource"] = self.some(thing.resource_patterns[1:])
        else:
            statement["Resource"] = "*" if self.chance(40) else self.some(thing.resource_patterns)
        if self.chance(45):
            statement["Condition"] = self.conditions(thing)
        return statement

    def conditions(self, thing: Thing) -> Document:
        """A Condition element."""
        block: dict[str, dict[str, Any]] = {}
        for _ in range(1 if self.chance(75) else 2):
            if self.chance(12):
                key = self.pick(self.keys(thing))
                block.setdefault("Null", {})[key] = self.some(BOOLEANS) if self.chance(20) else self.pick(BOOLEANS)
                continue
            family = self.pick(FAMILIES) if self.chance(70) else self._own(thing)
            key = self.pick(tuple(family.keys))
            operator = self.pick(family.operators)
            if self.chance(70) if key in family.several else self.chance(15):
                operator = f"{self.pick(('ForAllValues', 'ForAnyValue'))}:{operator}"
            if self.chance(25):
                operator += "IfExists"
            key = key.lower() if self.chance(10) else key
            block.setdefault(operator, {})[key] = self.some(family.wanted or family.keys[self._spelt(family, key)])
        return block

    @staticmethod
    def _spelt(family: Family, key: str) -> str:
        return next(one for one in family.keys if one.lower() == key.lower())

    @staticmethod
    def _own(thing: Thing) -> Family:
        return replace(STRINGS, keys=thing.keys, wanted=(*PATTERNS[:6], *next(iter(thing.keys.values()))))

    @staticmethod
    def keys(thing: Thing) -> tuple[str, ...]:
        """Every condition key that policies about a thing know."""
        return (*(key for family in FAMILIES for key in family.keys), *thing.keys)

    def context(self, thing: Thing) -> dict[str, tuple[str, ...]]:
        """What a request says: every key that policies know, or not."""
        found: dict[str, tuple[str, ...]] = {}
        families = (*FAMILIES, self._own(thing))
        for family in families:
            for key, values in family.keys.items():
                if self.chance(35):
                    continue
                several = key in family.several and self.chance(60)
                found[key] = tuple(dict.fromkeys(self.pick(values) for _ in range(3 if several else 1)))
        return found

    def unknown(self, thing: Thing) -> frozenset[str]:
        """Some of the condition keys that policies know."""
        return frozenset(key for key in self.keys(thing) if self.chance(20))

    def principal(self) -> Document:
        """A Principal element, by its name."""
        return {"Principal": self.pick(PRINCIPALS)}

    def _scps(self, thing: Thing) -> Levels:
        if self.chance(60):
            return ()
        return tuple(
            (ALLOW_ALL,)
            if self.chance(50)
            else (ALLOW_ALL, self.document(thing, allows=30))
            if self.chance(50)
            else (self.document(thing, allows=85),)
            for _ in range(self.count(3))
        )

    def _rcps(self, thing: Thing) -> Levels:
        if self.chance(70):
            return ()
        levels: list[tuple[Document, ...]] = []
        for _ in range(self.count(2)):
            # All that AWS takes in one: a Deny of this version, for everybody, of named actions.
            statement = {**self.statement(thing, allows=0), "Principal": "*"}
            statement.pop("NotAction", None)
            statement["Action"] = self.some(thing.action_patterns[1:])
            document = {"Version": "2012-10-17", "Statement": [statement]}
            levels.append((document,) if self.chance(60) else ())
        return tuple(levels)

    def _documents(self, thing: Thing, *, most: int) -> tuple[Document, ...]:
        return tuple(self.document(thing) for _ in range(self._random.randrange(most + 1)))

    def _document(self, statements: list[Document]) -> Document:
        version = "2012-10-17" if self.chance(90) else "2008-10-17"
        one = len(statements) == 1 and self.chance(20)
        return {"Version": version, "Statement": statements[0] if one else statements}

    def count(self, most: int) -> int:
        """A number from one."""
        return 1 + self._random.randrange(most)

    def some(self, among: Sequence[str]) -> str | list[str]:
        """One of them, or a list of a few."""
        if self.chance(60):
            return self.pick(among)
        return list(dict.fromkeys(self.pick(among) for _ in range(self.count(3))))

    def pick(self, among: Sequence[Item]) -> Item:
        """One of them."""
        return among[self._random.randrange(len(among))]

    def chance(self, percent: int) -> bool:
        """True as often as said."""
        return self._random.randrange(100) < percent


def case_of(seed: int) -> Case:
    """The case of a number, always the same."""
    return Dice(seed).case()


dice: st.SearchStrategy[Dice] = st.integers(0, 2**64 - 1).map(Dice)
"""One number draws a whole case: hundreds of them take a second."""
