from __future__ import annotations

import shlex
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.cli.outputs.formats import Outputs, as_ecs, as_env, as_tfvars

ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:"
OUTPUTS: Outputs = {
    "secretsmanager/api": {
        "secret_arns": {"api_key": f"{ARN}api-key-AbCdEf", "shared": f"{ARN}a-AbCdEf"},
        "rotation_enabled_secrets": {"api_key": True, "shared": False},
    },
    "secretsmanager/db": {
        "secret_arns": {"shared": f"{ARN}b-AbCdEf"},
        "rotation_enabled_secrets": {"shared": False},
    },
}


def test_env_lines_prefix_only_keys_that_two_components_use() -> None:
    assert as_env(OUTPUTS).splitlines() == [
        f"API_KEY_ARN={ARN}api-key-AbCdEf",
        f"SECRETSMANAGER_API_SHARED_ARN={ARN}a-AbCdEf",
        f"SECRETSMANAGER_DB_SHARED_ARN={ARN}b-AbCdEf",
    ]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_shell_reads_back_what_env_says(arn: str) -> None:
    assert shlex.split(as_env({"c": {"secret_arns": {"1-key": arn}}})) == [f"_1_KEY_ARN={arn}"]


def test_a_shell_evaluates_env_lines_without_expansion() -> None:
    lines = as_env({"c": {"secret_arns": {"k": "a'b $(id) `id` \\ \""}}})
    shown = subprocess.run(  # noqa: S602 - the shell is what is tested
        lines + '; printf %s "$K_ARN"', shell=True, check=True, capture_output=True, text=True
    )
    assert shown.stdout == "a'b $(id) `id` \\ \""


def test_ecs_entries_carry_complete_arns() -> None:
    assert as_ecs(OUTPUTS)[0] == {"name": "API_KEY", "valueFrom": f"{ARN}api-key-AbCdEf"}


def test_tfvars_are_one_variable_an_output() -> None:
    assert as_tfvars(OUTPUTS) == "\n".join(
        [
            "secret_arns = {",
            '  "secretsmanager/api" = {',
            f'    api_key = "{ARN}api-key-AbCdEf"',
            f'    shared = "{ARN}a-AbCdEf"',
            "  }",
            '  "secretsmanager/db" = {',
            f'    shared = "{ARN}b-AbCdEf"',
            "  }",
            "}",
            "rotation_enabled_secrets = {",
            '  "secretsmanager/api" = {',
            "    api_key = true",
            "    shared = false",
            "  }",
            '  "secretsmanager/db" = {',
            "    shared = false",
            "  }",
            "}",
        ]
    )


def test_hcl_templates_in_text_are_escaped() -> None:
    assert as_tfvars({"c": {"secret_arns": {"k": '${x} %{y} "z"'}}}).splitlines()[2] == '    k = "$${x} %%{y} \\"z\\""'


def test_a_stack_without_secrets_gives_empty_documents() -> None:
    assert as_env({}) == ""
    assert as_ecs({}) == []
    assert as_tfvars({}) == ""
