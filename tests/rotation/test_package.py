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
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import pytest

import secrets_pipeline
from secrets_pipeline import rotation_lambda
from secrets_pipeline.errors import PackageError
from secrets_pipeline.rotation.distributions import PINS, Pin, contents
from secrets_pipeline.rotation.package import CA_BUNDLE, build_package
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
    unexpected = [
        name for name in names if not name.endswith((".py", "/METADATA", "/LICENSE", "dateutil-zoneinfo.tar.gz"))
    ]
    assert not unexpected
    assert sum(name.endswith("/LICENSE") for name in names) == len(PINS)
    for entry in archive.infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == 0o100644
        assert entry.compress_type == zipfile.ZIP_STORED


def test_the_bundle_lies_where_the_function_looks_for_it() -> None:
    with_bundle = zipfile.ZipFile(io.BytesIO(build_package(ca_bundle=b"pem").content))
    assert with_bundle.read(f"lambda_function/{tls.CA_BUNDLE}") == b"pem"
    assert tls.CA_BUNDLE == CA_BUNDLE


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


def test_the_pins_are_those_of_the_project_and_close_over_their_dependencies() -> None:
    text = (ROOT / "requirements" / "runtime.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    assert {pin.name: pin.version for pin in PINS} == {pin.name: pinned[pin.name] for pin in PINS}
    names = {pin.name for pin in PINS}
    for pin in PINS:
        needed = [one for one in distribution(pin.name).requires or [] if "extra ==" not in one]
        assert {re.match(r"[A-Za-z0-9-]+", one)[0].lower() for one in needed} <= names  # type: ignore[index] # matches


@pytest.mark.parametrize(
    ("pin", "says"),
    [
        (replace(PINS[0], version="0.1"), "is installed as 1.5.1"),
        (replace(PINS[0], digest="0" * 64), "other files than those of its wheel"),
        (Pin("not-a-distribution", "1.0", ""), "is not installed"),
    ],
)
def test_another_distribution_than_the_pinned_one_is_refused(pin: Pin, says: str) -> None:
    with pytest.raises(PackageError, match=says) as caught:
        contents(pin)
    assert f"{pin.name}=={pin.version}" in str(caught.value)


def test_a_module_that_was_changed_after_its_installation_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = next(one for one in PINS if one.name == "six")
    metadata = Path(str(distribution("six").locate_file("six-1.17.0.dist-info")))
    shutil.copytree(metadata, tmp_path / metadata.name)
    shutil.copy(metadata.parent / "six.py", tmp_path / "six.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert contents(pin)
    with (tmp_path / "six.py").open("a") as file:
        file.write("# a change\n")
    with pytest.raises(PackageError, match=r"was changed after its installation: six\.py"):
        contents(pin)
    record = tmp_path / metadata.name / "RECORD"
    record.write_text(re.sub(r"^six\.py,sha256=[^,]*", "six.py,", record.read_text(), flags=re.MULTILINE))
    with pytest.raises(PackageError, match=r"no SHA-256 of six\.py"):
        contents(pin)


def test_the_function_imports_only_what_it_brings_along() -> None:
    allowed = {"boto3", "botocore", "pg8000", "pymysql", "scramp", *sys.stdlib_module_names}
    folder = Path(str(rotation_lambda.__file__)).parent
    for file in folder.glob("*.py"):
        found = re.findall(r"^(?:from|import) ([A-Za-z_0-9]+)", file.read_text(), re.MULTILINE)
        assert set(found) <= allowed, file.name
