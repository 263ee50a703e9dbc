"""Find by their tags and parameters the stacks that left something in an account and region; it only reads.

What is found is nominated: whether it is ours, its mark proves when it is planned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from secrets_pipeline.desired.names import PUBLISHED_PREFIX, store_place
from secrets_pipeline.errors import AwsError, GuardError, Lines
from secrets_pipeline.operations.decommission.places import Place, Places
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS
from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory
from secrets_pipeline.reconcilers.observed.kms_keys import KeyInventory
from secrets_pipeline.reconcilers.observed.parameters import parameters_below
from secrets_pipeline.reconcilers.observed.secrets import tagged_secrets
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY, STACK

_Named = tuple[str, str]
"""Stack and repository, as a tag says them; the repository may be empty."""
_NOTE = "repository"


@dataclass(frozen=True)
class Found:
    """What carries the marks of a repository in one account and region.

    Attributes:
        place: where.
        stacks: names of stacks that may be this repository's.
        others: how much names another repository, by its id.
        unseen: what could not be read, and why; a sentence each.
    """

    place: Place
    stacks: frozenset[str]
    others: Counter[str] = field(default_factory=Counter)
    unseen: tuple[str, ...] = ()


def refuse_unseen(places: Places, found: Sequence[Found]) -> None:
    """Refuse to say what is left where nothing at all could be read, of any account and region.

    Raises:
        GuardError: with why not.
    """
    if all(len(one.unseen) == len(_READERS) for one in found):
        why = [*places.unseen, *(text for one in found for text in one.unseen)]
        raise GuardError(
            Lines.of("nothing could be looked at:", *(why or ["no account and region is named"]), between="\n  "),
            remedy="Mend that, or name others with --account and --region.",
        )


def find_stacks(place: Place, repository: str) -> Found:
    """Read the tags of secrets, keys and databases, and the names of published parameters.

    Args:
        place: where.
        repository: id of the repository; empty where it has none.
    """
    stacks: set[str] = set()
    others: Counter[str] = Counter()
    unseen: list[str] = []
    for what, read in _READERS.items():
        try:
            for stack, named in read(place):
                if named in ("", repository):
                    stacks.add(stack)
                else:
                    others[named] += 1
        except AwsError as error:
            if not error.denied:
                raise
            unseen.append(f"{what} of {place}: {error.message}")
    return Found(place, frozenset(stacks), others, tuple(unseen))


def _secrets(place: Place) -> Iterator[_Named]:
    for state in tagged_secrets(place.account):
        if not state.is_replica:
            yield state.tags[STACK], state.tags.get(REPOSITORY, "")


def _keys(place: Place) -> Iterator[_Named]:
    inventory = KeyInventory(place.account)
    for key_id, tags in inventory.carrying(ALIAS)[0].items():
        about = inventory.about(key_id)
        if STACK in tags and (about is None or about.deleted_at is None):
            yield tags[STACK], tags.get(REPOSITORY, "")


def _parameters(place: Place) -> Iterator[_Named]:
    entries = parameters_below(place.account, PUBLISHED_PREFIX)
    # Copies that lie where Atmos looks for them are the stack's that their note names, whatever folder they are in.
    copies = tuple(name.removesuffix("stack") for name, text in entries.items() if store_place(text) == name)
    holders = dict[str, str]()
    for name, text in entries.items():
        stack, _, rest = name.removeprefix(f"{PUBLISHED_PREFIX}/").partition("/")
        if not name.startswith(copies):
            holders[stack] = text if rest == _NOTE else holders.get(stack, "")
    yield from holders.items()


def _databases(place: Place) -> Iterator[_Named]:
    inventory = DatabaseInventory(place.account)
    for state in (*inventory.instances().values(), *inventory.clusters().values()):
        if STACK in state.tags:
            yield state.tags[STACK], state.tags.get(REPOSITORY, "")


_READERS: dict[str, Callable[[Place], Iterator[_Named]]] = {
    "secrets": _secrets,
    "KMS keys": _keys,
    "parameters": _parameters,
    "databases": _databases,
}
