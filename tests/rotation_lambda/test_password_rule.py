from __future__ import annotations

import random
import re
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.tags import OWN_PREFIX, tag_value_problem
from secrets_pipeline.desired.value.model import PasswordPolicy
from secrets_pipeline.rotation.password_tag import password_rule
from secrets_pipeline.rotation_lambda.password_rule import (
    DEFAULT_RULE,
    TAG,
    TAG_VALUE_LENGTH,
    PasswordClass,
    PasswordRule,
    decode,
    encode,
)
from secrets_pipeline.values.passwords import generate

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


@st.composite
def rules(draw: st.DrawFn) -> PasswordRule:
    """Rules of up to four classes, whose tag fits."""
    shuffled = draw(st.permutations(PRINTABLE))
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    names = draw(st.permutations(["lower", "upper", "numeric", "special"]))
    length = draw(st.integers(sum(sizes), 64))
    classes, at = [], 0
    for name, size in zip(names, sizes, strict=False):
        minimum = draw(st.integers(0, size))
        classes.append(PasswordClass(name, "".join(shuffled[at : at + size]), minimum))
        at += size
    key = draw(st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10))
    return PasswordRule(length, tuple(classes), key)


@given(rules())
def test_a_rule_survives_the_tag_and_the_tag_is_one_that_aws_takes(rule: PasswordRule) -> None:
    text = encode(rule)
    assert decode(text) == rule
    assert tag_value_problem(text) is None


@given(rules(), st.randoms(use_true_random=False))
def test_what_a_rule_generates_it_allows_and_nothing_next_to_it(rule: PasswordRule, chance: random.Random) -> None:
    value = rule.generate(Seeded(chance))
    assert rule.allows(value)
    assert not rule.allows(value + rule.alphabet[0])
    assert not rule.allows(value[1:])
    assert not rule.allows("\t" + value[1:])
    for one in rule.classes:
        if one.minimum:
            stricter = replace(one, minimum=sum(map(value.count, one.characters)) + 1)
            others = tuple(stricter if each is one else replace(each, minimum=0) for each in rule.classes)
            if stricter.minimum <= rule.length:
                assert not replace(rule, classes=others).allows(value)


class Seeded:
    """A chooser whose choices can be had again."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def randbelow(self, bound: int, /) -> int:
        return self._chance.randrange(bound)


@given(
    st.integers(20, 64),
    st.lists(st.integers(0, 5), min_size=4, max_size=4),
    st.sampled_from(["", "-_.~", string.punctuation]),
    st.integers(),
)
def test_a_rotation_draws_what_the_pipeline_would_have_drawn(
    length: int, minima: list[int], special: str, seed: int
) -> None:
    names = ("lower", "upper", "numeric", "special")
    alphabets = (string.ascii_lowercase, string.ascii_uppercase, string.digits, special)
    least = dict(zip(names, minima, strict=True))
    if not special:
        least["special"] = 0
    policy = PasswordPolicy(length=length, alphabet=dict(zip(names, alphabets, strict=True)), minima=least)
    rule = decode(encode(password_rule(policy)))
    ours = rule.generate(Seeded(random.Random(seed)))  # noqa: S311 - the same choices for both
    theirs = generate(policy, Seeded(random.Random(seed)))  # noqa: S311 - see above
    assert ours == theirs.get_secret_value()
    assert rule == password_rule(policy)


def test_the_tag_of_the_default_policy_is_readable() -> None:
    assert TAG.startswith(OWN_PREFIX)
    assert encode(DEFAULT_RULE) == "32/lower=1/upper=1/numeric=1/special=1:2d5f2e7e"
    assert encode(replace(DEFAULT_RULE, key="token")).endswith("/key=746f6b656e")
    value = DEFAULT_RULE.generate()
    assert re.fullmatch(r"[A-Za-z0-9._~-]{32}", value)
    assert value != DEFAULT_RULE.generate()
    assert not DEFAULT_RULE.weakness


def test_a_tag_that_would_not_fit_is_refused() -> None:
    fits = (TAG_VALUE_LENGTH - len(encode(DEFAULT_RULE)) - len("/key=")) // 2
    assert len(encode(replace(DEFAULT_RULE, key="k" * fits))) <= TAG_VALUE_LENGTH
    with pytest.raises(ValueError, match="more than AWS's 256"):
        encode(replace(DEFAULT_RULE, key="k" * (fits + 1)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not begin with a length"),
        ("long/lower=1", "does not begin with a length"),
        ("0/lower=0", "the length is 0"),
        ("257/lower=0", "the length is 257"),
        ("8", "no characters"),
        ("8/special=1", "special names no characters"),
        ("8/special=1:2d2d", "named twice"),
        ("8/lower=1/other=1:61", "named twice"),
        ("8/special=1:0a", "outside of printable ASCII"),
        ("8/special=1:c3", "codec"),
        ("8/lower=9", "do not fit into 8"),
        ("8/lower", "no class such as"),
        ("8/lower=1:6", "no class such as"),
        ("8/lower=1/key=6", "no class such as"),
        ("8/key=61/lower=1", "no class such as"),
        ("8/lower=1/key=ff", "codec"),
    ],
)
def test_a_tag_that_somebody_broke_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        decode(text)
