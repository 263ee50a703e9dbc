"""Collect what is in force, and from where: the operator's settings, Atmos's configuration, variables; no secret."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from secrets_pipeline.aws.guards import READ_ONLY_VARIABLE
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.settings.places import Keys, SettingPlaces
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE
from secrets_pipeline.operations.revision.model import COMMIT_VARIABLE
from secrets_pipeline.stacks import CONFIG_VARIABLES
from secrets_pipeline.stacks.config.config import AtmosConfig
from secrets_pipeline.stacks.sources.source import FROM_ATMOS_VARIABLE, FROM_FILE_VARIABLE

ENVIRONMENT: Final = "environment"
DEFAULT: Final = "default"
IS_SET: Final = "(set)"
_SWITCHES: Final = (
    CONFIG_VARIABLE, READ_ONLY_VARIABLE, FROM_FILE_VARIABLE, FROM_ATMOS_VARIABLE, COMMIT_VARIABLE,
    "SECRETS_PIPELINE_NAME", "SECRETS_PIPELINE_PUBLISH", "SECRETS_PIPELINE_URL",
)  # fmt: skip
_AWS: Final = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE",
    "AWS_EC2_METADATA_DISABLED", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
)  # fmt: skip
"""Source: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html"""
_ENDPOINT: Final = "AWS_ENDPOINT_URL"
_CREDENTIALS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_HOME: Final = "DAGSTER_HOME"
_OURS: Final = "SECRETS_PIPELINE_"
_SURE: Final = 0.85
_IN_URL: Final = re.compile(r"(?<=://)[^/@\s]*@|\?\S*")
"""User, password and query of a URL."""


@dataclass(frozen=True, slots=True)
class InForce:
    """One thing that is in force.

    Attributes:
        about: what it belongs to, for example `operator's settings`.
        name: of the setting or variable.
        value: JSON; text of a URL without user and query, credentials as `(set)`.
        source: an option, a variable, `file:line` or `default`.
    """

    about: str
    name: str
    value: Any
    source: str

    def plain(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"about": self.about, "name": self.name, "value": self.value, "source": self.source}


def settings_in_force(settings: OperatorSettings, text: str, file: str) -> Iterator[InForce]:
    """List each of the operator's settings, those of a map one by one, with the line that gives it.

    Args:
        settings: in force.
        text: of their file; empty for none.
        file: its name.
    """
    places = SettingPlaces(text)

    def source(keys: Keys) -> str:
        found, line = places.found(keys)
        return f"{file}:{line}" if found == keys else DEFAULT

    for name, value in _fields(settings):
        below = _fields(value) if isinstance(value, BaseModel) else ()
        for inner, part in below:
            yield InForce(_SETTINGS, f"{name}.{inner}", _plain(part), source((name, inner)))
        if isinstance(value, tuple) and value and source((name, 0)) != DEFAULT:
            for index, one in enumerate(value):
                yield InForce(_SETTINGS, f"{name}[{index}]", _plain(one), source((name, index)))
        elif not below:
            yield InForce(_SETTINGS, name, _plain(value), source((name,)))


_SETTINGS: Final = "operator's settings"


def _fields(model: BaseModel) -> list[tuple[str, Any]]:
    return [(field.alias or name, getattr(model, name)) for name, field in type(model).model_fields.items()]


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return _IN_URL.sub("…", value) if isinstance(value, str) and "://" in value else value


def atmos_in_force(config: AtmosConfig) -> Iterator[InForce]:
    """List base path, folder of stacks and files of Atmos's configuration, the one that wins last.

    Args:
        config: as it was found.
    """
    about = "Atmos"
    folders = (("base path", config.base, ("base_path",)), ("stacks", config.stacks, ("stacks", "base_path")))
    for name, value, key in folders:
        place = config.where(*key)
        given = place.line is not None or place.file is None
        yield InForce(about, name, str(value), str(place) if given else f"no {'.'.join(key)} is set")
    # What is imported and found as well is read twice: the last time counts.
    last = dict.fromkeys(str(file.path) for file in reversed(config.places.files))
    for number, path in enumerate(reversed(last), start=1):
        yield InForce(about, "atmos.yaml", path, f"read as number {number}, later ones win")


def variables_in_force(env: Mapping[str, str]) -> Iterator[InForce]:
    """List the variables that are set and have an effect, and those of our prefix that have none.

    Args:
        env: of the process.
    """
    home = env.get(_HOME)
    yield InForce("Dagster", _HOME, str(Path(home or ".dagster").absolute()), ENVIRONMENT if home else DEFAULT)
    atmos = sorted(CONFIG_VARIABLES - {"HOME"})
    endpoints = sorted(name for name in env if name.startswith(_ENDPOINT))
    shown = {"Atmos": atmos, "AWS": (*_AWS, *endpoints), "switches": _SWITCHES}
    for about, names in shown.items():
        for name in names:
            if env.get(name):
                yield InForce(about, name, _plain(env[name]), ENVIRONMENT)
    for name in _CREDENTIALS:
        if env.get(name):
            yield InForce("AWS", name, IS_SET, ENVIRONMENT)
    for name in sorted(env):
        if name.startswith(_OURS) and name not in _SWITCHES:
            near = difflib.get_close_matches(name, _SWITCHES, n=1, cutoff=_SURE)
            meant = f". Did you mean {near[0]}?" if near else ""
            yield InForce("switches", name, IS_SET, f"commands do not read it{meant}")
