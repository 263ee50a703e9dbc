"""Resolved stack in, desired state out. The input contract lives here."""
