from __future__ import annotations

import copy
import pickle
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.aws.service_keys import ensure_key, fingerprint_key, seal_key
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.emulator import LocalAws, calls
from secrets_pipeline.errors import AwsError
from secrets_pipeline.values.fingerprint import Fingerprinter

if TYPE_CHECKING:
    from secrets_pipeline.values.fingerprint import FingerprintPart

KEY = b"k" * 32
parts = st.lists(st.none() | st.integers() | st.binary(max_size=4) | st.text("ab\0:", max_size=4), max_size=4)


def readings(text: str) -> Iterator[tuple[FingerprintPart, ...]]:
    """Each sequence of parts that a text is, where a letter may say the type of the part behind it."""
    if not text:
        yield ()
    for end in range(1, len(text) + 1):
        content = text[1:end]
        of_type: dict[str, list[FingerprintPart]] = {
            "s": [content],
            "b": [content.encode()],
            "i": [int(content)] if content == "1" else [],
            "n": [None] if not content else [],
        }
        for part in of_type.get(text[0], []):
            yield from ((part, *rest) for rest in readings(text[end:]))


@given(given=parts)
def test_equal_parts_give_equal_digests(given: list[FingerprintPart]) -> None:
    assert Fingerprinter(KEY).digest("p", *given) == Fingerprinter(KEY).digest("p", *copy.copy(given))


@given(st.text("sbin1", max_size=6).map("s".__add__))
def test_no_text_gives_one_digest_as_two_sequences_of_parts(text: str) -> None:
    found = [Fingerprinter(KEY).digest("p", *one) for one in readings(text)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", ""), ("a", "b")), (("a",), ("a", "")), ((None,), ("",)), ((1,), ("1",)), ((b"a",), ("a",)), ((), (None,))],
)
def test_no_two_sequences_of_parts_run_together(
    one: tuple[FingerprintPart, ...], other: tuple[FingerprintPart, ...]
) -> None:
    fingerprinter = Fingerprinter(KEY)
    assert fingerprinter.digest("p", *one) != fingerprinter.digest("p", *other)


def test_the_purpose_separates_digests_and_is_no_part() -> None:
    fingerprinter = Fingerprinter(KEY)
    assert fingerprinter.digest("spec", "a") != fingerprinter.digest("inputs", "a")


def test_a_secret_counts_as_its_text() -> None:
    fingerprinter = Fingerprinter(KEY)
    assert fingerprinter.digest("p", SecretStr("x")) == fingerprinter.digest("p", "x")


def test_a_digest_is_a_legal_tag_and_client_request_token() -> None:
    assert re.fullmatch("[0-9a-f]{64}", Fingerprinter(KEY).digest("token", "x"))


def test_one_call_derives_the_same_key_every_run(account: AwsAccount, aws: LocalAws) -> None:
    kms = account.client("kms")
    arn = ensure_key(kms, fingerprint_key())
    first = Fingerprinter.derive(kms, arn).digest("p", "x")
    counted = Counter({call.operation: call.count for call in calls(aws)})
    assert counted["GenerateMac"] == 1
    assert Fingerprinter.derive(kms, "alias/secrets-pipeline-fingerprint").digest("p", "x") == first


def test_another_kms_key_gives_other_fingerprints(account: AwsAccount) -> None:
    kms = account.client("kms")
    other = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    ours = Fingerprinter.derive(kms, ensure_key(kms, fingerprint_key()))
    assert ours.digest("p", "x") != Fingerprinter.derive(kms, other).digest("p", "x")


def test_a_key_of_another_kind_is_an_error(account: AwsAccount) -> None:
    kms = account.client("kms")
    with pytest.raises(AwsError, match=r"GenerateMac .* failed: InvalidKeyUsageException"):
        Fingerprinter.derive(kms, ensure_key(kms, seal_key()))


def test_the_key_is_neither_shown_nor_stored() -> None:
    fingerprinter = Fingerprinter(b"canary-key")
    assert "canary" not in f"{fingerprinter}{fingerprinter!r}"
    for store in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError) as refusal:
            store(fingerprinter)
        assert "canary" not in str(refusal.value)
