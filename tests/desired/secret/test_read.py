from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.desired.value.model import ExternalValue, GeneratedValue
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

TOP = """\
components:
  terraform:
    secretsmanager:
      vars:
        context_name: myapp
"""


MANY = ", ".join(f"k{n}: v" for n in range(45))


def stack(secrets: str, variables: str = "") -> str:
    """A manifest with one component; `secrets` is the map under `secrets`, `variables` more of `vars`."""
    return TOP + indent(variables, " " * 8) + "        secrets:\n" + indent(secrets, " " * 10)


def one(bench: Bench, secret: str, variables: str = "") -> SecretSpec:
    (found,) = bench.spec(stack(f"key:\n  generate_random_password: true\n{indent(secret, '  ')}", variables)).secrets
    return found


def error(bench: Bench, secret: str, variables: str = "") -> str:
    return bench.only_error(stack(f"key:\n  generate_random_password: true\n{indent(secret, '  ')}", variables))


def test_a_secret_is_named_after_context_environment_path_and_name(bench: Bench) -> None:
    assert (
        one(bench, "path: /database/\nname: credentials", "environment: dev\n").name == "myapp/dev/database/credentials"
    )


def test_empty_parts_of_a_name_are_left_out_and_the_key_is_the_default_name(bench: Bench) -> None:
    assert one(bench, "").name == "myapp/key"


def test_parts_of_a_name_may_be_variables_and_allowed_environment_variables(bench: Bench) -> None:
    bench.allow({"name": "TEAM", "secret": False})
    bench.environment = {"TEAM": "blue"}
    found = one(bench, 'path: "${tenant}/${env:TEAM}"', "tenant: acme\n")
    assert found.name == "myapp/acme/blue/key"


def test_an_environment_variable_that_is_not_set_is_an_error(bench: Bench) -> None:
    bench.allow({"name": "TEAM", "secret": False})
    assert "environment variable TEAM is not set" in error(bench, 'path: "${env:TEAM}"')


def test_an_environment_variable_that_the_operator_does_not_allow_is_an_error(bench: Bench) -> None:
    found = error(bench, 'path: "${env:HOME}"')
    assert "key vars.secrets.key.path: environment variable HOME is not allowed" in found
    assert "environment_allowed" in found


def test_the_context_name_is_never_guessed(bench: Bench) -> None:
    text = stack("key: {generate_random_password: true}").replace("        context_name: myapp\n", "")
    found = bench.only_error(text)
    assert "stacks/dev.yaml" in found
    assert "component secretsmanager, key vars.context_name: context_name is missing" in found
    assert "Write vars.context_name, for example myapp" in found


def test_secrets_must_be_declared_even_if_there_are_none(bench: Bench) -> None:
    assert "Write a map of secrets under vars.secrets, or {} for none." in bench.only_error(TOP)
    assert bench.spec(TOP + "        secrets: {}\n").secrets == ()


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (
            "key: {generate_random_password: true, secret_data: x}",
            "both secret_data and generate_random_password: true",
        ),
        ("key: {value: external, secret_data: x}", "both secret_data and value: external"),
    ],
)
def test_a_secret_has_exactly_one_source_of_its_value(bench: Bench, secret: str, problem: str) -> None:
    found = bench.only_error(stack(secret))
    assert f"key vars.secrets.key: the secret has {problem}" in found
    assert "Keep one of them." in found


