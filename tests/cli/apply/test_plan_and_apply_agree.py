"""The changes that `plan` counts are those that `apply` makes, in every example and every repository of a newcomer."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.newcomer import repositories
from benchmarks.newcomer.shop import OPERATOR, SHOP, Files, shop_with
from benchmarks.newcomer.tf_atmos import OURS, TF_ATMOS, TF_ATMOS_EARLIER
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.emulator import LocalAws, Pace, reset_conditions, set_pace, stand_in
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.reconcilers.database import endpoint
from tests.cli.conftest import EXAMPLES, Cli, write
from tests.embedded import operator
from tests.waiting import WAITER

RDS: Final = """
        rds:
          vars: {identifier: orders, engine: postgres, username: app, db_name: app}
"""


@dataclass(frozen=True)
class Repository:
    """A repository, what an apply of it ends with, and what `plan` has to say of it.

    Attributes:
        exits: exit code of the apply.
        database: whether somebody else is making the database `orders`.
        available: whether it is there already.
        blocked: names that the plan has to call blocked.
        waiting: names that have to wait for AWS.
        applied: names that have to be made all the same.
        stacks: to plan and apply.
    """

    files: Files
    exits: int = 0
    database: bool = False
    available: bool = False
    blocked: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ("--all",)
    variables: Mapping[str, str] | None = None


def _fixed(files: Files, *changes: tuple[str, str, str]) -> Files:
    fixed = dict(files)
    for name, old, new in changes:
        assert old in fixed[name]
        fixed[name] = fixed[name].replace(old, new)
    return {**fixed, "operator.yaml": OPERATOR}


_CATALOG = "stacks/catalog/infrastructure/defaults.yaml"
_DEV = "stacks/orgs/fnx/dev/eu-west-2/main.yaml"
_EARLIER = "stacks/account/fnx/testenv-01/main.yaml"
_GOOD = "good: {path: api, generate_random_password: true}"
_ROOT = '{AWS: "arn:aws:iam::111122223333:root"}'
_READ = f'{{Effect: Allow, Principal: {_ROOT}, Action: "secretsmanager:GetSecretValue", Resource: "*"}}'
_POLICY = f'{{Version: "2012-10-17", Statement: [{_READ}]}}'
_WITH_POLICY = f'url: {{path: api, secret_data: "x://${{output.rds.address}}", policy: {_POLICY}}}'
_BEHIND = 'behind: {path: api, secret_data: "${output.secretsmanager/app.secret_values.url} again"}'
_MANAGED = 'url: {path: api, secret_data: {arn: "${output.rds.master_user_secret_arn}"}}'
_OF_LATER = "url: {path: api, secret_data: {a: !terraform.state secretsmanager/app shop-test secret_values.token}}"
_TOKEN = "token: {path: api, generate_random_password: true}"
_UNKNOWN = 'bad: {path: api, secret_data: "${output.vpc.vpn_endpoint}"}'


def _shop(*entries: str, components: str = RDS) -> Files:
    files = shop_with(*entries)
    return {
        **files,
        "stacks/dev.yaml": f"{files['stacks/dev.yaml']}{components[1:]}".replace("        rds:", "    rds:"),
    }


def _two_stacks(*, dev: Sequence[str], test: Sequence[str]) -> Files:
    """Stacks `shop-dev` and `shop-test`, which may refer to each other."""
    files = shop_with(*dev)
    other = shop_with(*test)["stacks/dev.yaml"].replace("environment: dev", "environment: test")
    grant = 'grants: [{preset: single-team}, {stacks: "shop-*", values: ["shop-*"]}]'
    operator_settings = OPERATOR.replace("grants: {preset: single-team}", grant)
    return {**files, "stacks/test.yaml": other, "operator.yaml": operator_settings}


REPOSITORIES: Mapping[str, Repository] = {
    "the shop": Repository(SHOP, exits=1),
    "tf-atmos": Repository(
        _fixed(
            TF_ATMOS,
            (_CATALOG, '        metadata:\n          description: "Core infrastructure"\n', ""),
            (_CATALOG, "          compliance: {hipaa: false, pci: false}\n", ""),
            (_CATALOG, "        name: infrastructure\n", ""),
            (_DEV, "                recovery_window_in_days: 7\n", "                context_name: app\n"),
        ),
        stacks=("-s", "fnx-dev-testenv-01"),
    ),
    "tf-atmos as it was": Repository(
        _fixed(
            {**TF_ATMOS_EARLIER, "stacks/account/fnx/testenv-01/settings.yaml": OURS},
            (
                _EARLIER,
                "        vars: {account: dev",
                "        import: [account/fnx/testenv-01/settings]\n        vars: {account: dev",
            ),
            (_EARLIER, ":5432/app", "/app"),
            ("atmos.yaml", '["account/**/*.yaml"]', '["account/**/main.yaml"]'),
        ),
        exits=1,
        blocked=("fnx-db", "myapp/fnx/rds/connection", "myapp/fnx/network/vpn-config"),
        applied=("myapp/fnx/rds/credentials", "myapp/fnx/auth/oauth-config"),
    ),
    "Cloud Posse's reference": Repository(_fixed(repositories.CLOUD_POSSE)),
    "one import that only vendoring brings": Repository(
        _fixed(repositories.VENDORED), exits=1, applied=("shop/ue2/api/token",), stacks=("-s", "ue2-prod")
    ),
    "an image": Repository(
        _fixed(repositories.GEODESIC), variables={"ATMOS_CLI_CONFIG_PATH": "rootfs/usr/local/etc/atmos"}
    ),
    "secrets of Atmos": Repository(repositories.STORES, exits=1),
    "a database that does not exist": Repository(
        _shop(_GOOD, _WITH_POLICY, _BEHIND),
        exits=1,
        blocked=("orders", "shop/dev/api/url", "shop/dev/api/behind"),
        applied=("shop/dev/api/good",),
    ),
    "a database that is on its way": Repository(
        _shop(_GOOD, _WITH_POLICY, _BEHIND),
        database=True,
        waiting=("shop/dev/api/url", "shop/dev/api/behind"),
        applied=("shop/dev/api/good",),
    ),
    "a database without the secret that AWS manages": Repository(
        _shop(_GOOD, _MANAGED),
        exits=1,
        database=True,
        available=True,
        blocked=("shop/dev/api/url",),
        applied=("shop/dev/api/good",),
    ),
    "a stack that refers to one with a later name": Repository(
        _two_stacks(dev=[_OF_LATER], test=[_TOKEN]), applied=("shop/dev/api/url", "shop/test/api/token")
    ),
    "a secret that nobody can resolve": Repository(
        _shop(_GOOD, _UNKNOWN, components="\n        vpc: {vars: {name: vpc}}\n".replace("        vpc", "    vpc")),
        exits=1,
        blocked=("shop/dev/api/bad",),
        applied=("shop/dev/api/good",),
    ),
}


@pytest.fixture(autouse=True)
def _paced(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Databases that somebody else makes are not there soon, and nobody waits for them for long."""
    monkeypatch.setattr(endpoint, "_WAIT_SECONDS", 0.5)
    yield
    reset_conditions(aws)


