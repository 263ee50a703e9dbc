"""Guard each AWS operation that is not known to read: refuse it in a read-only run, fence it in one with a lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ConnectionClosedError, HTTPClientError, ReadTimeoutError

from secrets_pipeline.aws import connections
from secrets_pipeline.aws.operations import reads
from secrets_pipeline.errors import GuardError, SecretsPipelineError

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from botocore.session import Session

READ_ONLY_VARIABLE = "SECRETS_PIPELINE_READ_ONLY"
_CALL: Final = "secrets-pipeline-fenced-call"
_NOT_DONE, _UNKNOWN = 300, 500
"""The first status of calls that AWS did not perform, and of those that it may have performed all the same."""
_UNANSWERED: Final = (ConnectionClosedError, ReadTimeoutError)
"""Errors after which AWS may have performed the call: without a connection, botocore raises others."""
_STALE: Final = frozenset(
    {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
"""Codes by which AWS refuses a request that was signed too long ago; see `secrets_pipeline.aws.leases.shared`."""
_SUBJECTS: Final = (
    *("SecretId", "Name", "KeyId", "AliasName", "DBInstanceIdentifier", "DBClusterIdentifier", "ResourceName"),
    *("FunctionName", "RoleName", "service", "family", "stageName", "Rule", "QueueUrl", "TopicArn", "Key"),
    *("DocumentName", "logGroupName", "ResourceArn", "resourceArn", "Resource"),
)
"""Parameters that name what a call is about; none can hold a value."""


class ReadOnly:
    """Refuses every operation that is not known to read, before its parameters are looked at."""

    def install(self, session: Session) -> None:
        """Guard every client that is made from a session later."""
        session.register("before-parameter-build", self.refuse, unique_id="secrets-pipeline-read-only")

    def refuse(self, **event: object) -> None:
        """Handle botocore's event before a call: refuse what may write.

        Raises:
            GuardError: if the operation may write.
        """
        model = cast("OperationModel", event["model"])
        if reads(model.name):
            return
        raise GuardError(
            f"this run is read-only: {model.service_model.service_name} {model.name} was refused",
            remedy=f"Unset {READ_ONLY_VARIABLE}, and use a command that writes.",
        )


class Fence:
    """Asks a run's lease before each try of a write, and once more right before its bytes go.

    The first question spares a connection; the second is behind all that may take long (DNS, connect, TLS). If the run
    stands still between the second one and the first byte, AWS refuses the request by the age of its signature.

    Args:
        check: raises if the run may write no more.
        answered: is told each write that AWS answered, or may have performed, for example `TagResource shop/dev/api`.
    """

    def __init__(self, check: Callable[[], None], answered: Callable[[str], None] = lambda _call: None) -> None:
        self._check = check
        self._answered = answered

    def install(self, session: Session) -> None:
        """Fence every client that is made from a session later."""
        connections.install(session)
        # botocore's types know no handler that names what it takes.
        name: Any = self._name
        note: Any = self._note
        raise_: Any = self._raise_what_the_lease_said
        session.register("before-parameter-build", name, unique_id="secrets-pipeline-fence-name")
        # After the rate limiter of retry mode `adaptive`, which sleeps at this event.
        emitter = session.get_component("event_emitter")
        emitter.register_last("before-send", self.ask, unique_id="secrets-pipeline-fence")
        session.register("response-received", note, unique_id="secrets-pipeline-fence-answer")
        session.register("needs-retry", raise_, unique_id="secrets-pipeline-fence-refusal")

    def ask(self, event_name: str, **_: object) -> None:
        """Handle botocore's event `before-send.SERVICE.OPERATION`.

        Raises:
            GuardError: if the operation may write, and the run may not any more.
        """
        writes = not reads(event_name.rpartition(".")[2])
        connections.ask_before_sending(self._check if writes else None)
        if writes:
            self._check()

    def _name(self, *, params: Mapping[str, Any], model: OperationModel, context: dict[str, Any], **_: object) -> None:
        """Handle botocore's event before a request is built: keep what a human calls the call."""
        if not reads(model.name):
            subject = next((params[key] for key in _SUBJECTS if isinstance(params.get(key), str)), "")
            context[_CALL] = f"{model.name} {subject}".strip()

    def _note(
        self,
        *,
        context: Mapping[str, Any],
        response_dict: Mapping[str, Any] | None,
        exception: Exception | None,
        **_: object,
    ) -> None:
        """Handle botocore's event after each try."""
        call = context.get(_CALL)
        if call is None:
            return
        if response_dict is None:
            if isinstance(exception, _UNANSWERED):
                self._answered(f"{call} (its answer was lost)")
        elif (status := response_dict["status_code"]) < _NOT_DONE:
            self._answered(call)
        elif status >= _UNKNOWN:
            self._answered(f"{call} (AWS answered {status})")

    def _raise_what_the_lease_said(
        self,
        *,
        operation: OperationModel,
        response: tuple[object, Mapping[str, Any]] | None = None,
        caught_exception: Exception | None = None,
        **_: object,
    ) -> None:
        """Handle botocore's event after each try: raise what the lease said, not what botocore made of it."""
        if isinstance(caught_exception, HTTPClientError):
            said = caught_exception.kwargs.get("error")
            if isinstance(said, SecretsPipelineError):
                raise said from None
        code = (response[1].get("Error") or {}).get("Code") if response else None
        if code in _STALE and not reads(operation.name):
            # The request stood still for minutes, so the lease is the cause to name, if it was lost meanwhile.
            self._check()
