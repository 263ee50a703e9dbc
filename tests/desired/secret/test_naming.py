"""Names of secrets: by name_template, by full_name, and which of them are a stack's own."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.names import stack_owns
from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.desired.stack import StackSpec
    from tests.desired.conftest import Bench

TEMPLATING = """\
base_path: .
stacks:
  base_path: stacks
  included_paths: ["**/*"]
  name_template: "{{ .vars.tenant }}-{{ .vars.environment }}-{{ .vars.stage }}"
templates: {settings: {enabled: true}}
"""
CLOUD_POSSE = """\
vars: {namespace: eg, tenant: core, environment: euw2, stage: dev, region: eu-west-2}
settings: {secrets_pipeline: {name_template: TEMPLATE}}
components:
  terraform:
    secretsmanager/app:
      vars:
        secrets:
"""
ESCAPED = '"{{ .vars.tenant }}/{{ .vars.environment }}/{{ .vars.stage }}/{{`{{ .secret.path }}/{{ .secret.name }}`}}"'
TAIL = "{{`{{ .secret.path }}/{{ .secret.name }}`}}"
OF_ONE_SECRET = "{{ if eq .secret.name `}}`key`{{` }}payments{{ else }}core/dev{{ end }}/{{ .secret.name }}"
STACK = "core-euw2-dev"
ENTRY = "key: {path: app, generate_random_password: true}"


def manifest(template: str, secrets: str = ENTRY, *, variables: str = "") -> str:
    text = CLOUD_POSSE.replace("TEMPLATE", template)
    text = text.replace("        secrets:\n", f"{indent(variables, ' ' * 8)}        secrets:\n")
    return text + indent(secrets, " " * 10)


class Repository:
    """Builds one stack of a repository in Cloud Posse's style, where Atmos renders templates, or not."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.templating = True

    def stacks(self, **manifests: str) -> tuple[dict[str, StackSpec], list[str], tuple[str, ...]]:
        text = TEMPLATING.replace("enabled: true", f"enabled: {str(self.templating).lower()}")
        self.bench.atmos = text
        built = self.bench.build(**manifests)
        errors = [error.diagnostics() for found in built.errors.values() for error in found]
        return dict(built.specs), errors, built.notices

    def secret(self, text: str) -> SecretSpec:
        specs, errors, _ = self.stacks(dev=text)
        assert not errors, errors
        (found,) = specs[STACK].secrets
        return found

    def error(self, text: str) -> str:
        _, errors, _ = self.stacks(dev=text)
        assert len(errors) == 1, errors
        return errors[0]


@pytest.fixture
def repository(bench: Bench) -> Repository:
    bench.settings = OperatorSettings()
    return Repository(bench)


@pytest.mark.parametrize("templating", [True, False])
def test_a_template_names_secrets_whether_atmos_renders_it_first_or_not(
    repository: Repository, *, templating: bool
) -> None:
    repository.templating = templating
    found = repository.secret(manifest(ESCAPED))
    assert (found.name, found.home) == ("core/euw2/dev/app/key", "core/euw2/dev/")


def test_what_atmos_does_not_render_may_stand_without_escape(repository: Repository) -> None:
    repository.templating = False
    template = '"{{ .atmos_stack }}/{{ .secret.path }}/{{ .secret.key | upper }}-{{ .secret.name }}"'
    found = repository.secret(manifest(template, "key: {generate_random_password: true, name: other}"))
    assert (found.name, found.home) == ("core-euw2-dev/KEY-other", "core-euw2-dev/")


