"""A stack that lacks a grant is shown, and is nothing that AWS may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.boundary import Boundary, Crossing
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.desired.shown import missing_grants, refuse_ungranted
from secrets_pipeline.errors import CollectedErrors, NotGrantedError
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.repository import Repository
from secrets_pipeline.reconcilers.run import Run

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

HERE = TargetRule(stacks="*", account_id="111122223333", region="eu-west-2")
PROD = """
vars: {context_name: app, environment: prod}
components:
  terraform:
    secretsmanager/a: {vars: {secrets: {s: {generate_random_password: true}}}}
"""
EVIL = PROD.replace("secrets: {s:", "secrets: {other: {full_name: evil/dev/x, value: external}, s:")


@pytest.fixture
def cautious(bench: Bench) -> Bench:
    bench.settings = OperatorSettings(targets=(HERE,))
    return bench


def test_it_is_shown_whole_and_counts_as_a_stack_with_errors(cautious: Bench) -> None:
    built = cautious.build(**{"evil-dev": EVIL})
    assert not built.specs
    assert {type(one) for one in built.errors["evil-dev"]} == {NotGrantedError}
    declared = built.shown["evil-dev"].declared
    assert [secret.name for secret in declared.secrets] == ["evil/dev/x", "app/prod/s"]
    assert {one.subjects: one.needs_grant for one in missing_grants(declared)} == {
        ("evil/dev/x",): '- {stacks: "evil-dev", secrets: ["evil/dev/x"]}',
        ("app/prod/s",): '- {stacks: "evil-dev", secrets: ["app/prod/*"]}',
    }


def test_it_has_no_say_in_what_other_stacks_declare(cautious: Bench) -> None:
    alone, beside = cautious.build(**{"app-prod": PROD}), cautious.build(**{"app-prod": PROD, "evil-dev": EVIL})
    assert beside.specs["app-prod"] == alone.specs["app-prod"]
    assert not beside.specs["app-prod"].contested


def test_with_an_error_of_its_own_it_is_not_shown(cautious: Bench) -> None:
    built = cautious.build(**{"evil-dev": EVIL.replace("value: external", "value: external, no_such_key: 1")})
    assert not built.shown
    assert len(built.errors["evil-dev"]) == 3


def test_a_spec_that_lacks_a_grant_is_refused_wherever_a_stack_is_opened(cautious: Bench) -> None:
    """The second lock: nobody hands such a spec over, and whoever did would be refused before a session is made."""
    spec = cautious.build(**{"evil-dev": EVIL}).shown["evil-dev"].declared

    def unreachable(*_: object) -> object:
        raise AssertionError

    sessions = Sessions()
    sessions.for_target = unreachable  # type: ignore[method-assign,assignment] # AWS must not be asked
    nothing: Any = unreachable
    repository = Repository({"evil-dev": spec}, nothing, nothing, nothing, nothing)
    with pytest.raises(CollectedErrors, match="no grant of the operator names secret name evil/dev/x"):
        Assembly(repository, sessions, Run(OperatorSettings())).stack("evil-dev")


def test_every_missing_grant_is_said(cautious: Bench) -> None:
    spec = cautious.build(**{"app-prod": PROD}).specs["app-prod"]
    refuse_ungranted(spec)
    crossings = tuple(
        Crossing(boundary=Boundary.FILE, name=name, component="a", key="k", needs_grant=f"- {{files: [{name}]}}")
        for name in ("x", "y")
    )
    with pytest.raises(CollectedErrors) as raised:
        refuse_ungranted(spec.model_copy(update={"crossings": crossings}))
    texts = [error.diagnostics() for error in raised.value.errors]
    assert all(f"- {{files: [{name}]}}" in text for name, text in zip("xy", texts, strict=True))
