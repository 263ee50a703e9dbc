"""Which database of an account is a component's, by marks, identifiers and tags; a table, without AWS."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.desired.database.model import DatabaseSpec, DatabaseTraits
from secrets_pipeline.reconcilers.observed.database_search import OUR_MARK, Search, is_tagged_as, search
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState

IDENTIFIER = "plat-platform-usw2-dev-appdb"
TRAITS = DatabaseTraits(
    stack="plat-platform-usw2-dev",
    component="rds",
    names=(IDENTIFIER, "plat-platform-usw2-dev-rds"),
    vague_names=("appdb", "platform-usw2-rds"),
    labels={
        "Namespace": ("plat",),
        "Tenant": ("platform",),
        "Environment": ("usw2", "dev"),
        "Stage": ("dev", "usw2"),
    },
    words=("appdb", "dev", "plat", "platform", "usw2"),
    own_words=("appdb",),
    telling_words=("dev", "platform"),
)
LABELS = {"Namespace": "plat", "Tenant": "platform", "Environment": "usw2", "Stage": "dev"}
OURS = {"secrets-pipeline:stack": "plat-platform-usw2-dev", "secrets-pipeline:component": "rds"}
ATMOS = {"atmos_stack": "plat-platform-usw2-dev", "atmos_component": "rds"}


def spec(traits: DatabaseTraits = TRAITS, **more: object) -> DatabaseSpec:
    given: dict[str, Any] = {"engine": "postgres", "username": "owner", **more}
    return DatabaseSpec(component="rds", identifier=None, traits=traits, **given)


def state(identifier: str, tags: dict[str, str] | None = None, **more: object) -> DatabaseState:
    given: dict[str, Any] = {
        "status": "available",
        "engine": "postgres",
        "username": "owner",
        "db_name": None,
        "address": "db.local",
    }
    given |= {"port": 5432, "password_pending": False, "master_secret_arn": None, "resource_id": "db-1"}
    arn = f"arn:aws:rds:us-west-2:111122223333:db:{identifier}"
    return DatabaseState(identifier=identifier, arn=arn, tags=tags or {}, **(given | more))


def found(*databases: DatabaseState, database: DatabaseSpec | None = None) -> Search:
    declared = database or spec()
    return search(declared, databases, lambda one: is_tagged_as(declared.traits, one))


def label(name: str = IDENTIFIER, **more: str) -> dict[str, str]:
    return {"Name": name, **LABELS, **more}


@pytest.mark.parametrize(
    ("database", "by"),
    [
        (state(IDENTIFIER), "its identifier"),
        (state("plat-platform-usw2-dev-rds"), "its identifier"),
        (state("made-by-hand", label()), "its tags"),
        (state("made-by-hand", label("appdb-dev-plat")), "its tags"),
        (
            state("made-by-hand", {key.lower() if key == "Name" else key: value for key, value in label().items()}),
            "its tags",
        ),
        (state("made-by-hand", label(Environment="dev")), "its tags"),
        (state("made-by-hand", ATMOS), "its tags of Atmos"),
        (state("made-by-hand", {"AtmosStack": ATMOS["atmos_stack"], "atmos:component": "rds"}), "its tags of Atmos"),
        (state("made-by-hand", OURS), OUR_MARK),
    ],
)
def test_a_proof_finds_the_one_database(database: DatabaseState, by: str) -> None:
    others = (
        state("billing"),
        state("plat-platform-usw2-prod-appdb", label("plat-platform-usw2-prod-appdb", Stage="prod")),
    )
    result = found(*others, database)
    assert result.found == database
    assert result.by == by


@pytest.mark.parametrize(
    ("database", "against"),
    [
        (state(IDENTIFIER, label(Stage="prod")), "tag Stage=prod"),
        (state(IDENTIFIER, label(Tenant="core")), "tag Tenant=core"),
        (state(IDENTIFIER, {"atmos_stack": "plat-core-usw2-dev"}), "tag atmos_stack=plat-core-usw2-dev"),
        (state(IDENTIFIER, {"atmos_component": "rds-two"}), "tag atmos_component=rds-two"),
        (state(IDENTIFIER, engine="mysql"), "the component says engine postgres"),
        (state(IDENTIFIER, {"secrets-pipeline:stack": "evil-dev"}), "it carries the tag of stack evil-dev"),
        (
            state(IDENTIFIER, {**OURS, "secrets-pipeline:component": "rds-two"}),
            "it carries the tag of component rds-two",
        ),
    ],
)
def test_what_speaks_against_a_database_outweighs_every_proof(database: DatabaseState, against: str) -> None:
    result = found(database)
    assert result.found is None
    assert [one.state for one in result.candidates] == [database]
    assert against in result.candidates[0].against


@pytest.mark.parametrize(
    "database",
    [
        state("plat-platform-usw2-dev-appdb-reporting"),
        state("made-by-hand", label("plat-platform-usw2-dev-appdb-reporting")),
        state("plat-platform-usw2-prod-appdb"),
        state("appdb"),
        state("platform-usw2-rds"),
        state("made-by-hand", {"Name": "appdb"}),
        state("made-by-hand", {"Name": IDENTIFIER}),
        state("platform-dev-main"),
        state("made-by-hand", LABELS),
    ],
)
def test_a_mere_likeness_makes_a_candidate_and_no_match(database: DatabaseState) -> None:
    result = found(database, state("billing"))
    assert result.found is None
    assert [one.state for one in result.candidates] == [database]


def test_nothing_is_found_among_strangers() -> None:
    assert found(state("billing"), state("orders", {"Stage": "prod", "Name": "orders"})) == Search()


@pytest.mark.parametrize(
    "copy", [state("planted", label()), state("planted", ATMOS), state("plat-platform-usw2-dev-rds")]
)
def test_a_second_proven_database_makes_it_ambiguous_whatever_proves_it(copy: DatabaseState) -> None:
    result = found(state(IDENTIFIER), copy)
    assert result.found is None
    assert {one.state.identifier for one in result.candidates} == {IDENTIFIER, copy.identifier}


def test_our_mark_decides_between_proven_databases_and_two_marks_decide_nothing() -> None:
    ours = state("made-by-hand", OURS)
    assert found(state(IDENTIFIER, label()), ours, state("planted", ATMOS)).found == ours
    assert found(state(IDENTIFIER, label()), ours, state("planted", OURS)).found is None


def test_a_copied_mark_that_does_not_verify_is_no_mark() -> None:
    first, planted = state(IDENTIFIER), state("planted", OURS)
    result = search(spec(), (first, planted), lambda one: one is not planted and is_tagged_as(TRAITS, one))
    assert result.found == first


def test_instances_of_clusters_read_replicas_and_what_another_component_names_are_never_meant() -> None:
    member, replica = state(IDENTIFIER, cluster="orders"), state(IDENTIFIER, replica_of="orders")
    taken = spec(TRAITS.model_copy(update={"taken": {IDENTIFIER: "rds-two"}}))
    assert found(member, replica) == Search()
    assert found(state(IDENTIFIER), database=taken) == Search()


def test_tags_tell_nothing_apart_that_two_components_would_carry() -> None:
    shared = spec(TRAITS.model_copy(update={"alone": False}))
    assert found(state("made-by-hand", label()), database=shared).found is None


def test_an_engine_that_the_yaml_does_not_say_speaks_against_nothing() -> None:
    unsaid = spec(engine="aurora-postgresql", engine_known=False)
    assert found(state(IDENTIFIER, engine="mysql"), database=unsaid).found is not None


def test_a_component_without_any_trait_finds_nothing() -> None:
    assert found(state(IDENTIFIER, label()), database=spec(DatabaseTraits())) == Search()


def test_a_candidate_is_written_with_its_engine_and_what_makes_it_one() -> None:
    (candidate,) = found(state("old", label(Stage="prod"))).candidates
    assert str(candidate) == (
        "old (postgres; tag Name=plat-platform-usw2-dev-appdb, tag Namespace=plat, tag Tenant=platform, "
        "tag Environment=usw2, but tag Stage=prod)"
    )