@pytest.mark.parametrize("entry", ["value: external", "description: x", "generate_random_password: false, path: p"])
@pytest.mark.parametrize("kind", ["generic", "credentials", "certificate"])
def test_somebody_else_brings_the_value_of_a_secret_that_has_none(bench: Bench, entry: str, kind: str) -> None:
    (found,) = bench.spec(stack(f"key: {{{entry}, type: {kind}}}")).secrets
    assert (found.value, found.external) == (ExternalValue(), True)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("value: hunter2, description: x", "value takes external alone"),
        ("value: 7", "value takes external alone"),
        ("username: app", "username says what a generated value looks like"),
        ("random_password_length: 20", "random_password_length says what a generated value looks like"),
        ("value: external, rotation: {managed: true}", "what a managed rotation makes of it is not known"),
        ("type: certificate, rotation: {managed: true, strategy: random}", "a new random value would not be"),
        (
            "rotation: {managed: true, strategy: alternating-users, superuser_secret: key}",
            "alternating-users needs masterarn",
        ),
    ],
)
def test_what_means_nothing_for_a_value_of_somebody_else_is_an_error(bench: Bench, entry: str, problem: str) -> None:
    found = bench.errors(stack(f"key: {{{entry}}}"))[0]
    assert problem in found
    assert "hunter2" not in found


def test_a_value_of_somebody_else_rotates_by_a_strategy_that_is_said(bench: Bench) -> None:
    text = stack("key: {rotation: {managed: true, strategy: single-user}}")
    (found,) = bench.spec(text).secrets
    assert found.rotation is not None
    assert found.rotation.strategy == "single-user"


def test_an_empty_secret_is_an_error(bench: Bench) -> None:
    assert "secret key is empty" in bench.only_error(stack("key: {}"))


def test_an_unknown_key_of_a_secret_is_an_error_with_the_near_miss(bench: Bench) -> None:
    found = error(bench, "recovery_window_in_day: 7")
    assert "key vars.secrets.key.recovery_window_in_day: unknown key recovery_window_in_day" in found
    assert "Did you mean recovery_window_in_days? Known keys: " in found
    assert found.endswith(" more.")
    assert len(found) < 400


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("secret_string: hunter2", "Write secret_data: a text, or a map for JSON."),
        ("create_random_password: true", "Write generate_random_password: true."),
        ("length: 20", "Write random_password_length: 32 beside"),
        ("replica: {eu-west-1: {}}", "Write replica_regions: [eu-west-1]"),
        ("rotation_rules: {automatically_after_days: 30}", "Write rotation: {managed: true}"),
        ("kms_key: alias/x", "Write kms_key_id:"),
    ],
)
def test_what_terraform_calls_otherwise_is_answered_with_what_to_write(bench: Bench, key: str, written: str) -> None:
    found = error(bench, key)
    assert f"unknown key {key.partition(':')[0]}" in found
    assert written in found
    assert "hunter2" not in found
    assert "Known keys" not in found


@pytest.mark.parametrize("key", ["enable_rotation", "rotation_enabled"])
def test_other_names_of_the_rotation_switch_mean_the_same(bench: Bench, key: str) -> None:
    function = "rotation_lambda_arn: arn:aws:lambda:eu-west-2:111122223333:function:rotation\n"
    assert one(bench, f"{key}: false").rotation is None
    assert one(bench, f"{function}{key}: false").rotation is None
    found = one(bench, f"{function}{key}: true").rotation
    assert found is not None
    assert found.automatically_after_days == 30
    alone = error(bench, f"{key}: true")
    assert f"{key} is true, but no function is named" in alone
    assert f"Write rotation: {{managed: true}} instead of {key}" in alone
    assert f"rotation_automatically and {key} mean the same" in error(
        bench, f"{function}{key}: true\nrotation_automatically: true"
    )


def test_unknown_variables_of_the_component_are_terraforms(bench: Bench) -> None:
    assert one(bench, "", "kms_key_alias: alias/x\nname_prefix: y\n").name == "myapp/key"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a b", "holds ' '; AWS takes letters, digits and /_+=.@!-"),
        ("key-AbC123", "ends like the suffix of an ARN"),
        ("x" * 513, "has 519 characters, AWS takes 512"),
    ],
)
def test_a_name_that_aws_would_refuse_is_an_error(bench: Bench, name: str, problem: str) -> None:
    assert problem in error(bench, f"name: {name}")


def test_a_name_may_have_an_exclamation_mark_inside(bench: Bench) -> None:
    assert one(bench, "name: app!key").name == "myapp/app!key"
    whole = "the secret name '!key' begins with '!', which means `not` where AWS lists secrets by name"
    assert whole in error(bench, 'full_name: "!key"')


