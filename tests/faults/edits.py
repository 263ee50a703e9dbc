"""Repositories that differ from examples/, so that an apply has something to change."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.faults.ground import EXAMPLES

SHARED = Path("stacks/orgs/acme/infra/shared.yaml")
DEFAULTS = Path("stacks/orgs/acme/myapp/_defaults.yaml")

_POLICY = (
    "{Statement: [{Sid: NoPlainHttp, Effect: Deny, Principal: '*', Action: 'secretsmanager:*', Resource: '*', "
    "Condition: {Bool: {aws:SecureTransport: 'false'}}}]}"
)
OLDER: Mapping[str, str] = {
    "create_kms_key: true": "create_kms_key: false",
    "description: Site-to-site VPN of the London office": "description: VPN of the office",
    "gateway: 203.0.113.10": "gateway: 203.0.113.9",
    "description: Pre-shared key of the VPN\n": "description: Pre-shared key of the VPN\n"
    f"            tags: {{Obsolete: tag}}\n            policy: {_POLICY}\n",
}
"""How `infra-shared` was before: under the default key, with another description, value, tag and policy."""


def older_repository(folder: Path) -> Path:
    """examples/ as it may have been before: an apply of examples/ then changes every part of `infra-shared`.

    Args:
        folder: does not exist yet.
    """
    return edited(folder, SHARED, OLDER)


def edited(folder: Path, manifest: Path, edits: Mapping[str, str]) -> Path:
    """A copy of examples/ with one manifest changed.

    Args:
        folder: does not exist yet.
        manifest: relative to the repository.
        edits: a text that occurs once → what stands there instead.

    Raises:
        ValueError: a text does not occur once.
    """
    shutil.copytree(EXAMPLES, folder)
    text = (folder / manifest).read_text()
    for before, after in edits.items():
        if text.count(before) != 1:
            raise ValueError(f"{manifest} has {before!r} {text.count(before)} times")
        text = text.replace(before, after)
    (folder / manifest).write_text(text)
    return folder
