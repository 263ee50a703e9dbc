"""The pace of the running embedded AWS: what is set by hand, what AWS usually takes, what is drawn from a seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.emulator import LocalAws, Pace, Profile, reset_conditions, set_pace
from secrets_pipeline.emulator.control.delays import DELAYS, LASTING, UNSEEN
from secrets_pipeline.emulator.control.pace import PACE_PATH
from secrets_pipeline.emulator.handle.endpoint import ask
from secrets_pipeline.errors import LocalError

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients, Refused

PRINCIPAL = "CreateRole to policies that name the role"


def test_the_pace_ends_with_all_other_conditions(aws: LocalAws, clients: Clients, refused: Refused, name: str) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    nobody = {"AWS": "arn:aws:iam::111122223333:role/nobody"}
    statement = {"Effect": "Allow", "Principal": nobody, "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    set_pace(aws, Pace(seconds={PRINCIPAL: 0}))
    with refused("MalformedPolicyDocumentException"):
        clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy)
    reset_conditions(aws)
    clients.secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy)
    assert Pace(**ask(aws, "GET", PACE_PATH)) == Pace()


@pytest.mark.parametrize("seconds", [{"database creating": -1}, {"database on the moon": 1}])
def test_what_no_delay_can_be_is_refused_on_both_sides(aws: LocalAws, seconds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="database"):
        Pace(seconds=seconds)
    with pytest.raises(LocalError):
        ask(aws, "PUT", PACE_PATH, {"seconds": seconds})
    assert Pace(**ask(aws, "GET", PACE_PATH)) == Pace()


def test_each_delay_has_a_name_of_its_own_a_source_and_bounds() -> None:
    assert len({*LASTING, *(row.delay for row in UNSEEN)}) == len(DELAYS)
    for delay in DELAYS.values():
        assert 0 <= delay.usual <= delay.most
        assert delay.source.startswith("https://")


def test_a_draw_depends_on_the_seed_and_on_whom_it_is_about_alone() -> None:
    delay = DELAYS["database creating"]

    def drawn(seed: int, subject: str) -> float:
        return Pace(Profile.DRAWN, seed).of(delay, subject)

    assert drawn(1, "orders") == drawn(1, "orders") != drawn(2, "orders")
    assert drawn(1, "orders") != drawn(1, "shop")
    draws = [drawn(seed, "orders") for seed in range(200)]
    assert 0 <= min(draws) < delay.usual < max(draws) <= delay.most
    assert Pace(Profile.AWS).of(delay, "orders") == delay.usual
    assert Pace().of(delay, "orders") == 0
