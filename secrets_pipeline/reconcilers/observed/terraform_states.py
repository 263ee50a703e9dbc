"""Read outputs of Terraform states: in S3 (GetObject), or in files of the repository. Nothing is written or locked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.terraform_state.model import LocalState, S3State, TerraformState
from secrets_pipeline.errors import AwsError, StackError, TerraformStateError
from secrets_pipeline.reconcilers.observed.cached import Cached
from secrets_pipeline.references.model import Path
from secrets_pipeline.references.resolve import Pending, Resolved
from secrets_pipeline.references.terraform_state import outputs_of

ReadState: TypeAlias = Callable[[str, int], bytes | None]
"""(path below the base path, most bytes) → a local state, or None."""
LARGEST: Final = 64 * 2**20
"""Bytes of a state that is read; parsed it takes several times as much memory."""


class TerraformStates:
    """Reads the states that one stack refers to, each once a run; keeps the outputs that it refers to, and no others.

    Args:
        target: of the stack, whose credentials read where a backend names no role.
        sessions: how other regions and roles are reached.
        read_state: reads a local state.
    """

    def __init__(self, target: Target, sessions: Sessions, read_state: ReadState) -> None:
        self._target = target
        # Sessions of their own: the AWS Encryption SDK wraps those of a stack in boto3 once more, and boto3 makes no
        # client of S3 from a session that was wrapped twice.
        self._sessions = sessions.derived(read_only=True)
        self._read_state = read_state
        self._read: Cached[TerraformState, Mapping[Path, Resolved]] = Cached()

    def output(self, state: TerraformState, path: Path) -> Resolved:
        """Resolve one output, `Secret` if the state marks it sensitive; `Pending` if the state cannot be read.

        Args:
            state: of the stack's desired state.
            path: one of its `outputs`.

        Raises:
            AwsError: if AWS cannot be asked: no answer, no credentials, too many requests.
        """
        return self._read.get(state, lambda: self._outputs(state))[path]

    def _outputs(self, state: TerraformState) -> Mapping[Path, Resolved]:
        component = f"component {state.component} of stack {state.stack}"
        missing = False
        try:
            content = self._content(state)
            if content is not None:
                found = outputs_of(content, state.outputs)
                return {path: _told(component, state, one) for path, one in found.items()}
            problem, missing = f"{component} has no state at {state.place}: apply it with Terraform first", True
        except (TerraformStateError, StackError, AwsError) as error:
            if error.unasked is not None:
                raise
            # AWS's refusal is an answer about this state: it blocks what needs the state, and nothing else.
            problem = f"the state of {component}, {state.place}, cannot be read: {error.message}. {error.remedy}"
        return dict.fromkeys(state.outputs, Pending(problem, missing=missing))

    def _content(self, state: TerraformState) -> bytes | None:
        place = state.place
        content = self._read_state(place.path, LARGEST + 1) if isinstance(place, LocalState) else self._object(place)
        if content is not None and len(content) > LARGEST:
            raise TerraformStateError(
                f"it has more than {LARGEST // 2**20} MiB", remedy="Let Terraform put the output into a parameter."
            )
        return content

    def _object(self, place: S3State) -> bytes | None:
        client = self._account(place).client("s3")
        with calling("GetObject", str(place)):
            try:
                body = client.get_object(Bucket=place.bucket, Key=place.key)["Body"]
            except client.exceptions.NoSuchKey:
                return None
            with body:
                return body.read(LARGEST + 1)

    def _account(self, place: S3State) -> AwsAccount:
        target = self._target.model_copy(update={"region": place.region or self._target.region})
        if place.role_arn is None:
            return self._sessions.for_target(target)
        # As Terraform and Atmos do: under the pipeline's own credentials, not those of the stack's role.
        role = {"role_arn": place.role_arn, "external_id": place.external_id, "account_id": None}
        return self._sessions.visited(target.model_copy(update=role))


def _told(component: str, state: TerraformState, found: Resolved) -> Resolved:
    if not isinstance(found, Pending):
        return found
    return Pending(f"{component}: {found.reason} ({state.place}); apply it with Terraform first", missing=found.missing)
