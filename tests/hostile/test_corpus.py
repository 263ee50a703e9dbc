"""Every manifest of the corpus: nothing is written outside of its author's own names, and no value of others gets out.

`python -m tests.hostile` prints what each author reads; with an attack's code or a word, those manifests whole.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secrets_pipeline import emulator
from secrets_pipeline.cli.app import app
from secrets_pipeline.engine.model import Applied, Unchanged
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests import sweep
from tests.applying import apply_stack
from tests.hostile.attempt import attempt, writes
from tests.hostile.cases import NEIGHBOUR, VICTIM, Case, End, cases
from tests.hostile.conftest import Watch
from tests.hostile.estate import CALM, OTHERS, PRODUCTION, SAFE, SINGLE_TEAM, Estate

CASES = cases()
UNDER_THE_PRESET = [
    *(case for case in CASES if case.end is End.REFUSED and not case.granted),
    *sweep.turn([case for case in CASES if case.end is not End.REFUSED]),
]
"""What is refused, whole; what is not refused depends on no grant."""
FEWER = PRODUCTION.partition("    lambda/worker:")[0].replace("          s: {", "          t: {").replace("[s]", "[t]")
"""Production's manifest, in which another secret stands in the place of one."""
CONTROL = re.compile(r"[^\n\x20-\U0010ffff]|[\u202a-\u202e\u2066-\u2069\u200b]")


def judged(case: Case, expected: tuple[End, str], watch: Watch, folder: Path, settings: str) -> None:
    """Run what a user runs, and compare with what is expected."""
    made = attempt(case.write(folder / "repository", OTHERS), watch.estate)
    watch.judge(made)
    end, says = expected
    assert (made.end, says in made.text) == (end, True), f"{made.end}, and said:\n{made.text}"
    assert not CONTROL.search(made.text)
    if end is End.REFUSED:
        assert not made.writes
    if case.neighbours:
        assert made.desired is not None
        watch.undisturbed(made.desired, settings)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_grants(
    case: Case, estate: Estate, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.settle(tmp_path, SAFE, monkeypatch)
    judged(case, (case.end, case.says), watch, tmp_path, "safe")


@pytest.mark.parametrize("case", UNDER_THE_PRESET, ids=str)
def test_under_the_preset_of_a_single_team(
    case: Case, estate: Estate, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.settle(tmp_path, SINGLE_TEAM, monkeypatch)
    judged(case, case.team or (case.end, case.says), watch, tmp_path, "single-team")


@pytest.mark.parametrize("manifest", [PRODUCTION, FEWER], ids=["the same", "fewer"])
@pytest.mark.parametrize("fork", [{"repository": "evil/fork"}, {}], ids=["another id", "no id"])
def test_a_second_repository_with_productions_stack_is_refused_before_it_changes_anything_of_the_first(
    manifest: str, fork: dict[str, str], watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {name: value for name, value in SINGLE_TEAM.items() if name != "repository"}
    watch.estate.settle(tmp_path, settings | fork, monkeypatch)
    folder = Case("is the first", End.BLOCKED, "", "H6").write(tmp_path / "fork", {VICTIM: manifest})
    assembly = open_repository(folder).assemble(watch.estate.sessions, options=ApplyOptions(prune=True), writing=True)
    with pytest.raises(SecretsPipelineError, match="belongs to stack app-prod of repository acme/infra"):
        apply_stack(assembly.stack(VICTIM))
    assert watch.touched() == []


def test_in_the_end_everything_of_others_is_byte_for_byte_as_it_was(watch: Watch) -> None:
    assert not watch.unharmed()


def test_the_corpus_has_no_manifest_twice() -> None:
    assert len({(case.manifest(), case.atmos, *case.files.items(), *case.links) for case in CASES}) == len(CASES) >= 150


REFUSED = [case for case in CASES if case.end is End.REFUSED]
SAMPLE = {case.attack: case for case in reversed(REFUSED) if case.report and case.stack[:5] != "name:"}
"""The first refused manifest of each attack."""
BESIDE = [SAMPLE[attack] for attack in ("C2", "H1", "M2", "M5", "M8")]
"""Refused by the stack itself, by the guard, by a name, as a file, and by a type."""


@pytest.mark.parametrize("case", SAMPLE.values(), ids=str)
def test_the_command_line_says_it_and_leaves_with_1(
    case: Case, estate: Estate, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.settle(tmp_path, SAFE, monkeypatch)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    folder = case.write(tmp_path / "repository", OTHERS)
    emulator.reset_calls(estate.aws)
    result = CliRunner().invoke(app, ["apply", "-s", "evil-dev", "--base-path", str(folder)])
    assert result.exit_code == 1, result.output
    assert "".join(case.says.split()) in "".join(result.output.split())
    assert "Traceback" not in result.output
    assert not writes(estate.aws)
    assert not watch.canaries_in(result.output)


@pytest.mark.parametrize("case", BESIDE, ids=str)
def test_two_stacks_beside_a_hostile_one_plan_and_apply_as_if_it_was_not_there(
    case: Case, estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.settle(tmp_path, SAFE, monkeypatch)
    secrets = estate.session.client("secretsmanager")
    changed = CALM.replace("        secrets:\n", "        secrets:\n          new: {secret_data: {v: calm}}\n")
    assert changed != CALM
    folder = case.write(tmp_path / "repository", {**OTHERS, NEIGHBOUR: changed})
    desired = open_repository(folder)
    hostile = folder / "stacks" / "evil-dev.yaml"
    alone = hostile.rename(tmp_path / "aside.yaml")
    quiet = open_repository(folder)
    alone.rename(hostile)
    for stack in (VICTIM, NEIGHBOUR):
        beside, by_itself = (plan_stack(one.assemble(estate.sessions).stack(stack)) for one in (desired, quiet))
        assert beside == by_itself
        done = apply_stack(desired.assemble(estate.sessions, writing=True).stack(stack))
        assert {type(one) for some in done.values() for one in some} <= {Applied, Unchanged}
    assert secrets.get_secret_value(SecretId="calm/dev/new")["SecretString"] == '{"v":"calm"}'
    secrets.delete_secret(SecretId="calm/dev/new", ForceDeleteWithoutRecovery=True)
