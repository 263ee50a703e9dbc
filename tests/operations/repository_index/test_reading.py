"""By an index one stack is read as if all were; one that is missing, stale, forged or of broken stacks is not used."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired import repository_index
from secrets_pipeline.operations.repository_index.observed import Observed
from secrets_pipeline.operations.repository_index.proof import UnusableIndexError
from secrets_pipeline.operations.repository_index.reading import Indexes
from secrets_pipeline.operations.repository_index.store import S3IndexStore
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.disk import Seen, noted_in
from tests.gits import git
from tests.operations.repository_index.conftest import SETTINGS, Watched, names_in_aws
from tests.strategies.small_repositories import write

TOKEN = "shop/shared/token"


@pytest.fixture
def indexed(watched: Watched) -> Watched:
    """Two stacks of which one was applied, so that there is a key that proves the index."""
    watched.stack("one", TOKEN)
    watched.stack("two", "shop/two/own")
    watched.commit()
    watched.apply(watched.whole(), "one")
    assert watched.watch() == 1
    return watched


def test_a_stack_is_as_in_a_reading_of_all_and_no_other_manifest_is_read_for_it(indexed: Watched) -> None:
    seen, whole = Seen(), indexed.whole()
    with noted_in(seen):
        alone = indexed.alone("one")
        assert alone.specs["one"] == whole.specs["one"]
    read = {Path(file).name for file in seen.contents}
    assert "one.yaml" in read
    assert "two.yaml" not in read
    assert (str(alone.revision), alone.repository, alone.errors) == (str(whole.revision), whole.repository, {})
    assert (list(alone.specs), "two" in alone.specs, "three" in alone.specs) == (["one", "two"], True, False)
    assert alone.notices_for(["one"]) == whole.notices_for(["one"])
    # One that is named is read when it is asked for.
    assert alone.specs["two"] == whole.specs["two"]


def test_a_run_by_the_index_finds_nothing_to_do_where_one_of_all_stacks_left_it(indexed: Watched) -> None:
    assert {line.partition(" ")[0] for line in indexed.apply(indexed.alone("one"), "one")} == {"none"}


def test_a_run_derives_the_fingerprint_key_once(indexed: Watched, aws: emulator.LocalAws) -> None:
    emulator.reset_calls(aws)
    stack = indexed.alone("one").assemble(Sessions()).stack("one")
    assert stack.ownership.fingerprinter is not None
    assert sum(call.count for call in emulator.calls(aws) if call.operation == "GenerateMac") == 1


def no_longer_there(watched: Watched) -> None:
    watched.file.unlink()


def cut_short(watched: Watched) -> None:
    watched.file.write_bytes(watched.file.read_bytes()[:-4096])


def without_a_row(watched: Watched) -> None:
    whole = watched.file.read_bytes()
    assert whole.count(b"shop/two/own") == 1
    watched.file.write_bytes(whole.replace(b"shop/two/own", b"shop/two/one"))


def in_another_place(watched: Watched) -> None:
    macs, rest = watched.file.read_bytes().split(b"\n", 1)
    (mac,) = json.loads(macs).values()
    watched.file.write_bytes(json.dumps({"999999999999/eu-west-2": mac}).encode() + b"\n" + rest)


def with_macs(watched: Watched, macs: object) -> None:
    said, rest = watched.file.read_bytes().split(b"\n", 1)
    (place,) = json.loads(said)
    watched.file.write_bytes(json.dumps({place: macs}).encode() + b"\n" + rest)


def with_another_mac(watched: Watched) -> None:
    with_macs(watched, ["0" * 64, "0" * 64])


def with_no_mac_of_the_input(watched: Watched) -> None:
    (ours, _), *_ = json.loads(watched.file.read_bytes().split(b"\n", 1)[0]).values()
    with_macs(watched, [ours])


def with_a_mac_that_is_no_text(watched: Watched) -> None:
    with_macs(watched, [5, None])


def with_a_mac_in_half_a_character(watched: Watched) -> None:
    with_macs(watched, ["\ud800", "\ud800"])


def nested_too_deep(watched: Watched) -> None:
    _, rest = watched.file.read_bytes().split(b"\n", 1)
    watched.file.write_bytes(b"[" * 200_000 + b"\n" + rest)


def with_a_region_that_is_no_text(watched: Watched) -> None:
    macs, about, rest = watched.file.read_bytes().split(b"\n", 2)
    document = json.loads(about)
    document["places"]["one"] = [document["places"]["one"][0], 5]
    watched.file.write_bytes(b"\n".join([macs, json.dumps(document).encode(), rest]))


def of_a_stranger(watched: Watched) -> None:
    watched.file.write_text("no index\nat all\n")


def empty(watched: Watched) -> None:
    watched.file.write_bytes(b"")


def edited(watched: Watched) -> None:
    watched.stack("two", "shop/two/own", "shop/two/another")


def added(watched: Watched) -> None:
    watched.stack("three", "shop/three/own")


def committed_on(watched: Watched) -> None:
    git(watched.folder, "commit", "-q", "--allow-empty", "-m", "nothing else")


def under_other_settings(watched: Watched) -> None:
    watched.operator({**SETTINGS, "targets": [{"stacks": "two", "region": "eu-west-1"}]})


def said_to_be_another_commit(watched: Watched) -> None:
    shutil.rmtree(watched.folder / ".git")
    watched.watch()
    watched.alone("one")
    os.environ["SECRETS_PIPELINE_COMMIT"] = "0123456789abcdef0123456789abcdef01234567"


def under_a_new_key(watched: Watched) -> None:
    kms = boto3.client("kms")
    made = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/secrets-pipeline-fingerprint", TargetKeyId=made)


@pytest.mark.parametrize(
    "happened",
    [
        no_longer_there,
        cut_short,
        without_a_row,
        in_another_place,
        with_another_mac,
        with_no_mac_of_the_input,
        with_a_mac_that_is_no_text,
        with_a_mac_in_half_a_character,
        nested_too_deep,
        with_a_region_that_is_no_text,
        of_a_stranger,
        empty,
        edited,
        added,
        committed_on,
        under_other_settings,
        said_to_be_another_commit,
        under_a_new_key,
    ],
)
def test_what_nobody_proves_to_be_of_what_is_there_counts_as_missing(
    indexed: Watched, happened: Callable[[Watched], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_COMMIT", "")
    indexed.alone("one")
    happened(indexed)
    with pytest.raises(UnusableIndexError):
        indexed.alone("one")


def test_nothing_that_a_stranger_names_in_it_is_looked_at(indexed: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    macs, about, rest = indexed.file.read_bytes().split(b"\n", 2)
    document = json.loads(about)
    document["observed"][1].append("/dev/zero")
    indexed.file.write_bytes(b"\n".join([macs, json.dumps(document).encode(), rest]))
    looked_at: list[str] = []
    monkeypatch.setattr(disk, "digest_now", looked_at.append)
    with pytest.raises(UnusableIndexError, match="no fingerprint key of the stack's account and region made it"):
        indexed.alone("one")
    assert looked_at == []


def test_a_stack_that_is_edited_while_kms_proves_the_index_is_read_with_all(
    indexed: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Observed.answers

    def answers(observed: Observed) -> Iterator[object]:
        yield from real(observed)
        # A literal, which is in no digest of a desired state.
        indexed.stack("one", TOKEN, description="edited")

    monkeypatch.setattr(Observed, "answers", answers)
    with pytest.raises(UnusableIndexError, match="are not those that it was made of"):
        indexed.alone("one")


def test_an_index_of_another_version_counts_as_missing(indexed: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets_pipeline.operations.repository_index.proof.VERSION", repository_index.VERSION + 1)
    with pytest.raises(UnusableIndexError):
        indexed.alone("one")


def test_a_stack_that_the_index_does_not_have_is_read_with_all(indexed: Watched) -> None:
    with pytest.raises(UnusableIndexError, match="the stack is not in it"):
        indexed.alone("three")


def test_an_unread_import_of_atmos_yaml_lets_the_index_be_used_and_has_every_orphan_kept(indexed: Watched) -> None:
    indexed.stack("one", "shop/one/own")
    configuration = indexed.folder / "atmos.yaml"
    configuration.write_text(f"{configuration.read_text()}\nimport: ['https://example.com/atmos.yaml']\n")
    indexed.commit()
    assert indexed.watch() == 1
    alone = indexed.alone("one")
    assert not alone.is_complete
    assert f"blocked {TOKEN}" in indexed.apply(alone, "one", prune=True)
    assert names_in_aws() >= {TOKEN, "shop/one/own"}


def test_a_broken_third_stack_has_every_orphan_kept_whoever_reads(indexed: Watched) -> None:
    indexed.stack("one", "shop/one/own")
    write({"stacks/deploy/three.yaml": "vars: {stage: three}\ncomponents: [no map]\n"}, indexed.folder)
    indexed.commit()
    assert indexed.watch() == 1
    with pytest.raises(UnusableIndexError, match="a stack in it has errors"):
        indexed.alone("one")
    whole = indexed.whole()
    assert whole.errors
    assert f"blocked {TOKEN}" in indexed.apply(whole, "one", prune=True)
    assert names_in_aws() >= {TOKEN, "shop/one/own"}


def moved(watched: Watched) -> None:
    """Let the secret of stack one be that of stack two, in the YAML."""
    watched.stack("one", "shop/one/own")
    watched.stack("two", TOKEN)
    watched.commit()
    watched.watch()


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")], ids=["who loses it first", "who gets it first"])
def test_a_secret_that_moves_between_two_stacks_under_prune_is_never_deleted(
    indexed: Watched, order: tuple[str, str]
) -> None:
    moved(indexed)
    for stack in (*order, *order):
        assert indexed.plan(indexed.alone(stack), stack) == indexed.plan(indexed.whole(), stack)
        done = indexed.apply(indexed.alone(stack), stack, prune=True)
        assert not [line for line in done if line.startswith("prune ")]
        assert TOKEN in names_in_aws()


def test_a_secret_that_no_stack_declares_any_more_is_pruned_by_the_index(indexed: Watched) -> None:
    indexed.stack("one", "shop/one/own")
    indexed.commit()
    indexed.watch()
    assert f"prune {TOKEN}" in indexed.apply(indexed.alone("one"), "one", prune=True)
    assert names_in_aws() == {"shop/one/own"}


def test_an_index_in_a_bucket_is_read_as_one_on_disk(indexed: Watched) -> None:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="seals-of-the-index")
    store = S3IndexStore(client, "seals-of-the-index", "team/")
    indexes = Indexes(lambda _: store, Sessions())
    with pytest.raises(UnusableIndexError, match="there is none"):
        indexes.open(indexed.place, "one")
    assert indexed.writer.write(indexes, indexed.place, indexed.whole()).proven == 1
    assert indexes.open(indexed.place, "one").specs["one"] == indexed.whole().specs["one"]
    (key,) = (one["Key"] for one in client.list_objects_v2(Bucket="seals-of-the-index")["Contents"])
    assert key.startswith("team/indexes/")
