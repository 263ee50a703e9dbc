"""What functions return is bounded, and so is what they walk through: lists and maps that hold each other."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.limits import MAX_ELEMENTS
from secrets_pipeline.golang.template.functions.kinds import deep_equal
from secrets_pipeline.golang.template.functions.lists import unique
from secrets_pipeline.golang.values import Value
from tests.golang.template.functions.conftest import Rendering
from tests.strategies.gotemplate import values

SHARED = '{{ $x := dict "a" 1 }}{{ range 60 }}{{ $x = dict "a" $x "b" $x }}{{ end }}'
OTHER = SHARED.replace("$x", "$y")
LISTS = "{{ $l := list }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}"
LONG = "{{ $l := until 1000000 }}"


def fails_soon(rendered: Rendering, template: str) -> None:
    started = time.monotonic()
    with pytest.raises(TemplateError, match=r"not supported|more than is supported|is longer than"):
        rendered(template)
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    "template",
    [
        "{{ $x := list 1 2 }}{{ range 40 }}{{ $x = concat $x $x }}{{ end }}",
        "{{ $x := list }}" + LONG + "{{ range 1000 }}{{ $x = append $x (concat $l) }}{{ end }}",
        "{{ $x := list }}" + LONG + "{{ range 1000 }}{{ $x = prepend $x (reverse $l) }}{{ end }}",
        LONG + "{{ append $l 1 }}",
        LONG + "{{ concat $l $l $l $l $l $l $l $l }}",
        '{{ $x := list }}{{ range 1000 }}{{ $x = append $x (repeat 16000000 "x") }}{{ end }}',
        '{{ repeat 16000000 "x " | splitList " " }}',
    ],
)
def test_what_functions_return_is_bounded(with_sprig: Rendering, template: str) -> None:
    fails_soon(with_sprig, template)


@pytest.mark.parametrize("call", ["chunk 1 $one", "list 1", "reverse $one", 'splitList "," "a"', 'dict "a" 1'])
def test_what_functions_return_is_bounded_together_to_the_element(with_sprig: Rendering, call: str) -> None:
    filled = "{{ $one := list 1 }}{{ $l := until 999999 }}{{ range 3 }}{{ $_ := reverse $l }}{{ end }}"
    room = MAX_ELEMENTS - 1 - 4 * 999_999
    template = f"{filled}{{{{ range %d }}}}{{{{ $_ := {call} }}}}{{{{ end }}}}"
    assert with_sprig(template % room) == ""
    with pytest.raises(TemplateError, match="return is more than is supported"):
        with_sprig(template % (room + 1))


@pytest.mark.parametrize("call", ["toJson $x", "toPrettyJson $x"])
def test_what_is_shared_is_no_text_where_sprig_is_silent(with_sprig: Rendering, call: str) -> None:
    assert with_sprig(f"{SHARED}{{{{ {call} }}}}") == ""


@pytest.mark.parametrize(
    "call",
    [
        "mustToJson $x",
        "mustToPrettyJson $x",
        "toRawJson $x",
        "mustToRawJson $x",
        "toString $x",
        "toStrings (list $x)",
        'join "," (list $x)',
        "deepCopy $x",
        "merge $x $y",
        "mergeOverwrite $x $y",
    ],
)
def test_what_is_shared_does_not_explode(with_sprig: Rendering, call: str) -> None:
    fails_soon(with_sprig, f"{SHARED}{OTHER}{{{{ {call} }}}}")


@pytest.mark.parametrize(
    "call",
    [
        "data.ToJSON $x",
        'data.ToJSONPretty "  " $x',
        "data.ToYAML $x",
        "coll.Merge $x $y",
        'conv.Join (list $x) ","',
    ],
)
def test_what_is_shared_does_not_explode_in_gomplate(with_gomplate: Rendering, call: str) -> None:
    shared = (SHARED + OTHER).replace("range 60", "range (seq 60)").replace("dict ", "coll.Dict ")
    fails_soon(with_gomplate, f"{shared}{{{{ {call.replace('list', 'coll.Slice')} }}}}")


def test_empty_lists_within_each_other_are_not_flattened_without_end(with_gomplate: Rendering) -> None:
    lists = LISTS.replace("range 60", "range (seq 60)").replace("list", "coll.Slice")
    fails_soon(with_gomplate, lists + "{{ coll.Flatten $l }}")


def test_a_key_of_thousands_of_digits_is_no_traceback(with_gomplate: Rendering) -> None:
    keys = '(strings.Repeat 5000 "9") 1 (printf "%s1" (strings.Repeat 5000 "9")) 2'
    assert with_gomplate(f'{{{{ data.ToYAML (coll.Dict {keys}) | strings.Trim " " | len }}}}') != "0"


def test_an_indent_may_not_be_a_large_text(with_gomplate: Rendering) -> None:
    fails_soon(with_gomplate, '{{ data.ToJSONPretty (strings.Repeat 10000000 " ") (coll.Slice 1 2 3) }}')


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("deepEqual $x $x", "true"),
        ("deepEqual $x $y", "true"),
        ('deepEqual $x (set $y "a" 2)', "false"),
        ("has $x (list $y)", "true"),
        ("without (list $x) $y", "[]"),
        ("uniq (list $x $y) | len", "1"),
        ("deepEqual (until 100000) (until 100000)", "true"),
    ],
)
def test_what_is_shared_is_compared_once(with_sprig: Rendering, call: str, expected: str) -> None:
    assert with_sprig(f"{SHARED}{OTHER}{{{{ {call} }}}}") == expected


def test_what_holds_itself_is_compared_with_an_end(with_sprig: Rendering) -> None:
    loop = '{{ $x := dict }}{{ $_ := set $x "a" $x }}'
    assert with_sprig(f"{loop}{loop.replace('$x', '$y')}{{{{ deepEqual $x $y }}}}") == "true"


def test_comparisons_are_bounded_together(with_sprig: Rendering) -> None:
    fails_soon(with_sprig, "{{ $x := list }}{{ range until 4000 }}{{ $x = append $x (list .) }}{{ end }}{{ uniq $x }}")


def test_a_hundred_thousand_items_are_made_unique_at_once(with_sprig: Rendering) -> None:
    started = time.monotonic()
    assert with_sprig("{{ until 100000 | uniq | len }}") == "100000"
    assert time.monotonic() - started < 20


@given(st.lists(values | st.sampled_from([1, 1.0, True, "1", math.nan]), max_size=12))
def test_unique_items_are_those_that_equal_no_earlier_one(items: list[Value]) -> None:
    expected: list[Value] = []
    for item in items:
        if not any(deep_equal(item, other) for other in expected):
            expected.append(item)
    found = unique(items)
    assert [id(item) for item in found] == [id(item) for item in expected]


@pytest.mark.parametrize("action", ["len .x", 'printf "%x" .x', 'regexMatch "a" .x', "sha256sum .x"])
def test_half_a_character_is_an_error_that_shows_nothing(with_sprig: Rendering, action: str) -> None:
    with pytest.raises(TemplateError, match="a text holds half of a character") as failed:
        with_sprig("{{ " + action + " }}", {"x": "hunter2\ud800"})
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert "hunter2" not in str(failed.value)
