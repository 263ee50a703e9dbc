"""Manifests with mistakes in them, as editors, merges and templates make them."""

from __future__ import annotations

import re
from typing import Final

from hypothesis import strategies as st

_TOKENS: Final = (
    "{{", "}}", "{{ .vars.stage }}", "{{ fail }}", "{{ if true }}", "{{ end }}", "{{ .locals.place }}",
    '{{ atmos.Component "core-a" .stack }}', "!env", "!env A B C", "!include", "!include ./dev.yaml", "!exec true",
    "!template '{}'", "!template '[[1]]'", "!unset", "!append", "!append [1]", "!literal", "!unknown", "!!int x",
    "&a", "*a", "&a [*a]", "<<:", "<<: *a", "!!set", "\t", "\0", "\x85", "\ufeff", "\ud7ff", "---", "...", "%YAML 9",
    "? ", ": ", "- ", "#", "{{ toYaml . }}", '"', "'", "|", ">", "[", "]", "{", "}", "null", "~", "true", "0", "-",
    "", "9" * 5_000, "0x" + "f" * 5_000, "1e999", ".inf", ".nan", "08", "0o9", "1:30", "2012-10-17", "a" * 10_000,
    "[" * 300, "{a: " * 60,
)  # fmt: skip
_SECTIONS: Final = (
    "import", "vars", "settings", "env", "metadata", "locals", "overrides", "terraform", "components", "inherits",
    "component", "name", "stacks", "templates", "included_paths", "base_path", "list_merge_strategy", "context",
    "catalog/core", "catalog/extra", "core-a", "extra-a", "own-b", "dev", "abstract", "type", "path", "flavor", "place",
)  # fmt: skip
_OTHER_TYPES: Final = ("null", "text", "7", "true", "[]", "[1]", "{}", "{a: 1}", "!unset", "!env A", "[[]]", "[null]")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_./-]+|[^\sA-Za-z0-9_]")
_KEY: Final = re.compile(r"^(\s*(?:- )?)([\w-]+):.*$")


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """The text with one to three mistakes: lines lost, repeated, swapped, moved, tokens replaced, sections retyped."""
    for _ in range(draw(st.integers(1, 3))):
        text = draw(st.sampled_from(_MISTAKES))(draw, text)
    return text


def _without_a_line(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines(keepends=True)
    at = draw(st.integers(0, max(0, len(lines) - 1)))
    return "".join(lines[:at] + lines[at + 1 :])


def _with_a_line_twice(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines(keepends=True)
    at, to = draw(st.integers(0, max(0, len(lines) - 1))), draw(st.integers(0, len(lines)))
    return "".join(lines[:to] + lines[at : at + 1] + lines[to:])


def _with_two_lines_swapped(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    lines[one], lines[other] = lines[other], lines[one]
    return "".join(lines)


def _cut_off(draw: st.DrawFn, text: str) -> str:
    return text[: draw(st.integers(0, len(text)))]


def _indented_otherwise(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines(keepends=True)
    at = draw(st.integers(0, max(0, len(lines) - 1)))
    changed = [draw(st.sampled_from(["", " ", "  ", "    ", "\t"])) + line.lstrip() for line in lines[at : at + 1]]
    return "".join(lines[:at] + changed + lines[at + 1 :])


def _with_another_token(draw: st.DrawFn, text: str) -> str:
    found = list(_TOKEN.finditer(text))
    if not found:
        return draw(_tokens)
    match = found[draw(st.integers(0, len(found) - 1))]
    kept = draw(st.sampled_from(["{new}", "{old}{new}", "{new} {old}", "{old}: {new}"]))
    new = kept.replace("{old}", match[0]).replace("{new}", draw(_tokens))
    return text[: match.start()] + new + text[match.end() :]


def _with_a_section_of_another_type(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines(keepends=True)
    found = [position for position, line in enumerate(lines) if _KEY.match(line.rstrip("\n"))]
    if not found:
        return text
    at = found[draw(st.integers(0, len(found) - 1))]
    match = _KEY.match(lines[at].rstrip("\n"))
    if match is None:
        return text
    after = at + 1
    while after < len(lines) and len(lines[after]) - len(lines[after].lstrip()) > len(match[1]):
        after += 1
    return "".join([*lines[:at], f"{match[1]}{match[2]}: {draw(st.sampled_from(_OTHER_TYPES))}\n", *lines[after:]])


_tokens = st.sampled_from(_TOKENS) | st.sampled_from(_SECTIONS) | st.text(max_size=4)
_MISTAKES: Final = (
    _without_a_line,
    _with_a_line_twice,
    _with_two_lines_swapped,
    _cut_off,
    _indented_otherwise,
    _with_another_token,
    _with_another_token,
    _with_a_section_of_another_type,
    _with_a_section_of_another_type,
)
