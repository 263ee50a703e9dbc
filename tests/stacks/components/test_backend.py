from __future__ import annotations

import pytest

from tests.stacks.conftest import ATMOS, Only, Open


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [("{}", "net-vpc"), ("{component: infra/vpc}", "infra-vpc"), ("{component: x, name: n/m}", "n-m")],
)
def test_the_prefix_of_s3_defaults_to_the_component(only: Only, metadata: str, expected: str) -> None:
    manifest = f"""
        terraform: {{backend_type: s3, backend: {{s3: {{bucket: b}}, gcs: {{bucket: g}}}}}}
        components: {{terraform: {{net/vpc: {{metadata: {metadata}}}}}}}
    """
    found = only(manifest, name="net/vpc").sections
    assert found["backend"] == {"bucket": "b", "workspace_key_prefix": expected}
    assert found["backend_type"] == "s3"


def test_a_prefix_that_is_set_stays(only: Only) -> None:
    app = only("""
        components:
          terraform: {app: {backend_type: gcs, backend: {gcs: {bucket: b, prefix: mine}}}}
    """)
    assert app.sections["backend"] == {"bucket": "b", "prefix": "mine"}


@pytest.mark.parametrize(
    ("root", "own", "expected"),
    [
        ("{}", "{}", "app.terraform.tfstate"),
        ("{key: k}", "{}", "k/app.terraform.tfstate"),
        ("{key: k}", "{key: own}", "own"),
    ],
)
def test_the_key_of_azurerm_is_built(only: Only, root: str, own: str, expected: str) -> None:
    app = only(f"""
        terraform: {{backend_type: azurerm, backend: {{azurerm: {root}}}}}
        components: {{terraform: {{app: {{backend: {{azurerm: {own}}}}}}}}}
    """)
    assert app.sections["backend"]["key"] == expected


def test_the_remote_state_backend_lies_over_the_backend(only: Only) -> None:
    app = only("""
        terraform:
          backend_type: s3
          backend: {s3: {bucket: b, role: write}}
          remote_state_backend: {s3: {role: read}}
        components: {terraform: {app: {}}}
    """)
    assert app.sections["remote_state_backend"] == {"bucket": "b", "role": "read", "workspace_key_prefix": "app"}
    assert app.sections["remote_state_backend_type"] == "s3"
    assert app.sections["backend"]["role"] == "write"


@pytest.mark.parametrize(
    "own",
    [
        "{backend_type: gcs, backend: {s3: {}}}",
        "{backend_type: local, backend: {local: {}}, remote_state_backend: {s3: {}}}",
    ],
)
def test_a_type_without_settings_is_refused(repository: Open, own: str) -> None:
    (error,) = repository({"stacks/deploy/dev.yaml": f"components: {{terraform: {{app: {own}}}}}"}).resolve().errors
    assert "backend_type does not match any key configured under backend" in error.message
    assert error.where is not None
    assert error.where.component == "app"


def test_settings_of_a_backend_must_be_a_mapping(repository: Open) -> None:
    manifest = "components: {terraform: {app: {backend_type: s3, backend: {s3: 1}}}}"
    (error,) = repository({"stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert "invalid terraform backend section for the component 'app'" in error.message


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("{}", "deploy-dev"),
        ("{terraform_workspace: a/b}", "a-b"),
        ("{terraform_workspace_pattern: '{tenant}-{component}-{other}'}", "t1-app-{other}"),
        ("{terraform_workspace_template: 'w-{{ .vars.tenant }}-{{ .stack }}'}", "w-t1-deploy-dev"),
        ("{terraform_workspace: x, terraform_workspace_pattern: '{tenant}'}", "x"),
    ],
)
def test_the_workspace_is_the_stack_unless_metadata_says(only: Only, metadata: str, expected: str) -> None:
    app = only(f"components: {{terraform: {{app: {{vars: {{tenant: t1}}, metadata: {metadata}}}}}}}")
    assert app.sections["workspace"] == expected


def test_the_workspace_is_default_without_workspaces(only: Only) -> None:
    manifest = "components: {terraform: {app: {}}}"
    atmos = ATMOS.replace("components/terraform}", "components/terraform, workspaces_enabled: false}")
    assert only(manifest, {"atmos.yaml": atmos}).sections["workspace"] == "default"
    http = "components: {terraform: {app: {backend_type: http}}}"
    assert only(http).sections["workspace"] == "default"
