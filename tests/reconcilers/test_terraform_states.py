"""Outputs of Terraform are read from the states that backends name, on the embedded S3 and in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.terraform_state.model import LocalState, S3State, StatePlace, TerraformState
from secrets_pipeline.emulator import calls, reset_calls
from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.operations.rights.documents import role_policies
from secrets_pipeline.operations.rights.model import Touched
from secrets_pipeline.operations.rights.touched import touched
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.observed import terraform_states
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.references.model import Expression, Output, Path, WithDefault
from secrets_pipeline.references.resolve import Pending, Plain, Secret, resolve
from tests.bench import said
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from tests.bench import Bench

CANARY = "canary-5c1e-in-the-state"
OUTPUTS: dict[str, dict[str, Any]] = {
    "vpc_id": {"value": "vpc-1", "type": "string"},
    "ports": {"value": {"main": [5432, 5433]}, "type": ["object", {}]},
    "nothing": {"value": None, "type": "string"},
    "db_password": {"value": CANARY, "type": "string", "sensitive": True},
    "logins": {"value": {"owner": {"password": CANARY, "port": 1}}, "type": "dynamic", "sensitive": True},
}


def state_file(outputs: Any = OUTPUTS, **more: Any) -> bytes:  # noqa: ANN401 - JSON
    """As Terraform writes it, with a resource that nobody asked for."""
    resources = [{"type": "random_password", "instances": [{"attributes": {"result": CANARY}}]}]
    return json.dumps({"version": 4, "serial": 3, "outputs": outputs, "resources": resources, **more}).encode()


class World:
    """A bucket of one test's own, with a state in it."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.bucket, self.s3 = bench, f"{bench.stack}-tfstate", bench.session.client("s3")
        where = {"LocationConstraint": bench.aws.region}
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where)  # type: ignore[arg-type] # a region
        self.place: StatePlace = S3State(bucket=self.bucket, key="vpc/dev/terraform.tfstate", region=bench.aws.region)

    def put(self, content: bytes | None = None) -> None:
        """Write the state."""
        body = state_file() if content is None else content
        self.s3.put_object(Bucket=self.bucket, Key="vpc/dev/terraform.tfstate", Body=body)

    def spec(self, *secrets: SecretSpec, stack: str = "", **more: Any) -> StackSpec:  # noqa: ANN401 - of `StackSpec`
        """A stack that reads these outputs, and some that the state lacks."""
        paths: list[Path] = [(name,) for name in (*OUTPUTS, "gone")]
        paths += [("ports", "main", 1), ("ports", "main", 9), ("vpc_id", "x"), ("logins", "owner", "password")]
        state = TerraformState(
            stack=stack or self.bench.stack, component="vpc", place=self.place, outputs=(*paths, ("logins", "owner"))
        )
        return self.bench.spec(*secrets, states=(state,), **more)


@pytest.fixture
def world(bench: Bench) -> World:
    return World(bench)


def output(*path: str | int, stack: str | None = None) -> Output:
    return Output("vpc", path, stack)


def found(world: World, expression: Expression, spec: StackSpec | None = None) -> object:
    match resolve(expression, world.bench.context(spec or world.spec(), writing=False).resolve):
        case Plain(value=value):
            return value
        case Secret(value=value):
            return f"<{value.get_secret_value()}>"
        case Pending(reason=reason):
            return f"? {reason}"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (output("vpc_id"), "vpc-1"),
        (output("ports", "main", 1), 5433),
        (output("ports"), {"main": [5432, 5433]}),
        (output("db_password"), f"<{CANARY}>"),
        (output("logins", "owner", "password"), f"<{CANARY}>"),
        (output("logins", "owner"), f'<{{"password":"{CANARY}","port":1}}>'),
        (WithDefault(output("vpc_id"), "x"), "vpc-1"),
        *((WithDefault(output(*path), "x"), "x") for path in (("gone",), ("nothing",), ("ports", "main", 9))),
    ],
)
def test_an_output_has_the_value_and_the_secrecy_that_the_state_says(
    world: World, expression: Expression, expected: object
) -> None:
    world.put()
    assert found(world, expression) == expected


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (("gone",), "the state has no output gone"),
        (("nothing",), "the state has nothing at output nothing"),
        (("vpc_id", "x"), "the state has nothing at output vpc_id.x"),
    ],
)
def test_an_output_that_the_state_lacks_waits_for_terraform(world: World, path: tuple[str, ...], problem: str) -> None:
    world.put()
    text = str(found(world, output(*path)))
    assert problem in text
    assert f"component vpc of stack {world.bench.stack}" in text
    assert "apply it with Terraform first" in text


