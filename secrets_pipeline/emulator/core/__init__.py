"""Provide what all of the embedded AWS stands on: its clock, sessions, events, errors."""
