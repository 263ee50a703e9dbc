from __future__ import annotations

import pytest

from secrets_pipeline.references.defaults import with_defaults
from secrets_pipeline.references.model import Literal, Output
from secrets_pipeline.references.parse import parse


def absent(output: Output) -> bool:
    return output.component == "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${output.none.x | default('d')}", "d"),
        ("${output.rds.x | default('d')}", "${output.rds.x | default('d')}"),
        ("${output.none.x}", "${output.none.x}"),
        ("a ${output.none.x | 1} ${output.rds.x | 2}", "a 1 ${output.rds.x | default(2)}"),
        ("${urlencode(output.none.x | default('d'))}", "${urlencode(d)}"),
        ("${keys(output.none.x) | default('d')}", "d"),
        ("${env:NONE, d}", "${env:NONE | default('d')}"),
    ],
)
def test_a_default_takes_the_place_of_what_will_never_be_and_of_nothing_else(text: str, expected: str) -> None:
    assert str(with_defaults(parse(text), absent)) == expected


def test_a_default_keeps_its_type() -> None:
    assert with_defaults(parse("${output.none.x | [1, {'a': null}]}"), absent) == Literal([1, {"a": None}])
