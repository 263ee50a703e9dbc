"""Make the certificate authority of the embedded RDS: anew at each start, its key known to this process alone."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import trustme


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority and the certificate that it gave to every database of this host.

    Attributes:
        certificate: of the authority, PEM; a client that trusts it can verify the databases.
        server_context: TLS of a database's side, with a certificate for `localhost` and 127.0.0.1.
    """

    certificate: bytes
    server_context: ssl.SSLContext

    @classmethod
    def make(cls) -> Authority:
        """Make an authority and a database's certificate."""
        authority = trustme.CA(path_length=0, organization_name="Embedded RDS", organization_unit_name="root")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        return cls(authority.cert_pem.bytes(), context)
