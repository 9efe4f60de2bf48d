"""The main job on the embedded lab, scene by scene; leaves `demo/report.html`, a transcript to look at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).resolve().parent.parent
OUT = HERE / "demo"
ESTATE = OUT / "inventory" / "lab-api"
WIDTH = 100
FONT = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scene:
    """One command of the demo, what it is to show, and the exit code that it must have."""

    title: str
    command: tuple[str, ...]
    expected: int = 0


SCENES = (
    Scene(
        "Start the lab: two simulated Proxmox VE clusters",
        ("bastide", "lab", "up", "--api-only", "--dir", "demo/.lab"),
    ),
    Scene("Is the estate right?", ("bastide", "-e", "demo/inventory/lab-api", "validate")),
    Scene(
        "What would change? (exit 4: changes)",
        ("bastide", "-e", "demo/inventory/lab-api", "plan", "-o", "demo/plan.json"),
        4,
    ),
    Scene("Apply exactly that plan", ("bastide", "-e", "demo/inventory/lab-api", "apply", "demo/plan.json")),
    Scene("Plan again: nothing is left to do", ("bastide", "-e", "demo/inventory/lab-api", "plan")),
)
AFTER_EDIT = Scene(
    "One line of the estate was changed: see exactly what that means",
    ("bastide", "-e", "demo/inventory/lab-api", "plan"),
    4,
)
STATUS = Scene("The lab, and what of it is simulated", ("bastide", "lab", "status", "--dir", "demo/.lab"))


def main() -> int:
    """Play all scenes; 1 at the first one that does not end as it should."""
    started, console = time.monotonic(), _console()
    picture = _console()
    _prepare()
    try:
        for scene in SCENES:
            _play(scene, console)
        for told in (*_edit(), *_played(AFTER_EDIT)):
            console.print(told)
            picture.print(told)
        _play(STATUS, console)
    except DemoFailed as error:
        console.print(f"[bold red]The demo stopped: {error}[/]")
        return 1
    finally:
        subprocess.run(
            ("bastide", "lab", "down", "--dir", "demo/.lab"), cwd=HERE, check=False, capture_output=True
        )
    (OUT / "report.html").write_text(console.export_html(theme=MONOKAI, clear=False), encoding="utf-8")
    (OUT / "picture.svg").write_text(_picture(picture), encoding="utf-8")
    _summary(console, time.monotonic() - started)
    return 0


class DemoFailed(Exception):
    """A scene ended otherwise than it should."""


def _prepare() -> None:
    """A fresh folder with a copy of the lab's estate, so that the demo never touches the checkout."""
    if OUT.exists():
        subprocess.run(
            ("bastide", "lab", "down", "--dir", "demo/.lab"), cwd=HERE, check=False, capture_output=True
        )
        shutil.rmtree(OUT)
    shutil.copytree(HERE / "inventory" / "lab-api", ESTATE)


def _console() -> Console:
    return Console(record=True, width=WIDTH, force_terminal=True)


def _play(scene: Scene, console: Console) -> None:
    for told in _played(scene):
        console.print(told)


def _played(scene: Scene) -> Iterator[Text]:
    """The command and what it prints, line by line as it prints it; raises DemoFailed at a wrong end."""
    yield from _title(scene.title)
    yield Text("$ " + " ".join(scene.command), style="bold")
    environment = {**os.environ, "FORCE_COLOR": "1", "TTY_INTERACTIVE": "0", "COLUMNS": str(WIDTH)}
    with subprocess.Popen(
        scene.command, cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            yield Text.from_ansi(line.rstrip("\n"))
    if child.returncode != scene.expected:
        raise DemoFailed(
            f"`{' '.join(scene.command)}` ended with {child.returncode}, expected {scene.expected}"
        )


def _title(text: str) -> tuple[Text, Text]:
    return Text(), Text(f"▌ {text}", style="bold cyan")


def _edit() -> Iterator[Text]:
    """Change one line: a guest gets more memory."""
    for path in sorted(ESTATE.glob("guests/*.yml")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for number, line in enumerate(lines):
            if line.strip() == "memory: 4G":
                lines[number] = line.replace("4G", "6G")
                path.write_text("".join(lines), encoding="utf-8")
                yield from _title(f"Change one line, {path.relative_to(OUT)}:{number + 1}")
                yield Text(f"- {line.strip()}\n+ {lines[number].strip()}", style="yellow")
                return
    raise DemoFailed("the lab's estate has no guest of 4G to change")


def _picture(console: Console) -> str:
    """The recorded screen as SVG; it asks no server for a font."""
    return console.export_svg(title="bastide", theme=MONOKAI, code_format=FONT.sub("", CONSOLE_SVG_FORMAT))


def _summary(console: Console, seconds: float) -> None:
    console.print()
    console.print(Text(f"▌ Done in {seconds:.0f} s", style="bold green"))
    console.print("The transcript is in demo/report.html, the approved plan in demo/plan.json,")
    console.print("and the journal of the apply in demo/inventory/lab-api/.bastide/journal/.")
    console.print("What ran here is a simulated API: no guest ran and no disk held a byte.")


if __name__ == "__main__":
    sys.exit(main())
