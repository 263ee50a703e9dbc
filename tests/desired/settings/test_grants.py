"""What crosses a boundary is refused, with the line that would grant it; the same with that line."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from secrets_pipeline.desired.boundary import Boundary, allows
from secrets_pipeline.desired.settings.grants import DocumentGrant, GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

HERE = TargetRule(stacks="*", account_id="111122223333", region="eu-west-2")
OTHER = "arn:aws:iam::444455556666:role/reports"
OWN = "arn:aws:iam::111122223333:role/orders"

PROD = """
vars: {context_name: app, environment: prod}
settings: {secrets_pipeline: {dialect: tf-atmos}}
components:
  terraform:
    secretsmanager/a:
      vars: {create_kms_key: true, secrets: {s: {generate_random_password: true}}}
"""


def evil(more: str = "", entry: str = "secret_data: {v: plain-9}", **variables: object) -> str:
    """A stack of an author's own, called evil-dev: one secret, and what else is said."""
    said = {"context_name": "evil", "environment": "dev", "create_kms_key": True, **variables}
    return f"""
vars: {{context_name: evil, environment: dev}}
settings: {{secrets_pipeline: {{dialect: tf-atmos}}}}
components:
  terraform:
    secretsmanager/a:
      vars:
{indent(yaml.safe_dump(said), "        ")}
        secrets: {{s: {{{entry}}}}}
{indent(more, "    ")}
"""


KEY = "kms:\n  settings: {secrets_pipeline: {create: true}}\n  vars: {alias: alias/evil, policy: {Statement: %s}}"
ATTACKS = {
    "a replica in another region": (
        evil(entry="generate_random_password: true, replica_regions: [us-east-1]"),
        "region us-east-1",
        {"regions": ["us-east-1"]},
    ),
    "a value of another stack": (
        evil(entry='secret_data: {v: "${output.app-prod:secretsmanager/a.secret_values.s}"}'),
        "value of another stack app-prod:secretsmanager/a.secret_values.s",
        {"values": ["app-prod"]},
    ),
    "a generated password of another stack": (
        evil(entry='secret_data: "${output.app-prod:secretsmanager/a.generated_passwords.s}"'),
        "value of another stack app-prod:secretsmanager/a.generated_passwords.s",
        {"values": ["app-prod"]},
    ),
    "an output of another stack": (
        evil(entry='secret_data: {v: "${output.app-prod:secretsmanager/a.secret_arns.s}"}'),
        "output of another stack app-prod:secretsmanager/a.secret_arns.s",
        {"outputs": ["app-prod"]},
    ),
    "a parameter of another team": (
        evil(entry='secret_data: {v: "${ssm:/other-team/token}"}'),
        "SSM parameter /other-team/token",
        {"parameters": ["/other-team/token"]},
    ),
    "a parameter that names a key": (
        evil(entry='secret_data: {v: plain-9}, kms_key_id: "${ssm:/other-team/key}"'),
        "SSM parameter /other-team/key",
        {"parameters": ["/other-team/key"]},
    ),
    "a file": (
        evil(entry='secret_data: {v: "${file:atmos.yaml}"}'),
        "file atmos.yaml",
        {"files": ["atmos.yaml"]},
    ),
    "the name of production": (
        evil(context_name="app", environment="prod"),
        "secret name app/prod/*",
        {"secrets": ["app/prod/*"]},
    ),
    "the key of a context that is not its own, for no secret at all": (
        evil(
            more="secretsmanager/b:\n  vars: {context_name: app, environment: qa, create_kms_key: true, secrets: {}}",
        ),
        "secret name app/qa/*",
        {"secrets": ["app/qa/*"]},
    ),
    "a name without an environment": (
        evil(environment=""),
        "secret name evil/*",
        {"secrets": ["evil/*"]},
    ),
    "a consumer in another account": (
        evil(consumers={"x": {"type": "lambda", "role_arn": OTHER, "secrets": ["s"]}}),
        f"reader in another account {OTHER}",
        {"readers": ["444455556666"]},
    ),
    "a policy for another account": (
        evil(
            entry="secret_data: {v: plain-9}, policy: {Statement: [{Effect: Allow, Action: '*', Resource: '*', "
            "Principal: {AWS: 'arn:aws:iam::444455556666:root'}}]}"
        ),
        "reader in another account arn:aws:iam::444455556666:root",
        {"readers": ["444455556666"]},
    ),
    "a policy for another organisation": (
        evil(
            entry="secret_data: {v: plain-9}, policy: {Statement: [{Effect: Allow, Action: '*', Resource: '*', "
            "Principal: '*', Condition: {StringEquals: {aws:PrincipalOrgID: o-evil567890}}}]}"
        ),
        "reader in another account everybody with aws:PrincipalOrgID o-evil567890",
        {"readers": ["o-evil567890"]},
    ),
    "a policy for whoever comes by an endpoint": (
        evil(
            entry="secret_data: {v: plain-9}, policy: {Statement: [{Effect: Allow, Action: '*', Resource: '*', "
            "Principal: '*', Condition: {StringEquals: {aws:SourceVpce: vpce-1}}}]}"
        ),
        "reader in another account everybody with aws:SourceVpce vpce-1",
        {"readers": ["*"]},
    ),
    "a policy for a service": (
        evil(
            entry="secret_data: {v: plain-9}, policy: {Statement: [{Effect: Allow, Action: '*', Resource: '*', "
            "Principal: {Service: cloudformation.amazonaws.com}}]}"
        ),
        "reader in another account cloudformation.amazonaws.com",
        {"readers": ["cloudformation.amazonaws.com"]},
    ),
    "a key policy for another account": (
        evil(more=KEY % "[{Effect: Allow, Action: 'kms:*', Resource: '*', Principal: {AWS: '444455556666'}}]"),
        "reader in another account 444455556666",
        {"readers": ["444455556666"]},
    ),
    "a document of one's own choice": (
        evil(
            consumers={
                "x": {
                    "type": "app",
                    "role_arn": OWN,
                    "secrets": ["s"],
                    "refresh": {"ssm_document": "Restart", "targets": {"tag:Role": ["payments"]}},
                }
            }
        ),
        "SSM document Restart on tag:Role=payments",
        {"documents": [{"name": "Restart", "targets": {"tag:Role": ["payments", "orders"]}}]},
    ),
}
"""What an author writes → the boundary that it crosses, and the grant that allows it."""


