"""Nothing is read from the process: variables, time and chance come from the environment that is given."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.libraries import ATMOS, sprig
from secrets_pipeline.golang.template.functions.namespaces.library import gomplate
from secrets_pipeline.golang.template.template import render

Rendering = Callable[..., str]


def seeded(seed: int) -> RenderingEnvironment:
    chance = random.Random(seed)  # noqa: S311 - the same each time
    return RenderingEnvironment({}, lambda: datetime(2024, 1, 1, tzinfo=UTC), chance)


def test_variables_of_the_process_are_not_seen(with_sprig: Rendering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY_OF_THE_PROCESS", "x")
    assert with_sprig('{{ env "ONLY_OF_THE_PROCESS" }}{{ expandenv "$ONLY_OF_THE_PROCESS" }}') == ""


def test_now_is_the_given_time(with_sprig: Rendering) -> None:
    assert with_sprig("{{ now }}") == "2024-02-29 23:30:15.25 +0000 UTC"
    assert with_sprig('{{ now | date "2006-01-02" }} {{ now | unixEpoch }}') == "2024-02-29 1709249415"
    assert with_sprig("{{ htmlDate now }} {{ ago 1709249000 }} {{ (now).Month }}") == "2024-02-29 6m55s February"
    assert with_sprig('{{ date "2006" .text }}', {"text": "not a time"}) == "2024"


def test_local_is_the_zone_of_now() -> None:
    zone = ZoneInfo("America/New_York")
    environment = replace(seeded(1), now=lambda: datetime(2024, 7, 1, tzinfo=zone))
    functions = sprig(environment)
    assert render('{{ date "15:04 MST" 0 }}', None, functions=functions) == "19:00 EST"
    assert render("{{ now }}", None, functions=functions) == "2024-07-01 00:00:00 -0400 EDT"
    text = '{{ toDate "2006-01-02" "2024-07-01" }} {{ (toDate "2006-01-02" "2024-07-01").UTC }}'
    assert render(text, None, functions=functions) == "2024-07-01 00:00:00 -0400 EDT 2024-07-01 04:00:00 +0000 UTC"


def test_the_same_seed_gives_the_same_text() -> None:
    template = '{{ randAlphaNum 20 }} {{ uuidv4 }} {{ randInt 1 100 }} {{ shuffle "abcdef" }} {{ randBytes 8 }}'
    first, second = (render(template, None, functions=sprig(seeded(3))) for _ in range(2))
    assert first == second
    assert first != render(template, None, functions=sprig(seeded(4)))


def test_random_text_has_the_length_and_the_characters_asked_for() -> None:
    functions = sprig(seeded(1))
    for name, pattern in (
        ("randAlpha", r"[a-zA-Z]{40}"),
        ("randAlphaNum", r"[a-zA-Z0-9]{40}"),
        ("randNumeric", r"[0-9]{40}"),
        ("randAscii", r"[ -~]{40}"),
    ):
        assert re.fullmatch(pattern, render(f"{{{{ {name} 40 }}}}", None, functions=functions))
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", render("{{ uuidv4 }}", None, functions=functions))


@pytest.mark.parametrize(
    "template",
    [
        "{{ repeat 100000000 `x` }}",
        "{{ indent 100000000 `x` }}",
        "{{ until 100000000 }}",
        "{{ untilStep 0 100000000 1 }}",
        "{{ seq 100000000 }}",
        "{{ randAlpha 100000000 }}",
        '{{ regexFind "(a|b)*a(a|b){900}" (repeat 1000000 "a") }}',
        '{{ regexFind "((a{30}){30}){2}" "x" }}',
        '{{ replace "a" (repeat 10000 "b") (repeat 100000 "a") }}',
    ],
)
def test_no_function_fills_the_memory_or_the_time(template: str, with_sprig: Rendering) -> None:
    with pytest.raises(TemplateError, match=r"not supported|takes too long|invalid repeat count|too large"):
        with_sprig(template)


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(a|aa)*b", r"(a?){30}a{30}b", r"([a-z]+)*\d", r"(.*)(.*)(.*)(.*)x"])
def test_no_regular_expression_explodes(pattern: str, with_sprig: Rendering) -> None:
    assert with_sprig("{{ regexMatch .pattern .text }}", {"pattern": pattern, "text": "a" * 60 + "!"}) == "false"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ randBytes 100000000 }}", "100000000 random bytes are not supported"),
        ("{{ randBytes -1 }}", "-1 random bytes are not supported"),
        ('{{ genPrivateKey "rsa" }}', "genPrivateKey is not supported: it makes a new key at every rendering"),
        ('{{ genCA "x" 1 }}', "genCA is not supported"),
        ('{{ genSelfSignedCert "x" nil nil 1 }}', "genSelfSignedCert is not supported"),
        ('{{ buildCustomCert "x" "y" }}', "buildCustomCert is not supported"),
        ('{{ htpasswd "u" "p" }}', "let the secretsmanager component generate it"),
        ('{{ bcrypt "p" }}', "bcrypt is not supported"),
        ('{{ derivePassword 1 "long" "p" "u" "s" }}', "derivePassword is not supported"),
        ('{{ encryptAES "p" "t" }}{{ decryptAES "p" "t" }}', "encryptAES is not supported"),
        ('{{ getHostByName "x" }}', "templates have no network"),
    ],
)
def test_what_is_refused_says_why(template: str, reason: str, with_sprig: Rendering) -> None:
    with pytest.raises(TemplateError) as failure:
        with_sprig(template)
    assert reason in str(failure.value)
    assert '"p"' not in str(failure.value).partition("not supported")[2]


def test_a_url_with_a_password_is_not_repeated_in_an_error(with_sprig: Rendering) -> None:
    with pytest.raises(TemplateError) as failure:
        with_sprig("{{ urlParse .dsn }}", {"dsn": "postgres://u:hunter2@h:port/db"})
    assert "hunter2" not in str(failure.value)


def test_an_error_about_an_argument_names_its_type_and_not_its_value(environment: RenderingEnvironment) -> None:
    functions = {**gomplate(environment), **sprig(environment)}
    for template in (
        "{{ first .x }}",
        "{{ concat .x }}",
        "{{ unixEpoch .x }}",
        "{{ coll.Pick 1 .x }}",
        "{{ dig `a` 1 .x }}",
    ):
        with pytest.raises(TemplateError) as failure:
            render(template, {"x": "hunter2"}, functions=functions)
        assert "hunter2" not in str(failure.value)


def test_collected_keys_are_sorted_and_of_every_value() -> None:
    data = {"envs": {"dev": {"regions": {"b": 1, "a": 2}}, "prod": {"regions": {"c": 1, "a": 1}}, "other": 5}}
    assert render("{{ collectKeys .envs }}", data, functions=ATMOS) == "[dev other prod]"
    assert render('{{ collectKeys .envs "regions" }}', data, functions=ATMOS) == "[a b c]"
    with pytest.raises(TemplateError, match="expected a map, got string"):
        render('{{ collectKeys "x" }}', data, functions=ATMOS)


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ('{{ printf "%T %T %T" (int64 3) now (semver "1.2.3") }}', "int64 time.Time *semver.Version"),
        ('{{ printf "%s" (add 1 1) }}', "%!s(int64=2)"),
        ("{{ eq (add 1 1) 2 }} {{ lt 1 (int64 2) }} {{ typeOf (add 1 1) }}", "true true int64"),
    ],
)
def test_types_have_their_names_in_go(template: str, printed: str, with_sprig: Rendering) -> None:
    assert with_sprig(template) == printed


def test_mistakes_name_the_type_of_a_value_in_go(with_sprig: Rendering) -> None:
    for template, words in (("{{ len (add 1 1) }}", "len of type int64"), ("{{ now.Nope }}", "in type time.Time")):
        with pytest.raises(TemplateError, match=words):
            with_sprig(template)
