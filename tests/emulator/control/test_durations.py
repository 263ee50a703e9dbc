"""Durations are set in the running embedded AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.emulator import Durations, LocalAws, reset_conditions, set_durations
from secrets_pipeline.emulator.control.durations import DURATIONS_PATH
from secrets_pipeline.emulator.handle.endpoint import ask
from secrets_pipeline.errors import LocalError

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients, Refused


def test_durations_end_with_all_other_conditions(aws: LocalAws, clients: Clients, refused: Refused, name: str) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    nobody = {"AWS": "arn:aws:iam::111122223333:role/nobody"}
    statement = {"Effect": "Allow", "Principal": nobody, "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    set_durations(aws, Durations(principal_seconds=0))
    with refused("MalformedPolicyDocumentException"):
        clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy)
    reset_conditions(aws)
    clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy)
    assert Durations(**ask(aws, "GET", DURATIONS_PATH)) == Durations()


@pytest.mark.parametrize("name", ["creating_seconds", "replicating_seconds", "principal_seconds"])
def test_a_negative_duration_is_refused_on_both_sides(aws: LocalAws, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=-1"):
        Durations(**{name: -1})
    with pytest.raises(LocalError):
        ask(aws, "PUT", DURATIONS_PATH, {name: -1})
    assert Durations(**ask(aws, "GET", DURATIONS_PATH)) == Durations()
