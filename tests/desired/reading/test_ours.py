"""Components of Terraform's own stand beside secrets, named as Cloud Posse names its components, with its variables."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.reading.ours import our_components
from secrets_pipeline.desired.settings.operator import OperatorSettings, load_settings
from secrets_pipeline.errors import SpecError
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.conftest import ATMOS, HERE
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.desired.conftest import Bench

RENDERED = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}}}\n"
HEAD = """
settings: {secrets_pipeline: {dialect: tf-atmos, protected: true, verification: {cron: "0 6 * * *"}}}
vars: {namespace: eg, environment: euw2, stage: dev, region: eu-west-2, unused_key: "${output.kms/app.key_arn}"}
components:
  terraform:
"""
THEIRS = """
    kms/app:
      vars: {aliases: [alias/eg-euw2-dev-app], deletion_window_in_days: 99, policy: "${data.aws_iam_policy_document.x}"}
    rds/app:
      vars: {name: app, engine_version: [16], port: "5432x", database_user: "${random_pet.db.id}", instance_class: 7}
    lambda/api:
      vars: {function_name: "${module.this.id}", environment_variables: [a, b], region: us-east-1}
    ecs/web:
      settings: {secrets_pipeline: {deliver: false, attach_policies: false}}
      vars: {container_definitions: {web: {image: nginx}}, account_id: "12"}
    apigateway/v2:
      vars: {stage_variables: none}
"""
SECRETS = """
    secretsmanager/app:
      vars:
        context_name: eg
        secrets:
          api_key: {path: app, generate_random_password: true}
