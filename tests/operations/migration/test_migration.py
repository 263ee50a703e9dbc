"""What a migration says: components, names, what Terraform forgets in which order, what a stack declares already."""

from __future__ import annotations

import json
from dataclasses import replace
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.cli.migrate.formats import as_json, as_manifests
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.operations.migration.declared import home_of
from secrets_pipeline.operations.migration.entries import Component, Home, Naming
from secrets_pipeline.operations.migration.forgetting import removed_blocks
from secrets_pipeline.operations.migration.migration import Migration, migrate
from secrets_pipeline.operations.migration.state import read_state
from secrets_pipeline.operations.migration.steps import steps
from secrets_pipeline.operations.migration.yaml_text import plain
from secrets_pipeline.operations.open_repository import open_repository
from tests.cli.conftest import ATMOS, write
from tests.grants import TRUSTED
from tests.operations.migration import terraform_state as tf

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = replace(tf.estate("fnx/dev", count=1)[0], policy=None, rotation=None, foreign_tags={})
HERE: dict[str, Any] = {"root": "secretsmanager/app", "stack": "fnx-dev"}
KNOWN = Home((Naming("fnx", "dev"), Naming("fnx", None), Naming("other", "dev")))


def migration_of(instances: list[tf.State], **how: Any) -> Migration:  # noqa: ANN401 - arguments of `migrate`
    return migrate(read_state(json.dumps(tf.state_file(instances)).encode()), **{**HERE, **how})


def variables(component: Component) -> Any:  # noqa: ANN401 - YAML
    return plain(component.variables)


def renamed(name: str, **more: Any) -> tf.TerraformSecret:  # noqa: ANN401 - attributes of a secret
    region = more.pop("region", tf.REGION)
    arn = f"arn:aws:secretsmanager:{region}:{tf.ACCOUNT}:secret:{name}-AbCdEf"
    return replace(PLAIN, **{"name": name, "arn": arn, "key": name.rpartition("/")[2], "value": f"of {name}", **more})


def test_names_that_follow_the_stacks_pattern_are_written_in_parts_and_others_in_full() -> None:
    names = ["fnx/dev/app/api-key", "fnx/dev/token", "legacy/smtp", "fnx/dev//odd", "fnx/dev/a/"]
    (component,) = migration_of(tf.instances(map(renamed, names)), home=KNOWN).components
    found = variables(component)
    assert (found["context_name"], found["environment"]) == ("fnx", "dev")
    said = [{key: one[key] for key in ("full_name", "path", "name") if key in one} for one in found["secrets"].values()]
    expected = [{"path": "app"}, {}, *({"full_name": name} for name in names[2:])]
    assert said == expected
    assert list(found["secrets"]) == ["api-key", "token", "smtp", "odd", "fnx-dev-a"]


def test_without_a_stack_every_name_is_written_in_full() -> None:
    migration = migration_of(tf.instances([PLAIN]), stack="", home=KNOWN)
    (component,) = migration.components
    assert variables(component)["secrets"]["secret_00"]["full_name"] == PLAIN.name
    assert not {"context_name", "environment"} & variables(component).keys()


def test_secrets_of_one_module_are_one_component_and_keys_are_what_their_author_called_them() -> None:
    calls = [
        {**one, "module": f'module.secret["{key}"]', "key": None}
        for key in ("mail", "sms")
        for one in tf.instances([renamed(f"x/{key}")])
    ]
    named = [{**one, "key": None, "name": "smtp"} for one in tf.instances([renamed("x/y")])]
    migration = migration_of([*calls, *named])
    assert [(one.name, list(variables(one)["secrets"])) for one in migration.components] == [
        ("secretsmanager/secret", ["mail", "sms"]),
        ("secretsmanager/app", ["smtp"]),
    ]


