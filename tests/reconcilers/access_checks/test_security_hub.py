"""Security Hub's controls with each component's own parameters; who reads is told without the pipeline's own reads."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.access.controls.judging import CONTROLS
from secrets_pipeline.access.controls.model import Control
from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.verification.model import ControlParameters
from secrets_pipeline.emulator import StandInFunction, advance, stand_in
from secrets_pipeline.reconcilers.access_checks.checks import probe_agrees
from secrets_pipeline.reconcilers.access_checks.security_hub import security_hub
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.observed.cached import Once
from tests.reconcilers.readers import READS, by_account, told

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.finding import Finding
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.reconcilers.readers import Readers

ENABLED, ON_SCHEDULE, UNUSED, PERIODIC, TAGGED = CONTROLS
OTHER = "audit"
ASKED = {"secrets": ControlParameters()}


def of_other_component(readers: Readers, key: str) -> SecretSpec:
    """A secret of the component `audit`."""
    return readers.bench.declared(key).model_copy(update={"ref": SecretRef(component=OTHER, key=key)})


def controlled(readers: Readers, **parameters: ControlParameters) -> StackSpec:
    """A stack with the secret `a` of the component `secrets`, and `b` of `audit`, each under its own parameters.

    A component that is given none asks for the controls by AWS's defaults.
    """
    bench = readers.bench
    components = {"secrets": "secretsmanager", OTHER: "secretsmanager"}
    controls = {**dict.fromkeys(components, ControlParameters()), **parameters}
    return bench.create(bench.declared("a"), of_other_component(readers, "b"), components=components, controls=controls)


def at(context: Stack, **later: float) -> Stack:
    """The same snapshot, taken so much later: the secrets grow older by it."""
    snapshot = estate_of(context).snapshot
    moment = snapshot.taken_at + timedelta(**later)
    observed = copy(context.observed)
    observed.estate, observed.controls = Once(), Once()
    observed.estate.get(lambda: CompiledSnapshot(snapshot.model_copy(update={"taken_at": moment})))
    return replace(context, observed=observed)


def details(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.columns["verdict"], one.detail) for one in findings]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.id)
def test_each_secret_is_judged_with_control_severity_and_parameters(readers: Readers, control: Control) -> None:
    found = security_hub(readers.look(controlled(readers)), control)
    assert [one.name for one in found] == [readers.bench.name("a"), readers.bench.name("b")]
    asked = {
        UNUSED: "unusedForDays: 90",
        PERIODIC: "maxDaysSinceRotation: 90",
    }
    for one in found:
        assert one.columns["control"] == control.id
        assert one.columns["secret"] == one.name
        assert one.columns["severity"] == control.severity.value
        assert one.columns["parameters"] == asked.get(control, "")


def test_a_failed_control_waits_as_the_secret_works(readers: Readers) -> None:
    one, _ = security_hub(readers.look(controlled(readers)), ENABLED)
    assert (one.verdict, one.columns["verdict"]) == (Verdict.ADVISED, "Failed")
    assert one.detail == "rotation is not switched on"


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.id)
def test_a_control_is_disabled_for_the_component_that_says_so_and_for_no_other(
    readers: Readers, control: Control
) -> None:
    disabled = ControlParameters(disabled_controls=(control.id,), required_tag_keys=("Owner",))
    context = readers.look(controlled(readers, secrets=disabled))
    a, b = security_hub(context, control)
    assert (a.verdict, a.columns["verdict"]) == (Verdict.RIGHT, "NotApplicable")
    assert a.detail == "disabled by the disabled_controls of its component"
    assert "disabled by" not in b.detail
    for other in CONTROLS:
        if other is not control:
            assert "disabled by" not in security_hub(context, other)[0].detail


def test_each_component_has_its_own_days_since_rotation(readers: Readers) -> None:
    spec = controlled(readers, secrets=ControlParameters(max_days_since_rotation=30))
    assert told(security_hub(readers.look(spec), PERIODIC)) == [
        (readers.bench.name("a"), "right"),
        (readers.bench.name("b"), "right"),
    ]
    a, b = security_hub(at(readers.look(spec), days=31), PERIODIC)
    assert (a.verdict, a.columns["verdict"], a.columns["parameters"]) == (
        Verdict.ADVISED,
        "Failed",
        "maxDaysSinceRotation: 30",
    )
    assert (b.verdict, b.columns["verdict"]) == (Verdict.RIGHT, "Passed")
    assert {one.columns["verdict"] for one in security_hub(at(readers.look(spec), days=91), PERIODIC)} == {"Failed"}


def test_required_tags_are_those_of_the_component(readers: Readers) -> None:
    bench = readers.bench
    owned = ControlParameters(required_tag_keys=("Owner", "CostCenter"))
    secrets = [
        bench.declared("a", tags={"Owner": "shop"}),
        bench.declared("b", tags={"Owner": "shop", "CostCenter": "12"}),
        bench.declared("c"),
    ]
    found = security_hub(readers.look(bench.create(*secrets, controls={"secrets": owned})), TAGGED)
    assert [one.verdict for one in found] == [Verdict.ADVISED, Verdict.RIGHT, Verdict.ADVISED]
    assert details(found) == [
        ("Failed", "it has no tag CostCenter"),
        ("Passed", "it has the tags Owner, CostCenter"),
        ("Failed", "it has no tag Owner, CostCenter"),
    ]
    assert {one.columns["parameters"] for one in found} == {"requiredTagKeys: Owner, CostCenter"}


def test_a_component_that_does_not_ask_is_not_judged(readers: Readers) -> None:
    spec = controlled(readers).model_copy(update={"controls": ASKED})
    for control in CONTROLS:
        assert [one.name for one in security_hub(readers.look(spec), control)] == [readers.bench.name("a")]


def test_the_pipelines_own_tags_are_no_owners(readers: Readers) -> None:
    bench = readers.bench
    found = security_hub(readers.look(bench.create(bench.declared("a"), controls=ASKED)), TAGGED)
    assert bench.tags("a")
    assert details(found) == [("Failed", "it has no tags but those of AWS and of the pipeline")]


def test_only_the_stacks_own_secrets_that_exist_are_judged(readers: Readers) -> None:
    bench = readers.bench
    bench.secrets.create_secret(Name=bench.name("a-stranger"), SecretString="canary")
    spec = bench.create(bench.declared("a"), controls=ASKED)
    later = spec.model_copy(update={"secrets": (*spec.secrets, bench.declared("planned"))})
    for control in CONTROLS:
        assert [one.name for one in security_hub(readers.look(later), control)] == [bench.name("a")]


ONE_DAY = ControlParameters(unused_for_days=1)


def aged(readers: Readers, spec: StackSpec) -> Stack:
    """The snapshot of one day and a second after the last secret was made: then only CloudTrail tells who reads."""
    context = readers.look(spec)
    made = max(one.created_at for one in estate_of(context).snapshot.secrets if one.created_at)
    since = made + timedelta(days=1, seconds=1) - estate_of(context).snapshot.taken_at
    return at(context, seconds=since.total_seconds())


def some_seconds_pass(readers: Readers) -> None:
    advance(readers.bench.aws, timedelta(seconds=3))


def read_by(readers: Readers, name: str, *keys: str) -> None:
    """A role reads secrets some seconds after they were made: CloudTrail counts in whole seconds."""
    some_seconds_pass(readers)
    client = readers.assume(f"arn:aws:iam::{readers.account_id}:role/{name}").client("secretsmanager")
    for key in keys:
        client.get_secret_value(SecretId=readers.bench.name(key))


def test_a_read_by_another_passes_and_one_by_the_pipeline_alone_fails(readers: Readers) -> None:
    spec = controlled(readers, secrets=ONE_DAY, audit=ONE_DAY)
    readers.role("app", *READS, trust=(by_account(readers.account_id),))
    read_by(readers, "app", "a")
    for key in ("a", "b"):
        # The operator, who runs the pipeline here.
        readers.bench.value(key)
    a, b = security_hub(aged(readers, spec), UNUSED)
    assert (a.verdict, a.columns["verdict"], a.columns["parameters"]) == (Verdict.RIGHT, "Passed", "unusedForDays: 1")
    assert a.detail.startswith(f"arn:aws:sts::{readers.account_id}:assumed-role/app/test read it ")
    assert (b.verdict, b.columns["verdict"]) == (Verdict.ADVISED, "Failed")
    assert b.detail == "nobody but the pipeline has read it in the last 1 day"


def test_no_session_of_the_pipelines_role_counts(readers: Readers) -> None:
    spec = controlled(readers, secrets=ONE_DAY, audit=ONE_DAY)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for name in ("pipeline", "app"):
        readers.role(name, everything, trust=(by_account(readers.account_id),))
    read_by(readers, "pipeline", "a", "b")
    read_by(readers, "app", "b")
    role_arn = f"arn:aws:iam::{readers.account_id}:role/pipeline"
    under = spec.model_copy(update={"target": spec.target.model_copy(update={"role_arn": role_arn})})
    assert [one.columns["verdict"] for one in security_hub(aged(readers, under), UNUSED)] == ["Failed", "Passed"]
    # The same reads are another's where another role is the pipeline's.
    assert [one.columns["verdict"] for one in security_hub(aged(readers, spec), UNUSED)] == ["Passed", "Passed"]


def test_a_probe_of_the_pipeline_does_not_count_as_a_read_of_the_role_that_it_assumed(readers: Readers) -> None:
    arn = readers.role("app", *READS, trust=(by_account(readers.account_id),))
    bench = readers.bench
    spec = bench.create(bench.declared("a"), controls={"secrets": ONE_DAY}, consumers=(readers.consumer(arn, "a"),))
    some_seconds_pass(readers)
    (probed,) = probe_agrees(readers.look(spec))
    assert probed.detail.startswith("AWS returned the value")
    (one,) = security_hub(aged(readers, spec), UNUSED)
    assert (one.columns["verdict"], one.detail) == ("Failed", "nobody but the pipeline has read it in the last 1 day")


def test_without_cloudtrail_it_is_unknown_and_says_why(readers: Readers) -> None:
    spec = controlled(readers, secrets=ONE_DAY)
    readers.bench.value("a")
    context = aged(readers, spec)
    readers.refuse("cloudtrail", "LookupEvents")
    a, b = security_hub(context, UNUSED)
    assert (a.verdict, a.columns["verdict"]) == (Verdict.WAITING, "Unknown")
    assert a.detail.startswith("who read it lately, maybe by the pipeline alone, is not known: ")
    assert "LookupEvents" in a.detail
    assert (b.verdict, b.columns["verdict"]) == (Verdict.RIGHT, "Passed"), "it may go 90 days without a read"


def test_cloudtrail_is_asked_only_where_the_dates_leave_it_open_and_once(readers: Readers) -> None:
    spec = controlled(readers, secrets=ONE_DAY, audit=ONE_DAY)
    bench = readers.bench
    bench.reset_calls()
    young = readers.look(spec)
    for control in CONTROLS:
        assert security_hub(young, control)
    assert bench.calls("cloudtrail")["LookupEvents"] == 0
    bench.value("a")
    bench.value("b")
    context = aged(readers, spec)
    for control in CONTROLS:
        assert security_hub(context, control)
    assert bench.calls("cloudtrail")["LookupEvents"] == 1


@pytest.mark.parametrize(("most", "verdict"), [(29, "Failed"), (30, "Passed")])
def test_the_longest_time_between_two_rotations_is_the_components(readers: Readers, most: int, verdict: str) -> None:
    bench = readers.bench
    asked = ControlParameters(maximum_allowed_rotation_frequency=most)
    spec = bench.create(bench.declared("a"), controls={"secrets": asked})
    role = readers.role("rotation")
    stand_in(bench.aws, [StandInFunction("rotation", role, invoked_by=("secretsmanager.amazonaws.com",))])
    bench.secrets.rotate_secret(
        SecretId=bench.name("a"),
        RotationLambdaARN=f"arn:aws:lambda:{bench.aws.region}:{readers.account_id}:function:rotation",
        RotationRules={"AutomaticallyAfterDays": 30},
        RotateImmediately=False,
    )
    (one,) = security_hub(readers.look(spec), ENABLED)
    assert (one.columns["verdict"], one.columns["parameters"]) == (
        verdict,
        f"maximumAllowedRotationFrequency: {most}",
    )
