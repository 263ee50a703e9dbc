"""References are spelled as the YAML is, and what is spelled is read again as the same reference."""

from __future__ import annotations

import pytest

from secrets_pipeline.desired.reading.spelling import shown_call, spelled
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import Output, Path
from secrets_pipeline.references.yaml_functions import parse_function


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("m", "a.b", 0), 'm["a.b"][0]'),
        (("m", "a b"), "'m[\"a b\"]'"),
        (("m", "it's"), "'m[\"it''s\"]'"),
        (("m", "0", 0, 1), "m.0[0][1]"),
    ],
)
@pytest.mark.parametrize("stack", [None, "dev"])
def test_a_path_is_read_again(path: Path, text: str, stack: str | None) -> None:
    output, call = Output("vpc", path, stack), FunctionCall("!terraform.state", "vpc x")
    found = spelled(output, call)
    assert found == " ".join(filter(None, ("!terraform.state vpc", stack, text)))
    tag, _, arguments = found.partition(" ")
    assert parse_function(tag, arguments) == output
    assert shown_call(FunctionCall(tag, arguments)) == found


def test_a_call_that_nobody_can_take_apart_is_its_tag() -> None:
    for tag in ("!env", "!store", "!store.get", "!secret", "!terraform.state"):
        assert shown_call(FunctionCall(tag, 'a b c d e "f')) == tag
    assert shown_call(FunctionCall("!env", "not-a-name")) == "!env"
    assert not shown_call(None)