def _written(folder: Path, asked: Repository) -> Path:
    for name, text in asked.files.items():
        write(folder / name, text)
    return folder


def _planned(cli: Cli, *arguments: str | Path) -> Mapping[str, Any]:
    done = cli("plan", *arguments, "--format", "json")
    return dict(json.loads(done.stdout)["stacks"])


def _writing(plan: Mapping[str, Any]) -> Counter[str]:
    rows = (row for row in plan["changes"] if ChangeClass(row["action"]).writes and not row["waits"])
    return Counter(row["action"] for row in rows)


def _compared(cli: Cli, exits: int, *arguments: str | Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Plan and apply, and compare the numbers of each stack; the plans and the runs."""
    plans = _planned(cli, *arguments)
    done = cli("apply", *arguments, "--format", "json")
    applied = json.loads(done.stdout)["stacks"]
    assert plans.keys() == applied.keys()
    for stack, plan in plans.items():
        made = [row for row in applied[stack]["outcomes"] if row["outcome"] == "applied"]
        assert Counter(row["action"] for row in made) == _writing(plan), (stack, [row["name"] for row in made], plan)
        counted = {name: number for name, number in plan["counts"].items() if ChangeClass.__members__.get(name.upper())}
        writing = {name: number for name, number in counted.items() if ChangeClass(name).writes}
        assert writing == _writing(plan)
        # The run in Dagster ends as the command does.
        unmade = [row["name"] for row in applied[stack]["outcomes"] if row["unmade"]]
        assert applied[stack]["success"] is not bool(unmade), unmade
    assert done.exit_code == exits, done.output
    return plans, applied


@pytest.mark.parametrize("title", REPOSITORIES)
@pytest.mark.usefixtures("dagster_home")
def test_a_newcomers_plan_and_apply_count_the_same(
    cli: Cli, tmp_path: Path, aws: LocalAws, monkeypatch: pytest.MonkeyPatch, title: str
) -> None:
    asked = REPOSITORIES[title]
    folder = _written(tmp_path / "repository", asked)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    for name, value in (asked.variables or {}).items():
        monkeypatch.setenv(name, str(folder / value))
    if asked.database:
        set_pace(aws, Pace(seconds={"database creating": 0 if asked.available else 300}))
        operator(aws).client("rds", region_name="eu-west-2", endpoint_url=aws.endpoint_url).create_db_instance(
            DBInstanceIdentifier="orders",
            Engine="postgres",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            MasterUsername="app",
            MasterUserPassword="made-by-somebody-else",
        )
    if asked.available:
        rds = operator(aws).client("rds", region_name="eu-west-2", endpoint_url=aws.endpoint_url)
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="orders", WaiterConfig=WAITER)
    arguments: tuple[str | Path, ...] = (*asked.stacks, "--base-path", folder)
    plans, applied = _compared(cli, asked.exits, *arguments)
    rows = [row for plan in plans.values() for row in plan["changes"]]
    outcomes = [row for run in applied.values() for row in run["outcomes"]]
    assert {row["name"] for row in rows if row["action"] == "blocked"} >= set(asked.blocked)
    assert {row["name"] for row in rows if row["waits"]} >= set(asked.waiting)
    assert {row["name"] for row in outcomes if row["outcome"] == "applied"} >= set(asked.applied)
    assert {row["name"] for row in outcomes if row["unmade"]} >= set(asked.blocked)
    assert not {row["name"] for row in outcomes if row["unmade"]} & set(asked.waiting)
    # An apply skips what the plan called blocked, and nothing else.
    blocked = {row["name"] for row in rows if row["action"] == "blocked" or row["waits"]}
    assert {row["name"] for row in outcomes if row["outcome"] == "skipped"} <= blocked
    for stack, again in _planned(cli, *arguments).items():
        assert not _writing(again), stack


@pytest.mark.usefixtures("dagster_home")
def test_the_examples_plan_and_apply_count_the_same(
    cli: Cli, tmp_path: Path, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    monkeypatch.setattr(endpoint, "_WAIT_SECONDS", 60.0)
    stand_in(aws, stand_ins(open_repository(folder).specs))
    plans, _ = _compared(cli, 0, "--all", "--base-path", folder)
    keys = {"alias/secrets-pipeline", "alias/secrets-pipeline-fingerprint"}
    named = [row["name"] for plan in plans.values() for row in plan["changes"] if row["name"] in keys]
    # All stacks have one account and region: the first makes the keys.
    assert sorted(named) == sorted(keys)
    for stack, again in _planned(cli, "--all", "--base-path", folder).items():
        assert not _writing(again), stack
