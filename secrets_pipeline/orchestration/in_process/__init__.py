"""Runs in this process, as the command line asks for them."""
