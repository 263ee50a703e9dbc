"""From a state to adopted secrets: the printed YAML, adopted on the embedded AWS, changes nothing that was there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.cli.migrate.formats import as_manifests
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.engine.model import Applied, ChangeClass, Unchanged
from secrets_pipeline.operations.migration.entries import Home, Naming
from secrets_pipeline.operations.migration.migration import Migration, migrate
from secrets_pipeline.operations.migration.state import read_state
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.applying import apply_stack
from tests.bench import unpaced
from tests.embedded import lead_to, operator
from tests.grants import TRUSTED
from tests.operations.migration.server import Everything, function
from tests.operations.migration.terraform_state import State, create, estate, instances, parameter, state_file

if TYPE_CHECKING:
    from pathlib import Path

    import boto3

    from secrets_pipeline.engine.model import Change, Outcome
    from secrets_pipeline.operations.open_repository import OpenRepository

ATMOS = """
base_path: "."
stacks:
  base_path: stacks
  included_paths: ["orgs/**/*"]
  name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
DEV = """
import: [migrated]
vars: {{context_name: fnx, environment: {environment}, region: {region}, account_id: "{account}"}}
"""
OTHER_REGION = "eu-west-1"
PASSWORD = "a-Password-of-Parameter-Store-41"


@pytest.fixture
def session(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    lead_to(aws, monkeypatch)
    return operator(aws)


def migrated(state: State, environment: str) -> Migration:
    """The migration of a state into the stack of an environment, which no other test has."""
    read = read_state(json.dumps(state).encode())
    home = Home((Naming("fnx", environment),))
    return migrate(read, root="secretsmanager/app", stack=f"fnx-{environment}", home=home, with_ssm=True)


def written(folder: Path, migration: Migration, aws: emulator.LocalAws) -> OpenRepository:
    """A repository with the printed YAML, and nothing else."""
    environment = migration.stack.removeprefix("fnx-")
    (folder / "stacks" / "orgs").mkdir(parents=True)
    (folder / "atmos.yaml").write_text(ATMOS)
    manifest = DEV.format(environment=environment, region=aws.region, account=aws.account_id)
    (folder / "stacks" / "orgs" / "dev.yaml").write_text(manifest)
    ((text,),) = [as_manifests(migration).values()]
    (folder / "stacks" / "migrated.yaml").write_text(text)
    return open_repository(folder, settings=OperatorSettings(grants=TRUSTED))


def applied(desired: OpenRepository, session: boto3.Session, *names: str) -> list[Outcome]:
    options = ApplyOptions(adopt=names)
    stack = desired.assemble(unpaced(session), options=options, writing=True).stack(*desired.specs)
    return [one for outcomes in apply_stack(stack).values() for one in outcomes]


def planned(desired: OpenRepository, session: boto3.Session) -> list[Change]:
    stack = desired.assemble(unpaced(session)).stack(*desired.specs)
    return [one for changes in plan_stack(stack, deep=True).values() for one in changes]


def test_a_password_moves_from_parameter_store_without_being_shown_and_stays_when_the_parameter_goes(
    aws: emulator.LocalAws, session: boto3.Session, tmp_path: Path
) -> None:
    ssm, secrets, name = session.client("ssm"), session.client("secretsmanager"), "/fnx/test/aurora/admin_password"
    ssm.put_parameter(Name=name, Value=PASSWORD, Type="SecureString")
    migration = migrated(state_file([parameter(name, PASSWORD)]), "test")
    desired = written(tmp_path, migration, aws)
    assert desired.errors == {}
    assert {type(one) for one in applied(desired, session)} == {Applied}
    first = secrets.get_secret_value(SecretId=name.strip("/"))
    assert first["SecretString"] == PASSWORD
    manifest = tmp_path / "stacks" / "migrated.yaml"
    text = manifest.read_text()
    assert PASSWORD not in text
    manifest.write_text(text.replace(f'secret_data: "${{ssm:{name}}}"', "generate_random_password: true"))
    later = open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED))
    ssm.delete_parameter(Name=name)
    applied(later, session)
    now = secrets.get_secret_value(SecretId=name.strip("/"))
    assert (now["SecretString"], now["VersionId"]) == (PASSWORD, first["VersionId"])
    assert {one.action for one in planned(later, session)} == {ChangeClass.NONE}


def test_names_and_values_that_are_not_ours_are_adopted_as_they_are(
    aws: emulator.LocalAws, session: boto3.Session, tmp_path: Path
) -> None:
    asked = estate("legacy", account=aws.account_id, function=function(aws), replica=OTHER_REGION)
    made = create(session, [one for one in asked if one.replicas or not one.random or one.rotation])
    names = [one.name for one in made]
    desired = written(tmp_path, migrated(state_file(instances(made)), "full"), aws)
    assert (desired.errors, {one.name for one in desired.specs["fnx-full"].secrets}) == ({}, set(names))
    before = Everything(session, names)
    assert {type(one) for one in applied(desired, session, *names)} == {Applied, Unchanged}
    assert before.differences(Everything(session, names)) == {}
    assert {one.action for one in planned(desired, session)} == {ChangeClass.NONE}


def test_a_component_whose_secrets_have_full_names_needs_no_context(tmp_path: Path, aws: emulator.LocalAws) -> None:
    migration = migrated(state_file(instances(estate("legacy", count=3))), "nothing")
    assert not written(tmp_path, migration, aws).errors
    manifest = tmp_path / "stacks" / "orgs" / "dev.yaml"
    manifest.write_text(manifest.read_text().replace("context_name: fnx", "namespace: fnx"))
    (tmp_path / "atmos.yaml").write_text(ATMOS.replace("context_name", "namespace"))
    assert not open_repository(tmp_path, settings=OperatorSettings(grants=TRUSTED)).errors
