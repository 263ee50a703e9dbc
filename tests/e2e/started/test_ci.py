"""The jobs of docs/ci/ run what their files say, in order, on the embedded AWS, as their roles, with their policies.

GitHub Actions and GitLab CI themselves are not here: a runner's part (a fresh clone, the variables, a token of the
identity provider, a shell for each step) is played by this file, and the API that takes comments by a small server. Of
what the files say, `uses:` and the installation are left out. The token is exchanged here too, as the embedded AWS
takes no request that nobody signed: the trust policies are asked, boto3's own exchange is not.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
import botocore.exceptions
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws
from tests.ci_files import CI, INSTALL, Step, fetch_depth, github, gitlab, role_to_assume
from tests.cli.conftest import ATMOS, DEV, write
from tests.cli.processes import environment
from tests.e2e.least_rights.life import Life
from tests.embedded import operator
from tests.forge import API_TOKEN, Forge, served
from tests.gits import committed, git

ROOT: Final = Path(__file__).parents[3]
SETTINGS = """
targets: [{{stacks: "*", account_id: "{account}", region: eu-west-2}}]
access:
  allowed_readers: ["arn:aws:iam::{account}:role/secrets-pipeline-*"]
"""
GITHUB = "token.actions.githubusercontent.com"
GITLAB = "gitlab.com"
AUDIENCES = {GITHUB: "sts.amazonaws.com", GITLAB: "https://gitlab.com"}


@dataclass
class Team:
    """A repository with docs/ci/ in it, an account with the three roles, and what plays the runner.

    Attributes:
        aws: the embedded AWS.
        origin: the clone that people work in, and runners clone.
        folder: for the runners' clones.
        issuer: of the tokens that open the roles.
    """

    aws: LocalAws
    origin: Path
    folder: Path
    issuer: str
    forge: Forge = field(default_factory=Forge)
    runs: int = 0

    def run(self, steps: Sequence[Step], ref: str, depth: int, runner: Mapping[str, str]) -> tuple[str, Path]:
        """Run a job in a clone of its own.

        Args:
            steps: of the job.
            ref: the branch that is checked out.
            depth: commits of a branch that the clone has; 0 for all.
            runner: its variables.

        Returns:
            The step that failed, empty for none, and the clone.
        """
        self.runs += 1
        clone = self.folder / f"run-{self.runs}"
        shallow = [f"--depth={depth}", "--no-single-branch"] if depth else []
        git(self.folder, "clone", "-q", "--no-checkout", *shallow, f"file://{self.origin}", str(clone))
        git(clone, "remote", "set-url", "origin", "https://example.com/acme/infra.git")
        git(clone, "checkout", "-q", "--detach", f"origin/{ref}")
        variables = {
            **environment(),
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "AWS_CONFIG_FILE": os.devnull,
            **runner,
        }
        for step in steps:
            if step.script.strip() == INSTALL:
                continue
            done = subprocess.run(
                [*step.command, "-c", step.script],
                cwd=clone,
                env={**variables, **step.variables},
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            if done.returncode:
                print(step.name, done.stdout, done.stderr)  # noqa: T201 - pytest shows it where a test fails
                return step.name, clone
        return "", clone

    def edit(self, branch: str, old: str, new: str) -> None:
        """Commit an edit of `shop-dev` on a branch, made of `main` where it is none yet; lines stay indented."""
        git(self.origin, "checkout", "-q", *([] if branch in git(self.origin, "branch") else ["-b"]), branch)
        path = self.origin / "stacks" / "dev.yaml"
        text = path.read_text()
        assert old in text
        column = text.index(old) - text.rindex("\n", 0, text.index(old)) - 1
        path.write_text(text.replace(old, new.replace("\n", "\n" + " " * column)))
        committed(self.origin, f"{old} → {new}")

    def merge(self, branch: str) -> None:
        git(self.origin, "checkout", "-q", "main")
        git(self.origin, "merge", "-q", "--no-ff", "-m", "merged", branch)

    def tamper(self) -> None:
        """Somebody changes a secret by hand."""
        client = operator(self.aws).client("secretsmanager", endpoint_url=self.aws.endpoint_url)
        client.update_secret(SecretId="shop/dev/api/token", Description="by hand")

    def description(self) -> str:
        client = operator(self.aws).client("secretsmanager", endpoint_url=self.aws.endpoint_url)
        return str(client.describe_secret(SecretId="shop/dev/api/token").get("Description", ""))

    def session(self, role: str, subject: str, **claims: str) -> dict[str, str]:
        """Exchange a token of that subject for the variables of a role's session."""
        sts = operator(self.aws).client("sts", endpoint_url=self.aws.endpoint_url)
        # AWS takes it unsigned.
        sts.meta.events.register_first("choose-signer.sts.AssumeRoleWithWebIdentity", signed)
        issued = sts.assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName="test",
            WebIdentityToken=token(self.issuer, subject, **claims),
        )["Credentials"]
        return {
            **self.aws.environment(),
            "AWS_ACCESS_KEY_ID": issued["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": issued["SecretAccessKey"],
            "AWS_SESSION_TOKEN": issued["SessionToken"],
        }

    def may_assume(self, role: str, subject: str, **claims: str) -> bool:
        """Whether a token of that subject opens a role."""
        try:
            self.session(f"arn:aws:iam::{self.aws.account_id}:role/secrets-pipeline-{role}", subject, **claims)
        except botocore.exceptions.ClientError:
            return False
        return True


def signed(**_: object) -> Any:  # noqa: ANN401 - botocore's handlers of this event return a version
    return "v4"


def token(issuer: str, subject: str, **claims: str) -> str:
    """What an identity provider hands to a job, with a signature of nobody."""
    said = {"iss": f"https://{issuer}", "aud": AUDIENCES[issuer], "sub": subject, "exp": int(time.time()) + 3600}
    parts = [{"alg": "RS256", "typ": "JWT"}, {**said, **claims}]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts), "c2ln"]
    )


