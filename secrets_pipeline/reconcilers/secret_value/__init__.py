"""Generate, render, read and write values of secrets."""
