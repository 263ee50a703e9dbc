"""Find the database of a component that names no identifier, among those of its account and region; pure.

Three things prove a match: our own mark, an identifier that Terraform's naming conventions give, and the tags of Atmos
or terraform-null-label. Our mark decides, since nobody can forge it. Without one, a database with a tag or an engine
that contradicts the component never matches, and two proven databases match nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.desired.database.model import DatabaseSpec, DatabaseTraits
from secrets_pipeline.desired.value.passwords import family_of
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, STACK

OUR_MARK: Final = "the pipeline's mark"
_NAME: Final = "name"
_ATMOS: Final[Mapping[str, str]] = {"atmosstack": "stack", "atmoscomponent": "component"}
"""Tags with which users of Atmos pass its context on, without case and separators.

Source: https://atmos.tools/core-concepts/stacks/templates (`atmos_stack`, `atmos_component`)
"""
_COMMON: Final = frozenset(
    {"aurora", "cluster", "database", "db", "instance", "main", "mariadb", "mysql", "postgres", "postgresql", "rds"}
)
"""Words of names that say nothing of whose a database is."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A database that may be the component's.

    Attributes:
        state: the database.
        evidence: what makes it a candidate, for example `tag Name=plat-dev-orders`.
        against: what speaks against it, for example `tag Stage=prod`.
    """

    state: DatabaseState
    evidence: tuple[str, ...]
    against: tuple[str, ...] = ()

    def __str__(self) -> str:
        but = f", but {', '.join(self.against)}" if self.against else ""
        return f"{self.state.identifier} ({self.state.engine}; {', '.join(self.evidence)}{but})"


@dataclass(frozen=True, slots=True)
class Search:
    """Result of a search.

    Attributes:
        found: the one database that matches; None for none, or several.
        by: what proves the match, for example `its identifier`; empty if the component names the identifier.
        candidates: databases that may be meant, the likeliest first.
    """

    found: DatabaseState | None = None
    by: str = ""
    candidates: tuple[Candidate, ...] = ()


def search(
    database: DatabaseSpec, databases: Iterable[DatabaseState], is_marked: Callable[[DatabaseState], bool]
) -> Search:
    """Find the database of a component among those of its account and region.

    Args:
        database: as declared; its identifier is ignored.
        databases: instances and clusters; instances of clusters and read replicas are never meant.
        is_marked: whether our mark says that a database is this component's.
    """
    own = (one for one in databases if one.cluster is None and one.replica_of is None)
    meant = [one for one in own if one.identifier not in database.traits.taken]
    judged = [(proof, one) for proof, one in (_judged(database, state) for state in meant) if one is not None]
    ordered = sorted(judged, key=lambda one: (not one[0], len(one[1].against), one[1].state.identifier))
    candidates = tuple(one for _, one in ordered)
    marked = [one for one in meant if is_marked(one)]
    if len(marked) == 1:
        return Search(marked[0], OUR_MARK, candidates)
    proven = [(one.state, proof) for proof, one in judged if proof]
    found, by = proven[0] if len(proven) == 1 and not marked else (None, "")
    return Search(found, by, candidates)


def is_tagged_as(traits: DatabaseTraits, state: DatabaseState) -> bool:
    """Whether tags of ours name the component; without their proof, which anybody who may tag can write."""
    return (state.tags.get(STACK), state.tags.get(COMPONENT)) == (traits.stack, traits.component)


def _judged(database: DatabaseSpec, state: DatabaseState) -> tuple[str, Candidate | None]:
    """Return what proves that the database is the component's, and what makes it a candidate at all."""
    traits = database.traits
    evidence, against = list(_evidence(traits, state)), tuple(_against(database, state))
    proof = "" if against else next((by for by, _ in evidence if by), "")
    told = tuple(dict.fromkeys(text for _, text in evidence))
    return proof, Candidate(state, told, against) if told else None


def _evidence(traits: DatabaseTraits, state: DatabaseState) -> Iterator[tuple[str, str]]:
    """Yield what speaks for a database: what it proves the match by, empty for a mere likeness, and a text."""
    tags = state.tags
    of_atmos = {_ATMOS[key]: value for key, value in _plain_keys(tags).items() if key in _ATMOS}
    if of_atmos == {"stack": traits.stack, "component": traits.component}:
        yield "its tags of Atmos", f"tags of stack {traits.stack}, component {traits.component}"
    if state.identifier in traits.names:
        yield "its identifier", "identifier"
    elif state.identifier in traits.vague_names:
        yield "", "identifier"
    names = {_words(value) for key, value in tags.items() if key.lower() == _NAME}
    labels = {key: tags[key] for key in traits.labels if key in tags}
    agree = {key for key, value in labels.items() if value.lower() in traits.labels[key]}
    shown = [f"tag {key}={tags[key]}" for key in tags if key.lower() == _NAME or key in agree]
    own, told = frozenset(traits.own_words), frozenset(traits.telling_words)
    tells = told <= _words(*(tags[key] for key in agree))
    if own and traits.alone and tells and any(own <= name <= {*traits.words} for name in names):
        yield "its tags", ", ".join(shown)
    likenesses = (
        (own - _COMMON or _words(traits.component) - _COMMON, (_words(state.identifier), *names)),
        (told, (_words(state.identifier, *(tags[key] for key in agree)),)),
    )
    if any(alike and alike <= name for alike, found in likenesses for name in found):
        yield "", ", ".join(shown) or "its name"


def _against(database: DatabaseSpec, state: DatabaseState) -> Iterator[str]:
    traits, tags = database.traits, state.tags
    if tags.get(STACK, traits.stack) != traits.stack:
        yield f"it carries the tag of stack {tags[STACK]}"
    elif tags.get(COMPONENT, traits.component) != traits.component:
        yield f"it carries the tag of component {tags[COMPONENT]}"
    for key, value in tags.items():
        if key in traits.labels and value.lower() not in traits.labels[key]:
            yield f"tag {key}={value}"
        attribute = _ATMOS.get(_plain(key))
        if attribute is not None and value != getattr(traits, attribute):
            yield f"tag {key}={value}"
    if database.engine_known and family_of(state.engine) != family_of(database.engine):
        yield f"the component says engine {database.engine}"


def _plain_keys(tags: Mapping[str, str]) -> dict[str, str]:
    return {_plain(key): value for key, value in tags.items()}


def _plain(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower()))
