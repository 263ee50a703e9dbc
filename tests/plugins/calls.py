"""Compute what botocore and moto compute for each call in a cheaper way.

The tests make some hundred thousand calls, and most of a call's time is spent on what is the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from botocore import utils
from botocore.auth import SigV4Auth

from secrets_pipeline.emulator.handle.lifecycle import MOTO_SETTINGS


def pytest_configure(config: Any) -> None:  # noqa: ANN401 - pytest's
    """Replace what is slow, before a test makes its first call."""
    _derive_signing_keys_once()
    _read_timestamps_at_once()
    _pick_attributes_by_known_names()
    _find_backends_without_a_lock()


def _derive_signing_keys_once() -> None:
    """A signature takes five digests, four of which depend on the day, the region and the service."""
    signer: Any = SigV4Auth
    sign = signer._sign

    @lru_cache(1_000)
    def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
        key: bytes = f"AWS4{secret}".encode()
        for part in (day, region, service, "aws4_request"):
            key = sign(None, key, part)
        return key

    def signature(one: Any, text: str, request: Any) -> str:  # noqa: ANN401 - botocore's
        day = request.context["timestamp"][:8]
        key = signing_key(one.credentials.secret_key, day, one._region_name, one._service_name)
        return str(sign(one, key, text, hex=True))

    signer.signature = signature


def _read_timestamps_at_once() -> None:
    """dateutil tries every way to write a date; answers of AWS have ISO 8601."""
    internals: Any = utils
    read = internals._parse_timestamp_with_tzinfo

    def parse(value: object, tzinfo: Any) -> datetime:  # noqa: ANN401 - a class
        if isinstance(value, str) and value[10:11] == "T" and value.endswith("Z"):
            try:
                return datetime.fromisoformat(value).replace(tzinfo=internals.tzutc())
            except ValueError:
                pass
        parsed: datetime = read(value, tzinfo)
        return parsed

    internals._parse_timestamp_with_tzinfo = parse


def _pick_attributes_by_known_names() -> None:
    """moto asks a dozen rules by which name an object has each member of an answer."""
    from moto.core import serialize  # noqa: PLC0415 - after its settings

    assert MOTO_SETTINGS
    pickers: list[Any] = [serialize.AttributePicker, serialize.XFormedAttributePicker]
    for picker in pickers:
        _cached_names(picker)


def _cached_names(picker: Any) -> None:  # noqa: ANN401 - moto's
    possible: Callable[..., Any] = picker.get_possible_keys
    known: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def names(one: Any, context: Any) -> tuple[str, ...]:  # noqa: ANN401 - moto's
        asked = (one.__class__, tuple(one.alias_providers), type(context.obj), context.key, context.shape)
        if asked not in known:
            known[asked] = tuple(possible(one, context))
        return known[asked]

    picker.get_possible_keys = names


def _find_backends_without_a_lock() -> None:
    """moto makes a missing account's backends under a lock, and takes it for those that are there, too."""
    from moto.core.base_backend import BackendDict  # noqa: PLC0415 - after its settings

    backends: Any = BackendDict
    make = backends.__getitem__

    def found(one: Any, account_id: str) -> Any:  # noqa: ANN401 - moto's
        backend = one.get(account_id)
        return make(one, account_id) if backend is None else backend

    backends.__getitem__ = found