def test_a_misspelt_output_of_a_kind_names_the_near_one(world: World) -> None:
    world.put()
    state = TerraformState(stack=world.bench.stack, component="rds", place=world.place, outputs=(("adress",),))
    spec = world.bench.spec(states=(state,))
    told = str(found(world, Output("rds", ("adress",)), spec))
    assert "the state has no output adress" in told
    assert told.endswith("Did you mean address?")


def test_a_component_that_was_never_applied_blocks_what_needs_it_and_nothing_else(world: World) -> None:
    bench = world.bench
    needing, other = bench.declared("needing", "${output.vpc.vpc_id}"), bench.declared("other", "x")
    spec = world.spec(needing, other)
    outcomes = bench.provision(spec)
    blocked = outcomes[f"secrets {needing.name}"]
    assert isinstance(blocked, Skipped)
    place = f"s3://{world.bucket}/vpc/dev/terraform.tfstate"
    assert f"component vpc of stack {bench.stack} has no state at {place}: apply it with Terraform first" in str(
        blocked
    )
    assert isinstance(outcomes[f"secrets {other.name}"], Applied)
    world.put()
    bench.provision(spec)
    assert bench.value("needing") == "vpc-1"


def test_a_default_serves_until_the_component_is_applied(world: World) -> None:
    bench = world.bench
    secret = bench.declared("api", "${output.vpc.vpc_id | default('none')}")
    spec = world.spec(secret)
    bench.provision(spec)
    assert bench.value("api") == "none"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    world.put()
    bench.provision(spec)
    assert bench.value("api") == "vpc-1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f'{{"version": 4, "outputs": {{"a": "{CANARY}'.encode(), "not JSON, or cut off (line 1, column"),
        (b'{"x": "' + b"\xff" + CANARY.encode() + b'"}', "it is not UTF-8"),
        (f'["{CANARY}"]'.encode(), "the top-level JSON value is not an object"),
        (b" ", "the state file is empty"),
        (state_file(version=3), "the state has format 3; states of format 4 are read"),
        (state_file(version=5), "the state has format 5"),
        (state_file(version=CANARY), "the state has no format version"),
        (state_file(encryption_version="v0", encrypted_data=CANARY), "encrypted by OpenTofu"),
    ],
)
def test_a_state_that_cannot_be_read_blocks_and_is_not_quoted(world: World, content: bytes, problem: str) -> None:
    world.put(content)
    text = str(found(world, WithDefault(output("vpc_id"), "x")))
    assert problem in text
    assert f"s3://{world.bucket}/vpc/dev/terraform.tfstate" in text
    assert CANARY not in text


def test_a_state_that_is_too_large_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform_states, "LARGEST", len(state_file()) - 1)
    world.put()
    assert "it has more than 0 MiB" in str(found(world, output("vpc_id")))
    monkeypatch.setattr(terraform_states, "LARGEST", len(state_file()))
    assert found(world, output("vpc_id")) == "vpc-1"


def test_a_bucket_that_does_not_exist_blocks_with_the_answer_of_aws(world: World) -> None:
    world.place = S3State(bucket=f"{world.bucket}-gone", key="k", region=world.bench.aws.region)
    text = str(found(world, WithDefault(output("vpc_id"), "x")))
    assert f"s3://{world.bucket}-gone/k, cannot be read: GetObject" in text
    assert "NoSuchBucket" in text


