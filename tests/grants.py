"""Grants for tests that are about something else."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.desired.settings.grants import GrantRule

TRUSTED: Final = (GrantRule(preset="single-team", readers=("*",)),)
"""Every boundary but values of other stacks and SSM documents, which a grant names one by one."""
