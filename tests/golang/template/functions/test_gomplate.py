"""Gomplate's functions, as its documentation and its source have them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.libraries import sprig
from secrets_pipeline.golang.template.functions.namespaces.library import gomplate

Rendering = Callable[..., str]

CASES: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "gomplate.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("template", "printed"), CASES["printed"])
def test_it_prints_what_gomplate_prints(template: str, printed: str, with_gomplate: Rendering) -> None:
    assert with_gomplate(template, CASES["data"]) == printed


@pytest.mark.parametrize(("template", "words"), CASES["failed"])
def test_what_cannot_be_done_is_said(template: str, words: str, with_gomplate: Rendering) -> None:
    with pytest.raises(TemplateError) as failure:
        with_gomplate(template, CASES["data"])
    assert words in str(failure.value)


def test_sprig_laid_over_gomplate_keeps_the_namespaces(environment: RenderingEnvironment) -> None:
    both = {**gomplate(environment), **sprig(environment)}
    assert {"strings", "coll", "conv", "data", "math", "regexp", "time", "getenv", "toYAML"} <= set(both)
    assert both["has"] is sprig(environment)["has"]
