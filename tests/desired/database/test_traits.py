"""By which names and tags a database is looked for whose component names no identifier."""

from __future__ import annotations

from textwrap import indent

import pytest

from secrets_pipeline.desired.database.model import DatabaseSpec
from tests.desired.conftest import Bench

CONTEXT = "namespace: plat\ntenant: platform\nenvironment: usw2\nstage: dev\n"


def repository(**components: str) -> str:
    """A stack whose secret refers to each component."""
    secrets = "\n".join(
        f"s{index}: {{secret_data: {{host: !terraform.state {name} address}}}}"
        for index, name in enumerate(one.replace("__", "-") for one in components)
    )
    written = "".join(
        f"\n    {name.replace('__', '-')}:\n{indent(text, '      ')}" for name, text in components.items()
    )
    return f"""\
components:
  terraform:
    secretsmanager:
      vars:
        context_name: myapp
        secrets:
{indent(secrets, " " * 10)}{written}
"""


def databases(bench: Bench, **components: str) -> tuple[DatabaseSpec, ...]:
    return bench.spec(repository(**components)).databases


def only(bench: Bench, text: str, name: str = "rds") -> DatabaseSpec:
    (found,) = databases(bench, **{name: text})
    return found


def variables(text: str) -> str:
    return f"vars:\n{indent(text, '  ')}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (CONTEXT + "name: appdb\n", "plat-platform-usw2-dev-appdb"),
        (CONTEXT + "name: appdb\nattributes: [blue]\n", "plat-platform-usw2-dev-appdb-blue"),
        (CONTEXT + "name: appdb\nlabel_order: [name, tenant, stage]\n", "appdb-platform-dev"),
        ("namespace: plat\nstage: dev\nname: App_DB\n", "plat-dev-appdb"),
        ("namespace: acme\ntenant: acme\nenvironment: use1\nstage: prod\nname: acme-prod-db\n", "acme-prod-db"),
        (CONTEXT + "db_instance_identifier: platform-dev-main\n", "platform-dev-main"),
        ("tenant: acme\nenvironment: testenv-01\n", "acme-testenv-01-rds"),
    ],
)
def test_terraform_gives_identifiers_by_naming_conventions(bench: Bench, written: str, expected: str) -> None:
    found = only(bench, variables(written))
    assert found.identifier is None
    assert expected in found.traits.names


@pytest.mark.parametrize(
    ("written", "vague"),
    [
        (CONTEXT + "name: appdb\n", "appdb"),
        (CONTEXT + "name: appdb\n", "plat-usw2-dev-appdb"),
        (CONTEXT + "name: appdb\nlabel_order: [namespace, name]\n", "plat-appdb"),
        (CONTEXT, "platform-usw2-rds"),
    ],
)
def test_an_identifier_that_may_be_of_another_stage_or_tenant_proves_nothing(
    bench: Bench, written: str, vague: str
) -> None:
    traits = only(bench, variables(written)).traits
    assert vague in traits.vague_names
    assert vague not in traits.names


def test_an_aurora_component_appends_the_name_of_its_cluster(bench: Bench) -> None:
    found = only(bench, variables(CONTEXT + "name: aurora\ncluster_name: orders\n"), "aurora__postgres")
    assert "plat-platform-usw2-dev-aurora-orders" in found.traits.names
    assert "plat-platform-usw2-dev-aurora" not in (*found.traits.names, *found.traits.vague_names)
    assert (found.engine, found.engine_known, found.is_cluster) == ("aurora-postgresql", False, True)


def test_what_two_components_of_a_stack_would_both_be_named_names_neither(bench: Bench) -> None:
    text = variables(CONTEXT + "name: appdb\n")
    one, two = databases(bench, rds=text, rds__two=text)
    assert not {*one.traits.names} & {*two.traits.names}
    assert (one.traits.alone, two.traits.alone) == (False, False)


def test_the_setting_says_the_identifier_before_the_variable_of_terraform(bench: Bench) -> None:
    settings = "settings: {secrets_pipeline: {identifier: Orders-Dev}}\n"
    assert only(bench, settings + variables("identifier: orders\n")).identifier == "orders-dev"
    assert only(bench, variables("identifier: orders\n")).identifier == "orders"


@pytest.mark.parametrize("written", ["orders--dev", "-orders", "[orders]", "7up"])
def test_an_identifier_that_rds_does_not_take_is_refused_where_it_stands(bench: Bench, written: str) -> None:
    text = f"settings: {{secrets_pipeline: {{identifier: {written if written[0] == '[' else repr(written)}}}}}\n"
    (error,) = bench.build(dev=repository(rds=text)).errors["dev"]
    assert error.where is not None
    assert error.where.key == "settings.secrets_pipeline.identifier"


def test_the_setting_alone_asks_for_nothing(bench: Bench) -> None:
    text = """\
components:
  terraform:
    secretsmanager: {vars: {context_name: myapp, secrets: {one: {secret_data: x-9}}}}
    rds: {settings: {secrets_pipeline: {identifier: orders}}, vars: {name: orders}}
"""
    assert bench.spec(text).databases == ()


def test_creation_is_offered_with_what_it_lacks_unless_terraform_makes_the_database(bench: Bench) -> None:
    assert only(bench, variables("engine: postgres\n")).traits.creation_lacks == ("username", "password")
    folder = bench.folder / "components" / "terraform" / "rds"
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text('resource "aws_db_instance" "this" {\n}\n')
    bench.atmos += "components:\n  terraform:\n    base_path: components/terraform\n"
    assert only(bench, variables("engine: postgres\n")).traits.creation_lacks is None
