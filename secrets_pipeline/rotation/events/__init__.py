"""Events of rotations, tampering and databases: read from a queue, and understood."""

from secrets_pipeline.rotation.events.hints import Hint, Kind, Poison
from secrets_pipeline.rotation.events.parsing import parse
from secrets_pipeline.rotation.events.queue import EventQueue, Message

__all__ = ["EventQueue", "Hint", "Kind", "Message", "Poison", "parse"]
