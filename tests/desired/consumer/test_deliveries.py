from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.model import ConsumerSpec, EcsDelivery, LambdaDelivery, ReaderType, StageDelivery
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ROLE = "arn:aws:iam::111122223333:role/orders"
FOREIGN = "arn:aws:iam::444455556666:role/reports"
KEY_ARN = "arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ARN_OF_KEY = Output("secretsmanager", ("secret_arns", "key"))
KEY = SecretRef(component="secretsmanager", key="key")


def stack(component: str, *, deliver: bool = True, secrets: str = "", variables: str = "") -> str:
    return f"""\
components:
  terraform:
    secretsmanager:
      vars:
        context_name: myapp
{indent(variables, " " * 8)}
        secrets:
          key: {{generate_random_password: true}}
          odd: {{generate_random_password: true, name: a+b@c}}
{indent(secrets, " " * 10)}
    {component.splitlines()[0]}
      settings: {{secrets_pipeline: {{deliver: {str(deliver).lower()}}}}}
{indent(chr(10).join(component.splitlines()[1:]), " " * 6)}
"""


LAMBDA = f"""\
lambda/orders:
vars:
  function_name: orders
  role_arn: {ROLE}
  environment_variables:
    LEVEL: info
    PORT: 80
    PARAMETER: "${{ssm:/p}}"
    ARN: "${{output.secretsmanager.secret_arns.key}}"
"""
ECS = f"""\
ecs/orders:
vars:
  cluster_name: main
  service_name: orders
  execution_role_arn: {ROLE}-exec
  task_role_arn: {ROLE}-task
  container_definitions:
    - name: api
      secrets:
        - {{name: KEY, valueFrom: "${{output.secretsmanager.secret_arns.key}}:password::"}}
        - {{name: FIXED, valueFrom: "arn:aws:ssm:x"}}
      environment:
        - {{name: LEVEL, value: info}}
        - {{name: ODD, value: "${{output.secretsmanager.secret_arns.odd}}"}}
    - name: sidecar
      secrets:
        - {{name: KEY, valueFrom: "${{output.secretsmanager.secret_arns.key}}"}}
"""
STAGE = """\
apigateway:
vars:
  api_name: orders
  stage_name: dev
  stage_variables:
    level: info
    arn: "${output.secretsmanager.secret_arns.key}"
"""


def test_a_function_is_delivered_the_entries_that_refer_to_outputs(bench: Bench) -> None:
    assert bench.spec(stack(LAMBDA)).deliveries == (
        LambdaDelivery(
            component="lambda/orders",
            deliver=True,
            refresh=True,
            function_name="orders",
            role_arn=ROLE,
            environment={"ARN": ARN_OF_KEY},
        ),
    )


def test_a_service_is_delivered_container_by_container(bench: Bench) -> None:
    first, second = bench.spec(stack(ECS)).deliveries
    assert isinstance(first, EcsDelivery)
    assert isinstance(second, EcsDelivery)
    assert (first.cluster, first.service, first.family, first.container) == ("main", "orders", "orders", "api")
    assert {name: str(value) for name, value in first.secrets.items()} == {"KEY": f"{ARN_OF_KEY}:password::"}
    assert first.environment == {"ODD": Output("secretsmanager", ("secret_arns", "odd"))}
    assert (second.container, dict(second.secrets)) == ("sidecar", {"KEY": ARN_OF_KEY})


def twice(component: str, *, deliver: bool = True) -> str:
    """A stack in which a second component, `other`, says the same as a first one."""
    text = stack(component, deliver=deliver)
    name = component.splitlines()[0].removesuffix(":")
    again = text[text.index(f"    {name}:") :].replace(f"    {name}:", "    other:")
    kind = {"lambda/orders": "lambda", "ecs/orders": "ecs"}.get(name, name)
    return text + again.replace("      settings:", f"      metadata: {{component: {kind}}}\n      settings:")


