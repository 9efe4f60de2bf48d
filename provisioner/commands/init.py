"""`bastide init`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from provisioner.errors import BastideError, Refused
from provisioner.share import share


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--example", is_flag=True, help="Start from the full example of two clinics instead of a small estate."
)
def init(*, folder: Path, example: bool) -> None:
    """Make a new estate in FOLDER: valid as it is, and ready to be changed."""
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty", "choose a new folder; nothing was written")
    source = share("inventory") / "synergia" if example else share("templates") / "estate"
    try:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        (folder / "gitignore").replace(folder / ".gitignore") if (folder / "gitignore").exists() else None
    except OSError as error:
        raise BastideError(
            f"{folder} cannot be written: {error.strerror}", "choose a folder that you may write to"
        ) from error
    click.echo(f"A new estate is in {folder}. Next: edit {folder / 'estate.yml'}, then", err=True)
    click.echo(f"  bastide -e {folder} validate\n  bastide -e {folder} plan", err=True)