@contextmanager
def team(folder: Path, issuer: str, trust: str) -> Iterator[Team]:
    origin = folder / "origin"
    write(origin / "atmos.yaml", ATMOS)
    for name in ("dev", "test"):
        write(origin / "stacks" / f"{name}.yaml", DEV.replace("environment: dev", f"environment: {name}"))
    aws = emulator.start(folder / "aws", die_with_parent=True)
    try:
        write(origin / "operator.yaml", SETTINGS.format(account=aws.account_id))
        (origin / "ci").mkdir()
        for name in ("install.sh", "report.py"):
            shutil.copy(CI / name, origin / "ci")
        committed(origin)
        made = Team(aws, origin, folder, issuer)
        make_roles(Life(aws, origin, folder / "home"), made, trust)
        with served(made.forge):
            yield made
    finally:
        emulator.stop(folder / "aws")


def make_roles(life: Life, made: Team, trust: str) -> None:
    """The roles of docs/ci/roles/, with what `iam-policy` prints."""
    iam = life.administrator.client("iam", endpoint_url=made.aws.endpoint_url)
    iam.create_open_id_connect_provider(Url=f"https://{made.issuer}", ClientIDList=[AUDIENCES[made.issuer]])
    for name, options in {"plan": ["--plan-only"], "apply": [], "audit": ["--plan-only"]}.items():
        document = (CI / "roles" / f"{trust}-{name}.json").read_text()
        iam.create_role(RoleName=f"secrets-pipeline-{name}", AssumeRolePolicyDocument=document)
        (role,) = life.printed(*options)
        policies = {policy: json.dumps(document) for policy, document in role["policies"].items()}
        if name == "plan":
            policies["no-values"] = (CI / "roles" / "no-values.json").read_text()
        for policy, document in policies.items():
            own = iam.create_policy(PolicyName=f"{name}-{policy}", PolicyDocument=document)["Policy"]["Arn"]
            iam.attach_role_policy(RoleName=f"secrets-pipeline-{name}", PolicyArn=own)


def actions(made: Team, workflow: str, job: str, ref: str) -> tuple[str, Path]:
    """A job of GitHub Actions, with the subject of its token; one of a fork has none."""
    subject, name = {
        "plan": ("repo:acme/infra:pull_request", "refs/pull/7/merge"),
        "offline": ("", "refs/pull/7/merge"),
        "apply": ("repo:acme/infra:environment:secrets-production", "refs/heads/main"),
        "drift": ("repo:acme/infra:ref:refs/heads/main", "refs/heads/main"),
    }[job]
    role = role_to_assume(workflow, job)
    runner = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": made.forge.url,
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/infra",
        "GITHUB_REF": name,
        "GITHUB_BASE_REF": "main" if "pull" in name else "",
        "GITHUB_RUN_ID": "1",
        "GITHUB_STEP_SUMMARY": str(made.folder / "summary.md"),
        **(made.session(role, subject) if role else {}),
    }
    return made.run(list(github(workflow, job, {"github.token": API_TOKEN})), ref, fetch_depth(workflow, job), runner)


def pipeline(made: Team, job: str, ref: str) -> tuple[str, Path]:
    """A job of GitLab CI."""
    own = {
        "CI_API_V4_URL": made.forge.url,
        "CI_PROJECT_ID": "42",
        "CI_JOB_URL": "https://gitlab.example/job",
        "CI_PIPELINE_ID": "1",
        "CI_PROJECT_DIR": str(made.folder),
        "GITLAB_TOKEN": API_TOKEN,
    }
    if job == "secrets-plan":
        own |= {"CI_MERGE_REQUEST_IID": "7"}
        own |= {"CI_MERGE_REQUEST_DIFF_BASE_SHA": git(made.origin, "merge-base", "main", ref)}
    steps = list(gitlab(job, own))
    subject, variables = f"project_path:acme/infra:ref_type:branch:ref:{ref}", steps[-1].variables
    own |= {"AWS_ID_TOKEN": token(GITLAB, subject), **made.session(variables["AWS_ROLE_ARN"], subject)}
    # https://docs.gitlab.com/ci/pipelines/settings/#limit-the-number-of-changes-fetched-during-clone
    return made.run(steps, ref, int(variables.get("GIT_DEPTH", "20")), own)


