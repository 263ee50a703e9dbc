"""Where a component's state is, and who may read it: as Atmos computes it, under the operator's grants.

Expected places are those of Atmos's own tests at 0a1cb44, `internal/terraform_backend/terraform_backend_s3_test.go`
(TestReadTerraformBackendS3Internal_DefaultWorkspace, TestGetS3BackendAssumeRoleArn) and of a local state
`terraform_backend_local_test.go`.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.terraform_state.model import LocalState, S3State
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
    granting(bench, files="components/*")


@pytest.mark.parametrize("vpc", ["", "backend_type: local\nbackend: {local: {}}\n"])
def test_a_local_state_lies_in_the_component_s_folder_and_no_backend_is_local(bench: Bench, vpc: str) -> None:
    written(bench)
    path = "components/terraform/vpc/terraform.tfstate.d/dev/terraform.tfstate"
    assert place(bench, manifest(vpc)) == LocalState(path=path)


def test_a_local_state_of_workspace_default_has_no_folder_of_its_own(bench: Bench) -> None:
    written(bench, "components/terraform/vpc/terraform.tfstate")
    text = manifest("metadata: {terraform_workspace: default}\n")
    assert place(bench, text) == LocalState(path="components/terraform/vpc/terraform.tfstate")


def test_a_local_state_needs_the_grant_of_files(bench: Bench) -> None:
    written(bench)
    # A preset grants files, and no state.
    granting(bench)
    path = "components/terraform/vpc/terraform.tfstate.d/dev/terraform.tfstate"
    assert f'- {{stacks: "dev", files: ["{path}"]}}' in "\n".join(bench.errors(manifest("")))


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


def test_an_output_that_no_kind_of_ours_has_is_read_from_the_state_and_a_misspelt_one_is_not(bench: Bench) -> None:
    granting(bench, {"bucket": "acme-tfstate"})
    text = manifest(s3(), "!terraform.state rds subnet_group_name").replace("    vpc:\n", "    rds:\n")
    text = text.replace("      vars: {}\n", "      vars: {identifier: orders}\n")
    spec = bench.spec(text)
    assert [(one.component, one.outputs) for one in spec.states] == [("rds", (("subnet_group_name",),))]
    known = bench.spec(text.replace("subnet_group_name", "address"))
    assert known.states == ()
    # terraform-aws-modules/rds calls it so.
    like_ours = bench.spec(text.replace("subnet_group_name", "db_instance_address"))
    assert [one.outputs for one in like_ours.states] == [(("db_instance_address",),)]
    without_state = text.replace("key: terraform.tfstate", "").replace("subnet_group_name", "adress")
    assert "Did you mean address?" in bench.only_unresolved(without_state)
    made = "{identifier: orders, engine: postgres, username: app, manage_master_user_password: true}"
    created = text.replace("{identifier: orders}", f"{made}\n      settings: {{secrets_pipeline: {{create: true}}}}")
    assert "has no output subnet_group_name" in bench.only_unresolved(created)


def test_a_default_takes_no_value_s_place_that_is_not_read(bench: Bench) -> None:
    reference = "!terraform.state vpc '.vpc_id // \"default\"'"
    gcs = manifest("backend_type: gcs\nbackend: {gcs: {bucket: acme}}\n", reference)
    assert "its backend is gcs" in bench.only_unresolved(gcs)


def test_a_key_that_the_yaml_makes_a_glob_is_granted_as_it_is(bench: Bench) -> None:
    granting(bench)
    (error,) = bench.errors(manifest(s3(key='"../../*"')))
    assert '"keys": ["[*]"]' in error


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
