"""Gomplate's namespaces on the environment, the clock and chance: `env`, `time`, `random`, `uuid`."""

from __future__ import annotations

import re
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure, checked
from secrets_pipeline.golang.template.functions.conversions import parse_int
from secrets_pipeline.golang.template.functions.environment import ASCII, RenderingEnvironment
from secrets_pipeline.golang.template.functions.namespaces.coercion import constant, integer, items, number, text
from secrets_pipeline.golang.template.functions.refused import refuse
from secrets_pipeline.golang.template.functions.time.dates import load_zone
from secrets_pipeline.golang.template.functions.time.durations import (
    HOUR,
    MICROSECOND,
    MILLISECOND,
    MINUTE,
    SECOND,
    Duration,
    parse_duration,
)
from secrets_pipeline.golang.template.functions.time.instants import Instant, from_datetime, parse
from secrets_pipeline.golang.template.functions.time.times import Time, instant_of
from secrets_pipeline.golang.values import Function, Int64, Value

_LAYOUTS: Final = {
    "ANSIC": "Mon Jan _2 15:04:05 2006",
    "UnixDate": "Mon Jan _2 15:04:05 MST 2006",
    "RubyDate": "Mon Jan 02 15:04:05 -0700 2006",
    "RFC822": "02 Jan 06 15:04 MST",
    "RFC822Z": "02 Jan 06 15:04 -0700",
    "RFC850": "Monday, 02-Jan-06 15:04:05 MST",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC1123Z": "Mon, 02 Jan 2006 15:04:05 -0700",
    "RFC3339": "2006-01-02T15:04:05Z07:00",
    "RFC3339Nano": "2006-01-02T15:04:05.999999999Z07:00",
    "Kitchen": "3:04PM",
    "Stamp": "Jan _2 15:04:05",
    "StampMilli": "Jan _2 15:04:05.000",
    "StampMicro": "Jan _2 15:04:05.000000",
    "StampNano": "Jan _2 15:04:05.000000000",
}
_UNITS: Final = {
    "Hour": HOUR,
    "Microsecond": MICROSECOND,
    "Millisecond": MILLISECOND,
    "Minute": MINUTE,
    "Nanosecond": 1,
    "Second": SECOND,
}
_MAX_NUMBER: Final = 100
_PAIR: Final = 2
_NUMBER: Final = re.compile(r"([^.]+)(?:\.(\d*))?", re.ASCII)


def getenv(environment: RenderingEnvironment) -> Function:
    """`getenv NAME [DEFAULT]`: the default also stands for an empty variable."""

    def variable(name: str, *default: str) -> str:
        found = environment.variable(name)
        if not found and environment.variable(f"{name}_FILE"):
            raise FunctionFailure(f"{name}_FILE is set: reading files is not supported; set {name}")
        return found or (default[0] if default else "")

    return variable


