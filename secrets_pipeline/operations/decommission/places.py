"""Find the accounts and regions that the operator's targets and the stacks of a repository reach."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError

_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html"""


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region that is looked at.

    Attributes:
        target: as whom it is reached; it names the account where the operator or a stack does.
        account: open, its account known.
    """

    target: Target
    account: AwsAccount

    @property
    def key(self) -> tuple[str, str]:
        """Account and region."""
        return self.account.account_id, self.account.region

    def __str__(self) -> str:
        return f"{self.account.account_id} {self.account.region}"


@dataclass(frozen=True, slots=True)
class Places:
    """What can be looked at, and what cannot.

    Attributes:
        seen: each account and region once.
        unseen: what is not looked at, and why; a sentence each.
    """

    seen: tuple[Place, ...]
    unseen: tuple[str, ...]


def places_of(
    specs: Mapping[str, StackSpec],
    settings: OperatorSettings,
    sessions: Sessions,
    accounts: Collection[str] = (),
    env: Mapping[str, str] = os.environ,
    *,
    regions: Collection[str] = (),
) -> Places:
    """Open every account and region that a stack or a target of the operator names (GetCallerIdentity).

    Args:
        specs: the stacks of the repository.
        settings: the operator's.
        sessions: how accounts are reached.
        accounts: ids of those that are asked for; none for all.
        env: whose region is looked at where neither stacks nor targets name one.
        regions: those that are asked for, of every account, named or not; none for those that are named.
    """
    unseen: dict[str, None] = {}
    found: dict[tuple[str, str], Place] = {}
    targets = list(_targets(specs, settings, accounts, env, unseen))
    if regions:
        everywhere = [*targets, *(Target(account_id=one.account_id, region="").under(one) for one in settings.targets)]
        everywhere = everywhere or [Target(region="")]
        asked = (one.model_copy(update={"region": region}) for one in everywhere for region in regions)
        targets = list(dict.fromkeys(asked))
        unseen.clear()
    for target in targets:
        if accounts and target.account_id is not None and target.account_id not in accounts:
            continue
        try:
            account = sessions.for_target(target)
            actual = account.account_id
        except SecretsPipelineError as error:
            unseen[f"{target.account_id or 'the account of the credentials'} {target.region}: {error.message}"] = None
            continue
        if target.account_id not in (None, actual):
            said = f"{target.account_id} {target.region}: the credentials belong to {actual}"
            unseen[f"{said}; add a target with a role of that account"] = None
        elif not accounts or actual in accounts:
            # Whoever asks for an account names it.
            named = target.model_copy(update={"account_id": actual}) if accounts else target
            # The one that names its account comes first: nothing is written where nobody does.
            known = found.get((actual, target.region))
            if known is None or (known.target.account_id is None and named.account_id is not None):
                found[actual, target.region] = Place(named, account)
    return Places(tuple(found[key] for key in sorted(found)), tuple(unseen))


def _targets(
    specs: Mapping[str, StackSpec],
    settings: OperatorSettings,
    accounts: Collection[str],
    env: Mapping[str, str],
    unseen: dict[str, None],
) -> Iterator[Target]:
    known = [spec.target for spec in specs.values()]
    known += [
        Target(account_id=rule.account_id, region=rule.region).under(rule) for rule in settings.targets if rule.region
    ]
    yield from dict.fromkeys(known)
    for rule in settings.targets:
        if rule.region is not None:
            continue
        regions = {one.region for one in known if rule.account_id in (None, one.account_id)}
        regions = regions or {one.region for one in known}
        if not regions:
            unseen[f"target {rule.stacks}: neither it nor a stack names a region"] = None
        for region in sorted(regions):
            yield Target(account_id=rule.account_id, region=region).under(rule)
    chosen = next((env[name] for name in _REGIONS if env.get(name)), None)
    named = {one.account_id for one in known} | {rule.account_id for rule in settings.targets}
    strange = [one for one in accounts if one not in named]
    if chosen is not None:
        # What nobody reaches any more may have been left by the last stack there.
        yield from (Target(account_id=one, region=chosen) for one in strange)
        if not known and not accounts:
            yield Target(region=chosen)
    elif strange or (not known and not settings.targets):
        what = f"account {', '.join(strange)}" if strange else "anything"
        unseen[
            f"{what}: no stack and no target names it; set AWS_REGION to look with the credentials that are there"
        ] = None
