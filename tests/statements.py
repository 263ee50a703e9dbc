"""Statements of policies that several tests declare."""

from __future__ import annotations

from typing import Final

TLS_ONLY: Final[dict[str, object]] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "secretsmanager:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
"""Denies everybody who comes without TLS."""
