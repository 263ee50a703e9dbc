"""Ask AWS one step after the other, and note what it answers; an experiment asks so, and a replay of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from jmespath.exceptions import JMESPathError

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.operations.experiment.contract import Answer, Exchange, Step
from secrets_pipeline.operations.experiment.names import Names, decoded
from secrets_pipeline.operations.experiment.signing import signed_earlier

_LEAST, _SHARE = 1.0, 0.02
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html: of the caller's own rights; what
# services say while they do not see a new role or permission is worded otherwise.
_DENIED = "is not authorized to perform"


def pause(waited: float) -> float:
    """Return the seconds until the next try of a request, by the seconds that it was tried for."""
    return max(_LEAST, waited * _SHARE)


@dataclass(frozen=True)
class Asker:
    """Sends requests, and waits between them.

    Attributes:
        client: opens the client of a service.
        names: the literals that stand for names.
        clock: seconds from any origin.
        sleep: waits some seconds.
        sends: is told each step, with its parameters, before its request is sent.
    """

    client: Callable[[str], BaseClient]
    names: Names
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    sends: Callable[[Step, Mapping[str, Any]], None] = lambda _step, _params: None

    def exchanges(self, steps: Iterable[Step]) -> Iterator[Exchange]:
        """Ask step after step, until one is refused that was not to be.

        Raises:
            AwsError: if AWS cannot be reached.
        """
        for step in steps:
            exchange = Exchange(step, tuple(self._answers(step)))
            yield exchange
            if exchange.answers[-1].code and not step.refused:
                return

    def _answers(self, step: Step) -> Iterator[Answer]:
        began, last = self.clock(), None
        params = self.names.filled(step.params)
        while True:
            self.sends(step, params)
            since = round(self.clock() - began, 1)
            answer, ended = self._asked(step, params, since)
            if last is None or not last.says(answer):
                yield answer
                last = answer
            if ended or since >= step.seconds:
                return
            self.sleep(pause(since))

    def _asked(self, step: Step, params: Mapping[str, Any], seconds: float) -> tuple[Answer, bool]:
        """Return an answer, and whether it is the one that is waited for."""
        client = self.client(step.service)
        method = xform_name(step.operation)
        try:
            with signed_earlier(client, step.signed_seconds_ago):
                if step.pages:
                    found = client.get_paginator(method).paginate(**params).build_full_result()
                else:
                    found = getattr(client, method)(**params)
        except ClientError as error:
            told = error.response.get("Error", {})
            text = self.names.hidden(told.get("Message", ""))
            return Answer(told.get("Code", ""), text, seconds=seconds), not step.until or _DENIED in text
        except BotoCoreError:
            with calling(step.operation, "of the experiment"):
                raise
        seen = decoded({name: one for name, one in found.items() if name != "ResponseMetadata"})
        for name, path in step.keeps.items():
            self.names.keep(name, str(self._search(path, seen)))
        shown = {name: self.names.hidden(self._search(path, seen)) for name, path in step.shows.items()}
        return Answer(shown=shown, seconds=seconds), not step.until or bool(self._search(step.until, seen))

    def _search(self, path: str, seen: object) -> object:
        try:
            return jmespath.search(self.names.filled(path), seen)
        except JMESPathError:
            # The answer has another shape than the path expects.
            return None
