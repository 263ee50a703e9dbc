"""Run SSM documents, which restart what runs on instances."""
