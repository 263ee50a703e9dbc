"""Decode Base64 as Terraform's `secret_binary` takes it.

Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/secretsmanager_secret_version
"""

from __future__ import annotations

import base64


def decoded(text: str) -> bytes:
    """The bytes that a Base64 text stands for; blanks and line ends in it mean nothing.

    Raises:
        ValueError: if it is none; the error holds nothing of it.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        pass
    # Raised outside of the handler: the decoder's error may quote the value.
    raise ValueError("no Base64")