@pytest.mark.parametrize(
    ("component", "place", "key"),
    [
        (LAMBDA, "function orders", "function_name"),
        (
            ECS.partition("    - name: sidecar")[0],
            "container api of service orders of cluster main",
            "container_definitions",
        ),
        (STAGE, "stage dev of API orders", "stage_name"),
    ],
)
def test_two_components_do_not_deliver_to_one_place(bench: Bench, component: str, place: str, key: str) -> None:
    name = component.splitlines()[0].removesuffix(":")
    found = bench.only_error(twice(component))
    assert f"key vars.{key}: " in found
    assert {f"{place} is also what component {one} delivers to" in found for one in (name, "other")} == {True, False}
    assert "Let one entry of one component deliver all that belongs there." in found
    assert bench.errors(twice(component, deliver=False)) == []


def test_a_stage_is_delivered_its_variables(bench: Bench) -> None:
    assert bench.spec(stack(STAGE)).deliveries == (
        StageDelivery(
            component="apigateway", deliver=True, api_name="orders", stage_name="dev", variables={"arn": ARN_OF_KEY}
        ),
    )


@pytest.mark.parametrize("component", [LAMBDA, ECS, STAGE])
def test_a_component_without_deliver_is_only_found_by_its_name(bench: Bench, component: str) -> None:
    unclear = component.replace(ROLE, "${output.iam.role_arn}")
    spec = bench.spec(stack(unclear, deliver=False))
    (delivery,) = spec.deliveries
    assert not delivery.deliver
    assert spec.consumers == ()


def test_a_component_without_deliver_and_without_a_name_is_terraforms_alone(bench: Bench) -> None:
    assert bench.spec(stack("lambda/x:\nvars: {function_name: '${output.vpc.x}'}", deliver=False)).deliveries == ()


@pytest.mark.parametrize("deliver", [True, False])
def test_a_secret_value_is_never_delivered(bench: Bench, deliver: bool) -> None:
    text = stack(LAMBDA.replace("secret_arns", "secret_values"), deliver=deliver)
    found = bench.only_error(text)
    assert "component lambda/orders, key vars.environment_variables.ARN" in found
    assert "is a secret value and must not be used here" in found


def test_a_secret_value_in_a_list_is_refused_of_a_service_that_is_not_delivered_to(bench: Bench) -> None:
    text = stack(ECS.replace("secret_arns.odd", "secret_values.odd"), deliver=False)
    found = bench.only_error(text)
    assert "component ecs/orders, key vars.container_definitions" in found
    assert "is a secret value and must not be used here" in found


@pytest.mark.parametrize(
    ("component", "problem"),
    [
        (LAMBDA.replace("function_name", "name"), "function_name is missing"),
        (LAMBDA.replace("ARN:", "A-B:"), "environment variable 'A-B' has a name that Lambda does not take"),
        (LAMBDA.replace(ROLE, "orders"), "role_arn is 'orders'"),
        (LAMBDA.replace("LEVEL: info", "LEVEL: [a]"), "LEVEL is a list, not text"),
        (LAMBDA.replace("LEVEL: info", "VPC: '${output.vpc.id}'"), "component vpc does not exist"),
        (ECS.replace("cluster_name", "cluster"), "cluster_name is missing"),
        (ECS.replace("name: sidecar", "image: x"), "name is missing"),
        (ECS.replace('valueFrom: "arn:aws:ssm:x"', "from: x"), "valueFrom is missing"),
        (ECS.replace("- {name: LEVEL, value: info}", "- LEVEL"), "environment.0: entry 0 is text, not a map"),
        (STAGE.replace("api_name", "name"), "api_name is missing"),
        (STAGE.replace("level:", "log-level:"), "stage variable 'log-level' has a wrong name"),
        (
            STAGE.replace("secret_arns.key", "secret_arns.odd"),
            "key vars.stage_variables.arn: secret myapp/a+b@c holds + and @, which a stage variable cannot hold",
        ),
    ],
)
def test_a_wrong_delivery_is_an_error(bench: Bench, component: str, problem: str) -> None:
    assert problem in bench.only_error(stack(component))


