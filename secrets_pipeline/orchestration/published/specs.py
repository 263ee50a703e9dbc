"""Define an external asset for each published secret; its code reference is the line of YAML that declares it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import dagster as dg

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.orchestration.pages.declared import References, word
from secrets_pipeline.orchestration.provisioning.options import STACK_REPORT
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.publish import Publish, published_key

GROUP: Final = "published"
MOST: Final = 3_000
"""Assets: each is in the memory of every process that loads the code location, and in each of its snapshots."""
_SEVERAL: Final = "several"
_MOST_NAMED = 3


def published_specs(names: Names, publish: Publish, desired: OpenRepository | None) -> Sequence[dg.AssetSpec]:
    """Define the assets of the secrets that are published: of more than `MOST` the first by name, with a warning.

    Args:
        names: of the code location.
        publish: says which secrets are.
        desired: what is declared as the code location loads; None if that cannot be read.
    """
    if not publish or desired is None:
        return []
    homes: dict[dg.AssetKey, list[tuple[str, SecretSpec]]] = defaultdict(list)
    for stack, spec in sorted(desired.specs.items()):
        for secret in spec.secrets:
            if publish.includes(secret.name):
                homes[published_key(names, secret.name)].append((stack, secret))
    first = sorted(homes.items())[:MOST]
    if len(homes) > MOST:
        # An error here would take every sensor and alert of the code location with it.
        logging.getLogger(__name__).warning("%s", _too_many(publish, len(homes), first[-1][0]))
    references = References(desired)
    return [_spec(names, key, declared, references) for key, declared in first]


def _too_many(publish: Publish, count: int, last: dg.AssetKey) -> str:
    globs = ", ".join(publish.globs)
    return (
        f"`publish` matches {count:,} secrets ({globs}), and the first {MOST:,} by name are assets, up to "
        f"{last.to_user_string()}. Name only the secrets that assets of other teams depend on: `publish` of the "
        "component, or SECRETS_PIPELINE_PUBLISH."
    )


def _spec(
    names: Names, key: dg.AssetKey, declared: Sequence[tuple[str, SecretSpec]], references: References
) -> dg.AssetSpec:
    stacks = sorted({stack for stack, _ in declared})
    components = sorted({secret.ref.component for _, secret in declared})
    linked = [one for _, secret in declared if (one := references.of(secret)) is not None]
    return dg.AssetSpec(
        key=key,
        deps=[names.asset(STACK_REPORT)],
        group_name=names.of(GROUP),
        kinds={"aws", "secretsmanager"},
        description=_description(declared, stacks),
        tags={"stack": _one_word(stacks), "component": _one_word(components)},
        metadata={"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=linked)} if linked else {},
    )


def _description(declared: Sequence[tuple[str, SecretSpec]], stacks: Sequence[str]) -> str:
    named = " and ".join(sorted({f"`{secret.name}`" for _, secret in declared}))
    some = ", ".join(stacks[:_MOST_NAMED])
    more = f" and {len(stacks) - _MOST_NAMED} more" if len(stacks) > _MOST_NAMED else ""
    return (
        f"The secret {named} of {'stack' if len(stacks) == 1 else 'stacks'} {some}{more}. Each new version is one "
        "materialization, reported after a run that found the checks of the secret green. Its data version is the id "
        "of the version, never a value."
    )


def _one_word(texts: Sequence[str]) -> str:
    return word(texts[0]) if len(texts) == 1 else _SEVERAL
