"""Read where a secret's value comes from: it is generated, stands in the YAML, or somebody else brings it."""

from __future__ import annotations

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import listed
from secrets_pipeline.desired.secret.generated import DOCUMENT_KEYS, generated_value
from secrets_pipeline.desired.secret.keys import PASSWORD_KEYS
from secrets_pipeline.desired.value.data import BINARY, binary_value, declared_value
from secrets_pipeline.desired.value.data import KEY as DATA
from secrets_pipeline.desired.value.model import ExternalValue, Value

GENERATE, VALUE = "generate_random_password", "value"
EXTERNAL = "external"
"""What `value` says of a secret whose value somebody else brings."""
EXTERNAL_REMEDY = (
    f"Write {DATA}, {GENERATE}: true, or {VALUE}: {EXTERNAL} where a human or a vendor puts the value there."
)


def secret_value(component: Inputs, entry: Inputs, master_of: DatabaseSpec | None) -> Value | None:
    """The value of one secret; None, with errors collected, if it is wrong.

    Args:
        component: the component's variables.
        entry: the secret.
        master_of: the database whose master password this is.
    """
    generate, external = entry.boolean(GENERATE, default=False), _external(entry)
    said = {f"{GENERATE}: true": generate, f"{VALUE}: {EXTERNAL}": external}
    chosen = [*(key for key in (DATA, BINARY) if entry.has(key)), *(key for key, chosen in said.items() if chosen)]
    if external is None:
        return None
    if len(chosen) > 1:
        entry.scope.error(entry.path, f"the secret has both {' and '.join(chosen)}", "Keep one of them.")
        return None
    if generate:
        return generated_value(component, entry, master_of)
    for written, read in ((DATA, declared_value), (BINARY, binary_value)):
        if entry.has(written):
            for key in sorted(DOCUMENT_KEYS):
                if entry.has(key):
                    entry.error(key, f"{key} stands beside {written}", f"Write {key} as a key under {DATA}.")
            return read(entry)
    if useless := [key for key in sorted(DOCUMENT_KEYS | PASSWORD_KEYS) if entry.has(key)]:
        entry.error(
            useless[0],
            f"{listed(useless)} says what a generated value looks like, and this one is not generated",
            f"Write {GENERATE}: true, or leave it out where a human or a vendor puts the value there.",
        )
        return None
    return ExternalValue()


def _external(entry: Inputs) -> bool | None:
    """Whether the entry says so itself; None, with an error that quotes nothing, where `value` is anything else."""
    if not entry.has(VALUE):
        return False
    if entry.values[VALUE] == EXTERNAL:
        return True
    entry.error(VALUE, f"{VALUE} takes {EXTERNAL} alone", f"Write what the secret holds under {DATA}.")
    return None
