"""Index what the stacks of a repository declare, by name, so that one stack can be judged without reading the others.

It holds names of stacks, components, secrets, keys, databases and functions, accounts, regions and manifests. Nothing
that a manifest writes as a value is in it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self

from secrets_pipeline.desired.boundary import Contested, ContestedKind
from secrets_pipeline.desired.kms_key.model import TerraformKey

if TYPE_CHECKING:
    from secrets_pipeline.desired.base import Target
    from secrets_pipeline.desired.reading.ours import Ours
    from secrets_pipeline.desired.stack import StackSpec

VERSION: Final = 1
"""Of the tables."""
_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE repository (reads_references INTEGER);
CREATE TABLE stacks (
    name TEXT PRIMARY KEY, readable INTEGER, declares INTEGER, retired INTEGER, account TEXT, region TEXT, digest TEXT,
    contested TEXT, contested_outputs TEXT
) WITHOUT ROWID;
CREATE TABLE manifests (stack TEXT, file TEXT, PRIMARY KEY (stack, file)) WITHOUT ROWID;
CREATE TABLE components (
    stack TEXT, position INTEGER, name TEXT, kind TEXT, PRIMARY KEY (stack, position)
) WITHOUT ROWID;
CREATE TABLE names (kind TEXT, name TEXT, stack TEXT, PRIMARY KEY (kind, name, stack)) WITHOUT ROWID;
CREATE TABLE used_keys (region TEXT, key TEXT, PRIMARY KEY (region, key)) WITHOUT ROWID;
CREATE TABLE terraform_keys (position INTEGER PRIMARY KEY, stack TEXT, component TEXT, alias TEXT);
CREATE TABLE notices (position INTEGER, stack TEXT, said TEXT);
"""
_INSERTS: Final = {
    "repository": "INSERT INTO repository VALUES (?)",
    "stacks": "INSERT INTO stacks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "manifests": "INSERT INTO manifests VALUES (?, ?)",
    "components": "INSERT INTO components VALUES (?, ?, ?, ?)",
    "names": "INSERT OR IGNORE INTO names VALUES (?, ?, ?)",
    "used_keys": "INSERT OR IGNORE INTO used_keys VALUES (?, ?)",
    "terraform_keys": "INSERT INTO terraform_keys VALUES (?, ?, ?, ?)",
    "notices": "INSERT INTO notices VALUES (?, ?, ?)",
}


@dataclass(frozen=True, slots=True)
class Conclusions:
    """Results of a reading of all stacks that a reading of one stack cannot compute.

    Attributes:
        manifests: the top-level manifests of each stack, relative to the base path.
        ours: the components of each stack that are this project's affair, with their kinds.
        reads_references: whether `${…}` is a reference in a component that does not say so.
        notices: notice → the stacks that it concerns; None for all.
    """

    manifests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ours: Ours = field(default_factory=dict)
    reads_references: bool = False
    notices: Mapping[str, frozenset[str] | None] = field(default_factory=dict)


