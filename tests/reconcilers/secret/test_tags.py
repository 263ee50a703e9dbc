"""Tags that a stack declared once leave with the YAML; those of others stay."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.engine.model import Applied, ChangeClass, Unchanged
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.observed.tags import Tag, tag_list
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.reconcilers.tag_keys import GENERATED, PREFIX, TAGS
from tests.bench import said

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption

THEIRS = tag_list({"map-migrated": "d-01"})


def theirs(bench: Bench) -> dict[str, str]:
    return {key: text for key, text in bench.tags("password").items() if not key.startswith(PREFIX)}


@pytest.mark.parametrize("first", [{}, {"Team": "orders", "Cost": "7"}])
def test_a_tag_of_somebody_else_stays_whatever_becomes_of_ours(bench: Bench, first: dict[str, str]) -> None:
    spec = bench.create(bench.generated(tags=first))
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=THEIRS)
    assert bench.plan(spec)[bench.name("password")].action is ChangeClass.NONE
    for tags in ({"Team": "shop"}, {}, {"map-migrated": "ours"}):
        bench.create(bench.generated(tags=tags))
        assert theirs(bench) == {"map-migrated": "d-01", **tags}
    bench.create(bench.generated())
    assert theirs(bench) == {}


def test_a_tag_that_left_the_yaml_is_said_and_taken_away(bench: Bench) -> None:
    bench.create(bench.generated(tags={"Team": "orders", "Cost": "7"}))
    spec = bench.spec(bench.generated(tags={"Team": "orders"}))
    change = bench.plan(spec)[bench.name("password")]
    assert (said(change), change.drift) == (("tag Cost is not declared any more",), False)
    bench.create(*spec.secrets)
    assert theirs(bench) == {"Team": "orders"}
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_tag_that_a_run_with_an_older_yaml_put_back_is_taken_away_again(bench: Bench) -> None:
    bench.create(bench.generated(tags={"Team": "orders", "Cost": "7"}))
    spec = bench.create(bench.generated(tags={"Team": "orders"}))
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=tag_list({"Cost": "7"}))
    assert said(bench.plan(spec)[bench.name("password")]) == ("changed outside: tag Cost is not declared any more",)
    bench.create(*spec.secrets)
    assert theirs(bench) == {"Team": "orders"}


@pytest.mark.parametrize("operation", ["UntagResource", "TagResource"])
def test_a_run_that_is_killed_forgets_no_tag_that_has_to_go(
    bench: Bench, interruption: Interruption, killed: type[BaseException], operation: str
) -> None:
    bench.create(bench.generated(tags={"Team": "orders", "Cost": "7"}))
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=THEIRS)
    spec = bench.spec(bench.generated(tags={"Owner": "shop"}))
    interruption.kill_before(operation)
    with pytest.raises(killed):
        bench.provision(spec, interruption=interruption)
    bench.create(*spec.secrets)
    assert theirs(bench) == {"Owner": "shop", "map-migrated": "d-01"}


def test_a_secret_of_an_older_version_keeps_what_others_added_and_loses_what_leaves_the_yaml(bench: Bench) -> None:
    tags = {"Team": "orders", "Cost": "7"}
    spec = bench.create(bench.generated(tags=tags))
    bench.secrets.untag_resource(SecretId=bench.name("password"), TagKeys=[TAGS])
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=THEIRS)
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert theirs(bench) == {**tags, "map-migrated": "d-01"}
    bench.secrets.untag_resource(SecretId=bench.name("password"), TagKeys=["map-migrated"])
    bench.create(bench.generated(tags={"Team": "orders"}))
    assert theirs(bench) == {"Team": "orders"}
    assert TAGS in bench.tags("password")


def test_tags_that_leave_no_room_are_not_noted_and_as_many_as_before_may_be_declared(bench: Bench) -> None:
    many = {f"k{number:02}": "v" for number in range(39)}
    bench.create(bench.generated(tags=many))
    assert TAGS not in bench.tags("password")
    bench.create(bench.generated(tags={"Team": "orders"}))
    assert theirs(bench) == {"Team": "orders"}


def test_a_tag_of_somebody_else_stays_though_its_digest_begins_as_one_of_ours(bench: Bench) -> None:
    ours = {f"our-{number}": "x" for number in range(19)}
    spec = bench.create(bench.generated(tags=ours))
    fingerprinter = bench.context(spec).ownership.fingerprinter
    assert fingerprinter is not None

    def begins(key: str) -> str:
        return fingerprinter.digest("tag key", bench.name("password"), key)[:5]

    beginnings = {begins(key) for key in ours}
    alike = next(key for number in itertools.count() if begins(key := f"their-{number}") in beginnings)
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=tag_list({alike: "x"}))
    assert bench.plan(spec)[bench.name("password")].action is ChangeClass.NONE
    bench.create(bench.generated())
    assert theirs(bench) == {alike: "x"}


def test_digests_of_an_older_version_are_as_good_and_are_not_said_twice(bench: Bench) -> None:
    spec = bench.create(bench.generated(tags={"Team": "orders", "Cost": "7"}))
    words = bench.tags("password")[TAGS].split()
    older = tag_list({TAGS: " ".join(word[:5] for word in words)})
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=older)
    bench.create(bench.generated(tags={"Team": "orders", "Cost": "8"}))
    assert bench.tags("password")[TAGS].split() == words
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=older)
    bench.create(bench.generated(tags={"Team": "orders"}))
    assert theirs(bench) == {"Team": "orders"}
    assert {type(one) for one in bench.provision(bench.spec(bench.generated(tags={"Team": "orders"}))).values()} == {
        Unchanged
    }
    assert spec.secrets


@pytest.mark.parametrize("count", [28, 29, 37])
def test_the_tag_of_tags_is_never_longer_than_aws_takes(bench: Bench, count: int) -> None:
    for name in ("a", "b"):
        spec = bench.create(bench.generated(tags={f"{name}-{number}": "x" for number in range(count)}))
        assert len(bench.tags("password")[TAGS]) <= 256
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def many(count: int) -> list[Tag]:
    return tag_list({f"their-{number}": "x" for number in range(count)})


@pytest.mark.parametrize(("count", "fits"), [(43, True), (44, False)])
def test_an_adoption_that_would_be_more_tags_than_aws_takes_is_refused_by_the_plan(
    bench: Bench, count: int, *, fits: bool
) -> None:
    """Beside theirs are one of the stack and six of the pipeline: stack, component, key, spec, tags, kept."""
    bench.secrets.create_secret(Name=bench.name("password"), Description="d", SecretString="x", Tags=many(count))
    spec, options = bench.spec(bench.generated(tags={"Team": "shop"})), ApplyOptions(adopt=("*",))
    change = bench.plan(spec, options=options)[bench.name("password")]
    assert change.action is (ChangeClass.ADOPT if fits else ChangeClass.BLOCKED)
    outcomes = bench.provision(spec, options=options)
    if fits:
        assert {type(one) for one in outcomes.values()} <= {Applied, Unchanged}
        assert len(bench.tags("password")) == 50
        return
    assert "would have 51 tags, 44 of which nobody declares, and AWS takes 50" in change.reason
    assert "take 1 away that nobody needs" in change.unblocked_by
    assert len(bench.tags("password")) == 44


def test_a_password_is_renewed_where_tags_of_others_leave_no_room_to_say_its_rule(bench: Bench) -> None:
    spec = bench.create(bench.generated())
    bench.secrets.untag_resource(SecretId=bench.name("password"), TagKeys=[GENERATED])
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=many(50 - len(bench.tags("password"))))
    before = bench.current("password")
    assert {
        type(one) for one in bench.run(RotateReconciler(bench.context(spec), [bench.name("password")])).values()
    } == {Applied}
    assert (bench.current("password") != before, len(bench.tags("password"))) == (True, 50)
