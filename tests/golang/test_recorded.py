"""What Go printed stays as Go printed it: no test is made green by editing a recorded answer.

Each file is made by the Go program beside it, which no test runs: how is said in template/test_golden.py,
template/functions/cases.py and yaml/data/yaml_v3.go. Whoever records one anew writes its SHA-256 here, and a reviewer
sees both change.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

RECORDED = {
    "template/golden.json": "db0360add8f19c67a252889566fe2b1e2488c8e453fb7848e85bb57e00943c78",
    "template/functions/golden.json": "c477c328e4bda878b0c8d32326b462cd374f03a0cc210fac80fcbb974062dfba",
    "template/functions/yaml_golden.json": "3a4cf12e242fb124314ccc19318cce716c811e011c224a4e34217900d5ab3ad6",
    "yaml/data/yaml_v3.jsonl": "4fcab7d5f01bf49f0f407142435f2dc7a8ef28c1fd565868c9893ecf833a8564",
}


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_recorded_answer_is_the_one_that_was_recorded(name: str) -> None:
    assert hashlib.sha256((Path(__file__).parent / name).read_bytes()).hexdigest() == RECORDED[name]
