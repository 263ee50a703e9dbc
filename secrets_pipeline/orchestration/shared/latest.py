"""Read the latest materialisation of an asset for many stacks: one query a look, and what is new since the last one."""

from collections.abc import Collection, Mapping

import dagster as dg

_AT_ONCE = 200


class Latest:
    """Remembers the latest materialisation of each stack; one for each asset and process.

    Args:
        asset: its key.
    """

    def __init__(self, asset: dg.AssetKey) -> None:
        self._asset = asset
        self._known: dict[str, dg.EventLogRecord] = {}

    def of(self, instance: dg.DagsterInstance, stacks: Collection[str]) -> Mapping[str, dg.EventLogRecord]:
        """Return the latest materialisation of each stack that has one."""
        ids = instance.event_log_storage.get_latest_storage_id_by_partition(
            self._asset, dg.DagsterEventType.ASSET_MATERIALIZATION, set(stacks)
        )
        known = {stack: record for stack, record in self._known.items() if ids.get(stack) == record.storage_id}
        new = sorted(found for stack, found in ids.items() if stack not in known)
        for start in range(0, len(new), _AT_ONCE):
            wanted = dg.AssetRecordsFilter(asset_key=self._asset, storage_ids=new[start : start + _AT_ONCE])
            for record in instance.fetch_materializations(wanted, limit=_AT_ONCE).records:
                if record.partition_key is not None:
                    known[record.partition_key] = record
        self._known = known
        return {stack: known[stack] for stack in stacks if stack in known}
