"""Hold what the corrections must know of this process; set once, before the first request."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from secrets_pipeline.emulator.postgres import Authority


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the embedded AWS.

    Attributes:
        postgres_root: folder for the data of every PostgreSQL, reachable by the user that PostgreSQL runs as.
        authority: gave every RDS instance its certificate.
        lambda_root: folder for the code of Lambda functions and for their invocations, reachable by every user.
        trust_store: file of the certificates that Lambda functions trust; None for the system's.
        endpoint_url: AWS_ENDPOINT_URL of Lambda functions.
    """

    postgres_root: Path
    lambda_root: Path
    authority: Authority | None = None
    trust_store: Path | None = None
    endpoint_url: str = ""


_settings = Settings(Path(tempfile.gettempdir()), Path(tempfile.gettempdir()))


def configure(value: Settings) -> None:
    """Replace the settings."""
    global _settings  # noqa: PLW0603 - moto creates its backends itself, nothing can be handed to them
    _settings = value


def settings() -> Settings:
    """The settings of this process."""
    return _settings
