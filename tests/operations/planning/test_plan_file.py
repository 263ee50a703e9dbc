"""Plan files: written and read again, and refused where anything moved."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because, Detail, Differs, Reason, Sign, Waits
from secrets_pipeline.errors import GuardError, SpecError
from secrets_pipeline.operations.planning.plan_file import PlanFile, PlannedOptions, PlannedStack

KEY = Change(Resource("kms-key", "alias/shop", "kms"), ChangeClass.CREATE)
TAG = Differs("tag Team", details=(Detail(Sign.CHANGED, "tag Team", "'a'", "'b'"),))
SECRET = Change(Resource("secret", "shop/api", "secretsmanager/app", "api"), ChangeClass.UPDATE, (TAG,))
LATE = Change(Resource("rotation", "shop/api"), ChangeClass.UPDATE, (Waits("its function does not exist yet"),))


def stack(*changes: Change, **more: Any) -> PlannedStack:  # noqa: ANN401 - what the plan of a stack holds
    place = {"account_id": "111122223333", "region": "eu-west-2", "desired": "d1", **more}
    return PlannedStack.of(planned={"stage": changes}, **place)


def plan(*changes: Change) -> PlanFile:
    options = PlannedOptions(targets=("shop/*",))
    stacks = {"shop-dev": stack(*changes)}
    return PlanFile(repository="github.com/a/b", commit="c" * 40, source="manifests", options=options, stacks=stacks)


def reason(problem: str) -> tuple[Reason, ...]:
    return (Because(problem),)


def moved(now: PlannedStack | None) -> str:
    with pytest.raises(GuardError) as raised:
        plan(KEY, SECRET, LATE).refuse_moved({"shop-dev": now} if now else {})
    assert raised.value.remedy
    return raised.value.message


def test_a_plan_is_read_as_it_was_written_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    file, written = tmp_path / "plan.json", plan(KEY, SECRET, LATE)
    file.write_text("an older one")
    file.chmod(0o644)
    written.write(file)
    assert PlanFile.read(file) == written
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    shown = json.loads(file.read_text())["stacks"]["shop-dev"]["changes"][1]
    assert shown["why"] == ["tag Team differs", "~ tag Team: 'a' → 'b'"]


def test_a_blocked_change_is_kept_with_its_reason_and_what_comes_with_others_is_not_asked_for() -> None:
    blocked = Change(SECRET.resource, ChangeClass.BLOCKED, reason("needs database orders, which does not exist"))
    follows = Change(Resource("kms-key", "alias/ours"), ChangeClass.CREATE, ancillary=True)
    planned = stack(KEY, blocked, follows)
    assert [one.name for one in planned.changes] == ["alias/shop"]
    refused = planned.approved.refusal("stage", SECRET)
    assert str(refused) == "needs database orders, which does not exist"
    # Somebody else may have made by then whatever comes with the changes of a run.
    plan(KEY, follows).refuse_moved({"shop-dev": stack(KEY)})
    plan(KEY).refuse_moved({"shop-dev": stack(KEY, follows)})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not a plan of secrets-pipeline"),
        ('{"version": 1}', "is not a plan of secrets-pipeline"),
        ('{"format": "secrets-pipeline plan", "version": 99}', "a plan of version 99"),
        ('{"format": "secrets-pipeline plan", "version": 1, "commit": ""}', "options"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(SpecError, match=said):
        PlanFile.read(tmp_path / "plan.json")


def test_a_file_that_is_not_there_and_a_folder_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        PlanFile.read(tmp_path / "plan.json")
    with pytest.raises(SpecError, match="cannot be written"):
        plan().write(tmp_path / "nowhere" / "plan.json")


@pytest.mark.parametrize("there", ["folder", "link", "pipe"])
def test_what_is_no_file_is_not_replaced_by_a_plan(tmp_path: Path, there: str) -> None:
    path, kept = tmp_path / there, tmp_path / "kept"
    kept.write_text("as it was")
    if there == "folder":
        path.mkdir()
    elif there == "link":
        path.symlink_to(kept)
    else:
        os.mkfifo(path)
    before = path.lstat()
    with pytest.raises(SpecError, match="cannot be written: what is there is no file"):
        plan().write(path)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert kept.read_text() == "as it was"


def test_a_plan_is_not_written_to_the_current_folder() -> None:
    with pytest.raises(SpecError, match="cannot be written"):
        plan().write(Path())


def test_what_an_apply_would_do_still_is_applied() -> None:
    there = Change(LATE.resource, ChangeClass.ROTATE, reason("rotation is off"))
    plan(KEY, SECRET, LATE).refuse_moved({"shop-dev": stack(KEY, SECRET, there)})


def test_a_note_and_what_writes_nothing_is_no_part_of_a_plan() -> None:
    note = Change(Resource("outputs", "/shop/secret_arns"), ChangeClass.UPDATE, note=True)
    blocked = Change(Resource("secret", "shop/other"), ChangeClass.BLOCKED, reason("is not ours"))
    plan(KEY).refuse_moved({"shop-dev": stack(KEY, note, blocked)})


def test_what_moved_is_named() -> None:
    other = Change(SECRET.resource, ChangeClass.UPDATE, reason("description differs"))
    new = Change(Resource("secret", "shop/new"), ChangeClass.CREATE)
    message = moved(stack(SECRET, LATE, new))
    assert "stack shop-dev: gone: create kms-key alias/shop" in message
    assert "stack shop-dev: new: secret shop/new: create" in message
    assert "other: secret shop/api: update (tag Team differs; ~ tag Team: 'a' → 'b') → update (description" in moved(
        stack(KEY, other, LATE)
    )


def test_another_value_of_a_tag_is_another_change() -> None:
    details = (Detail(Sign.CHANGED, "tag Team", "'c'", "'b'"),)
    now = Change(SECRET.resource, ChangeClass.UPDATE, (Differs("tag Team", details=details),))
    assert "other: secret shop/api" in moved(stack(KEY, now, LATE))


def test_another_account_or_declaration_is_refused() -> None:
    assert "account 111122223333, eu-west-2 → account 444455556666, eu-west-2" in moved(
        stack(KEY, SECRET, LATE, account_id="444455556666")
    )
    assert "what it declares has changed" in moved(stack(KEY, SECRET, LATE, desired="d2"))


def test_a_stack_of_which_the_targets_name_nothing_any_more_has_moved() -> None:
    assert "stack shop-dev: --target names nothing of it any more" in moved(None)
