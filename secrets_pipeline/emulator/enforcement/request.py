"""Read what a call asks for, in the words of AWS's service model, whatever protocol it came by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.utils import get_service_model

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.requests import operation_of

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

_GLOBAL = frozenset({"iam", "organizations"})
"""Services whose ARNs name no region."""


@dataclass(frozen=True)
class AskedCall:
    """One call of an AWS service.

    Attributes:
        service: botocore's name of it, for example `lambda`.
        operation: API operation, for example `CreateFunction`.
        account_id: account that it acts in.
        region: of the endpoint.
        partition: of the region.
        method: HTTP method.
        path: of the URL.
        params: parameters under their API names.
    """

    service: str
    operation: str
    account_id: str
    region: str
    partition: str
    method: str
    path: str
    params: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A parameter, by a name whose parts are separated by dots; empty if it was left out."""
        return next(self.texts(name), "")

    def has(self, name: str) -> bool:
        """Whether a parameter, named as for `text`, was given and is neither empty nor false."""
        return any(value is not False and value not in ("", {}) for value in _values(self.params, name))

    def texts(self, *names: str) -> Iterator[str]:
        """The texts of some parameters, named as for `text`, those of a list one by one; none of what was left out."""
        return (str(value) for name in names for value in _values(self.params, name))

    def arn(self, resource: str, service: str = "", *, account_id: str | None = None) -> str:
        """The ARN of a resource of this account, region and service, or of another service or account."""
        named, owner = service or self.service, account_id or self.account_id
        return str(Arn(self.partition, named, "" if named in _GLOBAL else self.region, owner, resource))

    @cached_property
    def tags(self) -> Mapping[str, str]:
        """Tags that it sets."""
        found: Any = next((self.params[name] for name in ("Tags", "tags") if self.params.get(name)), {})
        if isinstance(found, Mapping):
            return {str(key): str(value) for key, value in found.items()}
        pairs = ({name.lower(): value for name, value in one.items()} for one in found)
        return {str(one["key"]): str(one.get("value") or "") for one in pairs}


def _values(params: Any, name: str) -> list[Any]:  # noqa: ANN401 - JSON
    """What stands under a name, through lists, and through JSON in a text, such as a queue's RedrivePolicy."""
    found = [params]
    for part in name.split("."):
        inside = [one.get(part) for one in map(_opened, found) if isinstance(one, Mapping)]
        found = [value for one in inside for value in (one if isinstance(one, list | tuple) else [one])]
    return [value for value in found if value is not None]


def _opened(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def asked_call(response: BaseResponse) -> AskedCall:
    """Read a call; what the service model does not know has no parameters."""
    operation = operation_of(response)
    return AskedCall(
        service=response.boto3_service_name,
        operation=operation,
        account_id=response.current_account,
        region=response.region,
        partition=response.partition,
        method=response.method,
        path=response.path,
        params=_parameters(response, operation),
    )


def _parameters(response: BaseResponse, operation: str) -> Mapping[str, Any]:
    service = get_service_model(response.boto3_service_name)
    if operation not in service.operation_names:
        return {}
    request = response.normalized_request
    parser = PROTOCOL_PARSERS[determine_request_protocol(service, request.content_type)]
    parsed: Mapping[str, Any] = parser(service.operation_model(operation)).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": response.uri_match,
        }
    )
    return parsed
