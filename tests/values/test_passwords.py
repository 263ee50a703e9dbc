from __future__ import annotations

import string
from collections import defaultdict
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.value.model import PasswordPolicy
from secrets_pipeline.errors import SpecError
from secrets_pipeline.rotation_lambda.password_drawing import MAX_LENGTH
from secrets_pipeline.values.passwords import generate

CLASSES = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
    "special": "!#$%&*()-_=+[]{}<>:?",
}


class EveryPath:
    """A chooser that, run after run, takes every sequence of choices, and knows how likely each was."""

    def __init__(self) -> None:
        self._path: list[tuple[int, int]] = []
        self._step = 0

    def randbelow(self, bound: int, /) -> int:
        if self._step == len(self._path):
            self._path.append((0, bound))
        choice, known_bound = self._path[self._step]
        assert known_bound == bound
        self._step += 1
        return choice

    @property
    def likelihood(self) -> Fraction:
        likelihood = Fraction(1)
        for _, bound in self._path:
            likelihood /= bound
        return likelihood

    def advance(self) -> bool:
        """Take the next path; False after the last."""
        self._step = 0
        while self._path:
            choice, bound = self._path.pop()
            if choice + 1 < bound:
                self._path.append((choice + 1, bound))
                return True
        return False


def likelihoods(policy: PasswordPolicy) -> dict[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    paths = EveryPath()
    while True:
        found[generate(policy, paths).get_secret_value()] += paths.likelihood
        if not paths.advance():
            return dict(found)


def allowed(policy: PasswordPolicy) -> set[str]:
    texts = map("".join, product("".join(policy.alphabet.values()), repeat=policy.length))
    return {text for text in texts if holds_minima(text, policy)}


def holds_minima(text: str, policy: PasswordPolicy) -> bool:
    return all(sum(c in policy.alphabet[name] for c in text) >= least for name, least in policy.minima.items())


@pytest.mark.parametrize(
    "policy",
    [
        PasswordPolicy(length=3, alphabet={"lower": "ab", "numeric": "1"}, minima={"lower": 1, "numeric": 1}),
        PasswordPolicy(length=3, alphabet={"lower": "ab", "numeric": "123"}, minima={"numeric": 1}),
        PasswordPolicy(length=3, alphabet={"lower": "ab", "upper": "C", "special": "!?"}, minima={"lower": 1}),
        PasswordPolicy(
            length=3, alphabet={"lower": "a", "upper": "B", "numeric": "1"}, minima={"lower": 1, "upper": 1}
        ),
        PasswordPolicy(length=2, alphabet={"lower": "abc", "special": ""}, minima={"lower": 0, "special": 0}),
        PasswordPolicy(length=3, alphabet={"lower": "ab", "numeric": "12"}, minima={"lower": 2, "numeric": 1}),
    ],
    ids=lambda policy: f"{'+'.join(policy.alphabet.values())} {dict(policy.minima)}",
)
def test_every_allowed_string_is_exactly_as_likely_as_every_other(policy: PasswordPolicy) -> None:
    found = likelihoods(policy)
    assert set(found) == allowed(policy)
    assert set(found.values()) == {Fraction(1, len(found))}


@st.composite
def policies(draw: st.DrawFn) -> PasswordPolicy:
    sizes = {name: draw(st.integers(0, len(characters))) for name, characters in CLASSES.items()}
    sizes[draw(st.sampled_from(sorted(CLASSES)))] += 0
    alphabet: dict[str, str] = {name: CLASSES[name][:size] for name, size in sizes.items()}
    if not any(alphabet.values()):
        alphabet["lower"] = "a"
    minima = {name: draw(st.integers(0, 6)) if characters else 0 for name, characters in alphabet.items()}
    length = draw(st.integers(max(1, sum(minima.values())), 64))
    return PasswordPolicy(length=length, alphabet=alphabet, minima=minima)


@given(policy=policies())
def test_a_password_has_the_length_the_alphabet_and_the_minima(policy: PasswordPolicy) -> None:
    text = generate(policy).get_secret_value()
    assert len(text) == policy.length
    assert set(text) <= set("".join(policy.alphabet.values()))
    assert holds_minima(text, policy)


def test_minima_that_fill_the_whole_length_are_kept() -> None:
    policy = PasswordPolicy(length=20, alphabet=CLASSES, minima=dict.fromkeys(CLASSES, 5))
    text = generate(policy).get_secret_value()
    assert [sum(c in characters for c in text) for characters in CLASSES.values()] == [5, 5, 5, 5]


def test_the_longest_password_with_the_rarest_minima_is_made() -> None:
    policy = PasswordPolicy(
        length=MAX_LENGTH, alphabet={**CLASSES, "special": "!"}, minima={"special": 200, "numeric": 1, "lower": 1}
    )
    assert generate(policy).get_secret_value().count("!") >= 200


def test_passwords_differ() -> None:
    policy = PasswordPolicy(length=32, alphabet=CLASSES, minima=dict.fromkeys(CLASSES, 5))
    assert len({generate(policy).get_secret_value() for _ in range(200)}) == 200


def test_a_password_is_not_shown() -> None:
    made = generate(PasswordPolicy(length=8, alphabet={"lower": "q"}, minima={}))
    assert made.get_secret_value() == "qqqqqqqq"
    assert "q" not in f"{made}{made!r}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"length": 0}, "length 0"),
        ({"length": MAX_LENGTH + 1}, "length 257"),
        ({"alphabet": {"lower": ""}, "minima": {}}, "alphabet is empty"),
        ({"alphabet": {"lower": "ab", "special": "b!"}}, "repeats 'b'"),
        ({"alphabet": {"lower": "aa"}}, "repeats 'a'"),
        ({"alphabet": {"lower": "ab", "special": ""}, "minima": {"special": 1}}, "empty class special"),
        ({"minima": {"upper": 1}}, "empty class upper"),
        ({"minima": {"lower": 9}}, "ask for 9 characters of 8"),
    ],
)
def test_a_policy_that_no_string_satisfies_is_refused(change: dict[str, Any], reason: str) -> None:
    policy = PasswordPolicy(**{"length": 8, "alphabet": {"lower": "ab"}, "minima": {"lower": 1}, **change})
    with pytest.raises(SpecError, match=reason) as refusal:
        generate(policy)
    assert refusal.value.remedy
