"""Words that the reasons of several plans begin with."""

from __future__ import annotations

OUTSIDE = "changed outside: "


WAITS = "waits: "


UNNAMED = "its mark does not name the repository yet"
"""Of a mark that was written before the repository had an id."""
