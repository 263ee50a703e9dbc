"""The one function that decides what is blocked, for a plan and for an apply."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from secrets_pipeline.engine.apply import apply
from secrets_pipeline.engine.blocking import VALUE_OF, blocked, hindrance
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, NotYetError, Resource, Skipped, is_unmade
from secrets_pipeline.engine.reason import Because, LeftOut, Missing, Need, NotOurs, OnItsWay, Reason, Standing
from secrets_pipeline.errors import SecretsPipelineError

FREE = (Standing.PRESENT, Standing.MADE)
OBSERVED = (Standing.PRESENT, Standing.ON_ITS_WAY, Standing.MISSING)
BY_RUN = (None, Standing.MADE, Standing.ON_ITS_WAY, Standing.BLOCKED, Standing.SKIPPED, Standing.FAILED)
_ON = "database orders"


def needed(observed: Standing) -> Need:
    return Need((_ON,), "orders has no address yet", observed)


@pytest.mark.parametrize("by_run", BY_RUN)
@pytest.mark.parametrize("observed", OBSERVED)
def test_what_a_run_makes_of_a_resource_counts_before_what_aws_shows(
    observed: Standing, by_run: Standing | None
) -> None:
    why = hindrance([needed(observed)], {} if by_run is None else {_ON: by_run})
    match by_run or observed:
        case Standing.PRESENT | Standing.MADE:
            assert why is None
        case Standing.ON_ITS_WAY:
            assert why == OnItsWay("orders has no address yet")
        case Standing.MISSING:
            assert why == Missing("orders has no address yet")
        case Standing.BLOCKED:
            assert why == Because("needs database orders, which is blocked", "unblock database orders")
        case Standing.SKIPPED:
            assert why == Because("needs database orders, which was skipped")
        case Standing.FAILED:
            assert why == Because("needs database orders, which failed")


@pytest.mark.parametrize("standings", itertools.product(Standing, repeat=3))
def test_a_change_is_free_if_all_is_there_waits_if_the_rest_is_on_its_way_and_is_blocked_otherwise(
    standings: tuple[Standing, ...],
) -> None:
    names = [f"secret {number}" for number in range(len(standings))]
    known = dict(zip(names, standings, strict=True))
    why = hindrance([Need((name,)) for name in names], known)
    others = [one for one in standings if one not in FREE]
    if not others:
        assert why is None
    elif set(others) == {Standing.ON_ITS_WAY}:
        assert isinstance(why, OnItsWay)
    else:
        assert why is not None
        assert not isinstance(why, OnItsWay)
    # One of several resources is enough.
    any_of = hindrance([Need(tuple(names))], known)
    if any(one in FREE for one in standings):
        assert any_of is None
    elif Standing.ON_ITS_WAY in standings:
        assert isinstance(any_of, OnItsWay)
    else:
        assert any_of is not None
        assert not isinstance(any_of, OnItsWay)


def secret(name: str, action: ChangeClass = ChangeClass.CREATE, **more: object) -> Change:
    return Change(Resource("secret", name), action, **more)  # type: ignore[arg-type] # fields of a change


def value(name: str) -> Need:
    return Need((f"{VALUE_OF}secret {name}",), f"secret {name} does not exist yet", standing=Standing.MISSING)


def planned(stages: Mapping[str, tuple[Change, ...]], earlier: Mapping[str, Standing] | None = None) -> dict[str, str]:
    """The action of each change, `waiting` for one that waits for AWS, by kind and name."""
    found = blocked(stages, earlier or {})
    changes = (one for some in found.values() for one in some)
    return {str(one.resource): "waiting" if one.on_its_way else one.action.value for one in changes}


def test_what_is_behind_a_blocked_or_missing_resource_is_blocked_through_all_stages() -> None:
    database = Change(Resource("database", "orders"), ChangeClass.BLOCKED)
    url = secret("url", rewrites=True, needs=(needed(Standing.MISSING),))
    behind = secret("behind", rewrites=True, needs=(value("url"),), depends_on=("url",))
    policy = Change(Resource("secret-policy", "behind"), ChangeClass.CREATE, needs=(Need(("secret behind",)),))
    good = secret("good", rewrites=True)
    stages = {"rds_instances": (database,), "connection_secrets": (behind, url, good), "secret_policies": (policy,)}
    assert planned(stages) == {
        "database orders": "blocked",
        "secret behind": "blocked",
        "secret url": "blocked",
        "secret good": "create",
        "secret-policy behind": "blocked",
    }
    made = {**stages, "rds_instances": (Change(Resource("database", "orders"), ChangeClass.CREATE),)}
    assert set(planned(made).values()) == {"create"}
    there = tuple(
        one if one is not url else secret("url", rewrites=True, needs=(needed(Standing.ON_ITS_WAY),))
        for one in (behind, url)
    )
    assert planned({"connection_secrets": there, "secret_policies": (policy,)}) == {
        "secret behind": "waiting",
        "secret url": "waiting",
        "secret-policy behind": "waiting",
    }


def test_a_stage_does_not_find_what_a_later_one_makes() -> None:
    key = Change(
        Resource("kms-key", "alias/a"), ChangeClass.CREATE, needs=(Need(("secret a",), "no", Standing.MISSING),)
    )
    stages = {"kms_keys": (key,), "secrets": (secret("a"),)}
    assert planned(stages) == {"kms-key alias/a": "blocked", "secret a": "create"}
    assert planned(stages, {"secret a": Standing.MADE})["kms-key alias/a"] == "create"


def test_a_secret_that_is_made_without_a_value_is_not_enough_for_who_needs_the_value() -> None:
    named = secret("url", needs=(Need(("secret vendor",), "no", Standing.MISSING),))
    assert planned({"secrets": (secret("vendor"), named)})["secret url"] == "create"
    assert planned({"secrets": (secret("vendor"), secret("url", needs=(value("vendor"),)))})["secret url"] == "blocked"


@pytest.mark.parametrize("action", [ChangeClass.RESTORE, ChangeClass.ADOPT])
def test_a_secret_that_comes_back_or_is_taken_over_brings_its_value(action: ChangeClass) -> None:
    stages = {"secrets": (secret("vendor", action), secret("url", needs=(value("vendor"),)))}
    assert planned(stages)["secret url"] == "create"


class Making:
    """Applies changes; what waits for AWS says so itself when it is tried."""

    def plan(self) -> list[Change]:
        return []

    def apply(self, change: Change) -> str:
        if any(one.standing is Standing.ON_ITS_WAY for one in change.needs):
            raise NotYetError("the instance is creating")
        if change.resource.name == "broken":
            raise SecretsPipelineError("refused")
        return "made"


@pytest.mark.parametrize("observed", OBSERVED)
def test_an_apply_skips_what_the_plan_blocks_and_tries_what_is_on_its_way(observed: Standing) -> None:
    changes = (
        secret("url", rewrites=True, needs=(needed(observed),)),
        secret("behind", rewrites=True, needs=(value("url"),), depends_on=("url",)),
        secret("good", rewrites=True),
    )
    of_plan = planned({"secrets": changes})
    outcomes = apply(Making(), changes)
    for outcome in outcomes:
        match of_plan[str(outcome.change.resource)]:
            case "create":
                assert isinstance(outcome, Applied)
            case "waiting":
                assert isinstance(outcome, Skipped)
                assert outcome.passes
                assert not is_unmade(outcome)
            case "blocked":
                assert isinstance(outcome, Skipped)
                assert is_unmade(outcome)


def test_only_what_is_declared_and_has_nothing_on_its_way_counts_as_not_made() -> None:
    def skipped(reason: Reason, action: ChangeClass = ChangeClass.BLOCKED, **more: object) -> bool:
        return is_unmade(Skipped(secret("a", action, reasons=(reason,), **more), str(reason)))

    assert skipped(Missing("no"))
    assert skipped(NotOurs("theirs"))
    assert skipped(Because("changed"), ChangeClass.UPDATE)
    assert not skipped(LeftOut("--target names others"))
    assert not skipped(Because("left the YAML"), ChangeClass.ORPHAN)
    assert not skipped(Because("rotates still"), ChangeClass.PRUNE)
    assert not skipped(Missing("function f does not exist"), act=True)
    assert not skipped(Because("not noted"), ChangeClass.UPDATE, note=True)
    assert not is_unmade(Skipped(secret("a"), "creating", passes=True))
    assert not is_unmade(Applied(secret("a")))
