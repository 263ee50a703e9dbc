"""Read stages of REST APIs by GetRestApis and GetStage, once a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.reconcilers.observed.cached import Cached

_EVERY = "every API"


@dataclass(frozen=True, slots=True)
class StageState:
    """A stage of a REST API as GetStage shows it.

    Attributes:
        deployment_id: of the deployment that it shows.
        changed_at: when anything of it was last changed.
    """

    api_id: str
    variables: Mapping[str, str]
    tags: Mapping[str, str]
    deployment_id: str
    changed_at: datetime | None


class ApiStages:
    """Reads the stages of one account and region. Several APIs may have one name: which is meant nobody can tell.

    Args:
        account: whose AWS.
    """

    def __init__(self, account: AwsAccount) -> None:
        self._account = account
        self._apis: Cached[str, Sequence[tuple[str, str]]] = Cached()
        self._stages: Cached[tuple[str, str], StageState | None] = Cached()

    def every_now(self, api_name: str, stage_name: str) -> list[StageState]:
        """Read the stages of that name, of all the APIs of that name, at this moment; nothing is kept.

        Raises:
            AwsError: if API Gateway refuses.
        """
        ids = [api_id for name, api_id in self._read_apis() if name == api_name]
        found = (self._read_stage(f"{api_name}/{stage_name}", api_id, stage_name) for api_id in ids)
        return [stage for stage in found if stage is not None]

    def get(self, api_name: str, stage_name: str) -> StageState | None:
        """Read the stage of the one API of that name; None where there is none, or several APIs have the name.

        Raises:
            AwsError: if API Gateway refuses.
        """
        ids = self._ids(api_name)
        return self._stage(f"{api_name}/{stage_name}", ids[0], stage_name) if len(ids) == 1 else None

    def now(self, api_name: str, stage_name: str) -> StageState | None:
        """As `get`, with APIs and stage as GetRestApis and GetStage show them at this moment.

        Raises:
            AwsError: if API Gateway refuses.
        """
        self._apis.forget(_EVERY)
        self.forget(api_name, stage_name)
        return self.get(api_name, stage_name)

    def forget(self, api_name: str, stage_name: str) -> None:
        """Read a stage again next time."""
        for api_id in self._ids(api_name):
            self._stages.forget((api_id, stage_name))

    def _ids(self, api_name: str) -> list[str]:
        return [api_id for name, api_id in self._apis.get(_EVERY, self._read_apis) if name == api_name]

    def _read_apis(self) -> Sequence[tuple[str, str]]:
        with calling("GetRestApis", "of the account"):
            return [(api["name"], api["id"]) for api in pages(self._account.client("apigateway"), "get_rest_apis")]

    def _stage(self, shown: str, api_id: str, stage_name: str) -> StageState | None:
        return self._stages.get((api_id, stage_name), partial(self._read_stage, shown, api_id, stage_name))

    def _read_stage(self, shown: str, api_id: str, stage_name: str) -> StageState | None:
        client = self._account.client("apigateway")
        with calling("GetStage", shown):
            try:
                answer = client.get_stage(restApiId=api_id, stageName=stage_name)
            except client.exceptions.NotFoundException:
                return None
        return StageState(
            api_id,
            answer.get("variables") or {},
            answer.get("tags") or {},
            answer.get("deploymentId", ""),
            answer.get("lastUpdatedDate"),
        )
