"""A document becomes an estate part by part: what is broken is named and left out, the rest lives on.

So a guest with a fault does not hide what is wrong with the others, nor what its own good half says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from provisioner.estate.defaults import guest_kind
from provisioner.estate.faults import Fault, faults_of, spoilt, victim, without_echoes
from provisioner.estate.source import Map, Seq, Step
from provisioner.estate.vocabulary import suggestion
from provisioner.model.base import Name
from provisioner.model.estate import Estate
from provisioner.model.guest import Ct, Vm
from provisioner.model.service import Service
from provisioner.model.site import Site

M = TypeVar("M", bound=BaseModel)
_ROUNDS = 8
"""Leaving a value out may leave its surroundings wanting; deeper than this no part is worth keeping."""
_GUESTS: dict[str, type[Vm | Ct]] = {"vm": Vm, "ct": Ct}


class Draft(Estate):
    """What is left of an estate with faults: enough to look for more of them, never to act upon."""

    estate: Name = "unnamed"
    sites: dict[Name, Site] = Field(default_factory=dict)


@dataclass(slots=True)
class Parsed:
    """An estate, or the draft of one; `top` is the document that it was made from, without the broken parts.

    `wanting` are paths below which something was left out, so that nothing can be concluded from an absence.
    """

    estate: Estate
    top: Map
    faults: list[tuple[Map, Fault]] = field(default_factory=list)
    """Each with the document that knows its place: parts lose their broken values round by round."""
    wanting: set[tuple[Step, ...]] = field(default_factory=set)


def parse(top: Map) -> Parsed:
    """The estate of a document, with all its faults."""
    parsed = Parsed(Draft(), top.copied())
    values: dict[str, Any] = dict(parsed.top)
    for section in ("sites", "guests", "services"):
        if isinstance(parsed.top.get(section), Map):
            values[section] = _section(parsed, section)
    sound = not parsed.faults
    made = _salvage(Estate if sound else Draft, _with_spots(values, parsed.top), parsed, ())
    parsed.estate = made or Draft()
    return parsed


def _with_spots(values: dict[str, Any], top: Map) -> Map:
    made = Map()
    for key, value in values.items():
        made.put(key, value, top.spots[key])
    return made


def _section(parsed: Parsed, section: str) -> Map:
    """The valid objects of a section, by name, at the places of what they were made from."""
    whole, made = parsed.top[section].copied(), Map()
    parsed.top.put(section, whole, parsed.top.spots[section])
    for name, raw in parsed.top[section].items():
        model = _model(section, raw)
        if model is None:
            parsed.faults.append((parsed.top, _no_kind(section, name, raw)))
        else:
            found = _salvage(model, raw, parsed, (section, name))
            if found is not None:
                made.put(name, found, whole.spots[name])
    return made


def _model(section: str, raw: Any) -> type[BaseModel] | None:
    if section != "guests":
        return Site if section == "sites" else Service
    return _GUESTS.get(guest_kind(raw, Map()) if isinstance(raw, Map) else "vm")


def _no_kind(section: str, name: str, raw: Map) -> Fault:
    kind = raw["kind"]
    hint = suggestion(str(kind), _GUESTS)
    return Fault((section, name, "kind"), f"`kind` must be `vm` or `ct`, and is `{kind}`", hint)


def _salvage(model: type[M], raw: Any, parsed: Parsed, above: tuple[Step, ...]) -> M | None:
    """The model of a part, without what is broken in it; None if nothing useful is left."""
    lost: set[tuple[Step, ...]] = set()
    for _ in range(_ROUNDS):
        try:
            made = model.model_validate(raw)
        except ValidationError as invalid:
            faults = faults_of(invalid, model, raw)
            new = [fault for fault in without_echoes(faults) if not _follows(fault, lost)]
            _record(parsed, above, raw, new)
            lost |= spoilt(faults)
            raw = _without(raw, faults)
            if raw is None:
                break
        else:
            _keep(parsed, above, raw, lost)
            return made
    parsed.wanting.add(above)
    return None


def _follows(fault: Fault, lost: set[tuple[Step, ...]]) -> bool:
    """Whether a fault may only be there because something beside it was left out."""
    return fault.path in lost or fault.path[:-1] in lost


def _record(parsed: Parsed, above: tuple[Step, ...], raw: Any, faults: list[Fault]) -> None:
    """Note faults together with a document in which their places can be found."""
    if not faults:
        return
    known = _grafted(parsed.top, above, raw) if above else raw
    parsed.faults.extend(
        (known, Fault((*above, *fault.path), fault.message, fault.hint, fault.on_key, fault.kind))
        for fault in faults
    )


def _grafted(top: Map, above: tuple[Step, ...], raw: Any) -> Map:
    """The two levels above a part, with the part in its present state."""
    section, name = str(above[0]), str(above[1])
    inner, outer = Map(), Map()
    inner.put(name, raw, top[section].spots[name])
    outer.put(section, inner, top.spots[section])
    return outer


def _keep(parsed: Parsed, above: tuple[Step, ...], raw: Map, lost: set[tuple[Step, ...]]) -> None:
    """Put what the part was made from into the document, so that later faults find their places."""
    parsed.wanting |= {(*above, *path) for path in lost}
    if not above:
        for key in [key for key in parsed.top if key not in raw]:
            parsed.top.drop(key)
        parsed.top.update({key: raw[key] for key in parsed.top if key not in {"sites", "guests", "services"}})
    elif lost or raw is not parsed.top[str(above[0])][above[1]]:
        section = parsed.top[str(above[0])]
        section[str(above[1])] = raw


def _without(raw: Any, faults: list[Fault]) -> Any:
    """A copy of a part without the broken values; None if the part itself is one of them."""
    paths = sorted({victim(fault) for fault in faults}, key=_backwards, reverse=True)
    for path in paths:
        if not path:
            return None
        raw = _dropped(raw, path)
    return raw


def _backwards(path: tuple[Step, ...]) -> tuple[tuple[int, str], ...]:
    """Later elements of a list first, so that the earlier keep their numbers."""
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in path)


def _dropped(here: Any, path: tuple[Step, ...]) -> Any:
    """A copy without what stands at a path."""
    step, rest = path[0], path[1:]
    inside = (isinstance(here, Map) and step in here) or (
        isinstance(here, Seq) and isinstance(step, int) and step < len(here)
    )
    if not inside:
        return here
    made = here.copied()
    if rest:
        made[step] = _dropped(here[step], rest)
    else:
        made.drop(step)
    return made
