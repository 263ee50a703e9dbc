"""The simulation can fail: each rule of the product, broken on purpose, is caught."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from secrets_pipeline.engine import ChangeClass
from secrets_pipeline.reconcilers.commit import CommitReconciler
from secrets_pipeline.reconcilers.database_endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.inventory import Inventory
from secrets_pipeline.reconcilers.ownership import Claim
from secrets_pipeline.reconcilers.secret import SecretReconciler
from secrets_pipeline.reconcilers.states import SecretState
from secrets_pipeline.reconcilers.value_writer import ValueWriter
from secrets_pipeline.spec import DatabaseSpec, SecretSpec

from . import simulation
from .cloud import Cloud

MOST = 1000

Break = Callable[[pytest.MonkeyPatch], None]


def commit_mark_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulation, "ORDER", ("commit", *simulation.STAGES))
    patch.setattr(CommitReconciler, "_open", lambda _self, _secret: [])


def random_tokens(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ValueWriter, "token", lambda *_: secrets.token_hex(32))


def no_compare_and_swap(patch: pytest.MonkeyPatch) -> None:
    """AWSCURRENT is moved from whichever version holds it."""
    call = Cloud.call

    def anyway(self: Cloud, caller: str, service: str, operation: str, params: Mapping[str, Any], **more: Any) -> Any:
        if operation == "UpdateSecretVersionStage" and caller.startswith("apply"):
            secret = self.secret(params["SecretId"])
            holder = secret.staged(params["VersionStage"]) if secret else None
            params = {**params, "RemoveFromVersionId": holder.id if holder else params["RemoveFromVersionId"]}
        return call(self, caller, service, operation, params, **more)

    patch.setattr(Cloud, "call", anyway)


def no_version_named(patch: pytest.MonkeyPatch) -> None:
    """UpdateSecretVersionStage is sent without RemoveFromVersionId."""
    call = Cloud.call

    def without(self: Cloud, caller: str, service: str, operation: str, params: Mapping[str, Any], **more: Any) -> Any:
        if operation == "UpdateSecretVersionStage" and caller.startswith("apply"):
            params = {name: value for name, value in params.items() if name != "RemoveFromVersionId"}
        return call(self, caller, service, operation, params, **more)

    patch.setattr(Cloud, "call", without)


def list_is_trusted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Inventory, "confirm", Inventory.secret)


def password_set_in_spite_of_rotation(patch: pytest.MonkeyPatch) -> None:
    def anyway(self: DatabaseEndpointReconciler, database: DatabaseSpec, _secret: SecretState) -> None:
        password: Any = self._password(database)
        self._context.account.client("rds").modify_db_instance(
            DBInstanceIdentifier=database.identifier,
            MasterUserPassword=password.value.get_secret_value(),
            ApplyImmediately=True,
        )
        self._context.inventory.forget_databases()

    patch.setattr(DatabaseEndpointReconciler, "_set_password", anyway)


def every_secret_is_ours(patch: pytest.MonkeyPatch) -> None:
    """Marks are not verified."""
    claim = SecretReconciler._claim

    def ours(self: SecretReconciler, state: SecretState | None, secret: SecretSpec) -> Claim:
        return claim(self, None, secret) if state is None else (ChangeClass.NONE, "")

    patch.setattr(SecretReconciler, "_claim", ours)


BROKEN: tuple[Break, ...] = (
    commit_mark_first,
    random_tokens,
    no_compare_and_swap,
    no_version_named,
    list_is_trusted,
    password_set_in_spite_of_rotation,
    every_secret_is_ours,
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_rule_is_caught(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        broken(patch)
        caught = next((seed for seed in range(MOST) if simulation.run(seed).violations), None)
    assert caught is not None
    assert simulation.run(caught).violations == ()
