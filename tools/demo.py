"""The main job on the embedded lab, scene by scene; leaves `demo/report.html`, a transcript to look at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).resolve().parent.parent
OUT = HERE / "demo"
ESTATE = OUT / "estate"
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Scene:
    """One command of the demo, what it is to show, and the exit code that it must have."""

    title: str
    command: tuple[str, ...]
    expected: int = 0


SCENES = (
    Scene(
        "Start the lab: two simulated Proxmox VE clusters",
        ("bastide", "lab", "up", "--api-only", "--dir", "demo/lab"),
    ),
    Scene("Is the estate right?", ("bastide", "-e", "demo/estate", "validate")),
    Scene(
        "What would change? (exit 4: changes)",
        ("bastide", "-e", "demo/estate", "plan", "-o", "demo/plan.json"),
        4,
    ),
    Scene("Apply exactly that plan", ("bastide", "-e", "demo/estate", "apply", "demo/plan.json")),
    Scene("Plan again: nothing is left to do", ("bastide", "-e", "demo/estate", "plan")),
)
AFTER_EDIT = Scene(
    "One line of the estate was changed: see exactly what that means",
    ("bastide", "-e", "demo/estate", "plan"),
    4,
)
STATUS = Scene("The lab, and what of it is simulated", ("bastide", "lab", "status", "--dir", "demo/lab"))


def main() -> int:
    """Play all scenes; 1 at the first one that does not end as it should."""
    started, console = time.monotonic(), Console(record=True, width=WIDTH, force_terminal=True)
    _prepare()
    try:
        for scene in SCENES:
            _play(scene, console)
        _edit(console)
        _play(AFTER_EDIT, console)
        _play(STATUS, console)
    except DemoFailed as error:
        console.print(f"[bold red]The demo stopped: {error}[/]")
        return 1
    finally:
        subprocess.run(
            ("bastide", "lab", "down", "--dir", "demo/lab"), cwd=HERE, check=False, capture_output=True
        )
    (OUT / "report.html").write_text(console.export_html(theme=MONOKAI, clear=False), encoding="utf-8")
    console.save_svg(str(OUT / "report.svg"), title="bastide", theme=MONOKAI)
    _summary(console, time.monotonic() - started)
    return 0


class DemoFailed(Exception):
    """A scene ended otherwise than it should."""


def _prepare() -> None:
    """A fresh folder with a copy of the lab's estate, so that the demo never touches the checkout."""
    if OUT.exists():
        subprocess.run(
            ("bastide", "lab", "down", "--dir", "demo/lab"), cwd=HERE, check=False, capture_output=True
        )
        shutil.rmtree(OUT)
    shutil.copytree(HERE / "inventory" / "lab", ESTATE)


def _play(scene: Scene, console: Console) -> None:
    console.print()
    console.print(Text(f"▌ {scene.title}", style="bold cyan"))
    console.print(Text("$ " + " ".join(scene.command), style="bold"))
    environment = {**os.environ, "FORCE_COLOR": "1", "TTY_INTERACTIVE": "0", "COLUMNS": str(WIDTH)}
    with subprocess.Popen(
        scene.command, cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            console.print(Text.from_ansi(line.rstrip("\n")))
    if child.returncode != scene.expected:
        raise DemoFailed(
            f"`{' '.join(scene.command)}` ended with {child.returncode}, expected {scene.expected}"
        )


def _edit(console: Console) -> None:
    """Change one line: a guest gets more memory."""
    for path in sorted(ESTATE.rglob("*.yml")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for number, line in enumerate(lines):
            if line.strip() == "memory: 2G":
                lines[number] = line.replace("2G", "3G")
                path.write_text("".join(lines), encoding="utf-8")
                where = path.relative_to(OUT)
                console.print()
                console.print(Text(f"▌ Change one line of {where}:{number + 1}", style="bold cyan"))
                console.print(Text(f"- {line.strip()}\n+ {lines[number].strip()}", style="yellow"))
                return
    raise DemoFailed("the lab's estate has no guest of 2G to change")


def _summary(console: Console, seconds: float) -> None:
    console.print()
    console.print(Text(f"▌ Done in {seconds:.0f} s", style="bold green"))
    console.print("The transcript is in demo/report.html, the approved plan in demo/plan.json,")
    console.print("and the journal of the apply in demo/estate/.bastide/journal/.")
    console.print("What ran here is a simulated API: no guest ran and no disk held a byte.")


if __name__ == "__main__":
    sys.exit(main())
