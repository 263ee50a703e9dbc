"""Whatever somebody wrote into a value: no error, and nothing that is planned, quotes a part of it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secrets_pipeline.cli.plan.view import declared_rows
from secrets_pipeline.cli.shared.reference_view import reference_json, reference_rows
from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.conftest import ATMOS, HERE, Bench
from tests.grants import TRUSTED

CANARY = "hunter2"
FORMS = (
    "pa${hunter2}x", "${hunter2}x", "pa${hunter2 | default('hunter2')}${x}", "pa${a.hunter2}x", "pa${a['hunter2']}x",
    "pa${hunter2", "pa${hunter2!", "${hunter2(x)}", "${upper(hunter2)}", "${upper('hunter2')}", "${keys(hunter2)}",
    "${keys(hunter2${", "pa${values(hunter2$}x", "${not(hunter2!)}",
    "${urlencode(hunter2)}", "${!hunter2}", "pa${x | hunter2}", "${tenant | default(hunter2)}", "${tenant | 'hunter2}",
    "${tenant | ['hunter2', x]}", "${tenant | {'hunter2' 1}}", "${env:X, hunter2 | 'b'}", "${env:hunter2-}x${",
    "pa${ssm:/a hunter2", "pa${file:a hunter2", "pa${env:9hunter2", "pa${output.rds.address hunter2",
    "pa${output.rds.address!} hunter2", "hunter2${tenant", "hunter2${output.rds.nothing}hunter2",
    "${tenant}hunter2${y}", "https://u:hunter2@${z}/", '{"a": hunter2}', '{"a": "hunter2", }', "{hunter2",
    "${indirect}", "x${indirect}", "${list}", "${keys(text)}", "${!text}", "${values(text)}",
)  # fmt: skip
MASTER = "${output.secretsmanager.generated_passwords.master}"
VARIABLES = {"indirect": "pa${hunter2}x", "list": ["hunter2", "${x}"], "text": "hunter2", "tenant": "acme"}


def told(folder: Path, *, value: object, password: str = MASTER, variable: str = "x", entry: str = "") -> str:
    """Everything that is said about a stack with a value, or with a database's password and a delivered variable."""
    secret = {"secret_data": value} if not entry else {entry: None}
    secrets = {"key": secret, "master": {"generate_random_password": True, "username": "u"}}
    components: dict[str, object] = {
        "secretsmanager": {"vars": {"context_name": "shop", "secrets": secrets}},
        "rds": {"vars": {"identifier": "db", "engine": "postgres", "username": "u", "password": password}},
        "lambda": {"vars": {"function_name": "f", "environment_variables": {"NAME": variable}}},
    }
    stack = {
        "settings": {"secrets_pipeline": {"dialect": "tf-atmos", "deliver": True, "create": True}},
        "vars": VARIABLES,
        "components": {"terraform": components},
    }
    (folder / "stacks").mkdir(exist_ok=True)
    (folder / "atmos.yaml").write_text(ATMOS)
    (folder / "stacks" / "dev.yaml").write_text(json.dumps(stack))
    built = build_specs(
        AtmosRepository.open(folder, env={}), OperatorSettings(targets=(HERE,), grants=TRUSTED), base_path=folder
    )
    texts = [error.diagnostics() for error in itertools.chain(*built.errors.values())]
    for spec in built.specs.values():
        texts += [spec.model_dump_json(), repr(spec), json.dumps(declared_rows(spec))]
        texts += [json.dumps(reference_json(reference_rows(spec)))]
        texts += [one.diagnostics() for secret in spec.secrets for one in secret.unresolved]
    return "\n".join(texts)


@pytest.mark.parametrize("form", FORMS)
def test_no_error_quotes_a_value_whatever_reference_it_looks_like(tmp_path: Path, form: str) -> None:
    assert CANARY not in told(tmp_path, value=form)
    assert CANARY not in told(tmp_path, value={"a": {"b": [form]}})


@pytest.mark.parametrize("form", FORMS)
def test_nor_a_password_of_a_database_nor_a_variable_of_a_function(tmp_path: Path, form: str) -> None:
    said = told(tmp_path, value="x", password=form, variable=form + "${output.secretsmanager.secret_arns.key}")
    assert CANARY not in said
    assert "component rds, key vars.password" in said


@pytest.mark.parametrize("entry", ["secret_data hunter2", "secret_data\thunter2", "secret_data: hunter2", "hunter2 x"])
def test_nor_a_value_that_became_a_key_for_want_of_a_colon(tmp_path: Path, entry: str) -> None:
    said = told(tmp_path, value=None, entry=entry)
    assert CANARY not in said
    assert "key vars.secrets.key: unknown key …, with a blank in it" in said
    assert "Is a colon missing? " in said
    assert "Known keys: " in said


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(["${", "}", "hunter2", "hunter2", "|", "(", ")", "'", "[", "]", ".", "!", ",", " ", "keys("])
        | st.sampled_from(["$${", "default(", "tenant", "a", "{", ":", '"', "env:", "upper("]),
        max_size=9,
    ).map("".join)
)
def test_nor_any_text_made_of_pieces_of_references(tmp_path: Path, text: str) -> None:
    value = text.replace("env:hunter2", "env:A")
    whole = value.strip().startswith("${") and value.strip().find("${", 2) < 0 and value.strip().endswith("}")
    assert CANARY not in told(tmp_path, value=f"-{value}" if whole else value)


def test_what_is_near_to_a_known_variable_is_named_all_the_same(bench: Bench) -> None:
    found = bench.only_unresolved(
        """\
        settings: {secrets_pipeline: {dialect: tf-atmos}}
        vars: {context_name: shop, tenant: acme}
        components:
          terraform:
            secretsmanager: {vars: {secrets: {key: {secret_data: "https://${tennant}.example.com"}}}}
        """
    )
    assert "variable tennant has no value" in found
    assert "Did you mean tenant?" in found


def test_a_hidden_name_comes_with_its_place_and_a_remedy(tmp_path: Path) -> None:
    said = told(tmp_path, value="pa${hunter2}x")
    assert (
        "stacks/dev.yaml:1, stack dev, component secretsmanager, key vars.secrets.key.secret_data: a variable" in said
    )
    assert "for a literal `${` write `$${`" in said