def test_a_word_of_six_letters_after_a_hyphen_is_a_good_name(bench: Bench) -> None:
    assert one(bench, "name: oauth-config").name == "myapp/oauth-config"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("1", "recovery_window_in_days is 1"),
        ("6", "Write 0, or 7 to 30."),
        ("31", "recovery_window_in_days is 31"),
        ("true", "recovery_window_in_days is true or false, not a whole number"),
        ("soon", "recovery_window_in_days is text, not a whole number"),
    ],
)
def test_a_recovery_window_is_0_or_7_to_30_days(bench: Bench, value: str, problem: str) -> None:
    found = error(bench, f"recovery_window_in_days: {value}")
    assert problem in found
    assert "production" not in found


def test_a_recovery_window_comes_from_the_secret_then_the_component_then_30(bench: Bench) -> None:
    assert one(bench, "recovery_window_in_days: 0").recovery_window_in_days == 0
    assert one(bench, "", "default_recovery_window_in_days: 7\n").recovery_window_in_days == 7
    assert one(bench, "").recovery_window_in_days == 30


def test_as_many_tags_as_aws_takes_beside_the_pipelines_own_are_taken(bench: Bench) -> None:
    assert len(one(bench, "tags: {" + ", ".join(f"k{n}: 'ß é 1'" for n in range(39)) + "}").tags) == 39


@pytest.mark.parametrize(
    ("key", "problem"),
    [("'a*b'", "the key 'a*b' becomes a tag of the secret"), ("k" * 257, "has up to 256 letters")],
)
def test_a_key_that_cannot_be_a_tag_is_an_error(bench: Bench, key: str, problem: str) -> None:
    found = bench.only_error(stack(f"{key}: {{generate_random_password: true, name: good}}"))
    assert problem in found
    assert "Rename the key." in found


@pytest.mark.parametrize("name", ["oauth-CONFIG", "key-abc123", "x/y-202401"])
def test_a_name_that_aws_advises_against_is_said_and_taken(bench: Bench, name: str) -> None:
    built = bench.build(dev=stack(f"key: {{generate_random_password: true, name: {name}}}"))
    assert not built.errors
    assert any(notice.startswith(f"secret myapp/{name} ends in a hyphen") for notice in built.notices)


@pytest.mark.parametrize("name", ["oauth-config", "oauth-CONFIGS", "oauth_abc123", "oauth-c0nf"])
def test_any_other_name_is_not_remarked_on(bench: Bench, name: str) -> None:
    assert not bench.build(dev=stack(f"key: {{generate_random_password: true, name: {name}}}")).notices


def test_a_key_of_another_region_is_an_error(bench: Bench) -> None:
    arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    found = error(bench, f"kms_key_id: {arn}")
    assert "kms_key_id names a key in eu-west-1, but the secret is in eu-west-2" in found
    assert "default_kms_key_id names a key in eu-west-1" in error(bench, "", f"default_kms_key_id: {arn}\n")


def test_the_default_key_by_its_alias_arn_is_the_default_key_and_other_keys_of_aws_are_none(bench: Bench) -> None:
    arn = "arn:aws:kms:eu-west-2:111122223333:alias/aws/"
    assert one(bench, f"kms_key_id: {arn}secretsmanager").kms_key is None
    assert "kms_key_id is" in error(bench, f"kms_key_id: {arn}rds")


@pytest.mark.parametrize(
    "environment", ["Prod", "PRODUCTION", "production-eu", "eu_prod", "prod/eu", "prod-no", "prod-non-pci"]
)
def test_production_may_be_a_word_in_any_case(bench: Bench, environment: str) -> None:
    found = error(bench, "recovery_window_in_days: 0", f"environment: {environment}\n")
    assert f"recovery_window_in_days is 0: this stack is production (environment is {environment})" in found


