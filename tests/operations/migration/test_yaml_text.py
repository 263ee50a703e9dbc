"""The printed YAML means the same to YAML 1.1 and to Go's yaml.v3, whatever a text looks like."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.operations.migration.yaml_text import Commented, Tree, plain, yaml_text

TREES = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), TREES, min_size=1, max_size=4))
def test_what_is_written_is_read_again(tree: dict[str, Tree]) -> None:
    assert yaml.safe_load(yaml_text(tree)) == tree


@pytest.mark.parametrize("text", ["012345678901", "1e3", "0o14", "yes", "~", "2026-01-01", "!env X", "a: b", "", " x "])
def test_a_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    assert yaml_text({"tag": text}) == f'tag: "{text}"\n'
    assert yaml.safe_load(yaml_text({text: 1})) == {text: 1}


def test_comments_stand_above_their_keys_and_hold_a_line_each() -> None:
    tree: Tree = {"secrets": {"a": Commented({"value": "external"}, ("one", "two\nlines"))}}
    assert yaml_text(tree) == 'secrets:\n  # one\n  # two\\nlines\n  a:\n    value: "external"\n'
    assert plain(tree) == {"secrets": {"a": {"value": "external"}}}
