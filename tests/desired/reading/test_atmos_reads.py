"""Where Atmos alone can read what a secret needs, the error says how to let it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

VPC = "    vpc: {vars: {}}\n"
TEXT = """
vars: {region: eu-west-2}
components:
  terraform:
    secretsmanager: {vars: {context_name: dev, secrets: {other: {secret_data: !terraform.state vpc STACKvpc.id}}}}
"""


@pytest.mark.parametrize(("stack", "of"), [("", ".stack"), ("dev ", '"dev"'), ("other ", '"other"')])
def test_an_output_of_terraforms_in_a_function_names_atmos_as_a_way_out(bench: Bench, stack: str, of: str) -> None:
    bench.build(other="components:\n  terraform:\n" + VPC)
    found = bench.only_unresolved(TEXT.replace("STACK", stack) + VPC)
    assert f'With --from-atmos, Atmos reads it: {{{{ (atmos.Component "vpc" {of}).outputs.vpc.id }}}}.' in found
