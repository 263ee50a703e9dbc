"""docs/ci.md and the files of docs/ci/ agree with each other; `make lint` asks schemas and zizmor of the files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests.ci_files import CI, INSTALL, WORKFLOWS, github, gitlab, gitlab_jobs, workflow

PAGE: Final = (CI.parent / "ci.md").read_text()
FILES: Final = sorted(str(one.relative_to(CI)) for one in CI.rglob("*.*") if one.is_file() and one.suffix != ".pyc")
ROLES: Final = {"plan": "plan", "apply": "apply", "drift": "audit"}
KNOWN = {"github.token": "token", "CI_PIPELINE_ID": "1", "CI_PROJECT_DIR": "/builds"}


@pytest.mark.parametrize("file", FILES)
def test_the_page_tells_of_each_file(file: str) -> None:
    assert f"(ci/{file})" in PAGE


@pytest.mark.parametrize("file", [*(f"ci/github/{name}.yml" for name in WORKFLOWS), "plan-and-approve.md"])
def test_actions_are_pinned_to_a_commit_with_its_version(file: str) -> None:
    used = re.findall(r"uses: (.*)", (CI.parent / file).read_text())
    assert used
    for one in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_of_a_pull_request_never_has_the_rights_of_the_branch_that_it_goes_to(name: str) -> None:
    found = workflow(name)
    assert "pull_request_target" not in found["on"]
    assert found["permissions"] == {}


def test_a_job_without_credentials_asks_for_none() -> None:
    offline = workflow("secrets-plan")["jobs"]["offline"]
    assert offline["permissions"] == {"contents": "read"}
    assert "role" not in json.dumps(offline)


@pytest.mark.parametrize("job", ROLES)
def test_both_let_a_job_have_the_role_of_its_name_and_no_writes_but_those_of_apply(job: str) -> None:
    arn = f"arn:aws:iam::111122223333:role/secrets-pipeline-{ROLES[job]}"
    assert arn in json.dumps(workflow(f"secrets-{job}")["jobs"][job])
    first, *steps = github(f"secrets-{job}", job, KNOWN)
    install, script = gitlab(f"secrets-{job}", KNOWN)
    assert first.script == install.script == INSTALL
    assert script.variables["AWS_ROLE_ARN"] == arn
    for one in (*steps, script):
        assert (one.variables.get("SECRETS_PIPELINE_READ_ONLY") == "1") is (job != "apply")
    assert gitlab_jobs() == [f"secrets-{one}" for one in ROLES]


@pytest.mark.parametrize("file", sorted((CI / "roles").glob("*-*.json")), ids=lambda file: file.stem)
def test_a_trust_policy_names_audience_and_subject(file: Path) -> None:
    document: dict[str, Any] = json.loads(file.read_text())
    (statement,) = document["Statement"]
    if file.stem == "no-values":
        assert statement["Effect"] == "Deny"
        return
    issuer = statement["Principal"]["Federated"].partition("oidc-provider/")[2]
    keys = {key for condition in statement["Condition"].values() for key in condition}
    assert keys == {f"{issuer}:aud", f"{issuer}:sub"}
    # A glob is for the branches of merge requests alone.
    assert ("StringLike" in statement["Condition"]) is (file.stem == "gitlab-plan")
