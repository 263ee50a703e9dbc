"""Names in the place of literals, and back: nothing of one account is left, and a request is what it was."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.operations.experiment.names import ZIPPED, Names, decoded

ACCOUNT, OTHER = "123456789012", "210987654321"
KNOWN = {"account": ACCOUNT, "region": "eu-west-2", "arn": "arn:aws", "run": "ab12cd34", "value": "throw-away-77"}
ARN = f"arn:aws:secretsmanager:eu-west-2:{ACCOUNT}:secret:doctor-ab12cd34-new-Xy12Zk"
TEMPLATES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.lists(st.sampled_from([*(f"<{one}>" for one in KNOWN), ":", "/x"])).map("".join),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
)


@given(TEMPLATES)
def test_what_is_filled_in_is_found_again(template: object) -> None:
    names = Names(KNOWN)
    assert names.hidden(names.filled(template)) == template


@given(st.lists(st.sampled_from([*KNOWN.values(), OTHER, "x", ":", " "])).map("".join))
def test_no_literal_is_left(text: str) -> None:
    hidden = Names(KNOWN).hidden({"a": [text]})["a"][0]
    assert not [literal for literal in KNOWN.values() if literal in hidden]


@pytest.mark.parametrize(
    ("literal", "name"),
    [
        (ARN, "<arn>:secretsmanager:<region>:<account>:secret:doctor-<run>-new-<suffix>"),
        (f"key {'0a1b2c3d-' * 1}1111-2222-3333-0123456789ab is gone", "key <id> is gone"),
        (f"mrk-{'0123456789abcdef' * 2}", "<id>"),
        (f"arn:aws:iam::{OTHER}:role/x", "<arn>:iam::<another account>:role/x"),
        ("AROAEXAMPLEEXAMPLE123", "<unique id>"),
        ("at 2026-11-29T07:00:00Z.", "at <time>"),
        (datetime(2026, 11, 29, tzinfo=UTC), "<time>"),
        (30, 30),
    ],
)
def test_what_belongs_to_an_account_or_a_moment_has_no_place_in_a_file(literal: object, name: object) -> None:
    assert Names(KNOWN).hidden(literal) == name


def test_what_was_kept_of_an_answer_stands_in_later_requests_and_is_hidden_as_a_whole() -> None:
    names = Names(KNOWN)
    names.keep("new_arn", ARN)
    assert names.filled({"SecretId": "<new_arn>"}) == {"SecretId": ARN}
    assert names.hidden(f"{ARN} {ACCOUNT}") == "<new_arn> <account>"
    with pytest.raises(KeyError):
        names.filled("<never kept>".replace(" ", "_"))


def test_code_is_sent_as_an_archive_of_its_text() -> None:
    sent = Names(KNOWN).filled({"Code": {"ZipFile": {ZIPPED: {"code.py": "print('<account>')"}}}})
    with zipfile.ZipFile(io.BytesIO(sent["Code"]["ZipFile"])) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == {"code.py": "print('<account>')"}


def test_a_text_that_is_a_json_object_is_read_as_one() -> None:
    answer = {"Policy": '{"Statement": [{"Sid": "{\\"a\\": 1}"}]}', "Text": "{no", "List": ["[1]", 1]}
    assert decoded(answer) == {"Policy": {"Statement": [{"Sid": {"a": 1}}]}, "Text": "{no", "List": ["[1]", 1]}
