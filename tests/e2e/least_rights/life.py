"""The pipeline in roles that have what `iam-policy` prints, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from secrets_pipeline import emulator
from secrets_pipeline.arn import Arn
from secrets_pipeline.cli.app import app
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.emulator import ADMINISTRATOR_ROLE, AskedRight, LocalAws
from secrets_pipeline.operations.open_repository import open_repository
from tests.embedded import lead_to, operator
from tests.runs import assert_exited

Document = Mapping[str, Any]
ATMOS = """\
base_path: "."
stacks:
  base_path: stacks
  included_paths: ["**/*"]
  name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""


@dataclass(frozen=True)
class Life:
    """A repository, an account where Terraform's part is made, and the pipeline's roles.

    Attributes:
        aws: the embedded AWS.
        repository: the Atmos repository, with `operator.yaml`.
        home: DAGSTER_HOME.
    """

    aws: LocalAws
    repository: Path
    home: Path
    policies: dict[str, dict[str, Document]] = field(default_factory=dict)

    @classmethod
    def of(cls, aws: LocalAws, folder: Path, files: Mapping[str, str]) -> Life:
        """Make one in a folder, of a plain `atmos.yaml` and further files of the repository by their paths."""
        made = cls(aws, folder / "atmos", folder / "home")
        for name, text in {"atmos.yaml": ATMOS, **files}.items():
            path = made.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        made.home.mkdir(mode=0o700)
        return made

    @property
    def administrator(self) -> boto3.Session:
        """Plain boto3 as the operator, whom nothing limits."""
        return operator(self.aws)

    def make_roles(self, name: str, *options: str, left_out: tuple[str, str] = ("", "")) -> None:
        """Make a role of the default account with the policies that `iam-policy` prints, and those that it assumes.

        Args:
            name: of the role.
            options: of the command.
            left_out: a statement by its Sid, and an action that is taken out of it.
        """
        own = self.administrator
        trusted = {"AWS": f"arn:aws:iam::{self.aws.account_id}:root"}
        own.client("iam", endpoint_url=self.aws.endpoint_url).create_role(
            RoleName=name, AssumeRolePolicyDocument=_trust(trusted)
        )
        for role in self.printed(*options):
            assumed = Arn.parse(role["role_arn"]).name if role["role_arn"] else name
            iam = self.administrator_of(role["account_id"]).client("iam", endpoint_url=self.aws.endpoint_url)
            if role["role_arn"]:
                iam.update_assume_role_policy(RoleName=assumed, PolicyDocument=_trust(trusted))
                for policy in iam.list_role_policies(RoleName=assumed)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=assumed, PolicyName=policy)
            for policy, document in role["policies"].items():
                without(document, *left_out)
                iam.create_policy(PolicyName=f"{name}-{policy}", PolicyDocument=json.dumps(document))
                iam.attach_role_policy(
                    RoleName=assumed, PolicyArn=f"arn:aws:iam::{role['account_id']}:policy/{name}-{policy}"
                )
            self.policies[f"arn:aws:iam::{role['account_id']}:role/{assumed}"] = role["policies"]

    def printed(self, *options: str) -> list[dict[str, Any]]:
        """What `iam-policy` prints."""
        with self._leading():
            done = self.run("iam-policy", *options)
        assert_exited(done)
        roles: list[dict[str, Any]] = json.loads(done.stdout)["roles"]
        return roles

    def administrator_of(self, account_id: str) -> boto3.Session:
        """Plain boto3 as the administrator of an account."""
        if account_id == self.aws.account_id:
            return self.administrator
        sts = self.administrator.client("sts", endpoint_url=self.aws.endpoint_url)
        role = f"arn:aws:iam::{account_id}:role/{ADMINISTRATOR_ROLE}"
        issued = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = (issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
        return boto3.Session(*keys, region_name=self.aws.region)

    @contextmanager
    def under(self, role: str, **more: str) -> Iterator[None]:
        """Have everything that this process calls be called by a session of a role, with further variables."""
        sts = self.administrator.client("sts", endpoint_url=self.aws.endpoint_url)
        arn = f"arn:aws:iam::{self.aws.account_id}:role/{role}"
        issued = sts.assume_role(RoleArn=arn, RoleSessionName="pipeline")["Credentials"]
        with self._leading(
            AWS_ACCESS_KEY_ID=issued["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=issued["SecretAccessKey"],
            AWS_SESSION_TOKEN=issued["SessionToken"],
            **more,
        ):
            yield

    @contextmanager
    def _leading(self, **more: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
            settings = {
                "SECRETS_PIPELINE_CONFIG": str(self.repository / "operator.yaml"),
                "DAGSTER_HOME": str(self.home),
            }
            lead_to(self.aws, patch, **settings, ATMOS_BASE_PATH=str(self.repository), **more)
            yield

    def run(self, *arguments: str) -> Result:
        """The command line in this process."""
        return CliRunner().invoke(app, list(arguments), prog_name="secrets-pipeline")

    def succeed(self, *arguments: str) -> None:
        """The same, which has to end well."""
        assert_exited(self.run(*arguments))

    def edit(self, file: str, old: str, new: str) -> None:
        """Change the YAML."""
        path = self.repository / file
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new))

    def stand_in(self) -> None:
        """Make what Terraform makes."""
        with self._leading():
            emulator.stand_in(self.aws, stand_ins(open_repository(self.repository).specs))

    def asked(self) -> list[AskedRight]:
        """What sessions of the roles asked for."""
        return [one for one in emulator.asked_rights(self.aws) if one.role in self.policies]


def without(document: Document, sid: str, action: str) -> None:
    """Take an action out of a statement, and with the last one the statement."""
    for one in document["Statement"]:
        if one["Sid"] == sid:
            one["Action"].remove(action)
    document["Statement"][:] = [one for one in document["Statement"] if one["Action"]]


def _trust(principal: Mapping[str, str]) -> str:
    allowed = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
