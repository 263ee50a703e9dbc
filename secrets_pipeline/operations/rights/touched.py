"""Find out what stacks and the operator's settings touch, by the role that touches it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from secrets_pipeline.aws.session import partition_of
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.rights.model import Touched
from secrets_pipeline.operations.rights.of_settings import Identity, of_settings
from secrets_pipeline.operations.rights.of_stack import of_stack, regions_of


def touched(specs: Iterable[StackSpec], settings: OperatorSettings, known: Mapping[str, StackSpec]) -> list[Touched]:
    """What each role of the pipeline touches, the pipeline's own credentials first.

    Args:
        specs: the stacks.
        settings: the operator's.
        known: every stack of the repository, as some refer to others.

    Raises:
        SpecError: if nobody says in which account a stack lives.
    """
    chosen = list(specs)
    stacks: dict[Identity, list[StackSpec]] = defaultdict(list)
    for spec in chosen:
        stacks[_identity(spec)].append(spec)
    own = next((one for one in stacks if one.role_arn is None), Identity(None, "*"))
    arns: dict[Identity, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    partition = partition_of(chosen[0].target.region) if chosen else "aws"
    parts = [
        *(
            (identity, part)
            for identity, each in stacks.items()
            for spec in each
            for part in of_stack(spec, settings, known)
        ),
        *of_settings(settings, chosen, own, partition),
    ]
    for identity, (kind, found) in parts:
        arns[identity][kind] += found
    order = sorted(arns, key=lambda one: (one.role_arn is not None, one.account_id, one.role_arn or ""))
    return [_of_role(identity, stacks[identity], settings, partition, arns[identity]) for identity in order]


def _identity(spec: StackSpec) -> Identity:
    if spec.target.account_id is None:
        raise SpecError(
            f"nobody says in which account stack {spec.stack} lives",
            remedy="Name account_id in a rule under targets of the operator's settings.",
        )
    return Identity(spec.target.role_arn, spec.target.account_id)


def _of_role(
    identity: Identity,
    stacks: Iterable[StackSpec],
    settings: OperatorSettings,
    partition: str,
    arns: Mapping[str, Iterable[str]],
) -> Touched:
    boundary = settings.permissions_boundary
    return Touched(
        account_id=identity.account_id,
        partition=partition,
        role_arn=identity.role_arn,
        stacks=tuple(sorted(spec.stack for spec in stacks)),
        regions=tuple(sorted({region for spec in stacks for region in regions_of(spec)})),
        boundary=f"arn:{partition}:iam::{identity.account_id}:policy/{boundary}" if boundary else None,
        fingerprint_key=settings.fingerprint_key,
        seal_key=settings.seal_key,
        arns={kind: tuple(dict.fromkeys(found)) for kind, found in arns.items() if found},
    )
