"""The command `events`: the queue of events, and what was not dealt with."""
