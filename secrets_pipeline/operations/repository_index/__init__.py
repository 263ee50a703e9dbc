"""Keep an index of a repository, so that a run reads its own stack and looks the others up."""
