"""From merged manifests to the components of stacks."""
