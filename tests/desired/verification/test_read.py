from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.settings.operator import OperatorSettings, load_settings
from secrets_pipeline.desired.settings.verification import VerificationSettings, cron_problem
from secrets_pipeline.desired.verification.model import VerificationSpec
from secrets_pipeline.errors import SpecError

if TYPE_CHECKING:
    from tests.desired.conftest import Bench


def manifest(stack: str = "{}", component: str = "") -> str:
    own = f"settings: {{secrets_pipeline: {{verification: {component}}}}}" if component else "metadata: {}"
    return f"""\
settings: {{secrets_pipeline: {{verification: {stack}}}}}
components:
  terraform:
    secretsmanager:
      vars: {{context_name: myapp, secrets: {{key: {{secret_data: x-9}}}}}}
    kms:
      {own}
      vars: {{alias: alias/x}}
"""


def test_a_stack_is_verified_daily_unless_it_says_something_else(bench: Bench) -> None:
    assert bench.spec(manifest("{}")).verification == VerificationSpec(cron="0 6 * * *", timezone="UTC")
    said = '{cron: "30 5 * * mon-fri", timezone: Europe/London}'
    assert bench.spec(manifest(said)).verification == VerificationSpec(
        cron="30 5 * * mon-fri", timezone="Europe/London"
    )


def test_the_operators_word_counts_before_the_stacks(bench: Bench) -> None:
    bench.settings = bench.settings.model_copy(update={"verification": VerificationSettings(cron="0 3 * * *")})
    said = manifest('{cron: "0 6 1 1 *", timezone: Europe/London}')
    assert bench.spec(said).verification == VerificationSpec(cron="0 3 * * *", timezone="Europe/London")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('{cron: "0 6 * *"}', "cron '0 6 * *' has 4 fields, not 5"),
        ('{cron: "61 6 * * *"}', "cron '61 6 * * *' is no cron expression: Bad minute"),
        ('{cron: "0 6 * * fun"}', "is no cron expression: Bad day-of-week"),
        ('{cron: "0 6 ? * MON#1"}', "is no cron expression: Bad day-of-month"),
        ('{cron: "0 6 30 2 *"}', "is no cron expression: Bad day-of-month"),
        ('{cron: "0 6 */31 2 mon#5"}', "cron '0 6 */31 2 mon#5' never comes round"),
        ("{timezone: Europe/Londn}", "timezone 'Europe/Londn' is no time zone of the IANA database"),
        ("{crom: x}", "unknown key crom"),
        ('"0 6 * * *"', "verification"),
    ],
)
def test_what_is_wrong_is_said(bench: Bench, said: str, problem: str) -> None:
    # Every recognised component inherits the stack's settings: the first is read.
    assert problem in bench.only_error(manifest(said))


def test_components_that_disagree_are_told(bench: Bench) -> None:
    said = bench.only_error(manifest('{cron: "0 6 * * *"}', '{cron: "0 7 * * *"}'))
    assert "verification differs from that of component" in said


@pytest.mark.parametrize("text", ['{cron: "0 25 * * *"}', "{timezone: Mars}", "{x: 1}"])
def test_an_operators_mistake_is_refused_before_anything_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.yaml").write_text(f"verification: {text}\n")
    with pytest.raises(SpecError, match=r"settings.yaml:1, key verification\."):
        load_settings(tmp_path / "settings.yaml")
    assert OperatorSettings().verification == VerificationSettings()


def field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    number = st.integers(low - 1, high + 1).map(str) | st.sampled_from(names or ("*",))
    part = st.one_of(
        st.just("*"),
        number,
        st.tuples(number, number).map("-".join),
        st.tuples(st.just("*") | number, st.integers(1, 30).map(str)).map("/".join),
    )
    return st.lists(part, min_size=1, max_size=2).map(",".join)


crons = st.tuples(
    field(0, 59), field(0, 23), field(1, 31), field(1, 12, ("jan", "DEC")), field(0, 7, ("mon", "SUN"))
).map(" ".join)


@given(crons | st.text("0123456789*/-,#LW? ", max_size=12).map(lambda day: f"0 6 {day} * mon"))
def test_what_is_taken_has_come_round_before(text: str) -> None:
    if cron_problem(text) is None:
        assert next(CronSim(text, datetime(2030, 1, 1, tzinfo=UTC), reverse=True))


def test_a_number_with_thousands_of_digits_is_no_minute() -> None:
    assert "is no cron expression" in (cron_problem(f"{'9' * 5000} 6 * * *") or "")
