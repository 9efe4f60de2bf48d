"""What the demo is played on: scenes with a title, a command and what it really prints; and their report."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import chain
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100
FONT = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bastide: the demo</title>
<style>
body { margin: 0 auto; max-width: 62rem; padding: 1rem; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1d2733; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.15rem; }
h2 small, li small { color: #5b6875; font-weight: 400; }
pre { background: #0c0c0c; color: #d9d9d9; padding: 1rem; border-radius: .4rem; }
pre { font-size: .85rem; overflow-x: auto; }
</style>
</head>
<body>
<h1>Bastide: what the demo did</h1>
<p>%(about)s</p>
<ol>
%(contents)s
</ol>
%(scenes)s
</body>
</html>
"""


class DemoFailed(Exception):
    """A scene ended otherwise than it should."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One command of the demo, what it shows, and how it must exit; `pictured`: it is for the README."""

    title: str
    command: tuple[str, ...]
    expected: int = 0
    pictured: bool = False


class Stage:
    """Where scenes are shown: on the terminal as they happen, and in a report afterwards."""

    def __init__(self) -> None:
        self._screen = Console(record=True, width=WIDTH, force_terminal=True)
        self._picture = Console(record=True, width=WIDTH, force_terminal=True, file=io.StringIO())
        self._scenes: list[tuple[str, float, str]] = []
        self.began = time.monotonic()

    def play(self, scene: Scene) -> None:
        """Show a scene's command and what it prints, as it prints it. Raises DemoFailed at a wrong end."""
        self.tell(scene.title, _played(scene), pictured=scene.pictured)

    def tell(self, title: str, lines: Iterable[Text], *, pictured: bool = False) -> None:
        """Show a scene of lines, each as it comes; it goes to the report although it raises in the middle."""
        began = time.monotonic()
        try:
            for line in chain((Text(), Text(f"▌ {title}", style="bold cyan")), lines):
                self._show(line, pictured=pictured)
        finally:
            shown = self._screen.export_html(theme=MONOKAI, inline_styles=True, code_format="{code}")
            body = shown.strip().partition("\n")[2]  # the title stands above it
            self._scenes.append((title, time.monotonic() - began, body))

    def edit(self, estate: str, old: str, new: str) -> None:
        """Change the first line of the estate's guests that says `old`. Raises DemoFailed without one."""
        for path in sorted(ROOT.joinpath(estate).glob("guests/*.yml")):
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            for number, line in enumerate(lines):
                if line.strip() == old:
                    lines[number] = line.replace(old, new)
                    path.write_text("".join(lines), encoding="utf-8")
                    where = f"Change one line, {path.relative_to(ROOT)}:{number + 1}"
                    self.tell(where, [Text(f"- {old}\n+ {new}", style="yellow")], pictured=True)
                    return
        raise DemoFailed(f"the estate {estate} has no guest with `{old}` to change")

    def _show(self, line: Text, *, pictured: bool) -> None:
        self._screen.print(line)
        if pictured:
            self._picture.print(line)

    def report(self, about: str) -> str:
        """The scenes as a page, with a table of contents."""
        rows = [(number, *scene) for number, scene in enumerate(self._scenes, 1)]
        contents = "\n".join(
            f'<li><a href="#scene-{number}">{escape(title)}</a> <small>{seconds:.1f} s</small></li>'
            for number, title, seconds, _ in rows
        )
        scenes = "\n".join(
            f'<h2 id="scene-{number}">{number}. {escape(title)} <small>{seconds:.1f} s</small></h2>\n'
            f"<pre>{body}</pre>"
            for number, title, seconds, body in rows
        )
        return PAGE % {"about": escape(about), "contents": contents, "scenes": scenes}

    def picture(self) -> str:
        """The pictured scenes as SVG; it asks no server for a font."""
        form = FONT.sub("", CONSOLE_SVG_FORMAT)
        return self._picture.export_svg(title="bastide", theme=MONOKAI, code_format=form)


def environment() -> dict[str, str]:
    """What the commands of the demo run in: in colour, never asking, and with a home of its own for keys."""
    keeps = {"XDG_DATA_HOME": str(ROOT / "demo" / ".kept")}
    return {**os.environ, **keeps, "FORCE_COLOR": "1", "TTY_INTERACTIVE": "0", "COLUMNS": str(WIDTH)}


def _played(scene: Scene) -> Iterator[Text]:
    yield Text("$ " + shlex.join(scene.command), style="bold")
    with subprocess.Popen(
        scene.command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        for line in child.stdout or ():
            yield Text.from_ansi(line.rstrip("\n"))
    if child.returncode != scene.expected:
        command = shlex.join(scene.command)
        raise DemoFailed(f"`{command}` ended with {child.returncode}, expected {scene.expected}")
