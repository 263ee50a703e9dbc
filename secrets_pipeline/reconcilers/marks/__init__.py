"""Marks: tags that prove whose a thing is."""
