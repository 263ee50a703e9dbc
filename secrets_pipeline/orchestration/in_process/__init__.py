"""Execute runs in this process, as the command line asks for them."""
