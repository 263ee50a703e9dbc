"""`schema`: what it prints, and what the page about it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from secrets_pipeline.cli.schema.document import manifest_schema
from secrets_pipeline.golang.yaml.tag_names import TAGS
from tests.cli.conftest import Cli
from tests.cli.schema.manifests import ROOT
from tests.runs import assert_exited

PAGE = ROOT / "docs" / "editor.md"


def test_it_prints_the_schema_alone_where_no_repository_is(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("schema")
    assert_exited(done)
    assert json.loads(done.stdout) == manifest_schema()
    assert not done.stderr


def test_it_names_the_schema_that_is_to_stand_beside_it(cli: Cli) -> None:
    done = cli("schema", "--with", "atmos-manifest.json")
    assert json.loads(done.stdout) == {**manifest_schema(), "allOf": [{"$ref": "atmos-manifest.json"}]}


def test_the_page_tells_editors_every_yaml_function_that_there_is() -> None:
    [settings] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    assert {one.partition(" ")[0] for one in settings["yaml.customTags"]} == TAGS
