"""Errors of pydantic's as sentences with a place: no tag of a union, no name of a validator, no noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from provisioner.estate.source import Step
from provisioner.estate.vocabulary import keys_at, suggestion
from provisioner.estate.words import advice, expected, shown


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong below a part of the document. `on_key` is a fault of the key and not of its value."""

    path: tuple[Step, ...]
    message: str
    hint: str = ""
    on_key: bool = False
    kind: str = ""
    """Pydantic's name of the error; empty for a fault of meaning."""
    advice: bool = False
    """It makes no part of the estate meaningless."""


def faults_of(invalid: ValidationError, model: type[BaseModel], raw: Any) -> list[Fault]:
    """One fault for each place; what the members of a union said about one value is put together."""
    places: dict[tuple[tuple[Step, ...], bool], list[Mapping[str, Any]]] = {}
    for error in invalid.errors(include_url=False):
        path, on_key = _path(error["loc"], error["type"], raw)
        places.setdefault((path, on_key), []).append(error)
    return [_fault(path, errors, on_key=on_key, model=model) for (path, on_key), errors in places.items()]


def _path(loc: tuple[Step, ...], kind: str, raw: Any) -> tuple[tuple[Step, ...], bool]:
    """The steps of `loc` that are steps of the document, and whether it points at a key.

    What is left out are the tags of unions, the names of validators, and `[key]`.
    """
    path: list[Step] = []
    here = raw
    for step in loc:
        inside = (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int)
        )
        if inside:
            here = here[step]
            path.append(step)
    if kind == "missing":
        return (*path, loc[-1]), True
    return tuple(path), kind == "extra_forbidden" or loc[-1:] == ("[key]",)


def _fault(
    path: tuple[Step, ...], errors: list[Mapping[str, Any]], *, on_key: bool, model: type[BaseModel]
) -> Fault:
    first = errors[0]
    kind, name = first["type"], _named(path)
    if kind == "extra_forbidden":
        known = keys_at(model, first["loc"][:-1])
        hint = suggestion(str(path[-1]), known) or f"known here: {', '.join(known)}"
        return Fault(path, f"unknown key {name}", hint, on_key=True, kind=kind)
    if kind == "missing":
        return Fault(path, f"{name} is missing", on_key=True, kind=kind)
    if kind == "union_tag_not_found":
        return Fault((*path, "type"), "`type` is missing", on_key=True, kind="missing")
    if kind == "too_short":
        return Fault(path, f"{name} needs at least {_entries(first['ctx']['min_length'])}", kind=kind)
    if kind == "value_error":
        value = first["input"]
        is_it = "" if isinstance(value, dict | list) else f" is {shown(value)}"
        return Fault(path, f"{name}{is_it}: {first['ctx']['error']}", kind=kind)
    if kind == "union_tag_invalid":
        path, name = (*path, "type"), "`type`"
        first = {**first, "input": first["ctx"]["tag"]}
    value = path[-1] if on_key else first["input"]
    wanted = " or ".join(dict.fromkeys(expected(error) for error in errors))
    subject = "the key" if on_key else name
    hint = next((said for error in errors if (said := advice(error, value))), "")
    return Fault(path, f"{subject} must be {wanted}, and is {shown(value)}", hint, on_key=on_key, kind=kind)


def _entries(number: int) -> str:
    return "one entry" if number == 1 else f"{number} entries"


def _named(path: tuple[Step, ...]) -> str:
    """How a message calls what stands at a path: `cores`, or `rules`, entry 2."""
    if not path:
        return "this"
    if isinstance(path[-1], int):
        return f"`{path[-2] if len(path) > 1 else 'list'}`, entry {path[-1] + 1}"
    return f"`{path[-1]}`"


def without_echoes(faults: list[Fault]) -> list[Fault]:
    """Faults without the keys that are missing because they are misspelt: those are one fault, not two."""
    meant = {
        (*fault.path[:-1], fault.hint.split("`")[1])
        for fault in faults
        if fault.kind == "extra_forbidden" and fault.hint.startswith("did you mean")
    }
    return [fault for fault in faults if not (fault.kind == "missing" and fault.path in meant)]


def victim(fault: Fault) -> tuple[Step, ...]:
    """What has to go so that the rest can live: the broken value, or the mapping that lacks something."""
    return fault.path[:-1] if fault.kind == "missing" else fault.path


def spoilt(faults: Iterable[Fault]) -> set[tuple[Step, ...]]:
    """The mappings that lose something with these faults; an unknown key is no loss."""
    found: set[tuple[Step, ...]] = set()
    for fault in faults:
        if fault.kind != "extra_forbidden":
            found |= {fault.path[:-1], victim(fault)[:-1]}
    return found
