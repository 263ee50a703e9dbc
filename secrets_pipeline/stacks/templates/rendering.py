"""Render a parsed section as Atmos does: to YAML text, through the templates, and back (`template_utils.go`)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from typing import Final

import yaml
from yaml.cyaml import CSafeDumper

from secrets_pipeline.golang.limits import require_written
from secrets_pipeline.golang.template.template import DELIMITERS
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml import reader
from secrets_pipeline.golang.yaml.scalars import STR, tag_of
from secrets_pipeline.golang.yaml.tags import FunctionCall, LiteralText, Unset
from secrets_pipeline.stacks.functions.functions import construct
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.templates.templates import has_template
from secrets_pipeline.stacks.texts import texts

_QUOTED: Final = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1""", re.DOTALL)
_WIDTH: Final = 2**30  # no line folding
_PRIVATE_USE: Final = range(0xE000, 0xF900)  # one stands for the tab, which keeps libyaml, not yaml.v3, from literals


def contains_template(value: Value, delimiters: tuple[str, str] = DELIMITERS) -> bool:
    """Whether any string of the value, or any key, has something to render."""
    if isinstance(value, str):
        return not isinstance(value, LiteralText) and has_template(value, delimiters)
    if isinstance(value, dict):
        return any(has_template(k, delimiters) or contains_template(v, delimiters) for k, v in value.items())
    return isinstance(value, list) and any(contains_template(item, delimiters) for item in value)


def render_section(section: Section, render: Callable[[str], str], delimiters: tuple[str, str] = DELIMITERS) -> Section:
    """The section with its templates rendered, in the order of its keys; types follow from the rendered YAML text.

    Args:
        section: with or without templates.
        render: renders YAML text.
        delimiters: of the templates.

    Raises:
        TemplateError: if a template fails, or the section is longer than a template may be.
        StackError: if the rendered text is not YAML.
    """
    if not contains_template(section, delimiters):
        return section
    require_written(section)
    kept = _Kept()
    text = _dump(kept.masked(section), quoted=any("'" in delimiter for delimiter in delimiters))
    rendered = reader.load_mapping(render(text), "rendered section", construct)
    return _ordered(kept.unmasked(rendered), section)


def without_quotes(message: str) -> str:
    """What is wrong with rendered YAML, without the keys and tags that it quotes: these may be values by now."""
    return _QUOTED.sub("…", message)


class _Kept:
    """Values that must not be rendered, and the tokens that stand for them meanwhile; nobody can have written these."""

    def __init__(self) -> None:
        self._values: dict[str, LiteralText | Unset] = {}

    def masked(self, value: Value) -> Value:
        """The value with a token for each of these."""
        if isinstance(value, LiteralText | Unset):
            token = f"kept-{secrets.token_hex(16)}"
            self._values[token] = value
            return token
        if isinstance(value, dict):
            return {key: self.masked(inner) for key, inner in value.items()}
        return [self.masked(inner) for inner in value] if isinstance(value, list) else value

    def unmasked(self, value: Value) -> Value:
        """The value with these again for their tokens."""
        if not self._values:
            return value
        if isinstance(value, str):
            return self._values.get(value, value)
        if isinstance(value, dict):
            return {key: self.unmasked(inner) for key, inner in value.items()}
        return [self.unmasked(inner) for inner in value] if isinstance(value, list) else value


def _ordered(rendered: Section, section: Section) -> Section:
    """The rendered section with its keys as the section had them; new ones are last."""
    keys = dict.fromkeys((*(key for key in section if key in rendered), *rendered))
    return {key: _ordered_value(rendered[key], section.get(key)) for key in keys}


def _ordered_value(rendered: Value, before: Value) -> Value:
    if isinstance(rendered, dict) and isinstance(before, dict):
        return _ordered(rendered, before)
    if isinstance(rendered, list) and isinstance(before, list) and len(rendered) == len(before):
        return [_ordered_value(after, item) for after, item in zip(rendered, before, strict=True)]
    return rendered


class _Dumper(CSafeDumper):
    """Chooses styles as yaml.v3's encoder does, which decides what a rendered scalar reads back as."""

    quoted = False

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        """A scalar: literal when of several lines, quoted when it would not read back as a string, else plain."""
        if "\n" in data:
            style = "|"
        elif tag_of(data) != STR or (self.quoted and "'" in data):
            style = '"'
        else:
            style = None
        return self.represent_scalar(STR, str(data), style)


class _QuotingDumper(_Dumper):
    """For delimiters with an apostrophe in them, which single quotes would double."""

    quoted = True


for _type in (str, FunctionCall, LiteralText):
    for _class in (_Dumper, _QuotingDumper):
        _class.add_representer(_type, _class.text)


def _dump(value: Value, *, quoted: bool) -> str:
    dumper = _QuotingDumper if quoted else _Dumper
    if any("\t" in text and "\n" in text for _, text in texts(value)):
        written = json.dumps(value, ensure_ascii=False, default=str)
        tab = next(char for char in map(chr, _PRIVATE_USE) if char not in written)
        return _dump(_replaced(value, "\t", tab), quoted=quoted).replace(tab, "\t")
    return str(yaml.dump(value, Dumper=dumper, width=_WIDTH, allow_unicode=True, sort_keys=True))


def _replaced(value: Value, char: str, by: str) -> Value:
    """The value with a character replaced in its texts of several lines."""
    if isinstance(value, str):
        return value.replace(char, by) if "\n" in value else value
    if isinstance(value, dict):
        return {key: _replaced(inner, char, by) for key, inner in value.items()}
    return [_replaced(inner, char, by) for inner in value] if isinstance(value, list) else value
