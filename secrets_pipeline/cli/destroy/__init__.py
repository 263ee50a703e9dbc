"""The command `destroy`."""
