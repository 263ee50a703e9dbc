"""What the pipeline's roles need: a table of permissions, what stacks touch, and the policies that come of both."""