def test_a_component_says_what_it_is_where_its_name_does_not(tmp_path: Path) -> None:
    migration = migration_of(tf.instances([renamed("fnx/dev/a")]), root="my-secrets", home=KNOWN)
    ((text,),) = [as_manifests(migration).values()]
    write(tmp_path / "atmos.yaml", ATMOS)
    variables = f'vars: {{context_name: fnx, environment: dev, region: eu-west-2, account_id: "{tf.ACCOUNT}"}}\n'
    write(tmp_path / "stacks" / "dev.yaml", variables + text)
    desired = open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED))
    assert [one.name for one in desired.specs["fnx-dev"].secrets] == ["fnx/dev/a"]
    assert as_json(migration)["components"][0]["metadata"] == {"component": "secretsmanager"}


def test_no_component_takes_the_place_of_another() -> None:
    calls = [
        {**one, "module": f"module.{name}"}
        for name in ("x", "x-migrated", "app-from-ssm")
        for one in tf.instances([renamed(f"fnx/dev/{name}")])
    ]
    held = {**tf.parameter("/fnx/dev/p", "of-ssm"), "module": "module.app"}
    home = replace(KNOWN, components=frozenset({"secretsmanager/x"}))
    ((text,),) = [as_manifests(migration_of([*calls, held], home=home, with_ssm=True)).values()]
    written = yaml.safe_load(text)["components"]["terraform"].values()
    assert [list(one["vars"]["secrets"]) for one in written] == [["x"], ["x-migrated"], ["app-from-ssm"], ["fnx-dev-p"]]


def test_keys_are_not_taken_twice() -> None:
    twins = [{**one, "key": "k"} for name in ("a/k", "b/k") for one in tf.instances([renamed(name)])]
    (component,) = migration_of(twins).components
    assert list(variables(component)["secrets"]) == ["k", "b-k"]


def test_what_all_secrets_share_is_said_once() -> None:
    key = "arn:aws:kms:eu-west-2:111122223333:key/1"
    pair = [renamed(f"x/{n}", kms_key_id=key, recovery_window_in_days=7, tags={"N": n}) for n in ("a", "b")]
    (component,) = migration_of(tf.instances(pair)).components
    found = variables(component)
    assert (found["default_kms_key_id"], found["default_recovery_window_in_days"]) == (key, 7)
    assert (found["tags"], found["random_password_length"]) == (tf.DEFAULT_TAGS, 24)
    assert found["secrets"]["a"] == {"full_name": "x/a", "generate_random_password": True, "tags": {"N": "a"}}


def test_secrets_of_other_regions_go_into_other_stacks() -> None:
    both = [renamed("fnx/dev/a"), renamed("fnx/dev/b", region="us-east-1")]
    migration = migration_of(tf.instances(both), home=KNOWN)
    both_places = [f"account {tf.ACCOUNT}, eu-west-2", f"account {tf.ACCOUNT}, us-east-1"]
    assert [str(migration.stack_of(one)) for one in migration.components] == both_places
    text = steps(migration)
    assert f"# STACK: the one of account {tf.ACCOUNT}, us-east-1\n$ secrets-pipeline plan -s STACK" in text


def test_terraform_forgets_whatever_depends_on_others_first_and_without_instance_keys() -> None:
    found = tf.instances(tf.estate("fnx/dev"), module="module.app")
    migration = migration_of([{**one, "module": 'module.app["a"]'} for one in found])
    kinds = ["secret_rotation", "secret_policy", "secret_version", "secret"]
    blocks = [*(f"module.app.aws_secretsmanager_{kind}.this" for kind in kinds), "module.app.random_password.this"]
    assert list(migration.forgetting.blocks) == blocks
    assert migration.forgetting.resources[0] == 'module.app["a"].aws_secretsmanager_secret_rotation.this'
    assert "[" not in removed_blocks(migration.state, migration.forgetting.blocks)
    assert "terraform state rm 'module.app[\"a\"].aws_secretsmanager_secret.this'" in steps(migration)


