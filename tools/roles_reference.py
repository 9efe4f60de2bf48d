"""What is told of the roles from their own data: a README each, and what applies each recommendation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "roles"
CATALOGUE = ROOT / "controls" / "anssi-bp-028.yml"
GENERATED = "Generated from `meta/` and `defaults/` by `make docs`; do not edit."


class Untold(Exception):
    """The data of the roles and of the catalogue do not tell what becomes of every recommendation."""


@dataclass(frozen=True, slots=True)
class Applied:
    """An entry of a role's `meta/controls.yml`: the task by which it contributes to `id`.

    `source` is empty for a recommendation of the catalogue, and names the document of any other.
    """

    role: str
    id: str
    level: str
    task: str
    note: str
    source: str = ""
    deviations: tuple[dict[str, Any], ...] = ()


def role_pages() -> dict[Path, str]:
    """The README of every role, by its file."""
    return {folder / "README.md": _readme(folder) for folder in folders()}


def recommendations_page() -> str:
    """Every recommendation with the task that applies it, or the reason why none does; and all deviations.

    Raises Untold, with a sentence for each recommendation of which neither is said, and for each unknown one.
    """
    whole = _read(CATALOGUE)
    wanted = whole["controls"]
    found = [one for folder in folders() for one in applied(folder)]
    if untold := [*_unanswered(wanted, found), *_unknown(wanted, found)]:
        raise Untold("\n".join(untold))
    name = f"{whole['document']} v{whole['version']}"
    lines = [
        f"# {name}: what applies each recommendation",
        "",
        f"Generated from `roles/*/meta/controls.yml` and `{CATALOGUE.relative_to(ROOT)}`",
        "by `make docs`; do not edit.",
        "",
        "A task *contributes to* a recommendation, on hosts of its level and above.",
        "Whether a host follows it is for an audit to say.",
        "",
        "| | level | recommendation | applied by, or why not |",
        "|---|---|---|---|",
        *(_row(one, [each for each in found if each.id == one["id"]]) for one in wanted),
        "",
        *_deviations(wanted, found),
        "",
        f"## Beyond {name}",
        "",
        "| | level | applied by | source |",
        "|---|---|---|---|",
        *(_cells(one.id, one.level, _told(one), one.source) for one in found if one.source),
    ]
    return "\n".join(lines) + "\n"


def folders() -> list[Path]:
    """The folder of every role."""
    return sorted(file.parents[1] for file in ROLES.glob("*/meta/argument_specs.yml"))


def applied(folder: Path) -> list[Applied]:
    """What a role contributes to; nothing if it has no `meta/controls.yml`."""
    file = folder / "meta" / "controls.yml"
    entries = _read(file)["controls"] if file.exists() else []
    return [
        Applied(**{"role": folder.name, **entry, "deviations": tuple(entry.get("deviations", ()))})
        for entry in entries
    ]


def _unanswered(wanted: Iterable[dict[str, Any]], found: Iterable[Applied]) -> Iterator[str]:
    answered = {one.id for one in found}
    for one in wanted:
        if one["id"] not in answered and "instead" not in one:
            yield (
                f"{one['id']} ({one['title']['en']}): no role applies it. Name it in the meta/controls.yml "
                f"of one, or say why not in {CATALOGUE.relative_to(ROOT)} with `instead`."
            )


def _unknown(wanted: Iterable[dict[str, Any]], found: Iterable[Applied]) -> Iterator[str]:
    known = {one["id"] for one in wanted}
    for one in found:
        if (one.id in known) == bool(one.source):
            what = "is in the catalogue and needs no" if one.source else "is not in the catalogue and needs a"
            yield f"roles/{one.role}/meta/controls.yml: {one.id} {what} `source`."


def _row(one: dict[str, Any], by: Iterable[Applied]) -> str:
    told = [_told(each) for each in by]
    if "instead" in one:
        told.append(f"*{one['instead']['how']}*: {one['instead']['reason']['en']}")
    return _cells(one["id"], one["level"], one["title"]["en"], "<br>".join(told))


def _told(one: Applied) -> str:
    return f"[{one.role}](../../roles/{one.role}/README.md): *{one.task}*. {_sentence(one.note)}"


def _deviations(wanted: Iterable[dict[str, Any]], found: Iterable[Applied]) -> Iterator[str]:
    """Two tables: of Proxmox VE nodes, and of everything else; in the order of the catalogue."""
    order = {one["id"]: number for number, one in enumerate(wanted)}
    told = [(one.id, one.role, each) for one in found for each in one.deviations]
    told += [(one["id"], "", each) for one in wanted for each in _declined(one)]
    told.sort(key=lambda row: (order.get(row[0], len(order)), row[0], row[1]))
    yield from _deviation_table(
        "Deviations of Proxmox VE nodes", [row for row in told if "node" in row[2]["kinds"]]
    )
    yield ""
    yield from _deviation_table(
        "Deviations of other hosts alone", [row for row in told if "node" not in row[2]["kinds"]]
    )


def _declined(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What no role applies because of Proxmox VE is a deviation of its nodes."""
    instead = one.get("instead", {})
    if instead.get("how") == "proxmox":
        yield {"kinds": ["node"], **{key: instead[key]["en"] for key in ("reason", "measure")}}


