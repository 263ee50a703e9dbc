"""Make what the pages of the UI show."""
