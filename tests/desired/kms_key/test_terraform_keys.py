"""Keys that components declare for Terraform alone: known by their aliases, so that none is an orphan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.kms_key.model import TerraformKey
from tests.desired.reading.test_ours import HEAD, SECRETS

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

KEYS = """
    kms/own:
      settings: {secrets_pipeline: {create: true}}
      vars: {alias: eg-own}
    kms/app:
      vars: {alias: eg-app}
    kms/several:
      vars: {aliases: [alias/eg-one, "${data.aws_x.y.z}"]}
    kms/named:
      vars: {description: an alias of Terraform's making}
    kms/off:
      vars: {enabled: false, alias: eg-off}
"""


def test_keys_of_components_that_are_not_ours_are_known_by_their_aliases(bench: Bench) -> None:
    found = bench.build(dev=HEAD + SECRETS + KEYS, other=HEAD + KEYS.replace("eg-app", "eg-other")).terraform_keys
    assert [one for one in found if one.stack == "dev"] == [
        TerraformKey("dev", "kms/app", "alias/eg-app"),
        TerraformKey("dev", "kms/several", "alias/eg-one"),
        TerraformKey("dev", "kms/several", None),
    ]
    # Of a stack that declares nothing of ours, too.
    assert TerraformKey("other", "kms/app", "alias/eg-other") in found
