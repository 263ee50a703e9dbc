"""Rendering a parsed section as Atmos does: to YAML text, through the templates, and back (`template_utils.go`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import yaml
from yaml.cyaml import CSafeDumper

from secrets_pipeline.stacks import dialect
from secrets_pipeline.stacks.functions import construct
from secrets_pipeline.stacks.markers import FunctionCall, Literal, Unset, Value
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.scalars import STR, tag_of
from secrets_pipeline.stacks.templates import DELIMITERS, has_template

_WIDTH: Final = 2**30  # no line folding
_TAB: Final = "\uf8fd"  # for a tab, which keeps libyaml from the literal style, but not yaml.v3


def contains_template(value: Value, delimiters: tuple[str, str] = DELIMITERS) -> bool:
    """Whether any string of the value, or any key, has something to render."""
    if isinstance(value, str):
        return not isinstance(value, Literal) and has_template(value, delimiters)
    if isinstance(value, dict):
        return any(has_template(k, delimiters) or contains_template(v, delimiters) for k, v in value.items())
    return isinstance(value, list) and any(contains_template(item, delimiters) for item in value)


def render_section(section: Section, render: Callable[[str], str], delimiters: tuple[str, str] = DELIMITERS) -> Section:
    """The section with its templates rendered; types follow from the rendered YAML text.

    Args:
        section: with or without templates.
        render: renders YAML text.
        delimiters: of the templates.

    Raises:
        TemplateError: if a template fails.
        StackError: if the rendered text is not YAML.
    """
    if not contains_template(section, delimiters):
        return section
    kept: dict[str, Literal | Unset] = {}
    text = _dump(_masked(section, kept), quoted=any("'" in delimiter for delimiter in delimiters))
    rendered = dialect.load_mapping(render(text), "rendered section", construct)
    return {key: _unmasked(value, kept) for key, value in rendered.items()} if kept else rendered


def _masked(value: Value, kept: dict[str, Literal | Unset]) -> Value:
    """The value without what must not be rendered: each such value becomes a token of `kept`."""
    if isinstance(value, Literal | Unset):
        token = f"__kept_{len(kept)}__"
        kept[token] = value
        return token
    if isinstance(value, dict):
        return {key: _masked(inner, kept) for key, inner in value.items()}
    return [_masked(inner, kept) for inner in value] if isinstance(value, list) else value


def _unmasked(value: Value, kept: dict[str, Literal | Unset]) -> Value:
    if isinstance(value, str):
        return kept.get(value, value)
    if isinstance(value, dict):
        return {key: _unmasked(inner, kept) for key, inner in value.items()}
    return [_unmasked(inner, kept) for inner in value] if isinstance(value, list) else value


class _Dumper(CSafeDumper):
    """Chooses styles as yaml.v3's encoder does, which decides what a rendered scalar reads back as."""

    quoted = False

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        """A scalar: literal when of several lines, quoted when it would not read back as a string, else plain."""
        if "\n" in data:
            style = "|"
            data = data.replace("\t", _TAB)
        elif tag_of(data) != STR or (self.quoted and "'" in data):
            style = '"'
        else:
            style = None
        return self.represent_scalar(STR, str(data), style)


class _QuotingDumper(_Dumper):
    """For delimiters with an apostrophe in them, which single quotes would double."""

    quoted = True


for _type in (str, FunctionCall, Literal):
    for _class in (_Dumper, _QuotingDumper):
        _class.add_representer(_type, _class.text)


def _dump(value: Value, *, quoted: bool) -> str:
    dumper = _QuotingDumper if quoted else _Dumper
    text = str(yaml.dump(value, Dumper=dumper, width=_WIDTH, allow_unicode=True, sort_keys=False))
    return text.replace(_TAB, "\t")
