"""Generated pages of docs/ are what the program says of itself today, and leave nothing unsaid."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

import pytest
from pydantic import BaseModel, Field

from docs_build.__main__ import DOCS, PAGES
from docs_build.commands import page
from docs_build.counts import counts, words
from docs_build.markdown import anchor, escaped
from docs_build.settings import OPERATOR_FIRST, STACK_FIRST, First, Group, operator_page, reference, stack_page
from secrets_pipeline.cli.examples import EXAMPLES
from secrets_pipeline.desired.manifests.vocabulary import places
from secrets_pipeline.desired.settings.operator import OperatorSettings


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_make_docs_writes(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run `make docs`"


def test_every_command_has_a_section_with_usage_examples_and_exit_codes() -> None:
    sections = dict(re.findall(r"^#{3,4} (.+)\n\n((?:(?!^##).*\n?)*)", page(), re.MULTILINE))
    assert EXAMPLES.keys() <= sections.keys()
    for called, lines in EXAMPLES.items():
        assert f"\nsecrets-pipeline {called} [OPTIONS]" in sections[called]
        assert all(f"\n{line}\n" in sections[called] for line in lines)
        assert "Exit codes: " in sections[called]


READ: Final = {"operator's settings": OperatorSettings, **{one.path: one.model for one in places()}}


@pytest.mark.parametrize("model", READ.values(), ids=READ.keys())
def test_every_key_that_is_read_is_described(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    nested = {"": schema, **schema.get("$defs", {})}
    keys = {
        f"{name}.{key}": one for name, within in nested.items() for key, one in within.get("properties", {}).items()
    }
    assert keys
    assert [key for key, one in keys.items() if not one.get("description")] == []


@pytest.mark.parametrize(("page", "first"), [(operator_page, OPERATOR_FIRST), (stack_page, STACK_FIRST)])
def test_a_reference_of_settings_begins_with_the_ten_that_most_teams_need(
    page: Callable[[], str], first: Sequence[First]
) -> None:
    assert len(first) == 10
    top, then = page().split("\n## ")[1:3]
    assert re.findall(r"^\| `(\w+)`", top, re.MULTILINE) == [one.key for one in first]
    assert all(re.search(rf"^\| `{one.key}` \|", page().partition(then)[2] + then, re.MULTILINE) for one in first)


def test_no_reference_lists_a_key_that_is_another_name_of_one() -> None:
    said = operator_page() + stack_page()
    assert "Same as" not in said
    assert not re.search(r"`(password_length|min_lower|alias_name|master_username|cluster_size|value_from)`", said)


@pytest.mark.parametrize(
    "key", ["enabled", "secrets_enabled", "account_id", "environment", "stage", "random_password_length"]
)
def test_a_key_that_many_maps_share_stands_once(key: str) -> None:
    assert len(re.findall(rf"^\| `{key}` \|", stack_page(), re.MULTILINE)) == 1 + (key == "environment")


def test_what_a_user_meets_can_be_counted() -> None:
    found = counts()
    assert found.pop("second names of keys, documented") == 0
    assert found["second names of keys, read"] >= 20
    assert all(found.values())
    assert {"mark", "lease", "grant"} <= {*words()}


class Size(StrEnum):
    """How large; no model, so it has no section."""

    SMALL = "small"
    LARGE = "large"


class Inner(BaseModel):
    """What is inside."""

    size: int = Field(default=2, ge=1, le=1_000, description="How *large*.")
    called: Size | bool = Field(default=False, description="What that is called.")


class Outer(BaseModel):
    """What is outside."""

    by_name: dict[str, Inner] = Field(default={}, description="Inside, by name | alias.")
    again: Inner | None = Field(default=None, description="The same.")
    name: str = Field(description="What it is called.")


def test_a_model_has_a_section_where_it_first_stands_and_required_keys_first() -> None:
    assert reference([("Here", Outer)]) == (
        "## Here\n\nWhat is outside.\n\n"
        "| key | type | default | what it says |\n| --- | --- | --- | --- |\n"
        "| `name` | string | **required** | What it is called. |\n"
        "| `by_name` | map of [maps](#by_namename) |  | Inside, by name \\| alias. |\n"
        "| `again` | [map](#by_namename) |  | The same. |\n\n"
        "## `by_name.NAME`\n\nWhat is inside.\n\n"
        "| key | type | default | what it says |\n| --- | --- | --- | --- |\n"
        "| `size` | integer, 1 to 1,000 | `2` | How \\*large\\*. |\n"
        "| `called` | `small` or `large` or boolean | `false` | What that is called. |\n"
    )


class Shared(BaseModel):
    """What several have."""

    zone: str = Field(default="", description="Where.")


class One(Shared):
    """One of them."""

    low: int = Field(default=1, description="Low.")
    high: int = Field(default=2, description="High.")
    hi: int = Field(default=2, description="Same as `high`.", deprecated=True)
    own: int = Field(default=3, description="Its own.")


def test_shared_keys_have_a_section_grouped_keys_a_row_and_second_names_none() -> None:
    group = Group(("low", "high"), "as it was", "Bounds.")
    page = reference([("Here", One)], [First(One, "own")], shared={"All": Shared}, groups={"One": group})
    assert page == (
        "## The 1 that most teams need\n\n"
        "| key | where | what it says |\n| --- | --- | --- |\n"
        "| `own` | [Here](#here) | Its own. |\n\n"
        "## Here\n\nOne of them.\n\nThe keys of [All](#all) may stand here, too.\n\n"
        "| key | type | default | what it says |\n| --- | --- | --- | --- |\n"
        "| `own` | integer | `3` | Its own. |\n"
        "| `low`, `high` | as it was |  | Bounds. |\n\n"
        "## All\n\nWhat several have.\n\n"
        "| key | type | default | what it says |\n| --- | --- | --- | --- |\n"
        "| `zone` | string |  | Where. |\n"
    )
    with pytest.raises(KeyError):
        reference([("Here", One)], [First(One, "nowhere")])


def test_text_is_no_markdown_but_for_its_code() -> None:
    assert escaped("a* _b_ c_d `e|<f>` <g>") == "a\\* \\_b\\_ c_d `e|<f>` &lt;g>"


def test_an_anchor_is_that_of_a_code_host() -> None:
    assert anchor("`leases` with `bucket`, at 5") == "leases-with-bucket-at-5"
