"""Say what Terraform has to forget, as `removed` blocks, and what it cannot forget yet.

Sources: https://developer.hashicorp.com/terraform/language/state/remove ("You cannot include instance keys"), Terraform
1.7 and later; https://github.com/opentofu/opentofu/pull/1158 (OpenTofu 1.7: the same without `lifecycle`, which it
refuses) and https://github.com/opentofu/opentofu/pull/2628 (OpenTofu 1.10: with `lifecycle`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.operations.migration.attributes import (
    ALIAS,
    KEY,
    POLICY,
    RANDOM,
    ROTATION,
    SECRET,
    VERSION,
)
from secrets_pipeline.operations.migration.model import MigratedParameter, MigratedSecret
from secrets_pipeline.operations.migration.state import Instance, State

_ORDER: Final = (ROTATION, POLICY, VERSION, SECRET, *RANDOM, ALIAS, KEY)
_WITH_LIFECYCLE: Final = (1, 10)
_LIFECYCLE: Final = "  lifecycle {\n    destroy = false\n  }\n"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What Terraform forgets, and who is in the way.

    Attributes:
        blocks: addresses of resource blocks, without instance keys; what depends on others first.
        resources: the same in each module instance, as `state rm` takes them.
        kept: blocks of `random_password` that something else needs, each with who needs it.
        dependents: blocks that stay and refer to one that goes, directly or through others.
        beside: other blocks of the same modules, which go as well where a module's call is deleted.
        more: instances of these blocks that are not taken over: they are forgotten as well.
    """

    blocks: tuple[str, ...]
    resources: tuple[str, ...]
    kept: tuple[tuple[str, tuple[str, ...]], ...]
    dependents: tuple[str, ...]
    beside: tuple[str, ...]
    more: tuple[str, ...]


def forgetting(state: State, secrets: Iterable[MigratedSecret], *, with_kms: bool = False) -> Forgetting:
    """What Terraform has to forget of some secrets.

    Args:
        state: as read.
        secrets: to be taken over.
        with_kms: whether also the KMS keys of the secrets, and their aliases.
    """
    members = list(secrets)
    gone = [part for one in members for part in (*one.parts, one.instance)]
    if with_kms:
        gone += _keys(state, members)
    blocks = {one.address.config: one.address.type for one in gone}
    users: dict[str, set[str]] = {}
    members_of: dict[str, list[Instance]] = {}
    for one in state.instances:
        members_of.setdefault(one.address.config, []).append(one)
        if one.address.config not in blocks:
            for block in one.depends_on & blocks.keys():
                users.setdefault(block, set()).add(one.address.config)
    kept = [(block, tuple(sorted(users[block]))) for block, kind in blocks.items() if kind in RANDOM and block in users]
    for block, _ in kept:
        del blocks[block]
    ordered = sorted(blocks, key=lambda block: _ORDER.index(blocks[block]))
    instances = [one for block in ordered for one in members_of[block]]
    taken = {one.address for one in gone}
    return Forgetting(
        blocks=tuple(ordered),
        resources=tuple(dict.fromkeys(one.address.resource for one in instances)),
        kept=tuple(kept),
        dependents=tuple(sorted({one for block in blocks for one in users.get(block, ())})),
        beside=tuple(sorted(_beside(state, blocks))),
        more=tuple(str(one.address) for one in instances if one.address not in taken),
    )


def _beside(state: State, blocks: Collection[str]) -> set[str]:
    """The blocks of modules that have some of these, or are called by such a module."""
    modules = {one.address.module for one in state.instances if one.address.config in blocks} - {()}
    return {
        one.address.config
        for one in state.instances
        if one.address.config not in blocks
        and any(one.address.module[: depth + 1] in modules for depth in range(len(one.address.module)))
    }


def removed_blocks(state: State, blocks: Sequence[str]) -> str:
    """The `removed` blocks of some addresses, for a file of the root module."""
    return "\n".join(f"removed {{\n  from = {block}\n{_lifecycle(state)}}}\n" for block in blocks)


def parameter_blocks(parameters: Iterable[MigratedParameter]) -> list[str]:
    """The addresses of the blocks of some parameters."""
    return list(dict.fromkeys(one.instance.address.config for one in parameters))


def _lifecycle(state: State) -> str:
    """OpenTofu before 1.10 refuses the block, and never destroys what is removed."""
    numbers = state.version.split(".")[:2]
    before = state.opentofu and bool(state.version) and tuple(map(int, numbers)) < _WITH_LIFECYCLE
    return "" if before else _LIFECYCLE


def _keys(state: State, secrets: Iterable[MigratedSecret]) -> list[Instance]:
    """The keys that secrets name, in whatever way, with all of their aliases."""
    named = {one.kms_key_id for one in secrets} - {""}
    aliases = state.of(ALIAS)
    targets = {
        one.attributes.text("target_key_id")
        for one in aliases
        if {one.attributes.text("name"), one.attributes.text("arn")} & named
    } | named
    keys = [one for one in state.of(KEY) if {one.attributes.text("arn"), one.attributes.text("key_id")} & targets]
    ids = {one.attributes.text(name) for one in keys for name in ("arn", "key_id")}
    return [*(one for one in aliases if one.attributes.text("target_key_id") in ids), *keys]
