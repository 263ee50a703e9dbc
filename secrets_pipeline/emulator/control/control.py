"""Serve `/_local/…`: each control of the embedded AWS is read with GET, set with PUT and ended with DELETE; end all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

_Set = TypeVar("_Set", bound="DataclassInstance")
Environ = dict[str, Any]
StartResponse = Callable[..., Any]

CONDITIONS_PATH = "/_local/conditions"
"""DELETE ends every lag, latency, quota and fault at once."""


class ServerControl(Protocol):
    """Something that can be looked at and ended."""

    def get(self) -> object:
        """The state as JSON."""
        ...

    def delete(self) -> None:
        """Go back to the beginning."""
        ...


@runtime_checkable
class Settable(Protocol):
    """A control that can be set."""

    def put(self, document: Any) -> None:  # noqa: ANN401 - JSON as each control takes it
        """Replace the state.

        Raises:
            ValueError, TypeError, KeyError: it is not understood.
        """
        ...


class Setting(Generic[_Set]):
    """A control that is one dataclass, whose fields are the JSON.

    Args:
        made: the dataclass; without arguments, as it is in the beginning.

    Attributes:
        now: what counts now.
    """

    def __init__(self, made: Callable[..., _Set]) -> None:
        self._made = made
        self.now = made()

    def get(self) -> dict[str, Any]:
        """What counts now, as JSON."""
        return asdict(self.now)

    def put(self, document: dict[str, Any]) -> None:
        """Replace it."""
        self.now = self._made(**document)

    def delete(self) -> None:
        """Go back to the beginning."""
        self.put({})


class Conditions:
    """Everything that can go wrong, as one control."""

    def __init__(self, controls: Mapping[str, ServerControl]) -> None:
        self._controls = controls

    def get(self) -> dict[str, Any]:
        """Every state, by path."""
        return {path: control.get() for path, control in self._controls.items()}

    def delete(self) -> None:
        """End all of them."""
        for control in self._controls.values():
            control.delete()


def answer(control: ServerControl, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request to a control with its state afterwards."""
    status, document = _perform(control, environ)
    body = json.dumps(document).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _perform(control: ServerControl, environ: Environ) -> tuple[str, Any]:
    match environ["REQUEST_METHOD"]:
        case "GET":
            pass
        case "DELETE":
            control.delete()
        case "PUT" if isinstance(control, Settable):
            sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            try:
                control.put(json.loads(sent))
            except (ValueError, TypeError, KeyError) as error:
                return "400 BAD REQUEST", {"error": f"{type(error).__name__}: {error}"}
        case _:
            return "405 METHOD NOT ALLOWED", {"error": "method not allowed"}
    return "200 OK", control.get()


def reset_conditions(aws: LocalAws) -> None:
    """End every lag, latency, quota, duration and fault, the disorder of events and the moved clock.

    What AWS holds and the counted calls stay.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "DELETE", CONDITIONS_PATH)


def empty(aws: LocalAws) -> None:
    """Delete everything that any account holds, and stop the PostgreSQL of each instance.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "POST", "/moto-api/reset")
