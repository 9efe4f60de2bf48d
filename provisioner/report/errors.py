"""An error as a user sees it: what happened, and what to do."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from provisioner.errors import BastideError
from provisioner.report.console import prose


def show_error(error: BastideError, console: Console | None = None) -> None:
    """Print `Error: what`, and the hint below it, to stderr."""
    out = console or prose()
    out.print(Text.assemble(("Error: ", "bold red"), error.what), soft_wrap=True)
    if error.hint:
        out.print(Text(error.hint, style="green"), soft_wrap=True)
