"""What botocore's models have of Secrets Manager, KMS and IAM, against the classes of the product."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from secrets_pipeline.rotation.events.names import KEY_CALLS, SECRET_CALLS
from tests.aws.models.places import definition
from tests.aws.product_calls import called_by_service, operations_of

CLASSES: dict[str, Any] = tomllib.loads(Path(__file__).with_name("classes.toml").read_text())
WATCHED = {"secretsmanager": SECRET_CALLS, "kms": KEY_CALLS}
ANSWERS = sorted(name for name in CLASSES if "." in name)


def read_in(answer: str) -> list[tuple[str, str]]:
    """The members of an answer that are read: (place in the product, member)."""
    return [(place, name) for place, names in CLASSES[answer]["read"].items() for name in names]


def quoted_at(place: str) -> set[str]:
    """The texts that a function or class of the product holds."""
    nodes = ast.walk(definition(place))
    return {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def members_of(shape: Any, within: str = "") -> Iterator[str]:  # noqa: ANN401 - botocore has no types
    """The members of a structure, with those of the structures in them: `Tags`, `Tags.Key`."""
    if shape.type_name == "list":
        yield from members_of(shape.member, within)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            yield within + name
            yield from members_of(member, f"{within}{name}.")


def irrelevant(name: str) -> dict[str, str]:
    return dict(CLASSES[name].get("irrelevant", {}))


@pytest.mark.parametrize("service", sorted(WATCHED))
def test_each_operation_is_called_watched_or_irrelevant(service: str) -> None:
    classes = CLASSES[service]
    assert set(classes["called"]) | set(classes["watched"]) | set(irrelevant(service)) == set(operations_of(service))
    assert set(classes["called"]) == called_by_service()[service]
    assert set(classes["watched"]) == set(WATCHED[service])
    assert not set(irrelevant(service)) & {*classes["called"], *classes["watched"]}


@pytest.mark.parametrize("answer", ANSWERS)
def test_each_member_of_an_answer_is_read_or_irrelevant(answer: str) -> None:
    service, _, operation = answer.partition(".")
    shape = botocore.session.Session().get_service_model(service).operation_model(operation).output_shape
    members, read, patterns = set(members_of(shape)), {name for _, name in read_in(answer)}, irrelevant(answer)
    assert read <= members
    assert {one for one in members - read if not any(fnmatchcase(one, pattern) for pattern in patterns)} == set()
    assert {pattern for pattern in patterns if not any(fnmatchcase(one, pattern) for one in members - read)} == set()
    assert [one for one in read_in(answer) if one[1].rpartition(".")[2] not in quoted_at(one[0])] == []


def test_whatever_is_irrelevant_has_its_reason() -> None:
    assert [name for one in CLASSES for name, reason in irrelevant(one).items() if len(reason) < 10] == []
