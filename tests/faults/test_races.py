"""Two applies at once, and an apply that races a rotation, end as one after the other would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.cases import Clean
from tests.faults.races import apply_and_rotation, two_applies
from tests.faults.solo import Solo


@pytest.mark.parametrize("stack", ["infra-shared", "myapp-dev"])
def test_two_applies_of_a_stack_at_once_end_as_one_does(
    solo: Solo, expected: Callable[[str], Clean], stack: str
) -> None:
    assert solo(two_applies, stack, expected(stack), apart=0.0) == ()


@pytest.mark.parametrize("apart", [-0.2, 0.8])
def test_an_apply_that_races_a_rotation_loses_neither_password_nor_field(
    solo: Solo, tmp_path: Path, apart: float
) -> None:
    assert solo(apply_and_rotation, "myapp-dev", tmp_path / "edited", apart=apart) == ()
