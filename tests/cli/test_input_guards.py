"""What AWS would refuse, or nobody may do, is said all at once, with its place, before any call."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.emulator import LocalAws, calls
from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

FOREIGN = "arn:aws:iam::444455556666:role/reports"
WRONG = f"""
    vars: {{context_name: shop, environment: production-eu, region: eu-west-2, account_id: "111122223333"}}
    components:
      terraform:
        rds:
          settings: {{secrets_pipeline: {{create: true}}}}
          vars:
            engine: oracle-se2
            username: app
            password: "${{output.secretsmanager.generated_passwords.master}}"
        secretsmanager:
          vars:
            default_recovery_window_in_days: 0
            consumers:
              reports: {{type: lambda, role_arn: "{FOREIGN}", secrets: [read]}}
            secrets:
              name: {{generate_random_password: true, name: "a b"}}
              suffix: {{generate_random_password: true, name: token-AbC123}}
              large: {{secret_data: "{"ab" * 32_769}"}}
              number: {{secret_data: {{pin: .inf}}}}
              tags: {{generate_random_password: true, tags: {{{", ".join(f"k{n}: v" for n in range(43))}}}}}
              tag: {{generate_random_password: true, tags: {{"aws:x": y}}}}
              described: {{generate_random_password: true, description: "{"x" * 2049}"}}
              public: {{generate_random_password: true, policy: [{{Effect: Allow, Principal: "*", Action: "*", Resource: "*"}}]}}
              long: {{generate_random_password: true, policy: [{{Sid: "{"x" * 20_480}", Effect: Deny, Principal: "*", Action: "*", Resource: "*"}}]}}
              read: {{generate_random_password: true, kms_key_id: alias/other}}
              named:
                generate_random_password: true
                policy: [{{Effect: Allow, Principal: {{AWS: "{FOREIGN}"}}, Action: "*", Resource: "*"}}]
              region: {{generate_random_password: true, kms_key_id: "arn:aws:kms:eu-west-1:111122223333:alias/x"}}
              rotated: {{generate_random_password: true, rotation: {{lambda_arn: "arn:aws:lambda:eu-west-2:111122223333:function:f", automatically_after_days: 1001}}}}
              forced: {{generate_random_password: true, recovery_window_in_days: 0}}
              short: {{generate_random_password: true, recovery_window_in_days: 6}}
              master: {{generate_random_password: true, random_password_length: 31, random_password_override_special: "@-"}}
"""  # noqa: E501 - one secret a line
EXPECTED = {
    "default_recovery_window_in_days": "is 0: this stack is production (environment is production-eu)",
    "secrets.name.name": "AWS takes letters, digits and /_+=.@!-",
    "secrets.suffix.name": "ends like the suffix of an ARN",
    "secrets.large.secret_data": "has 65538 bytes",
    "secrets.number.secret_data.pin": "holds a number that JSON has not",
    "secrets.tags.tags": "43 tags; AWS takes 50, of which 11 are the pipeline's own",
    "secrets.tag.tags": "begins with 'aws:', which is reserved",
    "secrets.described.description": "has 2049 characters",
    "secrets.public.policy": "lets everybody read the secret",
    "secrets.long.policy": "AWS takes 20480",
    "secrets.read": "is in another account, but the secret is encrypted under key alias/other",
    "secrets.named.policy": f"lets {FOREIGN} of another account read the secret, but it is encrypted under the default",
    "secrets.region.kms_key_id": "names a key in eu-west-1, but the secret is in eu-west-2",
    "secrets.rotated.rotation.automatically_after_days": "is 1001",
    "secrets.forced.recovery_window_in_days": "is 0: this stack is production",
    "secrets.short.recovery_window_in_days": "is 6: this stack is production",
    "secrets.master.random_password_length": "Oracle takes master passwords of 8 to 30 characters",
    "secrets.master.random_password_override_special": "holds '@', which RDS refuses",
}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_every_guard_speaks_at_once_with_file_component_key_and_remedy(
    cli: Cli, repository: Path, aws: LocalAws, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(repository / "home"))
    write(repository / "stacks" / "dev.yaml", WRONG)
    result = cli(command, "-s", "shop-production-eu", "--base-path", repository)
    assert_exited(result, 1)
    errors = result.stderr.split("error: ")[1:]
    for key, problem in EXPECTED.items():
        (found,) = [error for error in errors if f", component secretsmanager, key vars.{key}: " in error]
        assert problem in found
        assert found.startswith("stacks/dev.yaml:")
        assert found.split("\n  ", 1)[1].strip(), "no remedy"
    assert len(errors) == len(EXPECTED)
    assert not calls(aws)


@pytest.mark.parametrize("command", ["plan", "apply", "verify"])
@pytest.mark.parametrize(("key", "said"), [("region", "us-east-1"), ("account_id", '"222233334444"')])
def test_a_stack_that_contradicts_the_operator_is_refused_before_any_call(
    cli: Cli, repository: Path, aws: LocalAws, monkeypatch: pytest.MonkeyPatch, *, command: str, key: str, said: str
) -> None:
    stack = repository / "stacks" / "dev.yaml"
    settings = repository / "operator.yaml"
    settings.write_text(f"grants: {{preset: single-team}}\ntargets: [{{stacks: shop-*, {key}: {said}}}]\n")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(settings))
    monkeypatch.setenv("DAGSTER_HOME", str(repository / "home"))
    result = cli(command, "-s", "shop-dev", "--base-path", repository)
    assert result.exit_code == 1
    line = next(n for n, text in enumerate(stack.read_text().splitlines(), 1) if f"{key}:" in text)
    (found,) = result.stderr.split("error: ")[1:]
    assert f"stacks/dev.yaml:{line}, stack shop-dev, component " in found
    assert f"key vars.{key}: {key} is " in found
    assert f"here, and {said.strip(chr(34))} for stacks shop-* in the operator's settings" in found
    assert not calls(aws)
