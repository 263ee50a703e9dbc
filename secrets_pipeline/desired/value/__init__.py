"""Values of secrets: generated, or declared as handles on the YAML; never their text."""