@pytest.mark.parametrize("environment", ["non-prod", "pre_production", "nonprod", "product", "reproduction", "dev"])
def test_what_only_sounds_like_production_is_none(bench: Bench, environment: str) -> None:
    assert one(bench, "recovery_window_in_days: 0", f"environment: {environment}\n").recovery_window_in_days == 0


@pytest.mark.parametrize("switch", ["environment: prod", "stage: production"])
def test_an_inherited_window_of_0_is_refused_in_production(bench: Bench, switch: str) -> None:
    found = bench.only_error(
        f"""\
        components:
          terraform:
            base:
              metadata: {{type: abstract, component: secretsmanager}}
              vars: {{default_recovery_window_in_days: 0}}
            secretsmanager:
              metadata: {{inherits: [base]}}
              vars:
                {switch}
                context_name: myapp
                secrets: {{a: {{generate_random_password: true}}, b: {{generate_random_password: true}}}}
        """
    )
    assert "default_recovery_window_in_days is 0: this stack is production" in found
    assert "stacks/dev.yaml:5" in found
    assert "Write 7 to 30." in found


@pytest.mark.parametrize("days", [1, 6])
def test_production_takes_no_window_shorter_than_aws_or_tf_atmos_takes(bench: Bench, days: int) -> None:
    assert "Write 7 to 30." in error(bench, f"recovery_window_in_days: {days}", "environment: prod\n")
    assert one(bench, "recovery_window_in_days: 7", "environment: prod\n").recovery_window_in_days == 7


def test_a_stack_that_asks_for_it_is_protected_whatever_another_component_says(bench: Bench) -> None:
    found = bench.only_error(
        """\
        components:
          terraform:
            kms: {settings: {secrets_pipeline: {protected: true}}, vars: {alias: a}}
            secretsmanager:
              settings: {secrets_pipeline: {protected: false}}
              vars:
                context_name: myapp
                secrets: {a: {generate_random_password: true, recovery_window_in_days: 0}}
        """
    )
    assert "this stack is production (settings.secrets_pipeline.protected is true)" in found


@pytest.mark.parametrize("environment", ["prod", "production"])
def test_production_takes_no_recovery_window_of_0(bench: Bench, environment: str) -> None:
    found = error(bench, "recovery_window_in_days: 0", f"environment: {environment}\n")
    assert "recovery_window_in_days is 0: this stack is production" in found
    assert "Write 7 to 30." in found


def test_the_key_comes_from_the_secret_then_the_component(bench: Bench) -> None:
    arn = "arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert one(bench, f"kms_key_id: {arn}", "default_kms_key_id: alias/other\n").kms_key == arn
    assert one(bench, "", "default_kms_key_id: alias/other\n").kms_key == "alias/other"
    assert one(bench, "").kms_key is None
    assert one(bench, "kms_key_id: alias/aws/secretsmanager").kms_key is None


def test_a_key_that_is_no_key_is_an_error(bench: Bench) -> None:
    found = error(bench, "kms_key_id: my-key")
    assert "kms_key_id is 'my-key'" in found
    assert 'Write for example kms_key_id: "arn:aws:kms:' in found


def test_create_kms_key_makes_one_key_for_each_context_and_environment(bench: Bench) -> None:
    spec = bench.spec(
        """\
        vars: {environment: dev}
        components:
          terraform:
            secretsmanager/a: {vars: {context_name: my.app, create_kms_key: true, secrets: {x: {secret_data: v}}}}
            secretsmanager/b: {vars: {context_name: my.app, create_kms_key: true, secrets: {}}}
        """
    )
    (key,) = spec.keys
    assert key.alias == "alias/secrets/my-app/dev"
    assert key.components == ("secretsmanager/a", "secretsmanager/b")
    assert spec.secrets[0].kms_key == Output("secretsmanager/a", ("kms_key_arn",))


