"""Errors of the reader quote nothing that stands where a value stands."""

from __future__ import annotations

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.yaml.tag_names import TAGS, named
from secrets_pipeline.stacks import AtmosRepository
from tests.stacks.conftest import ATMOS, Write

SPOKEN = "Sup3rSecret"
TEMPLATES = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}, gomplate: {enabled: true}}}\n"


@pytest.mark.parametrize(
    "value",
    [
        f"!{SPOKEN}",
        f"!{SPOKEN} x",
        f"!!{SPOKEN} x",
        f"!{SPOKEN} [1]",
        f"!{SPOKEN} {{a: 1}}",
        f"!<tag:yaml.org,2002:{SPOKEN}> x",
        f"{{{SPOKEN}: 1, {SPOKEN}: 2}}",
        f"{{!{SPOKEN} a : 1}}",
        f'!include data.yaml .l["{SPOKEN}"]',
        f"!include data.yaml '.l.\"{SPOKEN}\"[0] | nope'",
        "!include twice.hcl",
        f"'{{{{ index .vars \"{SPOKEN}\" 5 }}}}'",
        f"'{{{{ index .vars `{SPOKEN}` 5 }}}}'",
        f"'{{{{ \"{SPOKEN}\" | atoi | fail \"x\" }}}}'",
        f"'{{{{ \"{SPOKEN}\".x }}}}'",
        f"'{{{{ template \"{SPOKEN}\" }}}}'",
        f"'{{{{ 5{SPOKEN} }}}}'",
        f"'{{{{ repeat \"x\" \"{SPOKEN}\" }}}}'",
        f"'{{{{ 1 \"{SPOKEN}\" }}}}'",
        f"'{{{{ eq (printf \"%s\" \"{SPOKEN}\") 1 }}}}'",
    ],
)  # fmt: skip
def test_no_error_quotes_what_may_be_a_value(write: Write, value: str) -> None:
    stack = f"components:\n  terraform:\n    app:\n      vars:\n        password: {value}\n"
    hcl = f'a = {{"{SPOKEN}" = 1, "{SPOKEN}" = 2}}\n'
    files = {"atmos.yaml": TEMPLATES, "stacks/deploy/dev.yaml": stack, "data.yaml": "l: [1]", "twice.hcl": hcl}
    (error,) = AtmosRepository.open(write(files), env={}).resolve().errors
    assert SPOKEN not in error.diagnostics()
    assert error.where is not None
    assert error.where.file in {"stacks/deploy/dev.yaml", "twice.hcl"}


@pytest.mark.parametrize("number", ["123456", "0x1E240", "-1234.5e6"])
def test_a_number_of_a_template_is_not_quoted(write: Write, number: str) -> None:
    stack = f'vars: {{v: "{{{{ index .vars {number} }}}}"}}\ncomponents: {{terraform: {{app: {{}}}}}}\n'
    (error,) = (
        AtmosRepository.open(write({"atmos.yaml": TEMPLATES, "stacks/deploy/dev.yaml": stack}), env={}).resolve().errors
    )
    assert "at <index .vars …>: error calling index" in error.message
    assert number not in error.message


def test_a_tag_with_one_letter_wrong_is_named_with_the_one_that_is_meant(write: Write) -> None:
    files = {"stacks/deploy/dev.yaml": "components: {terraform: {app: {vars: {v: !terraform.outptu vpc id }}}}"}
    (error,) = AtmosRepository.open(write(files), env={}).resolve().errors
    assert "unsupported YAML tag: '!terraform.outptu' (did you mean !terraform.output?)" in error.message


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_a_tag_of_atmos_is_named(tag: str) -> None:
    assert named(tag) == repr(tag)


def test_an_unknown_tag_in_the_configuration_is_not_quoted(write: Write) -> None:
    root = write({"atmos.yaml": ATMOS + f"env: {{A: !{SPOKEN} x}}\n"})
    with pytest.raises(StackError, match="an unknown tag") as raised:
        AtmosRepository.open(root, env={})
    assert SPOKEN not in str(raised.value)
