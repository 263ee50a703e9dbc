from __future__ import annotations

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml import scalars
from secrets_pipeline.golang.yaml.reader import load
from secrets_pipeline.stacks.functions.functions import construct


def read(text: str) -> Value:
    return load(text, "stacks/a.yaml", construct)


@pytest.mark.parametrize("digits", ["9" * 5_000, "-" + "9" * 5_000, "0x" + "f" * 5_000, "1_" + "0" * 5_000])
def test_an_integer_that_no_float_can_be_is_text(digits: str) -> None:
    assert read(f"a: {digits}") == {"a": digits}


def test_other_long_integers_are_floats_or_octal() -> None:
    assert read(f"a: {'9' * 300}") == {"a": float("9" * 300)}
    assert read(f"a: {'0' * 5_000}7") == {"a": 7}


@pytest.mark.parametrize("tag", ["int", "float", "bool", "null", "binary"])
def test_a_value_that_is_not_what_its_tag_says_is_not_shown(tag: str) -> None:
    with pytest.raises(StackError) as raised:
        read(f"password: !!{tag} hunter2CANARY*")
    assert "CANARY" not in str(raised.value)
    assert tag in str(raised.value) or "base64" in str(raised.value)


def test_no_cache_keeps_scalars_alive() -> None:
    assert not [name for name, found in vars(scalars).items() if hasattr(found, "cache_info")]
