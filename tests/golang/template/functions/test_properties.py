"""What holds of the functions for every value."""

from __future__ import annotations

import base64
import copy
import re
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.golang.template.functions import gojson
from secrets_pipeline.golang.template.functions.dicts import merge_into
from secrets_pipeline.golang.template.functions.encoding import decode_base32, decode_base64, encode_base64
from secrets_pipeline.golang.template.functions.goyaml import dump
from secrets_pipeline.golang.template.functions.kinds import deep_equal
from secrets_pipeline.golang.template.functions.namespaces.documents import parse_yaml
from secrets_pipeline.golang.template.functions.paths import clean
from secrets_pipeline.golang.template.functions.regex.patterns import compiled, quote_meta
from secrets_pipeline.golang.template.functions.time.durations import duration_text, parse_duration
from secrets_pipeline.golang.template.functions.time.instants import Instant, parse
from secrets_pipeline.golang.template.functions.urls import Url, parse_url
from secrets_pipeline.golang.template.functions.versions import parse_version, satisfies
from secrets_pipeline.golang.values import Value
from tests.strategies.gotemplate import dicts, expressions, subjects, values, words

numbers = st.integers(0, 30)
versions = st.builds("{}.{}.{}{}".format, numbers, numbers, numbers, st.sampled_from(["", "-a", "-1", "-a.2", "-10"]))


@given(values)
def test_json_is_read_back_as_it_was_written(value: Value) -> None:
    for written in (gojson.encode(value), gojson.encode(value, html=False), gojson.encode(value, indent="  ")):
        assert deep_equal(gojson.decode(written), value)


@given(values)
def test_json_for_html_holds_none_of_its_special_characters(value: Value) -> None:
    assert not set("<>&\u2028\u2029") & set(gojson.encode(value))


@given(st.dictionaries(st.text("abc-: #'\"é1", min_size=1), st.text("abc-: #'\"é1yn\n\t", max_size=8).map(str.lstrip)))
def test_yaml_is_read_back_as_it_was_written(value: dict[str, str]) -> None:
    assert parse_yaml(dump(value)) == value


@given(words)
def test_base64_and_digests_of_a_text_are_undone_and_stable(text: str) -> None:
    assert decode_base64(encode_base64(text)).decode() == text


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=\n", max_size=20))
def test_base32_either_decodes_or_says_where_it_is_wrong(text: str) -> None:
    try:
        decoded = decode_base32(text)
    except ValueError as error:
        message = str(error)
    else:
        # The last digit may have bits that no byte takes.
        assert text.replace("\n", "").encode().startswith(base64.b32encode(decoded).rstrip(b"=")[:-1])
        return
    assert message.startswith("illegal base32 data at input byte")


@given(expressions, subjects)
def test_regular_expressions_find_first_what_perl_finds_first(pattern: str, text: str) -> None:
    # RE2's `$` is only the end of the text, its `\B` matches in an empty one, and its classes are ASCII's.
    perl = pattern.replace("$", r"\Z").replace(r"\B", r"(?:\B|\A\Z)")
    theirs = re.search(perl, text, re.ASCII)
    expression = compiled(pattern)
    assert expression.find_all(text, 1) == ([theirs[0]] if theirs else [])
    assert expression.matches(text) == (theirs is not None)


@given(expressions, subjects)
def test_what_is_replaced_by_itself_is_whole_again(pattern: str, text: str) -> None:
    assert compiled(pattern).replace(text, "$0") == text


@given(st.sampled_from(["a", "[ab]+", "é|_", r"\s", "b+?"]), subjects)
def test_the_parts_and_the_matches_between_them_are_the_whole(pattern: str, text: str) -> None:
    expression = compiled(pattern)
    first, *others = expression.split(text, -1)
    matches = expression.find_all(text, -1)
    assert first + "".join(match + part for match, part in zip(matches, others, strict=True)) == text


@given(words, words)
def test_quoted_meta_characters_match_themselves(literal: str, text: str) -> None:
    pattern = compiled(quote_meta(literal))
    assert pattern.find_all(text + literal, 1) == [literal]
    assert pattern.replace_literal(text, "") == text.replace(literal, "")


@given(dicts, dicts)
def test_a_merge_keeps_what_is_set_and_fills_what_is_not(target: dict[str, Value], source: dict[str, Value]) -> None:
    before, merged = copy.deepcopy(target), copy.deepcopy(target)
    merge_into(merged, source, overwrite=False)
    assert set(merged) == set(before) | {key for key, value in source.items() if value is not None}
    for key, value in before.items():
        if value and not isinstance(value, dict):
            assert merged[key] == value


@given(dicts, dicts)
def test_a_merge_does_not_change_what_it_takes_from(target: dict[str, Value], source: dict[str, Value]) -> None:
    before = copy.deepcopy(source)
    for overwrite in (False, True):
        merge_into(copy.deepcopy(target), source, overwrite=overwrite)
        assert deep_equal(source, before)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_duration_is_read_back_as_it_was_written(nanoseconds: int) -> None:
    assert abs(parse_duration(duration_text(nanoseconds)) - nanoseconds) <= 1


@given(st.integers(-(10**11), 2 * 10**11), st.integers(0, 999_999_999))
def test_a_time_is_read_back_as_it_was_written(seconds: int, nanosecond: int) -> None:
    instant = Instant(seconds, nanosecond, UTC)
    if 0 <= instant.clock().year <= 9999:
        for layout in ("2006-01-02T15:04:05.999999999Z07:00", "Mon Jan _2 3:04:05.000000000PM -0700 2006"):
            assert parse(layout, instant.format(layout), UTC, UTC).total == instant.total


@given(versions, versions, versions)
def test_versions_are_in_one_order(first: str, second: str, third: str) -> None:
    low, middle, high = sorted((first, second, third), key=lambda one: parse_version(one).precedence)
    assert satisfies(f">={low}", middle) or "-" in middle
    assert satisfies(f"<={high}", low) or "-" in low
    assert satisfies(f"={middle}", middle)
    assert not satisfies(f">{high}", high)


@given(st.text("ab/.", max_size=12))
def test_a_clean_path_stays_as_it_is(path: str) -> None:
    cleaned = clean(path)
    assert clean(cleaned) == cleaned
    assert "//" not in cleaned


@given(
    st.sampled_from(["", "https"]), st.sampled_from(["h", "h:80", "[::1]:1"]), words, st.text("ab=&", max_size=5), words
)
def test_a_url_is_read_back_as_it_was_written(scheme: str, host: str, path: str, query: str, fragment: str) -> None:
    url = Url(scheme=scheme, host=host, path="/" + path, query=query, fragment=fragment)
    again = parse_url(str(url))
    assert (again.scheme, again.host, again.path, again.query, again.fragment) == (
        scheme,
        host,
        "/" + path,
        query,
        fragment,
    )
