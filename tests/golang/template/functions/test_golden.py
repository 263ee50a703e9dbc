"""What Go prints with Sprig's functions and with yaml.v3, recorded, see cases.py and oracle/main.go."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

import pytest

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.goyaml import dump
from secrets_pipeline.golang.template.functions.libraries import sprig
from secrets_pipeline.golang.template.template import render
from tests.golang.template.functions.cases import DATA, cases

FOLDER: Final = Path(__file__).parent
GOLDEN: Final[dict[str, Any]] = json.loads((FOLDER / "golden.json").read_text(encoding="utf-8"))
YAML: Final[dict[str, Any]] = json.loads((FOLDER / "yaml_golden.json").read_text(encoding="utf-8"))
PRINTED: Final = [case for case in GOLDEN["cases"] if "output" in case]
FAILED: Final = [case for case in GOLDEN["cases"] if "error" in case]
OWN_WORDS: Final = (
    "mustFromJson",  # Python's parser finds the mistakes
    "urlParse",  # Go prints the URL, which may hold a password
    "urlJoin",  # the same
)


def test_the_record_is_of_these_cases() -> None:
    recorded = [{"template": case["template"]} for case in GOLDEN["cases"]]
    assert recorded == cases()
    assert GOLDEN["data"] == DATA
    assert [case["value"] for case in YAML["yaml"]] == json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", PRINTED, ids=lambda case: case["template"])
def test_it_prints_what_go_prints(case: dict[str, str], environment: RenderingEnvironment) -> None:
    printed = render(case["template"], copy.deepcopy(GOLDEN["data"]), functions=sprig(environment))
    assert printed == case["output"]


@pytest.mark.parametrize("case", FAILED, ids=lambda case: case["template"])
def test_it_fails_where_go_fails_and_in_the_same_words(case: dict[str, str], environment: RenderingEnvironment) -> None:
    with pytest.raises(TemplateError) as failure:
        render(case["template"], copy.deepcopy(GOLDEN["data"]), functions=sprig(environment))
    _, _, words = case["error"].partition("error calling ")
    if not words.startswith(OWN_WORDS):
        assert words in str(failure.value)


def test_every_function_of_sprig_is_defined(environment: RenderingEnvironment) -> None:
    assert set(YAML["sprig"]) <= set(sprig(environment))


@pytest.mark.parametrize("case", YAML["yaml"], ids=lambda case: str(case["value"])[:60])
def test_yaml_is_written_as_go_writes_it(case: dict[str, Any]) -> None:
    assert dump(case["value"]) == case["text"]
