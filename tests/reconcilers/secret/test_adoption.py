"""Adoption changes what the YAML declares, and nothing else; a plan shows it part by part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Unchanged
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import KEPT, PREFIX
from tests.bench import ROTATES, said
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.engine.model import Change
    from tests.bench import Bench, Interruption

ADOPT = ApplyOptions(adopt=("*",))
IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"
VALUE = {"username": "app", "engine": "postgres", "password": "theirs", "note": "of a human"}
TAGS = {"Name": "theirs", "Team": "theirs", "map-migrated": "d-server-01"}


def statement(sid: str) -> dict[str, Any]:
    return {"Sid": sid, **TLS_ONLY}


class Theirs:
    """Secrets of somebody else with everything that a secret may have."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.keys = [bench.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
        role = StandInRole(
            f"arn:aws:iam::{bench.aws.account_id}:role/rotation-{bench.stack}",
            "lambda.amazonaws.com",
            policies={"rotate": json.loads(ROTATES)},
        )
        functions = [f"{bench.stack}-{number}" for number in range(2)]
        invoked_by = ("secretsmanager.amazonaws.com",)
        stand_in(bench.aws, [role, *(StandInFunction(name, role.arn, invoked_by=invoked_by) for name in functions)])
        place = f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function"
        self.functions = [f"{place}:{name}" for name in functions]

    def make(self, key: str, value: object = VALUE, *, rotated: bool = True) -> None:
        client, name = self.bench.secrets, self.bench.name(key)
        client.create_secret(
            Name=name,
            Description="theirs",
            KmsKeyId=self.keys[0],
            SecretString=value if isinstance(value, str) else json.dumps(value),
            Tags=[{"Key": tag, "Value": text} for tag, text in TAGS.items()],
            AddReplicaRegions=[{"Region": IRELAND}],
        )
        policy = {"Version": "2012-10-17", "Statement": [statement("Theirs")]}
        client.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps(policy))
        if rotated:
            client.rotate_secret(
                SecretId=name,
                RotationLambdaARN=self.functions[0],
                RotationRules={"AutomaticallyAfterDays": 7},
                RotateImmediately=False,
            )

    def seen(self, key: str) -> dict[str, Any]:
        told: Any = self.bench.describe(key)
        policy = self.bench.secrets.get_resource_policy(SecretId=self.bench.name(key)).get("ResourcePolicy", "null")
        return {
            "description": told.get("Description", ""),
            "key": told.get("KmsKeyId"),
            "tags": {one: text for one, text in self.bench.tags(key).items() if not one.startswith(PREFIX)},
            "policy": [one["Sid"] for one in (json.loads(policy) or {"Statement": []})["Statement"]],
            "rotation": (told.get("RotationLambdaARN"), told.get("RotationRules")),
            "replicas": {one["Region"] for one in told.get("ReplicationStatus", ())},
            "version": self.bench.current(key),
            "value": json.loads(self.bench.value(key)),
        }


def plan_of_all(bench: Bench, spec: StackSpec, *, deep: bool = True, adopt: bool = False) -> list[Change]:
    options = ApplyOptions(adopt=("*",) if adopt else (), deep=deep)
    planned = plan_stack(bench.context(spec, options=options, writing=False), deep=deep)
    return [change for changes in planned.values() for change in changes]


PARTS = (
    "description",
    "no description",
    "key",
    "default key",
    "tags",
    "policy",
    "rotation",
    "their replica",
    "another replica",
    "fields as they are",
    "other fields",
)


@settings(
    max_examples=1, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck)
)
@given(mixtures=st.lists(st.frozensets(st.sampled_from(PARTS)), min_size=4, max_size=4))
@example(mixtures=[frozenset({part}) for part in PARTS])
def test_adoption_changes_what_is_declared_and_nothing_else(bench: Bench, mixtures: list[frozenset[str]]) -> None:
    bench = bench.another()
    theirs = Theirs(bench)
    # The first declares nothing, whatever is drawn.
    drawn = {f"n{number}": parts for number, parts in enumerate([frozenset(), *mixtures])}
    before, wanted, secrets = {}, {}, []
    for key, parts in drawn.items():
        theirs.make(key)
        before[key] = theirs.seen(key)
        secret, changed = declared(theirs, key, parts)
        secrets.append(secret)
        wanted[key] = before[key] | changed
    spec = bench.spec(*secrets)
    outcomes = bench.provision(spec, options=ADOPT)
    assert {type(one) for one in outcomes.values()} <= {Applied, Unchanged}
    for key, expected in wanted.items():
        now = theirs.seen(key)
        # Another key, or another content, is a version of its own.
        if expected["key"] != before[key]["key"] or expected["value"] != before[key]["value"]:
            assert now.pop("version") != expected.pop("version")
        assert now == expected
    assert [
        change for change in plan_of_all(bench, spec) if change.action is not ChangeClass.NONE or change.drift
    ] == []


