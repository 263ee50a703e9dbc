"""Rendering with the functions, in an environment that never changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.libraries import sprig
from secrets_pipeline.golang.template.functions.namespaces.library import gomplate
from secrets_pipeline.golang.template.template import render
from secrets_pipeline.golang.values import MissingKey, Value

Rendering = Callable[..., str]


@pytest.fixture
def environment() -> RenderingEnvironment:
    """Variables, a time and chance that a test can rely on."""
    return RenderingEnvironment(
        variables={"GREETING": "hello", "TOKEN_FILE": "/run/token"},
        now=lambda: datetime(2024, 2, 29, 23, 30, 15, 250_000, tzinfo=UTC),
        random=random.Random(7),  # noqa: S311 - the same each time
    )


@pytest.fixture
def with_sprig(environment: RenderingEnvironment) -> Rendering:
    """Renders a template that may call Sprig's functions."""
    functions = sprig(environment)

    def rendered(template: str, data: Value = None, missing: MissingKey = MissingKey.ERROR) -> str:
        return render(template, data, functions=functions, missing=missing)

    return rendered


@pytest.fixture
def with_gomplate(environment: RenderingEnvironment) -> Rendering:
    """Renders a template that may call gomplate's functions."""
    functions = gomplate(environment)

    def rendered(template: str, data: Value = None, missing: MissingKey = MissingKey.ERROR) -> str:
        return render(template, data, functions=functions, missing=missing)

    return rendered
