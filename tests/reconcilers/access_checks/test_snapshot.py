"""A snapshot that stacks share holds for each what its own would: by its role, its readers' accounts, its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from secrets_pipeline.access.snapshot.model import Snapshot
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of, share_estates
from tests.reconcilers.readers import AWAY, Readers, by_account

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.stack import Stack

UNNAMED = "777788889999"
SIGHTED = ("secretsmanager:*", "kms:*", "sts:*", "organizations:*")


def seen(stack: Stack) -> Snapshot:
    """What its checks look at, whenever it was taken."""
    return estate_of(stack).snapshot.model_copy(update={"taken_at": None})


def test_each_stack_sees_of_a_shared_snapshot_what_one_of_its_own_holds(readers: Readers) -> None:
    bench = readers.bench
    specs = [
        readers.keyed_stack(),
        Readers(bench.another()).stack(keys=("a", "b")),
        Readers(bench.another()).keyed_stack(),
    ]
    trust = (by_account(readers.account_id),)
    blind = readers.role(
        "blind", *({"Effect": "Allow", "Action": one, "Resource": "*"} for one in SIGHTED), trust=trust
    )
    keen = readers.role("keen", {"Effect": "Allow", "Action": "*", "Resource": "*"}, trust=trust)

    def declared(spec: StackSpec, role: str | None, accounts: set[str]) -> StackSpec:
        roles = [f"arn:aws:iam::{account}:role/reader" for account in sorted(accounts)]
        return spec.model_copy(
            update={
                "target": spec.target.model_copy(update={"role_arn": role}),
                "consumers": tuple(readers.consumer(arn, name=arn) for arn in roles),
            }
        )

    ways = st.tuples(st.sampled_from([None, blind, keen]), st.sets(st.sampled_from([AWAY, UNNAMED])))

    @settings(max_examples=6)
    @given(st.tuples(ways, ways, ways))
    @example(((blind, set()), (keen, {AWAY}), (None, {UNNAMED})))
    @example(((keen, {AWAY}), (keen, set()), (keen, {AWAY})))
    def holds(chosen: tuple[tuple[str | None, set[str]], ...]) -> None:
        wanted = [declared(spec, *way) for spec, way in zip(specs, chosen, strict=True)]
        visible = (readers.administrator(AWAY),)
        together = [readers.look(spec, accounts=visible) for spec in wanted]
        share_estates(together)
        assert [seen(one) for one in together] == [seen(readers.look(spec, accounts=visible)) for spec in wanted]

    holds()
