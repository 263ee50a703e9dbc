"""The product's rules, each broken on purpose: what the simulation is worth is what it catches.

A rule stays broken for as long as the `MonkeyPatch` that is given.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from secrets_pipeline.reconcilers.database_password import DatabasePassword
from secrets_pipeline.reconcilers.initial_value import InitialValue
from secrets_pipeline.reconcilers.inventory import Inventory
from secrets_pipeline.reconcilers.value_writer import ValueWriter

from .cloud import Cloud

Break = Callable[[pytest.MonkeyPatch], None]


def commit_mark_first(patch: pytest.MonkeyPatch) -> None:
    """The mark is written as soon as there is a secret, whatever is still open."""
    patch.setattr(_module("commit"), "_open_parts", lambda *_: [])


def no_take(patch: pytest.MonkeyPatch) -> None:
    """Policy and rotation are changed under a mark that vouches for how they were."""
    for module in ("secret_policy", "rotation"):
        patch.setattr(_module(module), "take", lambda _context, state, _part: state)


def no_last_look(patch: pytest.MonkeyPatch) -> None:
    """The mark is written without looking whether another run was there."""
    patch.setattr(_module("commit"), "_room_for_a_look", lambda *_: False)


def random_tokens(patch: pytest.MonkeyPatch) -> None:
    """Every run has version ids of its own: what a killed one wrote is not known again."""
    token = ValueWriter.token

    def salted(self: ValueWriter, secret: str, replaced: str | None, intent: str, *value: SecretStr) -> str:
        return token(self, secret, replaced, f"{intent} {self._context.world.run}", *value)

    patch.setattr(ValueWriter, "token", salted)


def no_compare_and_swap(patch: pytest.MonkeyPatch) -> None:
    """AWSCURRENT is moved from whichever version holds it."""

    def anyway(cloud: Cloud, params: Mapping[str, Any]) -> Mapping[str, Any]:
        secret = cloud.secret(params["SecretId"])
        holder = secret.staged(params["VersionStage"]) if secret else None
        return {**params, "RemoveFromVersionId": holder.id} if holder else params

    _move_labels(patch, anyway)


def no_version_named(patch: pytest.MonkeyPatch) -> None:
    """UpdateSecretVersionStage is sent without RemoveFromVersionId."""
    _move_labels(
        patch, lambda _cloud, params: {name: one for name, one in params.items() if name != "RemoveFromVersionId"}
    )


def list_is_trusted(patch: pytest.MonkeyPatch) -> None:
    """What a list shows is written to without DescribeSecret."""
    patch.setattr(Inventory, "confirm", Inventory.secret)
    patch.setattr(Inventory, "confirm_again", Inventory.secret)


def password_set_in_spite_of_rotation(patch: pytest.MonkeyPatch) -> None:
    """A password that the database refuses is set, whoever wrote it."""
    patch.setattr(_module("database_endpoint"), "not_ours", lambda *_: "")
    patch.setattr(DatabasePassword, "set", lambda self, _state, _tried, password: self._modify(password))


def marks_are_not_verified(patch: pytest.MonkeyPatch) -> None:
    """Whoever copies our tags is us."""
    patch.setattr(_module("marks"), "same_text", lambda *_: True)


def a_value_is_told(patch: pytest.MonkeyPatch) -> None:
    """An outcome says what was stored."""
    writes = _module("secret_writes")
    silent = writes.initial_value

    def telling(*args: object) -> object:
        initial = silent(*args)
        return replace(initial, described=initial.value.get_secret_value()) if _is_value(initial) else initial

    patch.setattr(writes, "initial_value", telling)


BROKEN: Mapping[str, Break] = {
    rule.__name__: rule
    for rule in (
        commit_mark_first,
        no_take,
        no_last_look,
        random_tokens,
        no_compare_and_swap,
        no_version_named,
        list_is_trusted,
        password_set_in_spite_of_rotation,
        marks_are_not_verified,
        a_value_is_told,
    )
}


def _module(name: str) -> Any:  # noqa: ANN401 - a module
    # The package hides some of its modules behind functions of their names.
    return importlib.import_module(f"secrets_pipeline.reconcilers.{name}")


def _is_value(initial: object) -> bool:
    return isinstance(initial, InitialValue)


def _move_labels(patch: pytest.MonkeyPatch, change: Callable[[Cloud, Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Let applies send other parameters to UpdateSecretVersionStage."""
    call = Cloud.call

    def changed(
        self: Cloud, caller: str, service: str, operation: str, params: Mapping[str, Any], *, lag: int = 0
    ) -> dict[str, Any]:
        if operation == "UpdateSecretVersionStage" and caller.startswith("apply"):
            params = change(self, params)
        return call(self, caller, service, operation, params, lag=lag)

    patch.setattr(Cloud, "call", changed)
