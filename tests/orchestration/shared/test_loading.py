"""Loading the definitions: a code server reads the Atmos repository, the process of a run opens none of its files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOADING = """
import json, sys
from dagster._core.code_pointer import CodePointer
from dagster._core.definitions import reconstruct

opened = []
sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == "open" else None)
load = getattr(reconstruct, f"{sys.argv[1]}_repository_def_from_pointer")
made = load(CodePointer.from_module("secrets_pipeline.orchestration.code_location", "defs", None))
(stack,) = (key for key in made.asset_graph.get_all_asset_keys() if key.path == ["atmos_stack"])
tags = [tag for tag in made.asset_graph.get(stack).tags if tag.startswith("secret/")]
published = [key for key in made.asset_graph.get_all_asset_keys() if key.path[0] == "secret"]
print(json.dumps([[name for name in opened if name.startswith(sys.argv[2])], tags, len(published)]))
"""


@pytest.mark.parametrize(("how", "reads"), [("initialize", True), ("reconstruct", False)])
def test_only_who_shows_the_definitions_reads_the_stacks_for_them(how: str, reads: bool, tmp_path: Path) -> None:
    manifest = tmp_path / "atmos" / "stacks" / "dev.yaml"
    manifest.parent.mkdir(parents=True)
    (tmp_path / "atmos" / "atmos.yaml").write_text(
        'base_path: "."\nstacks: {base_path: stacks, included_paths: ["**/*"], name_pattern: "{stage}"}\n'
    )
    manifest.write_text(
        "vars: {stage: dev, environment: dev, region: eu-west-2, context_name: shop}\n"
        "components: {terraform: {secretsmanager: {vars: {secrets: {token: {generate_random_password: true}}}}}}\n"
    )
    settings = tmp_path / "operator.yaml"
    settings.write_text("grants: [{stacks: '*', preset: single-team}]\n")
    places = {"ATMOS_BASE_PATH": str(tmp_path / "atmos"), "SECRETS_PIPELINE_CONFIG": str(settings)}
    places["SECRETS_PIPELINE_PUBLISH"] = "*"
    done = subprocess.run(
        [sys.executable, "-c", LOADING, how, str(tmp_path / "atmos")],
        env={**places, "DAGSTER_HOME": str(tmp_path), "HOME": str(tmp_path)},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    opened, tags, published = json.loads(done.stdout.splitlines()[-1])
    assert (str(manifest) in opened, bool(opened), bool(tags), published == 1) == (reads, reads, reads, reads)