def test_a_state_is_read_once_a_run_whatever_of_it_is_needed(world: World) -> None:
    world.put()
    bench = world.bench
    spec = world.spec(
        bench.declared("one", {"a": "${output.vpc.vpc_id}", "b": "${output.vpc.db_password}"}),
        bench.declared("two", "${output.vpc.ports.main[1]}"),
    )
    context = bench.context(spec)
    reset_calls(bench.aws)
    outcomes = bench.run(STAGES["secrets"](context, passwords=generate_passwords(context)))
    assert {type(one) for one in outcomes.values()} == {Applied}
    assert (bench.value("two"), json.loads(bench.value("one"))) == ("5433", {"a": "vpc-1", "b": CANARY})
    assert [one.count for one in calls(bench.aws) if one.service == "s3"] == [1]


def test_another_apply_of_terraform_changes_nothing_and_another_output_only_its_secret(world: World) -> None:
    world.put()
    bench = world.bench
    sensitive, plain = bench.declared("one", "${output.vpc.db_password}"), bench.declared("two", "${output.vpc.vpc_id}")
    spec = world.spec(sensitive, plain)
    bench.provision(spec)
    world.put(state_file({**OUTPUTS, "more": {"value": "x", "type": "string"}}, serial=4, lineage="other"))
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert (bench.versions("one"), bench.versions("two")) == (1, 1)
    world.put(state_file({**OUTPUTS, "db_password": {**OUTPUTS["db_password"], "value": "another"}}))
    planned = bench.plan(spec)
    assert said(planned[sensitive.name]) == ("what its value is rendered from has changed",)
    assert planned[plain.name].action is ChangeClass.NONE
    assert "another" not in repr(planned)
    bench.provision(spec)
    assert (bench.value("one"), bench.versions("one"), bench.versions("two")) == ("another", 2, 1)


def test_what_is_remembered_of_an_output_is_keyed(world: World) -> None:
    world.put()
    bench = world.bench
    bench.provision(world.spec(bench.declared("one", "${output.vpc.db_password}")))
    tags = json.dumps(bench.tags("one"))
    assert CANARY not in tags


def test_a_sensitive_output_blocks_every_place_that_may_not_hold_a_secret(world: World) -> None:
    world.put()
    bench = world.bench
    secrets = (
        bench.generated("fields", fields={"username": "${output.vpc.db_password}"}),
        bench.generated("key", kms_key=output("db_password")),
        bench.generated("free"),
    )
    outcomes = bench.provision(world.spec(*secrets))
    key = str(outcomes[f"secrets {secrets[1].name}"])
    assert "Terraform marks ${output.vpc.db_password} as sensitive, so it may stand in a secret's value only" in key
    assert isinstance(outcomes[f"secrets {secrets[2].name}"], Applied)
    everything = repr(outcomes)
    assert "field username: Terraform marks ${output.vpc.db_password} as sensitive" in everything
    assert CANARY not in everything


@pytest.mark.parametrize("around", ["{}", "x {} y", "${{urlencode({})}}"])
def test_a_sensitive_output_is_no_text_whatever_is_around_it(world: World, around: str) -> None:
    world.put()
    context = world.bench.context(world.spec(), writing=False)
    written = "output.vpc.db_password" if "urlencode" in around else "${output.vpc.db_password}"
    refused = context.resolve.text(world.bench.late(around.format(written)))
    assert isinstance(refused, Pending)
    assert "Terraform marks ${output.vpc.db_password} as sensitive" in refused.reason
    assert context.resolve.text(world.bench.late("${output.vpc.vpc_id}/x")) == "vpc-1/x"