@pytest.mark.parametrize(
    ("template", "error", "line"),
    [
        (
            '"{{ .vars.tenant }}/x"',
            "names no secret: all would be core/x",
            '"{{ .vars.tenant }}/x/{{`{{ .secret.path }}/{{ .secret.name }}`}}"',
        ),
        ('"core/<no value>/<no value>"', "holds <no value>", f'"core/{TAIL}"'),
        ('"{{`{{ .vars.nothing }}/{{ .secret.name }}`}}"', 'no entry for key "nothing"', "{{ .vars.tenant }}"),
        ('"{{`{{ now }}/{{ .secret.name }}`}}"', 'function "now" not defined', "{{`{{ .secret.path }}"),
        ('"{{`{{ .secret.name`}}"', "cannot be rendered", "{{`{{ .secret.path }}"),
        ("[a]", "name_template is not text", "{{`{{ .secret.path }}"),
        (
            '"{{`{{ trimAll .secret.name .secret.name }}`}}"',
            "gives the secret key an empty name",
            "{{`{{ .secret.path }}",
        ),
    ],
)
def test_a_template_that_names_nothing_is_an_error_with_the_line_to_write(
    repository: Repository, template: str, error: str, line: str
) -> None:
    found = repository.error(manifest(template))
    assert error in found
    assert line in found


@pytest.mark.parametrize("last", ["{{ .secret.name }}", "x"])
def test_the_line_to_write_is_one_line_whatever_the_author_wrote(repository: Repository, last: str) -> None:
    repository.bench.settings = OperatorSettings(grants=(GrantRule(preset="single-team"),))
    written = json.dumps(f"{{{{ .vars.tenant }}}}/\n{last}\n")
    found = repository.error(manifest(written))
    line = found[found.index("Write name_template: ") :].splitlines()[0]
    assert line.removeprefix("Write name_template: ").split("; where")[0].endswith(f'{TAIL}"' + "." * (last == "x"))
    assert "core/" in line or ".vars.tenant" in line


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("{{ .vars.tenant }}/{{ .secret.name }}", '"{{ .vars.tenant }}/{{`{{ .secret.name }}`}}"'),
        (
            "{{ .vars.tenant }}/{{ .vars.stage }}/{{ .secret.path }}/{{ .secret.name }}",
            '"{{ .vars.tenant }}/{{ .vars.stage }}/{{`{{ .secret.path }}/{{ .secret.name }}`}}"',
        ),
        ("x/{{ .secret.name }}-{{ .vars.stage }}", '"x/{{`{{ .secret.name }}`}}-{{ .vars.stage }}"'),
        (
            "{{ .vars.tenant }}/{{ if .secret.path }}{{ .secret.path }}/{{ end }}{{ .secret.name }}",
            '"{{ .vars.tenant }}/{{`{{ if .secret.path }}{{ .secret.path }}/{{ end }}{{ .secret.name }}`}}"',
        ),
        (
            '{{ .vars.tenant }}/{{ printf "%s" .secret.name }}',
            "'{{ .vars.tenant }}/{{`{{ printf \"%s\" .secret.name }}`}}'",
        ),
    ],
)
def test_a_secret_that_atmos_is_asked_for_is_an_error_with_the_authors_template_escaped(
    repository: Repository, written: str, line: str
) -> None:
    repository.bench.settings = OperatorSettings(grants=(GrantRule(preset="single-team"),))
    found = repository.error(manifest("'" + written + "'"))
    # Nothing of this stack is in it, so that it is right in a catalog that all stacks import.
    assert f"Write name_template: {line}" in found
    assert repository.secret(manifest(line)).name.startswith(("core/", "x/"))


def test_the_advice_names_variables_that_the_component_has(repository: Repository) -> None:
    plain = manifest(ESCAPED).replace("name_template:", "verification_:")
    # The stack's name does not hold its namespace, so a name with it would need a grant.
    named = "{{ .vars.tenant }}/{{ .vars.environment }}/{{ .vars.stage }}"
    assert f'"{named}/{TAIL}"' in repository.error(plain)
    variables = "{namespace: eg, tenant: core, environment: euw2, stage: dev,"
    few = repository.error("name: core-euw2-dev\n" + plain.replace(variables, "{project: halo, env: dev,"))
    assert f'"{{{{ .vars.project }}}}/{{{{ .vars.env }}}}/{TAIL}"' in few
    none = repository.error("name: core-euw2-dev\n" + plain.replace(variables, "{"))
    assert "context_name is missing" in none
    assert "name_template" not in none


