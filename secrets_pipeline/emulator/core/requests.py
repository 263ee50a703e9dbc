"""Read operation and parameters of a call: moto keeps them in methods that it calls private, each named here once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse


def operation_of(response: BaseResponse) -> str:
    """API operation; empty where the request names none, as for most of S3."""
    return str(response._get_action() or "")  # noqa: SLF001 - see the module's docstring


def parameter_of(response: BaseResponse, name: str) -> Any:  # noqa: ANN401 - JSON
    """A parameter of the call; None if it was left out."""
    return response._get_param(name)  # noqa: SLF001 - see the module's docstring
