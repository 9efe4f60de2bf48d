"""The problems of an estate, one place after the other."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from provisioner.errors import Problem
from provisioner.report.console import prose
from provisioner.report.values import printable


def show_problems(problems: tuple[Problem, ...], console: Console | None = None) -> None:
    """Print `file:line:column  message` for each, its hint below, and how many there are, to stderr.

    Lines are not wrapped: editors and terminals make links of the places.
    """
    out = console or prose()
    for problem in sorted(problems):
        place = f"{problem.file}:{problem.line}:{problem.column}"
        out.print(Text.assemble((place, "cyan"), "  ", printable(problem.message)), soft_wrap=True)
        if problem.hint:
            out.print(Text(f"    {printable(problem.hint)}", style="green"), soft_wrap=True)
    files = len({problem.file for problem in problems})
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    out.print(Text(f"{count} in {files} file{'s' if files != 1 else ''}", style="bold red"))
