"""The server: who is let in, and how a request is answered."""
