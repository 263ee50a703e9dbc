"""The function's zip: the same bytes wherever it is built, complete, and of what was pinned alone."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from cryptography import x509

import secrets_pipeline
from secrets_pipeline import rotation_lambda
from secrets_pipeline.errors import PackageError
from secrets_pipeline.rotation.package import VENDORED, build_package, contents, pins
from secrets_pipeline.rotation_lambda import tls

ROOT = Path(secrets_pipeline.__file__).parents[1]
BUILD = """
import os, sys
os.umask(int(sys.argv[1], 8))
from secrets_pipeline.rotation.package import build_package
sys.stdout.buffer.write(build_package(ca_bundle=b"pem").content)
"""


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(build_package().content))


def test_two_builds_in_two_places_give_the_same_bytes(tmp_path: Path) -> None:
    """Another umask, hash seed, time zone, working folder, and modules that were touched."""
    shutil.copytree(ROOT / "secrets_pipeline", tmp_path / "secrets_pipeline")
    for path in (tmp_path / "secrets_pipeline" / "rotation_lambda").iterdir():
        path.touch()
        path.chmod(0o700)
    built = [
        subprocess.run(
            [sys.executable, "-c", BUILD, umask],
            env={"PATH": os.defpath, "PYTHONPATH": str(place), "PYTHONHASHSEED": seed, "TZ": zone},
            cwd=place,
            check=True,
            capture_output=True,
        ).stdout
        for place, umask, seed, zone in ((ROOT, "022", "1", "UTC"), (tmp_path, "077", "2", "Asia/Tokyo"))
    ]
    assert built[0] == built[1] == build_package(ca_bundle=b"pem").content


def test_it_is_described_as_lambda_describes_it() -> None:
    package = build_package()
    assert package.sha256 == base64.b64encode(hashlib.sha256(package.content).digest()).decode()
    assert len(package.content) < 50_000_000, "Lambda takes no more without S3"
    assert "content" not in repr(package)


def test_it_holds_modules_licences_and_nothing_of_this_machine(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    assert names == sorted(names)
    expected = (".py", "/METADATA", "/LICENSE", "dateutil-zoneinfo.tar.gz", f"/{tls.CA_BUNDLE}")
    assert not [name for name in names if not name.endswith(expected)]
    assert sum(name.endswith("/LICENSE") for name in names) == len(pins())
    for entry in archive.infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == 0o100644
        assert entry.compress_type == zipfile.ZIP_STORED


def test_the_bundle_lies_where_the_function_looks_for_it() -> None:
    with_bundle = zipfile.ZipFile(io.BytesIO(build_package(ca_bundle=b"pem").content))
    assert with_bundle.read(f"lambda_function/{tls.CA_BUNDLE}") == b"pem"


def test_it_brings_the_authorities_of_rds(archive: zipfile.ZipFile) -> None:
    bundles = [name for name in archive.namelist() if name.endswith(".pem")]
    assert bundles == [f"lambda_function/{tls.CA_BUNDLE}"]
    roots = x509.load_pem_x509_certificates(archive.read(bundles[0]))
    assert roots
    assert all("Amazon RDS" in root.subject.rfc4514_string() for root in roots)


def test_the_zip_and_boto3_are_all_that_the_function_needs(archive: zipfile.ZipFile, tmp_path: Path) -> None:
    archive.extractall(tmp_path / "task")
    (tmp_path / "runtime").mkdir()
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "urllib3"):
        place = distribution(name).locate_file(name)
        (tmp_path / "runtime" / name).symlink_to(Path(str(place)))
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            "import lambda_function.handler as h, pg8000, six; print(h.__file__, pg8000.__file__, six.__file__)",
        ],
        env={"PATH": os.defpath, "PYTHONPATH": f"{tmp_path / 'task'}:{tmp_path / 'runtime'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(tmp_path / "task")) == 3


def test_the_pins_are_those_of_the_project_and_close_over_their_dependencies(archive: zipfile.ZipFile) -> None:
    text = (ROOT / "requirements" / "runtime.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    assert pins() == {name: pinned[name] for name in pins()}
    described = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    needed = [re.findall(r"^Requires-Dist: ([A-Za-z0-9-]+)(?!.*extra ==)", one, re.MULTILINE) for one in described]
    assert len(needed) == len(pins())
    assert {name.lower() for names in needed for name in names} == set(pins()) - {"pg8000", "pymysql"}


def test_every_wheel_is_one_of_a_pin() -> None:
    assert len(list(VENDORED.glob("*.whl"))) == len(pins())


def test_a_wheel_that_is_missing_or_was_changed_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "vendored"
    shutil.copytree(VENDORED, folder)
    assert contents(folder) == contents()
    (six,) = folder.glob("six-*")
    with six.open("ab") as file:
        file.write(b"a change")
    with pytest.raises(PackageError, match=rf"{six.name} is not what was published"):
        contents(folder)
    six.unlink()
    with pytest.raises(PackageError, match=r"the wheel of six 1\.17\.0 is missing") as caught:
        contents(folder)
    assert "make vendored" in str(caught.value)


def test_the_function_imports_only_what_it_brings_along() -> None:
    allowed = {"boto3", "botocore", "pg8000", "pymysql", "scramp", *sys.stdlib_module_names}
    folder = Path(str(rotation_lambda.__file__)).parent
    for file in folder.glob("*.py"):
        found = re.findall(r"^(?:from|import) ([A-Za-z_0-9]+)", file.read_text(), re.MULTILINE)
        assert set(found) <= allowed, file.name
