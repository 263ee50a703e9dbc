from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.settings.operator import OperatorSettings, SealSettings, TargetRule, load_settings
from secrets_pipeline.errors import CollectedErrors, SpecError
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.one_stack import build_spec
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

SECRETS = (
    "components: {terraform: {secretsmanager: {vars: {context_name: myapp, secrets: {key: {secret_data: x-9}}}}}}\n"
)
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_operators_rule_says_where_a_stack_lives(bench: Bench) -> None:
    bench.settings = OperatorSettings(
        grants=TRUSTED,
        targets=(
            TargetRule(stacks="dev*", account_id="222222222222", region="eu-west-1", role_arn="arn:aws:iam::2:role/x"),
            TargetRule(stacks="*", account_id="333333333333", region="us-east-1"),
        ),
    )
    target = bench.spec(SECRETS).target
    assert (target.account_id, target.region, target.role_arn) == ("222222222222", "eu-west-1", "arn:aws:iam::2:role/x")


def test_an_error_in_resolving_one_stack_is_that_stacks_own_and_stops_no_other(bench: Bench) -> None:
    built = bench.build(dev="import: [nowhere]\n" + SECRETS, prod=SECRETS)
    assert set(built.errors) == {"dev"}
    assert set(built.specs) == {"prod"}


def test_variables_of_the_stack_only_fill_gaps(bench: Bench) -> None:
    bench.settings = OperatorSettings(grants=TRUSTED, targets=(TargetRule(stacks="*", account_id="222222222222"),))
    target = bench.spec("vars: {region: eu-west-2}\n" + SECRETS).target
    assert (target.account_id, target.region) == ("222222222222", "eu-west-2")
    bench.settings = OperatorSettings(grants=TRUSTED)
    target = bench.spec("vars: {region: eu-west-2, account_id: '111122223333'}\n" + SECRETS).target
    assert target.account_id == "111122223333"
    assert bench.spec("vars: {region: eu-west-2}\n" + SECRETS).target.account_id is None
    assert bench.spec("vars: {region: eusc-de-east-1}\n" + SECRETS).target.region == "eusc-de-east-1"


@pytest.mark.parametrize(
    ("variables", "key", "problem"),
    [
        (
            "{region: us-east-1}",
            "region",
            "region is us-east-1 here, and eu-west-2 for stacks d* in the operator's settings",
        ),
        ("{region: eu-west2}", "region", "region is something else here, and eu-west-2"),
        ("{account_id: '222233334444'}", "account_id", "account_id is 222233334444 here, and 111122223333"),
        ("{account_id: 222233334444}", "account_id", "account_id is 222233334444 here, and 111122223333"),
        ("{account_id: 012345678901}", "account_id", "account_id is 012345678901 here, and 111122223333"),
        ("{account_id: [aws]}", "account_id", "account_id is something else here, and 111122223333"),
        ("{place: us-west-1, region: '${vars.place}'}", "region", "region is us-west-1 here, and eu-west-2"),
    ],
)
def test_a_stack_may_not_contradict_the_operator(bench: Bench, variables: str, key: str, problem: str) -> None:
    bench.settings = OperatorSettings(
        grants=TRUSTED,
        targets=(
            TargetRule(stacks="d*", account_id="111122223333", region="eu-west-2"),
            TargetRule(stacks="*", account_id="222233334444", region="us-east-1"),
        ),
    )
    found = bench.only_error(f"vars: {variables}\n{SECRETS}")
    assert f"stacks/dev.yaml:1, stack dev, component secretsmanager, key vars.{key}: {problem}" in found
    here = {"region": "eu-west-2", "account_id": "111122223333"}[key]
    assert f'Write {key}: "{here}" here or take it out; if this one is right, add a rule with it for stack dev' in found


def test_what_components_say_otherwise_than_the_operator_is_said_once_a_value(bench: Bench) -> None:
    made = "settings: {secrets_pipeline: {create: true}}"
    components = "".join(
        f"    kms/{name}: {{{made}, vars: {{alias: {name}, region: {region}}}}}\n"
        for name, region in [("a", "eu-west-1"), ("b", "eu-west-2"), ("c", "eu-west-1"), ("d", "us-east-1")]
    )
    found = bench.errors("components:\n  terraform:\n" + components)
    assert [one for one in ("kms/a", "kms/b", "kms/c", "kms/d") if one in "".join(found)] == ["kms/a", "kms/d"]
    assert len(found) == 2


