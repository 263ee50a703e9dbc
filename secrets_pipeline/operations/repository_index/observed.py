"""Say what a reading of a repository depends on, and what all of that is now.

A digest of it is compared, and kept nowhere: manifests may hold weak passwords.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from secrets_pipeline import __version__
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, config_environment, plain_environment
from secrets_pipeline.operations.repository_id import origin_of
from secrets_pipeline.operations.revision.commits import head
from secrets_pipeline.operations.revision.model import COMMIT_VARIABLE
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.readable import tracks

if TYPE_CHECKING:
    from secrets_pipeline.desired.settings.operator import OperatorSettings
    from secrets_pipeline.operations.repository_cache import Place

_QUESTIONS: Final[Mapping[str, Callable[[Any], object]]] = {
    "file": os.path.isfile,
    "folder": os.path.isdir,
    "link": os.path.islink,
    "exists": os.path.exists,
    "real": disk.links_followed,
    "entries": disk.listing,
    "tracks": tracks,
    "head": head,
    "origin": origin_of,
}
"""Questions to the file system, other than reading a file, by their names in an index."""
_WORDS: Final = {question: word for word, question in _QUESTIONS.items()}


class UnrepeatableError(Exception):
    """A reading depends on what another process cannot ask again."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The questions of a reading, without the answers.

    Attributes:
        questions: name of a question, and its argument.
        files: absolute paths of the files that were read.
    """

    questions: tuple[tuple[str, Hashable], ...]
    files: tuple[str, ...]

    @classmethod
    def by(cls, seen: disk.Seen) -> Self:
        """Return what a reading asked.

        Raises:
            UnrepeatableError: if it asked a clock, chance or a command.
        """
        asked = list(seen.answers)
        if not seen.repeatable or seen.torn or any(question not in _WORDS for question, _ in asked):
            raise UnrepeatableError
        return cls(tuple((_WORDS[question], about) for question, about in asked), tuple(seen.contents))

    @classmethod
    def of_json(cls, document: Any) -> Self:  # noqa: ANN401 - of an index that is not proven yet
        """Return what `as_json` gave."""
        questions = tuple((word, tuple(about) if isinstance(about, list) else about) for word, about in document[0])
        return cls(questions, tuple(document[1]))

    @property
    def as_json(self) -> tuple[object, ...]:
        """Return it as JSON takes it."""
        return self.questions, self.files

    def answered(self, seen: disk.Seen) -> Iterator[object]:
        """Yield the answers that a reading was given, in order."""
        yield from (seen.answers[_QUESTIONS[word], about] for word, about in self.questions)
        yield from (seen.contents[file].digest for file in self.files)

    def answers(self) -> Iterator[object]:
        """Yield the answers of now, in order."""
        yield from (_QUESTIONS[word](about) for word, about in self.questions)
        yield from map(disk.digest_now, self.files)


def basis(place: Place, settings: OperatorSettings, answers: Iterable[object]) -> str:
    """Digest all that the stacks of a repository were made from. Equal digests mean equal stacks.

    Args:
        place: where the repository is.
        settings: the operator's.
        answers: of the file system, in the order of the questions.
    """
    environment = plain_environment(settings), config_environment(place.base_path, place.called)
    named = str(place.settings_file or os.environ.get(CONFIG_VARIABLE))
    commit = place.commit or os.environ.get(COMMIT_VARIABLE, "")
    given = [__version__, str(place.base_path.absolute()), str(place.called), commit, named, *environment]
    digest = hashlib.sha256(json.dumps([*given, settings.model_dump_json()], sort_keys=True).encode())
    for answer in answers:
        text = repr(answer).encode(errors="backslashreplace")
        digest.update(len(text).to_bytes(8) + text)
    return digest.hexdigest()
