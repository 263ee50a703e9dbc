from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.model import (
    Call,
    Environment,
    Expression,
    FileContents,
    Literal,
    Output,
    SsmParameter,
    Text,
    Unsupported,
    Variable,
    WithDefault,
)
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.yaml_functions import parse_function
from tests.strategies.references import look_alikes, references, texts

FORMS: list[tuple[str, Expression]] = [
    ("${tenant}", Variable(("tenant",))),
    ("${var.x}", Variable(("x",))),
    ("${vars.x | true}", WithDefault(Variable(("x",)), True)),
    ("${output.rds.address}", Output("rds", ("address",))),
    ("${ output.rds.address }", Output("rds", ("address",))),
    ("${x | default(3)}", WithDefault(Variable(("x",)), 3)),
    ("${x | default(-0.5)}", WithDefault(Variable(("x",)), -0.5)),
    ("${x | default('it''s')}".replace("''", "\\'"), WithDefault(Variable(("x",)), "it's")),
    ('${x | default("a}b")}', WithDefault(Variable(("x",)), "a}b")),
    ("${x | default(['a', 1, null])}", WithDefault(Variable(("x",)), ["a", 1, None])),
    ("${output.x.y | {}}", WithDefault(Output("x", ("y",)), {})),
    ("${x | default({'a': {'b': []}})}", WithDefault(Variable(("x",)), {"a": {"b": []}})),
    ("${output.c.secret_values.db_credentials}", Output("c", ("secret_values", "db_credentials"))),
    ("${output.vpc.subnet_ids[0]}", Output("vpc", ("subnet_ids", 0))),
    ('${output.c.secret_arns["a.b"]}', Output("c", ("secret_arns", "a.b"))),
    ("${output.lambda/secret-rotation.function_arn}", Output("lambda/secret-rotation", ("function_arn",))),
    ("${output.infra-shared:kms.key_arn}", Output("kms", ("key_arn",), "infra-shared")),
    ("${env:VAR}", Environment("VAR")),
    ("${env:VAR, some default}", WithDefault(Environment("VAR"), "some default")),
    ("${env:VAR, 3}", WithDefault(Environment("VAR"), 3)),
    ("${env:VAR, 3 apples}", WithDefault(Environment("VAR"), "3 apples")),
    ("${eks.outputs.cluster_name}", Output("eks", ("cluster_name",))),
    ("${eks/blue.v1.outputs.cluster_name}", Output("eks/blue.v1", ("cluster_name",))),
    ("${outputs.outputs.arn}", Output("outputs", ("arn",))),
    ("${ssm:/myapp/dev/key}", SsmParameter("/myapp/dev/key")),
    ("${ssm:/p | default('x')}", WithDefault(SsmParameter("/p"), "x")),
    ("${file:/certs/tls.crt}", FileContents("/certs/tls.crt")),
    ("${file:/certs/tls (1).crt}", FileContents("/certs/tls (1).crt")),
    ("${resource_ids.x}", Variable(("resource_ids", "x"))),
    ("${metadata.x[0]}", Variable(("metadata", "x", 0))),
    ("${keys(output.c.o) | []}", WithDefault(Call("keys", Output("c", ("o",))), [])),
    ("${values(output.c.o)}", Call("values", Output("c", ("o",)))),
    ("${values(output.c.o) | []}", WithDefault(Call("values", Output("c", ("o",))), [])),
    ("${security_group.web.id}", Variable(("security_group", "web", "id"))),
    ("${secretsmanager.x}", Variable(("secretsmanager", "x"))),
    ("${lambda/a.outputs.arns[0].x}", Output("lambda/a", ("arns", 0, "x"))),
    ("${urlencode(output.c.generated_passwords.db)}", Call("urlencode", Output("c", ("generated_passwords", "db")))),
    ("${urlencode(ssm:/p)}", Call("urlencode", SsmParameter("/p"))),
    ("${!x | default(false)}", WithDefault(Call("not", Variable(("x",))), False)),
    ("plain", Literal("plain")),
    ("", Literal("")),
    ("cost: $5 {x}", Literal("cost: $5 {x}")),
    ("$${not.a.reference}", Literal("${not.a.reference}")),
    ("a-${x}-$${y}", Text((Literal("a-"), Variable(("x",)), Literal("-${y}")))),
    ("${a}${b}", Text((Variable(("a",)), Variable(("b",))))),
    (" ${a}", Text((Literal(" "), Variable(("a",))))),
]


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_every_form_of_the_dialect_is_read(text: str, expected: Expression) -> None:
    assert parse(text) == expected