@pytest.mark.parametrize(
    "variables",
    [
        "{region: eu-west-2, account_id: '111122223333'}",
        "{account_id: 111122223333}",
        "{region: '${env:AWS_REGION}', account_id: '${ssm:/account}'}",
        "{region: null, account_id: ''}",
    ],
)
def test_what_says_the_same_as_the_operator_or_says_nothing_yet_is_let_be(bench: Bench, variables: str) -> None:
    target = bench.spec(f"vars: {variables}\n{SECRETS}").target
    assert (target.account_id, target.region) == ("111122223333", "eu-west-2")


def test_a_component_that_is_not_ours_may_be_in_another_region(bench: Bench) -> None:
    foreign = "    cloudfront: {vars: {region: us-east-1}}\n    base: {metadata: {type: abstract}, vars: {region: x}}\n"
    ours = "    secretsmanager: {vars: {context_name: myapp, secrets: {key: {secret_data: x-9}}}}\n"
    stack = "vars: {region: eu-west-2}\ncomponents:\n  terraform:\n" + foreign + ours
    assert bench.spec(stack).target.region == "eu-west-2"
    bench.settings = OperatorSettings(grants=TRUSTED, targets=(TargetRule(stacks="*", region="eu-west-2"),))
    assert bench.spec(stack).target.region == "eu-west-2"


@pytest.mark.parametrize(
    ("others", "agrees"),
    [
        ("vpc: {vars: {region: us-east-1}}", False),
        ("vpc: {vars: {region: us-east-1, environment: euw2}}", False),
        ("vpc: {vars: {region: us-east-1}}\n    acm: {vars: {region: eu-west-2}}", True),
        ("vpc: {metadata: {enabled: false}, vars: {region: us-east-1}}", True),
        ("vpc: {metadata: {type: abstract}, vars: {region: us-east-1}}", True),
        ("vpc: {vars: {region: '${env:AWS_REGION}'}}", True),
        ("vpc: {vars: {region: global}}", True),
    ],
)
def test_where_ours_say_no_region_the_other_components_do(bench: Bench, others: str, agrees: bool) -> None:
    bench.settings = OperatorSettings(grants=TRUSTED, targets=(TargetRule(stacks="*", region="eu-west-2"),))
    ours = "    secretsmanager: {vars: {context_name: myapp, secrets: {key: {secret_data: x-9}}}}\n"
    stack = f"components:\n  terraform:\n    {others}\n{ours}"
    if agrees:
        assert bench.spec(stack).target.region == "eu-west-2"
    else:
        found = bench.only_error(stack)
        assert "component vpc, key vars.region: region is us-east-1 here, and eu-west-2 for stacks *" in found


def test_a_stack_without_a_region_is_told_who_says_one(bench: Bench) -> None:
    bench.settings = OperatorSettings(grants=TRUSTED)
    ours = "    secretsmanager: {vars: {context_name: myapp, secrets: {key: {secret_data: x-9}}}}\n"
    found = bench.only_error("components:\n  terraform:\n    vpc: {vars: {region: us-east-1}}\n" + ours)
    assert "Set vars.region in the stack (component vpc says us-east-1), or region in a rule" in found


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ("{}", "nobody says in which region stack dev lives"),
        ("{region: london}", "region is 'london'"),
        ("{region: eu-west-2, account_id: 111122223333}", 'Put it in quotes: account_id: "111122223333".'),
        ("{region: eu-west-2, account_id: '1234'}", "account_id is '1234'"),
    ],
)
def test_a_stack_that_cannot_be_placed_is_an_error(bench: Bench, variables: str, problem: str) -> None:
    bench.settings = OperatorSettings(grants=TRUSTED)
    assert problem in "\n".join(bench.errors(f"vars: {variables}\n{SECRETS}"))


def test_a_stack_lives_in_one_region(bench: Bench) -> None:
    bench.settings = OperatorSettings(grants=TRUSTED)
    found = bench.only_error(
        """\
        components:
          terraform:
            kms/a: {settings: {secrets_pipeline: {create: true}}, vars: {alias: a, region: eu-west-1}}
            kms/b: {settings: {secrets_pipeline: {create: true}}, vars: {alias: b, region: eu-west-2}}
        """
    )
    assert "component kms/b, key vars.region: region is eu-west-2 here and eu-west-1 in component kms/a" in found


