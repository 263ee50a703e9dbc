"""Go's text/template: parsed once, rendered with plain Python values and functions."""
