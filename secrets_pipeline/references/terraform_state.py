"""Read some outputs of a state of Terraform or OpenTofu; drop the rest, and quote nothing of the state in an error.

Sources: `internal/states/statefile/version4.go` of hashicorp/terraform, `internal/encryption/base.go` of
opentofu/opentofu, and `ProcessTerraformStateFile` in `internal/terraform_backend/terraform_backend_utils.go` of Atmos.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from secrets_pipeline.errors import TerraformStateError
from secrets_pipeline.references.model import Path, dotted
from secrets_pipeline.references.resolve import Pending, Plain, Resolved, secret_of

FORMAT: Final = 4
"""The format of states since Terraform 0.12."""
_PULL: Final = "Check which state the component's backend names, and apply the component again."


def outputs_of(content: bytes, paths: Iterable[Path]) -> Mapping[Path, Resolved]:
    """Resolve some outputs of a state; drop everything else.

    Args:
        content: of a state of format 4.
        paths: each the name of an output, then keys and indexes into its value.

    Returns:
        By path: `Secret` if the state marks the output `sensitive`, `Plain` if not, a missing `Pending` if the state
        has no such output, or null at the path.

    Raises:
        TerraformStateError: if the state cannot be read.
    """
    document = json_object(content, remedy=_PULL, decrypt="Let Terraform put the output into a parameter instead.")
    if (found := document.get("version")) != FORMAT or isinstance(found, bool):
        named = f"format {found}" if isinstance(found, int) and not isinstance(found, bool) else "no format version"
        raise TerraformStateError(
            f"the state has {named}; states of format {FORMAT} are read",
            remedy="Let Terraform 0.12 or later write it: `terraform apply -refresh-only`.",
        )
    outputs = document.get("outputs")
    return {path: _resolved(outputs if isinstance(outputs, dict) else {}, path) for path in paths}


def _resolved(outputs: Mapping[str, Any], path: Path) -> Resolved:
    output = outputs.get(str(path[0]))
    if not isinstance(output, dict):
        return Pending(f"the state has no output {path[0]}", missing=True)
    value: Any = output.get("value")
    for step in path[1:]:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            value = None
    if value is None:
        return Pending(f"the state has nothing at output {dotted(path)}", missing=True)
    # Terraform writes `sensitive` only if it is true; anything that is not clearly false counts as true.
    return secret_of(value) if output.get("sensitive", False) is not False else Plain(value)


def json_object(content: bytes, *, remedy: str, decrypt: str) -> Mapping[str, Any]:
    """Parse the JSON of a state, whatever its format.

    Args:
        content: of the file.
        remedy: what to do if it is no state.
        decrypt: what to do if OpenTofu encrypted it.

    Raises:
        TerraformStateError: if it is no JSON object, or encrypted.
    """
    if not content.strip():
        raise TerraformStateError("the state file is empty", remedy=remedy)
    document = _parsed(content, remedy)
    if not isinstance(document, dict):
        raise TerraformStateError("not a Terraform state: the top-level JSON value is not an object", remedy=remedy)
    if "encryption_version" in document or "encrypted_data" in document:
        raise TerraformStateError("this state is encrypted by OpenTofu", remedy=decrypt)
    return document


def _parsed(content: bytes, remedy: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON; no exception of the parser is kept, as it holds the whole text."""
    place = "a number in it is too long"
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        place = "it is not UTF-8"
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
    except RecursionError:
        place = "it nests too deeply"
    except ValueError:
        pass
    raise TerraformStateError(f"the state is not JSON, or cut off ({place}); nothing of it is shown", remedy=remedy)