@pytest.mark.parametrize(
    ("registry", "version", "has"),
    [
        ("registry.terraform.io", "1.7.0", True),
        ("registry.opentofu.org", "1.7.0", False),
        ("registry.opentofu.org", "1.9.1", False),
        ("registry.opentofu.org", "1.10.0", True),
        ("registry.opentofu.org", "2.0.0", True),
    ],
)
def test_opentofu_before_1_10_takes_no_lifecycle(registry: str, version: str, has: bool) -> None:
    found = [{**one, "provider": f'provider["{registry}/hashicorp/aws"]'} for one in tf.instances([PLAIN])]
    state = read_state(json.dumps(tf.state_file(found, terraform_version=version)).encode())
    text = removed_blocks(state, ["aws_secretsmanager_secret.this"])
    lifecycle = "  lifecycle {\n    destroy = false\n  }\n" if has else ""
    assert text == f"removed {{\n  from = aws_secretsmanager_secret.this\n{lifecycle}}}\n"


def test_whoever_refers_to_what_goes_is_said_and_keeps_the_password_that_it_needs() -> None:
    secret, password = "aws_secretsmanager_secret.this", "random_password.this"
    database = {"type": "aws_db_instance", "name": "main", "attributes": {}, "dependencies": [password]}
    reader = {"type": "aws_iam_role_policy", "name": "read", "attributes": {}, "dependencies": [secret]}
    forgets = migration_of([*tf.instances([PLAIN]), database, reader]).forgetting
    assert forgets.kept == ((password, ("aws_db_instance.main",)),)
    assert forgets.dependents == ("aws_iam_role_policy.read",)
    assert password not in forgets.blocks


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("aws_db_instance", "ignore_changes = [password]"),
        ("aws_rds_cluster", "ignore_changes = [master_password]"),
        ("aws_ecs_task_definition", "let it read the secret instead"),
    ],
)
def test_a_password_that_a_database_shares_is_a_step_before_the_check(user: str, said: str) -> None:
    instances = [{**one, "key": None} for one in tf.instances([PLAIN])]
    other: tf.State = {"type": user, "name": "main", "attributes": {}, "dependencies": ["random_password.this"]}
    text = steps(migration_of([*instances, other], home=KNOWN))
    order = ["## 3. Adopt", "## 4. Give each shared password one owner", f"- `{user}.main` uses `random_password.this`"]
    places = [text.index(one) for one in (*order, said, "## 5. Check")]
    assert places == sorted(places)
    assert "shared password" not in steps(migration_of(instances, home=KNOWN))


def test_what_else_a_module_has_is_said_before_its_call_is_deleted() -> None:
    inside = [{**one, "module": "module.app[0]"} for one in tf.instances([PLAIN])]
    others: list[tf.State] = [
        {"type": "aws_iam_policy", "name": "read", "attributes": {}, "module": module}
        for module in ("module.app[0]", "module.app[0].module.below", "module.other", "")
    ]
    migration = migration_of([*inside, *others])
    assert migration.forgetting.beside == (
        "module.app.aws_iam_policy.read",
        "module.app.module.below.aws_iam_policy.read",
    )
    assert "- `module.app.module.below.aws_iam_policy.read`" in steps(migration)


def test_what_shares_a_block_and_is_not_taken_over_is_said() -> None:
    hidden = {**tf.instances([renamed("x/hidden")])[1], "sensitive": ["name"]}
    migration = migration_of([*tf.instances([PLAIN]), hidden])
    assert migration.forgetting.more == ('aws_secretsmanager_secret.this["hidden"]',)
    assert "are forgotten too" in steps(migration)


