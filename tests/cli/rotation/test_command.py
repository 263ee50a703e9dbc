"""`rotation package` on the command line."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from pathlib import Path

from secrets_pipeline.rotation.package import build_package
from tests.cli.conftest import Cli
from tests.runs import assert_exited

PEM = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"


def test_the_zip_is_written_and_told_as_lambda_tells_it(cli: Cli, tmp_path: Path) -> None:
    done = cli("rotation", "package", "-o", tmp_path / "function.zip")
    assert_exited(done)
    content = (tmp_path / "function.zip").read_bytes()
    digest = hashlib.sha256(content)
    assert json.loads(done.stdout) == {
        "handler": "lambda_function.handler.handle",
        "runtime": "python3.13",
        "code_sha256": base64.b64encode(digest.digest()).decode(),
        "sha256": digest.hexdigest(),
    }
    assert content == build_package().content


def test_a_bundle_of_certificates_goes_into_the_zip(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bundle.pem").write_text(PEM)
    done = cli("rotation", "package", "-o", tmp_path / "function.zip", "--ca-bundle", tmp_path / "bundle.pem")
    assert_exited(done)
    with zipfile.ZipFile(tmp_path / "function.zip") as archive:
        assert archive.read("lambda_function/rds-ca-bundle.pem").decode() == PEM


def test_a_bundle_without_certificates_is_refused_before_anything_is_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bundle.pem").write_text("no certificate")
    done = cli("rotation", "package", "-o", tmp_path / "function.zip", "--ca-bundle", tmp_path / "bundle.pem")
    assert_exited(done, 1)
    assert "holds no certificates" in done.stderr
    assert "global-bundle.pem" in done.stderr
    assert not (tmp_path / "function.zip").exists()