def test_consumers_are_found_by_the_references_that_are_delivered(bench: Bench) -> None:
    odd = SecretRef(component="secretsmanager", key="odd")
    assert bench.spec(stack(LAMBDA)).consumers == (
        ConsumerSpec(
            component="lambda/orders",
            name="lambda/orders",
            type=ReaderType.LAMBDA,
            principals={"role": ROLE},
            delivery="arn",
            secrets=(KEY,),
        ),
    )
    injected, fetched = bench.spec(stack(ECS)).consumers
    assert (injected.delivery, injected.principals, injected.secrets) == (
        "secrets",
        {"execution_role": f"{ROLE}-exec"},
        (KEY,),
    )
    assert (fetched.delivery, fetched.principals, fetched.secrets) == ("arn", {"task_role": f"{ROLE}-task"}, (odd,))
    assert bench.spec(stack(STAGE)).consumers == ()


def consumers(text: str) -> str:
    return stack("vpc:", variables=f"consumers:\n{indent(text, '  ')}\n", deliver=False)


@pytest.mark.parametrize("kind", ["ec2", "lambda", "eks", "app"])
def test_a_declared_consumer_reads_under_its_role(bench: Bench, kind: str) -> None:
    (found,) = bench.spec(consumers(f"x: {{type: {kind}, role_arn: '{ROLE}', secrets: [key, key]}}")).consumers
    assert found == ConsumerSpec(
        component="secretsmanager", name="x", type=ReaderType(kind), principals={"role": ROLE}, secrets=(KEY,)
    )


def test_a_declared_ecs_consumer_reads_under_two_roles(bench: Bench) -> None:
    text = f"x: {{type: ecs, execution_role_arn: '{ROLE}', task_role_arn: '{ROLE}-t', secrets: [key]}}"
    (found,) = bench.spec(consumers(text)).consumers
    assert (found.delivery, found.principals) == ("secrets", {"execution_role": ROLE, "task_role": f"{ROLE}-t"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"x: {{role_arn: '{ROLE}', secrets: [key]}}", "type is missing"),
        (f"x: {{type: vm, role_arn: '{ROLE}', secrets: [key]}}", "Write one of ec2, lambda, ecs, eks, app."),
        ("x: {type: ec2, secrets: [key]}", "the consumer names no role"),
        ("x: {type: ec2, role_arn: admin, secrets: [key]}", "role_arn is 'admin'"),
        (f"x: {{type: ec2, role_arn: '{ROLE}'}}", "the consumer reads no secret"),
        (f"x: {{type: ec2, role_arn: '{ROLE}', secrets: [kye]}}", "Did you mean key?"),
        (f"x: {{type: ec2, role_arn: '{ROLE}', secrets: key}}", "secrets is text, not a list"),
        (
            f"x: {{type: ec2, role_arn: '{ROLE}', task_role_arn: '{ROLE}', secrets: [key]}}",
            "means nothing for this type",
        ),
        (f"x: {{type: ecs, task_role_arn: '{ROLE}', delivery: secrets, secrets: [key]}}", "and none is named"),
        (f"x: {{type: ecs, execution_role_arn: '{ROLE}', delivery: arn, secrets: [key]}}", "and none is named"),
        (f"x: {{type: ec2, role_arn: '{ROLE}', delivery: mail, secrets: [key]}}", "delivery is 'mail'"),
        (f"x: {{type: ec2, role: '{ROLE}', role_arn: '{ROLE}', secrets: [key]}}", "unknown key role"),
        ("x: reader", "x is text, not a map"),
    ],
)
def test_a_wrong_consumer_is_an_error(bench: Bench, text: str, problem: str) -> None:
    found = "\n".join(bench.errors(consumers(text)))
    assert problem in found
    assert "component secretsmanager, key vars.consumers.x" in found


def foreign(key: str) -> str:
    variables = f"{key}\nconsumers: {{x: {{type: lambda, role_arn: '{FOREIGN}', secrets: [key]}}}}\n"
    return stack("kms:\nvars: {alias: myapp}", variables=variables, deliver=False)


@pytest.mark.parametrize(
    "key", ["create_kms_key: true", 'default_kms_key_id: "${output.kms.key_arn}"', "default_kms_key_id: alias/myapp"]
)
def test_a_reader_in_another_account_is_let_in_by_the_secret_and_by_our_key(bench: Bench, key: str) -> None:
    spec: StackSpec = bench.spec(foreign(key))
    assert spec.secret(KEY).readers == (FOREIGN,)
    assert [one.readers for one in spec.keys if one.readers] == [(FOREIGN,)]


