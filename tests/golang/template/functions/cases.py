"""The templates that are rendered both by Go with Sprig and by us, see test_golden.py.

They are in templates/, one a line. To record them again (Go's Sprig v3 in GOPATH, local time in UTC), in this folder:

    python cases.py | TZ=UTC GREETING=hello GO111MODULE=off go run ../oracle/main.go > golden.json
    GO111MODULE=off go run oracle/main.go < values.json > yaml_golden.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

TEMPLATES: Final = Path(__file__).parent / "templates"
FAMILIES: Final = (
    "strings",
    "lists",
    "dicts",
    "numbers",
    "conversions",
    "encoding",
    "regexes",
    "dates",
    "paths",
    "versions",
)
CASED: Final = ("snakecase", "camelcase", "kebabcase", "swapcase", "initials", "untitle", "title")
DATA: dict[str, Any] = {
    "word": "héllo wörld",
    "text": "the quick brown fox",
    "camel": "HTTPServerName2xx",
    "html": "<a href='x'>&\"</a>",
    "lines": "one\ntwo\n\nthree",
    "url": "https://user:pa%20ss@example.com:8443/a/b%2Fc?x=1&y=2#frag",
    "json": '{"b":[1,2.5,"x",null,true],"a":{"c":"<&>"}}',
    "emoji": "a😀b",
    "empty": "",
    "zero": 0,
    "one": 1,
    "seven": 7,
    "minus": -3,
    "pi": 3.14159,
    "whole": 2.0,
    "half": 0.5,
    "million": 1e6,
    "tiny": 1.5e-7,
    "huge": 1e21,
    "big": 9007199254740993,
    "yes": True,
    "no": False,
    "nil": None,
    "mixed": [1, "two", 3.5, None, True],
    "names": ["b", "a", "c", "a"],
    "numbers": [3, 1, 2],
    "none": [],
    "nested": [[1, 2], [3]],
    "rows": [{"id": 1, "name": "x"}, {"id": 2}],
    "map": {"b": 1, "a": {"x": "y", "z": [1, 2]}, "n": None, "e": ""},
    "other": {"b": 2, "a": {"x": "Y", "w": 1}, "c": [3], "e": "full", "n": 5},
    "void": {},
}

VERSIONS = ("1.2.3", "v1.2", "1", "1.2.3-beta.1+build.5", "1.2.3-alpha", "10.20.30", "0.0.0", "2.0.0-rc.1")
NO_VERSIONS = (
    "",
    "x",
    "1.2.3.4",
    "01.2.3",
    "1.2.3-01",
    "1.-1",
    "1.2.3-",
    " 1.2.3",
    "18446744073709551616.0.0",
    "V1.2.3",
)
CHECKED = ("1.2.3", "1.2.4", "1.3.0", "2.0.0", "0.0.3", "0.0.0", "0.2.5", "1.2.3-beta.1", "2.0.0-rc.1", "1.2.2")


def cases() -> list[dict[str, str]]:
    """Every template: those that are written out, and those of a function and an argument of a list."""
    found = [template for family in FAMILIES for template in _lines(family)]
    for word in (*_lines("words"), "some Words here_and-there", ""):
        found += [f'{{{{ {name} "{word}" }}}}' for name in CASED]
    for pattern in _lines("bad_regexes"):
        found += [f'{{{{ {name} "{pattern}" "x" }}}}' for name in ("regexFind", "mustRegexFind")]
    found += [f'{{{{ semver "{version}" }}}}' for version in (*VERSIONS, *NO_VERSIONS)]
    for constraint in _lines("constraints"):
        found += [f'{{{{ semverCompare "{constraint}" "{version}" }}}}' for version in CHECKED]
    return [{"template": template} for template in found]


def _lines(name: str) -> list[str]:
    return (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


if __name__ == "__main__":
    json.dump({"sprig": True, "data": DATA, "cases": cases()}, sys.stdout, ensure_ascii=False)