def test_tags_of_a_secret_win_over_the_components_and_become_text(bench: Bench) -> None:
    found = one(bench, "tags: {Team: blue, Cost: 12, Live: true}", "tags: {Team: red, Org: acme}\n")
    assert found.tags == {"Team": "blue", "Org": "acme", "Cost": "12", "Live": "true"}


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ("{aws:x: y}", "tag 'aws:x' begins with 'aws:', which is reserved"),
        ("{secrets-pipeline:spec: y}", "begins with 'secrets-pipeline:', which is reserved"),
        ("{x: 'a*'}", "tag 'x': its value has up to 256"),
        ('{x: "a\\nb"}', "tag 'x': its value has up to 256"),
        ("{" + "x" * 129 + ": y}", "a key has 1 to 128"),
        ("{x: " + "y" * 257 + "}", "its value has up to 256"),
        ("{x: [y]}", "tag x is a list"),
        ("[x]", "tags is a list, not a map"),
        (
            "{" + ", ".join(f"k{n}: v" for n in range(40)) + "}",
            "40 tags; AWS takes 50, of which 11 are the pipeline's own",
        ),
    ],
)
def test_tags_that_aws_would_refuse_are_an_error(bench: Bench, tags: str, problem: str) -> None:
    assert problem in error(bench, f"tags: {tags}")


def test_too_many_tags_together_with_the_components_are_an_error(bench: Bench) -> None:
    many = "tags: {" + ", ".join(f"c{n}: v" for n in range(39)) + "}\n"
    assert "together with the component's: 41 tags" in error(bench, "tags: {one: v, other: v}", many)


def test_replicas_are_regions_or_maps(bench: Bench) -> None:
    found = one(bench, "replica_regions: [eu-west-1, {region: us-east-1, kms_key_id: alias/there}]")
    assert found.replicas == (
        ReplicaSpec(region="eu-west-1"),
        ReplicaSpec(region="us-east-1", kms_key_id="alias/there"),
    )


@pytest.mark.parametrize(
    ("regions", "problem"),
    [
        ("[eu-west-2]", "the secret is in eu-west-2 already"),
        ("[eu-west-1, eu-west-1]", "the secret is in eu-west-1 already"),
        ("[london]", "region is 'london'"),
        ("[eusc-de-east-1]", "eusc-de-east-1 and eu-west-2 belong to different partitions of AWS"),
        ("[{kms_key_id: alias/x}]", "the replica names no region"),
        ("eu-west-1", "replica_regions is not a list"),
        ("[{region: eu-west-1, key: x}]", "unknown key key"),
        ("[cn-north-1]", "cn-north-1 and eu-west-2 belong to different partitions of AWS"),
        (
            "[{region: eu-west-1, kms_key_id: 'arn:aws:kms:eu-west-2:111122223333:key/1'}]",
            "the key is in eu-west-2, and the replica in eu-west-1",
        ),
        (
            "["
            + ", ".join(f"ap-southeast-{n}" for n in range(1, 10))
            + ", ap-south-1, "
            + ", ".join(f"eu-central-{n}" for n in range(1, 10))
            + "]",
            "19 regions do not fit into the tag that remembers them",
        ),
    ],
)
def test_a_wrong_replica_is_an_error(bench: Bench, regions: str, problem: str) -> None:
    assert problem in error(bench, f"replica_regions: {regions}")


def test_the_default_key_of_a_replica_may_be_named(bench: Bench) -> None:
    found = one(bench, "replica_regions: [{region: eu-west-1, kms_key_id: alias/aws/secretsmanager}]")
    assert found.replicas == (ReplicaSpec(region="eu-west-1"),)


def test_a_description_has_a_limit(bench: Bench) -> None:
    assert "description has 2049 characters" in error(bench, f"description: {'x' * 2049}")


def test_a_number_where_text_belongs_is_an_error_with_quotes_as_remedy(bench: Bench) -> None:
    found = error(bench, "name: 123")
    assert "name is a number, not text" in found
    assert 'Put it in quotes: name: "key".' in found


def test_a_name_that_is_only_known_later_is_an_error(bench: Bench) -> None:
    found = error(bench, 'name: "${ssm:/name}"')
    assert "name refers to ${ssm:/name}, which is only known later" in found


