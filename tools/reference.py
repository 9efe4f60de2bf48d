"""Write what the code says of itself: docs/reference/ and a README for each role. `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cli import COMMANDS, bastide
from lab.hosts.picture import picture
from lab.hosts.topology import standard
from provisioner.model.estate import Estate
from tools.roles_reference import Untold, recommendations_page, role_pages
from tools.scanners_reference import scanners_page

FILES = (
    "Beside these keys a file may hold `include`, a list of further files (`*` is allowed), and `defaults`,",
    "with `site`, `guest`, `vm`, `ct`, `service`: what each of them has unless it says otherwise. Mappings",
    "are merged, lists are replaced. What is required below may come from there.",
)
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"


def main() -> int:
    """Write the pages, or with `--check` compare them; 1 if a page would change or cannot be told."""
    try:
        pages = written()
    except Untold as error:
        print(error, file=sys.stderr)
        return 1
    stale = [file for file, text in pages.items() if _read(file) != text]
    if "--check" in sys.argv:
        for file in stale:
            print(f"{file.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
        return bool(stale)
    for file in stale:
        file.write_text(pages[file], encoding="utf-8")
        print(f"wrote {file.relative_to(ROOT)}")
    return 0


def written() -> dict[Path, str]:
    """Every page by its file.

    Raises Untold when the roles do not say what becomes of a recommendation, or nobody why a scanner differs.
    """
    return {
        FOLDER / "estate.md": estate_page(Estate.model_json_schema(by_alias=True)),
        FOLDER / "commands.md": commands_page(),
        FOLDER / "lab.svg": picture(standard()),
        FOLDER / "anssi-bp-028.md": recommendations_page(),
        FOLDER / "scanners.md": scanners_page(),
        **role_pages(),
    }


def estate_page(schema: dict[str, Any]) -> str:
    """Every key of an estate, part by part."""
    lines = [
        "# The estate, key by key",
        "",
        "Generated from the models by `make docs`; do not edit.",
        "",
        *FILES,
        "",
    ]
    lines += _part("Estate", schema)
    for name in sorted(schema.get("$defs", {})):
        part = schema["$defs"][name]
        if part.get("type") == "object" and "properties" in part:
            lines += _part(name, part)
    return "\n".join(lines) + "\n"


def _part(name: str, schema: dict[str, Any]) -> list[str]:
    lines = [
        f"## {name}",
        "",
        schema.get("description", "").strip(),
        "",
        "| key | value | default | |",
        "|---|---|---|---|",
    ]
    required = set(schema.get("required", ()))
    for key, value in schema.get("properties", {}).items():
        default = "**required**" if key in required else _default(value)
        lines.append(f"| `{key}` | {_type(value)} | {default} | {_cell(value.get('description', ''))} |")
    return [*lines, ""]


def _type(value: dict[str, Any]) -> str:
    """A short word for what a key takes, with links to parts."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf"):
        if key in value:
            kinds = [_type(one) for one in value[key] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "enum" in value or "const" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum", (value.get("const"),)))
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}" if isinstance(value.get("items"), dict) else "list"
    return _mapping(value) if value.get("type") == "object" else _scalar(value)


def _mapping(value: dict[str, Any]) -> str:
    inner = value.get("additionalProperties") or next(iter(value.get("patternProperties", {}).values()), None)
    return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"


def _scalar(value: dict[str, Any]) -> str:
    examples = value.get("examples")
    if examples:
        return f"such as `{examples[0]}`"
    kind = value.get("format") or value.get("type", "value")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    return (
        ""
        if default in (None, "", [], {})
        else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def commands_page() -> str:
    """The help of every command, as the command prints it."""
    lines = ["# The commands", "", "Generated from the program by `make docs`; do not edit.", ""]
    root = click.Context(bastide, info_name="bastide", max_content_width=100, terminal_width=100)
    lines += ["## bastide", "", "```", bastide.get_help(root), "```", ""]
    for name in COMMANDS:
        command = bastide.get_command(root, name)
        if command is not None:
            lines += _command(command, name, root)
    return "\n".join(lines)


def _command(command: click.Command, name: str, parent: click.Context) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=100, terminal_width=100)
    lines = [f"## {context.command_path}", "", "```", command.get_help(context), "```", ""]
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            one = command.get_command(context, child)
            if one is not None:
                lines += _command(one, child, context)
    return lines


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
