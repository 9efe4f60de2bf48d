"""Objects that are one section of a configuration file: POST makes one, PUT changes it, DELETE removes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.model.objects import Call, Mark, Observed, Ref, Value, Work, read_mark, with_mark
from provisioner.resources.fields import Fields, Scalar, edits, read, settings
from provisioner.resources.kind import Scope


@dataclass(frozen=True, slots=True)
class Section:
    """Where objects of a kind live in the API and how they are written."""

    path: str
    """POST goes here, PUT and DELETE to `path/id`."""
    key: str
    """The parameter that names a new object."""
    fields: Fields
    lanes: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    """Attributes that every update has to repeat."""
    made_with: Mapping[str, Scalar] = field(default_factory=dict)
    """Parameters of the POST alone."""
    deletes: bool = True
    """PUT knows `delete`; otherwise settings are unset by an empty value."""
    comment: str = "comment"
    """The attribute that carries the mark."""
    passing: tuple[str, ...] = ()
    """Pieces of refusals that pass by themselves."""


def section_seen(scope: Scope, row: Mapping[str, Any], *, kind: str, key: str, fields: Fields) -> Observed:
    """A row of a list whose `key` names the object and whose comment carries the mark."""
    comment, mark = read_mark(row.get("comment"), scope.mark)
    return Observed(
        ref=Ref(scope.site, kind, row[key]),
        label=row[key],
        attributes=read(fields, {**row, "comment": comment}),
        mark=mark,
        digest=row.get("digest") or "",
    )


def section_calls(section: Section, work: Work, name: str | None = None) -> tuple[Call, ...]:
    """The next call for one object; `name` is its name in the API where that is not the id."""
    wanted, seen = work.desired, work.observed
    ref = wanted.ref if wanted else seen.ref if seen else None
    if ref is None or (wanted is None and seen is None):
        return ()
    name = name or ref.id
    if wanted is None:
        return (Call("DELETE", f"{section.path}/{name}", lanes=section.lanes),)
    if seen is None:
        params = {section.key: name, **section.made_with, **settings(section.fields, marked(section, work))}
        made = Call(
            "POST", section.path, params, wanted.secrets, lanes=section.lanes, passing=section.passing
        )
        return (made,)
    params = changes(section, work)
    put = Call("PUT", f"{section.path}/{name}", params, lanes=section.lanes, passing=section.passing)
    return (put,) if params else ()


def changes(section: Section, work: Work) -> dict[str, Scalar]:
    """The parameters of a PUT, the digest among them; empty if nothing is to be written."""
    names = changed_names(section, work)
    if work.desired is None or work.observed is None or not names:
        return {}
    attributes = marked(section, work)
    params, deleted = edits(section.fields, attributes, names | set(section.repeated))
    if deleted and section.deletes:
        params["delete"] = ",".join(deleted)
    elif deleted:
        params |= dict.fromkeys(deleted, "")
    return params | ({"digest": work.observed.digest} if work.observed.digest else {})


def changed_names(section: Section, work: Work) -> set[str]:
    """Attributes to write: those that differ, and the comment while it says that the object is unfinished."""
    known = {one.name for one in section.fields}
    unfinished = work.observed is not None and work.observed.mark is Mark.BUILDING
    return (set(work.changed) & known) | ({section.comment} if unfinished else set())


def marked(section: Section, work: Work) -> dict[str, Value]:
    """The wanted attributes; the comment has the mark if the object is new or carries it already."""
    attributes = dict(work.desired.attributes) if work.desired else {}
    ours = work.observed is None or work.observed.mark is not Mark.NONE
    if section.comment in attributes and ours:
        attributes[section.comment] = with_mark(str(attributes[section.comment] or ""), work.mark)
    return attributes
