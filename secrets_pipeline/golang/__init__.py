"""Do in Python what Go does: print values, read YAML, render templates. Imports nothing of ours but errors."""
