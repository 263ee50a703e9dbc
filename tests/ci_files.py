"""The jobs of docs/ci/, as GitHub Actions and GitLab CI read them: what they run, in order, and with which variables.

`python -m tests.ci_files` prints all that they run as one script, for a linter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

CI: Final = Path(__file__).parents[1] / "docs" / "ci"
INSTALL: Final = "ci/install.sh"
WORKFLOWS: Final = ("secrets-plan", "secrets-apply", "secrets-drift")
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass(frozen=True)
class Step:
    """What one shell runs.

    Attributes:
        name: of the step.
        command: the shell and its options.
        script: what it runs.
        variables: of its environment.
    """

    name: str
    command: tuple[str, ...]
    script: str
    variables: Mapping[str, str]


def workflow(name: str) -> dict[str, Any]:
    """A workflow of GitHub Actions; YAML takes its `on:` for a truth."""
    found: dict[Any, Any] = yaml.safe_load((CI / "github" / f"{name}.yml").read_text())
    return {"on": found.pop(True), **found}


def github(name: str, job: str, known: Mapping[str, str]) -> Iterator[Step]:
    """The steps of a job that run something.

    Args:
        name: of the workflow's file.
        job: its id.
        known: what expressions stand for, for example `github.token`; a script may hold none.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax (steps.shell)
    """
    found = workflow(name)["jobs"][job]
    for step in found["steps"]:
        if "run" in step:
            assert not _EXPRESSION.search(step["run"]), step["run"]
            variables = {**found.get("env", {}), **step.get("env", {})}
            meant = {key: _EXPRESSION.sub(lambda one: known[one[1]], value) for key, value in variables.items()}
            yield Step(step["name"], ("bash", "-e"), step["run"], meant)


def fetch_depth(name: str, job: str) -> int:
    """How many commits of a branch the clone of a job has; 0 for all.

    Source: https://github.com/actions/checkout#usage
    """
    steps = workflow(name)["jobs"][job]["steps"]
    (checkout,) = [step["with"] for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    return int(checkout.get("fetch-depth", 1))


def role_to_assume(name: str, job: str) -> str:
    """The role that a job gets by the token that its runner signs; empty for none."""
    given = [step["with"] for step in workflow(name)["jobs"][job]["steps"] if "with" in step]
    return next((str(one["role-to-assume"]) for one in given if "role-to-assume" in one), "")


def gitlab(job: str, known: Mapping[str, str]) -> Iterator[Step]:
    """What a job of GitLab CI runs: `before_script` and `script` in one shell, the former installs first.

    Args:
        job: its name.
        known: variables that GitLab sets.

    Source: https://docs.gitlab.com/ci/yaml/ (extends, before_script), https://docs.gitlab.com/runner/shells/
    """
    jobs = yaml.safe_load((CI / "gitlab" / "secrets.yml").read_text())
    own, shared = jobs[job], jobs[jobs[job]["extends"]]
    install, *before = shared["before_script"]
    variables = {**shared["variables"], **own["variables"]}
    meant = {key: Template(value).substitute(known) for key, value in variables.items()}
    yield Step("Install", ("bash", "-eo", "pipefail"), install, meant)
    yield Step(job, ("bash", "-eo", "pipefail"), "\n".join([*before, *own["script"]]), meant)


def gitlab_jobs() -> list[str]:
    """The jobs that GitLab runs."""
    return [name for name in yaml.safe_load((CI / "gitlab" / "secrets.yml").read_text()) if name[0] != "."]


def _everything() -> Iterator[Step]:
    known = {"github.token": "token", "CI_PIPELINE_ID": "1", "CI_PROJECT_DIR": "/builds"}
    for name in WORKFLOWS:
        for job in workflow(name)["jobs"]:
            yield from github(name, job, known)
    for job in gitlab_jobs():
        yield from gitlab(job, known)


def _script() -> Iterator[str]:
    yield "export AWS_ID_TOKEN="
    for number, step in enumerate(_everything()):
        yield f"# {step.name}\nstep{number}() {{\n{step.script.strip()}\n}}\nstep{number}"


if __name__ == "__main__":
    print("\n".join(_script()))  # noqa: T201 - the result