def _deviation_table(title: str, rows: Iterable[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    yield from (f"## {title}", "", "| | role | of | reason | compensating measure |", "|---|---|---|---|---|")
    for name, role, one in rows:
        yield _cells(
            name, role or "none", ", ".join(one["kinds"]), _sentence(one["reason"]), _sentence(one["measure"])
        )


def _readme(folder: Path) -> str:
    info = _read(folder / "meta" / "main.yml")["galaxy_info"]
    file = folder / "defaults" / "main.yml"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = [f"# {folder.name}", "", _sentence(info["description"]), "", GENERATED, ""]
    for entry, spec in _read(folder / "meta" / "argument_specs.yml")["argument_specs"].items():
        lines += [*_entry(entry, spec, yaml.safe_load(text) or {}), ""]
    if text:
        lines += ["## Defaults", "", "```yaml", text.removeprefix("---\n").strip(), "```", ""]
    if found := applied(folder):
        lines += [*_contributions(found), ""]
    return "\n".join(lines).rstrip() + "\n"


def _entry(name: str, spec: dict[str, Any], defaults: dict[str, Any]) -> Iterator[str]:
    title = "Variables" if name == "main" else f"`tasks_from: {name}`"
    yield from (f"## {title}", "", _sentence(spec["short_description"]), "")
    yield from ("| variable | type | default | |", "|---|---|---|---|")
    for variable, option in spec.get("options", {}).items():
        yield from _option(variable, option, _default(option, defaults.get(variable)))


def _option(name: str, option: dict[str, Any], default: str) -> Iterator[str]:
    """The row of a variable, and below it the rows of what its entries hold."""
    several = "elements" in option
    kind = f"list of {option['elements']}" if several else option["type"]
    choices = f" ({', '.join(map(_value, option['choices']))})" if "choices" in option else ""
    yield _cells(f"`{name}`", kind + choices, default, _words(option["description"]))
    for key, inner in option.get("options", {}).items():
        yield from _option(
            f"{name}{'[]' if several else ''}.{key}", inner, _default(inner, inner.get("default"))
        )


def _default(option: dict[str, Any], value: Any) -> str:
    if value is None:
        return "**required**" if option.get("required") else ""
    wide = (isinstance(value, dict | list) and value) or "\n" in str(value).rstrip()
    return "see below" if wide else f"`{_value(value)}`"


def _value(value: Any) -> str:
    """As YAML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return '""' if value == "" else str(value).rstrip()


def _contributions(found: list[Applied]) -> Iterator[str]:
    yield from ("## What it contributes to", "", "| | level | task | |", "|---|---|---|---|")
    for one in found:
        source = f" Source: {one.source}." if one.source else ""
        yield _cells(one.id, one.level, one.task, _sentence(one.note) + source)
    if any(one.deviations for one in found):
        yield from ("", "## Where hosts deviate", "")
        yield from ("| | of | reason | compensating measure |", "|---|---|---|---|")
    for name, each in ((one.id, each) for one in found for each in one.deviations):
        yield _cells(name, ", ".join(each["kinds"]), _sentence(each["reason"]), _sentence(each["measure"]))


def _cells(*cells: str) -> str:
    return "| " + " | ".join(_words(cell).replace("|", "\\|") for cell in cells) + " |"


def _words(text: Any) -> str:
    """On one line."""
    return " ".join((" ".join(text) if isinstance(text, list) else str(text)).split())


def _sentence(text: str) -> str:
    """With a full stop, for some of those who write meta data set one and others do not."""
    return f"{_words(text).rstrip('.')}."


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))
