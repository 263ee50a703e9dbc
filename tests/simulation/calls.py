"""What is said of one call to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulation.rds import REGION, Instance

_READS = ("Describe", "Get", "List", "Validate", "BatchGet", "Receive", "Filter")
_VALUES = frozenset({"SecretString", "MasterUserPassword"})
"""Parameters that carry a value on purpose."""


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        caller: who calls.
        service: botocore's name of the service.
        operation: API operation.
        params: its parameters as JSON carries them, with blobs in base64.
        region: where.
    """

    caller: str
    service: str
    operation: str
    params: Mapping[str, Any]
    region: str = REGION

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.operation.startswith(_READS)

    @property
    def subject(self) -> str:
        """Name or id of what it is about, as the caller spells it."""
        named = (self.params.get(key) for key in ("SecretId", "Name", "KeyId", "FunctionName", "service"))
        return str(next(filter(None, named), ""))

    @property
    def public(self) -> str:
        """All that it says beside values: tags, descriptions, policies, tokens."""
        return str({name: value for name, value in self.params.items() if name not in _VALUES})


class Watcher(Protocol):
    """Sees every call, and judges it."""

    def before(self, call: Call) -> object:
        """Right before the effect; what it returns is handed to `after`."""
        ...

    def after(self, noted: object, call: Call, answer: Mapping[str, Any], error: str) -> None:
        """Right after the effect; `error` is AWS's code, empty if it succeeded."""
        ...

    def password_took_effect(self, instance: Instance) -> None:
        """A database has another password now."""
        ...
