"""What is told of the roles from their own data: a README each, and which role applies which recommendation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "roles"
CATALOGUE = ROOT / "controls" / "anssi-bp-028.yml"


def role_pages() -> dict[Path, str]:
    """The README of every role, by its file."""
    return {folder / "README.md": _readme(folder) for folder in _folders()}


def recommendations_page() -> str:
    """Every recommendation of ANSSI-BP-028 with the task that applies it, or the reason why none does."""
    whole = _read(CATALOGUE)
    applied: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for folder in _folders():
        for control in _controls(folder):
            applied.setdefault(control["id"], []).append((folder.name, control))
    lines = [
        f"# {whole['document']} v{whole['version']}: what applies each recommendation",
        "",
        "Generated from `roles/*/meta/controls.yml` and `controls/anssi-bp-028.yml` by `make docs`; do not edit.",
        "",
        "| | level | recommendation | applied by, or why not | deviations |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(one, applied.get(one["id"], [])) for one in whole["recommendations"]]
    return "\n".join(lines) + "\n"


def _row(one: dict[str, Any], applied: list[tuple[str, dict[str, Any]]]) -> str:
    told = [f"**{role}**: {control['task']}. {control['note']}" for role, control in applied]
    if "instead" in one:
        told.append(f"*{one['instead']['how']}*: {one['instead']['reason']}")
    deviations = [_deviation(each) for _, control in applied for each in control.get("deviations", [])]
    cells = (one["id"], one["level"], one["title"]["en"], "<br>".join(told), "<br>".join(deviations))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _deviation(one: dict[str, Any]) -> str:
    return f"{', '.join(one['kinds'])}: {one['reason']} Measure: {one['measure']}"


def _readme(folder: Path) -> str:
    info = _read(folder / "meta" / "main.yml")["galaxy_info"]
    lines = [f"# {folder.name}", "", f"{info['description']}.", ""]
    lines += ["Generated from `meta/` and `defaults/` by `make docs`; do not edit.", ""]
    defaults = _read(folder / "defaults" / "main.yml") if (folder / "defaults" / "main.yml").exists() else {}
    for entry, spec in _read(folder / "meta" / "argument_specs.yml")["argument_specs"].items():
        lines += list(_entry(entry, spec, defaults or {}))
    controls = _controls(folder)
    if controls:
        lines += ["## What it contributes to", "", "| | level | task | |", "|---|---|---|---|"]
        lines += [f"| {one['id']} | {one['level']} | {one['task']} | {one['note']} |" for one in controls]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _entry(name: str, spec: dict[str, Any], defaults: dict[str, Any]) -> Iterator[str]:
    title = "Variables" if name == "main" else f"`tasks_from: {name}`"
    yield from (f"## {title}", "", f"{spec['short_description']}.", "")
    yield from ("| variable | type | default | |", "|---|---|---|---|")
    for variable, option in spec.get("options", {}).items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        default = "**required**" if option.get("required") else _default(defaults.get(variable))
        yield f"| `{variable}` | {kind} | {default} | {_told(option['description'])} |"
    yield ""


def _default(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{len(value)} in defaults" if value else "none"
    return "" if value is None else f"`{value}`".replace("|", "\\|")


def _told(description: Any) -> str:
    text = " ".join(description) if isinstance(description, list) else str(description)
    return " ".join(text.split()).replace("|", "\\|")


def _controls(folder: Path) -> list[dict[str, Any]]:
    file = folder / "meta" / "controls.yml"
    return list(_read(file)["controls"]) if file.exists() else []


def _folders() -> list[Path]:
    return sorted(file.parents[1] for file in ROLES.glob("*/meta/argument_specs.yml"))


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))