def settled(bench: Bench, text: str, *rules: dict[str, Any]) -> list[str]:
    """The errors of the author's stack under these rules."""
    bench.settings = OperatorSettings(targets=(HERE,), grants=tuple(GrantRule.model_validate(one) for one in rules))
    built = bench.build(**{"app-prod": PROD, "evil-dev": text})
    assert "app-prod" in built.specs
    return [error.diagnostics() for error in built.errors.get("evil-dev", ())]


@pytest.mark.parametrize(("text", "boundary", "grant"), ATTACKS.values(), ids=list(ATTACKS))
def test_what_is_not_the_stacks_own_is_refused_with_the_line_that_would_grant_it(
    bench: Bench, text: str, boundary: str, grant: dict[str, Any]
) -> None:
    (error,) = settled(bench, text)
    assert f"{boundary} is not this stack's own, and no grant of the operator names it" in error
    assert "stacks/evil-dev.yaml" in error
    assert "component" in error
    line = yaml.safe_load(error.partition("under grants: ")[2])
    # The line that the error names is one that works.
    assert line[0]["stacks"] == "evil-dev"
    assert settled(bench, text, *line) == []
    assert settled(bench, text, {"stacks": "evil-*", **grant}) == []
    crossings = bench.build(**{"evil-dev": text}).specs["evil-dev"].crossings
    assert {one.allowed_by for one in crossings if boundary.startswith(one.boundary)} == {"grants: stacks evil-*"}


@pytest.mark.parametrize(("text", "boundary", "grant"), ATTACKS.values(), ids=list(ATTACKS))
def test_a_grant_for_other_stacks_or_of_something_else_grants_nothing(
    bench: Bench, text: str, boundary: str, grant: dict[str, Any]
) -> None:
    others = {"secrets": ["x/*"], "outputs": ["y"], "values": ["z"], "parameters": ["/p"], "files": ["f"]}
    errors = settled(bench, text, {"stacks": "app-*", **grant}, {"stacks": "evil-dev", **others})
    assert [error for error in errors if boundary in error]


def test_one_line_lets_a_single_team_touch_its_account_but_no_values_foreigners_or_commands(bench: Bench) -> None:
    refused = {name for name, (text, _, _) in ATTACKS.items() if settled(bench, text, {"preset": "single-team"})}
    assert refused == {
        name
        for name in ATTACKS
        if "value" in name or "generated" in name or "policy" in name or "document" in name or "consumer" in name
    }


