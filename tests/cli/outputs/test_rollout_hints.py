"""What `outputs` tells those who start pods anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws
from tests.cli.conftest import DEV
from tests.cli.shop import opened

if TYPE_CHECKING:
    from tests.cli.shop import Shop

PODS = """
            consumers:
              batch:
                type: eks
                role_arn: "arn:aws:iam::111122223333:role/batch"
                service_account: orders/batch
                secrets: [token]
              worker:
                type: lambda
                role_arn: "arn:aws:iam::111122223333:role/worker"
                secrets: [token]
"""
TOKEN = "shop/dev/api/token"


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = opened(embedded_aws, tmp_path_factory.mktemp("shop"), dev=DEV.rstrip() + PODS)
    # The consumers' roles do not exist, so its checks fail.
    assert "run succeeded" in shop.run("apply", "-s", "shop-dev").stdout
    return shop


def hints(shop: Shop) -> Any:  # noqa: ANN401 - JSON
    return json.loads(shop.run("outputs", "-s", "shop-dev").stdout)["secretsmanager/app"]["rollout_hints"]


def test_pods_get_annotations_that_change_with_a_version_and_with_nothing_else(shop: Shop) -> None:
    first = hints(shop)
    assert set(first) == {"batch"}
    assert (first["batch"]["service_account"], first["batch"]["secrets"]) == ("orders/batch", [TOKEN])
    value = first["batch"]["pod_template_annotations"]["secrets-pipeline/versions"]
    assert first["batch"]["external_secret_annotations"] == {"force-sync": value}
    assert hints(shop) == first
    shop.secrets.put_secret_value(SecretId=TOKEN, SecretString="another")
    assert hints(shop)["batch"]["pod_template_annotations"]["secrets-pipeline/versions"] != value


def test_the_other_formats_are_as_they_were(shop: Shop) -> None:
    for name in ("env", "tfvars", "ecs"):
        assert "force-sync" not in shop.run("outputs", "-s", "shop-dev", "--format", name).stdout
