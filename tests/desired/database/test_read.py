from __future__ import annotations

import re
from textwrap import indent
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.names import instance_identifier
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

PASSWORD = 'password: "${output.secretsmanager.generated_passwords.master}"\n'
CREATE = "identifier: orders\nengine: postgres\nusername: app\ndb_name: orders\n"


def stack(variables: str, secret: str = "", *, create: bool = True, component: str = "") -> str:
    return f"""\
components:
  terraform:
    secretsmanager:
      vars:
        context_name: myapp
{indent(component, " " * 8)}
        secrets:
          literal: {{secret_data: x-9}}
          master:
            generate_random_password: true
{indent(secret, " " * 12)}
    rds:
      settings: {{secrets_pipeline: {{create: {str(create).lower()}, components: {{rds: rds}}}}}}
      vars:
        tags: {{a: b}}
{indent(variables, " " * 8)}
"""


def database(bench: Bench, variables: str, *, create: bool = True) -> DatabaseSpec:
    (found,) = bench.spec(stack(variables, create=create)).databases
    return found


def master(bench: Bench, variables: str, secret: str = "", component: str = "") -> GeneratedValue:
    spec = bench.spec(stack(variables, secret, component=component))
    value = spec.secret(SecretRef(component="secretsmanager", key="master")).value
    assert isinstance(value, GeneratedValue)
    return value


def test_an_instance_is_read_with_its_password_and_parameters(bench: Bench) -> None:
    variables = (
        CREATE + PASSWORD + 'engine_version: "16.4"\ninstance_class: db.m7g.large\nallocated_storage: 100\nport: 5433\n'
        "multi_az: true\nvpc_security_group_ids: [sg-1]\ndb_subnet_group_name: private\nbackup_retention_period: 7\n"
    )
    assert database(bench, variables) == DatabaseSpec(
        component="rds",
        identifier="orders",
        engine="postgres",
        engine_version="16.4",
        instance_class="db.m7g.large",
        allocated_storage=100,
        db_name="orders",
        port=5433,
        username="app",
        password=SecretRef(component="secretsmanager", key="master"),
        create=True,
        tags={"a": "b"},
        parameters={
            "BackupRetentionPeriod": 7,
            "DBSubnetGroupName": "private",
            "MultiAZ": True,
            "PubliclyAccessible": False,
            "StorageEncrypted": True,
            "VpcSecurityGroupIds": ["sg-1"],
        },
        defaults={"publicly_accessible": False, "storage_encrypted": True},
    )


def test_an_instance_is_private_and_encrypted_and_in_production_kept_from_deletion_unless_the_yaml_says_otherwise(
    bench: Bench,
) -> None:
    found = database(bench, CREATE + PASSWORD + "environment: prod\n")
    assert dict(found.parameters) == {"PubliclyAccessible": False, "StorageEncrypted": True, "DeletionProtection": True}
    said = "environment: prod\npublicly_accessible: true\nstorage_encrypted: false\ndeletion_protection: false\n"
    found = database(bench, CREATE + PASSWORD + said)
    assert dict(found.parameters) == {
        "PubliclyAccessible": True,
        "StorageEncrypted": False,
        "DeletionProtection": False,
    }
    assert dict(found.defaults) == {}


@pytest.mark.parametrize(
    ("engine", "variables", "storage"),
    [
        ("postgres", "", 20),
        ("postgres", "allocated_storage: 20\n", 20),
        ("postgres", "storage_type: standard\nallocated_storage: 5\n", 5),
        ("postgres", "storage_type: io2\n", 100),
        ("postgres", "iops: 3000\n", 100),
        ("postgres", "storage_type: gp3\niops: 3000\nallocated_storage: 20\n", 20),
    ],
)
def test_an_instance_has_the_storage_that_its_type_begins_with_or_more(
    bench: Bench, engine: str, variables: str, storage: int
) -> None:
    created = CREATE.replace("postgres", engine)
    assert database(bench, created + PASSWORD + variables).allocated_storage == storage


@pytest.mark.parametrize(
    ("engine", "variables", "problem"),
    [
        ("postgres", "allocated_storage: 19\n", "allocated_storage is 19, and gp3 begins with 20 GiB for postgres"),
        ("mysql", "storage_type: gp2\nallocated_storage: 5\n", "gp2 begins with 20 GiB for mysql"),
        ("postgres", "storage_type: io1\nallocated_storage: 99\n", "io1 begins with 100 GiB for postgres"),
        ("postgres", "iops: 3000\nallocated_storage: 50\n", "io1 begins with 100 GiB for postgres"),
        ("postgres", "storage_type: standard\nallocated_storage: 4\n", "standard begins with 5 GiB for postgres"),
        ("oracle-se2", "storage_type: standard\nallocated_storage: 9\n", "standard begins with 10 GiB for oracle-se2"),
    ],
)
def test_less_storage_than_rds_gives_is_an_error_of_the_yaml(
    bench: Bench, engine: str, variables: str, problem: str
) -> None:
    error = bench.only_error(stack(CREATE.replace("postgres", engine) + PASSWORD + variables))
    assert problem in error
    assert "to 65536." in error


