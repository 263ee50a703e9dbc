"""One reconciler per kind of AWS resource, and the stages that apply them in order."""

from secrets_pipeline.reconcilers import access_findings
from secrets_pipeline.reconcilers.access_findings import access_matrix
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.boundary import guard_boundary
from secrets_pipeline.reconcilers.confirming import confirm
from secrets_pipeline.reconcilers.connection_checks import connections
from secrets_pipeline.reconcilers.context import StackContext, World
from secrets_pipeline.reconcilers.database_inventory import DatabaseInventory
from secrets_pipeline.reconcilers.event_stacks import Concern, Dismissed, EventStacks
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.findings import as_declared
from secrets_pipeline.reconcilers.followed_databases import followed, serving
from secrets_pipeline.reconcilers.generated import generate_passwords, lacking_values
from secrets_pipeline.reconcilers.healing import MOST_A_DAY, Healed, Reported, heal, sentences
from secrets_pipeline.reconcilers.login_checks import logins
from secrets_pipeline.reconcilers.mark_findings import marks_verify
from secrets_pipeline.reconcilers.mending import NothingToMend, Unfinished, mend
from secrets_pipeline.reconcilers.opening import CONFIG_VARIABLE, MANIFESTS, Desired, operator_settings, read_desired
from secrets_pipeline.reconcilers.readable_secrets import stack_in_aws, withheld
from secrets_pipeline.reconcilers.refresh import InFlight, RefreshReconciler, rollout_now
from secrets_pipeline.reconcilers.refresh_findings import consumers_started_after_rotation
from secrets_pipeline.reconcilers.refresh_model import Progress, Rollout
from secrets_pipeline.reconcilers.repository_id import NAMELESS
from secrets_pipeline.reconcilers.rotation_sights import places, sights
from secrets_pipeline.reconcilers.stages import STAGES, apply_stack, commit, plan_stack
from secrets_pipeline.reconcilers.surroundings import Surroundings
from secrets_pipeline.reconcilers.value_checks import current_values

__all__ = [
    "CONFIG_VARIABLE",
    "MANIFESTS",
    "MOST_A_DAY",
    "NAMELESS",
    "STAGES",
    "ApplyOptions",
    "Concern",
    "DatabaseInventory",
    "Desired",
    "Dismissed",
    "EventStacks",
    "Finding",
    "Healed",
    "InFlight",
    "NothingToMend",
    "Progress",
    "RefreshReconciler",
    "Reported",
    "Rollout",
    "StackContext",
    "Surroundings",
    "Unfinished",
    "Verdict",
    "World",
    "access_findings",
    "access_matrix",
    "apply_stack",
    "as_declared",
    "commit",
    "confirm",
    "connections",
    "consumers_started_after_rotation",
    "current_values",
    "followed",
    "generate_passwords",
    "guard_boundary",
    "heal",
    "lacking_values",
    "logins",
    "marks_verify",
    "mend",
    "operator_settings",
    "places",
    "plan_stack",
    "read_desired",
    "rollout_now",
    "sentences",
    "serving",
    "sights",
    "stack_in_aws",
    "withheld",
]
