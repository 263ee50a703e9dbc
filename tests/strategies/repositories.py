"""Small Atmos repositories whose components are secrets and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from hypothesis import strategies as st

ATMOS = """\
base_path: "."
stacks:
  base_path: stacks
  included_paths: ["deploy/*"]
  name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
templates: {settings: {enabled: true}}
"""
VARIABLE = "PIPELINE_TEST_VARIABLE"
"""An environment variable that functions of the repositories read."""

_keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
_references = st.sampled_from([
    "${output.kms.key_arn}",
    "${output.rds.address}",
    "${output.rds.endpoint}/app",
    f"${{env:{VARIABLE}}}",
    "${ssm:/shop/token}",
    f"!env {VARIABLE}",
    "!env NOT_SET fallback",
    "!terraform.output rds address",
    "!terraform.state kms .key_arn",
    "!store partners app token",
    "!labels team",
    "!cwd",
    "{{ .vars.environment }}",
    "!not-a-function",
])  # fmt: skip
_kms_keys = st.sampled_from(["${output.kms.key_arn}", "!terraform.state kms .key_arn", "alias/shop", "!not-a-function"])
_texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
# JSON has neither infinities nor NaN: `describe` prints them as text.
_numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
_leaves = _references | _texts | st.integers() | st.booleans() | st.none() | _numbers
_documents = st.dictionaries(_keys, _leaves | st.lists(_leaves, max_size=2), min_size=1, max_size=3)
_secrets = st.dictionaries(
    _keys,
    st.fixed_dictionaries({"secret_data": _documents | _references | _texts, "path": _keys})
    | st.fixed_dictionaries(
        {"generate_random_password": st.just(True)}, optional={"path": _keys, "kms_key_id": _kms_keys}
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def repositories(draw: st.DrawFn) -> Mapping[str, str]:
    """File → text: `atmos.yaml`, a catalog that stacks import and inherit from, one to three stacks."""
    catalog = {"secretsmanager/base": {"metadata": {"type": "abstract"}, "vars": {"secrets": draw(_secrets)}}}
    files = {"atmos.yaml": ATMOS, "stacks/catalog.yaml": _manifest(catalog)}
    for stage in draw(st.lists(st.sampled_from(["dev", "prod", "test"]), min_size=1, unique=True)):
        components = {
            "secretsmanager/app": {
                "metadata": {
                    "component": "secretsmanager",
                    "inherits": ["secretsmanager/base"],
                    "labels": {"team": draw(_keys)},
                },
                "vars": {"secrets": draw(_secrets), "create_kms_key": draw(st.booleans())},
            },
            "kms": {"vars": {"alias": f"alias/{stage}"}},
            "rds": {"vars": {"identifier": f"shop-{stage}", "note": draw(_leaves)}},
            "vpc": {"vars": draw(_documents), "settings": draw(_documents)},
        }
        stack = {"import": ["catalog"], "vars": {"context_name": "shop", "environment": stage, "region": "eu-west-2"}}
        files[f"stacks/deploy/{stage}.yaml"] = yaml.safe_dump(stack, allow_unicode=True) + _manifest(components)
    return files


def _manifest(components: Mapping[str, Any]) -> str:
    return yaml.safe_dump({"components": {"terraform": components}}, allow_unicode=True, width=10_000)