def test_a_component_name_with_a_dot_is_told_by_the_stacks_components() -> None:
    text = "${output.eks-1.29.cluster_name}"
    assert parse(text, {"eks-1.29", "eks-1"}) == Output("eks-1.29", ("cluster_name",))
    assert parse(text) == Output("eks-1", ("29", "cluster_name"))


def test_a_component_that_shares_its_name_with_an_output_still_has_one() -> None:
    assert parse("${output.a.b}", {"a", "a.b"}) == Output("a", ("b",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${output.rds.a b}", "expected `}`, `|` or `.` after `${output.rds.a `, found `b`"),
        ("${output.rds address}", "expected the name of an output after `${output.rds`, found ` `"),
        ("${ssm:/p | default(['hunter2', x])}", "null, [list] or {map} after `${ssm:/p `, found `x`"),
        ("${output.rds}", "expected the name of an output after `${output.rds`, found `}`"),
        ("${output.}", "expected a name after `${output.`, found `}`"),
        ("${output.rds.}", "expected a name after `.` after `${output.rds.`, found `}`"),
        ("${output.a.b[x]}", "expected an index or a quoted key in `[…]`"),
        ("${env:A, b | default('c')}", "expected `}`, as it has a default already"),
        ("${env:9X}", "expected the name of an environment variable"),
        ("${ssm:}", "expected a path after `ssm:`"),
        ("${x | default(dev)}", "expected a number, a quoted string, true, false, null, [list] or {map}"),
        ("${x | default([1 2])}", "expected `,` or `]`"),
        ("${x | default({1: 2})}", "expected a quoted key with `:` in the map"),
        ("${upper(x)}", "expected one of the functions keys, values, urlencode, not"),
        ("${keys(x}", "expected `)` after the argument"),
        ("${}", "expected a name"),
        ("ab ${x", "at column 4: expected `}`, `|` or `.`, found the end of the text"),
    ],
)
def test_a_wrong_reference_says_what_was_expected_and_shows_the_right_form(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert "Write for example ${" in caught.value.remedy
    assert "for a literal `${` write `$${`" in caught.value.remedy


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
def test_an_error_shows_no_text_around_what_is_clearly_a_reference(secret: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(f"hunter2{secret.replace('$', '')}${{canary-in-a-password!canary")
    assert "canary" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(references)
def test_a_reference_reads_back_from_its_own_text(expression: Expression) -> None:
    assert parse(str(expression)) == expression


@given(texts())
def test_a_text_with_references_reads_back_from_its_own_text(text: Text) -> None:
    assert parse(str(text)) == text


@given(st.text())
def test_a_literal_reads_back_from_its_own_text(text: str) -> None:
    assert parse(str(Literal(text))) == Literal(text)


@given(look_alikes)
def test_any_text_is_either_read_or_refused_with_our_own_error(text: str) -> None:
    try:
        parsed: Expression | ExpressionError = parse(text)
    except ExpressionError as error:
        parsed = error
    assert isinstance(parsed, Expression) or parsed.remedy


@given(look_alikes)
def test_what_is_read_means_the_same_when_it_is_written_and_read_again(text: str) -> None:
    try:
        parsed = parse(text)
    except ExpressionError:
        return
    assert parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${" + "!" * 10_000 + "x}", "at most 32 functions inside each other"),
        ("${" + "keys(" * 10_000 + "x", "at most 32 functions inside each other"),
        ("${x | " + "[" * 10_000, "at most 32 brackets inside each other"),
        ("${x | " + "{'a':" * 10_000, "at most 32 brackets inside each other"),
        ("${x | " + "9" * 5_000 + "}", "a number of at most 100 digits"),
        ("${x | 1e999}", "a smaller number"),
        ("${x[" + "9" * 5_000 + "]}", "expected an index"),
        (r"${x | '\UFFFFFFFF'}", "the number of a character"),
        (r"${x | '\ud800'}", "the number of a character"),
        ("${" + " " * 200_000, "expected a name, found the end of the text"),
        ("${output.a" + ".b" * 20_000 + "}", "expected at most 100 names and indexes in one path"),
        ("${a" + "[1]" * 20_000 + "}", "expected at most 100 names and indexes in one path"),
    ],
)
def test_what_is_beyond_all_measure_is_refused_and_exhausts_nothing(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in caught.value.message


def test_a_path_of_a_hundred_steps_is_read() -> None:
    assert parse("${output.a" + ".b" * 98 + "[0]}") == Output("a", ("b",) * 98 + (0,))


@pytest.mark.parametrize(
    ("query", "message"),
    [("a" + ".b" * 20_000, "at most 100 names and indexes"), (".a[" + "9" * 5_000 + "]", None)],
)
def test_a_path_of_a_function_is_as_short(query: str, message: str | None) -> None:
    if message is None:
        assert isinstance(parse_function("!terraform.output", f"c {query}"), Unsupported)
        return
    with pytest.raises(ExpressionError, match=message):
        parse_function("!terraform.output", f"c {query}")


@pytest.mark.parametrize(
    ("tag", "args", "expected"),
    [
        ("!terraform.output", "rds address", Output("rds", ("address",))),
        ("!terraform.state", "rds acme-dev .address", Output("rds", ("address",), "acme-dev")),
        ("!terraform.state", "vpc .subnet_ids[0]", Output("vpc", ("subnet_ids", 0))),
        ("!terraform.output", 'c ".a.b // ""dev"""', WithDefault(Output("c", ("a", "b")), "dev")),
        ("!terraform.output", "c .a // 3", WithDefault(Output("c", ("a",)), 3)),
        ("!terraform.output", "c other .a // dev", WithDefault(Output("c", ("a",), "other"), "dev")),
        ("!terraform.output", """c '.a["x.y"]'""", Output("c", ("a", "x.y"))),
        ("!env", "STAGE", Environment("STAGE")),
        ("!env", "STAGE 'a b'", WithDefault(Environment("STAGE"), "a b")),
    ],
)
def test_functions_that_name_an_output_or_the_environment_are_read(tag: str, args: str, expected: Expression) -> None:
    assert parse_function(tag, args) == expected


@pytest.mark.parametrize(
    ("tag", "args", "reason"),
    [
        ("!store", "ssm c key", "Atmos alone"),
        ("!secret", "NAME", "Atmos alone"),
        ("!exec", "date", "--allow-exec"),
        ("!aws.account_id", "", "Atmos alone"),
        ("!terraform.output", "c '.a | keys'", "only simple paths"),
    ],
)
def test_other_functions_are_unsupported_with_a_reason(tag: str, args: str, reason: str) -> None:
    expression = parse_function(tag, args)
    assert isinstance(expression, Unsupported)
    assert reason in expression.reason


@pytest.mark.parametrize(
    "args", ['vpc .password "hunter2"', "vpc .password//hunter2 x", "vpc password//hunter2 x", "vpc {hunter2 .a"]
)
def test_a_third_argument_after_an_expression_is_refused_and_not_quoted(args: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_function("!terraform.state", args)
    assert "hunter2" not in caught.value.diagnostics()
    assert "third argument after an expression" in caught.value.diagnostics()


@pytest.mark.parametrize(("tag", "args"), [("!terraform.output", "rds"), ("!terraform.state", "a b c d"), ("!env", "")])
def test_a_function_with_wrong_arguments_shows_the_right_form(tag: str, args: str) -> None:
    with pytest.raises(ExpressionError, match="Write for example"):
        parse_function(tag, args)
