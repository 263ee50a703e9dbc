"""Open a repository to do something with one stack: read that one, and look up in an index what the others declare."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from secrets_pipeline import __version__
from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.service_keys import find_key
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.build_alone import build_alone
from secrets_pipeline.desired.limits import REGION
from secrets_pipeline.desired.repository_index import RepositoryIndex
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError, StackError
from secrets_pipeline.operations.open_repository import (
    MANIFESTS,
    OpenRepository,
    open_stacks,
    operator_settings,
    plain_environment,
)
from secrets_pipeline.operations.repository_id import repository_id
from secrets_pipeline.operations.repository_index.observed import Observed, basis
from secrets_pipeline.operations.repository_index.proof import (
    UnusableIndexError,
    fetched_index,
    place_of,
)
from secrets_pipeline.operations.revision.model import Revision
from secrets_pipeline.stacks import StackSource
from secrets_pipeline.values.fingerprint import Fingerprinter

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from secrets_pipeline.operations.repository_cache import Place
    from secrets_pipeline.operations.repository_index.store import IndexStore

_DIGITS: Final = 32
_NOT_OURS: Final = "no fingerprint key of the stack's account and region made it"
_OTHER: Final = "the stacks, the settings or the clone are not those that it was made of"


@dataclass(frozen=True, slots=True)
class Indexes:
    """Where the index of a repository lies, and how it is proven.

    Attributes:
        store: opens the store that the operator's settings name.
        sessions: how accounts are reached.
    """

    store: Callable[[OperatorSettings], IndexStore]
    sessions: Sessions

    def open(self, place: Place, stack: str) -> OpenRepository:
        """Open a repository for one stack; the others are looked up, and read only when a reference names them.

        Args:
            place: where the repository is.
            stack: name of the stack.

        Raises:
            UnusableIndexError: if there is no index of what is there now, if a stack in it had errors, or if it is not
                proven. Read all stacks then; that reading also reports the stack's own errors.
            SpecError: if the operator's settings cannot be read.
        """
        if place.origin != MANIFESTS:
            problem = "the stacks come from a description"
            raise UnusableIndexError(problem)
        settings = operator_settings(place.settings_file)
        try:
            with fetched_index(self.store(settings), index_name(place, settings)) as fetched:
                target = _target(fetched.about, stack, settings)
                derived, where = self._derive_key(settings, stack, target)
                if not any(fetched.is_ours(one, where) for one in derived.values()):
                    raise UnusableIndexError(_NOT_OURS)
                observed = Observed.of_json(fetched.about["observed"])
                made_of = basis(place, settings, observed.answers())
                if not any(fetched.is_current(one, where, made_of) for one in derived.values()):
                    raise UnusableIndexError(_OTHER)
                index = RepositoryIndex.open(fetched.database)
                read_at = Revision(**fetched.about["revision"])
            found = replace(_opened(place, settings, index, stack, read_at), derived=derived)
            # What was read has to be what was proven, also if somebody edited or pulled in between.
            if found.specs[stack].target != target or basis(place, settings, observed.answers()) != made_of:
                raise UnusableIndexError(_OTHER)
        except (SecretsPipelineError, OSError, sqlite3.Error) as error:
            said = error.message if isinstance(error, SecretsPipelineError) else type(error).__name__
            raise UnusableIndexError(said) from None
        return found

    def _derive_key(
        self, settings: OperatorSettings, stack: str, target: Target
    ) -> tuple[Mapping[str, Fingerprinter], str]:
        """The fingerprinter of a place by the ARN of its key, if it has one, and what the place is called."""
        account = self.sessions.for_target(target)
        check_account(account, target, stack=stack)
        kms = account.client("kms")
        key = find_key(kms, settings.fingerprint_key)
        derived = {} if key is None else {key: Fingerprinter.derive(kms, key)}
        return derived, place_of(account.account_id, account.region)


def index_name(place: Place, settings: OperatorSettings) -> str:
    """Name the index of a repository: deployments that differ in folder, version or settings share none."""
    folder = (place.called or place.base_path).absolute()
    named = __version__, str(folder), place.commit, settings.model_dump_json()
    return hashlib.sha256("\n".join(named).encode(errors="surrogateescape")).hexdigest()[:_DIGITS]


def _target(about: Mapping[str, Any], stack: str, settings: OperatorSettings) -> Target:
    """Where the stack lives, as the index says before it is proven, and as whom the operator has it reached."""
    if about.get("complete") is not True:
        problem = "a stack in it has errors"
        raise UnusableIndexError(problem)
    try:
        account, region = about["places"][stack]
        is_region = REGION.fullmatch(region)
        target = Target(account_id=account, region=region)
    except (KeyError, TypeError, ValueError):
        problem = "the stack is not in it"
        raise UnusableIndexError(problem) from None
    if not is_region:
        raise UnusableIndexError(_NOT_OURS)
    rule = settings.target(stack)
    return target if rule is None else target.under(rule)


def _opened(
    place: Place, settings: OperatorSettings, index: RepositoryIndex, stack: str, read_at: Revision
) -> OpenRepository:
    base_path = place.base_path
    source = open_stacks(base_path, settings, called=place.called, index=index)
    specs = _SpecsByName(source, settings, index, base_path)
    return OpenRepository(
        *(source, place.origin, base_path, settings, specs, {}),
        notices=specs.notices(stack),
        repository=repository_id(settings.repository, base_path),
        index=index,
        read_at=read_at,
    )


class _SpecsByName(Mapping[str, StackSpec]):
    """Map each stack to its desired state; a stack is read on first access."""

    def __init__(
        self, source: StackSource, settings: OperatorSettings, index: RepositoryIndex, base_path: Path
    ) -> None:
        self._source = source
        self._settings = settings
        self._index = index
        self._base_path = base_path
        self._found: dict[str, tuple[StackSpec, tuple[str, ...]]] = {}

    def notices(self, name: str) -> tuple[str, ...]:
        """Return the notices of a stack."""
        return self._read(name)[1]

    def __getitem__(self, name: str) -> StackSpec:
        return self._read(name)[0]

    def _read(self, name: str) -> tuple[StackSpec, tuple[str, ...]]:
        if name not in self._found:
            if name not in self:
                raise KeyError(name)
            known = {key: value for key, value in plain_environment(self._settings).items() if value is not None}
            spec, said = build_alone(
                self._source, self._settings, name, self._index, base_path=self._base_path, environment=known
            )
            if spec.digest() != self._index.digest(name):
                raise StackError(
                    f"stack {name} is not as it was when all stacks were read",
                    remedy="Launch a new run, which reads what is there now.",
                )
            self._found[name] = spec, said
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._index.declares(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.declaring())

    def __len__(self) -> int:
        return len(self._index.declaring())
