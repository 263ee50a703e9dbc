"""Values of secrets: generated, declared as handles on the YAML, or brought by others; never their text."""
