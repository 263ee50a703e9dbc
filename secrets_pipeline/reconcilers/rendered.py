"""What the `:inputs` tag says: from which inputs a value was rendered last, and which version that made.

A run may die between the move of AWSCURRENT and this tag, and the YAML may be reverted: then the tag speaks of an older
version than the one that our own write left behind. A version that a rotation or a human wrote is no reason to render
again, so only one that carries the label of our unfinished writes counts.
"""

from __future__ import annotations

from secrets_pipeline.reconcilers.marks import INPUTS
from secrets_pipeline.reconcilers.states import SecretState

STAGED = "SECRETS_PIPELINE_STAGED"
"""Label of the version that a write of ours rendered last; on another version than the tag names, it is unfinished."""
COPIED = "SECRETS_PIPELINE_COPIED"
"""Label of a version that only holds what the one before held."""
UNKNOWN = "unknown"
"""Stands for inputs where a rotation may have brought back what it read before ours were written."""
_VERSION_DIGITS = 32


def inputs_tag(inputs: str, version: str) -> str:
    """The tag's value.

    Args:
        inputs: fingerprint of the inputs.
        version: id of the version that was rendered from them.
    """
    return f"{inputs}.{version[:_VERSION_DIGITS]}"


def carried(state: SecretState, version: str) -> str | None:
    """The tag for a copy of the current value; None where nothing true can be said."""
    inputs, _, _ = state.tags.get(INPUTS, "").partition(".")
    known = inputs and not is_unfinished(state) and not _is_left_behind(state)
    return inputs_tag(inputs, version) if known else None


def is_rendered_from(state: SecretState, inputs: str) -> bool:
    """Whether nothing has to be rendered: the inputs are those of the last time, and our last write was finished."""
    recorded, _, _ = state.tags.get(INPUTS, "").partition(".")
    return recorded == inputs and not is_unfinished(state)


def has_fields_from(state: SecretState, inputs: str) -> bool:
    """Whether the fields of a document need not be written: as `is_rendered_from`, and nothing was left behind.

    A rotation, or a human, copies what a run of ours wrote before it died, so the version that has it now is theirs.
    Writing the fields again leaves everything else as they left it.
    """
    return is_rendered_from(state, inputs) and not _is_left_behind(state)


def _is_left_behind(state: SecretState) -> bool:
    """Whether our last rendering is another one than the tag speaks of, whoever wrote a version after it."""
    rendered = next((one for one, labels in state.versions.items() if STAGED in labels), None)
    _, _, recorded = state.tags.get(INPUTS, "").partition(".")
    if rendered is None or not recorded or rendered.startswith(recorded):
        return False
    return not any(one.startswith(recorded) and COPIED in labels for one, labels in state.versions.items())


def is_unfinished(state: SecretState) -> bool:
    """Whether a run of ours made the current version and died before it said from what."""
    current = state.current_version
    if current is None or STAGED not in state.versions[current]:
        return False
    _, _, version = state.tags.get(INPUTS, "").partition(".")
    return version != current[:_VERSION_DIGITS]
