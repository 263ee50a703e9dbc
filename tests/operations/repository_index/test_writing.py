"""The index is written once for what was read, proven where there is a key, and holds names, never a value."""

from __future__ import annotations

import os

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.operations.repository_index.proof import UnusableIndexError
from tests.operations.repository_index.conftest import SETTINGS, Watched
from tests.ports import free_port
from tests.strategies.small_repositories import write

CANARIES = """
# C4nary-comment
vars: {stage: three, team: C4nary-shared-variable}
locals: {hidden: C4nary-local}
env: {SHELL_VARIABLE: C4nary-environment}
settings: {note: C4nary-setting}
components:
  terraform:
    vpc: {vars: {cidr: C4nary-of-terraform}}
    kms/mine:
      settings: {secrets_pipeline: {create: true}}
      vars: {alias: mine, description: C4nary-of-key, region: %(region)s, tags: {owner: C4nary-tag-of-key}}
    rds/orders:
      vars:
        identifier: orders
        engine: postgres
        db_name: C4naryDatabase
        username: C4naryUser
        password: ${output.secretsmanager.generated_passwords.login}
        tags: {owner: C4nary-tag-of-database}
        region: %(region)s
    lambda/api:
      vars:
        function_name: api
        region: %(region)s
        environment_variables: {TOKEN: C4nary-plain-variable, ARN: "${output.secretsmanager.secret_arns.text}"}
    secretsmanager:
      vars:
        context_name: shop
        environment: three
        region: %(region)s
        account_id: "%(account)s"
        default_tags: {owner: C4nary-default-tag}
        secrets:
          login: {generate_random_password: true, description: C4nary-description}
          text: {secret_data: C4nary-value, tags: {owner: C4nary-tag}}
          map: {secret_data: {host: C4nary-host, nested: {deep: ["C4nary-deep", "x C4nary-part ${env:HOME}"]}}}
          binary: {secret_binary: QzRuYXJ5LWJpbmFyeQ==}
          file: {secret_data: "${file:said.txt}"}
          included: {secret_data: !include said.yaml}
          guarded:
            generate_random_password: true
            policy:
              Version: "2012-10-17"
              Statement:
                - Sid: C4naryStatement
                  Effect: Deny
                  Principal: {AWS: "arn:aws:iam::%(account)s:role/C4naryRole"}
                  Action: secretsmanager:PutSecretValue
                  Resource: "*"
"""


def place(aws: emulator.LocalAws) -> dict[str, str]:
    return {"region": aws.region, "account": aws.account_id}


def test_no_literal_of_a_manifest_is_in_the_index(watched: Watched, aws: emulator.LocalAws) -> None:
    watched.stack("one", "shop/one/own")
    write(
        {
            "stacks/deploy/three.yaml": CANARIES % place(aws),
            "said.txt": "C4nary-of-file",
            "said.yaml": "C4nary-included",
        },
        watched.folder,
    )
    watched.commit()
    whole = watched.whole()
    assert not whole.errors, [str(one) for found in whole.errors.values() for one in found]
    watched.apply(whole, "one")
    assert watched.watch() == 1
    written = watched.file.read_bytes()
    for name in (b"shop/three/text", b"alias/mine", b"orders", b"secretsmanager", b"stacks/deploy/three.yaml"):
        assert name in written
    assert b"c4nary" not in written.lower()
    assert b"QzRuYXJ5" not in written
    # Nor is a digest, by which a weak one could be guessed: what a reading was answered is in none but the MAC.
    for content in whole.seen.contents.values():
        assert content.digest.encode() not in written
    assert watched.alone("three").specs["three"] == whole.specs["three"]


