"""Generate, render, seal and scrub: the only code that touches plaintext."""
