"""Where a component's state is, and who may read it: as Atmos computes it, under the operator's grants.

Expected places are those of Atmos's own tests at 0a1cb44, `internal/terraform_backend/terraform_backend_s3_test.go`
(TestReadTerraformBackendS3Internal_DefaultWorkspace, TestGetS3BackendAssumeRoleArn) and of a local state
`terraform_backend_local_test.go`.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.terraform_state.model import LocalState, S3State
from secrets_pipeline.desired.unresolved import UnresolvedReason
from tests.desired.conftest import HERE

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

REFERENCE = "!terraform.state vpc vpc_id"
ROLE, OTHER_ROLE = "arn:aws:iam::444455556666:role/tfstate", "arn:aws:iam::444455556666:role/other"
S3 = "backend_type: s3\nbackend: {s3: {bucket: acme-tfstate, key: terraform.tfstate, region: eu-west-1}}\n"


def manifest(vpc: str = S3, reference: str = REFERENCE, more: str = "", **entry: str) -> str:
    """A component vpc with a backend, and a secret that refers to an output of it."""
    below = "".join(f"\n            {key}: {value}" for key, value in entry.items())
    return (
        "components:\n  terraform:\n    vpc:\n      vars: {}\n"
        + indent(dedent(vpc), " " * 6)
        + "    secretsmanager:\n      vars:\n        context_name: myapp\n        secrets:\n"
        + f"          s:\n            secret_data: {reference}{below}\n"
        + more
    )


LOCAL = "components/terraform/*/terraform.tfstate*"


def granting(bench: Bench, *states: dict[str, Any], **more: Any) -> None:  # noqa: ANN401 - as the settings file
    rule = {"stacks": "*", "preset": "single-team", "terraform_states": states, **more}
    bench.settings = OperatorSettings(targets=(HERE,), grants=(GrantRule.model_validate(rule),))


def place(bench: Bench, text: str) -> S3State | LocalState:
    spec = bench.spec(text)
    (state,) = spec.states
    assert not [one for secret in spec.secrets for one in secret.unresolved]
    return state.place


def s3(**settings: str) -> str:
    given = {"bucket": "acme-tfstate", "key": "terraform.tfstate", **settings}
    return "backend_type: s3\nbackend: {s3: {" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}}\n"


@pytest.mark.parametrize(
    ("backend", "workspace", "key"),
    [
        ({}, "", "vpc/dev/terraform.tfstate"),
        ({"workspace_key_prefix": "network"}, "", "network/dev/terraform.tfstate"),
        (
            {"workspace_key_prefix": "'env:'"},
            "metadata: {terraform_workspace: staging}",
            "env:/staging/terraform.tfstate",
        ),
        ({"key": "state/x.tfstate"}, "metadata: {terraform_workspace: default}", "state/x.tfstate"),
        ({"workspace_key_prefix": "a"}, "metadata: {terraform_workspace: default}", "terraform.tfstate"),
        (
            {},
            "metadata: {terraform_workspace_pattern: '{stage}-{component}'}\nvars: {stage: blue}",
            "vpc/blue-vpc/terraform.tfstate",
        ),
        ({}, "metadata: {component: network/vpc}", "network-vpc/dev/terraform.tfstate"),
        ({"key": "a/../b//c"}, "", "vpc/dev/b/c"),
    ],
)
def test_the_key_of_a_state_in_s3_is_atmos_s(bench: Bench, backend: dict[str, str], workspace: str, key: str) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    text = manifest(s3(**backend) + workspace + "\n")
    if "vars:" in workspace:
        text = text.replace("      vars: {}\n", "", 1)
    assert place(bench, text) == S3State(bucket="acme-tfstate", key=key)


def test_without_workspaces_the_key_has_no_prefix(bench: Bench) -> None:
    bench.atmos += "components: {terraform: {base_path: components/terraform, workspaces_enabled: false}}\n"
    granting(bench, {"bucket": "acme-tfstate"})
    assert place(bench, manifest(s3(workspace_key_prefix="vpc"))) == S3State(
        bucket="acme-tfstate", key="terraform.tfstate"
    )


@pytest.mark.parametrize(
    ("settings", "role"),
    [
        ({"role_arn": ROLE}, ROLE),
        ({"assume_role": f"{{role_arn: '{ROLE}'}}"}, ROLE),
        ({"assume_role": f"{{role_arn: '{ROLE}'}}", "role_arn": OTHER_ROLE}, ROLE),
        ({"assume_role": "{}", "role_arn": ROLE}, ROLE),
        ({"assume_role": "{}"}, None),
        ({"assume_role": "null"}, None),
    ],
)
def test_the_role_of_assume_role_comes_before_role_arn(
    bench: Bench, settings: dict[str, str], role: str | None
) -> None:
    grants = {"bucket": "acme-tfstate"} | ({"role_arn": role} if role else {})
    granting(bench, grants)
    found = place(bench, manifest(s3(**settings)))
    assert isinstance(found, S3State)
    assert found.role_arn == role


@pytest.mark.parametrize(
    ("grant", "given"),
    [
        ({"bucket": "acme-tfstate"}, False),
        ({"bucket": "other", "role_arn": ROLE}, False),
        ({"bucket": "acme-tfstate", "role_arn": OTHER_ROLE}, False),
        ({"bucket": "acme-tfstate", "role_arn": ROLE, "keys": "vpc/prod/*"}, False),
        ({"bucket": "acme-tfstate", "role_arn": ROLE, "keys": "vpc/*"}, True),
        ({"bucket": "acme-tfstate", "role_arn": ROLE, "external_id": "secret-handshake"}, True),
    ],
)
def test_a_grant_names_bucket_and_role_and_perhaps_keys(bench: Bench, grant: dict[str, str], given: bool) -> None:
    granting(bench, grant)
    text = manifest(s3(role_arn=ROLE))
    if given:
        found = place(bench, text)
        assert isinstance(found, S3State)
        assert found.external_id == grant.get("external_id")
        return
    error = bench.only_error(text)
    named = f"s3://acme-tfstate/vpc/dev/terraform.tfstate by {ROLE}"
    assert f"Terraform state {named} is not this stack's own, and no grant of the operator names it" in error
    line = (
        '- {stacks: "dev", terraform_states: [{"bucket": "acme-tfstate", '
        f'"role_arn": "{ROLE}", "keys": ["vpc/dev/terraform.tfstate"]}}]}}'
    )
    assert line in error
    proposed = {"bucket": "acme-tfstate", "role_arn": ROLE, "keys": ["vpc/dev/terraform.tfstate"]}
    granting(bench, proposed)
    assert place(bench, text)


def test_a_grant_for_the_stack_s_own_credentials_is_none_for_a_role(bench: Bench) -> None:
    granting(bench, {"bucket": "acme-tfstate", "role_arn": ROLE})
    assert '{"bucket": "acme-tfstate", "keys": ["vpc/dev/terraform.tfstate"]}' in bench.only_error(manifest(S3))


def test_the_plan_s_table_of_what_crosses_a_boundary_has_the_state(bench: Bench) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    crossing = next(one for one in bench.spec(manifest()).crossings if one.boundary is Boundary.STATE)
    assert crossing.name == "s3://acme-tfstate/vpc/dev/terraform.tfstate"
    assert (crossing.subjects, crossing.allowed_by) == (("myapp/s",), "grants: stacks *")


@pytest.mark.parametrize(
    ("vpc", "problem"),
    [
        (
            "backend_type: gcs\nbackend: {gcs: {bucket: b}}",
            "its backend is gcs, and only states of s3 and local are read",
        ),
        ("backend_type: azurerm\nbackend: {azurerm: {}}", "its backend is azurerm, and only"),
        ("backend_type: http\nbackend: {http: {address: x}}", "its backend is http, and only"),
        ("backend_type: cloud\nbackend: {cloud: {}}", "its backend is cloud, and only"),
        ("backend_type: s3\nbackend: {s3: {key: k}}", "its backend s3 names no bucket"),
        ("backend_type: s3\nbackend: {s3: {bucket: b}}", "its backend s3 names no key"),
        (s3(bucket="!terraform.state x y"), "bucket of its backend is no text that the YAML alone says"),
        (s3(endpoint="https://minio.example"), "its backend sets endpoint, and only buckets that AWS itself opens"),
        (s3(endpoints="{s3: 'https://minio.example'}"), "its backend sets endpoints, and only"),
        (s3(sse_customer_key="canary-key"), "its backend sets sse_customer_key, and only"),
        (f"{S3}remote_state_backend_type: static\nremote_state_backend: {{static: {{vpc_id: x}}}}", "is static"),
        ("", "only Terraform knows output vpc_id of component vpc"),
        (
            "backend_type: local\nbackend: {local: {path: elsewhere/terraform.tfstate}}",
            "where Atmos looks for it whatever backend.local.path says",
        ),
        (
            "backend_type: local\nbackend: {local: {}}",
            "there is no state vpc/terraform.tfstate.d/dev/terraform.tfstate",
        ),
    ],
)
def test_a_state_that_is_not_read_blocks_the_secret_and_says_what_to_do(bench: Bench, vpc: str, problem: str) -> None:
    found = bench.only_unresolved(manifest(vpc + "\n"))
    assert "only Terraform knows output vpc_id of component vpc" in found
    assert problem in found
    assert "canary" not in found


@pytest.mark.parametrize("backend", ["gcs", "azurerm"])
def test_other_backends_are_told_to_take_a_parameter(bench: Bench, backend: str) -> None:
    found = bench.only_unresolved(manifest(f"backend_type: {backend}\nbackend: {{{backend}: {{}}}}\n"))
    assert "let Terraform put it into a parameter and write !store.get STORE KEY" in found


def test_a_profile_is_not_used_and_a_notice_says_so(bench: Bench) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    built = bench.build(dev=manifest(s3(profile="admin")))
    assert [one for one in built.notices if "component vpc in stack dev names a profile, which is not used" in one]


def written(bench: Bench, path: str = "components/terraform/vpc/terraform.tfstate.d/dev/terraform.tfstate") -> None:
    bench.atmos += "components: {terraform: {base_path: components/terraform}}\n"
    file = bench.folder / path
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 4, "outputs": {}}')


@pytest.mark.parametrize("vpc", ["", "backend_type: local\nbackend: {local: {}}\n"])
def test_a_local_state_lies_in_the_component_s_folder_and_no_backend_is_local(bench: Bench, vpc: str) -> None:
    written(bench)
    granting(bench, files=LOCAL)
    path = "components/terraform/vpc/terraform.tfstate.d/dev/terraform.tfstate"
    assert place(bench, manifest(vpc)) == LocalState(path=path)


def test_a_local_state_of_workspace_default_has_no_folder_of_its_own(bench: Bench) -> None:
    written(bench, "components/terraform/vpc/terraform.tfstate")
    granting(bench, files=LOCAL)
    text = manifest("metadata: {terraform_workspace: default}\n")
    assert place(bench, text) == LocalState(path="components/terraform/vpc/terraform.tfstate")


@pytest.mark.parametrize(
    "grants",
    [
        (),
        (GrantRule(preset="single-team"),),
        (GrantRule(files="other/*"),),
        (GrantRule(stacks="prod", files=LOCAL),),
    ],
)
def test_a_local_state_needs_a_grant_of_files_that_no_preset_gives(bench: Bench, grants: tuple[GrantRule, ...]) -> None:
    # Its workspace makes it another stack's state.
    path = "components/terraform/vpc/terraform.tfstate.d/prod/terraform.tfstate"
    written(bench, path)
    bench.settings = OperatorSettings(targets=(HERE,), grants=grants)
    text = manifest("metadata: {terraform_workspace: prod}\n")
    line = f'- {{stacks: "dev", files: ["{path}"]}}'
    assert line in "\n".join(bench.errors(text))
    granting(bench, files=path)
    crossing = next(one for one in bench.spec(text).crossings if one.boundary is Boundary.FILE)
    assert (crossing.name, crossing.allowed_by) == (path, "grants: stacks *")


@pytest.mark.parametrize("key", ["../../*", "?", "[a-z]*"])
def test_the_line_to_paste_names_a_key_and_no_glob_that_yaml_chose(bench: Bench, key: str) -> None:
    granting(bench)
    text = manifest(s3(key=f"'{key}'", workspace_key_prefix="a"))
    found = bench.only_error(text)
    state = yaml.safe_load(found[found.index("- {") :])[0]["terraform_states"][0]
    (glob,) = state["keys"]
    granting(bench, state)
    made = place(bench, text)
    assert isinstance(made, S3State)
    assert fnmatch.fnmatchcase(made.key, glob)
    assert not fnmatch.fnmatchcase("vpc/prod/terraform.tfstate", glob)
    assert not fnmatch.fnmatchcase("b", glob)


def test_a_local_state_is_read_inside_the_base_path_only(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    away = tmp_path_factory.mktemp("away") / "terraform.tfstate"
    away.write_text('{"version": 4, "outputs": {}}')
    written(bench)
    inside = bench.folder / "components/terraform/vpc/terraform.tfstate.d/dev/terraform.tfstate"
    inside.unlink()
    inside.symlink_to(away)
    assert "is outside of the base path" in bench.only_unresolved(
        manifest("backend_type: local\nbackend: {local: {}}\n")
    )
    text = manifest("metadata: {component: ../../../../x}\nbackend_type: local\nbackend: {local: {}}\n")
    assert "is outside of the base path" in bench.only_unresolved(text)


def test_a_local_state_that_is_a_link_to_another_file_has_to_be_tracked_by_git(bench: Bench) -> None:
    written(bench)
    granting(bench, files=LOCAL)
    (bench.folder / ".git").mkdir()
    path = "components/terraform/vpc/terraform.tfstate.d/dev/terraform.tfstate"
    assert place(bench, manifest("")) == LocalState(path=path)
    inside = bench.folder / path
    inside.rename(bench.folder / "operator.json")
    inside.symlink_to(Path("../../../../../operator.json"))
    found = bench.only_unresolved(manifest("backend_type: local\nbackend: {local: {}}\n"))
    assert "git" in found


def test_the_state_of_another_stack_s_component_is_read_under_both_grants(bench: Bench) -> None:
    other = "components:\n  terraform:\n    vpc:\n      vars: {}\n" + indent(s3(), " " * 6)
    reference = "!terraform.state vpc shared vpc_id"
    granting(bench, {"bucket": "acme-tfstate", "keys": "vpc/shared/*"})
    built = bench.build(dev=manifest(reference=reference), shared=other)
    (state,) = built.specs["dev"].states
    assert (state.stack, state.place) == ("shared", S3State(bucket="acme-tfstate", key="vpc/shared/terraform.tfstate"))
    granting(bench, {"bucket": "acme-tfstate"}, preset=None)
    errors = bench.build(dev=manifest(reference=reference), shared=other).errors["dev"]
    assert 'outputs: ["shared"]' in "".join(error.diagnostics() for error in errors)


def of_database(backend: str, output: str, more: str = "") -> str:
    """A component rds with a backend, and a secret that refers to an output of it."""
    text = manifest(backend, f"!terraform.state rds {output}").replace("    vpc:\n", "    rds:\n")
    return text.replace("      vars: {}\n", f"      vars: {{identifier: orders}}\n{more}")


# As terraform-aws-modules/rds names them: near to ours, and not misspelt.
@pytest.mark.parametrize("output", ["subnet_group_name", "db_instance_endpoint", "db_instance_address", "hostname"])
def test_an_output_that_no_kind_of_ours_has_is_read_from_the_state(bench: Bench, output: str) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    spec = bench.spec(of_database(s3(), output))
    assert [(one.component, one.outputs) for one in spec.states] == [("rds", ((output,),))]
    assert bench.spec(of_database(s3(), "address")).states == ()


@pytest.mark.parametrize("backend", ["", "backend_type: gcs\nbackend: {gcs: {}}\n"])
def test_without_a_state_a_near_output_is_named(bench: Bench, backend: str) -> None:
    assert "Did you mean address?" in bench.only_unresolved(of_database(backend, "adress"))


def test_what_the_pipeline_creates_is_not_looked_for_in_a_state(bench: Bench) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    text = of_database(s3(), "hostname", "      settings: {secrets_pipeline: {create: true}}\n")
    text = text.replace(
        "{identifier: orders}",
        "{identifier: orders, engine: postgres, username: owner, manage_master_user_password: true}",
    )
    assert "component rds (rds) has no output hostname" in bench.only_unresolved(text)


OF_GCS = "backend_type: gcs\nbackend: {gcs: {bucket: b}}\n"


@pytest.mark.parametrize(
    "text",
    [
        manifest(OF_GCS, "!terraform.state vpc .vpc_id // canary"),
        manifest("", "!terraform.state vpc .vpc_id // canary"),
        of_database(OF_GCS, ".hostname // canary"),
    ],
)
def test_a_default_does_not_replace_an_output_that_only_terraform_knows(bench: Bench, text: str) -> None:
    found = bench.spec(text).secrets[0]
    assert found.blocked
    assert {one.reason for one in found.unresolved} == {UnresolvedReason.TERRAFORM}
    assert "canary" not in str(found)


def test_every_place_that_takes_an_output_takes_one_of_a_state(bench: Bench) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    below = f"\n{' ' * 14}"
    text = manifest(
        reference=f"{below}url: !terraform.state vpc url{below}port: !terraform.state vpc .ports.main[0]",
        kms_key_id="!terraform.state vpc kms_arn",
        rotation=f"{below}lambda_arn: !terraform.state vpc rotation_arn{below}automatically_after_days: 30",
    )
    text += "          g:\n            username: !terraform.state vpc user\n            engine: postgres\n"
    text += "            dbname: !terraform.state vpc db\n            generate_random_password: true\n"
    spec: StackSpec = bench.spec(text)
    (state,) = spec.states
    assert set(state.outputs) == {
        ("url",),
        ("ports", "main", 0),
        ("kms_arn",),
        ("rotation_arn",),
        ("user",),
        ("db",),
    }


def test_a_master_password_that_the_pipeline_sets_is_generated_and_never_one_of_a_state(bench: Bench) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    database = "    rds:\n      settings: {secrets_pipeline: {create: true}}\n      vars:\n        identifier: orders\n"
    database += "        engine: postgres\n        username: owner\n        password: !terraform.state vpc password\n"
    assert "password is not a reference to a secret of this stack" in bench.only_error(manifest(more=database))
