"""The product's rules, each broken on purpose: what the simulation is worth is what it catches.

A rule stays broken for as long as the `MonkeyPatch` that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from pydantic import SecretStr

from secrets_pipeline.operations import concerned_stacks
from secrets_pipeline.operations.verdict import Concern
from secrets_pipeline.orchestration.rotation import event_runs
from secrets_pipeline.orchestration.rotation.event_runs import Decided, Dispatcher
from secrets_pipeline.orchestration.shared.run_requests import events_of, run_request
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler
from secrets_pipeline.reconcilers.database import endpoint
from secrets_pipeline.reconcilers.database.password import DatabasePassword
from secrets_pipeline.reconcilers.marks import mac
from secrets_pipeline.reconcilers.observed.secrets import Secrets
from secrets_pipeline.reconcilers.observed.tags import surplus_tags
from secrets_pipeline.reconcilers.replica import plan as replica_plan
from secrets_pipeline.reconcilers.replica import reconciler as replica
from secrets_pipeline.reconcilers.secret import apply as secret_apply
from secrets_pipeline.reconcilers.secret import tags as secret_tags
from secrets_pipeline.reconcilers.secret_mark import reconciler as secret_mark
from secrets_pipeline.reconcilers.secret_policy import reconciler as secret_policy
from secrets_pipeline.reconcilers.secret_rotation import reconciler as secret_rotation
from secrets_pipeline.reconcilers.secret_value.initial import InitialValue, initial_value
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.rotation.events.hints import Hint
from secrets_pipeline.rotation.events.queue import Message
from secrets_pipeline.rotation_lambda import handler
from secrets_pipeline.rotation_lambda.secret_versions import Versions
from tests.simulation.cloud import Cloud

Break = Callable[[pytest.MonkeyPatch], None]


def commit_mark_first(patch: pytest.MonkeyPatch) -> None:
    """The mark is written as soon as there is a secret, whatever is still open."""
    patch.setattr(secret_mark, "_open_parts", lambda *_: [])


def tags_of_others_are_ours(patch: pytest.MonkeyPatch) -> None:
    """What the YAML does not name is taken away, whoever put it there."""
    for module in (secret_apply, secret_tags):
        patch.setattr(module, "left_tags", lambda _stack, state, secret: surplus_tags(state.tags, secret.tags))


def no_take(patch: pytest.MonkeyPatch) -> None:
    """Policy and rotation are changed under a mark that vouches for how they were."""
    for module in (secret_policy, secret_rotation):
        patch.setattr(module, "withdraw_digest", lambda _context, state, _part: state)


def random_tokens(patch: pytest.MonkeyPatch) -> None:
    """Every run has version ids of its own: what a killed one wrote is not known again."""
    token = ValueWriter.token

    def salted(self: ValueWriter, secret: str, replaced: str | None, intent: str, *value: SecretStr) -> str:
        return token(self, secret, replaced, f"{intent} {self._stack.run.id}", *value)

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
    patch.setattr(Secrets, "confirm", Secrets.get)
    patch.setattr(Secrets, "confirm_again", Secrets.get)


def password_set_in_spite_of_rotation(patch: pytest.MonkeyPatch) -> None:
    """A password that the database refuses is set, whoever wrote it."""
    patch.setattr(endpoint, "not_ours", lambda *_: "")
    patch.setattr(DatabasePassword, "set", lambda self, _state, _tried, password: self._modify(password))


def marks_are_not_verified(patch: pytest.MonkeyPatch) -> None:
    """Whoever copies our tags is us."""
    patch.setattr(mac, "same_text", lambda *_: True)


def a_value_is_told(patch: pytest.MonkeyPatch) -> None:
    """An outcome says what was stored."""

    def telling(*args: Any) -> InitialValue | Pending:  # noqa: ANN401 - those of the function that it stands for
        initial = initial_value(*args)
        if isinstance(initial, InitialValue) and initial.value is not None:
            return replace(initial, described=str(initial.value.get_secret_value()))
        return initial

    patch.setattr(secret_apply, "initial_value", telling)


# in rotation


def finished_before_it_is_set(patch: pytest.MonkeyPatch) -> None:
    """The function makes the new password current first, and sets it in the database then."""
    steps = dict(handler._STEPS)

    def both(versions: Versions, described: Mapping[str, Any]) -> str:
        steps["finishSecret"](versions, described)
        return steps["setSecret"](versions, described)

    patch.setattr(handler, "_STEPS", {**steps, "setSecret": both})


def rotation_in_progress_is_cancelled(patch: pytest.MonkeyPatch) -> None:
    """What left the YAML is cancelled, whatever is under way."""
    patch.setattr(secret_rotation, "after_rotation", lambda _stack, state, _remedy: state)


# in events


def message_is_deleted_at_once(patch: pytest.MonkeyPatch) -> None:
    """A message is deleted when its run is asked for, not when it exists."""
    decide = Dispatcher.decide

    def deleting(self: Dispatcher, messages: Sequence[Message]) -> Decided:
        decided = decide(self, messages)
        events = {event for request in decided.requests for event in events_of(request.tags)}
        asked = [one for one in messages if any(event in one.body for event in events)]
        return replace(decided, done=[*decided.done, *(one for one in asked if one not in decided.done)])

    patch.setattr(Dispatcher, "decide", deleting)


def duplicate_is_not_known(patch: pytest.MonkeyPatch) -> None:
    """An event that comes again is another one: it is done with, and gets a run of its own."""
    message_is_deleted_at_once(patch)
    patch.setattr(Dispatcher, "_find_runs", lambda *_: None)
    numbers = count(1)

    def fresh(job: str, stack: str, *, key: str, **more: Any) -> object:  # noqa: ANN401 - as `run_request` takes them
        return run_request(job, stack, key=f"{key} {next(numbers)}", **more)

    patch.setattr(event_runs, "run_request", fresh)


def any_run_of_the_stack_covers(patch: pytest.MonkeyPatch) -> None:
    """An event is done with while a run of its stack is in progress, although that one began before it."""
    covered = Dispatcher._is_covered

    def by_any(self: Dispatcher, message: Message, hint: Hint, concerns: Sequence[Concern]) -> bool:
        made = [record.dagster_run for records in self._answering.values() for record in records]
        if made and any(not run.is_finished for run in made):
            return True
        return covered(self, message, hint, concerns)

    patch.setattr(Dispatcher, "_is_covered", by_any)


def every_version_is_ours(patch: pytest.MonkeyPatch) -> None:
    """A new version is taken for the pipeline's own whoever wrote it."""
    module = concerned_stacks
    patch.setattr(module, "is_own_write", lambda _account, state, version: version in state.versions)