def test_what_is_the_stacks_own_crosses_nothing(bench: Bench) -> None:
    own = evil(
        consumers={"x": {"type": "lambda", "role_arn": OWN, "secrets": ["s"]}},
        entry='secret_data: {v: "${ssm:/secrets-pipeline/evil-dev/x}", k: "${output.secretsmanager/a.kms_key_arn}"}',
    )
    assert settled(bench, own) == []
    (reader,) = bench.build(**{"evil-dev": own}).specs["evil-dev"].crossings
    assert (reader.boundary, reader.name, reader.subjects) == (Boundary.READER, OWN, ("evil/dev/s",))


@pytest.mark.parametrize(
    "document",
    [
        "AWS-RunShellScript",
        "AWS-RunPowerShellScript",
        "aws-runshellscript",
        "AWS-RunRemoteScript",
        "AWS-ApplyAnsiblePlaybooks",
        "arn:aws:ssm:eu-west-2::document/AWS-RunShellScript",
    ],
)
def test_a_document_that_runs_anything_is_granted_to_nobody(bench: Bench, document: str) -> None:
    refresh = {"ssm_document": document, "targets": {"tag:Role": ["x"]}, "parameters": {"commands": ["id"]}}
    text = evil(consumers={"x": {"type": "app", "role_arn": OWN, "secrets": ["s"], "refresh": refresh}})
    (error,) = settled(bench, text, {"preset": "single-team"})
    assert "runs whatever its parameters say, which nobody can grant" in error
    with pytest.raises(ValidationError, match="it runs whatever its parameters say"):
        GrantRule.model_validate({"documents": [{"name": document, "targets": {"tag:Role": "x"}}]})


@pytest.mark.parametrize(
    "changed",
    [
        {"targets": {"tag:Role": ["payments"]}},
        {"targets": {"tag:Team": ["orders"]}},
        {"targets": {"tag:Role": ["orders"], "InstanceIds": ["i-1"]}},
        {"parameters": {"Service": ["sshd"]}},
        {"parameters": {"Service": ["orders"], "Commands": ["id"]}},
        {"parameters": {}},
        {"ssm_document": "Restart2"},
    ],
)
def test_a_granted_document_is_granted_on_its_targets_with_its_parameters_alone(
    bench: Bench, changed: dict[str, Any]
) -> None:
    document = {"name": "Restart", "targets": {"tag:Role": "orders"}, "parameters": {"Service": "orders"}}

    def errors(**said: object) -> list[str]:
        refresh = {
            "ssm_document": "Restart",
            "targets": {"tag:Role": ["orders"]},
            "parameters": {"Service": ["orders"]},
        } | said
        text = evil(consumers={"x": {"type": "app", "role_arn": OWN, "secrets": ["s"], "refresh": refresh}})
        return settled(bench, text, {"documents": [document]})

    assert errors() == []
    assert errors(**changed)


@pytest.mark.parametrize(
    "targets",
    [
        {"tag:Role": ["orders"]},
        {"tag:Env": ["dev"]},
        {"tag:Role": ["orders"], "tag:Env": []},
        {"tag:Role": ["orders"], "tag:Env": ["dev"], "tag:Team": ["x"]},
    ],
)
def test_a_command_names_every_target_of_its_grant_for_each_narrows_the_others(targets: dict[str, list[str]]) -> None:
    granted = DocumentGrant.model_validate({"name": "Restart", "targets": {"tag:Role": "orders", "tag:Env": "dev"}})
    assert granted.covers("Restart", {"tag:Role": ["orders"], "tag:Env": ["dev"]}, {})
    assert not granted.covers("Restart", targets, {})


