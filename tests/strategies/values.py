"""Values as manifests have them, and their YAML."""

from __future__ import annotations

import copy
import re
from typing import Final

import yaml
from hypothesis import strategies as st
from yaml.cyaml import CSafeDumper

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import AppendList, FunctionCall, LiteralText, Unset
from secrets_pipeline.stacks.merge import ListStrategy, Section

_WORD: Final = re.compile(r"[a-z][a-z-]{3,}|[a-c]")  # reads back as text in every dialect of YAML

keys = st.sampled_from("abc")
"""Few, so that they meet."""

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="{}!$"), max_size=8)
"""Without what templates, functions and references begin with."""

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, width=32) | texts

values: st.SearchStrategy[Value] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
"""What YAML has without any tag."""

maps: st.SearchStrategy[Section] = st.dictionaries(keys, values, max_size=3)
"""Sections of values without tags: mappings, lists and scalars meet at the same keys."""

_MEETING: Final[tuple[Value, ...]] = (
    {"a": 1}, {"a": 2, "b": {"c": 1}}, {"b": {"c": 2, "a": [1]}}, {"b": None}, {"a": [1, {"b": 1}]},
    {"a": [{"c": 2}]}, {}, [], [1], ["a", "b", "c"], [{"a": 1}, 2], [{"b": [1]}, {"a": 3}], [[1], None],
    AppendList([2, "x"]), AppendList([{"a": [1]}]), None, True, -(2**53), 1.5, "", "a", "no", "0x1F", "1:30",
    "two\nlines\n", " é: #", "~", Unset.UNSET, LiteralText("kept"),
)  # fmt: skip
_CHOICES: Final = len(_MEETING) + 1

small_maps: st.SearchStrategy[Section] = st.integers(0, _CHOICES**3 - 1).map(
    lambda number: {
        key: copy.deepcopy(_MEETING[choice - 1])
        for position, key in enumerate("abc")
        if (choice := number // _CHOICES**position % _CHOICES)
    }
)
"""Sections of values that meet in every way that matters to a merge, each drawn at once."""

maps_of_one_shape = st.dictionaries(keys, st.dictionaries(keys, st.integers(), max_size=3), max_size=3)
"""Sections in which a key has values of one type everywhere."""

nested_maps = st.recursive(
    st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, None, "x", [1]]), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
"""Sections that are nested more deeply, of few values."""

list_strategies = st.sampled_from(ListStrategy)


def to_yaml(value: Value) -> str:
    """The value in YAML that yaml.v3 reads as this value: every text that is not a plain word is quoted."""
    return str(yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000))


class _Dumper(CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        style = None if _WORD.fullmatch(data) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", str(data), style)

    def call(self, data: FunctionCall) -> yaml.ScalarNode:
        return self.represent_scalar(data.tag, data.args)

    def literal(self, data: LiteralText) -> yaml.ScalarNode:
        return self.represent_scalar("!literal", str(data), '"')

    def append(self, data: AppendList) -> yaml.SequenceNode:
        return self.represent_sequence("!append", data)

    def unset(self, data: Unset) -> yaml.ScalarNode:
        return self.represent_scalar(data.value, "")


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(FunctionCall, _Dumper.call)
_Dumper.add_representer(LiteralText, _Dumper.literal)
_Dumper.add_representer(AppendList, _Dumper.append)
_Dumper.add_representer(Unset, _Dumper.unset)
