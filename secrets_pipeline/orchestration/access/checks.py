"""List the checks of access: who can read each secret, by the policies and by a probe."""

from collections.abc import Callable

from secrets_pipeline.orchestration.pages.access import access_picture
from secrets_pipeline.orchestration.shared.names import ACCESS_MATRIX
from secrets_pipeline.orchestration.verification.stack_check import PROBE_TAG, Find, StackCheck, nothing_more
from secrets_pipeline.reconcilers.access_checks import checks as found
from secrets_pipeline.reconcilers.finding import Finding
from secrets_pipeline.reconcilers.stack import Stack

_STAGES = (
    "kms_keys",
    "secrets",
    "connection_secrets",
    "secret_policies",
    "consumer_policies",
    "rotation_functions",
    "secret_rotation",
)


def _always(find: Callable[[Stack], list[Finding]]) -> Find:
    return lambda stack, _deep: find(stack)


_ACKNOWLEDGED = " A run's own writes count as AWS acknowledged them: `verify` reads them."
_UNREAD = "Nothing was changed, so policies and roles were not read again: `verify` reads them."
_CHECKS = (
    (
        "consumers_can_read",
        f"Every declared consumer can read its secrets.{_ACKNOWLEDGED}",
        found.consumers_can_read,
        access_picture,
        "declared reads are denied",
        ("reader", "secret"),
    ),
    (
        "foreign_readers_can_read",
        f"Consumers of other accounts can read: the secret's policy, its key's, and their own.{_ACKNOWLEDGED}",
        found.foreign_readers_can_read,
        nothing_more,
        "declared reads from other accounts are denied",
        ("reader", "secret"),
    ),
    (
        "nobody_else_can_read",
        f"Nobody reads who is nobody's consumer.{_ACKNOWLEDGED}",
        found.nobody_else_can_read,
        access_picture,
        "secrets can be read by somebody whom nobody declared",
        ("name", "reader"),
    ),
    (
        "policies_are_not_public",
        f"No policy of a secret or its key lets in everybody, or a whole organisation.{_ACKNOWLEDGED}",
        found.policies_are_not_public,
        nothing_more,
        "policies let in everybody, or a whole organisation",
        ("name", "layer", "statement"),
    ),
    (
        "consumers_are_trusted",
        "What runs a consumer may assume its role, and nothing else may.",
        found.consumers_are_trusted,
        nothing_more,
        "roles cannot be assumed by who runs as them, or by too many",
        ("name", "statement"),
    ),
)

READER_CHECKS: tuple[StackCheck, ...] = tuple(
    StackCheck(
        name=name,
        stage=ACCESS_MATRIX,
        stages=_STAGES,
        description=description,
        find=_always(find),
        more=more,
        red=red,
        columns=columns,
        else_skipped=_UNREAD,
    )
    for name, description, find, more, red, columns in _CHECKS
)
"""Who can read, by the policies: what a change of IAM may turn."""

ACCESS_CHECKS = (
    *READER_CHECKS,
    StackCheck(
        name="probe_agrees",
        stage=ACCESS_MATRIX,
        stages=(),
        description="AWS itself gives each consumer the answer that the policies promise.",
        red="answers of AWS differ from the policies",
        columns=("reader", "secret"),
        find=_always(found.probe_agrees),
        tag=PROBE_TAG,
        else_skipped="Nobody was asked: `verify --probe` assumes the readers' roles.",
        left_to_verify=True,
    ),
)
