"""ListSecrets may be five minutes old: who can read is judged by what each secret itself says.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.emulator import freeze_lists, thaw_lists
from secrets_pipeline.reconcilers.access_checks.checks import consumers_can_read, nobody_else_can_read
from secrets_pipeline.reconcilers.access_checks.snapshot import share_estates
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.secret_value.checks import current_values
from secrets_pipeline.reconcilers.secret_value.strength_checks import secret_values_well_formed
from tests.reconcilers.readers import READS, about, told

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.bench import Bench, Interruption
    from tests.reconcilers.readers import Readers


@pytest.fixture
def bench(bench: Bench) -> Iterator[Bench]:
    yield bench
    thaw_lists(bench.aws)


def test_whom_a_tag_has_just_let_in_is_found(readers: Readers) -> None:
    spec, bench = readers.stack(keys=("a", "b")), readers.bench
    read, decrypt = READS
    tagged = {"StringEquals": {"aws:ResourceTag/open": "yes"}}
    outsider = readers.role("outsider", {**read, "Condition": tagged}, decrypt)
    freeze_lists(bench.aws)
    bench.secrets.tag_resource(SecretId=bench.name("a"), Tags=[{"Key": "open", "Value": "yes"}])
    assert told(about(nobody_else_can_read(readers.look(spec)), outsider)) == [(bench.name("a"), "wrong")]


def test_a_secret_that_was_just_restored_is_judged(readers: Readers) -> None:
    spec, bench = readers.stack(readers.consumer(readers.role("reader", *READS), "a")), readers.bench
    outsider = readers.role("outsider", *READS)
    bench.secrets.delete_secret(SecretId=bench.name("a"), RecoveryWindowInDays=7)
    freeze_lists(bench.aws)
    bench.secrets.restore_secret(SecretId=bench.name("a"))
    alone, shared = readers.look(spec), readers.look(spec)
    share_estates([shared])
    for stack in (alone, shared):
        assert told(consumers_can_read(stack)) == [("orders", "right")]
        assert told(about(nobody_else_can_read(stack), outsider)) == [(bench.name("a"), "wrong")]


def test_a_verification_judges_the_version_that_is_current_now(bench: Bench) -> None:
    spec = bench.create(bench.declared("a"), bench.declared("b"), bench.declared("c"))
    freeze_lists(bench.aws)
    version = bench.secrets.put_secret_value(SecretId=bench.name("a"), SecretString="another")["VersionId"]
    bench.secrets.delete_secret(SecretId=bench.name("b"), RecoveryWindowInDays=7)
    bench.secrets.delete_secret(SecretId=bench.name("c"), ForceDeleteWithoutRecovery=True)
    stack = bench.context(spec, writing=False, options=ApplyOptions(reads_back=True))
    found = {one.name.rpartition("/")[2]: one.detail for one in current_values(stack, connections=False)}
    assert found == {
        "a": f"version {version[:8]}… under the default key",
        "b": "is scheduled for deletion",
        "c": "does not exist",
    }


@pytest.mark.parametrize(
    ("code", "verdict"), [("ThrottlingException", Verdict.UNKNOWN), ("AccessDeniedException", Verdict.RIGHT)]
)
@pytest.mark.parametrize("check", [partial(current_values, connections=False), secret_values_well_formed])
def test_a_verification_falls_back_on_the_list_where_aws_denies_the_look_and_not_in_an_outage(
    bench: Bench,
    interruption: Interruption,
    check: Callable[[Stack], list[Finding]],
    code: str,
    verdict: Verdict,
) -> None:
    spec = bench.create(bench.declared("a"))

    def refuse(operation: str) -> None:
        if operation == "DescribeSecret":
            raise ClientError({"Error": {"Code": code, "Message": "refused"}}, operation)

    interruption.before = refuse
    stack = bench.context(spec, writing=False, options=ApplyOptions(reads_back=True), interruption=interruption)
    (found,) = check(stack)
    assert found.verdict is verdict
    assert ("DescribeSecret" in found.detail) is (verdict is Verdict.UNKNOWN)


def test_an_outage_of_one_secret_hides_no_other_in_a_verification(bench: Bench, interruption: Interruption) -> None:
    spec = bench.create(bench.declared("a"), bench.declared("b"))
    stack = bench.context(spec, writing=False, options=ApplyOptions(reads_back=True), interruption=interruption)

    def refuse(params: dict[str, Any], **_: object) -> None:
        if bench.name("a") in str(params["body"]):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "DescribeSecret")

    events = stack.account.botocore_session.get_component("event_emitter")
    events.register("before-call.secrets-manager.DescribeSecret", refuse)
    for check in (partial(current_values, connections=False), secret_values_well_formed):
        assert [one.verdict for one in check(stack)] == [Verdict.UNKNOWN, Verdict.RIGHT]
