"""Inject faults into chosen calls: the client killed, the call refused, the answer lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.control.calls import CountedCall
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

FAULTS_PATH = "/_local/faults"


class FaultAction(StrEnum):
    """What happens instead of an answer."""

    KILL_BEFORE = "kill_before"
    """The client gets SIGKILL; the call is not performed."""
    KILL_AFTER = "kill_after"
    """The call is performed; then the client gets SIGKILL."""
    THROTTLE = "throttle"
    """The service's throttling error; the call is not performed."""
    ERROR = "error"
    """HTTP 500; the call is not performed."""
    DENY = "deny"
    """The service's error for what the caller may not do; the call is not performed."""
    LOST = "lost"
    """The call is performed; the connection is cut without an answer."""

    @property
    def kills(self) -> bool:
        """Whether a client dies of it."""
        return self in {FaultAction.KILL_BEFORE, FaultAction.KILL_AFTER}


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault on one call.

    Attributes:
        action: what happens.
        at: on which call since it was armed, from 1, of those that match; every attempt counts.
        attempts: how many attempts of that call meet it: SDKs try again. Attempts are told by
            `amz-sdk-invocation-id`, so other calls go through meanwhile; of a client without that header it meets the
            next matching calls.
        service: only calls of this service, as `CountedCall.service` names it.
        operation: only calls of this operation.
        pid: process to kill.

    Raises:
        ValueError: a number below one, or a fault that kills and names no process.
    """

    action: FaultAction
    at: int = 1
    attempts: int = 1
    service: str | None = None
    operation: str | None = None
    pid: int | None = None

    def __post_init__(self) -> None:
        if self.at < 1 or self.attempts < 1:
            raise ValueError(f"calls and attempts are counted from 1: {self}")
        # 0 and negative numbers mean groups of processes, 1 is init.
        if self.action.kills is not (self.pid is not None and self.pid > 1):
            raise ValueError(f"a fault that kills names a process, no other does: {self}")

    def matches(self, call: CountedCall) -> bool:
        """Whether a call is of the chosen service and operation."""
        return self.service in {None, call.service} and self.operation in {None, call.operation}


@dataclass(frozen=True, slots=True)
class Struck:
    """A call that met a fault."""

    service: str
    operation: str


@dataclass(frozen=True, slots=True)
class FaultReport:
    """What became of an armed fault.

    Attributes:
        seen: how many calls matched since it was armed.
        struck: the attempts that met it, in order; empty while it waits.
    """

    fault: InjectedFault
    seen: int
    struck: tuple[Struck, ...]


class _Armed:
    """A fault that waits for its call. Callers hold the lock."""

    def __init__(self, fault: InjectedFault) -> None:
        self._fault = fault
        self._seen = 0
        self._struck: list[Struck] = []
        self._invocation = ""

    def meets(self, call: CountedCall, invocation: str) -> bool:
        fault = self._fault
        if not fault.matches(call):
            return False
        self._seen += 1
        if not self._struck:
            meets = self._seen == fault.at
        else:
            meets = len(self._struck) < fault.attempts and invocation == self._invocation
        if meets:
            self._invocation = invocation
            self._struck.append(Struck(call.service, call.operation))
        return meets

    @property
    def fault(self) -> InjectedFault:
        return self._fault

    def report(self) -> FaultReport:
        return FaultReport(self._fault, self._seen, tuple(self._struck))


class Faults:
    """The faults of this server. Every armed fault counts by itself; a call meets the first that is due."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._armed: list[_Armed] = []

    @property
    def armed(self) -> bool:
        """Whether a fault is armed."""
        return bool(self._armed)

    def due(self, call: CountedCall, invocation: str) -> InjectedFault | None:
        """The fault that this attempt meets.

        Args:
            call: what is being called.
            invocation: the client's id of the call, the same for each attempt; empty if it has none.
        """
        if not self._armed:
            return None
        with self._lock:
            # All of them count, whichever strikes.
            due = [one for one in self._armed if one.meets(call, invocation)]
            return due[0].fault if due else None

    def get(self) -> list[dict[str, Any]]:
        """The reports as JSON."""
        with self._lock:
            return [asdict(one.report()) for one in self._armed]

    def put(self, document: list[dict[str, Any]]) -> None:
        """Arm these instead of all others."""
        armed = [_Armed(_fault(one)) for one in document]
        with self._lock:
            self._armed = armed

    def delete(self) -> None:
        """Disarm all."""
        self.put([])


def arm(aws: LocalAws, *faults: InjectedFault) -> None:
    """Arm faults instead of those armed before; counting starts now.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", FAULTS_PATH, [asdict(fault) for fault in faults])


def disarm(aws: LocalAws) -> tuple[FaultReport, ...]:
    """Disarm all faults.

    Returns:
        What became of them, in the order they were armed in.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    reports = fault_reports(aws)
    ask(aws, "DELETE", FAULTS_PATH)
    return reports


def fault_reports(aws: LocalAws) -> tuple[FaultReport, ...]:
    """What became of the armed faults so far, in the order they were armed in.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    return tuple(
        FaultReport(_fault(one["fault"]), one["seen"], tuple(Struck(**struck) for struck in one["struck"]))
        for one in ask(aws, "GET", FAULTS_PATH)
    )


def _fault(document: Mapping[str, Any]) -> InjectedFault:
    return InjectedFault(**{**document, "action": FaultAction(document["action"])})
