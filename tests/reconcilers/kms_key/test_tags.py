"""Tags of a KMS key that a stack declared once leave with the YAML; those of others stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.engine.model import Applied, ChangeClass, Unchanged
from secrets_pipeline.reconcilers.tag_keys import PREFIX, TAGS
from tests.bench import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.engine.model import Change
    from tests.bench import Bench, Interruption


def own(bench: Bench, tags: Mapping[str, str]) -> StackSpec:
    return bench.spec(keys=(bench.key(tags=dict(tags)),))


def provisioned(bench: Bench, tags: Mapping[str, str]) -> StackSpec:
    spec = own(bench, tags)
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Applied)
    return spec


def planned(bench: Bench, spec: StackSpec) -> Change:
    (change,) = bench.plan(spec, "kms_keys").values()
    return change


def key_id(bench: Bench) -> str:
    return bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]


def tags(bench: Bench, *, pipelines: bool = False) -> dict[str, str]:
    listed = bench.kms.list_resource_tags(KeyId=key_id(bench), Limit=50)["Tags"]
    every = {one["TagKey"]: one["TagValue"] for one in listed}
    return {key: text for key, text in every.items() if key.startswith(PREFIX) is pipelines}


def tag(bench: Bench, **added: str) -> None:
    listed = [{"TagKey": key, "TagValue": text} for key, text in added.items()]
    bench.kms.tag_resource(KeyId=key_id(bench), Tags=listed)  # type: ignore[arg-type] # the stubs want a typed dict


@pytest.mark.parametrize("first", [{}, {"Team": "orders", "Cost": "7"}])
def test_a_tag_of_somebody_else_stays_whatever_becomes_of_ours(bench: Bench, first: dict[str, str]) -> None:
    spec = provisioned(bench, first)
    tag(bench, migrated="d-01")
    assert planned(bench, spec).action is ChangeClass.NONE
    for declared in ({"Team": "shop"}, {}, {"migrated": "ours"}):
        provisioned(bench, declared)
        assert tags(bench) == {"migrated": "d-01", **declared}
    provisioned(bench, {})
    assert tags(bench) == {}


def test_a_tag_that_left_the_yaml_is_said_and_taken_away_though_an_older_run_puts_it_back(bench: Bench) -> None:
    provisioned(bench, {"Team": "orders", "Cost": "7"})
    spec = own(bench, {"Team": "orders"})
    change = planned(bench, spec)
    assert (said(change), change.drift) == (("tag Cost is not declared any more",), False)
    for _ in range(2):
        provisioned(bench, {"Team": "orders"})
        assert tags(bench) == {"Team": "orders"}
        assert {type(one) for one in bench.provision(spec, "kms_keys").values()} == {Unchanged}
        tag(bench, Cost="7")
        assert said(planned(bench, spec)) == ("changed outside: tag Cost is not declared any more",)


@pytest.mark.parametrize("operation", ["UntagResource", "TagResource"])
def test_a_run_that_is_killed_forgets_no_tag_that_has_to_go(
    bench: Bench, interruption: Interruption, killed: type[BaseException], operation: str
) -> None:
    provisioned(bench, {"Team": "orders", "Cost": "7"})
    tag(bench, migrated="d-01")
    spec = own(bench, {"Owner": "shop"})
    interruption.kill_before(operation)
    with pytest.raises(killed):
        bench.provision(spec, "kms_keys", interruption=interruption)
    provisioned(bench, {"Owner": "shop"})
    assert tags(bench) == {"Owner": "shop", "migrated": "d-01"}


def test_a_key_of_an_older_version_keeps_what_others_added_and_loses_what_leaves_the_yaml(bench: Bench) -> None:
    declared = {"Team": "orders", "Cost": "7"}
    spec = provisioned(bench, declared)
    bench.kms.untag_resource(KeyId=key_id(bench), TagKeys=[TAGS])
    tag(bench, migrated="d-01")
    assert {type(one) for one in bench.provision(spec, "kms_keys").values()} == {Unchanged}
    assert tags(bench) == {**declared, "migrated": "d-01"}
    bench.kms.untag_resource(KeyId=key_id(bench), TagKeys=["migrated"])
    provisioned(bench, {"Team": "orders"})
    assert tags(bench) == {"Team": "orders"}
    assert TAGS in tags(bench, pipelines=True)
