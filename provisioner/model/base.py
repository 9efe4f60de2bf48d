"""The base of every estate model, and the small types that carry units."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

KIB, MIB, GIB, TIB = 1024, 1024**2, 1024**3, 1024**4
_UNITS = {"K": KIB, "M": MIB, "G": GIB, "T": TIB}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B)?$", re.IGNORECASE)
_SPAN = re.compile(r"^(\d+)\s*(s|m|min|h|d|w)$")
_TIME = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


class Model(BaseModel):
    """A frozen part of the estate; an unknown key is an error, never ignored."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, str_strip_whitespace=True, validate_default=False
    )


def parse_size(value: Any) -> int:
    """Bytes of `"40G"`, `"512 MiB"` or an integer that already counts bytes.

    Units are binary, as Proxmox VE's (PVE::JSONSchema::parse_size).
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.match(str(value).strip())
    if not match:
        raise ValueError("a size is a number with K, M, G or T, such as 40G")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def format_size(size_bytes: int) -> str:
    """The shortest exact form of a size: 42949672960 → `40G`, 540672 → `528K`."""
    for unit in ("T", "G", "M", "K"):
        if size_bytes and size_bytes % _UNITS[unit] == 0:
            return f"{size_bytes // _UNITS[unit]}{unit}"
    return str(size_bytes)


def parse_span(value: Any) -> timedelta:
    """The time span of `"15m"`, `"4h"`, `"1d"`."""
    if isinstance(value, timedelta):
        return value
    match = _SPAN.match(str(value).strip())
    if not match:
        raise ValueError("a time span is a whole number with s, m, h, d or w, such as 15m")
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def format_span(span: timedelta) -> str:
    """The shortest exact form of a span: 900 s → `15m`."""
    seconds = int(span.total_seconds())
    for unit in ("w", "d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_time(value: Any) -> time:
    """The time of day of `"22:30"`; a bare number is none, for it would count seconds."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not _TIME.match(value):
        raise ValueError("a time of day is hours and minutes in quotes, such as `22:30`")
    return time.fromisoformat(value)


SizeBytes = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(gt=0),
    PlainSerializer(format_size, return_type=str),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": r"^\d+(\.\d+)?\s*[KMGTkmgt](i?[Bb])?$",
            "exclusiveMinimum": 0,
            "examples": ["40G"],
        }
    ),
]
Span = Annotated[
    timedelta,
    BeforeValidator(parse_span),
    PlainSerializer(format_span, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*(s|m|min|h|d|w)$", "examples": ["15m"]}),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(parse_time),
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": _TIME.pattern, "examples": ["22:30"]}),
]

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""A name of ours: lower-case letters, digits and hyphens."""

DnsName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62})$")]
"""A host name as Proxmox VE's `dns-name` format takes it."""

PveId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]{1,62}$")]
"""A Proxmox VE configuration id (`pve-configid`), two characters at least."""

MacAddress = Annotated[str, StringConstraints(pattern=r"^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$", to_upper=True)]

Vmid = Annotated[int, Field(ge=100, le=999_999_999)]
"""A guest's number, unique in the estate so that a guest keeps it when it is recovered at the other site."""

VlanTag = Annotated[int, Field(ge=1, le=4094)]


class SecretRef(str):
    """Where a secret is to be found; the secret itself never enters the model, a plan or a log.

    `env:NAME`, `file:PATH` (mode 0600, relative to the estate), `sops:FILE#KEY`, `vault:FILE#KEY`.
    """

    __slots__ = ()
    PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|(sops|vault):[^#]+#.+)$"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Validate as a string of the right form, and keep the type."""
        from pydantic_core import core_schema  # noqa: PLC0415 - only pydantic's own protocol needs it

        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(pattern=cls.PATTERN))