def env_methods(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """The namespace `env`."""
    return {"ExpandEnv": environment.expanded, "Getenv": getenv(environment)}


@dataclass(frozen=True, slots=True)
class _Clock:
    environment: RenderingEnvironment

    def time(self, instant: Instant) -> Time:
        return Time(instant, self.environment.local)

    def now(self) -> Time:
        return self.time(from_datetime(self.environment.now()))

    def parse(self, layout: str, value: Value) -> Time:
        return self._parsed(layout, text(value), "")

    def parse_local(self, layout: str, value: Value) -> Time:
        return self._parsed(layout, text(value), "Local")

    def parse_in(self, layout: str, zone: str, value: Value) -> Time:
        return self._parsed(layout, text(value), zone)

    def _parsed(self, layout: str, value: str, zone: str) -> Time:
        local = self.environment.local
        found = local if zone == "Local" else load_zone(zone)
        if found is None:
            raise FunctionFailure(f"unknown time zone {zone}")
        try:
            return self.time(parse(layout, value, found, local if zone == "" else found))
        except ValueError as error:
            raise FunctionFailure(str(error)) from None

    def unix(self, value: Value) -> Time:
        if isinstance(value, float):
            raise FunctionFailure(f"can not parse floating point number ({value:f}) - use a string instead")
        match = _NUMBER.fullmatch(value if isinstance(value, str) else str(int(integer(value))))
        if match is None:
            raise FunctionFailure("can not parse the text as a number - too many decimal points")
        try:
            seconds = parse_int(match[1], 0)
        except ValueError:
            raise FunctionFailure("can not parse the text as a number: invalid syntax") from None
        nanoseconds = int((match[2] or "0")[:9].ljust(9, "0"))
        return self.time(Instant(seconds, 0, self.environment.local).plus(nanoseconds))

    def since(self, moment: Value) -> Duration:
        return self.now().sub(self.time(instant_of(moment)))

    def until(self, moment: Value) -> Duration:
        return self.time(instant_of(moment)).sub(self.now())

    def zone_name(self) -> str:
        return self.now().instant.clock().zone

    def zone_offset(self) -> int:
        return self.now().instant.clock().offset


def time_methods(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """The namespace `time`, with Go's layouts."""
    clock = _Clock(environment)
    return {
        **{name: constant(layout) for name, layout in _LAYOUTS.items()},
        **{name: _span(unit) for name, unit in _UNITS.items()},
        "Now": clock.now,
        "Parse": clock.parse,
        "ParseDuration": _duration,
        "ParseInLocation": clock.parse_in,
        "ParseLocal": clock.parse_local,
        "Since": clock.since,
        "Unix": clock.unix,
        "Until": clock.until,
        "ZoneName": clock.zone_name,
        "ZoneOffset": clock.zone_offset,
    }


def _span(unit: int) -> Function:
    def span(count: Value) -> Duration:
        return Duration(integer(count) * unit)

    return span


def _duration(value: Value) -> Duration:
    return Duration(checked(parse_duration, text(value)))


@dataclass(frozen=True, slots=True)
class _Chance:
    environment: RenderingEnvironment

    def ascii(self, count: Value) -> str:
        return self.environment.letters(integer(count), ASCII)

    def alpha(self, count: Value) -> str:
        return self.environment.letters(integer(count), string.ascii_letters)

    def alpha_num(self, count: Value) -> str:
        return self.environment.letters(integer(count), string.ascii_letters + string.digits)

    def item(self, values: Value) -> Value:
        found = items(values)
        if not found:
            raise FunctionFailure("expected a non-empty array or slice")
        return self.environment.random.choice(found)

    def number(self, *bounds: Value) -> Int64:
        low = integer(bounds[0]) if len(bounds) == _PAIR else 0
        high = integer(bounds[-1]) if bounds else _MAX_NUMBER
        if high < low:
            raise FunctionFailure(f"min must not be greater than max (was {low}, {high})")
        return Int64(self.environment.random.randint(low, high))

    def float(self, *bounds: Value) -> float:
        low = number(bounds[0]) if len(bounds) == _PAIR else 0.0
        high = number(bounds[-1]) if bounds else 1.0
        return self.environment.random.uniform(low, high)


def random_methods(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """The namespace `random`."""
    chance = _Chance(environment)
    return {
        "ASCII": chance.ascii,
        "Alpha": chance.alpha,
        "AlphaNum": chance.alpha_num,
        "Float": chance.float,
        "Item": chance.item,
        "Number": chance.number,
        "String": refuse("random.String", "write `random.AlphaNum`"),
    }


def uuid_methods(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """The namespace `uuid`."""
    return {
        "IsValid": _is_uuid,
        "Nil": lambda: str(uuid.UUID(int=0)),
        "Parse": _parsed_uuid,
        "V1": refuse("uuid.V1", "it tells the machine's address; write `uuid.V4`"),
        "V4": environment.uuid,
    }


def _parsed_uuid(value: Value) -> str:
    try:
        return str(uuid.UUID(text(value)))
    except ValueError:
        raise FunctionFailure("invalid UUID") from None


def _is_uuid(value: Value) -> bool:
    try:
        _parsed_uuid(value)
    except FunctionFailure:
        return False
    return True
