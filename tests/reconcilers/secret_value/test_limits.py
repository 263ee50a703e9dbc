"""A value that Secrets Manager would not take is refused before the call, however it came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.engine.model import Applied, Failed
from secrets_pipeline.errors import DocumentError

if TYPE_CHECKING:
    from tests.bench import Bench

CANARY = "canary-7Qz"


@pytest.mark.parametrize("value", ["${file:big}${file:big}", {"a": "${file:big}", "b": "${file:big}"}])
def test_a_value_that_its_references_make_too_long_is_never_sent(bench: Bench, value: object) -> None:
    bench.files["big"] = CANARY + "x" * 33_000
    spec = bench.spec(bench.declared("api", value), bench.declared("other"))
    bench.reset_calls()
    outcomes = bench.provision(spec, "secrets")
    failed = outcomes[f"secrets {bench.name('api')}"]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, DocumentError)
    assert "bytes, AWS takes 65536" in str(failed.error)
    assert CANARY not in repr(failed.error)
    assert isinstance(outcomes[f"secrets {bench.name('other')}"], Applied)
    assert bench.calls()["CreateSecret"] == 1


def test_a_value_that_grows_too_long_leaves_the_one_that_is_stored(bench: Bench) -> None:
    bench.files["big"] = "small"
    spec = bench.create(bench.declared("api", {"a": "${file:big}", "b": "${file:big}"}))
    bench.files["big"] = "x" * 33_000
    grown = spec.model_copy(update={"secrets": (bench.declared("api", {"a": "${file:big}", "c": "${file:big}"}),)})
    bench.reset_calls()
    failed = bench.provision(grown, "secrets")[f"secrets {bench.name('api')}"]
    assert isinstance(failed, Failed)
    assert bench.document("api") == {"a": "small", "b": "small"}
    assert bench.calls()["PutSecretValue"] == 0


def test_an_empty_value_is_never_sent(bench: Bench) -> None:
    bench.files["none"] = ""
    spec = bench.spec(bench.declared("api", "${file:none}"))
    bench.reset_calls()
    failed = bench.provision(spec, "secrets")[f"secrets {bench.name('api')}"]
    assert isinstance(failed, Failed)
    assert "the value is empty" in str(failed.error)
    assert bench.calls()["CreateSecret"] == 0
