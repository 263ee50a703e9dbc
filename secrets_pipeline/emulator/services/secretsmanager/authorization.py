"""Refuse a call that its client may not make."""

from __future__ import annotations

from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest


def require(operation: str, request: OperationRequest) -> None:
    """Refuse an operation that the client may not perform, before anything is said about the secret.

    Args:
        operation: API operation.
        request: the call.

    Raises:
        Fault: AccessDeniedException.
    """
    if request.access is None:
        return
    secret_id = request.text("SecretId")
    secret = request.store.find(secret_id) if secret_id is not None else None
    if secret is not None:
        secret.follow()
    request.access.require(operation, request.params, request.store.place, secret)
