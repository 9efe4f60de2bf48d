"""How attributes are said in the API: a kind lists its `Field`s, and reads, writes and adopts by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from provisioner.model.access import epoch
from provisioner.model.base import Model
from provisioner.model.objects import Value

Scalar: TypeAlias = str | int | float
_SEPARATORS = re.compile(r"[\s,;]+")


def flat(value: Any) -> Value:
    """A value of the model as an attribute: addresses as text, lists in order of the alphabet."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple | list | set | frozenset):
        return tuple(sorted(str(item) for item in value))
    return str(value)


def plain(value: Value) -> Any:
    """An attribute as YAML takes it."""
    return [plain(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Codec:
    """The forms of a value: in the API's answers and parameters, in the model, in an estate document."""

    read: Callable[[Any], Value]
    """From an answer that says something."""
    write: Callable[[Any], Scalar | None]
    """To a parameter, also from None; None where Proxmox VE has it unset."""
    of: Callable[[Any], Value] = flat
    """From the model."""
    plain: Callable[[Any], Any] = plain
    """To the estate."""


def _flag(answer: Any) -> bool:
    return str(answer).lower() not in {"0", "no", "off", "false"}


def _list(answer: Any) -> Value:
    return tuple(sorted({item for item in _SEPARATORS.split(str(answer)) if item}))


def _moment(answer: Any) -> str | None:
    return datetime.fromtimestamp(int(answer), UTC).isoformat() if int(answer) else None


def _moment_of(moment: datetime | None) -> str | None:
    return _moment(epoch(moment))


def _seconds(text: str | None) -> int:
    return epoch(datetime.fromisoformat(text)) if text else 0


TEXT = Codec(lambda answer: str(answer).strip(), lambda text: text or None)
INTEGER = Codec(int, lambda number: number)
NUMBER = Codec(float, lambda number: number, of=lambda number: None if number is None else float(number))
FLAG = Codec(_flag, lambda flag: None if flag is None else int(flag))
ENABLED = Codec(lambda answer: not _flag(answer), lambda enabled: 1 if enabled is False else None)
"""A flag of ours that the API states the other way round: `disable`."""
CHOSEN = Codec(_flag, lambda flag: 1 if flag else None)
"""A flag that Proxmox VE has or has not: it is unset rather than switched off."""
LIST = Codec(_list, lambda items: ",".join(items or ()) or None)
"""A list in any order, of words without spaces."""
WORDS = Codec(_list, lambda items: " ".join(items or ()) or None)
"""A list that Proxmox VE copies into a file, with spaces between."""
MOMENT = Codec(_moment, _seconds, of=_moment_of)
"""Seconds since 1970, 0 for never; as an attribute ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute, named as in the model; `default` is what Proxmox VE means by saying nothing."""

    name: str
    param: str
    codec: Codec = TEXT
    default: Value = None


Fields: TypeAlias = tuple[Field, ...]


def read(fields: Fields, row: Mapping[str, Any]) -> dict[str, Value]:
    """The attributes that an answer states."""
    return {
        field.name: field.default
        if row.get(field.param) in (None, "")
        else field.codec.read(row[field.param])
        for field in fields
    }


def wanted(fields: Fields, model: Model) -> dict[str, Value]:
    """The attributes that the estate states."""
    return {field.name: field.codec.of(getattr(model, field.name)) for field in fields}


def settings(fields: Fields, attributes: Mapping[str, Value]) -> dict[str, Scalar]:
    """The parameters that make an object: all that differs from Proxmox VE's defaults."""
    written = {
        field.param: field.codec.write(attributes[field.name])
        for field in fields
        if field.name in attributes and attributes[field.name] != field.default
    }
    return {param: value for param, value in written.items() if value is not None}


def edits(
    fields: Fields, attributes: Mapping[str, Value], names: Iterable[str]
) -> tuple[dict[str, Scalar], tuple[str, ...]]:
    """The parameters that change an object, and those to delete."""
    chosen = set(names)
    written = {
        field.param: field.codec.write(attributes.get(field.name)) for field in fields if field.name in chosen
    }
    deleted = tuple(sorted(param for param, value in written.items() if value is None))
    return {param: value for param, value in written.items() if value is not None}, deleted


def brief(fields: Fields, model: type[Model], attributes: Mapping[str, Value]) -> dict[str, Any]:
    """The attributes as a piece of an estate, without those that the model assumes anyway."""
    told = {}
    for field in fields:
        info, value = model.model_fields[field.name], attributes.get(field.name)
        default = None if info.is_required() else field.codec.of(info.get_default(call_default_factory=True))
        if value != default:
            told[info.alias or field.name] = field.codec.plain(value)
    return told
