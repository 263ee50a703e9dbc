"""Refuse calls that policies do not allow, before moto performs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.emulator.core.error_responses import refuse, refuse_access
from secrets_pipeline.emulator.enforcement.callers import identify
from secrets_pipeline.emulator.enforcement.keys import refused_key
from secrets_pipeline.emulator.enforcement.operations import JUDGED
from secrets_pipeline.emulator.enforcement.roles import refused_role
from secrets_pipeline.emulator.enforcement.services import refused_operation

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse


def refuse_unauthorized(response: BaseResponse) -> None:
    """Refuse what the caller may not do; Secrets Manager and the services that are not judged pass.

    Args:
        response: moto's, set up for the call.

    Raises:
        HTTPException: AWS's answer.
    """
    service = response.boto3_service_name
    if service not in {"kms", "sts", *JUDGED}:
        return
    client = identify(response.current_account, response.access_key, response.region)
    message: str | None
    if service == "sts":
        refusal = refused_role(response, client)
        if refusal is not None:
            refuse(response, refusal.status, refusal.code, refusal.message)
        return
    if service == "kms":
        message = refused_key(response, client)
    elif client.administers:
        return
    else:
        message = refused_operation(response, client)
    if message is not None:
        refuse_access(response, message)