def rollout_is_not_followed(patch: pytest.MonkeyPatch) -> None:
    """A run forgets the rollouts that have not ended when it does: nobody hears of those that fail."""
    patch.setattr(RefreshReconciler, "_note_in_flight", lambda *_: None)


# in replicas


def replicas_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """Replicas are taken for made, and for in step, by what the YAML says."""
    module = replica
    patch.setattr(module, "compare_replicas", lambda *_: replica_plan.ReplicaWork())


def added_region_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Which regions a secret was replicated to is not written down: they are never ours to remove."""
    patch.setattr(replica, "_tag_regions", lambda _context, state, **_: state)


BROKEN: Mapping[str, Break] = {
    rule.__name__: rule
    for rule in (
        commit_mark_first,
        tags_of_others_are_ours,
        no_take,
        random_tokens,
        no_compare_and_swap,
        no_version_named,
        list_is_trusted,
        password_set_in_spite_of_rotation,
        marks_are_not_verified,
        a_value_is_told,
        finished_before_it_is_set,
        rotation_in_progress_is_cancelled,
        message_is_deleted_at_once,
        duplicate_is_not_known,
        any_run_of_the_stack_covers,
        every_version_is_ours,
        rollout_is_not_followed,
        replicas_are_not_looked_at,
        added_region_is_forgotten,
    )
}


def _move_labels(patch: pytest.MonkeyPatch, change: Callable[[Cloud, Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Let applies send other parameters to UpdateSecretVersionStage."""
    call = Cloud.call

    def changed(
        self: Cloud,
        caller: str,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        **more: Any,  # noqa: ANN401 - as `Cloud.call` takes them
    ) -> dict[str, Any]:
        if operation == "UpdateSecretVersionStage" and caller.startswith("apply"):
            params = change(self, params)
        return call(self, caller, service, operation, params, **more)

    patch.setattr(Cloud, "call", changed)
