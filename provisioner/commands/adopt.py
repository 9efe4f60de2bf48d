"""`bastide adopt`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from provisioner.commands.options import common, loaded, site_option
from provisioner.errors import BastideError, Refused
from provisioner.estate.write import dump
from provisioner.workflows.adopt import adopt as adopt_sites
from provisioner.workflows.sites import chosen_sites, open_site


@click.command()
@common
@site_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write here instead of to stdout; never over a file.",
)
def adopt(*, as_json: bool, sites: tuple[str, ...], output: Path | None) -> None:  # noqa: ARG001 - YAML is the document; --json is accepted everywhere
    """Write estate YAML from the live clusters. Nothing on them is changed, and a plan right after is empty.

    The estate given with -e says how to reach the sites; what it knows beyond Proxmox VE is kept.
    """
    if output and output.exists():
        raise Refused(f"{output} exists", "choose a new file; nothing was written")
    estate = loaded()
    with ExitStack() as stack:
        opened = [stack.enter_context(open_site(estate, name)) for name in chosen_sites(estate, sites)]
        document = adopt_sites(estate, opened)
    text = dump(_rebased(document, estate.folder, output.parent) if output else document)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BastideError(f"{output} cannot be written: {error.strerror}", "choose another place") from error
    click.echo(f"Written to {output}. See that nothing would change: bastide -e {output} plan", err=True)


def _rebased(document: dict[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """Let the files that sites are reached with be found from the folder of the new estate."""
    for site in document["sites"].values():
        api = site["api"]
        if "ca" in api:
            api["ca"] = os.path.relpath(old / api["ca"], new)
        if api["secret"].startswith("file:"):
            api["secret"] = f"file:{os.path.relpath(old / api['secret'].removeprefix('file:'), new)}"
    return document