def test_an_instance_of_terraforms_needs_nothing_but_its_name(bench: Bench) -> None:
    found = database(bench, 'identifier: orders\nvpc_security_group_ids: ["${output.vpc.sg}"]\n', create=False)
    assert (found.identifier, found.create, dict(found.parameters)) == ("orders", False, {})


def test_an_identifier_is_made_of_names_for_a_database_that_is_made_here_alone(bench: Bench) -> None:
    variables = "tenant: Acme\nenvironment: dev\nengine: postgres\nusername: app\nmanage_master_user_password: true\n"
    assert database(bench, variables).identifier == "acme-dev-rds"
    assert database(bench, variables, create=False).identifier is None
    assert instance_identifier(None, "1", "rds//my_db") == "db-1-rds-my-db"


@example("a" * 62, None, "rds")
@given(st.text("aZ7-_é /", max_size=40), st.none() | st.text("b-", max_size=40), st.text("c1/_", max_size=40))
def test_an_identifier_that_is_made_of_names_is_one_that_rds_takes(
    context: str, environment: str | None, component: str
) -> None:
    # Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    made = instance_identifier(context, environment, component)
    assert re.fullmatch("[a-z](-?[a-z0-9])*", made)
    assert len(made) <= 63


def test_rds_may_own_the_password(bench: Bench) -> None:
    found = database(bench, CREATE + "manage_master_user_password: true\n")
    assert (found.manage_master_user_password, found.password) == (True, None)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        (CREATE, "the instance to be made has no master password"),
        (PASSWORD + "username: app\n", "engine is missing"),
        (PASSWORD + "engine: postgres\n", "username is missing"),
        (CREATE + "password: hunter2-canary\n", "password is not a reference to a secret of this stack"),
        (CREATE + 'password: "${ssm:/p}"\n', "Take the password out of the YAML, let it be generated"),
        (CREATE + 'password: "${output.secretsmanager.secret_arns.master}"\n', "is not a reference to a secret"),
        (CREATE + 'password: "${output.secretsmanager.secret_values.literal}"\n', "is not generated"),
        (CREATE + 'password: "${output.secretsmanager.secret_values.none}"\n', "Keys of its secrets: literal, master."),
        (CREATE + PASSWORD + "manage_master_user_password: true\n", "stands beside a password"),
        (CREATE + PASSWORD + "engine_version: 16.4\n", "engine_version is a number, not text"),
        (CREATE + PASSWORD + "port: 80\n", "Write a number from 1150 to 65535."),
        (CREATE.replace("identifier: orders", "identifier: 1-x") + PASSWORD, "identifier is '1-x'"),
        (CREATE + PASSWORD + 'db_subnet_group_name: "${output.vpc.x}"\n', "component vpc does not exist"),
        (CREATE + PASSWORD + 'vpc_security_group_ids: ["${ssm:/sg}"]\n', "which is only known later"),
        (CREATE + PASSWORD + "vpc_security_group_ids: sg-1\n", "vpc_security_group_ids is text, not a list"),
    ],
)
def test_a_wrong_instance_is_an_error(bench: Bench, variables: str, problem: str) -> None:
    found = bench.only_error(stack(variables))
    assert problem in found
    assert "stack dev, component rds, key vars." in found
    assert "canary" not in found


def test_create_is_true_or_false(bench: Bench) -> None:
    text = stack(CREATE + PASSWORD).replace("create: true", "create: 'yes'")
    assert "key settings.secrets_pipeline.create: create is neither true nor false" in bench.only_error(text)


def test_a_master_password_may_be_named_as_tf_atmos_does(bench: Bench) -> None:
    found = database(bench, CREATE + PASSWORD.replace("password:", "master_password:", 1))
    assert found.password == SecretRef(component="secretsmanager", key="master")


@pytest.mark.parametrize("key", ["password", "master_password"])
def test_what_stands_in_a_password_by_chance_is_not_told(bench: Bench, key: str) -> None:
    text = stack(CREATE + f"{key}: 'Ab${{zq7x}}9'\n")
    found = bench.only_error("settings: {secrets_pipeline: {dialect: tf-atmos}}\n" + text)
    assert "a variable in the middle of this text has no value" in found
    assert "zq7x" not in found


def test_a_master_password_has_the_alphabet_and_length_of_its_engine(bench: Bench) -> None:
    policy = master(bench, CREATE + PASSWORD).policy
    assert (policy.length, policy.alphabet["special"]) == (32, "-_.~")
    policy = master(bench, CREATE.replace("postgres", "oracle-se2") + PASSWORD).policy
    assert policy.length == 30


