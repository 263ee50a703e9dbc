"""Ask who could read the secrets, those that an apply makes as well, and say whom a check would be red for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.access.reach.administrators import setting_with
from secrets_pipeline.access.reach.audit import AuditedRead, undeclared_readings
from secrets_pipeline.access.reach.reader import Allowed
from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine
from secrets_pipeline.reconcilers.access_checks.snapshot import foresee_estate

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_CONSUMER = "Make the role before the apply, or take the consumer out of the YAML until then."


def readers(stack: Stack) -> Iterator[Answer]:
    """Judge who could read one stack's secrets, and whether its consumers exist. No value is read.

    Raises:
        AwsError: if AWS does not answer.
    """
    estate, allowed = foresee_estate(stack), stack.run.settings.access.allowed_readers
    for consumer in stack.spec.consumers:
        for arn in consumer.readers:
            if missing := estate.missing(arn):
                yield Answer(f"consumer {consumer.name}", Verdict.WILL_FAIL, missing, _CONSUMER)
    unread = estate.account(estate.snapshot.account_id).unread
    if unread:
        yield Answer("readers", Verdict.UNKNOWN, unread)
        return
    found = [one for one in undeclared_readings(stack.spec, estate, allowed_readers=allowed or ()) if not one.expected]
    yield from undeclared(found, allowed)


def undeclared(found: Sequence[AuditedRead], allowed: Sequence[str] | None) -> Iterator[Answer]:
    """Judge whoever can read and is nobody's consumer: one setting would allow all of them. Pure.

    Args:
        found: readings that nobody expects.
        allowed: globs of `access.allowed_readers`; None where the operator has not said who may.
    """
    if not found:
        yield fine("readers", "nobody but consumers and whom the operator allows")
        return
    names = list(dict.fromkeys(one.principal for one in found))
    setting = f"If all of them may: {setting_with(names, allowed)}"
    for name in names:
        readings = [one for one in found if one.principal == name]
        certain = any(isinstance(one.verdict, Allowed) for one in readings)
        is_red = certain and not (allowed is None and readings[0].undeclared_administrator)
        secrets = dict.fromkeys(one.secret for one in readings)
        who = "an administrator, " if readings[0].administrator else ""
        can = "can" if certain else "may be able to"
        text = f"{who}nobody's consumer, {can} read {len(secrets)} secrets, such as {next(iter(secrets))}"
        verdict = Verdict.WILL_FAIL if is_red else Verdict.ADVISED if certain else Verdict.UNKNOWN
        yield Answer(name, verdict, text, setting)