@pytest.mark.parametrize(
    ("variables", "protected"),
    [
        ("environment: prod", True),
        ("environment: production", True),
        ("stage: prod", True),
        ("environment: dev", False),
    ],
)
def test_production_is_protected(bench: Bench, variables: str, protected: bool) -> None:
    assert bench.spec(f"vars: {{{variables}}}\n{SECRETS}").protected is protected


def test_a_stack_may_ask_to_be_protected(bench: Bench) -> None:
    assert bench.spec("settings: {secrets_pipeline: {protected: true}}\n" + SECRETS).protected


def test_one_name_from_two_stacks_in_one_account_and_region_is_said_and_left_to_aws(bench: Bench) -> None:
    built = bench.build(one=SECRETS, two=SECRETS, three=SECRETS.replace("myapp", "other"))
    assert not built.errors
    for stack, other in (("one", "two"), ("two", "one")):
        (contested,) = built.specs[stack].contested
        assert (contested.kind, contested.name, contested.stacks) == ("secret", "myapp/key", (other,))
        assert f"stacks/{stack}.yaml" in contested.where
    assert not built.specs["three"].contested
    assert [one for one in built.notices if "secret myapp/key is declared by stacks one, two" in one]


def test_names_that_begin_as_two_stacks_of_the_same_words_do_are_neithers(bench: Bench) -> None:
    bench.settings = OperatorSettings()
    variables = "{{context_name: my, environment: app, region: eu-west-2}}"
    text = f"name: {{name}}\nvars: {variables}\ncomponents: {{{{terraform: {{terraform}}}}}}"
    secrets = '{"secretsmanager/%s": {vars: {secrets: {%s: {secret_data: x-9}}}}}'
    built = bench.build(
        first=text.format(name="my-app", terraform=secrets % ("a", "here")),
        second=text.format(name="my_app", terraform=secrets % ("b", "planted")),
    )
    assert not built.errors
    for stack, name in (("my-app", "my/app/here"), ("my_app", "my/app/planted")):
        (contested,) = built.specs[stack].contested
        assert (contested.name, contested.stacks, contested.owners) == (name, (), ("my-app", "my_app"))


def test_a_stack_whose_account_is_not_known_contests_a_name_with_each_account_that_has_it(bench: Bench) -> None:
    accounts = {"one": "111122223333", "two": "444455556666"}
    bench.settings = OperatorSettings(
        grants=TRUSTED, targets=tuple(TargetRule(stacks=name, account_id=one) for name, one in accounts.items())
    )
    text = f"vars: {{region: eu-west-2}}\n{SECRETS}"
    built = bench.build(one=text, two=text, three=text)
    assert [(one.stacks, one.account_id) for one in built.specs["three"].contested] == [
        (("one",), "111122223333"),
        (("two",), "444455556666"),
    ]
    assert not built.specs["one"].contested
    assert not built.specs["two"].contested


def test_one_name_in_two_regions_is_no_error(bench: Bench) -> None:
    bench.settings = OperatorSettings(
        grants=TRUSTED,
        targets=(TargetRule(stacks="one", region="eu-west-1"), TargetRule(stacks="two", region="eu-west-2")),
    )
    built = bench.build(one=SECRETS, two=SECRETS)
    assert not any(built.specs[stack].contested for stack in ("one", "two"))


def test_one_name_twice_in_a_stack_is_an_error(bench: Bench) -> None:
    text = SECRETS.replace("secret_data: x-9}", "secret_data: x-9}, other: {name: key, secret_data: y-9}")
    found = bench.only_error(text)
    assert "key vars.secrets.other: the secret name myapp/key is also that of secretsmanager.key" in found


def test_a_broken_stack_does_not_hide_a_good_one_and_its_error_is_under_its_name(bench: Bench) -> None:
    built = bench.build(good=SECRETS, bad="vars: [1, 2]\n" + SECRETS.replace("myapp", "b"))
    assert set(built.specs) == {"good"}
    assert "bad" in "".join(str(error) for errors in built.errors.values() for error in errors)


