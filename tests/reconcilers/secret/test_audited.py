"""What an audit takes from the run's own writes, and what it reads all the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.emulator import StandInFunction, StandInRole, freeze_lists, stand_in, thaw_lists
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.access_checks import checks
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.references.model import Literal
from tests.grants import TRUSTED
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from secrets_pipeline.access.snapshot.model import SecretSnapshot
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.bench import Bench, Interruption
    from tests.reconcilers.readers import Readers

EVERYBODY = {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}


def applied(bench: Bench, spec: StackSpec, **how: Any) -> Stack:  # noqa: ANN401 - as `Bench.context` has them
    """A run that has applied everything, and has not looked at it yet; its calls are not counted."""
    context = bench.context(spec, **how)
    for stage in STAGES.values():
        bench.run(stage(context))
    bench.run(commit(context))
    bench.reset_calls()
    return context


def audited(context: Stack) -> dict[str, SecretSnapshot]:
    return {one.name: one for one in estate_of(context).snapshot.secrets}


def own_key(bench: Bench, key: str = "keyed") -> SecretSpec:
    return bench.declared(key, kms_key=bench.late("${output.kms.key_arn}"), policy=(TLS_ONLY,), tags={"Team": "orders"})


def test_what_a_run_made_is_in_its_audit_as_a_verification_reads_it_and_costs_no_call(bench: Bench) -> None:
    spec = bench.spec(own_key(bench), bench.declared("plain"), keys=(bench.key(),))
    found = audited(applied(bench, spec))
    assert bench.calls() == {}
    verification = bench.context(spec, writing=False)
    read = audited(verification)
    assert bench.calls() == {"DescribeSecret": 2, "GetResourcePolicy": 2, "ListSecretVersionIds": 2}
    assert [found[name] for name in sorted(found)] == [read[name] for name in sorted(read)]
    assert found[bench.name("keyed")].policy == {"Version": "2012-10-17", "Statement": [TLS_ONLY]}


@pytest.mark.parametrize("audit_first", [True, False])
def test_a_run_that_only_looks_reads_each_policy_once_whoever_asks_first(bench: Bench, audit_first: bool) -> None:
    spec = bench.create(bench.declared(policy=(TLS_ONLY,)), bench.declared("plain"))
    bench.reset_calls()
    context = bench.context(spec, writing=False)
    if audit_first:
        audited(context)
    found = as_declared(context, "secret_policies", deep=True)
    assert [one.verdict for one in found] == [Verdict.RIGHT]
    assert audited(context)[bench.name("api")].policy == {"Version": "2012-10-17", "Statement": [TLS_ONLY]}
    assert (bench.calls()["GetResourcePolicy"], bench.calls()["ListSecretVersionIds"]) == (2, 2)


def test_a_verification_reads_versions_beside_policies_as_each_has_a_rate_of_its_own(bench: Bench) -> None:
    spec = bench.create(bench.declared(policy=(TLS_ONLY,)), bench.declared("plain"))
    bench.reset_calls()
    context = bench.context(spec, writing=False, options=ApplyOptions(reads_back=True))
    as_declared(context, "secret_policies", deep=True)
    once = {"DescribeSecret": 2, "GetResourcePolicy": 2, "ListSecretVersionIds": 2, "ListSecrets": 1}
    assert bench.calls() == once
    audited(context)
    assert bench.calls() == once


def test_a_new_secret_is_audited_though_no_list_shows_it_yet(bench: Bench) -> None:
    spec = bench.spec(bench.declared(policy=(TLS_ONLY,)))
    freeze_lists(bench.aws)
    try:
        assert list(audited(applied(bench, spec))) == [bench.name("api")]
        assert list(audited(bench.context(spec, writing=False))) == [bench.name("api")]
    finally:
        thaw_lists(bench.aws)


def test_of_a_secret_that_was_there_only_the_policy_that_the_run_wrote_is_known(bench: Bench) -> None:
    bench.create(bench.declared("edited", policy=(TLS_ONLY,)), bench.declared("left", policy=(TLS_ONLY,)))
    edited = {**TLS_ONLY, "Sid": "Edited"}
    spec = bench.spec(bench.declared("edited", policy=(edited,)), bench.declared("left", policy=(TLS_ONLY,)))
    found = audited(applied(bench, spec))
    assert bench.calls() == {"DescribeSecret": 2, "GetResourcePolicy": 1, "ListSecretVersionIds": 2}
    assert found[bench.name("edited")].policy == {"Version": "2012-10-17", "Statement": [edited]}
    assert found[bench.name("left")].policy == {"Version": "2012-10-17", "Statement": [TLS_ONLY]}
    removed = bench.spec(bench.declared("edited"), bench.declared("left", policy=(TLS_ONLY,)))
    found = audited(applied(bench, removed))
    assert bench.calls()["GetResourcePolicy"] == 1
    assert found[bench.name("edited")].policy is None


@pytest.mark.parametrize("performed", [True, False])
def test_a_policy_whose_acknowledgement_was_lost_is_read(
    bench: Bench, interruption: Interruption, performed: bool
) -> None:
    bench.create(bench.declared(policy=(TLS_ONLY,)))
    spec = bench.spec(bench.declared(policy=({**TLS_ONLY, "Sid": "Edited"},)))

    def lose(operation: str) -> None:
        if operation == "PutResourcePolicy":
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    interruption.before, interruption.after = (lambda _: None, lose) if performed else (lose, lambda _: None)
    found = audited(applied(bench, spec, interruption=interruption))
    assert bench.calls()["GetResourcePolicy"] == 1
    text = bench.secrets.get_resource_policy(SecretId=bench.name("api"))["ResourcePolicy"]
    assert found[bench.name("api")].policy == json.loads(text)
    assert ("Edited" in text) is performed


def test_a_secret_of_which_a_part_is_open_is_read_but_for_its_policy(bench: Bench, interruption: Interruption) -> None:
    def refuse(operation: str) -> None:
        if operation == "TagResource":
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    interruption.before = refuse
    spec = bench.spec(bench.declared(policy=(TLS_ONLY,)), bench.declared("plain"))
    audited(applied(bench, spec, interruption=interruption))
    assert bench.calls() == {"DescribeSecret": 2, "GetResourcePolicy": 1, "ListSecretVersionIds": 2}


def test_a_rotation_is_read_as_aws_tries_it_by_versions_of_its_own(bench: Bench) -> None:
    role = f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}"
    invoked_by = ("secretsmanager.amazonaws.com",)
    stand_in(
        bench.aws,
        [StandInRole(role, "lambda.amazonaws.com"), StandInFunction(bench.stack, role, invoked_by=invoked_by)],
    )
    function = f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"
    turning = RotationSpec(lambda_arn=Literal(function), automatically_after_days=30)
    spec = bench.spec(bench.declared(policy=(TLS_ONLY,), rotation=turning))
    # What the function's role may do is not what this is about.
    settings = OperatorSettings(grants=TRUSTED, rotation_preflight=False)
    found = audited(applied(bench, spec, settings=settings))
    assert found[bench.name("api")].rotation.enabled
    assert bench.calls() == {"DescribeSecret": 1, "ListSecretVersionIds": 1}


def test_a_deep_run_reads_what_it_has_written(bench: Bench) -> None:
    audited(applied(bench, bench.spec(bench.declared(policy=(TLS_ONLY,))), options=ApplyOptions(deep=True)))
    assert bench.calls() == {"DescribeSecret": 1, "GetResourcePolicy": 1, "ListSecretVersionIds": 1}


def test_what_somebody_writes_over_it_before_the_run_ends_is_seen_by_the_verification(readers: Readers) -> None:
    bench = readers.bench
    spec = bench.spec(bench.declared(policy=(TLS_ONLY,)))
    context = applied(bench, spec)
    bench.secrets.put_resource_policy(
        SecretId=bench.name("api"), ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [EVERYBODY]})
    )

    def verdicts(stack: Stack) -> set[Verdict]:
        return {one.verdict for one in checks.policies_are_not_public(stack)}

    assert verdicts(context) == {Verdict.RIGHT}
    assert verdicts(bench.context(spec, writing=False)) == {Verdict.WRONG}