@pytest.mark.parametrize("engine", ["postgres", "aurora-postgresql", "mysql", "mariadb", "oracle-ee", "sqlserver-ex"])
def test_no_engine_gets_a_character_that_rds_refuses(bench: Bench, engine: str) -> None:
    alphabet = master(bench, CREATE.replace("postgres", engine) + PASSWORD).policy.alphabet
    assert not set("".join(alphabet.values())) & set("/@\"' ")


def test_an_override_that_the_engine_takes_is_kept(bench: Bench) -> None:
    policy = master(bench, CREATE + PASSWORD, "random_password_override_special: '-+'\npassword_length: 64\n").policy
    assert (policy.length, policy.alphabet["special"]) == (64, "-+")


@pytest.mark.parametrize(
    ("engine", "secret", "problem"),
    [
        ("postgres", "random_password_override_special: '-/@'", "holds '/@', which RDS refuses"),
        ("mysql", "password_length: 42", "MySQL takes master passwords of 8 to 41 characters"),
        ("oracle-ee", "random_password_length: 31", "Oracle takes master passwords of 8 to 30 characters"),
    ],
)
def test_an_override_that_the_engine_refuses_is_an_error(bench: Bench, engine: str, secret: str, problem: str) -> None:
    assert problem in bench.only_error(stack(CREATE.replace("postgres", engine) + PASSWORD, secret))


def test_credentials_get_host_and_port_of_the_instance_and_what_it_knows(bench: Bench) -> None:
    value = master(bench, CREATE.replace("engine: postgres", "engine: aurora-postgresql") + PASSWORD, "username: app\n")
    assert list(value.fields.items()) == [
        ("engine", "postgres"),
        ("host", Output("rds", ("address",))),
        ("port", Output("rds", ("port",))),
        ("username", "app"),
        ("dbname", "orders"),
    ]


def test_explicit_host_and_port_win(bench: Bench) -> None:
    secret = 'dbname: x\nhost: db.example.com\nport: "${db_port}"\n'
    value = master(bench, CREATE + PASSWORD, secret, component="db_port: 6432\n")
    assert value.fields["host"] == "db.example.com"
    assert value.fields["port"] == 6432


def test_credentials_of_no_instance_have_neither_host_nor_port(bench: Bench) -> None:
    spec = bench.spec(stack("identifier: x\n", "username: app\nengine: postgres\n", create=False))
    value = spec.secret(SecretRef(component="secretsmanager", key="master")).value
    assert isinstance(value, GeneratedValue)
    assert dict(value.fields) == {"engine": "postgres", "username": "app"}
    assert not spec.secrets[1].needs_endpoint


def test_a_username_that_is_not_the_master_user_is_an_error(bench: Bench) -> None:
    found = bench.only_error(stack(CREATE + PASSWORD, "username: other\n"))
    assert "username is 'other', but component rds has the master user 'app'" in found


def test_host_in_a_bare_password_is_an_error(bench: Bench) -> None:
    assert "host stands in a secret that is a bare password" in bench.only_error(stack(CREATE + PASSWORD, "host: h\n"))


IDENTIFIER = "      settings: {secrets_pipeline: {create: true, identifier: orders}}\n"


def test_an_identifier_that_is_taken_or_too_long_is_named_by_the_key_that_is_set(bench: Bench) -> None:
    password = PASSWORD.replace("master}", "other}")
    text = stack(CREATE + PASSWORD) + f"    rds/two:\n{IDENTIFIER}      vars:\n{indent(CREATE + password, ' ' * 8)}"
    text = text.replace("          master:", "          other: {generate_random_password: true}\n          master:")
    found = "\n".join(bench.errors(text))
    key = "settings.secrets_pipeline.identifier"
    assert f"component rds/two, key {key}: identifier orders is also that of component rds" in found
    assert f"Write another {key}." in found
    cluster = CREATE.replace("engine: postgres", "engine: aurora-postgresql").replace("db_name: orders\n", "")
    text = stack(cluster + PASSWORD).replace("{create: true,", f"{{create: true, identifier: {'o' * 62},")
    assert f"Write {key} with up to 61 characters." in "\n".join(bench.errors(text))


def test_two_instances_share_neither_identifier_nor_password(bench: Bench) -> None:
    more = stack(CREATE + PASSWORD) + f"    rds/two:\n      vars:\n{indent(CREATE + PASSWORD, ' ' * 8)}"
    found = "\n".join(bench.errors(more))
    assert "component rds/two, key vars.identifier: identifier orders is also that of component rds" in found
    assert "component rds/two, key vars.password: secret master is the master password of component rds" in found
