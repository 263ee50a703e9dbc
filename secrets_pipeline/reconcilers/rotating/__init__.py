"""Rotate now: by the secret's function, or by this pipeline where a secret has none."""

from secrets_pipeline.reconcilers.rotating.choice import NoWay, Way, roots, way_of
from secrets_pipeline.reconcilers.rotating.reconciler import DEFAULT_SECONDS, RotateReconciler

__all__ = ["DEFAULT_SECONDS", "NoWay", "RotateReconciler", "Way", "roots", "way_of"]
