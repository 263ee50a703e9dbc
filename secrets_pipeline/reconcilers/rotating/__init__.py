"""Rotate now: by the secret's function, or by this pipeline where a secret has none."""

from secrets_pipeline.reconcilers.rotating.choice import Way, roots, way_of
from secrets_pipeline.reconcilers.rotating.reconciler import RotateReconciler
from secrets_pipeline.rotation.steps import RotationStep, Watch, unwatched

__all__ = ["RotateReconciler", "RotationStep", "Watch", "Way", "roots", "unwatched", "way_of"]