class RepositoryIndex:
    """Answers what stacks declare. Several threads may ask.

    Args:
        connection: to a database with the tables of an index, which several threads may use.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = Lock()

    @classmethod
    def of(
        cls,
        specs: Mapping[str, StackSpec],
        terraform_keys: Iterable[TerraformKey] = (),
        *,
        conclusions: Conclusions | None = None,
        unreadable: Iterable[str] = (),
        digests: Mapping[str, str] | None = None,
        file: Path | None = None,
    ) -> Self:
        """Make an index of a reading.

        Args:
            specs: the desired state of each stack without errors.
            terraform_keys: KMS keys that components declare for Terraform alone.
            conclusions: what only a reading of all stacks can tell; needed to read one stack alone.
            unreadable: names of stacks with errors, `""` for an error that belongs to no stack.
            digests: stack → digest of its desired state; needed to read one stack alone.
            file: where it is written, which does not exist yet; None for memory.
        """
        connection = sqlite3.connect(":memory:" if file is None else file, check_same_thread=False)
        with connection:
            connection.executescript(_TABLES)
            concluded = conclusions or Conclusions()
            rows = _Rows(specs, concluded, frozenset(unreadable), digests or {})
            for table, found in rows.of_tables(terraform_keys).items():
                connection.executemany(_INSERTS[table], found)
        return cls(connection)

    @classmethod
    def open(cls, file: Path) -> Self:
        """Open an index that was written to a file, which nobody changes while it is used.

        Raises:
            sqlite3.Error: if it is none.
        """
        uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        return cls(sqlite3.connect(uri, uri=True, check_same_thread=False))

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    # stacks

    def names(self) -> tuple[str, ...]:
        """List the stacks that could be read, sorted."""
        return tuple(name for (name,) in self._rows("SELECT name FROM stacks WHERE readable ORDER BY name"))

    def declaring(self) -> tuple[str, ...]:
        """List the stacks that have a desired state, sorted."""
        return tuple(name for (name,) in self._rows("SELECT name FROM stacks WHERE declares ORDER BY name"))

    def declares(self, stack: str) -> bool:
        """Whether a stack has a desired state."""
        return self._row("SELECT 1 FROM stacks WHERE declares AND name = :stack", stack=stack) is not None

    def digest(self, stack: str) -> str:
        """Return the digest of a stack's desired state; empty for a stack that has none."""
        row = self._row("SELECT digest FROM stacks WHERE declares AND name = :stack", stack=stack)
        return "" if row is None else str(row[0])

    def places(self, *, retired: bool = True) -> frozenset[tuple[str | None, str]]:
        """List the accounts and regions in which stacks live.

        Args:
            retired: whether stacks count that declare nothing any more.
        """
        told = "SELECT DISTINCT account, region FROM stacks WHERE declares"
        return frozenset((row[0], row[1]) for row in self._rows(told if retired else f"{told} AND NOT retired"))

    # names

    def stack_with(self, kind: ContestedKind, name: str, target: Target | None = None) -> str | None:
        """Name a stack that declares something of a name; None for none.

        Args:
            kind: of the resource.
            name: its name in AWS.
            target: only stacks of this region, in an account that may be this one; None for stacks anywhere.
        """
        row = self._row(
            "SELECT stacks.name FROM names JOIN stacks ON stacks.name = names.stack "
            "WHERE names.kind = :kind AND names.name = :name "
            "AND (:region IS NULL OR (stacks.region = :region "
            "AND (stacks.account IS NULL OR :account IS NULL OR stacks.account = :account))) ORDER BY names.stack",
            kind=kind.value,
            name=name,
            region=None if target is None else target.region,
            account=None if target is None else target.account_id,
        )
        return None if row is None else str(row[0])

    def used_keys(self, region: str) -> frozenset[str]:
        """List the KMS keys, as they are named, under which secrets, replicas and databases of a region are to be."""
        rows = self._rows("SELECT key FROM used_keys WHERE region = :region", region=region)
        return frozenset(key for (key,) in rows)

    def terraform_key(self, alias: str, stack: str, target: Target) -> TerraformKey | None:
        """Find the component, Terraform's alone, that declares a key which this project made once; None for none.

        Args:
            alias: that the key was made for.
            stack: for which it was made.
            target: where it is. A stack that declares nothing else may live anywhere.
        """
        row = self._row(
            "SELECT k.stack, k.component, k.alias FROM terraform_keys AS k "
            "LEFT JOIN stacks ON stacks.name = k.stack AND stacks.declares "
            "WHERE CASE WHEN k.alias IS NULL THEN k.stack = :stack ELSE k.alias = :alias END "
            "AND (stacks.name IS NULL OR (stacks.region = :region "
            "AND (stacks.account IS NULL OR :account IS NULL OR stacks.account = :account))) ORDER BY k.position",
            alias=alias,
            stack=stack,
            region=target.region,
            account=target.account_id,
        )
        return None if row is None else TerraformKey(*row)

    # conclusions

    @property
    def reads_references(self) -> bool:
        """Whether `${…}` is a reference in a component that does not say so."""
        return self._row("SELECT 1 FROM repository WHERE reads_references") is not None

    def manifests(self, stack: str) -> tuple[str, ...]:
        """List the top-level manifests of a stack."""
        return tuple(file for (file,) in self._rows("SELECT file FROM manifests WHERE stack = :stack", stack=stack))

    def components(self, stack: str) -> dict[str, str]:
        """Return the components of a stack that are this project's affair, with their kinds, in its order."""
        return dict(self._rows("SELECT name, kind FROM components WHERE stack = :stack ORDER BY position", stack=stack))

    def contested(self, stack: str) -> tuple[Contested, ...]:
        """List the names that other stacks declare too."""
        row = self._row("SELECT contested FROM stacks WHERE name = :stack", stack=stack)
        return tuple(map(Contested.model_validate, json.loads(row[0]))) if row and row[0] else ()

    def contested_outputs(self, stack: str) -> tuple[str, ...]:
        """List the components whose outputs Atmos would look for where it looks for those of another stack."""
        row = self._row("SELECT contested_outputs FROM stacks WHERE name = :stack", stack=stack)
        return tuple(json.loads(row[0])) if row and row[0] else ()

    def notices(self, stack: str) -> tuple[str, ...]:
        """List the notices that concern this stack beside others."""
        asked = "SELECT said FROM notices WHERE stack IS NULL OR stack = :stack ORDER BY position"
        return tuple(said for (said,) in self._rows(asked, stack=stack))

    def _row(self, question: str, **about: str | None) -> tuple[Any, ...] | None:
        return next(iter(self._rows(f"{question} LIMIT 1", **about)), None)

    def _rows(self, question: str, **about: str | None) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(question, about).fetchall()


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of the tables."""

    specs: Mapping[str, StackSpec]
    conclusions: Conclusions
    unreadable: frozenset[str]
    digests: Mapping[str, str]

    def of_tables(self, terraform_keys: Iterable[TerraformKey]) -> dict[str, Iterable[tuple[Any, ...]]]:
        specs, known = self.specs.values(), self.conclusions
        return {
            "repository": [(known.reads_references,)],
            "stacks": self._stacks(),
            "manifests": ((stack, file) for stack, files in known.manifests.items() for file in files),
            "components": (
                (stack, position, name, kind)
                for stack, components in known.ours.items()
                for position, (name, kind) in enumerate(components.items())
            ),
            "names": ((kind.value, name, spec.stack) for spec in specs for kind, name in _names(spec)),
            "used_keys": (found for spec in specs for found in _used_keys(spec)),
            "terraform_keys": (
                (position, key.stack, key.component, key.alias) for position, key in enumerate(terraform_keys)
            ),
            "notices": (
                (position, stack, said)
                for position, (said, stacks) in enumerate(known.notices.items())
                for stack in (sorted(stacks) if stacks is not None else (None,))
            ),
        }

    def _stacks(self) -> Iterator[tuple[Any, ...]]:
        nothing = (False, False, None, None, "", "", "")
        for name in self.unreadable:
            yield (name, False, *nothing)
        for name, spec in self.specs.items():
            target, contested = spec.target, [one.model_dump(mode="json") for one in spec.contested]
            yield (
                *(name, True, True, spec.retired, target.account_id, target.region, self.digests.get(name, "")),
                json.dumps(contested) if contested else "",
                json.dumps(spec.contested_outputs) if spec.contested_outputs else "",
            )
        for name in self.conclusions.manifests.keys() - self.specs.keys() - self.unreadable:
            yield (name, True, *nothing)


def _names(spec: StackSpec) -> Iterator[tuple[ContestedKind, str]]:
    for secret in spec.secrets:
        yield ContestedKind.SECRET, secret.name
    for key in spec.keys:
        yield ContestedKind.KEY, key.alias
    for database in spec.databases:
        if database.identifier is not None:
            yield ContestedKind.DATABASE, database.identifier
    if spec.rotation_function is not None:
        yield ContestedKind.FUNCTION, spec.rotation_function.name


def _used_keys(spec: StackSpec) -> Iterator[tuple[str, str]]:
    region = spec.target.region
    for secret in spec.secrets:
        if isinstance(secret.kms_key, str):
            yield region, secret.kms_key
        for replica in secret.replicas:
            if replica.kms_key_id is not None:
                yield replica.region, replica.kms_key_id
    for database in spec.databases:
        if "KmsKeyId" in database.parameters:
            yield region, str(database.parameters["KmsKeyId"])
