"""Read and write the `:inputs` tag: from which inputs a value was rendered last, and which version that made.

A run may die between the move of AWSCURRENT and this tag, and the YAML may be reverted: then the tag speaks of an older
version than the one that our own write left behind. A version that a rotation or a human wrote is no reason to render
again, so only one that carries the label of our unfinished writes counts.
"""

from __future__ import annotations

from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.tag_keys import INPUTS

STAGED = "SECRETS_PIPELINE_STAGED"
"""Label of the version that a write of ours rendered last; on another version than the tag names, it is unfinished."""
COPIED = "SECRETS_PIPELINE_COPIED"
"""Label of a version that only holds what the one before held."""
UNKNOWN = "unknown"
"""Stands for inputs while fields are written, and where a rotation may have brought back what it read before."""
_VERSION_DIGITS = 32


def inputs_tag(inputs: str, version: str) -> str:
    """Make the tag's value.

    Args:
        inputs: fingerprint of the inputs, with the digests of what a declared value takes in.
        version: id of the version that was rendered from them.
    """
    return f"{inputs}.{version[:_VERSION_DIGITS]}"


def copied_inputs_tag(state: SecretState, version: str) -> str | None:
    """Make the tag for a copy of the current value; None where nothing true can be said."""
    inputs = recorded_inputs(state)
    return inputs_tag(inputs, version) if inputs and not is_unfinished(state) else None


def recorded_inputs(state: SecretState) -> str:
    """Read what the value was rendered from last; empty if no tag says it."""
    return state.tags.get(INPUTS, "").partition(".")[0]


def is_rendered_from(state: SecretState, inputs: str) -> bool:
    """Whether nothing has to be rendered: the inputs are those of the last time, and our last write was finished."""
    return recorded_inputs(state) == inputs and not is_unfinished(state)


def is_unfinished(state: SecretState) -> bool:
    """Whether a run of ours made the current version and died before it said from what."""
    current = state.current_version
    if current is None or STAGED not in state.versions[current]:
        return False
    _, _, version = state.tags.get(INPUTS, "").partition(".")
    return version != current[:_VERSION_DIGITS]
