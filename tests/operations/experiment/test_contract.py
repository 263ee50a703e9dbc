"""Contract files are written and read alike."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.operations.experiment.contract import FILE, Answer, Contract, Exchange, Measured, Step, plain

TEXTS = st.sampled_from(["", "a", "<run>"])
SHOWN = st.dictionaries(TEXTS, st.none() | st.integers() | st.lists(TEXTS, max_size=2), max_size=2)
STEPS = st.builds(
    Step,
    TEXTS,
    TEXTS,
    SHOWN,
    TEXTS,
    st.sampled_from([0.0, 120.0, 330.0]),
    st.dictionaries(TEXTS, TEXTS, max_size=1),
    st.dictionaries(TEXTS, TEXTS, max_size=1),
    TEXTS,
    st.booleans(),
    st.booleans(),
)
ANSWERS = st.builds(Answer, TEXTS, TEXTS, SHOWN, st.sampled_from([0.0, 1.5, 120.0]))
EXCHANGES = st.builds(Exchange, STEPS, st.lists(ANSWERS, min_size=1, max_size=2).map(tuple))
MEASURED = st.builds(Measured, TEXTS, TEXTS, st.lists(EXCHANGES, max_size=2).map(tuple), TEXTS)
CONTRACTS = st.builds(Contract, TEXTS, TEXTS, TEXTS, TEXTS, st.lists(MEASURED, max_size=2).map(tuple))


@given(CONTRACTS)
def test_a_contract_is_read_as_it_was_written(contract: Contract) -> None:
    assert FILE.validate_json(json.dumps(plain(contract))) == contract