@pytest.mark.parametrize(
    ("component", "count"),
    [
        ("secretsmanager: {metadata: {type: abstract}, vars: {}}", 0),
        ("secretsmanager: {metadata: {enabled: false}, vars: {}}", 0),
        ("secretsmanager: {vars: {enabled: false}}", 0),
        ("secretsmanager: {vars: {secrets_enabled: false}}", 0),
        ("other/x: {metadata: {component: secretsmanager}, vars: {context_name: a, secrets: {}}}", 1),
        ("secretsmanager/x: {vars: {context_name: a, secrets: {}}}", 1),
        ("secretsmanager/x: {metadata: {component: vpc}, vars: {}}", 0),
        (
            "x: {settings: {secrets_pipeline: {components: {x: kms}}}, vars: {alias: a}}",
            1,
        ),
    ],
)
def test_components_are_recognised_by_what_they_are(bench: Bench, component: str, count: int) -> None:
    built = bench.build(dev=f"components:\n  terraform:\n    {component}\n")
    assert not built.errors
    assert sum(len(spec.components) for spec in built.specs.values()) == count


def test_every_error_of_a_stack_is_reported_at_once(bench: Bench) -> None:
    found = bench.errors(
        stack(
            "a: {generate_random_password: true, recovery_window_in_days: 3, typo: 1}\n"
            "b: {secret_data: '{not json}'}\n"
            "c: {secret_data: '${output.rds address}'}\n",
            "default_kms_key_id: 7\n",
        )
    )
    assert len(found) == 5
    assert all("stack dev, component secretsmanager, key vars." in one_error for one_error in found)


def test_a_password_policy_comes_from_the_component(bench: Bench) -> None:
    value = one(
        bench,
        "",
        "random_password_length: 20\nrandom_password_special: false\nrandom_password_min_lower: 4\nmin_numeric: 2\n",
    ).value
    assert isinstance(value, GeneratedValue)
    assert value.policy.length == 20
    assert value.policy.alphabet["special"] == ""
    assert value.policy.minima == {"lower": 4, "upper": 5, "numeric": 2, "special": 0}


def test_a_password_policy_of_a_secret_wins(bench: Bench) -> None:
    value = one(
        bench, "password_length: 40\nrandom_password_override_special: '._'", "random_password_length: 20\n"
    ).value
    assert isinstance(value, GeneratedValue)
    assert value.policy.length == 40
    assert value.policy.alphabet["special"] == "._"


def test_the_default_password_policy_is_that_of_tf_atmos(bench: Bench) -> None:
    value = one(bench, "").value
    assert isinstance(value, GeneratedValue)
    assert value.policy.length == 32
    assert value.policy.alphabet["special"] == "!#$%&*()-_=+[]{}<>:?"
    assert set(value.policy.minima.values()) == {5}


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ("random_password_length: 7", "random_password_length is 7"),
        ("random_password_length: 16", "a password of 16 characters cannot hold its minima, 20 characters"),
        ("random_password_override_special: 'a!'", "random_password_override_special holds 'a'"),
        ("random_password_override_special: '!!'", "random_password_override_special repeats '!'"),
        ("random_password_special: maybe", "random_password_special is text"),
    ],
)
def test_a_password_policy_that_cannot_be_met_is_an_error(bench: Bench, variables: str, problem: str) -> None:
    assert problem in error(bench, "", f"{variables}\n")


def test_digests_differ_when_the_stack_differs_and_only_then(bench: Bench) -> None:
    text = stack("key: {generate_random_password: true}")
    first = bench.spec(text).digest()
    assert bench.spec("# moved\n\n" + text).digest() == first
    assert bench.spec(text.replace("true", "true, description: x")).digest() != first
    denied = "[{Effect: Deny, Principal: '*', Action: %s, Resource: '*'}]"
    read, deleted = "secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"
    policies = [denied % actions for actions in (f"[{read}]", f"[{read}, {deleted}]", f"[{deleted}]")]
    digests = {bench.spec(text.replace("true", f"true, policy: {policy}")).digest() for policy in policies}
    assert len({*digests, first}) == len(policies) + 1
