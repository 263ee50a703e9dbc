"""Rotations: events, runs that follow them, repairs, and rotation on demand."""
