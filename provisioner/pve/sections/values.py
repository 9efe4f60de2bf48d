"""How answers of Proxmox VE read as plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

DAY_SECONDS = 86_400


def flag(value: Any, *, default: bool = False) -> bool:
    """A boolean as any of Proxmox VE's forms writes it (PVE::JSONSchema::parse_boolean)."""
    if value is None:
        return default
    return str(value).strip().lower() in {"1", "on", "yes", "true"}


def moment(seconds: Any) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC; None for 0 and for nothing, which mean never."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat() if seconds else None


def days_until(seconds: Any, now: datetime) -> int | None:
    """Whole days from `now` until a moment, negative for the past; None if there is no such moment."""
    return int((int(seconds) - now.timestamp()) // DAY_SECONDS) if seconds else None


def hours_since(seconds: Any, now: datetime) -> float | None:
    """Hours since a moment; None if there was none."""
    return round((now.timestamp() - int(seconds)) / 3600, 1) if seconds else None


def words(value: Any) -> list[str]:
    """The words of a list, or of a text in which any of Proxmox VE's separators stands, sorted."""
    if isinstance(value, list):
        return sorted(str(one) for one in value)
    return sorted(filter(None, re.split(r"[,;\s]+", str(value or ""))))


def properties(value: Any, first: str = "value") -> dict[str, str]:
    """A property string such as `local:100/disk,size=1G`; its part without a key is called `first`."""
    if isinstance(value, Mapping):
        return {str(key): str(one) for key, one in value.items()}
    found = {}
    for part in filter(None, str(value or "").split(",")):
        key, equals, rest = part.partition("=")
        found[key if equals else first] = rest if equals else key
    return found
