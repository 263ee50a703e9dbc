"""Policy documents: the statements that readers need, whom documents name, and when two say the same."""
