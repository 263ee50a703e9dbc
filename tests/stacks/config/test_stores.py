"""Names of what a store keeps, against the strings that Atmos's own tests expect."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.stacks import AtmosRepository
from secrets_pipeline.stacks.config.stores import ASM, SSM, Store, Stores, read_stores, store_named

ASM_STORE = Store("asm", ASM, prefix="atmos/secrets")
SSM_STORE = Store("ssm", SSM, prefix="/test-prefix", stack_delimiter="/")


@pytest.mark.parametrize(
    ("store", "stack", "component", "key", "name"),
    [
        # TestSecretsManagerStore_KeyBuilding, _ScopedCoordinates: pkg/store/providers/aws_secrets_manager_store_test.go
        (ASM_STORE, "plat-prod-ue1", "vpc/flow-logs", "API_KEY", "atmos/secrets/plat/prod/ue1/vpc/flow-logs/API_KEY"),
        (ASM_STORE, "plat-prod-ue1", "", "STACK_KEY", "atmos/secrets/plat/prod/ue1/STACK_KEY"),
        (ASM_STORE, "", "", "GLOBAL_KEY", "atmos/secrets/GLOBAL_KEY"),
        (ASM_STORE, "prod", "api", "CFG", "atmos/secrets/prod/api/CFG"),
        # TestSSMStore_Set, pkg/store/providers/aws_ssm_param_store_test.go
        (SSM_STORE, "dev/usw2/app", "service", "config-key", "/test-prefix/dev/usw2/app/service/config-key"),
        (SSM_STORE, "dev/usw2/prod/app", "service", "config-key", "/test-prefix/dev/usw2/prod/app/service/config-key"),
        (SSM_STORE, "dev/usw2/app", "", "config-key", "/test-prefix/dev/usw2/app/config-key"),
        (SSM_STORE, "", "", "config-key", "/test-prefix/config-key"),
        # TestGetKeyPrefix and TestGetKeyPrefix_MatchesGetKey, pkg/store/providers/keys_test.go
        (Store("s", SSM, prefix="atmos"), "prod-ue1", "vpc", "image_tag", "atmos/prod/ue1/vpc/image_tag"),
        (Store("s", SSM, prefix="atmos"), "prod", "network/vpc", "id", "atmos/prod/network/vpc/id"),
        (Store("s", SSM), "prod", "vpc", "id", "/prod/vpc/id"),
    ],
)
def test_the_name_of_a_value_is_that_of_atmos(store: Store, stack: str, component: str, key: str, name: str) -> None:
    assert store.key(stack, component, key) == name


@pytest.mark.parametrize(
    ("store", "key", "name"),
    [
        # TestSecretsManagerStore_GetKey; for SSM, GetKey of pkg/store/providers/aws_ssm_param_store.go
        (ASM_STORE, "external/token", "atmos/secrets/external/token"),
        (Store("s", SSM), "myapp/db", "/myapp/db"),
        (Store("s", SSM), "/myapp/db", "/myapp/db"),
        (Store("s", SSM, prefix="/p"), "db", "/p/db"),
    ],
)
def test_a_key_without_stack_and_component_has_the_prefix_alone(store: Store, key: str, name: str) -> None:
    assert store.raw_key(key) == name


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        # TestMapLegacyType and TestResolveKind_KindTakesPrecedence, pkg/store/registry_test.go
        ({"type": "aws-ssm-parameter-store"}, SSM),
        ({"type": "aws-secrets-manager"}, ASM),
        ({"type": "aws/ssm"}, SSM),
        ({"type": "aws-ssm-parameter-store", "kind": "aws/asm"}, ASM),
        ({"kind": "hashicorp/vault"}, "hashicorp/vault"),
    ],
)
def test_the_kind_wins_over_the_type_of_earlier_versions(said: dict[str, str], kind: str) -> None:
    assert read_stores({"s": dict(said)})["s"].kind == kind


def stores(tmp_path: Path, text: str, **env: str) -> Stores:
    (tmp_path / "atmos.yaml").write_text(f'stacks: {{base_path: ".", included_paths: ["dev.yaml"]}}\nstores:\n{text}')
    (tmp_path / "dev.yaml").write_text("components: {terraform: {api: {}}}")
    return AtmosRepository.open(tmp_path, env=env).stack("dev").components["terraform"]["api"].stores


def test_a_component_knows_the_stores_of_atmos_yaml(tmp_path: Path) -> None:
    found = stores(
        tmp_path,
        """\
  Prod/ASM: {kind: aws/asm, secret: true, options: {region: us-east-1, prefix: !env PREFIX}}
  ssm: {type: aws-ssm-parameter-store, options: {region: eu-west-2, prefix: /p, stack_delimiter: _}}
""",
        PREFIX="team",
    )
    assert store_named(found, "Prod/ASM") == Store("prod/asm", ASM, secret=True, region="us-east-1", prefix="team")
    assert found["ssm"] == Store("ssm", SSM, region="eu-west-2", prefix="/p", stack_delimiter="_")
    assert store_named(found, "other") is None


def test_a_prefix_that_a_withheld_variable_says_is_not_known(tmp_path: Path) -> None:
    text = "  asm: {kind: aws/asm, options: {prefix: !env PREFIX, region: !exec 'echo x'}}\n"
    found = stores(tmp_path, text)["asm"]
    assert found.problem == "region of store asm is not known"
    assert found.remedy == "Write it as text, or with !env."
    found = stores(tmp_path, text.replace("!exec 'echo x'", "eu-west-2"))["asm"]
    assert found.problem == "prefix of store asm is not known"
    allowed = "{name: PREFIX, secret: false}"
    assert found.remedy == f"Let the operator allow its variable under environment_allowed: {allowed}."
    assert stores(tmp_path, text.replace("!exec 'echo x'", "eu-west-2"), PREFIX="p")["asm"].problem == ""
    assert stores(tmp_path, "  asm: {kind: aws/asm, options: {prefix: !env PREFIX p}}\n")["asm"].prefix == "p"
