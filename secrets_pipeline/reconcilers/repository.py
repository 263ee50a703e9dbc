"""Say what the stacks of a repository declare, for those few who ask about others than their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.kms_key.model import TerraformKey
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
        specs: desired state by stack, of those without errors.
        read_leaf: reads what a leaf of the desired state points at.
        read_file: reads a file inside the repository's base path.
        environment: an environment variable that the operator allows, or None.
        is_complete: whether every stack could be read; a broken one may hide secrets that are still declared.
        id: which marks name; empty where nobody said one.
        terraform_keys: KMS keys that components declare for Terraform alone.
    """

    specs: Mapping[str, StackSpec]
    read_leaf: ReadLeaf
    read_file: Callable[[str], str]
    environment: Callable[[str], str | None]
    is_complete: bool = True
    id: str = ""
    terraform_keys: tuple[TerraformKey, ...] = ()

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

    def names_in(self, target: Target) -> frozenset[str]:
        """List the secret names that any stack declares in a region, in an account that may be the same one."""
        return frozenset(secret.name for spec in self._in(target) for secret in spec.secrets)

    def key_aliases_in(self, target: Target) -> frozenset[str]:
        """List the aliases of KMS keys that any stack declares there."""
        return frozenset(key.alias for spec in self._in(target) for key in spec.keys)

    def terraform_key(self, alias: str, stack: str, target: Target) -> TerraformKey | None:
        """Find the component, Terraform's alone, that declares a key which this project made once; None for none.

        Args:
            alias: that the key was made for.
            stack: for which it was made.
            target: where it is. A stack that declares nothing else may live anywhere.
        """
        here = {spec.stack for spec in self._in(target)}
        for key in self.terraform_keys:
            named = key.alias == alias if key.alias is not None else key.stack == stack
            if named and (key.stack in here or key.stack not in self.specs):
                return key
        return None

    def function_stack(self, name: str, target: Target) -> str | None:
        """Name a stack there that declares a managed rotation function of that name; None for none."""
        named = (one for one in self._in(target) if one.rotation_function and one.rotation_function.name == name)
        return next((one.stack for one in named), None)

    def _in(self, target: Target) -> list[StackSpec]:
        return [
            spec
            for spec in self.specs.values()
            if spec.target.region == target.region
            # A stack that names no account may live in this one.
            if None in (spec.target.account_id, target.account_id) or spec.target.account_id == target.account_id
        ]