def declared(theirs: Theirs, key: str, parts: frozenset[str]) -> tuple[SecretSpec, dict[str, Any]]:
    """A secret that declares some parts, and what is other than before for that."""
    given: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    if parts & {"description", "no description"}:
        given["description"] = changed["description"] = "ours" if "description" in parts else ""
    if "key" in parts:
        given["kms_key"] = changed["key"] = theirs.keys[1]
    elif "default key" in parts:
        given["says_default_key"], changed["key"] = True, None
    if "tags" in parts:
        given["tags"] = {"Team": "ours", "Cost": "7"}
        changed["tags"] = TAGS | given["tags"]
    if "policy" in parts:
        given["policy"], changed["policy"] = (statement("Ours"),), ["Ours"]
    if "rotation" in parts:
        given["rotation"] = RotationSpec(lambda_arn=theirs.functions[1], automatically_after_days=30)
        changed["rotation"] = (theirs.functions[1], {"AutomaticallyAfterDays": 30})
    if regions := [one for one in (IRELAND, FRANKFURT) if _REPLICAS[one] in parts]:
        given["replicas"] = tuple(ReplicaSpec(region=one) for one in regions)
        changed["replicas"] = {IRELAND, *regions}
    fields: dict[str, str] = {}
    if parts & {"fields as they are", "other fields"}:
        fields = {"username": "app", "engine": "mysql" if "other fields" in parts else "postgres"}
        changed["value"] = VALUE | fields
    return theirs.bench.generated(key, fields=fields, **given), changed


_REPLICAS = {IRELAND: "their replica", FRANKFURT: "another replica"}


def test_a_plan_shows_what_adoption_changes_part_by_part_and_what_stays(bench: Bench) -> None:
    theirs = Theirs(bench)
    theirs.make("password")
    parts = frozenset({"description", "key", "tags", "policy", "rotation", "another replica", "other fields"})
    secret, _ = declared(theirs, "password", parts)
    spec = bench.spec(secret)
    (blocked,) = (one for one in plan_of_all(bench, spec, deep=False) if one.resource.kind == "secret")
    assert blocked.action is ChangeClass.BLOCKED
    assert blocked.unblocked_by.endswith("takes it over; `plan` with the same shows what that changes")
    found = {one.resource.kind: one for one in plan_of_all(bench, spec, deep=False, adopt=True)}
    adopted = found["secret"]
    assert adopted.action is ChangeClass.ADOPT
    assert {
        "exists without our tags",
        "description differs: 'theirs' → 'ours'",
        "tag Team differs: 'theirs' → 'ours'",
        "tag Cost is missing",
        "not marked as ours yet",
        f"stays, as nobody declares it: replica in {IRELAND}, tag Name, tag map-migrated",
    } <= set(said(adopted))
    assert not any("not declared any more" in one for one in said(adopted))
    assert not any("tag secrets-pipeline:" in one for one in said(adopted))
    assert said(found["secret-policy"]) == ("policy differs",)
    assert {str(one.sign) + one.what for one in found["secret-policy"].reasons[0].details} == {
        "+statement Ours",
        "-statement Theirs",
    }
    assert said(found["rotation"])[0] == f"rotation function differs: {theirs.functions[0]} → {theirs.functions[1]}"
    assert said(found["replica"]) == (f"replicate to {FRANKFURT} under the default key",)
    assert said(found["credentials"]) == ("fields username, engine are completed, where they differ",)
    assert found.pop("outputs").action is ChangeClass.CREATE
    assert {one.action for one in found.values()} <= {
        ChangeClass.ADOPT,
        ChangeClass.UPDATE,
        ChangeClass.REPLICATE,
        ChangeClass.NONE,
    }


