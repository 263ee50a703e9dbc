"""The certificate authority of the embedded RDS: made anew at each start, its key known to this process alone."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE, _CLOCK_SKEW = timedelta(days=365), timedelta(days=1)
_NAMES = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


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
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Embedded RDS root")
        itself = (
            _begun(name, name, key.public_key(), key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        own = ec.generate_private_key(ec.SECP256R1())
        server = (
            _begun(_name("localhost"), name, own.public_key(), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(itself.public_bytes(serialization.Encoding.PEM), _context(server, own))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    """What both certificates have; the key identifiers are what VERIFY_X509_STRICT asks for."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    """The ssl module reads keys from files alone: this one is there for a moment, for this user alone."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    with tempfile.TemporaryDirectory(prefix="secrets-pipeline-tls-") as folder:
        chain = Path(folder, "server.pem")
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        chain.write_bytes(private + certificate.public_bytes(pem))
        context.load_cert_chain(chain)
    return context
