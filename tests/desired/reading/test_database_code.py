"""Which components are databases by their Terraform code or their names."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from secrets_pipeline.desired.reading.database_code import Code, Makes
from secrets_pipeline.stacks.files.disk import Seen, noted_in
from tests.desired.conftest import Bench
from tests.gits import git

CODE = "components:\n  terraform:\n    base_path: components/terraform\n"
STACK = """\
components:
  terraform:
    secretsmanager:
      vars: {context_name: myapp, secrets: {one: {secret_data: {host: !terraform.state COMPONENT OUTPUT}}}}
    COMPONENT:
      vars: {stage: dev, name: orders}
"""


def stack(component: str, output: str = "address") -> str:
    return STACK.replace("COMPONENT", component).replace("OUTPUT", output)


def write_code(bench: Bench, component: str, code: str) -> None:
    bench.atmos += CODE
    folder = bench.folder / "components" / "terraform" / component
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text(code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('resource "aws_db_instance" "this" {\n}', {Makes.INSTANCE}),
        ('  resource "aws_rds_cluster" "this" {\n}', {Makes.CLUSTER}),
        ('resource "aws_rds_cluster_instance" "this" {\n}', set()),
        ('# resource "aws_db_instance" "this" {\n}', set()),
        ('/*\nresource "aws_db_instance" "this" {\n}\n*/', set()),
        ('data "aws_db_instance" "this" {\n}', set()),
        ('paths = ["/*"]\nresource "aws_db_instance" "this" {\n}\nmore = ["*/"]', {Makes.INSTANCE}),
        ('x = "\\"/*"\n  source = "cloudposse/rds/aws" # as before\ny = "*/"', {Makes.INSTANCE}),
        ('x = 1 // /*\nresource "aws_db_instance" "this" {\n}\n# */', {Makes.INSTANCE}),
        ('  source  = "cloudposse/rds-cluster/aws"', {Makes.CLUSTER}),
        ('  source = "cloudposse/rds/aws"', {Makes.INSTANCE}),
        ('  source = "cloudposse/rds-db-proxy/aws"', set()),
        ('  source = "terraform-aws-modules/rds/aws"', {Makes.INSTANCE}),
        ('  source = "terraform-aws-modules/rds/aws//modules/db_subnet_group"', set()),
        ('  source = "terraform-aws-modules/rds-aurora/aws"', {Makes.CLUSTER}),
        (
            '  source = "git::https://github.com/cloudposse/terraform-aws-rds-cluster.git?ref=tags/1.3.2"',
            {Makes.CLUSTER},
        ),
        ('  source = "github.com/terraform-aws-modules/terraform-aws-rds?ref=v6"', {Makes.INSTANCE}),
        ('  source = "terraform-aws-modules/rds-proxy/aws"', set()),
        ('  a = "arn:aws:s3:::x/*"\nresource "aws_rds_cluster" "this" {\n}\n  b = "rate(*/5)"', {Makes.CLUSTER}),
    ],
)
def test_code_tells_the_databases_that_it_makes(code: str, expected: set[Makes]) -> None:
    assert Code.of(code).makes == expected


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("terraform-aws-modules/rds/aws", True),
        ("terraform-aws-modules/vpc/aws", True),
        ("acme/postgres-database/aws", False),
        ("acme/Postgres/aws", False),
    ],
)
def test_a_module_called_like_a_database_is_known_if_it_is_a_well_known_one(source: str, *, known: bool) -> None:
    assert Code.of(f'  source = "{source}"').is_known is known


WRAPPED = 'module "m" {\n  source = "SOURCE"\n}\n'


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ({"main.tf": WRAPPED.replace("SOURCE", "../../modules/aurora")}, True),
        ({"main.tf": WRAPPED.replace("SOURCE", "../../modules/wrapper")}, True),
        ({"main.tf": WRAPPED.replace("SOURCE", "../../modules/lambda")}, False),
        ({"main.tf": WRAPPED.replace("SOURCE", "../../modules/absent-database")}, True),
        ({"main.tf": WRAPPED.replace("SOURCE", "../account-map/modules/iam-roles")}, False),
        ({"main.tf": WRAPPED.replace("SOURCE", "../../../../elsewhere/aurora")}, True),
        ({"main.tf": WRAPPED.replace("SOURCE", "app.terraform.io/acme/aurora/aws")}, True),
        ({"main.tf": WRAPPED.replace("SOURCE", "app.terraform.io/acme/ecs-service/aws")}, False),
        ({"context.tf": "", "main.tf.json": "{}"}, True),
        ({"context.tf": "", "main.tofu": ""}, True),
        ({"context.tf": "", "main.tf": b"\xff\xfe"}, True),
        ({"context.tf": ""}, False),
    ],
)
def test_code_that_is_not_wholly_known_does_not_decide_against_a_name(
    bench: Bench, code: Mapping[str, str | bytes], *, expected: bool
) -> None:
    bench.atmos += CODE
    modules = {
        "modules/aurora": 'resource "aws_rds_cluster" "this" {\n}\n',
        "modules/wrapper": WRAPPED.replace("SOURCE", "../aurora") + WRAPPED.replace("SOURCE", "../wrapper"),
        "modules/lambda": 'resource "aws_lambda_function" "this" {\n}\n',
    }
    files = {f"components/terraform/rds-orders/{name}": text for name, text in code.items()}
    files |= {f"components/{folder}/main.tf": text for folder, text in modules.items()}
    for name, text in files.items():
        (bench.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (bench.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    assert bool(bench.spec(stack("rds-orders")).databases) is expected


def test_code_that_git_does_not_track_does_not_decide_against_a_name(bench: Bench) -> None:
    write_code(bench, "rds-orders", 'resource "aws_lambda_function" "this" {\n}\n')
    git(bench.folder, "init", "--quiet")
    git(bench.folder, "add", "--all")
    assert not bench.spec(stack("rds-orders")).databases
    (bench.folder / "components/terraform/rds-orders/vendored.tf").write_text("")
    assert bench.spec(stack("rds-orders")).databases


@pytest.mark.parametrize(
    "component", ["aurora-postgres", "aurora-mysql", "rds-orders", "database/aurora-postgres", "rds"]
)
def test_a_database_by_name_needs_no_setting(bench: Bench, component: str) -> None:
    (found,) = bench.spec(stack(component)).databases
    assert (found.component, found.is_cluster) == (component, "aurora" in component)


@pytest.mark.parametrize(
    "component",
    [
        *("aurora-postgres-resources", "rds-proxy", "rds-alarms", "my-db", "rds-event-subscription", "rds-scheduler"),
        *("rds-users-lambda", "rds-iam-auth", "rds-s3-export", "rds-master-secret", "aurora-dashboard"),
    ],
)
def test_what_is_beside_a_database_is_none(bench: Bench, component: str) -> None:
    assert bench.spec(stack(component)).databases == ()


@pytest.mark.parametrize(
    ("code", "engine"),
    [
        ('resource "aws_rds_cluster" "this" {\n}\n', True),
        ('module "db" {\n  source = "cloudposse/rds/aws"\n}\n', False),
    ],
)
def test_a_component_of_any_name_is_a_database_if_its_code_makes_one(bench: Bench, code: str, *, engine: bool) -> None:
    write_code(bench, "my-db", code)
    (found,) = bench.spec(stack("my-db")).databases
    assert (found.component, found.is_cluster) == ("my-db", engine)


def test_code_without_a_database_decides_against_a_name(bench: Bench) -> None:
    write_code(bench, "rds-orders", 'resource "aws_security_group" "this" {\n}\n')
    assert bench.spec(stack("rds-orders")).databases == ()


PASSWORD = "password: !terraform.state secretsmanager generated_passwords.s"
IDENTIFIER = "settings: {secrets_pipeline: {identifier: orders}}"
SECRETS = "secretsmanager: {vars: {context_name: myapp, secrets: {s: {generate_random_password: true}}}}"


def beside(component: str, *more: str) -> str:
    """A stack with a secret, and a component that no secret refers to."""
    return f"components: {{terraform: {{{SECRETS}, {component}: {{{', '.join(more)}}}}}}}\n"


@pytest.mark.parametrize(
    "more",
    [f"vars: {{{PASSWORD}}}", "vars: {}, settings: {secrets_pipeline: {self_heal: true}}"],
    ids=["refers", "root"],
)
def test_code_without_a_database_decides_against_a_name_whoever_refers_to_whom(bench: Bench, more: str) -> None:
    text = beside("rds-login", more)
    assert [one.component for one in bench.spec(text).databases] == ["rds-login"]
    write_code(bench, "rds-login", 'resource "aws_lambda_function" "this" {\n}\n')
    spec = bench.spec(text)
    assert (spec.databases, dict(spec.components)) == ((), {"secretsmanager": "secretsmanager"})


def test_code_does_not_decide_against_settings(bench: Bench) -> None:
    write_code(bench, "rds-orders", 'module "db" {\n  source = "../../modules/db"\n}\n')
    text = beside("rds-orders", f"vars: {{{PASSWORD}}}", IDENTIFIER)
    assert [one.identifier for one in bench.spec(text).databases] == ["orders"]
    named = "settings: {secrets_pipeline: {components: {rds-orders: rds}}}"
    text = beside("rds-orders", f"vars: {{{PASSWORD}}}", named)
    assert [one.component for one in bench.spec(text).databases] == ["rds-orders"]


@pytest.mark.parametrize("key", ["password", "master_password"])
def test_a_database_by_its_code_is_ours_if_only_it_refers_to_a_secret(bench: Bench, key: str) -> None:
    write_code(bench, "orders", 'resource "aws_db_instance" "this" {\n}\n')
    text = beside("orders", f"vars: {{{PASSWORD.replace('password:', f'{key}:')}}}")
    (found,) = bench.spec(text).databases
    assert (found.component, str(found.password)) == ("orders", "secretsmanager#s")
    assert bench.spec(beside("orders", "vars: {password: plain}")).databases == ()


def test_a_database_by_its_code_with_an_identifier_is_ours_if_it_refers_to_a_secret(bench: Bench) -> None:
    write_code(bench, "orders", 'resource "aws_db_instance" "this" {\n}\n')
    username = "username: !terraform.state secretsmanager secret_values.s"
    components = bench.build(dev=beside("orders", f"vars: {{{username}}}", IDENTIFIER)).conclusions.ours["dev"]
    assert components == {"secretsmanager": "secretsmanager", "orders": "rds"}
    components = bench.build(dev=beside("orders", "vars: {}", IDENTIFIER)).conclusions.ours["dev"]
    assert components == {"secretsmanager": "secretsmanager"}


def test_the_code_of_a_folder_is_read_once_a_reading(bench: Bench) -> None:
    write_code(bench, "orders", 'resource "aws_db_instance" "this" {\n}\n')
    text = beside("orders", f"vars: {{{PASSWORD}}}")
    with noted_in(Seen()):
        assert bench.spec(text).databases
        (bench.folder / "components" / "terraform" / "orders" / "main.tf").write_text("# nothing any more\n")
        assert bench.spec(text).databases
    assert not bench.spec(text).databases


def test_a_component_that_no_secret_refers_to_stays_terraforms(bench: Bench) -> None:
    write_code(bench, "my-db", 'resource "aws_db_instance" "this" {\n}\n')
    text = stack("rds").replace("    rds:\n", "    my-db: {vars: {name: other}}\n    rds:\n")
    assert [one.component for one in bench.spec(text).databases] == ["rds"]


def test_a_component_that_the_settings_leave_alone_is_left_alone(bench: Bench) -> None:
    write_code(bench, "my-db", 'resource "aws_db_instance" "this" {\n}\n')
    text = stack("my-db") + "settings: {secrets_pipeline: {components: {my-db: ignore}}}\n"
    assert bench.spec(text).databases == ()


def test_the_error_of_an_unknown_component_names_the_one_line_that_maps_it(bench: Bench) -> None:
    (secret,) = bench.spec(stack("my-db", "endpoint")).secrets
    (why,) = secret.unresolved
    assert why.problem == "only Terraform knows output endpoint of component my-db"
    assert "If it is of kind rds, write settings.secrets_pipeline.components: {my-db: rds}." in why.remedy
    (secret,) = bench.spec(stack("my-vpc", "vpc_id")).secrets
    assert "components:" not in secret.unresolved[0].remedy


def test_the_terraform_code_is_part_of_what_a_reading_has_seen(bench: Bench) -> None:
    write_code(bench, "my-db", 'resource "aws_db_instance" "this" {\n}\n')
    seen = Seen()
    with noted_in(seen):
        bench.spec(stack("my-db"))
    assert seen.holds()
    (bench.folder / "components" / "terraform" / "my-db" / "main.tf").write_text("# nothing any more\n")
    assert not seen.holds()


def test_a_component_that_is_named_like_a_database_and_takes_a_secret_in_is_judged_by_its_code(bench: Bench) -> None:
    text = (
        "components:\n  terraform:\n    secretsmanager:\n      vars:\n        context_name: myapp\n"
        "        secrets: {s: {generate_random_password: true}}\n"
        "    COMPONENT:\n      vars: {password: !terraform.state secretsmanager generated_passwords.s}\n"
    )
    write_code(bench, "rds-users-tool", 'resource "aws_lambda_function" "this" {\n}\n')
    assert bench.spec(text.replace("COMPONENT", "rds-users-tool")).databases == ()
    (bench.folder / "components/terraform/orders").mkdir()
    (bench.folder / "components/terraform/orders/main.tf").write_text('resource "aws_db_instance" "this" {\n}\n')
    (database,) = bench.spec(text.replace("COMPONENT", "orders")).databases
    assert database.component == "orders"
