"""Snapshots: what an audit looks at, taken once, saved, and replayed offline."""
