"""`defaults:` merged under every site, guest and service: deep, the nearer wins, lists are replaced.

A key that is given as nothing (`ha:` or `ha: null`) takes a default away.
"""

from __future__ import annotations

from typing import Any

from provisioner.errors import Problem
from provisioner.estate.source import Map, problem_at

SECTIONS = {"site": "sites", "guest": "guests", "vm": "guests", "ct": "guests", "service": "services"}
"""Key of `defaults` to the section of the document that it concerns."""


def apply_defaults(top: Map) -> tuple[Map, tuple[Problem, ...]]:
    """The document with its defaults merged in and without `defaults`, and what is wrong with them."""
    if "defaults" not in top:
        return top, ()
    given, spot = top["defaults"], top.spots["defaults"]
    made = top.copied()
    made.drop("defaults")
    if not isinstance(given, Map):
        problem = problem_at(spot[0], "`defaults` must be a mapping", f"its keys are {', '.join(SECTIONS)}")
        return made, (problem,) if given is not None else ()
    problems = tuple(_wrong(given, key) for key in given if not _good(given, key))
    usable = {key: value for key, value in given.items() if _good(given, key) and value}
    for section in ("sites", "guests", "services"):
        if isinstance(made.get(section), Map):
            made.put(section, _filled(section, made[section], usable), made.spots[section])
    return made, problems


def _good(given: Map, key: str) -> bool:
    return key in SECTIONS and isinstance(given[key], Map | None)


def _wrong(given: Map, key: str) -> Problem:
    what = "must be a mapping" if key in SECTIONS else "is no kind of default"
    return problem_at(given.spots[key][0], f"`{key}` {what}", f"`defaults` takes {', '.join(SECTIONS)}")


def _filled(section: str, objects: Map, usable: dict[str, Map]) -> Map:
    """The objects of a section over their defaults."""
    made = Map()
    for name, value in objects.items():
        filled = _over(_layers(section, value, usable), value) if isinstance(value, Map) else value
        made.put(name, filled, objects.spots[name])
    return made


def _layers(section: str, value: Map, usable: dict[str, Map]) -> list[Map]:
    """The defaults that concern an object, the nearest first."""
    if section != "guests":
        names: tuple[str, ...] = (section.removesuffix("s"),)
    else:
        names = (guest_kind(value, usable.get("guest", Map())), "guest")
    return [usable[name] for name in names if name in usable]


def guest_kind(value: Map, beneath: Map) -> str:
    """`vm` or `ct` (or what was written instead): a guest without `kind` is a virtual machine."""
    return str(value.get("kind") or beneath.get("kind") or "vm")


def _over(layers: list[Map], value: Map) -> Map:
    made = value
    for layer in layers:
        made = _beneath(layer, made)
    for key in [key for key, one in made.items() if one is None and any(key in layer for layer in layers)]:
        made.drop(key)
    return made


def _beneath(base: Map, near: Map) -> Map:
    """`near` with what only `base` has; mappings in both are merged."""
    made = near.copied()
    for key, value in base.items():
        if key not in made:
            made.put(key, value, base.spots[key])
        elif isinstance(value, Map):
            made[key] = _nested(value, made[key])
    return made


def _nested(base: Map, near: Any) -> Any:
    """A mapping over its default; a nothing inside takes the default's key away."""
    if not isinstance(near, Map):
        return near
    made = _beneath(base, near)
    for key in [key for key, one in made.items() if one is None and base.get(key) is not None]:
        made.drop(key)
    return made
