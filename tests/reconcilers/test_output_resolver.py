"""Late resolution: every output from AWS, a reason for each that is missing, secrets kept out of plain places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.consumer.model import EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.reason import Standing
from secrets_pipeline.errors import ExpressionError, GuardError, SpecError
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.secret.reconciler import SecretReconciler
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.reconcilers.tag_keys import PREFIX
from secrets_pipeline.references.model import Expression, Output
from secrets_pipeline.references.resolve import Pending, Plain, Secret, resolve

if TYPE_CHECKING:
    from tests.bench import Bench


def resolved(context: Stack, expression: Expression) -> object:
    """The value; a secret's between brackets; the reason of a pending one after a question mark."""
    match resolve(expression, context.resolve):
        case Plain(value=value):
            return value
        case Secret(value=secret):
            return f"<{secret.get_secret_value()}>"
        case Pending(reason=reason):
            return f"? {reason}"


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    return bench.create(
        bench.declared("api", {"token": "t", "deep": "d"}),
        bench.generated("plain"),
        bench.generated(fields={"username": "owner"}),
        keys=(bench.key(),),
        databases=(bench.database(),),
        deliveries=(
            LambdaDelivery(component="worker", deliver=False, function_name=f"{bench.stack}-missing", environment={}),
            EcsDelivery(
                component="shop",
                deliver=False,
                cluster="c",
                service="s",
                family="f",
                container="app",
                secrets={},
            ),
            StageDelivery(component="api", deliver=False, api_name="a", stage_name="dev", variables={}),
        ),
    )


def test_outputs_of_secrets_are_what_aws_holds(bench: Bench, spec: StackSpec) -> None:
    context = bench.context(spec)
    about = bench.describe("api")
    expected = {
        "secret_arns.api": about["ARN"],
        "secret_ids.api": about["ARN"],
        "secret_names.api": about["Name"],
        "secret_versions.api": bench.current("api"),
        "rotation_enabled_secrets.api": False,
        "secret_values.api.token": "<t>",
        "generated_passwords.plain": f"<{bench.value('plain')}>",
        "generated_passwords.password": f"<{bench.document('password')['password']}>",
        "secret_arns.missing": "? component secrets has no secret 'missing'",
    }
    found = {text: resolved(context, bench.late(f"${{output.secrets.{text}}}")) for text in expected}
    assert found == expected
    names = resolved(context, bench.late("${output.secrets.secret_names}"))
    assert names == {"api": bench.name("api"), "plain": bench.name("plain"), "password": bench.name("password")}
    assert resolved(context, bench.late("${output.secrets.secret_values}")) == "? name one secret: secret_values.<key>"


def test_outputs_of_key_and_instance_are_what_aws_holds(bench: Bench, spec: StackSpec) -> None:
    context = bench.context(spec)
    key = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]
    instance = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]
    host, port = instance["Endpoint"]["Address"], instance["Endpoint"]["Port"]
    expected = {
        "kms.key_arn": key["Arn"],
        "kms.key_id": key["KeyId"],
        "kms.alias_name": bench.alias,
        "kms.alias_arn": f"{key['Arn'].rsplit(':', 1)[0]}:{bench.alias}",
        "secrets.kms_key_arn": "? component secrets makes no KMS key",
        "rds.address": host,
        "rds.port": port,
        "rds.endpoint": f"{host}:{port}",
        "rds.instance_arn": instance["DBInstanceArn"],
        "rds.db_name": "orders",
        "rds.username": "owner",
        "rds.engine": "postgres",
        "rds.password_secret_arn": bench.describe("password")["ARN"],
        "rds.master_user_secret_arn": f"? {bench.stack} has no master_user_secret_arn yet: instance is available",
        "worker.function_name": f"{bench.stack}-missing",
        "worker.function_arn": f"? Lambda function {bench.stack}-missing does not exist yet",
        "shop.cluster_name": "c",
        "shop.service_name": "s",
        "api.stage_name": "dev",
    }
    assert {text: resolved(context, bench.late(f"${{output.{text}}}")) for text in expected} == expected


