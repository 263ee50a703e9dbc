"""Read the current values of many secrets by BatchGetSecretValue, twenty a call.

The call takes neither a version id nor a staging label, so a value counts only if its version is AWSCURRENT. A secret
that AWS does not return stands under `Errors`, in an answer with HTTP status 200.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html and
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_APIErrorType.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from secrets_pipeline.aws.faults import calling, translate
from secrets_pipeline.aws.paging import LARGEST_PAGE
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.secret_state import CURRENT, SecretState
from secrets_pipeline.reconcilers.secret_value.read import read_content
from secrets_pipeline.values.content import Content, content_of

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_ACTION: Final = "GetSecretValue"
"""AWS judges each secret of a batch as this call, and CloudTrail names it so."""


class BatchedValues:
    """Reads the AWSCURRENT values of many secrets of one stack, in the order in which they are taken.

    It holds the values of one batch at most, and drops each when it is taken. A role that AWS does not let call
    BatchGetSecretValue reads each value by GetSecretValue instead, as does a secret whose error may pass.

    Args:
        stack: the stack.
        names: secrets whose values are going to be taken.
    """

    def __init__(self, stack: Stack, names: Iterable[str]) -> None:
        self._stack = stack
        self._next = {state.arn: state for state in self._readable(names)}
        self._read: dict[str, Content | AwsError] = {}
        self._refused = False

    def take(self, state: SecretState) -> Content:
        """Return the AWSCURRENT value of one of the secrets.

        Raises:
            SkippedError: if its mark does not prove that it is this stack's; nothing was read.
            AwsError: if AWS refuses, or the version holds no value.
        """
        if state.arn in self._next and not self._refused:
            self._read = {}
            self._read_batch(state)
        found = self._read.pop(state.arn, None)
        if isinstance(found, AwsError):
            raise found
        return read_content(self._stack, state) if found is None else found

    def _readable(self, names: Iterable[str]) -> Iterator[SecretState]:
        """Yield our own secrets that have a value. YAML must not make us read anybody else's."""
        for name in names:
            try:
                state = self._stack.observed.secrets.get(name)
            except AwsError:
                # Its own check meets the error again.
                continue
            if (
                state is not None
                and state.deleted_at is None
                and state.current_version is not None
                and self._stack.ownership.owns(state)
            ):
                yield state

    def _read_batch(self, first: SecretState) -> None:
        others = (state for state in self._next.values() if state.arn != first.arn)
        batch = [first, *islice(others, LARGEST_PAGE["batch_get_secret_value"] - 1)]
        for state in batch:
            del self._next[state.arn]
        try:
            self._read = self._answered(batch)
        except AwsError as error:
            if error.unanswered:
                self._read = dict.fromkeys((state.arn for state in batch), error)
            else:
                self._refused = True

    def _answered(self, batch: Sequence[SecretState]) -> dict[str, Content | AwsError]:
        client = self._stack.account.client("secretsmanager")
        with calling("BatchGetSecretValue", f"of {batch[0].name} and {len(batch) - 1} more"):
            answer: Mapping[str, Any] = client.batch_get_secret_value(SecretIdList=[state.arn for state in batch])
        read: dict[str, Content | AwsError] = {}
        for entry in answer.get("SecretValues", ()):
            content = content_of(entry) if CURRENT in entry.get("VersionStages", ()) else None
            if content is not None:
                read[entry["ARN"]] = content
        names = {state.arn: state.name for state in batch}
        for entry in answer.get("Errors", ()):
            arn = entry.get("SecretId", "")
            error = _translated(entry, names.get(arn, ""))
            # Any other may pass: GetSecretValue is tried again where that helps.
            if error.denied:
                read[arn] = error
        return read


def _translated(entry: Mapping[str, Any], name: str) -> AwsError:
    code, message = str(entry.get("ErrorCode", "")), str(entry.get("Message", ""))
    refused = ClientError({"Error": {"Code": code, "Message": message}}, _ACTION)
    return translate(refused, action=_ACTION, resource=name)