@pytest.mark.parametrize("named", ["arn", "key_id", "alias", "arn of the alias"])
def test_keys_are_forgotten_only_where_that_is_asked(named: str) -> None:
    arn = "arn:aws:kms:eu-west-2:111122223333:key/k-1"
    alias_arn = "arn:aws:kms:eu-west-2:111122223333:alias/app"
    by = {"arn": arn, "key_id": "k-1", "alias": "alias/app", "arn of the alias": alias_arn}[named]
    key = {"type": "aws_kms_key", "name": "app", "attributes": {"arn": arn, "key_id": "k-1"}}
    other = {"type": "aws_kms_key", "name": "other", "attributes": {"arn": f"{arn}2", "key_id": "k-12"}}
    leads = {"name": "alias/app", "arn": alias_arn, "target_key_id": "k-1"}
    alias = {"type": "aws_kms_alias", "name": "app", "attributes": leads}
    instances = [*tf.instances([replace(PLAIN, kms_key_id=by)]), key, other, alias]
    assert not [one for one in migration_of(instances).forgetting.blocks if "kms" in one]
    blocks = migration_of(instances, with_kms=True).forgetting.blocks
    assert [one for one in blocks if "kms" in one] == ["aws_kms_alias.app", "aws_kms_key.app"]
    assert "its KMS key is aws_kms_" in "".join(as_manifests(migration_of(instances)).values())


def test_the_steps_say_first_forget_then_adopt_and_what_goes_wrong_otherwise() -> None:
    text = steps(migration_of(tf.instances([PLAIN]), home=KNOWN))
    order = [
        "plan -s fnx-dev",
        "## 2. Let Terraform forget",
        "$ terraform plan",
        "apply -s fnx-dev",
        "--detailed-exitcode",
    ]
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    assert "Why this order." in text
    assert f"--adopt {PLAIN.name}" in text


def test_parameters_become_secrets_only_where_that_is_asked_and_are_forgotten_last() -> None:
    instances = [*tf.instances([PLAIN]), tf.parameter("/fnx/dev/db/password", "of-ssm")]
    assert "--with-ssm writes secrets that take their place" in steps(migration_of(instances, home=KNOWN))
    migration = migration_of(instances, home=KNOWN, with_ssm=True)
    (component,) = migration.parameter_components
    assert component.name == "secretsmanager/app-from-ssm"
    (entry,) = variables(component)["secrets"].values()
    assert entry["secret_data"] == "${ssm:/fnx/dev/db/password}"
    assert entry["path"] == "db"
    assert "aws_ssm_parameter.destination" not in migration.forgetting.blocks
    assert "from = aws_ssm_parameter.destination" in steps(migration)


@pytest.mark.parametrize("stack", ["", "settings: {secrets_pipeline: {dialect: off}}\n"])
def test_what_is_made_of_a_parameter_is_a_reference_whatever_the_rest_of_the_repository_reads(
    tmp_path: Path, stack: str
) -> None:
    migration = migration_of([tf.parameter("/fnx/dev/db/password", "of-ssm")], home=KNOWN, with_ssm=True)
    ((text,),) = [as_manifests(migration).values()]
    write(tmp_path / "atmos.yaml", ATMOS)
    variables = f'vars: {{context_name: fnx, environment: dev, region: eu-west-2, account_id: "{tf.ACCOUNT}"}}\n'
    write(tmp_path / "stacks" / "dev.yaml", variables + stack + text)
    spec = open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED)).specs["fnx-dev"]
    assert spec.referred_parameters == frozenset({"/fnx/dev/db/password"})


def test_a_parameter_keeps_its_own_key_and_one_of_another_region_is_for_another_stack() -> None:
    instances = [tf.parameter("/fnx/dev/a", "1"), tf.parameter("/fnx/dev/b", "2")]
    instances[0]["attributes"]["key_id"] = "alias/ours"
    instances[1]["attributes"]["arn"] = f"arn:aws:ssm:us-east-1:{tf.ACCOUNT}:parameter/fnx/dev/b"
    migration = migration_of(instances, home=KNOWN, with_ssm=True)
    assert [str(migration.stack_of(one)) for one in migration.parameter_components] == [
        f"account {tf.ACCOUNT}, eu-west-2",
        f"account {tf.ACCOUNT}, us-east-1",
    ]
    (first, second) = [entry for one in migration.parameter_components for entry in variables(one)["secrets"].values()]
    assert (first["kms_key_id"], "kms_key_id" in second) == ("alias/ours", False)
    assert first["full_name"] == "fnx/dev/a"


