"""What `?pending=1` tells of an SDN object (PVE::Network::SDN::pending_config).

The row holds what runs, `pending` what differs in the configuration, and `state` is new, changed or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
DELETED = "deleted"


def configured(row: Row) -> dict[str, Any] | None:
    """The object as it is configured, in force or not; None if it is deleted."""
    if row.get("state") == DELETED:
        return None
    merged = {**row, **(row.get("pending") or {})}
    return {
        key: value for key, value in merged.items() if value != DELETED and key not in {"pending", "state"}
    }


def is_pending(row: Row) -> bool:
    """Whether the object waits for `PUT /cluster/sdn`."""
    return bool(row.get("state"))