def test_what_stays_is_named_where_nothing_is_declared(bench: Bench) -> None:
    theirs = Theirs(bench)
    theirs.make("password")
    more: Any = [{"Region": region} for region in ("us-west-2", "us-east-1", FRANKFURT, "ca-central-1")]
    bench.secrets.replicate_secret_to_regions(SecretId=bench.name("password"), AddReplicaRegions=more)
    found = {one.resource.kind: one for one in plan_of_all(bench, bench.spec(bench.generated()), adopt=True)}
    stays = said(found["secret"])[-1]
    regions = f"ca-central-1, {FRANKFURT}, {IRELAND}, us-east-1, us-west-2"
    assert stays.startswith("stays, as nobody declares it: description, kms key ")
    assert stays.endswith(f", policy, rotation, replica in {regions}, tag Name, tag Team, tag map-migrated")
    assert {"secret-policy", "rotation", "replica"} & found.keys() == set()


@pytest.mark.parametrize("asked", ["{name}", "*"])
def test_a_name_to_adopt_that_does_not_exist_is_said(bench: Bench, asked: str) -> None:
    options, spec = ApplyOptions(adopt=(asked.format(name=bench.name("password")),)), bench.spec(bench.generated())
    change = bench.plan(spec, options=options)[bench.name("password")]
    assert change.action is ChangeClass.CREATE
    here = f"does not exist in account {bench.aws.account_id}, {bench.aws.region}: nothing is adopted"
    assert (here in change.reason) is (asked != "*")


def test_one_that_is_scheduled_for_deletion_comes_back_with_all_that_nobody_declares(bench: Bench) -> None:
    theirs = Theirs(bench)
    theirs.make("password", rotated=False)
    before, spec = theirs.seen("password"), bench.spec(bench.generated())
    before.pop("replicas")
    bench.secrets.remove_regions_from_replication(SecretId=bench.name("password"), RemoveReplicaRegions=[IRELAND])
    bench.secrets.delete_secret(SecretId=bench.name("password"))
    (planned,) = (one for one in plan_of_all(bench, spec, adopt=True) if one.resource.kind == "secret")
    assert (planned.action, said(planned)[0]) == (
        ChangeClass.ADOPT,
        "exists without our tags and is scheduled for deletion",
    )
    assert ", policy, if it has one, tag Name" in said(planned)[-1]
    assert {type(one) for one in bench.provision(spec, options=ADOPT).values()} <= {Applied, Unchanged}
    after = theirs.seen("password")
    after.pop("replicas")
    assert after == before


def test_a_part_that_the_yaml_declares_later_is_ours_from_then_on(bench: Bench) -> None:
    theirs = Theirs(bench)
    theirs.make("password", rotated=False)
    bench.provision(bench.spec(bench.generated()), options=ADOPT)
    bench.create(bench.generated(description="ours", kms_key=theirs.keys[1]))
    assert (theirs.seen("password")["description"], theirs.seen("password")["key"]) == ("ours", theirs.keys[1])
    assert bench.tags("password")[KEPT].startswith("policy replicas.")
    bench.create(bench.generated())
    now = theirs.seen("password")
    assert (now["description"], now["key"], now["policy"], now["replicas"]) == ("", None, ["Theirs"], {IRELAND})


def test_a_killed_adoption_goes_on_and_still_takes_nothing(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    theirs = Theirs(bench)
    theirs.make("password")
    before, spec = theirs.seen("password"), bench.spec(bench.generated(tags={"Team": "ours"}))
    interruption.kill_after("TagResource")
    with pytest.raises(killed):
        bench.provision(spec, options=ADOPT, interruption=interruption)
    assert {type(one) for one in bench.provision(spec).values()} <= {Applied, Unchanged}
    assert theirs.seen("password") == before | {"tags": TAGS | {"Team": "ours"}}


def test_a_declared_value_that_is_there_already_is_not_written_again(bench: Bench) -> None:
    Theirs(bench).make("api", "declared", rotated=False)
    version = bench.current("api")
    spec = bench.spec(bench.declared())
    (planned,) = (one for one in plan_of_all(bench, spec, adopt=True) if one.resource.kind == "secret")
    assert "declared value is written, where it differs" in said(planned)
    bench.provision(spec, options=ADOPT)
    assert (bench.current("api"), bench.versions("api"), bench.written("api")) == (version, 1, version)
    assert {one.action for one in plan_of_all(bench, spec)} == {ChangeClass.NONE}
