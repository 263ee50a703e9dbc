"""The lists that environments are made from: pinned, and each file that may be installed known by its hash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LISTS = Path(__file__).parents[1] / "requirements"
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ;.*?)? \\$", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    return {(found[1], found[2]) for found in PIN.finditer((LISTS / name).read_text())}


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("runtime.txt", 40),
        ("deploy.txt", 40),
        ("dev.txt", 40),
        ("build.txt", 3),
        ("backends-moto.txt", 40),
        ("backends-ministack.txt", 10),
    ],
)
def test_every_requirement_is_pinned_and_has_hashes(name: str, least: int) -> None:
    text = (LISTS / name).read_text()
    blocks = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(blocks) > least
    assert [one for one in blocks if not PIN.match(one) or not re.search(r"--hash=sha256:[0-9a-f]{64}", one)] == []


@pytest.mark.parametrize("name", ["runtime.txt", "deploy.txt", "build.txt", "backends-moto.txt"])
def test_every_list_names_the_versions_that_are_tested(name: str) -> None:
    shared = {found for found, _ in pins(name)}
    assert {pin for pin in pins("dev.txt") if pin[0] in shared} == pins(name)


def test_a_deployment_has_all_that_the_wheel_needs() -> None:
    assert pins("runtime.txt") < pins("deploy.txt")