def test_what_is_missing_says_what_it_waits_for(bench: Bench) -> None:
    spec = bench.spec(bench.declared(), keys=(bench.key(),), databases=(bench.database(),))
    context = bench.context(spec)
    expected = {
        "secrets.secret_arns.api": f"? secret {bench.name('api')} does not exist yet",
        "secrets.secret_values.api": f"? secret {bench.name('api')} does not exist yet",
        "secrets.secret_names": f"? secret {bench.name('api')} does not exist yet",
        "kms.key_arn": f"? KMS key {bench.alias} does not exist yet",
        "rds.address": f"? RDS instance {bench.stack} does not exist yet",
    }
    assert {text: resolved(context, bench.late(f"${{output.{text}}}")) for text in expected} == expected
    bench.start_without_value(spec)
    found = resolved(bench.context(spec), bench.late("${output.secrets.secret_values.api}"))
    assert found == f"? secret {bench.name('api')} has no value yet"


@pytest.mark.parametrize(
    "output", ["kms.key_arn", "rds.address", "worker.function_arn", "worker.function_name", "shop.service_name"]
)
def test_outputs_of_a_component_whose_name_is_not_known_are_waited_for(bench: Bench, output: str) -> None:
    found = resolved(bench.context(bench.spec(bench.declared())), bench.late(f"${{output.{output}}}"))
    component = output.partition(".")[0]
    assert found == f"? component {component} does not say what it is called, so nothing of it can be found"


@pytest.mark.parametrize("output", ["secret_values", "generated_passwords", "secret_arns"])
def test_whoever_writes_the_yaml_cannot_read_a_secret_that_is_not_ours(bench: Bench, output: str) -> None:
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="theirs")
    context = bench.context(bench.spec(bench.declared()))
    bench.reset_calls()
    expression = bench.late(f"${{output.secrets.{output}.api}}")
    assert resolved(context, expression) == f"? secret {bench.name('api')} is not ours"
    assert context.resolve.identity(expression) == Pending(
        f"secret {bench.name('api')} is not ours", on=f"value of secret {bench.name('api')}"
    )
    assert bench.calls()["GetSecretValue"] == 0


def test_a_value_is_not_read_where_only_the_list_says_that_the_secret_is_ours(bench: Bench) -> None:
    context = bench.context(bench.create(bench.generated()))
    assert context.observed.secrets.all()
    ours = [name for name in bench.tags("password") if name.startswith(PREFIX)]
    bench.secrets.untag_resource(SecretId=bench.name("password"), TagKeys=ours)
    bench.reset_calls()
    found = resolve(bench.late("${output.secrets.generated_passwords.password}"), context.resolve)
    name = bench.name("password")
    assert found == Pending(f"secret {name} is not ours", on=f"value of secret {name}")
    assert bench.calls()["GetSecretValue"] == 0


def test_an_output_of_another_stack_is_read_there(bench: Bench) -> None:
    shared = bench.create(bench.declared("shared", "one"))
    own = bench.spec(bench.declared("copy", f"<${{output.{bench.stack}:secrets.secret_values.shared}}>"))
    own = own.model_copy(update={"stack": f"{bench.stack}-own"})
    context = bench.context(own, shared)
    assert resolved(context, bench.late(f"${{output.{bench.stack}:secrets.secret_names.shared}}")) == bench.name(
        "shared"
    )
    first = context.resolve.identity(own.secrets[0].value.outputs[0])  # type: ignore[union-attr] # it is declared
    assert first == bench.current("shared")


def test_a_stack_that_cannot_be_used_is_waited_for_and_fails_nothing_else(bench: Bench) -> None:
    broken = bench.declared("copy", "${output.broken-dev:secrets.secret_values.x}")
    outcomes = bench.provision(bench.spec(broken, bench.declared()), "secrets")
    waiting = outcomes[f"secrets {bench.name('copy')}"]
    assert "stack broken-dev cannot be used" in getattr(waiting, "reason", "")
    assert bench.value("api") == "declared"


def test_secrets_of_two_stacks_that_need_each_other_are_waited_for(bench: Bench) -> None:
    theirs = bench.another()
    other = theirs.spec(theirs.declared("theirs", f"${{output.{bench.stack}:secrets.secret_values.ours}}"))
    bench.yaml.update(theirs.yaml)
    ours = bench.declared("ours", f"${{output.{theirs.stack}:secrets.secret_values.theirs}}")
    (change,) = SecretReconciler(bench.context(bench.spec(ours), other, writing=False)).plan()
    assert change.error is None
    assert f"secret {theirs.name('theirs')} does not exist yet" in str(change.needs)
    # Nobody is making any of them.
    assert [need.standing for need in change.needs] == [Standing.MISSING]


