"""How the lab's commands, and its programs of their own, say what went wrong."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from lab.errors import LabError

P = ParamSpec("P")
R = TypeVar("R")


def spoken(command: Callable[P, R]) -> Callable[P, R]:
    """Say a lab's problem in one sentence and leave with its exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ModuleNotFoundError as missing:
            click.echo(f"The lab needs {missing.name}, which is not installed.", err=True)
            click.echo("Install it with: pip install 'bastide[lab]'", err=True)
            raise SystemExit(1) from missing
        except LabError as problem:
            click.echo(problem.what, err=True)
            if problem.hint:
                click.echo(problem.hint, err=True)
            raise SystemExit(problem.exit_code) from problem
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            click.echo(f"{where}{problem.strerror or problem}.", err=True)
            click.echo("Look at the permissions and the room on its disk, or choose another place.", err=True)
            raise SystemExit(1) from problem

    return run


def run(program: click.Command) -> int:
    """Run a program of the lab (`python -m lab.…`); its exit code, a problem said in a sentence."""
    try:
        program.main(standalone_mode=False)
    except LabError as error:
        click.echo(f"Error: {error.what}\n{error.hint}".rstrip(), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0
