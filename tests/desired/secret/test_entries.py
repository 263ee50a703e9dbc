"""An entry of `secrets` that is no map is one error, which says what a secret may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

TEXT = "components: {terraform: {secretsmanager: {vars: {context_name: dev, secrets: {key: %s}}}}}"


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("null", "empty"),
        ("{}", "empty"),
        ("''", "empty"),
        ("plain", "text, not a map"),
        ("0", "a number, not a map"),
        ("[a]", "a list, not a map"),
        ("false", "true or false, not a map"),
    ],
)
def test_an_entry_that_is_no_map_is_one_error(bench: Bench, given: str, what: str) -> None:
    error = bench.only_error(TEXT % given)
    assert f"component secretsmanager, key vars.secrets.key: secret key is {what}" in error
    assert "Write secret_data, generate_random_password: true, or value: external" in error
