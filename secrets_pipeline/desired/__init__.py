"""Read what resolved stacks ask of AWS: the input contract of the pipeline."""
