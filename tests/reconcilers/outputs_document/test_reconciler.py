"""The outputs document in SSM: complete, in parts that fit, without leftovers."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.engine.model import ChangeClass, Unchanged
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.outputs_document.published import parts

if TYPE_CHECKING:
    from tests.bench import Bench

STAGE = "consumer_arns"
LIMIT = 4096


@given(st.dictionaries(st.text(min_size=1, max_size=64), st.text(min_size=20, max_size=600), max_size=60))
def test_parts_hold_everything_once_in_order_and_each_fits(arns: dict[str, str]) -> None:
    found = [json.loads(text) for text in parts(arns)]
    assert [pair for part in found for pair in part.items()] == sorted(arns.items())
    assert all(part for part in found)
    # One entry alone may be larger only where no secret's key and ARN are: 512 characters each, at six bytes at most.
    assert all(len(text.encode()) <= LIMIT or len(json.loads(text)) == 1 for text in parts(arns))


@given(st.dictionaries(st.text(min_size=1, max_size=64), st.text(min_size=20, max_size=600), max_size=60))
def test_no_two_neighbouring_parts_would_fit_into_one(arns: dict[str, str]) -> None:
    found = [json.loads(text) for text in parts(arns)]
    for one, other in itertools.pairwise(found):
        first = next(iter(other.items()))
        assert len(json.dumps({**one, first[0]: first[1]})) > LIMIT


def published(bench: Bench) -> dict[str, dict[str, str]]:
    path = f"/secrets-pipeline/{bench.stack}/"
    found = bench.ssm.get_parameters_by_path(Path=path, Recursive=True)["Parameters"]
    return {one["Name"]: json.loads(one["Value"]) for one in found}


def base(bench: Bench, component: str = "secrets") -> str:
    return f"/secrets-pipeline/{bench.stack}/{component}/secret_arns"


def test_each_component_publishes_the_arns_of_its_secrets(bench: Bench) -> None:
    other = bench.declared("two").model_copy(
        update={"ref": bench.ref("two").model_copy(update={"component": "secretsmanager/other"})}
    )
    components = {"secrets": "secretsmanager", "secretsmanager/other": "secretsmanager", "kms": "kms"}
    spec = bench.create(bench.declared("one"), other, components=components)
    assert published(bench) == {
        base(bench): {"one": bench.describe("one")["ARN"]},
        base(bench, "secretsmanager/other"): {"two": bench.describe("two")["ARN"]},
    }
    assert {type(one) for one in bench.provision(spec, STAGE).values()} == {Unchanged}


def test_many_secrets_take_several_parameters_and_fewer_leave_none_behind(bench: Bench) -> None:
    padding = "x" * 200
    many = [bench.declared(f"n{number:02}{padding}") for number in range(20)]
    bench.create(*many)
    names = sorted(published(bench))
    assert names[:2] == [base(bench), f"{base(bench)}/2"]
    together = {key: arn for part in published(bench).values() for key, arn in part.items()}
    assert set(together) == {secret.ref.key for secret in many}
    for secret in many[1:]:
        bench.secrets.delete_secret(SecretId=secret.name, RecoveryWindowInDays=7)
    fewer = bench.spec(many[0])
    assert bench.plan(fewer, STAGE)[f"{base(bench)}/2"].action is ChangeClass.ORPHAN
    bench.provision(fewer, STAGE)
    assert f"{base(bench)}/2" in published(bench)
    bench.provision(fewer, STAGE, options=ApplyOptions(prune=True))
    assert list(published(bench)) == [base(bench)]
    assert list(published(bench)[base(bench)]) == [many[0].ref.key]


def test_prune_leaves_parameters_that_others_put_beside_ours(bench: Bench) -> None:
    theirs = f"/secrets-pipeline/{bench.stack}/secrets/notes"
    bench.ssm.put_parameter(Name=theirs, Value="{}", Type="String")
    spec = bench.create(bench.declared("one"))
    bench.provision(spec, options=ApplyOptions(prune=True))
    assert set(published(bench)) == {base(bench), theirs}


def test_a_secret_that_is_not_ours_is_not_handed_out(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("theirs"), SecretString="x")
    bench.provision(bench.spec(bench.declared("one"), bench.declared("theirs")))
    assert list(published(bench)[base(bench)]) == ["one"]


def test_a_stack_with_a_longer_name_keeps_its_own_document(bench: Bench) -> None:
    spec = bench.create(bench.declared("one"))
    longer = spec.model_copy(update={"stack": f"{bench.stack}-two", "secrets": (bench.declared("two"),)})
    bench.provision(longer)
    assert {type(one) for one in bench.provision(spec, STAGE).values()} == {Unchanged}
    path = f"/secrets-pipeline/{bench.stack}-two/secrets/secret_arns"
    assert json.loads(bench.ssm.get_parameter(Name=path)["Parameter"]["Value"]) == {"two": bench.describe("two")["ARN"]}
