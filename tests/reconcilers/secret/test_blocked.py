"""A secret with a reference that nobody can resolve: nothing about it is written, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secrets_pipeline.desired.unresolved import Unresolved, UnresolvedReason
from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.secret_value.checks import current_values
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from tests.bench import said

if TYPE_CHECKING:
    from tests.bench import Bench

PROBLEM = "component kms does not exist"
NOWHERE = Unresolved(
    expression="${output.kms.key_id}",
    key="vars.secrets.api.kms_key_id",
    reason=UnresolvedReason.COMPONENT,
    problem=PROBLEM,
    remedy="Components: rds.",
    where="stacks/dev.yaml:7",
)


def _without_dates(described: Mapping[str, Any]) -> dict[str, Any]:
    """What DescribeSecret says, but for what reading it changes."""
    return {key: value for key, value in described.items() if key not in ("LastAccessedDate", "ResponseMetadata")}


def test_a_blocked_secret_is_not_made_and_the_others_are(bench: Bench) -> None:
    spec = bench.spec(
        bench.declared("api", "text", unresolved=(NOWHERE,)),
        bench.generated("token", unresolved=(NOWHERE,)),
        bench.generated("password"),
    )
    change = bench.plan(spec)[bench.name("api")]
    assert (change.action, said(change)) == (ChangeClass.BLOCKED, (PROBLEM,))
    settled = bench.provision(spec)
    assert isinstance(settled[f"secrets {bench.name('password')}"], Applied)
    for key in ("api", "token"):
        outcomes = {stage.split()[0]: one for stage, one in settled.items() if stage.endswith(f" {bench.name(key)}")}
        assert {stage: type(one) for stage, one in outcomes.items()} == {"secrets": Skipped}
    assert {one["Name"] for one in bench.secrets.list_secrets()["SecretList"] if bench.stack in one["Name"]} == {
        bench.name("password")
    }
    assert not generate_passwords(bench.context(spec)).refs


def test_a_secret_that_exists_stays_as_it_is_while_it_is_blocked(bench: Bench) -> None:
    bench.create(bench.declared("api", "before"))
    version = bench.current("api")
    blocked = bench.spec(
        bench.declared("api", "after", description="after", tags={"a": "b"}, unresolved=(NOWHERE,)),
    )
    before = _without_dates(bench.describe("api"))
    bench.provision(blocked, options=ApplyOptions(prune=True))
    after = _without_dates(bench.describe("api"))
    assert (bench.value("api"), bench.current("api")) == ("before", version)
    assert after == before


def test_a_blocked_secret_is_no_orphan_and_a_check_says_why_it_waits(bench: Bench) -> None:
    bench.create(bench.declared("api", "before"))
    blocked = bench.spec(bench.declared("api", "after", unresolved=(NOWHERE,)))
    plan = bench.plan(blocked)
    assert {change.action for change in plan.values()} == {ChangeClass.BLOCKED}
    (finding,) = current_values(bench.context(blocked), connections=False)
    assert (finding.verdict, finding.detail) == (Verdict.WAITING, PROBLEM)


def test_what_is_mended_goes_on(bench: Bench) -> None:
    bench.provision(bench.spec(bench.declared("api", "text", unresolved=(NOWHERE,))))
    bench.create(bench.declared("api", "text"))
    assert bench.value("api") == "text"
