"""References as ASTs, as the parser makes them, and texts that look like them."""

from __future__ import annotations

from hypothesis import strategies as st

from secrets_pipeline.references.model import (
    Call,
    Environment,
    Expression,
    FileContents,
    Json,
    Literal,
    Output,
    SsmParameter,
    Text,
    Variable,
    WithDefault,
)

_KEYWORDS = frozenset({"var", "vars", "output", "outputs", "env", "ssm", "file"})

names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(lambda name: name not in _KEYWORDS)
"""Names of variables, outputs and stacks."""

component_names = st.from_regex(r"[a-z][a-z0-9_/-]{0,8}", fullmatch=True).filter(lambda name: name != "outputs")
"""Names of components without a dot."""

_dotted_components = st.lists(component_names, min_size=2, max_size=3).map(".".join)

_steps = names | st.integers(0, 999_999_999) | st.text(min_size=1, max_size=6)
paths = st.tuples(names, st.lists(_steps, max_size=3)).map(lambda parts: (parts[0], *parts[1]))
"""A name with keys and indices into it."""

literals: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
"""Literals of defaults."""

outputs: st.SearchStrategy[Output] = st.builds(Output, component_names, paths, st.none() | names) | st.builds(
    Output, _dotted_components.filter(lambda name: name.split(".")[0] not in _KEYWORDS), paths
)
"""A component's name with a dot in another stack is only told by that stack's components."""

_leaves: st.SearchStrategy[Expression] = st.one_of(
    outputs,
    paths.filter(lambda path: "outputs" not in path).map(Variable),
    st.builds(SsmParameter, st.from_regex(r"/[A-Za-z0-9/_.-]{1,9}", fullmatch=True)),
    st.builds(FileContents, st.from_regex(r"[a-z0-9/_.-]{1,9}", fullmatch=True)),
    st.builds(Environment, st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)),
)


def _with_default(expression: Expression, default: Json) -> Expression:
    return WithDefault(expression, default)


def _called(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    argument = inner | st.builds(_with_default, inner, literals)
    return st.builds(Call, st.sampled_from(["keys", "values", "urlencode", "not"]), argument)


_pipelines = st.recursive(_leaves, _called, max_leaves=3)

references: st.SearchStrategy[Expression] = _pipelines | st.builds(_with_default, _pipelines, literals)
"""One `${…}`."""


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """A text with references in it: literals and references in turn, so that no two literals meet."""
    literal = st.text(min_size=1).filter(lambda text: not text.endswith("$"))
    parts: list[Expression] = []
    for reference in draw(st.lists(references, min_size=1, max_size=3)):
        parts += [Literal(draw(literal)), reference]
    if draw(st.booleans()):
        parts.append(Literal(draw(literal)))
    return Text(tuple(parts))


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The text of a reference with a few characters changed, taken out or put in."""
    text = list(str(draw(references)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 2))] = draw(st.text(alphabet="${}|!.:,[]()'\"\\ aZ09\n", max_size=2))
    return "".join(text)


look_alikes = st.text() | st.text(alphabet="${}|!.:[]()'\", outpenvsmfilxyz019/") | damaged()
"""Any text, and texts that are almost references."""
