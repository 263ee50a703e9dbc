"""Encrypt each connection to a database, and trust RDS's certificate authorities alone.

AWS's own rotation functions connect without TLS if the secret says `"ssl": false`, and fall back to it if the key is
missing. This function does neither: the author of a secret chooses its host. Only the embedded AWS's databases, on the
loopback address, are spoken to without TLS.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from .errors import RotationError
from .secret_value import DatabaseAddress

CA_FILE_VARIABLE = "RDS_CA_FILE"
CA_BUNDLE = "rds-ca-bundle.pem"
"""RDS's authorities, beside this module: RDS_CA.md has their source, and `package` may put others in their place."""
_ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"


def context_for(address: DatabaseAddress) -> ssl.SSLContext | None:
    """Make the TLS context of a connection; None without TLS, at the embedded AWS alone.

    Raises:
        RotationError: if the secret asks for no TLS elsewhere, or the bundle cannot be used.
    """
    if address.tls:
        return verifying()
    if is_loopback(address.host) and _in_embedded_aws():
        return None
    raise RotationError(
        f'The secret says "ssl": false, and no password is sent to {address} without TLS.',
        'Switch TLS on in the database, and write "ssl": true into the secret.',
    )


def verifying() -> ssl.SSLContext:
    """Make a context that demands a certificate of the server's name.

    It trusts the authorities in RDS_CA_FILE, else those in the package; in the embedded AWS the system's store as well,
    which holds the authority of its databases.

    Raises:
        RotationError: if the bundle cannot be used.
    """
    bundle = os.environ.get(CA_FILE_VARIABLE) or str(Path(__file__).with_name(CA_BUNDLE))
    try:
        context = ssl.create_default_context(cafile=bundle)
    except OSError as error:
        # ssl.SSLError is one, too: a file that holds no certificates.
        raise RotationError(
            f"The certificates in {bundle} cannot be used: {type(error).__name__}.",
            f"Point {CA_FILE_VARIABLE} to the PEM bundle that AWS publishes for RDS.",
        ) from None
    if _in_embedded_aws():
        context.load_default_certs()
    return context


def untrusted(address: object) -> RotationError:
    """Build the error for a server whose certificate is not trusted."""
    return RotationError(
        f"The certificate of {address} is not trusted.",
        "Set rds_ca_file in the operator's settings to a PEM file that holds the database's authority, such as the "
        "bundle that AWS publishes for its region, and apply again; a function that you deployed yourself takes it "
        f"as --ca-bundle of its package, or as {CA_FILE_VARIABLE}.",
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this one, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_embedded_aws() -> bool:
    # Only the embedded AWS runs functions on the host of its own API.
    return is_loopback(urlsplit(os.environ.get(_ENDPOINT_VARIABLE, "")).hostname or "")
