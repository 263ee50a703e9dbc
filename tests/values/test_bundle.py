from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.values.bundle import GeneratedPasswords

CANARY = "canary-7Hk2"
REF = SecretRef(component="secretsmanager/db", key="credentials")


@pytest.fixture
def bundle() -> GeneratedPasswords:
    return GeneratedPasswords({str(REF): SecretStr(CANARY), "b#other": SecretStr("x")})


def test_a_value_is_found_by_its_secret_or_the_secrets_text(bundle: GeneratedPasswords) -> None:
    for ref in (REF, str(REF)):
        found = bundle.get(ref)
        assert found is not None
        assert found.get_secret_value() == CANARY
    assert bundle.get("none#such") is None
    assert bundle.refs == ("secretsmanager/db#credentials", "b#other")
    assert len(bundle) == 2
    assert not GeneratedPasswords({})


def test_the_bundle_keeps_what_it_was_made_with() -> None:
    values = {"a#b": SecretStr("x")}
    bundle = GeneratedPasswords(values)
    values.clear()
    assert len(bundle) == 1


@pytest.mark.parametrize("show", [str, repr, "{}".format, "%s".__mod__], ids=["str", "repr", "format", "percent"])
def test_it_is_shown_without_values(bundle: GeneratedPasswords, show: Callable[[object], str]) -> None:
    assert show(bundle) == "GeneratedPasswords(2 values, not shown)"


@pytest.mark.parametrize(
    "store",
    [
        *[lambda bundle, p=p: pickle.dumps(bundle, protocol=p) for p in range(pickle.HIGHEST_PROTOCOL + 1)],
        copy.copy,
        copy.deepcopy,
        json.dumps,
        lambda bundle: pickle.dumps({"inside": [bundle]}),
        vars,
    ],
)
def test_it_cannot_be_stored_or_copied(bundle: GeneratedPasswords, store: Callable[[object], Any]) -> None:
    with pytest.raises(TypeError) as refusal:
        store(bundle)
    assert CANARY not in str(refusal.value)


def test_two_bundles_are_not_compared_by_value(bundle: GeneratedPasswords) -> None:
    same = GeneratedPasswords({ref: value for ref in bundle.refs if (value := bundle.get(ref))})
    assert bundle != same
