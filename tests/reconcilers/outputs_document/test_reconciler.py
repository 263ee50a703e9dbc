"""The outputs document in SSM: complete, in parts that fit, without leftovers."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.engine.model import ChangeClass, Unchanged, is_book, is_unmade
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.outputs_document.published import parts
from secrets_pipeline.stacks import SSM, Store

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
    kept = bench.provision(fewer, STAGE, options=ApplyOptions(prune=True), is_complete=False)[
        f"{STAGE} {base(bench)}/2"
    ]
    assert (kept.change.action, is_unmade(kept)) == (ChangeClass.BLOCKED, False)
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


def in_store(bench: Bench) -> dict[str, str]:
    """What Atmos finds with a store of `prefix: /secrets-pipeline` and no other option, as its `getKey` names it."""
    store = Store("outputs", SSM, prefix="/secrets-pipeline")
    folder = store.key(bench.stack, "", "").rstrip("/")
    found = bench.ssm.get_parameters_by_path(Path=folder, Recursive=True)["Parameters"]
    return {one["Name"].removeprefix(f"{folder}/"): one["Value"] for one in found}


@pytest.fixture
def dashed(bench: Bench) -> Bench:
    """A stack whose name Atmos splits twice."""
    bench.stack = f"{bench.stack}-eu"
    return bench


def test_the_document_is_published_where_store_reads_it_with_default_settings(dashed: Bench) -> None:
    spec = dashed.create(dashed.declared("one"))
    folder = f"/secrets-pipeline/{dashed.stack.replace('-', '/')}"
    assert dashed.ssm.get_parameter(Name=f"{folder}/secrets/secret_arns")["Parameter"]["Type"] == "String"
    assert in_store(dashed) == {
        "secrets/secret_arns": json.dumps({"one": dashed.describe("one")["ARN"]}),
        "stack": dashed.stack,
    }
    assert published(dashed) == {base(dashed): {"one": dashed.describe("one")["ARN"]}}
    assert {type(one) for one in dashed.provision(spec, STAGE).values()} == {Unchanged}


def test_what_an_earlier_version_published_is_published_for_atmos_by_the_next_apply(dashed: Bench) -> None:
    spec = dashed.create(dashed.declared("one"))
    for name in in_store(dashed):
        dashed.ssm.delete_parameter(Name=f"/secrets-pipeline/{dashed.stack.replace('-', '/')}/{name}")
    changes = dashed.plan(spec, STAGE)
    assert {one.action for name, one in changes.items() if dashed.stack not in name} == {ChangeClass.CREATE}
    # A plan shows the document, and not the note that says whose it is.
    assert [name for name, one in changes.items() if is_book(one)] == [
        f"/secrets-pipeline/{dashed.stack.replace('-', '/')}/stack"
    ]
    dashed.provision(spec, STAGE)
    assert set(in_store(dashed)) == {"secrets/secret_arns", "stack"}


def test_what_left_the_yaml_is_pruned_in_both_places(dashed: Bench) -> None:
    components = {"secrets": "secretsmanager", "b/c": "secretsmanager"}
    other = dashed.declared("two").model_copy(update={"ref": dashed.ref("two").model_copy(update={"component": "b/c"})})
    dashed.create(dashed.declared("one"), other, components=components)
    assert "b/c/secret_arns" in in_store(dashed)
    fewer = dashed.spec(dashed.declared("one"))
    orphans = {name for name, one in dashed.plan(fewer, STAGE).items() if one.action is ChangeClass.ORPHAN}
    assert len(orphans) == 2
    dashed.provision(fewer, STAGE, options=ApplyOptions(prune=True))
    assert set(in_store(dashed)) == {"secrets/secret_arns", "stack"}
    assert list(published(dashed)) == [base(dashed)]


def test_what_left_the_yaml_is_not_pruned_where_another_stack_publishes_now(dashed: Bench) -> None:
    """Component `b/c` moved: it is component `c` of a stack whose name has `b` at its end."""
    components = {"secrets": "secretsmanager", "b/c": "secretsmanager"}
    other = dashed.declared("two").model_copy(update={"ref": dashed.ref("two").model_copy(update={"component": "b/c"})})
    dashed.create(dashed.declared("one"), other, components=components)
    folder = f"/secrets-pipeline/{dashed.stack.replace('-', '/')}"
    dashed.ssm.put_parameter(Name=f"{folder}/b/stack", Value=f"{dashed.stack}-b", Type="String")
    dashed.ssm.put_parameter(Name=f"{folder}/b/c/secret_arns", Value="{}", Type="String", Overwrite=True)
    dashed.provision(dashed.spec(dashed.declared("one")), STAGE, options=ApplyOptions(prune=True))
    assert in_store(dashed)["b/c/secret_arns"] == "{}"
    assert list(published(dashed)) == [base(dashed)]


def test_a_stack_leaves_the_document_that_a_longer_one_put_into_its_folder_for_atmos(bench: Bench) -> None:
    bench.stack = bench.stack.replace("-", "")
    spec = bench.create(bench.declared("one"))
    longer = spec.model_copy(update={"stack": f"{bench.stack}-two", "secrets": (bench.declared("two"),)})
    bench.provision(longer)
    assert f"/secrets-pipeline/{bench.stack}/two/secrets/secret_arns" in published_names(bench)
    outcomes = bench.provision(spec, STAGE, options=ApplyOptions(prune=True))
    assert {type(one) for one in outcomes.values()} == {Unchanged}
    assert f"/secrets-pipeline/{bench.stack}/two/secrets/secret_arns" in published_names(bench)


def published_names(bench: Bench) -> set[str]:
    path = f"/secrets-pipeline/{bench.stack}/"
    return {one["Name"] for one in bench.ssm.get_parameters_by_path(Path=path, Recursive=True)["Parameters"]}


def test_a_document_that_atmos_would_look_for_in_the_place_of_another_is_not_put_there(dashed: Bench) -> None:
    spec = dashed.spec(dashed.declared("one")).model_copy(update={"contested_outputs": ("secrets",)})
    dashed.provision(spec)
    assert in_store(dashed) == {}
    assert list(published(dashed)) == [base(dashed)]


def test_nothing_is_published_where_another_stack_publishes_for_atmos(dashed: Bench) -> None:
    spec = dashed.create(dashed.declared("one"))
    taken = f"/secrets-pipeline/{dashed.stack.replace('-', '/')}"
    dashed.ssm.put_parameter(Name=f"{taken}/secrets/stack", Value="other", Type="String")
    dashed.ssm.put_parameter(Name=f"{taken}/secrets/secret_arns", Value="{}", Type="String", Overwrite=True)
    change = dashed.plan(spec, STAGE)[f"{taken}/secrets/secret_arns"]
    assert change.action is ChangeClass.BLOCKED
    assert "stack other publishes there" in str(change.reasons[0])
    dashed.provision(spec, STAGE)
    assert dashed.ssm.get_parameter(Name=f"{taken}/secrets/secret_arns")["Parameter"]["Value"] == "{}"