def test_it_is_written_once_for_what_was_read_and_again_for_another_commit(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.commit()
    opened = watched.whole()
    watched.apply(opened, "one")
    written = [watched.writer.write(watched.indexes, watched.place, opened).proven for _ in range(3)]
    assert written == [1, 0, 0]
    watched.commit()
    with pytest.raises(UnusableIndexError):
        watched.alone("one")
    assert watched.watch() == 1
    assert watched.alone("one").revision == watched.whole().revision


def test_where_nothing_was_applied_yet_there_is_no_key_and_it_is_asked_for_again_after_minutes(
    watched: Watched,
) -> None:
    watched.stack("one", "shop/one/own")
    watched.commit()
    opened = watched.whole()

    def write_again() -> int:
        return watched.writer.write(watched.indexes, watched.place, opened).proven

    assert (write_again(), watched.file.exists()) == (0, False)
    watched.apply(opened, "one")
    assert write_again() == 0
    watched.clock += 601
    assert write_again() == 1
    assert watched.alone("one").specs["one"] == opened.specs["one"]


def test_what_is_edited_and_not_committed_has_no_index_and_the_sensor_is_told_why(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.commit()
    watched.apply(watched.whole(), "one")
    watched.stack("one", "shop/one/own", "shop/one/more")
    kept = watched.writer.write(watched.indexes, watched.place, watched.whole())
    assert (kept.proven, watched.file.exists()) == (0, False)
    assert kept.why == ("files differ from their commit, so there is no index",)
    watched.commit()
    assert watched.watch() == 1


def test_it_is_written_again_after_hours_as_a_bucket_deletes_what_is_a_day_old(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.commit()
    opened = watched.whole()
    watched.apply(opened, "one")
    written = []
    for _ in range(4):
        written.append(watched.writer.write(watched.indexes, watched.place, opened).proven)
        watched.clock += 3 * 3600 + 1
    assert written == [1, 0, 1, 0]


def test_a_place_that_does_not_answer_for_a_moment_is_proven_as_before(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.stack("one", "shop/one/own")
    watched.commit()
    opened = watched.whole()
    watched.apply(opened, "one")
    assert watched.writer.write(watched.indexes, watched.place, opened).proven == 1
    watched.clock += 6 * 3600 + 1
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        kept = watched.writer.write(watched.indexes, watched.place, opened)
    assert (kept.proven, len(kept.why)) == (1, 1)
    watched.alone("one")


def test_one_that_cannot_be_written_is_tried_again_after_minutes_and_not_at_each_tick(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.commit()
    opened = watched.whole()
    watched.apply(opened, "one")
    watched.store_folder.write_text("no folder")
    with pytest.raises(OSError, match="exists"):
        watched.writer.write(watched.indexes, watched.place, opened)
    watched.store_folder.unlink()
    assert watched.writer.write(watched.indexes, watched.place, opened).proven == 0
    watched.clock += 601
    assert watched.writer.write(watched.indexes, watched.place, opened).proven == 1


def test_under_other_settings_it_is_another_index_and_one_that_nobody_writes_is_deleted(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.commit()
    watched.apply(watched.whole(), "one")
    assert watched.watch() == 1
    earlier = watched.file
    watched.operator({**SETTINGS, "tags": {"team": "shop"}})
    assert watched.watch() == 1
    assert earlier.exists()
    assert earlier != watched.file
    os.utime(earlier, (0, 0))
    watched.commit()
    assert watched.watch() == 1
    assert not earlier.exists()


def test_a_place_that_cannot_be_reached_proves_nothing_and_hinders_no_other(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.stack("two", "shop/two/own", account_id="999988887777")
    watched.commit()
    watched.apply(watched.whole(), "one")
    kept = watched.writer.write(watched.indexes, watched.place, watched.whole())
    assert kept.proven == 1
    (why,) = kept.why
    assert why.startswith("account 999988887777 in ")
    watched.alone("one")
    with pytest.raises(UnusableIndexError):
        watched.alone("two")


def test_each_region_proves_it_for_its_own_stacks(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.stack("two", "shop/two/own", region="eu-west-1")
    watched.commit()
    for stack in ("one", "two"):
        watched.apply(watched.whole(), stack)
    assert watched.watch() == 2
    for stack in ("one", "two"):
        assert watched.alone(stack).specs[stack] == watched.whole().specs[stack]
    kms = boto3.client("kms", region_name="eu-west-1")
    made = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/secrets-pipeline-fingerprint", TargetKeyId=made)
    watched.alone("one")
    with pytest.raises(UnusableIndexError):
        watched.alone("two")


def test_a_folder_that_is_no_clone_has_an_index_too(watched: Watched) -> None:
    watched.stack("one", "shop/one/own")
    watched.apply(watched.whole(), "one")
    assert watched.watch() == 1
    assert watched.alone("one").specs["one"] == watched.whole().specs["one"]
    watched.stack("one", "shop/one/own", "shop/one/more")
    with pytest.raises(UnusableIndexError):
        watched.alone("one")
