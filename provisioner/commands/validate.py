"""`bastide validate` and `bastide schema`."""

from __future__ import annotations

from dataclasses import asdict

import click

from provisioner.commands.options import common, estate_path, print_json
from provisioner.errors import EstateInvalid
from provisioner.estate.load import load
from provisioner.estate.schema import document_schema
from provisioner.report.problems import show_problems


@click.command()
@common
def validate(*, as_json: bool) -> None:
    """Check the estate and name every problem at once, with file, line and column."""
    try:
        estate = load(estate_path()).estate
    except EstateInvalid as error:
        if as_json:
            print_json({"valid": False, "problems": [asdict(problem) for problem in error.problems]})
        else:
            show_problems(error.problems)
        raise
    if as_json:
        print_json({"valid": True, "problems": []})
        return
    sizes = {"site": len(estate.sites), "guest": len(estate.guests), "service": len(estate.services)}
    counts = ", ".join(f"{size} {one}{'' if size == 1 else 's'}" for one, size in sizes.items())
    click.echo(f"The estate {estate.estate} is valid: {counts}.", err=True)


@click.command()
def schema() -> None:
    """Print the JSON Schema of an estate, for editors and other tools."""
    print_json(document_schema())
