from __future__ import annotations

import pytest

from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.desired.stack_globs import expanded, is_glob, matches, no_match

KNOWN = ("eg-dev", "eg-prod", "infra-shared", "EG-dev")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        (["eg-*"], {"eg-*": ("eg-dev", "eg-prod")}),
        (
            ["eg-*,infra-*", "eg-dev"],
            {"eg-*": ("eg-dev", "eg-prod"), "infra-*": ("infra-shared",), "eg-dev": ("eg-dev",)},
        ),
        (["[ei]*-[sd]*"], {"[ei]*-[sd]*": ("eg-dev", "infra-shared")}),
        (["eg-?rod , nobody,,"], {"eg-?rod": ("eg-prod",), "nobody": ("nobody",)}),
        (["x*"], {"x*": ()}),
        ([], {}),
    ],
)
def test_names_and_globs_mean_stacks(asked: list[str], meant: dict[str, tuple[str, ...]]) -> None:
    assert expanded(asked, KNOWN) == meant


@pytest.mark.parametrize("glob", ["eg-*", "*", "eg-[dp]*", "EG-dev", "eg"])
def test_the_operators_globs_mean_the_same(glob: str) -> None:
    meant = {name for name in KNOWN if matches(name, glob)}
    assert {name for name in KNOWN if TargetRule(stacks=glob, region="eu-west-2").matches(name)} == meant
    assert {name for name in KNOWN if OperatorSettings(apply_on_change=(glob,)).applies_changes(name)} == meant
    assert {name for name in KNOWN if GrantRule(preset="single-team", stacks=glob).matches(name)} == meant
    assert meant == set(expanded([glob], KNOWN)[glob]) & set(KNOWN)
    assert is_glob(glob) == (glob not in ("EG-dev", "eg"))


def test_a_glob_that_matches_nothing_names_near_misses() -> None:
    assert "Did you mean eg-prod" in no_match("eg-prd*", KNOWN).diagnostics()
    assert "list stacks" in no_match("*", ()).diagnostics()
