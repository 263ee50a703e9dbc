"""`python -m secrets_pipeline`: the command line."""

from secrets_pipeline.cli import main

main()
