"""Say what `secrets-pipeline health` finds, and what to do about it."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.runbook.entry import Entry, health

HEALTH: Final[tuple[Entry, ...]] = (
    health(
        "daemon-not-running",
        means="""
        A daemon of Dagster has sent no heartbeat for five minutes. Nothing starts: no sensor or schedule is evaluated,
        queued runs stay queued, and no alert is sent. Runs under way end by themselves.
        """,
        look="""
        Is the process `dagster-daemon` there, and what does its log say last? On ECS it is the service `Daemon`, on
        Kubernetes the deployment `…-dagster-daemon`, with Docker `docker compose logs daemon`.
        """,
        do="""
        * It is not there: start it. On ECS and Kubernetes look at why tasks or pods of it end: the image, memory,
          PostgreSQL.
        * It is there and says that PostgreSQL is away: see that it runs, has room, and lets the daemon in.
        * One daemon is silent and the others are not: it hangs in one iteration. Restart the process; what it had
          begun is found in PostgreSQL.
        * Afterwards `secrets-pipeline health` is well within a minute. Sensors go on where they were, a missed
          verification is made up for, and events wait in their queue for fourteen days.
        """,
    ),
    health(
        "no-tick-since",
        means="""
        A sensor or schedule has not been evaluated for three of its intervals and five minutes, a sensor was never
        evaluated, or somebody stopped it.
        Its work is not done: with `ended_runs_sensor` no alert is sent, with `rotation_event_sensor`
        rotations are not followed, with `verification_schedule` nothing is verified.
        """,
        look="""
        `secrets-pipeline health` says whether a daemon is silent, too: then begin with
        [`daemon-not-running`](#daemon-not-running). In the UI, Deployment says whether the code location is loaded.
        """,
        do="""
        * The code location is not loaded: the code server is down, or its project does not load. Its log says why; on
          ECS it is the service `CodeServer`. A bad image: go back to the last one.
        * It is stopped: switch it on in the UI, under Automation. A new image does not switch it on.
        * All of them tick but one: its last tick hangs. Restart the code server.
        * Sensors never ticked: `include` of the component has no `sensors`, so nobody alerts. Add it.
        * It is none of this deployment's, or no more, as settings changed: `secrets-pipeline health` has to be run with
          the same settings (`SECRETS_PIPELINE_CONFIG`, `SECRETS_PIPELINE_NAME`) as the code server.
        """,
    ),
    health(
        "tick-failed",
        means="The last tick of a sensor or schedule ended with an error. The next one tries again.",
        look="In the UI, Automation, the sensor: the error of its last tick.",
        do="""
        * AWS, PostgreSQL or the repository cannot be reached: mend that, and the next tick is well.
        * It took longer than Dagster waits for it: does the code server have the processor that it needs?
        * Else the error is a bug: report it with its lines.
        """,
    ),
    health(
        "queue-stuck",
        means="""
        A run has waited for more than 15 minutes in the queue, or for its process to start. Runs of a backfill come
        last, and may wait as long as other runs are under way.
        """,
        look="""
        In the UI, Runs, Queued: the run says what it waits for. `secrets-pipeline health` says whether the daemon
        `QUEUED_RUN_COORDINATOR` is silent: then begin with [`daemon-not-running`](#daemon-not-running).
        """,
        do="""
        * It waits for another run of its stack: look at that one; terminate it if it hangs. Two hours end it
          (`max_runtime_seconds`).
        * It waits for a limit of its account, or of all runs: wait, or raise the limit in `dagster.yaml`. If the daily
          verifications of many stacks wait for it, give groups of stacks different hours
          (`verification.cron` of the stacks).
        * It is starting: look whether the task, pod or process comes up. ECS: no capacity, an image that cannot be
          pulled, subnets without a way out. After ten minutes Dagster fails it (`start_timeout_seconds`).
        * The code location does not answer: see [`no-tick-since`](#no-tick-since).
        """,
    ),
    health(
        "verification-too-old",
        means="""
        The last complete verification of a stack that succeeded is older than 26 hours, or it has runs and was never
        verified. Its green checks say how it was then.
        """,
        look="""
        The last runs of the job `verify` of that stack in the UI. The ticks of `verification_schedule` name each stack
        that they leave out, and why.
        """,
        do="""
        * `verify` failed: it could not look. `secrets-pipeline doctor -s STACK` says what stands in the way.
        * The stack has errors: `secrets-pipeline list stacks --all` names them; it is verified once they are mended.
        * There is no run at all: see [`no-tick-since`](#no-tick-since) and [`queue-stuck`](#queue-stuck).
        * Stacks are verified less often on purpose (`verification.cron`): raise
          [`alerts.verified_within_hours`](reference/operator.md#alerts).
        * Then launch `verify` in the UI for the stack, or wait for the schedule, which makes up for what was missed.
        """,
    ),
)
