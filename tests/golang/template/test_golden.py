"""Our engine prints what Go's text/template prints, and fails where it fails.

To record golden.json again, with Go and the Sprig sources on GOPATH, in this folder:

    python cases.py | GO111MODULE=off go run oracle/main.go > golden.json
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.template.template import DELIMITERS, render
from secrets_pipeline.golang.values import MissingKey
from tests.golang.template.cases import DATA, cases
from tests.golang.template.twins import FUNCTIONS

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden.json").read_text("utf-8"))
GO_ERROR = re.compile(r'template: case:(?P<line>\d+)(?::\d+)?: (?:executing "[^"]*" )?(?P<message>.*)', re.DOTALL)

OUR_OWN_WORDS = [
    "range can't iterate over ",  # Go prints the value, which may be a secret
    "to iterate over more than one variable",  # the same
    "non-comparable type",  # the same
    "non-function ",  # Go prints the operand
    "reflect: call of reflect.Value.Type on zero Value",  # a panic in Go
    "started at case:",  # Go adds where the action starts; our error has a line and a column
]
OTHER_FIRST_ERROR = {"{{ a, b }}"}  # we look for functions after the whole text is parsed
RANGE_ELEMENT = {"{{range .list}}{{.x}}{{end}}"}  # Go calls an element interface {}, we name its type
OUR_LIMITS = {"{{1i}}", "{{1+2i}}"}  # complex numbers


def rendered(case: dict[str, Any]) -> str:
    left, right = case.get("delimiters", DELIMITERS)
    missing = MissingKey.NO_VALUE if case.get("missing") == "default" else MissingKey.ERROR
    return render(case["template"], GOLDEN["data"], functions=FUNCTIONS, missing=missing, delimiters=(left, right))


def test_the_record_is_of_these_cases() -> None:
    recorded = [{k: v for k, v in case.items() if k not in ("output", "error")} for case in GOLDEN["cases"]]
    assert recorded == cases()
    assert GOLDEN["data"] == DATA


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['template']}{case.get('missing', '')}")
def test_a_template_gives_what_go_gives(case: dict[str, Any]) -> None:
    if case["template"] in OUR_LIMITS:
        with pytest.raises(TemplateError, match="complex constants are not supported"):
            rendered(case)
        return
    if "error" not in case:
        assert rendered(case) == case["output"]
        return
    with pytest.raises(TemplateError) as raised:
        rendered(case)
    go = GO_ERROR.fullmatch(case["error"])
    assert go is not None
    if case["template"] in OTHER_FIRST_ERROR | RANGE_ELEMENT or any(words in go["message"] for words in OUR_OWN_WORDS):
        return
    assert (raised.value.message, raised.value.line) == (go["message"], int(go["line"]))
