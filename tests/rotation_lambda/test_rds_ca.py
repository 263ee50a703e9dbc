"""The package brings the certificate authorities of RDS that the page beside them names, and none is old."""

from __future__ import annotations

import hashlib
import re
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

import secrets_pipeline

FOLDER = Path(secrets_pipeline.__file__).parent / "rotation_lambda"
TEN_YEARS = timedelta(days=3652)


@pytest.fixture(scope="module")
def roots() -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((FOLDER / "rds-ca-bundle.pem").read_bytes())


def test_the_bundle_is_the_one_that_its_page_names() -> None:
    digest = hashlib.sha256((FOLDER / "rds-ca-bundle.pem").read_bytes()).hexdigest()
    assert f"| SHA-256 of `rds-ca-bundle.pem` | `{digest}` |" in (FOLDER / "RDS_CA.md").read_text()


def test_each_certificate_signs_itself_as_an_authority_of_rds(roots: list[x509.Certificate]) -> None:
    for root in roots:
        root.verify_directly_issued_by(root)
        assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = [name_of(root) for root in roots]
    kinds = {re.sub(r"[a-z]+-[a-z]+-\d", "REGION", name) for name in names}
    assert kinds == {f"Amazon RDS REGION Root CA {algorithm} G1" for algorithm in ("RSA2048", "RSA4096", "ECC384")}
    assert len(set(names)) == len(names) == 3 * 27


def test_no_certificate_expires_within_ten_years(roots: list[x509.Certificate]) -> None:
    assert [name_of(one) for one in roots if one.not_valid_after_utc < datetime.now(UTC) + TEN_YEARS] == []


def test_openssl_takes_all_of_them(roots: list[x509.Certificate]) -> None:
    context = ssl.create_default_context(cafile=str(FOLDER / "rds-ca-bundle.pem"))
    assert context.cert_store_stats()["x509_ca"] == len(roots)


def name_of(certificate: x509.Certificate) -> str:
    (found,) = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found.value)
