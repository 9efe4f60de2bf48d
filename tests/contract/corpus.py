"""The corpus of real answers: what a Proxmox VE cluster was asked and said, and how answers are compared.

Compared are the HTTP status, the reason phrase, error texts, how tasks end, and the shape of the body: which
keys there are, and of which JSON type. What differs between any two clusters by nature is masked.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FACTS = Path(os.environ.get("BASTIDE_FACTS") or Path(__file__).parents[2].parent / "shared" / "facts")
CORPUS = FACTS / "pve-observed.jsonl"

UPID = r"UPID:[\w-]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:\w+:[^:]*:[^:\s]+:"
SHA1 = r"\b[0-9a-f]{40}\b"
UUID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
BACKUP = r"vzdump-\w+-\d+-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d"
VOLATILE = re.compile(f"{UPID}|{SHA1}|{UUID}|{BACKUP}")
MASKED = re.compile(rf"{VOLATILE.pattern}|\.tmp\.\d+")
# Keys whose values are said to people, or to programs that look at the words.
SPOKEN = ("message", "exitstatus")


@dataclass(frozen=True, slots=True)
class Observed:
    """One request of the corpus and its real answer. `params` is a raw body when it is a string."""

    seq: int
    method: str
    path: str
    params: Any
    status: int
    reason: str
    body: str
    note: str

    @property
    def content(self) -> Any:
        """The body, parsed; its text when it is not JSON."""
        return parsed(self.body)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the lab says otherwise than the real cluster."""

    where: str
    real: str
    lab: str

    def __str__(self) -> str:
        return f"{self.where}: real {self.real!r}, lab {self.lab!r}"


def load() -> dict[int, Observed]:
    """The corpus by sequence number."""
    lines = CORPUS.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return {entry["seq"]: Observed(**{"note": "", **entry}) for entry in entries}


def parsed(text: str) -> Any:
    """A body as JSON, or as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def masked(text: str) -> str:
    """A text without what differs between any two clusters."""
    return MASKED.sub("*", text)


def differences(real: Observed, status: int, reason: str, body: str) -> list[Difference]:
    """How the lab's answer differs from the real one."""
    found = []
    if status != real.status:
        found.append(Difference("status", str(real.status), str(status)))
    if masked(reason) != masked(real.reason):
        found.append(Difference("reason", masked(real.reason), masked(reason)))
    return found + _unlike("body", _settled(real.content, parsed(body)), parsed(body))


def _settled(real: Any, lab: Any) -> Any:
    """The real answer as it is once its task has ended: the lab's tasks end at once here."""
    task, seen = (one.get("data") if isinstance(one, dict) else None for one in (real, lab))
    if (
        isinstance(task, dict)
        and task.get("status") == "running"
        and isinstance(seen, dict)
        and "upid" in seen
    ):
        return {**real, "data": {**task, "status": "stopped", "exitstatus": seen.get("exitstatus", "")}}
    return real


def _unlike(where: str, real: Any, lab: Any) -> list[Difference]:
    if _kind(real) != _kind(lab):
        return [Difference(where, _kind(real), _kind(lab))]
    if isinstance(real, dict):
        return _unlike_objects(where, real, lab)
    if isinstance(real, list):
        return _unlike_lists(where, real, lab)
    spoken = where.rsplit(".", 1)[-1] in SPOKEN or ".errors." in where or where == "body"
    if isinstance(real, str) and spoken and masked(real) != masked(lab):
        return [Difference(where, masked(real), masked(lab))]
    return []


def _unlike_objects(where: str, real: dict[str, Any], lab: dict[str, Any]) -> list[Difference]:
    found = [
        Difference(f"{where}.{key}", _kind(real[key]), "absent") for key in sorted(real.keys() - lab.keys())
    ]
    found += [
        Difference(f"{where}.{key}", "absent", _kind(lab[key])) for key in sorted(lab.keys() - real.keys())
    ]
    for key in sorted(real.keys() & lab.keys()):
        found += _unlike(f"{where}.{key}", real[key], lab[key])
    return found


def _unlike_lists(where: str, real: list[Any], lab: list[Any]) -> list[Difference]:
    if not real or not lab:
        return (
            [] if bool(real) == bool(lab) else [Difference(where, f"{len(real)} items", f"{len(lab)} items")]
        )
    if not isinstance(real[0], dict) or not isinstance(lab[0], dict):
        return _unlike(f"{where}[]", real[0], lab[0])
    found = []
    for group in sorted(_groups(real).keys() | _groups(lab).keys()):
        here, there = _groups(real).get(group), _groups(lab).get(group)
        spot = f"{where}[{group}]"
        if here is None or there is None:
            found.append(Difference(spot, "present" if here else "absent", "present" if there else "absent"))
        else:
            found += _unlike_members(spot, here, there)
    return found


def _groups(items: list[Any]) -> dict[str, list[dict[str, Any]]]:
    """List members of one kind together: the order of Proxmox's lists says nothing."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        kind = "" if "upid" in item else str(item.get("type", item.get("key", "")))
        groups.setdefault(kind, []).append(item)
    return groups


def _unlike_members(where: str, real: list[dict[str, Any]], lab: list[dict[str, Any]]) -> list[Difference]:
    """Keys that all real members have and a lab member lacks, keys that no real one has, and other types."""
    always = set.intersection(*(set(one) for one in real))
    ever = set.union(*(set(one) for one in real))
    found = []
    for key in sorted(ever | set.union(*(set(one) for one in lab))):
        reals = {_kind(one[key]) for one in real if key in one}
        labs = {_kind(one[key]) for one in lab if key in one}
        lacking = key in always and any(key not in one for one in lab)
        if lacking or (labs and not reals) or (labs and not labs & reals):
            found.append(Difference(f"{where}.{key}", "/".join(sorted(reals)) or "absent", _kinds(labs)))
        else:
            found += _unlike_within(f"{where}.{key}", key, real, lab)
    return found


def _unlike_within(
    where: str, key: str, real: list[dict[str, Any]], lab: list[dict[str, Any]]
) -> list[Difference]:
    """Look into nested values, as far as one member of each side has one."""
    here = next((one[key] for one in real if isinstance(one.get(key), dict | list) and one[key]), None)
    there = next((one[key] for one in lab if isinstance(one.get(key), dict | list) and one[key]), None)
    return _unlike(where, here, there) if here is not None and there is not None else []


def _kinds(labs: set[str]) -> str:
    return "/".join(sorted(labs)) or "absent"


def _kind(value: Any) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
