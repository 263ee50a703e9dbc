"""What a repository may see of the files and the environment of the process that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.operations.open_repository import open_repository

ATMOS = """
base_path: "."
stacks: {base_path: stacks, included_paths: [deploy/*]}
templates: {settings: {enabled: true, sprig: {enabled: true}, gomplate: {enabled: true}}}
env: {FROM_CONFIG: !env ATMOS_GITHUB_TOKEN withheld}
"""
WAYS = """
locals: {l: !env ATMOS_PRO_TOKEN}
components:
  terraform:
    app:
      vars:
        call: !env ATMOS_GITHUB_TOKEN
        exec: !exec echo x$ATMOS_GITHUB_TOKEN
        sprig: '{{ env "ATMOS_GITHUB_TOKEN" }}'
        expanded: '{{ expandenv "$ATMOS_GITHUB_TOKEN" }}'
        gomplate: '{{ getenv "ATMOS_PRO_TOKEN" "d" }}'
        local: '{{ .locals.l }}'
        resolved: '{{ atmos.Resolve "!env ATMOS_PRO_TOKEN" }}'
        profile: !env ATMOS_PROFILE
        plain: !env PLAIN
        unset: !env PLAIN_UNSET default
        by_template: '{{ env "PLAIN" }}-{{ env "PLAIN_UNSET" | default "d" }}'
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, operator's settings that allow two variables, and tokens in the environment."""
    for name, text in {"atmos.yaml": ATMOS, "stacks/deploy/dev.yaml": WAYS, "profiles/p/a.yaml": "env: {P: p}"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    settings = tmp_path / "operator.yaml"
    settings.write_text("environment_allowed: [{name: PLAIN, secret: false}, {name: PLAIN_UNSET, secret: false}]\n")
    for name, value in {
        "SECRETS_PIPELINE_CONFIG": str(settings),
        "ATMOS_GITHUB_TOKEN": "stolen",
        "ATMOS_PRO_TOKEN": "stolen",
        "ATMOS_PROFILE": "p",
        "PLAIN": "plain",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PLAIN_UNSET", raising=False)
    return tmp_path


def test_variables_of_atmos_are_seen_by_the_configuration_only(repository: Path) -> None:
    app = open_repository(repository, allow_exec=True).source.stack("deploy/dev").components["terraform"]["app"]
    assert "stolen" not in str(app.resolved)
    assert app.env == {"FROM_CONFIG": "withheld", "P": "p"}
    assert dict(app.vars) == {
        "call": "!env ATMOS_GITHUB_TOKEN",
        "exec": "x",
        "sprig": "<no value>",
        "expanded": "<no value>",
        "gomplate": "<no value>",
        "local": "<no value>",
        "resolved": "!env ATMOS_PRO_TOKEN",
        "profile": "!env ATMOS_PROFILE",
        "plain": "plain",
        "unset": "default",
        "by_template": "plain-d",
    }


@pytest.mark.parametrize("name", [".git/config", ".env", "../outside", "up/etc/hostname", "pipe"])
def test_a_value_is_read_from_no_other_file_than_the_plan_would_take(repository: Path, name: str) -> None:
    desired = open_repository(repository)
    (repository / ".git").mkdir()
    for hidden in (".git/config", ".env", "../outside"):
        (repository / hidden).write_text("stolen")
    (repository / "up").symlink_to("/")
    with pytest.raises(StackError) as raised:
        desired.read_file(name)
    assert "stolen" not in str(raised.value)
    assert raised.value.remedy
