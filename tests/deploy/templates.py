"""deploy/aws/*.yaml as documents, and the properties of a resource with all that they refer to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cfnlint.decode import cfn_yaml

from tests.deploy.compose_file import DEPLOY

TEMPLATES = sorted((DEPLOY / "aws").glob("*.yaml"))


def template(name: str) -> dict[str, Any]:
    """A template with its functions in the long form."""
    document: Any = cfn_yaml.load(str(DEPLOY / "aws" / f"{name}.yaml"))
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def parameters(name: str) -> dict[str, str]:
    """The defaults of a template's parameters."""
    found = template(name)["Parameters"]
    return {key: str(one["Default"]) for key, one in found.items() if "Default" in one}


def evaluated(properties: object, known: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:  # noqa: ANN401, PLR0911 - one for each function
    """Properties of a resource with their functions evaluated.

    Args:
        properties: of the template.
        known: what `Resource`, `Resource.Attribute` and `Parameter` stand for.
        conditions: of the template.

    Raises:
        KeyError: for what is not known.
    """
    match properties:
        case {"Ref": str(name)}:
            return known[name]
        case {"Fn::GetAtt": [*path]}:
            return known[".".join(map(str, path))]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: known[found[1]], text)
        case {"Fn::If": [str(condition), yes, no]}:
            return evaluated(yes if conditions[condition] else no, known, conditions)
        case dict():
            return {key: evaluated(one, known, conditions) for key, one in properties.items()}
        case list():
            return [evaluated(one, known, conditions) for one in properties]
        case _:
            return properties


def request_of(properties: object, known: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:  # noqa: ANN401 - as above
    """Properties of a resource as a request of its service: the same, with names as botocore has them."""
    return _as_request(evaluated(properties, known, conditions))


def _as_request(value: object) -> object:
    match value:
        case dict():
            return {key[0].lower() + key[1:]: _as_request(one) for key, one in value.items()}
        case list():
            return [_as_request(one) for one in value]
        case _:
            return value
