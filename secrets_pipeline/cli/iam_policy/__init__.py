"""`secrets-pipeline iam-policy`: the policies of the pipeline's own roles."""