def test_only_the_stacks_that_are_asked_for_are_answered(bench: Bench) -> None:
    bench.build(one=SECRETS, two=SECRETS.replace("myapp", "two"), three="components: {terraform: {kms: {vars: {}}}}")
    repository = AtmosRepository.open(bench.folder, env={})
    built = build_specs(repository, bench.settings, only=["one"])
    assert set(built.specs) == {"one"}
    assert not built.errors


def test_a_stack_without_components_of_ours_has_no_desired_state(bench: Bench) -> None:
    built = bench.build(dev="components: {terraform: {vpc: {vars: {}}}}")
    assert not built.specs
    assert not built.errors


def test_a_single_stack_raises_all_of_its_errors(bench: Bench) -> None:
    bench.build(dev=SECRETS.replace("context_name: myapp, ", "").replace("x-9", "changeme"))
    repository = AtmosRepository.open(bench.folder, env={})
    stack = repository.resolve().stacks["dev"]
    with pytest.raises(CollectedErrors) as caught:
        build_spec(stack, repository.locate, bench.settings)
    assert len(caught.value.errors) == 2
    assert "context_name is missing" in str(caught.value)
    assert "everybody tries first" in str(caught.value)


def test_settings_have_defaults() -> None:
    settings = load_settings(None)
    assert settings.seal_key == "alias/secrets-pipeline"
    assert settings.fingerprint_key == "alias/secrets-pipeline-fingerprint"
    assert settings.seals == SealSettings()
    assert not settings.read_only


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text("targets: [{stacks: 'a-*', account_id: '012345678901', region: eu-west-2}]\nseals: {bucket: b}\n")
    settings = load_settings(file)
    assert settings.seals.bucket == "b"
    rule = settings.target("a-b")
    assert rule is not None
    assert rule.account_id == "012345678901"
    assert settings.target("b") is None
    file.write_text("seals: local\nread_only: true\n")
    assert load_settings(file).seals.bucket is None
    file.write_text("")
    assert load_settings(file) == OperatorSettings()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("targets: [{stacks: x, account_id: 12345678901}]", 'put it in quotes: "012345678901"'),
        ("targets: [{stacks: x, account_id: '12'}]", "targets.0.account_id"),
        (
            "target: []",
            "operator.yaml:1, key target: unknown key target\n  Did you mean targets? Keys of ",
        ),
        ("- a", "the operator's settings are not a map"),
        ("a: [", "the operator's settings are not YAML"),
    ],
)
def test_wrong_settings_are_an_error_that_says_what_to_write(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_settings(file)
    assert problem in str(caught.value)
    assert "operator.yaml" in str(caught.value)


def test_settings_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: No such file"):
        load_settings(tmp_path / "none.yaml")


def test_the_examples_have_the_secrets_of_the_architecture_and_readers_of_every_kind() -> None:
    built = build_specs(
        AtmosRepository.open(EXAMPLES, env={}), load_settings(EXAMPLES / "operator.yaml"), base_path=EXAMPLES
    )
    assert not built.errors, [str(error) for errors in built.errors.values() for error in errors]
    assert set(built.specs) == {"infra-shared", "myapp-dev", "myapp-prod"}
    names = {secret.name for spec in built.specs.values() for secret in spec.secrets}
    application = {
        f"myapp/{stage}/{rest}"
        for stage in ("dev", "prod")
        for rest in ("database/credentials", "database/connection", "api/api-key", "api/oauth-config")
    }
    assert names >= application | {"infra/shared/network/vpn-config"}
    assert {consumer.type.value for spec in built.specs.values() for consumer in spec.consumers} == {
        "ec2",
        "lambda",
        "ecs",
        "eks",
        "app",
    }
    readers = {arn for spec in built.specs.values() for secret in spec.secrets for arn in secret.readers}
    assert readers
    assert all("444455556666" in arn for arn in readers)
    assert built.specs["myapp-prod"].protected
    rotating = {s.name for spec in built.specs.values() for s in spec.secrets if s.rotation}
    assert rotating == {"myapp/prod/database/credentials", "myapp/prod/api/api-key"}
    for stage in ("dev", "prod"):
        (database,) = built.specs[f"myapp-{stage}"].databases
        assert database.create
        assert str(database.password) == "secretsmanager/database#credentials"