@pytest.mark.parametrize(
    ("template", "noted"),
    [
        ("eg/prod/{{`{{ .secret.name }}`}}", True),
        ("eg-production/{{`{{ .secret.name }}`}}", True),
        ("eg/prod/{{ .vars.stage }}/{{`{{ .secret.name }}`}}", False),
        ("eg/dev/{{`{{ .secret.name }}`}}", False),
        ("eg/develop/{{`{{ .secret.name }}`}}", False),
        ("eg/products/{{`{{ .secret.name }}`}}", False),
        ("eg/{{`{{ .secret.name }}`}}/prod", False),
    ],
)
def test_a_name_that_holds_the_stage_of_another_stack_is_noted(
    repository: Repository, template: str, *, noted: bool
) -> None:
    repository.bench.settings = OperatorSettings(grants=(GrantRule(preset="single-team"),))
    specs, errors, notices = repository.stacks(dev=manifest(f'"{template}"'))
    assert (list(specs), errors) == ([STACK], [])
    said = [one for one in notices if "and the stage of stack core-euw2-dev is dev" in one]
    assert bool(said) is noted


def test_a_context_name_is_needed_without_a_template_alone(repository: Repository) -> None:
    assert repository.secret(manifest(ESCAPED)).name
    plain = repository.error(manifest(ESCAPED).replace("name_template:", "verification_:"))
    assert "context_name is missing" in plain
    assert "settings.secrets_pipeline.name_template" in plain


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ('"payments/{{ .vars.stage }}/{{`{{ .secret.name }}`}}"', "payments/dev/*"),
        ('"{{ .vars.tenant }}-{{ .vars.stage }}-{{`{{ .secret.name }}`}}"', "core-dev-key"),
        ('"{{ .vars.namespace }}/{{ .vars.tenant }}/{{`{{ .secret.name }}`}}"', "eg/core/*"),
        (
            '"{{`{{ if eq .secret.name `}}`key`{{` }}payments{{ else }}core/dev{{ end }}/{{ .secret.name }}`}}"',
            "payments/key",
        ),
        ('"{{ .vars.tenant }}/{{`{{ .secret.name }}`}}"', "core/*"),
    ],
)
def test_a_name_that_is_not_made_of_the_stacks_words_needs_a_grant(
    repository: Repository, template: str, pattern: str
) -> None:
    found = repository.error(manifest(template))
    assert f"secret name {pattern} is not this stack's own" in found
    assert f'secrets: ["{pattern}"]' in found.partition("grants:")[2]
    repository.bench.settings = OperatorSettings(grants=(GrantRule(stacks="core-*", secrets=(pattern,)),))
    assert repository.secret(manifest(template)).home == ""


def test_a_key_of_its_own_is_named_after_the_prefix(repository: Repository) -> None:
    specs, errors, _ = repository.stacks(dev=manifest(ESCAPED, variables="create_kms_key: true\n"))
    assert not errors
    assert specs[STACK].keys[0].alias == "alias/secrets/core/euw2/dev"
    template = '"{{`{{ .secret.key }}/{{ .secret.name }}`}}"'
    repository.bench.settings = OperatorSettings(grants=(GrantRule(preset="single-team"),))
    assert "no beginning in common" in repository.error(manifest(template, variables="create_kms_key: true\n"))


def test_a_full_name_is_the_whole_name_and_crosses_a_boundary(repository: Repository) -> None:
    entry = "key: {full_name: legacy/smtp-password, generate_random_password: true}"
    refused = repository.error(manifest(ESCAPED, entry))
    assert "key vars.secrets.key.full_name: secret name legacy/smtp-password is not this stack's own" in refused
    repository.bench.settings = OperatorSettings(grants=(GrantRule(secrets=("legacy/*",)),))
    found = repository.secret(manifest(ESCAPED, entry))
    assert (found.name, found.home) == ("legacy/smtp-password", "")
    both = repository.error(manifest(ESCAPED, entry.replace("{", "{path: x, ")))
    assert "path stands beside full_name" in both


def test_a_full_name_below_the_stacks_own_prefix_crosses_nothing(repository: Repository) -> None:
    found = repository.secret(manifest(ESCAPED, "key: {full_name: core/euw2/dev/old, generate_random_password: true}"))
    assert (found.name, found.home) == ("core/euw2/dev/old", "core/euw2/dev/")