def test_the_stack_s_own_credentials_get_the_rights_for_a_state_without_a_role(world: World) -> None:
    (own,) = touched_by(world.spec())
    assert own.arns["states"] == (f"arn:aws:s3:::{world.bucket}/vpc/dev/terraform.tfstate",)
    assert own.arns["state_buckets"] == (f"arn:aws:s3:::{world.bucket}",)
    assert own.arns["state_keys"] == (f"arn:aws:kms:{world.bench.aws.region}:*:key/*",)


def test_a_sensitive_output_of_another_stack_needs_the_grant_of_values(world: World) -> None:
    world.put()
    spec = world.spec(stack="shared-prod")
    text = str(found(world, output("db_password", stack="shared-prod"), spec))
    assert "it is a value of stack shared-prod, and no grant of the operator names it" in text
    assert f'- {{stacks: "{world.bench.stack}", values: ["shared-prod"]}}' in text
    assert CANARY not in text
    assert found(world, output("vpc_id", stack="shared-prod"), spec) == "vpc-1"
    rule = GrantRule(stacks=world.bench.stack, values=("shared-prod",))
    context = world.bench.context(spec, writing=False, settings=OperatorSettings(grants=(*TRUSTED, rule)))
    assert isinstance(context.resolve.output(output("db_password", stack="shared-prod")), Secret)


def touched_by(spec: StackSpec) -> list[Touched]:
    return touched([spec], OperatorSettings(), {spec.stack: spec})


def test_a_state_in_a_file_is_read_as_one_in_s3(world: World) -> None:
    world.place = LocalState(path="components/terraform/vpc/terraform.tfstate")
    assert "has no state at components/terraform/vpc/terraform.tfstate" in str(found(world, output("vpc_id")))
    world.bench.files["components/terraform/vpc/terraform.tfstate"] = state_file().decode()
    assert found(world, output("db_password")) == f"<{CANARY}>"


def test_the_role_that_the_backend_names_reads_the_state_with_three_rights(world: World) -> None:
    bench = world.bench
    key = bench.kms.create_key()["KeyMetadata"]["Arn"]
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    world.s3.put_object(
        Bucket=world.bucket,
        Key="vpc/dev/terraform.tfstate",
        Body=state_file(),
        **encrypted,  # type: ignore[arg-type] # two of its parameters
    )
    name = f"{bench.stack}-tfstate"
    role = f"arn:aws:iam::{bench.aws.account_id}:role/{name}"
    world.place = world.place.model_copy(update={"role_arn": role})
    text = str(found(world, output("vpc_id")))
    assert f"cannot be read: AssumeRole {role} failed: AccessDenied" in text

    iam = bench.session.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": bench.aws.account_id}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    own, *rights = touched_by(world.spec())
    assert [one.role_arn for one in rights] == [role]
    assert (role in own.arns["assumed"], "states" in own.arns) == (True, False)
    (document,) = role_policies(rights[0], plan_only=True).documents
    statements = {one["Sid"]: one for one in document["Statement"]}
    assert {sid: one["Action"] for sid, one in statements.items()} == {
        "ReadStates": ["s3:GetObject"],
        "LookAtTheBucketsOfStates": ["s3:ListBucket"],
        "OpenStates": ["kms:Decrypt"],
    }

    def allow(*sids: str) -> object:
        allowed = {**document, "Statement": [statements[sid] for sid in sids]}
        iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=json.dumps(allowed))
        return found(world, output("vpc_id"))

    assert allow(*statements) == "vpc-1"
    assert "is not authorized to perform: kms:Decrypt" in str(allow("ReadStates", "LookAtTheBucketsOfStates"))
    assert "is not authorized to perform: s3:GetObject" in str(allow("OpenStates", "LookAtTheBucketsOfStates"))
    world.s3.delete_object(Bucket=world.bucket, Key="vpc/dev/terraform.tfstate")
    assert "apply it with Terraform first" in str(allow(*statements))
    assert "is not authorized to perform: s3:ListBucket" in str(allow("ReadStates", "OpenStates"))
