"""Who reads secrets, where references are delivered, and what is started anew."""
