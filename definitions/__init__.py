"""This checkout as a Dagster code location: the component that `defs.yaml` names."""

from pathlib import Path

import dagster as dg

defs = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
