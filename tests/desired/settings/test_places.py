"""A wrong setting is told with its line, and the keys that belong to its own level."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.desired.settings.places import SettingPlaces
from secrets_pipeline.errors import SpecError

TARGET_KEYS = "Keys of targets: account_id, external_id, manifests, region, role_arn, stacks."


def wrong(tmp_path: Path, text: str) -> str:
    """The whole error of a file of settings."""
    file = tmp_path / "operator.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_settings(file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "targets:\n  - stacks: a\n    regoin: x\n",
            "operator.yaml:3, key targets.0.regoin: unknown key regoin\n  Did you mean region? " + TARGET_KEYS,
        ),
        (
            "leases:\n  region: eu-west-2\n  bucket: abc\n  prefixx: y\n",
            "operator.yaml:4, key leases.prefixx: unknown key prefixx\n  Did you mean prefix? Keys of leases: bucket, ",
        ),
        ("leases: {bucket: abc}", "operator.yaml:1, key leases.region: this setting is wrong: it is missing"),
        (
            "seals:\n  buckt: a\n",
            "operator.yaml:2, key seals.buckt: unknown key buckt\n  Did you mean bucket? Keys of seals: bucket, ",
        ),
        ("leases: {buckett: abc, region: eu-west-2}", "operator.yaml:1, key leases.buckett: unknown key buckett\n"),
        ("targets: 3", "operator.yaml:1, key targets: this setting is wrong: it should be a list"),
        ("grants:\n - preset: nobody\n", "operator.yaml:2, key grants.0.preset: this setting is wrong: "),
        ("environment_allowed:\n - {name: A, hidden: no}\n", "Keys of environment_allowed: name, secret."),
    ],
)
def test_one_wrong_setting_is_one_error(tmp_path: Path, text: str, said: str) -> None:
    found = wrong(tmp_path, text)
    assert said in found
    assert "settings are wrong" not in found


def test_leases_in_dynamodb_are_led_to_s3(tmp_path: Path) -> None:
    assert wrong(tmp_path, "targets: []\nleases: {table: locks, region: eu-west-2}") == (
        "operator.yaml:2, key leases: this setting is wrong: table names a DynamoDB table, but leases are kept in S3 "
        "only. Remove table, and name an S3 bucket without versioning: leases: {bucket: NAME, region: REGION}. Change "
        "it while no run applies"
    )


def test_several_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    found = wrong(tmp_path, "targets:\n  - {stacks: a}\n  - {account_id: 123, stack: b}\nread_onyl: true\n")
    # `stacks` is there, misspelt.
    assert found.startswith("3 of the operator's settings are wrong:")
    assert "operator.yaml:3, key targets.1.stack: unknown key stack\n    Did you mean stacks?" in found
    assert "operator.yaml:3, key targets.1.account_id: this setting is wrong: YAML made a number of it" in found
    assert "operator.yaml:4, key read_onyl: unknown key read_onyl\n    Did you mean read_only?" in found


@pytest.mark.parametrize("text", ["alerts:\n  webhook: {url: 'https://x.example/s3cr3t'}", "seals: s3cr3t"])
def test_no_value_is_quoted(tmp_path: Path, text: str) -> None:
    assert "s3cr3t" not in wrong(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targets: []\ngrants: []\ntargets: []\n", "operator.yaml:3, key targets: key targets is there twice"),
        (
            "access:\n  accounts: [{account_id: a, account_id: b}]\n",
            "operator.yaml:2, key account_id: key account_id is",
        ),
        (
            "a: 1\nb: [s3cr3t\n",
            "operator.yaml:3: the operator's settings are not YAML: did not find expected ',' or ']'",
        ),
        pytest.param(
            f"a: {'[' * 5000}{']' * 5000}",
            "operator.yaml:1: the operator's settings are not YAML: exceeded maximum nesting depth",
            id="too deep",
        ),
        ("a: &a [s3cr3t, *a]\n", "operator.yaml: the operator's settings hold a value that holds itself"),
        ("a: \x07\n", "operator.yaml: the operator's settings are not YAML: it cannot be read"),
    ],
)
def test_what_is_there_twice_or_no_yaml_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    found = wrong(tmp_path, text)
    assert said in found
    assert "s3cr3t" not in found


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_of_another_encoding_is_no_bug_of_ours(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "operator.yaml").write_bytes("# \xe9\ntargets: []\n".encode(encoding))
    with pytest.raises(SpecError, match="the operator's settings are not UTF-8"):
        load_settings(tmp_path / "operator.yaml")


def test_a_file_that_is_not_there_is_named_as_it_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=f"{tmp_path}/none/operator.yaml: No such file") as caught:
        load_settings(Path("none/operator.yaml"))
    assert "a relative path is taken from the current folder" in caught.value.remedy


def test_lines_are_those_of_the_nearest_key_that_is_there() -> None:
    places = SettingPlaces("a:\n  - b: 1\n\n  - c: 2\n")
    assert [places.line(keys) for keys in (("a",), ("a", 1), ("a", 1, "c"), ("a", 1, "x"), ("x",), ())] == [
        1, 4, 4, 4, None, None,
    ]  # fmt: skip
    assert SettingPlaces("").line(("a",)) is None