"""


def ours(bench: Bench, operator: dict[str, str] | None = None, **stacks: str) -> dict[str, dict[str, str]]:
    """Which components of stacks are ours, where every `${…}` is a reference."""
    bench.build(**stacks)
    found = AtmosRepository.open(bench.folder, env={}).resolve(keep_failing=True).stacks
    return our_components(found, lambda _: True, bench.settings.model_copy(update={"components": operator or {}}))


def written(**components: object) -> str:
    """A stack of components, of which `app` stands for `secretsmanager/app`."""
    secrets = {"vars": {"context_name": "eg", "secrets": {"k": {"generate_random_password": True}}}}
    return json.dumps({"components": {"terraform": {"secretsmanager/app": secrets, **components}}})


def test_components_that_no_secret_has_to_do_with_are_as_if_they_were_not_there(bench: Bench) -> None:
    alone, beside = bench.spec(HEAD + SECRETS), bench.spec(HEAD + SECRETS + THEIRS)
    assert beside.digest() == alone.digest()
    assert beside.components == {"secretsmanager/app": "secretsmanager"}
    assert (beside.databases, beside.keys, beside.deliveries) == ((), (), ())


def test_a_stack_of_such_components_alone_declares_nothing_and_is_no_error(bench: Bench) -> None:
    built = bench.build(dev=HEAD + THEIRS)
    assert (built.specs, built.errors, built.notices) == ({}, {}, ())


ALONE = "components: {terraform: {vpc: {}}}"
ARN = "${output.secretsmanager/app.secret_arns.k}"


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("kms/app", {"settings": {"secrets_pipeline": {"create": True}}}),
        ("rds/app", {"settings": {"secrets_pipeline": {"create": True}}}),
        ("rds/app", {"vars": {"password": "${output.secretsmanager/app.generated_passwords.k}"}}),
        ("rds/app", {"vars": {"password": "${own}", "own": "${output.secretsmanager/app.generated_passwords.k}"}}),
        ("lambda/api", {"settings": {"secrets_pipeline": {"deliver": True}}}),
        ("lambda/api", {"settings": {"secrets_pipeline": {"deliver": "yes"}}}),
        ("ecs/web", {"settings": {"secrets_pipeline": {"refresh": True}}}),
        ("apigateway/v2", {"settings": {"secrets_pipeline": {"deliver": True}}}),
        ("lambda/api", {"vars": {"db": {"arn": f"${{unknown}}-{ARN}"}}}),
        ("lambda/api", {"vars": {"arn": "!terraform.output secretsmanager/app secret_arns.k"}}),
        ("kms/app", {"vars": {"policy": {"Statement": [{"Resource": ARN}]}}}),
        ("kms/app", {"settings": {"secrets_pipeline": {"components": {"kms/app": "kms"}}}}),
        ("kms/app", {"settings": {"secrets_pipeline": {"components": {"kms": "kms"}}}}),
        ("my-key", {"settings": {"secrets_pipeline": {"components": {"my-key": "kms"}}}}),
        (
            "key",
            {"metadata": {"component": "vendor"}, "settings": {"secrets_pipeline": {"components": {"key": "kms"}}}},
        ),
        ("rds/app", {"settings": {"secrets_pipeline": {"protected": True}}}),
    ],
)
def test_a_component_that_asks_for_something_or_refers_to_a_secret_is_ours(
    bench: Bench, name: str, component: dict[str, Any]
) -> None:
    assert set(ours(bench, dev=written(**{name: component}))["dev"]) == {"secretsmanager/app", name}
    off = {**component, "metadata": {**component.get("metadata", {}), "enabled": False}}
    assert set(ours(bench, dev=written(**{name: off}))["dev"]) == {"secretsmanager/app"}


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("kms/app", {}),
        ("kms/app", {"vars": {"unused": ARN}}),
        ("rds/app", {"settings": {"secrets_pipeline": {"create": False}}, "vars": {"secret_arn": ARN}}),
        ("lambda/api", {"vars": {"arn": "${output.kms/app.key_arn}"}}),
        ("lambda/api", {"vars": {"arn": "$${output.secretsmanager/app.secret_arns.k}"}}),
        ("lambda/api", {"settings": {"secrets_pipeline": {"components": {"lambda/api": "ignore"}, "deliver": True}}}),
    ],
)
def test_any_other_is_not(bench: Bench, name: str, component: dict[str, Any]) -> None:
    assert set(ours(bench, dev=written(**{name: component}))["dev"]) == {"secretsmanager/app"}


def test_what_all_components_of_a_stack_inherit_claims_none_of_them(bench: Bench) -> None:
    assert set(ours(bench, dev=HEAD + SECRETS + THEIRS)["dev"]) == {"secretsmanager/app"}


def test_what_ours_refer_to_is_ours_from_one_to_the_next_and_over_stacks(bench: Bench) -> None:
    more = (
        '          url: {secret_data: "${output.rds/app.endpoint}${output.shared:rds/other.port | default(1)}"}\n'
        "          sealed: {kms_key_id: '${alias}', generate_random_password: true}\n"
        "    rds/app: {vars: {username: '${output.lambda/name.function_name}'}}\n"
        "    rds/idle: {vars: {username: '${output.kms/idle.key_arn}'}}\n"
        "    kms/app: {vars: {alias: app}}\n    kms/idle: {vars: {alias: idle}}\n"
        "    lambda/name: {vars: {environment_variables: {KEY: '${output.kms/idle.key_arn}'}}}\n"
    )
    dev = HEAD + SECRETS.replace("context_name: eg", "context_name: eg\n        alias: alias/app") + more
    remote = "{vars: {environment_variables: {A: '${output.dev:secretsmanager/app.secret_arns.url}'}}}"
    shared = f"components: {{terraform: {{rds/other: {{}}, rds/idle: {{}}, lambda/far: {remote}}}}}"
    found = ours(bench, dev=dev, shared=shared)
    assert set(found["dev"]) == {"secretsmanager/app", "rds/app", "lambda/name", "kms/app"}
    assert found["shared"] == {"rds/other": "rds", "lambda/far": "lambda"}
    # Nobody else's reference makes a stack read what it has not to do with, unless a grant lets it.
    bench.settings = OperatorSettings(targets=(HERE,))
    alone = ours(bench, dev=dev, shared=shared)
    assert alone == {**found, "shared": {"lambda/far": "lambda"}}


def test_every_output_that_desired_state_holds_is_of_a_component_of_ours(bench: Bench) -> None:
    """What is followed to find our components, and what readers of desired state take, are the same."""
    reader = "          {key}: {{path: x, {value}}}\n"
    values = {
        "a": 'secret_data: {h: "${output.rds/a.address}"}',
        "b": 'secret_data: x-9, kms_key_id: "${output.kms/b.key_arn}"',
        "c": 'generate_random_password: true, rotation: {lambda_arn: "${output.lambda/c.function_arn}", '
        "automatically_after_days: 30}",
        "d": "secret_data: x-9, policy: {Statement: [{Effect: Deny, Principal: '*', Action: '*', Resource: '*', "
        "Condition: {ArnEquals: {aws:SourceArn: '${output.lambda/d.function_arn}'}}}]}",
        "e": "generate_random_password: true, username: '${output.rds/e.username}'",
    }
    text = HEAD + SECRETS + "".join(reader.format(key=key, value=value) for key, value in values.items())
    text = text.replace("context_name: eg", 'context_name: eg\n        default_kms_key_id: "${output.kms/f.key_arn}"')
    for name in ("kms/b", "kms/f"):
        policy = (
            "{Statement: [{Effect: Deny, Principal: {AWS: '${output.lambda/g.function_arn}'}, Action: 'kms:Sign', "
            "Resource: '*'}]}"
        )
        text += f"    {name}: {{vars: {{alias: {name}, policy: {policy}}}}}\n"
    for name in ("rds/a", "rds/e"):
        text += f"    {name}: {{vars: {{identifier: {name[-1]}}}}}\n"
    for name in ("lambda/c", "lambda/d", "lambda/g", "lambda/h"):
        text += f"    {name}: {{vars: {{function_name: {name[-1]}}}}}\n"
    text += (
        "    apigateway:\n      settings: {secrets_pipeline: {deliver: true}}\n      vars: {api_name: a, "
        "stage_name: s, stage_variables: {worker: '${output.lambda/h.function_name}'}}\n"
    )
    spec = bench.spec(text)
    assert set(spec.components) == {
        *("apigateway", "kms/b", "kms/f", "rds/a", "rds/e", "secretsmanager/app"),
        *(f"lambda/{one}" for one in "cdgh"),
    }
    assert all(not secret.unresolved for secret in spec.secrets)


def test_the_operator_names_and_leaves_out_components_before_the_yaml_does(bench: Bench, tmp_path: Path) -> None:
    dev = written(**{"my-key": {}, "kms/app": {"settings": {"secrets_pipeline": {"create": True}}}})
    found = ours(bench, {"my-key": "kms", "kms/app": "ignore"}, dev=dev)["dev"]
    assert found == {"secretsmanager/app": "secretsmanager", "my-key": "kms"}
    assert ours(bench, {"secretsmanager/app": "ignore"}, dev=dev)["dev"] == {"kms/app": "kms"}
    bench.settings = OperatorSettings(targets=(HERE,), grants=TRUSTED, components={"secretsmanager/app": "ignore"})
    assert set(bench.build(dev=HEAD + SECRETS + THEIRS).specs) == set()
    (tmp_path / "operator.yaml").write_text("components: {my-key: kmss}")
    with pytest.raises(SpecError, match=r"components\.my-key"):
        load_settings(tmp_path / "operator.yaml")


def test_a_kind_that_does_not_exist_is_said_once_for_all_that_inherit_it(bench: Bench) -> None:
    said = "settings: {secrets_pipeline: {components: {my-secrets: secretmanager}}}\n"
    found = bench.only_error(said + HEAD.partition("\n")[2].partition("\n")[2] + THEIRS)
    assert "stacks/dev.yaml:1, stack dev, component kms/app" in found
    assert "settings.secrets_pipeline.components.my-secrets: my-secrets is 'secretmanager'" in found
    assert "Did you mean secretsmanager?" in found
    assert "components is text, not a map" in bench.only_error(said.replace("{my-secrets: secretmanager}", "x") + ALONE)


@pytest.mark.parametrize(
    "template",
    [
        '{{ atmos.Store "ssm" .stack "vpc" "id" }}',
        '{{ (datasource "x").y }}',
        "{{ nope }}",
        "!env A B C",
        '{{ (atmos.Component "nope" .stack).vars.x }}',
    ],
)
@pytest.mark.parametrize("name", ["vpc", "kms/app", "lambda/api"])
def test_a_template_or_function_that_fails_in_a_component_of_terraforms_stops_no_secret(
    bench: Bench, name: str, template: str
) -> None:
    bench.atmos = RENDERED
    more = f"    {name}:\n      vars:\n        broken: {json.dumps(template) if '{{' in template else template}\n"
    alone = bench.spec(HEAD + SECRETS)
    assert bench.spec(HEAD + SECRETS + more).digest() == alone.digest()
    shown = AtmosRepository.open(bench.folder, env={}).resolve()
    assert not shown.stacks
    assert [error.where.component for error in shown.errors if error.where] == [name]


def test_a_template_that_all_inherit_claims_no_component_whose_own_fails(bench: Bench) -> None:
    bench.atmos = RENDERED
    name = "{{ .vars.namespace }}/{{`{{ .secret.key }}`}}"
    inherited = HEAD.replace("protected: true", f"protected: true, name_template: {json.dumps(name)}")
    failing = "    lambda/api: {vars: {id: '{{ (atmos.Component \"nope\" .stack).outputs.id }}'}}\n"
    assert set(ours(bench, dev=inherited + SECRETS + failing)["dev"]) == {"secretsmanager/app"}
    asking = failing.replace(
        "{vars:", '{settings: {secrets_pipeline: {name_template: "{{ .x }}", deliver: true}}, vars:'
    )
    assert set(ours(bench, dev=inherited + SECRETS + asking)["dev"]) == {"secretsmanager/app", "lambda/api"}


def test_where_a_secret_needs_it_the_failure_is_the_stacks_and_atmos_is_named_as_the_way_out(bench: Bench) -> None:
    bench.atmos = RENDERED
    store = '{{ atmos.Store "ssm" .stack "vpc" "id" }}'
    in_secret = HEAD + SECRETS + indent(f"other: {{secret_data: {json.dumps(store)}}}\n", " " * 10)
    key = f"    kms/app: {{vars: {{alias: {json.dumps(store)}}}}}\n"
    referring = HEAD + SECRETS.replace("path: app", 'path: app, kms_key_id: "${output.kms/app.key_arn}"')
    for text, component in ((in_secret, "secretsmanager/app"), (referring + key, "kms/app")):
        found = bench.only_error(text)
        assert f"stack dev, component {component}" in found
        assert "the store 'ssm' is not read by templates here: with --from-atmos, Atmos reads it" in found


def test_an_output_of_terraforms_in_a_template_names_atmos_as_the_way_out(bench: Bench) -> None:
    bench.atmos = RENDERED
    template = '{{ (atmos.Component "vpc" .stack).outputs.vpc_id }}'
    secret = indent(f"other: {{secret_data: {json.dumps(template)}}}\n", " " * 10)
    found = bench.only_unresolved(HEAD + SECRETS + secret + "    vpc: {vars: {}}\n")
    assert "a Go template here gave <no value>" in found
    assert "is an output that only Terraform knows" in found
    assert "--from-atmos" in found


def test_a_key_without_alias_that_a_secret_refers_to_names_what_it_has(bench: Bench) -> None:
    text = HEAD + SECRETS.replace("path: app", 'path: app, kms_key_id: "${output.kms/app.key_arn}"')
    found = bench.only_error(text + "    kms/app: {vars: {aliases: [alias/eg-euw2-dev-app]}}\n")
    assert "component kms/app, key vars.alias: alias is missing" in found
    assert "or name the key by its ARN or alias where a secret refers to it" in found
    assert "Did you mean aliases?" in found


@pytest.mark.parametrize("said", ['"${env:AWS_PROD_ACCOUNT_ID}"', '"${ssm:/account}"', '"${unknown}"'])
def test_an_account_that_nobody_can_read_here_blocks_nothing_and_is_said(bench: Bench, said: str) -> None:
    bench.settings = OperatorSettings(grants=TRUSTED)
    built = bench.build(dev=HEAD.replace("region:", f"account_id: {said}, region:") + SECRETS)
    assert not built.errors
    assert built.specs["dev"].target.account_id is None
    (notice,) = built.notices
    assert "stack dev, component secretsmanager/app, key vars.account_id" in notice
    assert "so the account is not compared with it" in notice


def test_a_region_that_nobody_can_read_is_one_error_unless_another_component_says_it(bench: Bench) -> None:
    bench.settings = OperatorSettings(grants=TRUSTED)
    text = HEAD.replace("region: eu-west-2", "region: '${env:AWS_REGION}'") + SECRETS
    assert "environment variable AWS_REGION is not allowed" in bench.only_error(text)
    other = SECRETS.replace("/app", "/b").replace("context_name: eg", "context_name: b\n        region: eu-west-1")
    built = bench.build(dev=text + other)
    assert not built.errors
    assert built.specs["dev"].target.region == "eu-west-1"
    assert "so the region is that of the other components" in built.notices[0]
