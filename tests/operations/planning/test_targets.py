"""What --target names, and what that needs, in the example repository; no call is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.planning.targets import Targets, targets_of

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def prod() -> StackSpec:
    """A stack with a database, rotation, a connection secret and consumers."""
    return open_repository(EXAMPLES, settings=load_settings(EXAMPLES / "operator.yaml")).specs["myapp-prod"]


def found(spec: StackSpec, *globs: str) -> Targets:
    targets = Targets.of(spec, globs)
    assert targets is not None
    return targets


def change(kind: str, name: str, *, note: bool = False) -> Change:
    return Change(Resource(kind, name), ChangeClass.UPDATE, note=note)


def test_a_connection_needs_its_key_its_credentials_their_function_and_its_database(prod: StackSpec) -> None:
    targets = found(prod, "myapp/prod/database/connection")
    (database,) = prod.databases
    assert prod.rotation_function is not None
    assert targets.names == {
        "myapp/prod/database/connection",
        "myapp/prod/database/credentials",
        "alias/myapp-prod",
        database.identifier,
        prod.rotation_function.name,
    }


def test_a_secret_that_needs_nothing_else_takes_its_key_alone(prod: StackSpec) -> None:
    assert found(prod, "alias/myapp-prod").names == {"alias/myapp-prod"}


def test_who_reads_secrets_takes_them_along(prod: StackSpec) -> None:
    delivery = next(one for one in prod.deliveries if one.kind == "ecs")
    assert {name for name in found(prod, delivery.name).names if name.startswith("myapp/prod/")}


def test_what_notes_what_is_so_is_made_and_marks_and_changes_of_others_are_not(prod: StackSpec) -> None:
    targets = found(prod, "alias/myapp-prod")
    assert targets.refusal("kms_keys", change("kms-key", "alias/myapp-prod")) is None
    assert targets.refusal("consumer_arns", change("outputs", "/x/secret_arns", note=True)) is None
    assert targets.refusal("stack_report", change("commit", "myapp/prod/api/api-key", note=True))
    assert targets.refusal("secrets", change("secret", "myapp/prod/api/api-key"))
    assert targets.refusal("rotation_event_queue", change("queue", "events"))


def test_the_queue_of_events_is_made_before_anything_rotates(prod: StackSpec) -> None:
    rotating = next(secret for secret in prod.secrets if secret.rotation)
    assert found(prod, rotating.name).refusal("rotation_event_queue", change("queue", "events")) is None


def test_stacks_in_which_nothing_is_named_are_left_out_and_a_name_of_nothing_is_an_error(prod: StackSpec) -> None:
    empty = StackSpec(stack="empty", target=prod.target)
    assert targets_of([prod, empty], ["alias/*"]).keys() == {"myapp-prod"}
    with pytest.raises(SpecError, match="alias/myap-prod: nothing that these stacks declare") as raised:
        targets_of([prod, empty], ["alias/*", "alias/myap-prod"])
    assert "alias/myapp-prod" in raised.value.remedy
