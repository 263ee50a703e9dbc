"""Which secrets of a stack a finding speaks of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.spoken_of import SpokenOf
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.stacks import SourceChoice

PLACE = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333", "context_name": "shop"}
OWNER, CONNECTION, URL, TOKEN = (f"shop/dev/{name}" for name in ("owner", "connection", "url", "token"))
DATABASE: dict[str, Any] = {
    **PLACE,
    "identifier": "shop-db",
    "engine": "postgres",
    "db_name": "orders",
    "username": "owner",
    "password": "${output.secretsmanager.generated_passwords.owner}",
}
SECRETS = {
    "owner": {"generate_random_password": True},
    "connection": {
        "secret_data": {
            "host": "${output.rds.address}",
            "password": "${output.secretsmanager.generated_passwords.owner}",
        }
    },
    "url": {"secret_data": "postgres://${output.rds.address}"},
    "token": {"generate_random_password": True, "kms_key_id": "${output.kms.key_arn}"},
}
KEY = {**PLACE, "alias": "alias/shop-dev"}


@pytest.fixture
def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpokenOf:
    (tmp_path / "operator.yaml").write_text('grants: [{stacks: "*", preset: single-team}]\n')
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    components = {"secretsmanager": {**PLACE, "secrets": SECRETS}, "rds": DATABASE, "kms": KEY}
    described = {"a-dev": {"components": {"terraform": {name: {"vars": found} for name, found in components.items()}}}}
    file = tmp_path / "description.json"
    file.write_text(json.dumps(described))
    repository = open_repository(tmp_path, origin=SourceChoice(str(file)))
    assert not repository.errors
    return SpokenOf(repository.specs["a-dev"])


def finding(name: str, **columns: str) -> Finding:
    return Finding(name, Verdict.WRONG, "it is", columns)


def test_a_secret_is_spoken_of_by_its_name_and_in_the_column_of_what_is_about_its_reader(spoken: SpokenOf) -> None:
    assert spoken.of(finding(TOKEN)) == {TOKEN}
    assert spoken.of(finding("ecs orders", secret=TOKEN, principal="arn:aws:iam::111122223333:role/orders")) == {TOKEN}


def test_a_database_speaks_of_its_password_and_of_whatever_says_where_it_is(spoken: SpokenOf) -> None:
    assert spoken.of(finding("shop-db")) == {OWNER, CONNECTION, URL}
    assert spoken.of(finding("database shop-db", database="shop-db")) == {OWNER, CONNECTION, URL}


def test_a_key_speaks_of_what_it_encrypts(spoken: SpokenOf) -> None:
    assert spoken.of(finding("alias/shop-dev")) == {TOKEN}


def test_a_stack_speaks_of_all_its_secrets_and_a_stranger_of_none(spoken: SpokenOf) -> None:
    assert spoken.of(finding("a-dev")) == {OWNER, CONNECTION, URL, TOKEN}
    assert spoken.of(finding("administrators")) == set()


def test_a_value_is_rendered_from_others(spoken: SpokenOf) -> None:
    assert spoken.with_rendered([OWNER]) == {OWNER, CONNECTION}
    assert spoken.with_rendered([TOKEN]) == {TOKEN}