def test_what_was_read_and_what_cannot_be_taken_over_is_said() -> None:
    (password, secret, version) = tf.instances([PLAIN])
    data, gone = {**secret, "mode": "data", "name": "read"}, {**version, "deposed": "deadbeef"}
    migration = migration_of([password, secret, version, data, gone])
    assert migration.read == (
        "state file of format 4 by terraform 1.9.8: 3 resource instances, 1 aws_secretsmanager_secret, "
        "1 aws_secretsmanager_secret_version, 1 random_password; data sources: 1; deposed objects: 1"
    )
    (deposed, sources) = migration.notes
    assert deposed.startswith('aws_secretsmanager_secret_version.this["secret_00"] is deposed')
    assert sources == "data sources only read, so nothing of them is taken over: 1 aws_secretsmanager_secret"


DEV = """
    vars: {context_name: fnx, environment: dev, region: eu-west-2, account_id: "111122223333"}
    components:
      terraform:
        secretsmanager/app:
          vars:
            secrets:
              same:
                generate_random_password: true
                tags: {ManagedBy: terraform, Owner: platform}
              other:
                secret_data: "x"
                description: ours
                recovery_window_in_days: 7
                tags: {ManagedBy: ours, New: tag}
                rotation: {lambda_arn: "arn:aws:lambda:eu-west-2:111122223333:function:f", automatically_after_days: 1}
                policy: {Statement: [{Effect: Deny, Principal: "*", Action: "*", Resource: "*"}]}
                replica_regions: [eu-west-1]
"""


def test_a_secret_that_the_stack_declares_is_named_with_what_differs(tmp_path: Path) -> None:
    write(tmp_path / "atmos.yaml", ATMOS)
    write(tmp_path / "stacks" / "dev.yaml", DEV)
    desired = open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED))
    assert not desired.errors
    spec, atmos = desired.specs["fnx-dev"], desired.source.stack("fnx-dev")
    home = home_of(atmos)
    here = (frozenset({tf.ACCOUNT}), frozenset({tf.REGION}))
    assert home == Home((Naming("fnx", "dev"),), frozenset({"secretsmanager/app"}), *here)
    made = [renamed("fnx/dev/same"), renamed("fnx/dev/other", kms_key_id="alias/k"), renamed("fnx/dev/new")]
    migration = migration_of(tf.instances(made), spec=spec, home=home)
    (component,) = migration.components
    # Its variables would be merged with those of the component that is there.
    assert (component.name, component.names) == ("secretsmanager/app-2", ("fnx/dev/new",))
    assert variables(component)["secrets"]["new"]["kms_key_id"] == "alias/aws/secretsmanager"
    (same, other) = migration.declared
    assert (same.spec.ref.key, same.differences) == ("same", ())
    turning = {"lambda_arn": "arn:aws:lambda:eu-west-2:111122223333:function:f", "automatically_after_days": 1}
    assert list(map(str, other.differences)) == [
        "description: the YAML says 'ours', Terraform nothing",
        "recovery_window_in_days: the YAML says 7, Terraform 30",
        "replica_regions: the YAML says ['eu-west-1'], Terraform nothing",
        f"rotation: the YAML says {turning}, Terraform nothing",
        "kms_key_id: the YAML says nothing, Terraform 'alias/k'",
        "tags.ManagedBy: the YAML says 'ours', Terraform 'terraform'",
        "tags.New: the YAML says 'tag', Terraform nothing",
        "tags.Owner: the YAML says nothing, Terraform 'platform'",
        "policy: the YAML says a policy, Terraform none",
        "value: the YAML says a value of another kind, Terraform a generated password",
    ]
    gone = ["description", "policy", "recovery_window_in_days", "replica_regions", "rotation", "tags.New"]
    assert other.surplus == gone
    assert "--adopt fnx/dev/same \\\n  --adopt fnx/dev/other \\\n  --adopt fnx/dev/new" in steps(migration)