def test_a_full_name_that_aws_refuses_is_an_error_at_its_key(repository: Repository) -> None:
    repository.bench.settings = OperatorSettings(grants=(GrantRule(preset="single-team"),))
    found = repository.error(manifest(ESCAPED, "key: {full_name: 'a b', generate_random_password: true}"))
    assert "key vars.secrets.key.full_name: the secret name 'a b' holds ' '" in found


def test_two_stacks_that_want_one_name_are_told_of_the_template(repository: Repository) -> None:
    text = CLOUD_POSSE.replace("settings: {secrets_pipeline: {name_template: TEMPLATE}}\n", "")
    text = text.replace(
        "        secrets:\n", f"        context_name: core\n        secrets:\n{indent(ENTRY, ' ' * 10)}"
    )
    _, errors, notices = repository.stacks(dev=text, prod=text.replace("stage: dev", "stage: prod"))
    assert not errors
    (notice,) = [one for one in notices if "is declared by stacks" in one]
    assert "settings.secrets_pipeline.name_template" in notice


@pytest.mark.parametrize(
    ("stack", "prefix", "owned"),
    [
        ("fnx-dev-testenv-01", "fnx/testenv-01/", True),
        ("eg-dev", "eg/dev/", True),
        ("eg-dev", "eg-dev/", True),
        ("eg-dev", "eg/", False),
        ("eg-dev", "eg-", False),
        ("eg-dev", "eg-dev-", False),
        ("eg-dev", "", False),
        ("eg-dev", "eg/prod/", False),
        ("eg-dev", "platform/eg-dev/", False),
        ("eg-dev", "eg/dev", False),
    ],
)
def test_a_stack_owns_what_is_below_its_own_words(stack: str, prefix: str, *, owned: bool) -> None:
    assert stack_owns(stack, prefix) is owned


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        (
            "a: {value: external}\nb: {value: external, previous_name: core/euw2/dev/a}",
            "core/euw2/dev/a is the name of secretsmanager/app.a",
        ),
        (
            "a: {value: external, previous_name: x/y}\nb: {value: external, previous_name: x/y}",
            "x/y is also the previous name of secretsmanager/app.a",
        ),
        ("a: {value: external, previous_name: 'a b'}", "the secret name 'a b' holds ' '"),
    ],
)
def test_a_previous_name_is_of_one_secret_that_is_gone(repository: Repository, secrets: str, problem: str) -> None:
    assert problem in repository.error(manifest(ESCAPED, secrets))


def test_a_previous_name_crosses_nothing(repository: Repository) -> None:
    found = repository.secret(manifest(ESCAPED, "a: {value: external, previous_name: legacy/a}"))
    assert (found.name, found.previous_name) == ("core/euw2/dev/a", "legacy/a")
    same = repository.secret(manifest(ESCAPED, "a: {value: external, previous_name: core/euw2/dev/a}"))
    assert same.name == same.previous_name


def test_variables_of_a_template_may_be_references(repository: Repository) -> None:
    text = (
        manifest(ESCAPED)
        .replace("tenant: core", "tenant: core, first: core")
        .replace(".vars.tenant }}/", ".vars.whose }}/")
    )
    text = text.replace("        secrets:", '        whose: "${first}"\n        secrets:')
    text = text.replace("settings: {secrets_pipeline: {", "settings: {secrets_pipeline: {dialect: tf-atmos, ")
    found = repository.secret(text)
    assert (found.name, found.home) == ("core/euw2/dev/app/key", "core/euw2/dev/")


def test_what_the_error_says_to_write_for_two_renderings_names_the_secret(bench: Bench) -> None:
    bench.atmos = TEMPLATING.replace("enabled: true", "enabled: true, evaluations: 2")
    built = bench.build(dev=manifest(ESCAPED))
    (error,) = built.errors[STACK]
    assert "name_template holds <no value>" in error.message
    written = error.remedy.partition("where templates.settings.evaluations is 2, name_template: ")[2].removesuffix(".")
    spec = bench.build(dev=manifest(written)).specs[STACK]
    assert [secret.name for secret in spec.secrets] == ["core/euw2/dev/app/key"]
