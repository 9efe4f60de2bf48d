"""Which keys the model knows at a place, to suggest the one that was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from provisioner.estate.source import Step


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` for the nearest known word; empty if none is near."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    lower = [name for name in names if name.lower() == word.lower()]
    found = (lower or near)[:1]
    return f"did you mean `{found[0]}`?" if found else ""


def keys_at(model: type[BaseModel], path: tuple[Step, ...]) -> tuple[str, ...]:
    """The keys that are allowed in the mapping at a path of pydantic's (with its union tags)."""
    types: list[Any] = [model]
    for step in path:
        types = [beneath for one in types for beneath in _step(one, step)] or types
    return tuple(sorted({key for one in types for key in _keys(one)}))


def field_key(model: type[BaseModel], name: str) -> str:
    """The key of a field in a document."""
    return model.model_fields[name].alias or name


def _keys(model: Any) -> Iterator[str]:
    for found in _models(model):
        for name in found.model_fields:
            yield field_key(found, name)


def _step(annotation: Any, step: Step) -> Iterator[Any]:
    """The types one step below a type; nothing if the step is a union's tag or leads nowhere."""
    for part in members(annotation):
        origin = get_origin(part)
        if isinstance(part, type) and issubclass(part, BaseModel):
            if _tagged(part, step):
                yield part
            for name, field in part.model_fields.items():
                if step in {name, field.alias}:
                    yield field.annotation
        elif origin is dict:
            yield get_args(part)[1]
        elif origin is tuple and isinstance(step, int):
            yield get_args(part)[0]


def _tagged(model: type[BaseModel], step: Step) -> bool:
    """Whether a union's tag chooses this model."""
    field = model.model_fields.get("type")
    return (
        field is not None and get_origin(field.annotation) is Literal and step in get_args(field.annotation)
    )


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for part in members(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part


def members(annotation: Any) -> Iterator[Any]:
    """The members of a type without `Annotated` and unions around them."""
    if get_origin(annotation) is Annotated:
        yield from members(get_args(annotation)[0])
    elif get_origin(annotation) in {Union, UnionType}:
        for member in get_args(annotation):
            yield from members(member)
    else:
        yield annotation
