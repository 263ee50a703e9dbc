"""Say which commit of its git repository the stacks were read at."""