def test_a_secret_at_a_plain_sink_is_refused_without_its_value(bench: Bench, spec: StackSpec) -> None:
    context = bench.context(spec)
    with pytest.raises(ExpressionError, match="is secret and must not be used here") as caught:
        context.resolve.text(bench.late("x-${output.secrets.generated_passwords.plain}"))
    assert bench.value("plain") not in caught.value.diagnostics()
    assert context.resolve.text("as it stands") == "as it stands"


def test_parameters_are_secret_where_they_are_secure(bench: Bench) -> None:
    bench.ssm.put_parameter(Name=f"/{bench.stack}/plain", Value="v", Type="String")
    bench.ssm.put_parameter(Name=f"/{bench.stack}/secure", Value="s", Type="SecureString")
    context = bench.context(bench.spec())
    assert context.resolve.ssm(f"/{bench.stack}/plain") == Plain("v")
    assert context.resolve.ssm(f"/{bench.stack}/secure") == Secret(SecretStr("s"))
    missing = context.resolve.ssm(f"/{bench.stack}/missing")
    absent = f"/{bench.stack}/missing"
    assert missing == Pending(f"SSM parameter {absent} does not exist", on=f"outputs {absent}")
    assert context.resolve.ssm_version(f"/{bench.stack}/missing") == missing
    assert context.resolve.ssm_version(f"/{bench.stack}/secure") == "1"


def test_files_and_environment_come_from_the_world_and_what_is_not_called_plain_is_secret(bench: Bench) -> None:
    bench.files["banner.txt"] = "hello"
    plain = OperatorSettings.model_validate({"environment_allowed": [{"name": "ALLOWED", "secret": False}]})
    for settings, shown in (
        (plain, "hello from the environment"),
        (OperatorSettings.model_validate({"environment_allowed": ["ALLOWED"]}), "<hello from the environment>"),
        (OperatorSettings(), "<hello from the environment>"),
    ):
        context = bench.context(bench.spec(), settings=settings)
        assert resolved(context, bench.late("${file:banner.txt} ${env:ALLOWED}")) == shown


def test_an_unknown_stack_names_the_known_ones(bench: Bench) -> None:
    with pytest.raises(SpecError, match=f"Stacks without errors: {bench.stack}"):
        Assembly(bench.repository(bench.spec()), Sessions(bench.session), Run(OperatorSettings())).stack("other")


def test_what_the_yaml_of_another_stack_says_needs_no_right_in_its_account(bench: Bench) -> None:
    other = bench.another()
    deliveries = (
        LambdaDelivery(component="worker", deliver=False, function_name="jobs", environment={}),
        EcsDelivery(
            component="shop", deliver=False, cluster="main", service="orders", family="f", container="app", secrets={}
        ),
        StageDelivery(component="api", deliver=False, api_name="public", stage_name="v1", variables={}),
    )
    spec = other.spec(keys=(other.key(),), deliveries=deliveries)
    foreign = spec.model_copy(update={"target": spec.target.model_copy(update={"account_id": "999988887777"})})
    context = bench.context(bench.spec(), foreign)
    bench.reset_calls()
    for output, said in {
        "worker.function_name": "jobs",
        "shop.cluster_name": "main",
        "shop.service_name": "orders",
        "api.stage_name": "v1",
        "kms.alias_name": other.alias,
    }.items():
        component, _, name = output.partition(".")
        asked = Output(component, (name,), stack=other.stack)
        assert context.resolve.output(asked) == Plain(said)
        assert context.resolve.identity(asked) == said
    asked = Output("nowhere", ("key_arn",), stack=other.stack)
    assert context.resolve.output(asked) == Pending(f"stack {other.stack} has no component nowhere")
    assert bench.calls() == {}
    with pytest.raises(GuardError, match="999988887777"):
        context.resolve.output(Output("worker", ("function_arn",), stack=other.stack))