def test_github(tmp_path: Path) -> None:
    with team(tmp_path, GITHUB, "github") as made:
        # What was merged is applied.
        assert actions(made, "secrets-apply", "apply", "main")[0] == ""
        # A pull request is planned, each time into the same comment; the second one shows what it has become.
        made.edit("topic", "generate_random_password: true", "generate_random_password: true\ndescription: first")
        assert actions(made, "secrets-plan", "plan", "topic")[0] == ""
        ((number, first),) = made.forge.comments.items()
        assert first.startswith("<!-- secrets-plan -->\n1 of 2 stacks is affected since ")
        assert "shop-test" not in first
        made.edit("topic", "first", "second")
        failed, clone = actions(made, "secrets-plan", "plan", "topic")
        assert (failed, (clone / "plan.code").read_text()) == ("", "2\n")
        assert list(made.forge.comments) == [number]
        assert "second" in made.forge.comments[number]
        assert "second" in (tmp_path / "summary.md").read_text()
        # Whoever has its role reads no value.
        session = made.session(role_to_assume("secrets-plan", "plan"), "repo:acme/infra:pull_request")
        keys = (session["AWS_ACCESS_KEY_ID"], session["AWS_SECRET_ACCESS_KEY"], session["AWS_SESSION_TOKEN"])
        theirs = boto3.Session(*keys, region_name="eu-west-2").client(
            "secretsmanager", endpoint_url=made.aws.endpoint_url
        )
        assert theirs.describe_secret(SecretId="shop/dev/api/token")["Name"] == "shop/dev/api/token"
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
            theirs.get_secret_value(SecretId="shop/dev/api/token")
        # A fork's is listed without credentials, and nowhere said but in the run.
        (tmp_path / "summary.md").unlink()
        assert actions(made, "secrets-plan", "offline", "topic")[0] == ""
        assert "### `shop-dev`" in (tmp_path / "summary.md").read_text()
        assert "second" in made.forge.comments[number]
        # At night somebody's change is found, and the run fails.
        made.tamper()
        assert actions(made, "secrets-drift", "drift", "main")[0] == "Judge"
        (issue,) = made.forge.issues.values()
        assert (issue["title"], issue["open"]) == ("Secrets differ from their repository", True)
        assert "by hand" in issue["text"]
        # The merge mends it, and the next night closes the issue.
        made.merge("topic")
        assert actions(made, "secrets-apply", "apply", "main")[0] == ""
        assert made.description() == "second"
        assert actions(made, "secrets-drift", "drift", "main")[0] == ""
        assert [one["open"] for one in made.forge.issues.values()] == [False]
        # One that touches no stack has nothing to do, and one that cannot be read fails, both in the comment.
        made.edit("topic", "second", "second # as it was")
        failed, clone = actions(made, "secrets-plan", "plan", "topic")
        assert (failed, (clone / "plan.code").read_text()) == ("", "0\n")
        assert "none of 2 stacks is affected since" in made.forge.comments[number]
        made.edit("topic", "generate_random_password", "generate_random_pasword")
        assert actions(made, "secrets-plan", "plan", "topic")[0] == "Judge"
        assert "Did you mean generate_random_password" in made.forge.comments[number]
        assert (list(made.forge.comments), made.forge.refused) == ([number], [])
        for role, own in {
            "plan": "pull_request",
            "apply": "environment:secrets-production",
            "audit": "ref:refs/heads/main",
        }.items():
            assert made.may_assume(role, f"repo:acme/infra:{own}")
            others = (
                "pull_request",
                "environment:other",
                "environment:secrets-production",
                "ref:refs/heads/main",
                "ref:refs/heads/x",
            )
            foreign = [f"repo:acme/infra:{one}" for one in others if one != own]
            assert not any(
                made.may_assume(role, one) for one in (*foreign, f"repo:fork/infra:{own}", f"repo:acme/infra2:{own}")
            )


def test_gitlab(tmp_path: Path) -> None:
    with team(tmp_path, GITLAB, "gitlab") as made:
        assert pipeline(made, "secrets-apply", "main")[0] == ""
        made.edit("topic", "generate_random_password: true", "generate_random_password: true\ndescription: first")
        assert pipeline(made, "secrets-plan", "topic")[0] == ""
        made.edit("topic", "first", "second")
        assert pipeline(made, "secrets-plan", "topic")[0] == ""
        (note,) = made.forge.comments.values()
        assert "second" in note
        made.tamper()
        assert pipeline(made, "secrets-drift", "main")[0] == "secrets-drift"
        assert ["by hand" in one["text"] and one["open"] for one in made.forge.issues.values()] == [True]
        assert made.forge.refused == []
        # A branch opens the role that plans alone.
        topic = "project_path:acme/infra:ref_type:branch:ref:topic"
        assert [made.may_assume(role, topic) for role in ("plan", "apply", "audit")] == [True, False, False]
        assert not made.may_assume("plan", topic.replace("acme/infra", "fork/infra"))
        assert not made.may_assume("plan", topic, aud="https://gitlab.example")
