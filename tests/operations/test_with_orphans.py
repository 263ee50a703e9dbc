"""What left the YAML never hides what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.with_orphans import WithOrphans


@dataclass(frozen=True)
class Planning:
    """A reconciler that plans, or fails to."""

    changes: Sequence[Change] = ()
    error: AwsError | None = None

    def plan(self) -> Sequence[Change]:
        if self.error:
            raise self.error
        return self.changes

    def apply(self, change: Change) -> str:
        return change.resource.name


def test_secrets_that_left_and_cannot_be_told_from_others_hide_none_that_is_declared() -> None:
    declared = Change(Resource("secret", "declared"), ChangeClass.CREATE)
    refused = AwsError("GenerateMac failed: AccessDenied", code="AccessDenied", remedy="allow it")
    found = WithOrphans(Planning([declared]), Planning(error=refused), Planning()).plan()
    assert found[0] == declared
    assert [(one.action, one.error) for one in found[1:]] == [(ChangeClass.BLOCKED, refused)]
