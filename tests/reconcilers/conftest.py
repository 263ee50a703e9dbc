"""The bench, for tests of what runs against the embedded AWS."""

from tests.bench import bench, interruption, killed, readers, rotate, session, sessions, time

__all__ = ["bench", "interruption", "killed", "readers", "rotate", "session", "sessions", "time"]
