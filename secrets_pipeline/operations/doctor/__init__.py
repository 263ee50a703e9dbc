"""What an apply would meet in the accounts of some stacks: questions to AWS that only read, and their answers."""
