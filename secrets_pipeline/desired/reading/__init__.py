"""How YAML is read: one stack, one component, typed values, references, every error collected."""
