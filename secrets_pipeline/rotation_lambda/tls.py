"""Load the certificates that are trusted.

Amazon's roots for RDS are in few systems' stores; the bundle that AWS publishes holds them:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from .errors import RotationError

CA_FILE_VARIABLE = "RDS_CA_FILE"
CA_BUNDLE = "rds-ca-bundle.pem"
"""In the package, beside this module."""


def verifying() -> ssl.SSLContext:
    """A context that demands a certificate of the server's name: by RDS_CA_FILE, else by the bundle in the package.

    Without either the operating system's store decides.

    Raises:
        RotationError: if the bundle cannot be used.
    """
    packaged = Path(__file__).with_name(CA_BUNDLE)
    bundle = os.environ.get(CA_FILE_VARIABLE) or (str(packaged) if packaged.exists() else None)
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        # ssl.SSLError is one, too: a file that holds no certificates.
        raise RotationError(
            f"The certificates in {bundle} cannot be used: {type(error).__name__}.",
            f"Point {CA_FILE_VARIABLE} to the PEM bundle that AWS publishes for RDS.",
        ) from None


def untrusted(address: object) -> RotationError:
    """What to say of a server whose certificate is not trusted."""
    return RotationError(
        f"The certificate of {address} is not trusted.",
        f"Put AWS's bundle for RDS into the package (--ca-bundle), or name a PEM file in {CA_FILE_VARIABLE}.",
    )
