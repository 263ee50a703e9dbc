"""What stacks left in AWS that are not declared any more: where to look, what is found, and how it is taken down."""
