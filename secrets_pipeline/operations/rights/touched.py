"""Find out what stacks and the operator's settings touch, by the role that touches it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from secrets_pipeline.aws.session import partition_of
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.rights.model import Touched
from secrets_pipeline.operations.rights.of_settings import Identity, of_settings, own_identities
from secrets_pipeline.operations.rights.of_stack import Kind, of_referred, of_stack, referred, regions_of


def touched(
    specs: Iterable[StackSpec], settings: OperatorSettings, known: Mapping[str, StackSpec], own_account: str = "*"
) -> list[Touched]:
    """What each role of the pipeline touches, the pipeline's own credentials first.

    Args:
        specs: the stacks.
        settings: the operator's.
        known: every stack of the repository, as some refer to others.
        own_account: of the pipeline's own credentials, where neither stacks nor settings say it.

    Raises:
        SpecError: if nobody says in which account a stack lives.
    """
    chosen = list(specs)
    if not chosen:
        return []
    stacks: dict[Identity, list[StackSpec]] = defaultdict(list)
    regions: dict[Identity, set[str]] = defaultdict(set)
    parts: list[tuple[Identity, Kind]] = []
    for spec in chosen:
        stacks[_identity(spec)].append(spec)
        regions[_identity(spec)].update(regions_of(spec))
        parts += [(_identity(spec), part) for part in of_stack(spec, settings)]
        for other in referred(spec, known):
            regions[_identity(other)].add(other.target.region)
            parts += [(_identity(other), part) for part in of_referred(other, settings)]
    arns: dict[Identity, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    partition = partition_of(chosen[0].target.region)
    roles = [one.role_arn for one in regions if one.role_arn]
    for own in own_identities(settings, regions, own_account):
        parts += of_settings(settings, chosen, own, roles)
    for identity, (kind, found) in parts:
        arns[identity][kind] += found
    boundary = settings.permissions_boundary
    return [
        Touched(
            account_id=identity.account_id,
            partition=partition,
            role_arn=identity.role_arn,
            stacks=tuple(sorted(spec.stack for spec in stacks[identity])),
            regions=tuple(sorted(regions[identity])),
            boundary=f"arn:{partition}:iam::{identity.account_id}:policy/{boundary}" if boundary else None,
            fingerprint_key=settings.fingerprint_key,
            seal_key=settings.seal_key,
            arns={kind: tuple(dict.fromkeys(one)) for kind, one in found.items() if one},
        )
        for identity, found in sorted(arns.items(), key=lambda one: (one[0].role_arn or "", one[0].account_id))
    ]


def _identity(spec: StackSpec) -> Identity:
    if spec.target.account_id is None:
        raise SpecError(
            f"nobody says in which account stack {spec.stack} lives",
            remedy="Name account_id in a rule under targets of the operator's settings.",
        )
    return Identity(spec.target.role_arn, spec.target.account_id)
