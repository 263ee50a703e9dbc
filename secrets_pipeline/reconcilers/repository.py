"""Say what the stacks of a repository declare, for those few who ask about others than their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from secrets_pipeline.desired.kms_key.model import TerraformKey
from secrets_pipeline.desired.repository_index import RepositoryIndex
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import Leaf
from secrets_pipeline.reconcilers.marks.secret_mark import Owner
from secrets_pipeline.references.model import Expression

ReadLeaf = Callable[[str, str, Leaf], Expression]
"""(stack, component, leaf of a declared value) → what the YAML says; called only to compare or write."""


@dataclass(frozen=True, eq=False)
class Repository:
    """What a repository declares.

    Attributes:
        specs: desired state by stack, of those without errors; each may be read when it is asked for.
        read_leaf: reads what a leaf of the desired state points at.
        read_file: reads a file inside the repository's base path.
        read_state: reads a local state of Terraform inside the base path, at most so many bytes; None if there is none.
        environment: an environment variable that the operator allows, or None.
        is_complete: whether every stack and every import of `atmos.yaml` is read; others may declare more.
        id: which marks name; empty where nobody said one.
        terraform_keys: KMS keys that components declare for Terraform alone.
        known: the index that somebody else made of all stacks; None has it made of `specs`.
    """

    specs: Mapping[str, StackSpec]
    read_leaf: ReadLeaf
    read_file: Callable[[str], str]
    read_state: Callable[[str, int], bytes | None]
    environment: Callable[[str], str | None]
    is_complete: bool = True
    id: str = ""
    terraform_keys: tuple[TerraformKey, ...] = ()
    known: RepositoryIndex | None = None

    @cached_property
    def index(self) -> RepositoryIndex:
        """Return what all stacks declare, by name."""
        return self.known or RepositoryIndex.of(self.specs, self.terraform_keys)

    def may_take(self, owner: Owner, declares: Callable[[StackSpec], bool]) -> bool:
        """Whether the operator may hand over what the mark of another stack holds: it is not that stack's any more.

        Of another repository nothing is known, so that naming the thing has to do; what a repository with an id has
        marked is not taken by one without.

        Args:
            owner: whom the mark names.
            declares: whether a stack of this repository declares the thing.
        """
        if self.is_another(owner.repository):
            return bool(self.id)
        # A stack with errors may be the one, or declare the thing.
        return self.is_complete and not (owner.stack in self.specs and declares(self.specs[owner.stack]))

    def is_another(self, repository: str) -> bool:
        """Whether a mark or note that names `repository` is another repository's; an empty one names none."""
        return repository not in ("", self.id)