@pytest.mark.parametrize("name", ["*", "Restart?", "Restart[AB]"])
def test_a_document_is_granted_by_its_name_and_no_glob(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        DocumentGrant.model_validate({"name": name, "targets": {"tag:Role": "orders"}})


@pytest.mark.parametrize("name", ["shared/../prod/private.txt", "shared/link.txt", "./prod/private.txt"])
def test_a_grant_of_files_is_for_what_a_name_leads_to(bench: Bench, name: str) -> None:
    (bench.folder / "prod").mkdir()
    (bench.folder / "prod" / "private.txt").write_text("x")
    (bench.folder / "shared").mkdir()
    (bench.folder / "shared" / "link.txt").symlink_to("../prod/private.txt")
    text = evil(entry=f'secret_data: {{v: "${{file:{name}}}"}}')
    (error,) = settled(bench, text, {"files": ["shared/*", "./*"]})
    assert "file prod/private.txt is not this stack's own" in error
    assert settled(bench, text, {"files": ["prod/private.txt"]}) == []


def test_the_line_to_paste_names_a_file_and_no_glob_that_yaml_chose(bench: Bench) -> None:
    (error,) = settled(bench, evil(entry='secret_data: {v: "${file:*}"}'))
    assert '- {stacks: "evil-dev", files: ["[*]"]}' in error


@pytest.mark.parametrize(
    "rule", [{"values": ["*"]}, {"stacks": "*", "values": ["app"]}, {"stacks": "a", "values": ["?*"]}]
)
def test_a_grant_of_values_names_both_sides(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="names on both sides"):
        GrantRule.model_validate(rule)


ARN = "${output.secretsmanager/a.secret_arns.s}"
TARGETS = {
    "functions": (
        Boundary.FUNCTION,
        "payments",
        f"lambda/x:\n  vars: {{function_name: payments, environment_variables: {{ARN: '{ARN}'}}}}",
    ),
    "services": (
        Boundary.SERVICE,
        "shop/orders",
        (
            "ecs/x:\n  vars: {cluster_name: shop, service_name: orders, container_definitions: "
            f"[{{name: c, environment: [{{name: ARN, value: '{ARN}'}}]}}]}}"
        ),
    ),
    "stages": (
        Boundary.STAGE,
        "shop-api/prod",
        f"apigateway/x:\n  vars: {{api_name: shop-api, stage_name: prod, stage_variables: {{arn: '{ARN}'}}}}",
    ),
}


@pytest.mark.parametrize(("field", "target"), TARGETS.items(), ids=list(TARGETS))
@pytest.mark.parametrize("switch", ["deliver", "refresh"])
def test_a_target_is_left_to_its_owners_tag_unless_it_is_granted(
    bench: Bench, field: str, target: tuple[Boundary, str, str], switch: str
) -> None:
    boundary, name, more = target
    text = evil(more=f"{more}\n  settings: {{secrets_pipeline: {{{switch}: true}}}}")
    for rules, by in (((), ""), (({field: [name]},), "grants: stacks *"), (({"roles": ["*"]},), "")):
        assert settled(bench, text, *rules) == []
        crossings = bench.build(**{"evil-dev": text}).specs["evil-dev"].crossings
        (crossing,) = [one for one in crossings if one.boundary is boundary]
        assert (crossing.name, crossing.allowed_by) == (name, by)


def test_what_is_only_found_by_its_name_is_no_target(bench: Bench) -> None:
    text = evil(more="\n".join(more for _, _, more in TARGETS.values()))
    assert settled(bench, text) == []
    assert bench.build(**{"evil-dev": text}).specs["evil-dev"].crossings == ()


@pytest.mark.parametrize(
    "name",
    [
        "/aws/reference/secretsmanager/app/prod/s",
        "/AWS/Reference/SecretsManager/app/prod/s",
        "/aws//reference/secretsmanager/app/prod/s",
        "arn:aws:ssm:eu-west-2:111122223333:parameter/aws/reference/secretsmanager/app/prod/s",
    ],
)
def test_no_grant_of_parameters_lets_in_a_secret_under_a_parameters_name(bench: Bench, name: str) -> None:
    text = evil(entry=f'secret_data: {{v: "${{ssm:{name}}}"}}')
    for rules in ((), ({"preset": "single-team"},), ({"parameters": [name, "*"]},)):
        (error,) = settled(bench, text, *rules)
        assert f"SSM parameter {name} is a secret under another name" in error


@pytest.mark.parametrize("service", ["arn:aws:ecs:eu-west-2:111122223333:service/shop/orders", "shop/orders"])
@pytest.mark.parametrize("switch", ["deliver", "refresh"])
def test_a_service_is_named_by_its_name_so_that_grant_guard_and_call_mean_the_same(
    bench: Bench, service: str, switch: str
) -> None:
    more = TARGETS["services"][2].replace("service_name: orders", f"service_name: '{service}'")
    text = evil(more=f"{more}\n  settings: {{secrets_pipeline: {{{switch}: true}}}}")
    assert f"ECS service {service} is a path or an ARN, not a name" in settled(bench, text, {"services": ["*"]})[0]


@pytest.mark.parametrize(
    "function",
    [
        "payments:a-team",
        "111122223333:function:payments-team",
        "arn:aws:lambda:eu-west-2:111122223333:function:payments:a-team",
    ],
)
@pytest.mark.parametrize("switch", ["deliver", "refresh"])
def test_a_function_is_named_without_account_and_version_so_that_a_grant_is_for_the_function(
    bench: Bench, function: str, switch: str
) -> None:
    more = TARGETS["functions"][2].replace("function_name: payments", f"function_name: '{function}'")
    assert function in more
    text = evil(more=f"{more}\n  settings: {{secrets_pipeline: {{{switch}: true}}}}")
    assert f"Lambda function {function} is no function's name" in settled(bench, text, {"functions": ["*-team"]})[0]


@pytest.mark.parametrize(("glob", "granted"), [("app/qa/?", False), ("app/qa/*-db", False), ("app/qa/*", True)])
def test_the_key_of_names_needs_a_grant_of_all_of_them(bench: Bench, glob: str, granted: bool) -> None:
    text = evil(
        more="secretsmanager/b:\n  vars: {context_name: app, environment: qa, create_kms_key: true, secrets: {}}"
    )
    found = settled(bench, text, {"secrets": [glob]})
    assert ("app/qa/* is not this stack's own" in "".join(found)) is not granted


PAYMENTS = "arn:aws:lambda:eu-west-2:111122223333:function:payments"


def rotated_by(function: str) -> str:
    """A stack whose secret rotates by a function; what else the stack declares has the name of somebody's function."""
    rotation = f"rotation: {{lambda_arn: {json.dumps(function)}, automatically_after_days: 30}}"
    service = f"ecs/y: {{vars: {{cluster_name: c, service_name: '{PAYMENTS}'}}}}"
    more = f"lambda/x: {{vars: {{function_name: payments}}}}\n{service}"
    return evil(more=more, entry=f"generate_random_password: true, {rotation}")


@pytest.mark.parametrize(
    "function", [PAYMENTS, "${output.lambda/x.function_arn}", "${output.evil-dev:lambda/x.function_arn}"]
)
def test_the_function_that_rotates_is_left_to_its_owners_tag_unless_granted(bench: Bench, function: str) -> None:
    for rules, by in (((), ""), (({"functions": ["payments"]},), "grants: stacks *")):
        assert settled(bench, rotated_by(function), *rules) == []
        crossings = bench.build(**{"evil-dev": rotated_by(function)}).specs["evil-dev"].crossings
        (crossing,) = [one for one in crossings if one.boundary is Boundary.FUNCTION]
        assert (crossing.name, crossing.allowed_by) == ("payments", by)


@pytest.mark.parametrize(
    "function",
    [
        "arn:aws:lambda:eu-west-2:111122223333:function:${output.lambda/x.function_name}",
        "${output.lambda/x.function_name}",
        "${output.ecs/y.service_name}",
        f"${{ssm:/secrets-pipeline/evil-dev/none | default('{PAYMENTS}')}}",
    ],
)
def test_a_function_that_rotates_and_whose_name_cannot_be_told_is_an_error(bench: Bench, function: str) -> None:
    (error,) = settled(bench, rotated_by(function), {"preset": "single-team"})
    assert "which function that is cannot be told" in error
    assert "component secretsmanager/a, key vars.secrets.s.rotation" in error


def test_where_the_account_is_not_known_a_function_that_rotates_is_judged_by_it_later(bench: Bench) -> None:
    bench.settings = OperatorSettings(grants=(GrantRule(preset="single-team"),))
    (spec,) = bench.build(
        **{"evil-dev": rotated_by(PAYMENTS).replace("vars: {context", "vars: {region: eu-west-2, context")}
    ).specs.values()
    assert [(one.name, one.allowed_by) for one in spec.crossings if one.boundary is Boundary.FOREIGN_READER] == [
        (PAYMENTS, "")
    ]


@pytest.mark.parametrize(
    "name", ["NODE_OPTIONS", "LD_PRELOAD", "PYTHONPATH", "PATH", "AWS_LAMBDA_EXEC_WRAPPER", "HTTPS_PROXY"]
)
@pytest.mark.parametrize("kind", ["functions", "services"])
def test_nothing_is_delivered_to_a_variable_that_changes_what_a_program_runs(
    bench: Bench, kind: str, name: str
) -> None:
    more = TARGETS[kind][2].replace("ARN:", f"{name}:").replace("name: ARN", f"name: {name}")
    text = evil(more=more + "\n  settings: {secrets_pipeline: {deliver: true}}")
    (error,) = settled(bench, text, {"preset": "single-team"})
    assert f"{name} changes what a program runs" in error


def test_a_role_and_a_database_are_left_to_their_owners_tag_unless_granted(bench: Bench) -> None:
    more = (
        "rds:\n  vars: {identifier: victim-db, engine: postgres, username: boss, "
        "password: '${output.secretsmanager/a.generated_passwords.s}'}"
    )
    text = evil(
        more=more,
        entry="generate_random_password: true",
        consumers={"x": {"type": "lambda", "role_arn": "arn:aws:iam::111122223333:role/ops/admin", "secrets": ["s"]}},
    ).replace("secretsmanager/a:\n", "secretsmanager/a:\n      settings: {secrets_pipeline: {attach_policies: true}}\n")
    assert settled(bench, text) == []
    crossings = bench.build(**{"evil-dev": text}).specs["evil-dev"].crossings
    asked = {(one.boundary, one.name): one.allowed_by for one in crossings if one.boundary is not Boundary.READER}
    assert asked == {(Boundary.ROLE, "ops/admin"): "", (Boundary.DATABASE, "victim-db"): ""}


@pytest.mark.parametrize(
    "condition",
    [
        "{'ForAllValues:StringEquals': {aws:PrincipalOrgID: o-a123456789}}",
        "{StringEqualsIfExists: {aws:PrincipalArn: x}}",
    ],
)
def test_a_key_or_secret_for_everybody_is_refused_whatever_is_granted(bench: Bench, condition: str) -> None:
    statement = f"{{Effect: Allow, Action: 'kms:*', Resource: '*', Principal: '*', Condition: {condition}}}"
    key = evil(more=KEY % f"[{statement}]")
    secret = evil(entry=f"secret_data: {{v: plain-9}}, policy: {{Statement: [{statement}]}}")
    everything = {"preset": "single-team", "readers": "*"}
    assert "lets everybody use the key" in settled(bench, key, everything)[0]
    assert "lets everybody read the secret" in settled(bench, secret, everything)[0]


def test_a_key_for_everybody_of_the_own_account_through_a_service_crosses_nothing(bench: Bench) -> None:
    narrowed = (
        "{StringEquals: {kms:CallerAccount: '111122223333', kms:ViaService: secretsmanager.eu-west-2.amazonaws.com}}"
    )
    statement = f"{{Effect: Allow, Action: 'kms:Decrypt', Resource: '*', Principal: '*', Condition: {narrowed}}}"
    text = evil(more=KEY % f"[{statement}]")
    assert settled(bench, text) == []
    (reader,) = bench.build(**{"evil-dev": text}).specs["evil-dev"].crossings
    assert (reader.boundary, reader.name) == (Boundary.READER, "everybody with kms:CallerAccount 111122223333")
    assert settled(bench, text.replace("111122223333", "444455556666"))


@pytest.mark.parametrize(
    ("tag", "let_in"),
    [
        ("app-prod", ["app-prod"]),
        ("app-prod app-dev", ["app-prod", "app-dev"]),
        ("app-+", ["app-prod", "app-dev", "app-"]),
        ("+", ["app-prod", "app-dev", "app-", "evil"]),
        ("+-prod", ["app-prod"]),
        ("a+-+d", ["app-prod"]),
        ("", []),
        ("app", []),
        ("App-prod", []),
        ("app.prod", []),
    ],
)
def test_an_owners_tag_lets_in_whom_it_names(tag: str, let_in: list[str]) -> None:
    assert [stack for stack in ("app-prod", "app-dev", "app-", "evil") if allows(tag, stack)] == let_in


@given(st.lists(st.from_regex(r"[a-z.-]{0,5}", fullmatch=True), min_size=1, max_size=4), st.text("ab.-", max_size=12))
def test_an_owners_tag_matches_as_a_glob_does(parts: list[str], stack: str) -> None:
    pattern = "+".join(parts)
    expected: set[int] = {0}
    # Positions that the pattern's first characters can have come to.
    for character in pattern:
        expected = (
            {at for start in expected for at in range(start, len(stack) + 1)}
            if character == "+"
            else {at + 1 for at in expected if stack[at : at + 1] == character}
        )
    assert allows(pattern, stack) == (len(stack) in expected and bool(pattern))


def test_an_include_needs_no_grant_and_a_file_that_a_value_reads_does(bench: Bench) -> None:
    (bench.folder / "motd.txt").write_text("plain-9")
    bench.settings = bench.settings.model_copy(update={"grants": (GrantRule(stacks="evil-*", files=("shared/*",)),)})
    assert not bench.build(**{"evil-dev": evil(entry="secret_data: {v: !include.raw motd.txt}")}).errors
    (error,) = bench.build(**{"evil-dev": evil(entry='secret_data: {v: "${file:motd.txt}"}')}).errors["evil-dev"]
    assert "file motd.txt is not this stack's own" in error.message


def test_a_file_that_a_manifest_includes_stands_in_the_plan(bench: Bench) -> None:
    (bench.folder / "motd.txt").write_text("plain-9")
    text = evil(entry="secret_data: {v: !include.raw motd.txt}")
    assert settled(bench, text) == []
    (crossing,) = bench.build(**{"evil-dev": text}).specs["evil-dev"].crossings
    assert (crossing.boundary, crossing.name) == (Boundary.FILE, "motd.txt")
    assert crossing.key == "included by stacks/evil-dev.yaml"


LOGIN = "secret_data: {engine: postgres, host: DB.example.com, port: 5432, username: app, password: plain-9}"


@pytest.mark.parametrize("host", ["db.example.com", "db.example.com:5432", "DB.example.com:5432", "*.example.com*"])
def test_a_granted_host_is_a_crossing_that_the_plan_names(bench: Bench, host: str) -> None:
    bench.settings = OperatorSettings(targets=(HERE,), grants=(GrantRule(hosts=(host,)),))
    crossings = bench.build(**{"evil-dev": evil(entry=LOGIN)}).specs["evil-dev"].crossings
    assert [(one.boundary, one.name) for one in crossings] == [(Boundary.HOST, "DB.example.com:5432")]
    assert [(one.allowed_by, one.subjects) for one in crossings] == [("grants: stacks *", ("evil/dev/s",))]


@pytest.mark.parametrize(("engine", "port"), [("postgres", 5432), ("aurora-mysql", 3306)])
def test_a_granted_host_without_a_port_in_the_yaml_is_a_crossing_at_the_engines_port(
    bench: Bench, engine: str, port: int
) -> None:
    bench.settings = OperatorSettings(targets=(HERE,), grants=(GrantRule(hosts=(f"db.example.com:{port}",)),))
    entry = LOGIN.replace("postgres", engine).replace("port: 5432, ", "")
    crossings = bench.build(**{"evil-dev": evil(entry=entry)}).specs["evil-dev"].crossings
    assert [(one.boundary, one.name) for one in crossings] == [(Boundary.HOST, f"DB.example.com:{port}")]


def test_a_host_that_nobody_granted_is_no_crossing_as_no_login_is_tried_there(bench: Bench) -> None:
    bench.settings = OperatorSettings(targets=(HERE,), grants=(GrantRule(preset="single-team", hosts=("other",)),))
    found = bench.build(**{"evil-dev": evil(entry=LOGIN)})
    assert (found.errors, found.specs["evil-dev"].crossings) == ({}, ())


def test_a_replica_outside_the_operators_region_is_refused_with_the_line_that_would_grant_it(bench: Bench) -> None:
    text = evil(entry="generate_random_password: true, replica_regions: [us-east-1]")
    bench.settings = OperatorSettings(targets=(HERE,))
    errors = bench.build(**{"evil-dev": text}).errors.get("evil-dev", ())
    said = "".join(error.diagnostics() for error in errors)
    assert "key vars.secrets.s.replica_regions: region us-east-1 is not this stack's own" in said
    assert '- {stacks: "evil-dev", regions: ["us-east-1"]}' in said


def test_a_region_that_the_operator_left_open_is_the_stacks_to_choose(bench: Bench) -> None:
    bench.settings = OperatorSettings(targets=(TargetRule(stacks="*", account_id="111122223333"),))
    text = evil(entry="generate_random_password: true, replica_regions: [us-east-1]")
    found = bench.build(**{"evil-dev": text.replace("environment: dev}", "environment: dev, region: eu-west-2}", 1)})
    assert (found.errors, found.specs["evil-dev"].crossings) == ({}, ())
