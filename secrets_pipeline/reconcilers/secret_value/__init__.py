"""Values of secrets: generated, rendered, read and written."""
