"""Ask who the caller is, and whether the clock here is AWS's (STS GetCallerIdentity, and the Date of its answer)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from botocore.exceptions import ClientError

from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.leases.shared import AHEAD_SECONDS
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine

MOST_SKEW = timedelta(minutes=5)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html#signature-v4-troubleshooting-credential-scope"""

_CREDENTIALS = "Use credentials of the account and partition that targets name in the operator's settings."


def identity(account: AwsAccount, target: Target, stack: str) -> Iterator[Answer]:
    """Compare caller, account and partition with what the operator's settings say.

    Raises:
        GuardError: if the account is another one.
        AwsError: if STS does not answer.
    """
    about = f"credentials in {account.region}"
    try:
        with calling("GetCallerIdentity", f"in {account.region}"):
            arn = Arn.parse(account.client("sts").get_caller_identity()["Arn"])
    except AwsError as error:
        yield Answer(about, Verdict.WILL_FAIL, error.message, error.remedy or _CREDENTIALS)
        return
    if arn.partition != account.partition:
        text = f"{arn} is of partition {arn.partition}, and {account.region} of {account.partition}"
        yield Answer(about, Verdict.WILL_FAIL, text, _CREDENTIALS)
        return
    said = f"{arn}, partition {arn.partition}"
    if unverified := check_account(account, target, stack=stack):
        yield Answer(about, Verdict.ADVISED, f"{said}; {unverified}", "Name account_id under targets.")
    else:
        yield fine(about, f"{said}, as targets say")


def clock(account: AwsAccount, now: datetime, *, shared_leases: bool) -> Iterator[Answer]:
    """Compare the time here with the one in an answer of AWS, which refuses signatures that are five minutes off.

    Args:
        account: who is asked.
        now: the time here.
        shared_leases: whether leases are in S3.
    """
    with calling("GetCallerIdentity", f"in {account.region}"):
        try:
            told: Mapping[str, object] = dict(account.client("sts").get_caller_identity()["ResponseMetadata"])
        except ClientError as refused:
            # A signature that is too old is refused with the time in the answer.
            told = dict(refused.response.get("ResponseMetadata", {}))
    headers = told.get("HTTPHeaders")
    yield skew(headers.get("date") if isinstance(headers, Mapping) else None, now, shared_leases=shared_leases)


def skew(date: str | None, now: datetime, *, shared_leases: bool = False) -> Answer:
    """Judge a clock. Pure.

    Args:
        date: the header, for example `Sun, 29 Nov 2026 05:43:42 GMT`.
        now: the time here, with its zone.
        shared_leases: whether leases are in S3, so that a run is refused if this clock is a minute ahead.
    """
    try:
        there = parsedate_to_datetime(date or "").replace(tzinfo=UTC)
    except ValueError:
        return Answer("clock", Verdict.UNKNOWN, "the answer of STS has no Date that can be read")
    off = abs(now - there)
    if off > MOST_SKEW:
        text = f"this machine's clock is {off.total_seconds() / 60:.0f} minutes off AWS's"
        return Answer("clock", Verdict.WILL_FAIL, text, "Set it by NTP: AWS refuses requests signed 5 minutes off.")
    if shared_leases and (now - there).total_seconds() > AHEAD_SECONDS:
        text = f"this machine's clock is {off.total_seconds():.0f} seconds ahead of AWS's"
        remedy = (
            f"Set it by NTP: with leases in S3, an apply is refused if it is over {AHEAD_SECONDS:.0f} seconds ahead."
        )
        return Answer("clock", Verdict.WILL_FAIL, text, remedy)
    return fine("clock", f"{off.total_seconds():.0f} seconds off AWS's")
