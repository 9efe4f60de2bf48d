"""Retention as Proxmox VE writes it: `prune-backups`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.objects import Value
from provisioner.model.storage import Prune
from provisioner.resources.fields import Codec

KEEPS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
KEEP_ALL = "keep-all=1"


def read_prune(answer: Any) -> str | None:
    """The canonical text of an answer, which is a text for storages and a mapping for backup jobs."""
    pairs = answer if isinstance(answer, Mapping) else dict(part.split("=") for part in answer.split(","))
    counts = {key.removeprefix("keep-"): int(count) for key, count in pairs.items()}
    if counts.get("all"):
        return KEEP_ALL
    return ",".join(f"keep-{keep}={counts[keep]}" for keep in KEEPS if counts.get(keep)) or None


def prune_of(prune: Prune | None) -> str | None:
    """The canonical text of what the estate says."""
    if prune is None:
        return None
    if prune.keep_all:
        return KEEP_ALL
    counts = {keep: getattr(prune, f"keep_{keep}") for keep in KEEPS}
    return ",".join(f"keep-{keep}={count}" for keep, count in counts.items() if count) or None


def prune_in_words(text: Value) -> dict[str, Any]:
    """The `prune` of an estate document."""
    if text == KEEP_ALL:
        return {"keep_all": True}
    pairs = (part.split("=") for part in str(text).split(","))
    return {key.replace("-", "_"): int(count) for key, count in pairs}


PRUNE = Codec(read_prune, lambda text: text, of=prune_of, plain=prune_in_words)
