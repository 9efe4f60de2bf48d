"""Digests that bind a plan to what was observed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.plan import Action, Change


def step_digest(change: Change) -> str:
    """SHA-256 over what a step does and the digest of the object that was seen.

    An activation is the same step whatever is pending: its digest holds no more than its name.
    """
    if change.action is Action.ACTIVATE:
        return _sha256({"ref": str(change.ref), "action": change.action})
    return _sha256(
        {
            "ref": str(change.ref),
            "action": change.action,
            "attributes": [[one.name, one.before, one.after] for one in change.attributes],
            "at_creation": dict(change.desired.at_creation) if change.desired else {},
            "secrets": dict(change.desired.secrets) if change.desired else {},
            "seen": change.observed.digest if change.observed else None,
        }
    )


def plan_digest(estate: str, digests: Iterable[str]) -> str:
    """SHA-256 over the estate's name and the digests of the steps, in any order."""
    return _sha256({"estate": estate, "steps": sorted(digests)})


def _sha256(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
