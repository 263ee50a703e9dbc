"""The embedded AWS answers as AWS was recorded; where it does not, the table says what it answers instead, and why.

What AWS answered was recorded by other people's tests, which were validated on AWS; each record names its test.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jmespath
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.embedded import operator

if TYPE_CHECKING:
    from secrets_pipeline.emulator import LocalAws

ANSWERS: Final = Path(__file__).parent / "recorded" / "answers.json"
RECORDS: Final = json.loads(ANSWERS.read_text())["records"]
_NAME: Final = re.compile(r"<(\w+)>")
_AS_SENT: Final = Config(parameter_validation=False, retries={"total_max_attempts": 1})
_numbers = itertools.count()


class Replay:
    """Sends the requests of one record, and remembers what its names stand for."""

    def __init__(self, aws: LocalAws) -> None:
        self._session, self._endpoint = operator(aws), aws.endpoint_url
        self._names = {"run": f"recorded-{next(_numbers)}", "account": aws.account_id, "region": aws.region}

    def answer(self, step: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is answered to a step; of an error what botocore makes of it."""
        session: Any = self._session
        client = session.client(step["service"], endpoint_url=self._endpoint, config=_AS_SENT)
        if lacking := step.get("without"):
            client.meta.events.register_last("before-call", lambda params, **_: _take_out(params, lacking))
        try:
            found: Mapping[str, Any] = getattr(client, xform_name(step["operation"]))(**self.filled(step["params"]))
        except ClientError as error:
            return error.response
        except BotoCoreError as error:
            return {"Error": {"Code": type(error).__name__}}
        for name, path in step.get("keeps", {}).items():
            self._names[name] = str(jmespath.search(path, found))
        return found

    def filled(self, template: Any) -> Any:  # noqa: ANN401 - JSON
        """A template with what its names stand for."""
        if isinstance(template, str):
            return _NAME.sub(lambda found: self._names[found[1]], template)
        if isinstance(template, dict):
            if "<zip>" in template:
                return _archive(template["<zip>"])
            return {self.filled(name): self.filled(one) for name, one in template.items()}
        return [*map(self.filled, template)] if isinstance(template, list) else template


def _take_out(params: dict[str, Any], name: str) -> None:
    params["body"] = json.dumps({key: one for key, one in json.loads(params["body"]).items() if key != name}).encode()


def _archive(files: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return written.getvalue()


@pytest.mark.parametrize("record", [pytest.param(one, id=one["test"].rpartition("::")[2]) for one in RECORDS])
def test_the_embedded_aws_answers_as_aws_was_recorded_or_as_the_table_says(
    aws: LocalAws, record: Mapping[str, Any]
) -> None:
    replay, wrong = Replay(aws), []
    for step in record["steps"]:
        answer = replay.answer(step)
        for path, said in step.get("answered", {}).items():
            differs = step.get("differs", {}).get(path)
            expected = replay.filled(differs["embedded"] if differs else said)
            given = jmespath.search(replay.filled(path), answer)
            if given != expected:
                wrong.append((step["operation"], path, expected, given))
    assert wrong == []


def test_every_difference_is_one_and_says_why_it_does_no_harm() -> None:
    for record in RECORDS:
        for step in record["steps"]:
            for path, differs in step.get("differs", {}).items():
                assert differs["embedded"] != step["answered"][path], (record["test"], path)
                assert differs["why"].endswith("."), (record["test"], path)
