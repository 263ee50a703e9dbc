"""Settings of stacks: one that nobody reads is said, and what all components inherit is no request of any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.manifests.stack_settings import KNOWN

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

TEXT = """
settings: {secrets_pipeline: {protect: true, x: 1, self_heal: true}}
vars: {region: eu-west-2}
components:
  terraform:
    secretsmanager: {vars: {context_name: dev, secrets: {key: {value: external}}}}
    secretsmanager/b: {vars: {context_name: dev, secrets: {other: {value: external}}}}
"""


def test_a_setting_that_means_nothing_is_said_once_a_stack(bench: Bench) -> None:
    found = bench.build(dev=TEXT)
    assert not found.errors
    near, unknown = sorted(found.notices)
    place = "stacks/dev.yaml:2, stack dev, component secretsmanager, key settings.secrets_pipeline"
    assert near == f"{place}.protect: protect means nothing here. Did you mean protected?"
    assert unknown == f"{place}.x: x means nothing here. Known are {', '.join(sorted(KNOWN))}."


@pytest.mark.parametrize(
    ("inherited", "instead"),
    [
        ("name_template: 'a/{{ .secret.name }}'", "name_template: 'b/{{ .secret.name }}'"),
        ("self_heal: true", "self_heal: false"),
    ],
)
def test_what_the_component_with_secrets_says_otherwise_than_all_others_claims_none_of_them(
    bench: Bench, inherited: str, instead: str
) -> None:
    text = f"""
    settings: {{secrets_pipeline: {{{inherited}}}}}
    components:
      terraform:
        secretsmanager/app:
          settings: {{secrets_pipeline: {{{instead}}}}}
          vars: {{context_name: dev, secrets: {{k: {{generate_random_password: true}}}}}}
        vpc: {{}}
        rds/app: {{vars: {{engine: 5}}}}
    """
    assert set(bench.spec(text).components) == {"secretsmanager/app"}
