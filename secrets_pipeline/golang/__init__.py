"""What Go does, in Python: its values as text, its YAML, its templates. It imports nothing of ours but errors."""
