from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secrets_pipeline.arn import Arn, account_of, iam_arn, pattern_parts
from secrets_pipeline.errors import ArnError

PART = st.text(st.characters(exclude_characters=":"), max_size=8)
FULL_PART = PART.filter(bool)
ARNS = st.builds(Arn, FULL_PART, FULL_PART, PART, PART, st.text(min_size=1, max_size=20))
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(["arn", "aws", ":", "/", "", "\n", "\u202e", "iam", "*", "1" * 12]), max_size=14).map(
        "".join
    ),
    st.text(st.sampled_from("arn:/"), max_size=14),
)


@given(ARNS)
def test_an_arn_is_read_back_as_itself(arn: Arn) -> None:
    assert Arn.parse(str(arn)) == arn


@given(HOSTILE)
@example("arn:aws:iam::111122223333:")
@example("arn::iam::111122223333:root")
@example("ARN:aws:iam::111122223333:root")
def test_any_text_is_one_arn_that_reads_the_same_or_none(text: str) -> None:
    arn = Arn.match(text)
    if arn is not None:
        assert str(arn) == text
        assert account_of(text) == arn.account_id
        return
    with pytest.raises(ArnError) as failure:
        Arn.parse(text)
    assert failure.value.message == "an ARN was expected, and this is none"
    with pytest.raises(ArnError):
        account_of(text)


@given(PART, PART, PART, PART, st.text(max_size=20))
def test_what_is_a_text_of_six_parts_is_an_arn_where_none_is_empty_that_never_is(
    partition: str, service: str, region: str, account_id: str, resource: str
) -> None:
    found = Arn.match(f"arn:{partition}:{service}:{region}:{account_id}:{resource}")
    assert (found is not None) == bool(partition and service and resource)


@given(st.lists(st.text(st.sampled_from(":a"), max_size=3), min_size=5, max_size=5))
def test_no_arn_is_made_whose_text_would_be_read_as_another(parts: list[str]) -> None:
    partition, service, region, account_id, resource = parts
    try:
        made = Arn(partition, service, region, account_id, resource)
    except ArnError:
        return
    assert Arn.match(str(made)) == made


@given(ARNS)
def test_kind_name_and_qualifier_are_the_resource(arn: Arn) -> None:
    separator = next((one for one in arn.resource if one in ":/"), "")
    qualified = arn.resource != arn.unqualified.resource
    end = f":{arn.qualifier}" if qualified else ""
    assert f"{arn.kind}{separator}{arn.name}{end}" == arn.resource
    assert arn.unqualified.unqualified == arn.unqualified


@pytest.mark.parametrize(
    ("resource", "kind", "name", "qualifier"),
    [
        ("role/team/api", "role", "team/api", ""),
        ("role/a:b", "role", "a:b", ""),
        ("root", "", "root", ""),
        ("a-queue", "", "a-queue", ""),
        ("function:api", "function", "api", ""),
        ("function:api:2", "function", "api", "2"),
        ("secret:team/dev/api-AbCdEf", "secret", "team/dev/api-AbCdEf", ""),
        ("secret:team/dev/api-AbCdEf:key::", "secret", "team/dev/api-AbCdEf", "key::"),
        ("log-group:/aws/lambda/api:*", "log-group", "/aws/lambda/api", "*"),
        ("rule/bus/name", "rule", "bus/name", ""),
        ("/restapis/a1", "", "restapis/a1", ""),
    ],
)
def test_a_resource_has_a_kind_a_name_and_a_qualifier(resource: str, kind: str, name: str, qualifier: str) -> None:
    arn = Arn("aws", "any", "eu-west-1", "111122223333", resource)
    assert (arn.kind, arn.name, arn.qualifier) == (kind, name, qualifier)


def test_a_version_of_a_function_is_left_out() -> None:
    version = "arn:aws:lambda:eu-west-1:111122223333:function:api:live"
    assert str(Arn.parse(version).unqualified) == version.removesuffix(":live")


def test_iam_has_no_region() -> None:
    assert iam_arn("111122223333", "role/team/api") == "arn:aws:iam::111122223333:role/team/api"
    assert iam_arn("111122223333", "root", partition="aws-cn") == "arn:aws-cn:iam::111122223333:root"


@given(HOSTILE)
@example("ar?:*:iam::*:role/*")
def test_a_pattern_of_arns_has_six_parts_or_none(text: str) -> None:
    parts = pattern_parts(text)
    assert len(parts) == (6 if text.count(":") >= 5 else 0)
    assert not parts or ":".join(parts) == text
