"""Values, texts and regular expressions for Go's template functions."""

from __future__ import annotations

from hypothesis import strategies as st

from secrets_pipeline.golang.values import Value

words = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)

scalars = st.one_of(st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), words)
"""What JSON holds; its numbers are floats in Go."""

values: st.SearchStrategy[Value] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
)

dicts = st.dictionaries(st.sampled_from("abc"), st.one_of(scalars, st.dictionaries(st.sampled_from("abc"), scalars)))

_atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\d", r"\w", r"\b", r"\B", "^", "$", "(?:ab)", "é"])
_repeats = st.sampled_from(["", "", "", "*", "+", "?", "*?", "+?", "{2}", "{1,2}"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: "(" + "|".join(options) + ")"),
    )


_repeated = st.builds(
    lambda atom, repeat: atom if atom in {"^", "$", r"\b", r"\B"} else atom + repeat, _atoms, _repeats
)
expressions = st.recursive(_repeated, _grown, max_leaves=6)
"""Regular expressions that mean the same to RE2 and to Python: no repetition of what may be empty."""

subjects = st.text(alphabet="aabbc é1_\n", max_size=12)
