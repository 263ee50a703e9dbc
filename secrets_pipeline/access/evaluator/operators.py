"""Compare one value of a request with one value of a policy, by each condition operator.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

from secrets_pipeline.access.evaluator.patterns import (
    Compile,
    Pattern,
    arn_matcher,
    caseless_matcher,
    text_matcher,
)

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes:
        compile: policy value → the test of a request's value.
        negated: true for `StringNotEquals` and its like: no policy value may match.
        wildcards: whether `*` and `?` in the policy value are.
    """

    compile: Compile
    negated: bool = False
    wildcards: bool = False

    def pattern(self, text: str, *, variables: bool) -> Pattern:
        """The compiled policy value."""
        return Pattern(text, self.compile, variables=variables, wildcards=self.wildcards)


def _typed(read: Callable[[str], Read | None], compare: Callable[[Read, Read], bool]) -> Compile:
    """A comparison of values that are read first; what cannot be read matches nothing."""

    def compiled(wanted: str) -> Callable[[str], bool]:
        right = read(wanted)

        def test(given: str) -> bool:
            left = read(given)
            return left is not None and right is not None and compare(left, right)

        return test

    return compiled


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _date(text: str) -> float | None:
    """ISO 8601 or seconds since 1970, as seconds since 1970."""
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _in_network(wanted: str) -> Callable[[str], bool]:
    try:
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return lambda _given: False

    def test(given: str) -> bool:
        try:
            return ipaddress.ip_address(given) in network
        except ValueError:
            return False

    return test


def _boolean(text: str) -> str | None:
    lower = text.lower()
    return lower if lower in ("true", "false") else None


_Pair: TypeAlias = Mapping[str, Operator]


def _both(positive: str, negative: str, compiled: Compile, *, wildcards: bool = False) -> _Pair:
    return {
        positive: Operator(compiled, wildcards=wildcards),
        negative: Operator(compiled, negated=True, wildcards=wildcards),
    }


OPERATORS: _Pair = {
    **_both("stringequals", "stringnotequals", text_matcher),
    **_both("stringequalsignorecase", "stringnotequalsignorecase", caseless_matcher),
    **_both("stringlike", "stringnotlike", text_matcher, wildcards=True),
    **_both("numericequals", "numericnotequals", _typed(_number, operator.eq)),
    "numericlessthan": Operator(_typed(_number, operator.lt)),
    "numericlessthanequals": Operator(_typed(_number, operator.le)),
    "numericgreaterthan": Operator(_typed(_number, operator.gt)),
    "numericgreaterthanequals": Operator(_typed(_number, operator.ge)),
    **_both("dateequals", "datenotequals", _typed(_date, operator.eq)),
    "datelessthan": Operator(_typed(_date, operator.lt)),
    "datelessthanequals": Operator(_typed(_date, operator.le)),
    "dategreaterthan": Operator(_typed(_date, operator.gt)),
    "dategreaterthanequals": Operator(_typed(_date, operator.ge)),
    "bool": Operator(_typed(_boolean, operator.eq)),
    "binaryequals": Operator(text_matcher),
    **_both("ipaddress", "notipaddress", _in_network),
    # ArnEquals behaves as ArnLike does.
    **_both("arnequals", "arnnotequals", arn_matcher, wildcards=True),
    **_both("arnlike", "arnnotlike", arn_matcher, wildcards=True),
}
"""Name in lower case → operator; `Null` and the set forms are for `conditions`."""
