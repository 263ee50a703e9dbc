"""What deploy/compose.yaml and deploy/Dockerfile say, for whoever starts the services without Docker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
POSTGRES: Final = "postgres"
_INSTRUCTION: Final = re.compile(r"^ENV (.*?[^\\])$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Service:
    """A service of the file.

    Attributes:
        command: with its entrypoint in front; empty where the image says it.
        check: tells by its exit code whether the service is healthy.
    """

    name: str
    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    check: Sequence[str]
    needs: Sequence[str]


def services() -> dict[str, Service]:
    """The services in an order in which each comes after those that it needs."""
    document: Any = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    declared = {name: _service(name, one) for name, one in document["services"].items()}
    ordered: dict[str, Service] = {}
    while len(ordered) < len(declared):
        ready = [one for name, one in declared.items() if name not in ordered and set(one.needs) <= ordered.keys()]
        assert ready, "services wait for each other"
        ordered |= {one.name: one for one in ready}
    return ordered


def image_environment() -> dict[str, str]:
    """The variables of the image; a build argument is empty."""
    return dict(_variables((DEPLOY / "Dockerfile").read_text()))


def _variables(dockerfile: str) -> Iterator[tuple[str, str]]:
    for found in _INSTRUCTION.finditer(dockerfile):
        for word in found[1].replace("\\\n", " ").split():
            name, _, value = word.partition("=")
            yield name, re.sub(r"\$\{\w+\}", "", value)


def _service(name: str, one: Mapping[str, Any]) -> Service:
    (kind, *check) = one["healthcheck"]["test"]
    assert kind == "CMD"
    return Service(
        name,
        one["image"],
        tuple(word.replace("$$", "$") for word in (*one.get("entrypoint", ()), *one.get("command", ()))),
        {key: str(value) for key, value in one.get("environment", {}).items()},
        tuple(check),
        tuple(one.get("depends_on", ())),
    )
