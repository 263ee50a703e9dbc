"""What the project has beside the component: an executor, resources, a job, its schedule and assets."""

import dagster as dg


class TeamStore(dg.IOManager):
    """Stores what the team's assets return, and takes nothing of others."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        assert context.asset_key.path[0] != "payments", (context.asset_key, type(obj))

    def load_input(self, context: dg.InputContext) -> object:
        return context.asset_key.to_user_string()


@dg.asset
def numbers(aws: dg.ResourceParam[str]) -> str:
    assert aws == "the team's own"
    return "1, 2, 3"


@dg.asset
def report(numbers: str) -> str:
    return numbers


daily = dg.define_asset_job("daily", selection=["numbers", "report"])

defs = dg.Definitions(
    assets=[numbers, report],
    jobs=[daily],
    schedules=[dg.ScheduleDefinition(job=daily, cron_schedule="0 6 * * *")],
    executor=dg.multiprocess_executor,
    resources={"aws": "the team's own", "stacks": "theirs", "names": "theirs", "io_manager": TeamStore()},
)