@pytest.mark.parametrize(
    ("key", "output"),
    [
        ("create_kms_key: true", Output("secretsmanager", ("kms_key_arn",))),
        ("default_kms_key_id: alias/myapp", Output("kms", ("key_arn",))),
        ('default_kms_key_id: "${output.kms.key_id}"', Output("kms", ("key_arn",))),
        ('default_kms_key_id: "${output.kms.alias_name}"', Output("kms", ("key_arn",))),
    ],
)
@pytest.mark.parametrize("reader", [FOREIGN, ROLE])
def test_a_key_of_ours_is_named_by_its_arn_however_the_yaml_names_it(
    bench: Bench, key: str, output: Output, reader: str
) -> None:
    assert bench.spec(foreign(key).replace(FOREIGN, reader)).secret(KEY).kms_key == output


OTHER_STACK = "components: {terraform: {kms: {vars: {alias: shared}}}}\n"


@pytest.mark.parametrize(("output", "taken"), [("key_arn", True), ("alias_arn", True), ("key_id", False)])
def test_a_key_of_another_stack_is_not_ours_and_has_to_be_named_by_its_arn(
    bench: Bench, output: str, taken: bool
) -> None:
    built = bench.build(dev=foreign(f"default_kms_key_id: !terraform.output kms other {output}"), other=OTHER_STACK)
    if not taken:
        assert "is in another account, but the secret is encrypted under" in str(built.errors["dev"][0])
        return
    secret = built.specs["dev"].secret(KEY)
    assert secret.kms_key == Output("kms", (output,), "other")
    assert not any(one.readers for one in built.specs["dev"].keys)


def test_a_reader_in_another_account_may_use_a_key_that_is_named_by_its_arn(bench: Bench) -> None:
    spec = bench.spec(foreign(f"default_kms_key_id: {KEY_ARN}"))
    assert spec.secret(KEY).readers == (FOREIGN,)
    assert not any(key.readers for key in spec.keys)


@pytest.mark.parametrize("key", ["", "default_kms_key_id: alias/other", "default_kms_key_id: alias/aws/secretsmanager"])
def test_a_reader_in_another_account_needs_a_customer_managed_key(bench: Bench, key: str) -> None:
    found = bench.only_error(foreign(key))
    assert "key vars.secrets.key: consumer x (arn:aws:iam::444455556666:role/reports) is in another account" in found
    assert "set create_kms_key: true, or kms_key_id: !terraform.state kms key_arn" in found


def test_a_key_that_nobody_can_resolve_is_not_taken_for_the_default_key(bench: Bench) -> None:
    text = foreign("create_kms_key: true").replace("key: {", 'key: {kms_key_id: "${output.kms.nope}", ')
    assert "has no output nope" in bench.only_unresolved(text)


@pytest.mark.parametrize(
    ("replica", "under"),
    [
        ("eu-west-1", "the default key aws/secretsmanager"),
        ("{region: eu-west-1, kms_key_id: alias/there}", "key alias/there"),
    ],
)
def test_a_replica_that_a_reader_in_another_account_cannot_decrypt_is_an_error(
    bench: Bench, replica: str, under: str
) -> None:
    text = foreign("create_kms_key: true").replace("key: {", f"key: {{replica_regions: [{replica}], ")
    found = bench.only_error(text)
    assert f"{FOREIGN} is in another account, but the replica in eu-west-1 is under {under}" in found
    assert "component secretsmanager, key vars.secrets.key.replica_regions.0" in found
    there = KEY_ARN.replace("eu-west-2", "eu-west-1")
    assert bench.spec(text.replace(replica, f"{{region: eu-west-1, kms_key_id: '{there}'}}")).secret(KEY).replicas


def test_a_reader_in_the_same_account_needs_nothing(bench: Bench) -> None:
    assert bench.spec(foreign("").replace("444455556666", "111122223333")).secret(KEY).readers == ()
