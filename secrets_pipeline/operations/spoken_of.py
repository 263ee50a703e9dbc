"""Tell which secrets of a stack a finding speaks of, by the resource that it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from secrets_pipeline.desired.followers import value_outputs
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.finding import RESOURCE_COLUMNS, Finding


class SpokenOf:
    """Finds the secrets of one stack that findings speak of.

    A secret is spoken of under its own name, and under those of its KMS key, its database and the function that rotates
    it. A finding about the stack speaks of all its secrets.

    Args:
        spec: the stack.
    """

    def __init__(self, spec: StackSpec) -> None:
        self._secrets: dict[str, set[str]] = defaultdict(set)
        self._rendered: dict[str, set[str]] = defaultdict(set)
        identifiers = {one.component: one.name for one in spec.databases}
        for database in spec.databases:
            if database.password is not None and spec.has(database.password):
                self._secrets[database.name].add(spec.secret(database.password).name)
        for secret in spec.secrets:
            key, rotation = spec.key_of(secret), secret.rotation
            known_as = [spec.stack, secret.name, *([key.alias] if key else [])]
            if rotation is not None and rotation.managed and spec.rotation_function is not None:
                known_as.append(spec.rotation_function.name)
            own = (one.component for one in value_outputs(secret) if one.stack in (None, spec.stack))
            known_as += [identifiers[component] for component in own if component in identifiers]
            for name in known_as:
                self._secrets[name].add(secret.name)
            for ref in secret.depends_on:
                if spec.has(ref):
                    self._rendered[spec.secret(ref).name].add(secret.name)

    def of(self, finding: Finding) -> frozenset[str]:
        """Return the names of the secrets that a finding speaks of."""
        named = [finding.name, *(finding.columns.get(column, "") for column in RESOURCE_COLUMNS)]
        return frozenset(secret for name in named for secret in self._secrets.get(name, ()))

    def with_rendered(self, secrets: Iterable[str]) -> frozenset[str]:
        """Return the secrets, and those of the stack whose values are rendered from them."""
        found = list(dict.fromkeys(secrets))
        for name in found:
            found += sorted(one for one in self._rendered.get(name, ()) if one not in found)
        return frozenset(found)