def test_a_secret_that_another_stack_declares_is_said(tmp_path: Path) -> None:
    write(tmp_path / "atmos.yaml", ATMOS)
    write(tmp_path / "stacks" / "dev.yaml", DEV)
    other = open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED)).specs["fnx-dev"]
    migration = migration_of(tf.instances([renamed("fnx/dev/same")]), stack="fnx-new", others=[other])
    assert migration.notes == ("fnx/dev/same is declared by stack fnx-dev already: one name belongs to one stack",)


def test_places_that_the_stack_does_not_serve_are_said() -> None:
    both = [renamed("fnx/dev/a"), renamed("fnx/dev/b", region="us-east-1")]
    notes = migration_of(tf.instances(both)).notes
    assert (
        notes[1]
        == f"secrets in account {tf.ACCOUNT}, us-east-1, which nothing in the YAML says stack fnx-dev serves: 1"
    )


@pytest.mark.parametrize("declares", [False, True])
def test_a_stack_that_names_no_account_takes_no_secrets_of_two(tmp_path: Path, *, declares: bool) -> None:
    write(tmp_path / "atmos.yaml", ATMOS)
    secrets = "secretsmanager/x: {vars: {secrets: {one: {value: external}}}}" if declares else "vpc: {}"
    variables = "vars: {context_name: fnx, environment: dev, region: eu-west-2}"
    write(tmp_path / "stacks" / "dev.yaml", f"{variables}\ncomponents: {{terraform: {{{secrets}}}}}\n")
    desired = open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED))
    one, other = renamed("fnx/dev/a"), renamed("fnx/dev/b")
    pair = [one, replace(other, arn=other.arn.replace(tf.ACCOUNT, "444455556666"))]
    spec, home = desired.specs.get("fnx-dev"), home_of(desired.source.stack("fnx-dev"))
    migration = migration_of(tf.instances(pair), spec=spec, home=home)
    manifests = [yaml.safe_load(text)["components"]["terraform"] for text in as_manifests(migration).values()]
    entries = [list(one["vars"]["secrets"]) for manifest in manifests for one in manifest.values()]
    assert entries == [["a"], ["b"]]
    assert [note for note in migration.notes if "444455556666" in note]


@pytest.mark.parametrize(("rule", "taken"), [({}, False), ({"region": "us-east-1"}, True)])
def test_a_stack_without_secrets_takes_none_of_another_region(
    tmp_path: Path, rule: dict[str, str], *, taken: bool
) -> None:
    write(tmp_path / "atmos.yaml", ATMOS)
    variables = "vars: {context_name: fnx, environment: dev, region: eu-west-2, account_id: 111122223333}"
    write(tmp_path / "stacks" / "dev.yaml", f"{variables}\ncomponents: {{terraform: {{vpc: {{}}}}}}\n")
    desired = open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED))
    home = home_of(desired.source.stack("fnx-dev"), TargetRule(stacks="*", **rule))
    migration = migration_of(tf.instances([renamed("fnx/dev/a", region="us-east-1")]), home=home)
    (adoption,) = migration.adoptions
    assert (adoption.stack == "fnx-dev", migration.notes == ()) == (taken, taken)


def test_a_thousand_secrets_are_no_work() -> None:
    asked = [renamed(f"fnx/dev/s{number}") for number in range(1000)]
    began = process_time()
    migration = migration_of(tf.instances(asked))
    assert len(migration.secrets) == 1000
    assert process_time() - began < 10


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_attributes_of_any_shape_are_read_as_far_as_they_go(data: st.DataObject) -> None:
    instances = [*tf.instances(tf.estate("fnx/dev", count=1)), tf.parameter("/a/b", "x")]
    for one in instances:
        names = data.draw(st.sets(st.sampled_from(sorted(one["attributes"])), max_size=4))
        one["attributes"] |= {name: data.draw(TREES) for name in names}
    migration = migration_of(instances, home=KNOWN, with_ssm=True, with_kms=True)
    assert steps(migration)
    assert all(yaml.safe_load(text) for text in as_manifests(migration).values())
    assert json.dumps(as_json(migration))
