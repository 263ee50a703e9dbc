"""When and by what a stack is verified."""
