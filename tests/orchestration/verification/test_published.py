"""What an evaluation means for published secrets: which of them it holds back."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.orchestration.shared.publish import NOTHING, Publish
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.verification.published import HELD, said_of_published
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict
from tests.orchestration.conftest import Repository

TOKEN, OTHER, RENDERED = (f"shop/dev/{name}" for name in ("token", "other", "rendered"))
WRONG, WAITING = Verdict.WRONG, Verdict.WAITING


@pytest.fixture
def repository(repository: Repository) -> Repository:
    place = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333", "context_name": "shop"}
    secrets: dict[str, Any] = {
        "token": {"generate_random_password": True},
        "other": {"generate_random_password": True},
        "rendered": {"secret_data": "x${output.secretsmanager.generated_passwords.token}"},
    }
    repository.tree = {"a": {"secretsmanager": {**place, "secrets": secrets}}}
    return repository


def held(repository: Repository, *findings: Finding, publish: Publish = Publish(("*",)), values: bool) -> Any:  # noqa: ANN401, B008 - JSON; it is frozen
    folder = repository.desired().base_path

    stacks = Stacks(folder, Sessions(), ApplyOptions(), folder, desired=repository.desired(), publish=publish)
    return said_of_published(stacks, "a", findings, judges_values=values, tells_versions=False).get(HELD)


def test_what_is_wrong_with_a_value_holds_what_is_rendered_from_it_too(repository: Repository) -> None:
    wrong = Finding(TOKEN, WRONG, "refused", reason_type=Cause.LOGIN_REFUSED)
    assert held(repository, wrong, values=True) == [RENDERED, TOKEN]
    # Who else can read it says nothing of a copy.
    assert held(repository, wrong, values=False) == [TOKEN]


def test_a_warning_holds_a_secret_if_it_is_about_the_value(repository: Repository) -> None:
    waits = Finding(OTHER, WAITING, "waits for its database", reason_type=Cause.WAITS)
    assert held(repository, waits, values=True) == [OTHER]
    assert held(repository, waits, values=False) == []


@pytest.mark.parametrize("cause", [Cause.LOGINS_OFF, Cause.ENGINE_NOT_SUPPORTED])
def test_a_login_that_is_never_tried_is_not_waited_for(repository: Repository, cause: Cause) -> None:
    assert held(repository, Finding(OTHER, WAITING, "no login", reason_type=cause), values=True) == []


def test_what_is_right_and_what_is_not_published_is_not_held(repository: Repository) -> None:
    findings = [Finding(TOKEN, WRONG, "refused"), Finding(OTHER, Verdict.RIGHT, "fine")]
    assert held(repository, *findings, publish=Publish(("*/other",)), values=True) == []
    assert held(repository, *findings, publish=NOTHING, values=True) is None


def test_of_a_stack_with_errors_nobody_can_tell_whom_it_holds(repository: Repository) -> None:
    repository.tree["a"]["secretsmanager"]["secrets"]["token"] = {"no_such_key": True}
    assert held(repository, Finding("a", WRONG, "cannot be read"), values=True) is None
