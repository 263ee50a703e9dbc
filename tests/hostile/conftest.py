"""The estate of others, made once for a file of tests, and who watches over it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from tests.embedded import lead_to
from tests.hostile.attempt import Attempt, differences
from tests.hostile.cases import Case
from tests.hostile.estate import AWAY, CANARIES, OTHERS, Estate, made
from tests.hostile.snapshot import World, snapshot

_OWN = re.compile(
    r"secret (evil/dev|App/Prod)/.*|parameter /secrets-pipeline/(evil[-/]dev|App[-/]Prod)/.*"
    r"|alias alias/(secrets/)?evil.*|key evil-dev .*|function evil|service shop/evil|task definition evil:\d+|role evil"
    r"|secret late/prod/.*|parameter /secrets-pipeline/late[-/]prod/.*|alias alias/late-prod|key late-prod .*"
)
"""What is the author's: names below the stack's own, and what bears the stack's name in its owner's tag.

Stack `late-prod` stands beside one manifest of the corpus: it makes what is its own.

Atmos looks for the outputs of stack `evil-dev` below `evil/dev`.
"""


class Watch:
    """Looks whether anything of others changed, or got out.

    Attributes:
        canaries: texts that nobody but their owners may see, each with what it is.
    """

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._client = cache(estate.session.client)
        self._away = cache(estate.away().client)
        self._quiet: dict[str, Mapping[str, object]] = {}
        self._before = self._seen()
        self._first = self._before
        self._away_at_first = snapshot(self._away, {})
        values = {
            f"value of {name}": json.loads(text)[2] for name, text in self._before.items() if name[:7] == "secret "
        }
        self.canaries = {text: name for name, some in values.items() for text in some.values()}
        self.canaries |= {text: name for name, text in CANARIES.items()} | {estate.aws.secret_access_key: "AWS's keys"}

    def judge(self, made: Attempt) -> None:
        """Fail where anything outside of the author's own names was written, or a canary was seen."""
        assert not self.canaries_in(made.text)
        if not made.writes:
            return
        assert not [call for call in made.writes if AWAY in call]
        after = self._seen()
        before, self._before = self._before, self._cleared(after)
        assert not [one for one in differences(before, after) if not _own(one)]
        assert not [name for name in after if _OWN.fullmatch(name) and self.canaries_in(after[name])]

    def unharmed(self) -> list[str]:
        """What is not as it was when the estate had just been made, but for what is the author's."""
        away = differences(self._away_at_first, snapshot(self._away, {}))
        return away + [one for one in differences(self._first, self._seen()) if not _own(one)]

    def anew(self) -> None:
        """Let things be as they are now."""
        self._before = self._seen()

    def touched(self) -> list[str]:
        """Names of what is not as it was and not the author's; what the author made is deleted."""
        after = self._seen()
        before, self._before = self._before, self._cleared(after)
        return [one.partition(":\n")[0] for one in differences(before, after) if not _own(one)]

    def undisturbed(self, desired: OpenRepository, key: str) -> None:
        """Fail where stacks of others are not read as in a repository without the author's."""
        if key not in self._quiet:
            folder = Case("", **_NOTHING).write(Path(os.environ["SECRETS_PIPELINE_CONFIG"]).parent / "quiet", OTHERS)
            (folder / "stacks" / "evil-dev.yaml").unlink()
            self._quiet[key] = _specs(open_repository(folder))
        assert _specs(desired) == self._quiet[key]

    def _seen(self) -> World:
        return snapshot(self._client, {"victim-db": ("boss", CANARIES["database"])})

    def canaries_in(self, text: str) -> list[str]:
        """What a text holds that nobody but its owner may see."""
        return [name for canary, name in self.canaries.items() if canary in text]

    def _cleared(self, after: World) -> World:
        """Delete what the author made, so that the next one begins anew; what is there then."""
        gone = set()
        for name in after.keys() - self._first.keys():
            kind, _, thing = name.partition(" ")
            if kind == "secret":
                self._client("secretsmanager").delete_secret(SecretId=thing, ForceDeleteWithoutRecovery=True)
            elif kind == "parameter":
                self._client("ssm").delete_parameter(Name=thing)
            elif kind == "alias":
                self._client("kms").delete_alias(AliasName=thing)
            else:
                continue
            gone.add(name)
        return {name: text for name, text in after.items() if name not in gone}


def _own(difference: str) -> bool:
    return _OWN.fullmatch(difference.partition(":\n")[0]) is not None


_NOTHING: Any = {"end": "harmless", "says": "", "attack": ""}


def _specs(desired: OpenRepository) -> dict[str, object]:
    """The desired state of the others; that a name is contested is said to both, and stops the second alone."""
    return {name: desired.specs[name].model_dump(exclude={"contested"}) for name in OTHERS}


@pytest.fixture(scope="module")
def estate(aws: emulator.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """What others own on the embedded AWS."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("ATMOS_", "SECRETS_PIPELINE_", "DAGSTER_"))]:
            patch.delenv(name)
        lead_to(aws, patch, **{name: CANARIES[name] for name in ("ATMOS_GITHUB_TOKEN", "DEPLOY_TOKEN", "TENANT")})
        yield made(aws, tmp_path_factory.mktemp("others"), patch)


@pytest.fixture(scope="module")
def watch(estate: Estate) -> Watch:
    """Looks whether anything of others changed, or got out."""
    return Watch(estate)
