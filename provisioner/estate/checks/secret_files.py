"""Files that hold secrets: only their owner may read them. The one check that looks at the disk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel

from provisioner.estate.checks.view import Trail, View
from provisioner.estate.faults import Fault
from provisioner.estate.secrets import exposed
from provisioner.estate.vocabulary import field_key
from provisioner.model.base import SecretRef


def modes(view: View) -> Iterator[Fault]:
    """Secret files that others can read; one that does not exist yet may still be written."""
    for path, ref in _secrets(view.estate, ()):
        reason = exposed(ref, view.folder) if ref.startswith("file:") else ""
        if reason:
            yield Fault(path, f"secret file `{ref.removeprefix('file:')}` {reason}", "chmod 600 it")


def _secrets(value: Any, path: Trail) -> Iterator[tuple[Trail, SecretRef]]:
    """Every reference to a secret in a value, with its path in the document."""
    if isinstance(value, SecretRef):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, key in _leading_to_secrets(type(value)):
            yield from _secrets(getattr(value, name), (*path, key))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _secrets(one, (*path, str(key)))
    elif isinstance(value, tuple):
        for at, one in enumerate(value):
            yield from _secrets(one, (*path, at))


@lru_cache(maxsize=256)
def _leading_to_secrets(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """The fields of a model below which a secret may be, each with its key."""
    fields = model.model_fields.items()
    return tuple((name, field_key(model, name)) for name, field in fields if _may_hold(field.annotation))


def _may_hold(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, SecretRef):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return bool(_leading_to_secrets(annotation))
    return any(_may_hold(part) for part in get_args(annotation))


CHECKS = (modes,)
