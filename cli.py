"""`bastide`: infrastructure as code for a hospital group on two Proxmox VE sites."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from provisioner.errors import BastideError, Exit

COMMANDS = {
    "init": "provisioner.commands.init:init",
    "validate": "provisioner.commands.validate:validate",
    "schema": "provisioner.commands.validate:schema",
    "plan": "provisioner.commands.converge:plan",
    "apply": "provisioner.commands.converge:apply",
    "drift": "provisioner.commands.converge:drift",
    "adopt": "provisioner.commands.adopt:adopt",
    "harden": "provisioner.commands.harden:harden",
    "audit": "provisioner.commands.audit:audit",
    "report": "provisioner.commands.audit:report",
    "evidence": "provisioner.commands.evidence:evidence",
    "lab": "lab.commands:lab",
}
"""Command to the place of its click object: what a command needs is imported when it is called."""


EXIT_CODES = (
    "\b\nExit codes: 0 done or converged, 1 failed, 2 usage, 3 the estate is invalid,"
    "\n4 changes or drift, 5 refused, 6 unreachable or not wholly observed."
)
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order of the road: from a new estate to the lab."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for a misspelt one."""
        import difflib  # noqa: PLC0415 - only a mistake needs it

        if args and args[0] not in COMMANDS and (near := difflib.get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, epilog=EXIT_CODES, context_settings=SETTINGS)
@click.version_option(package_name="bastide", prog_name="bastide")
@click.option(
    "-e",
    "--estate",
    envvar="BASTIDE_ESTATE",
    metavar="PATH",
    help="The estate file or its folder. Default: $BASTIDE_ESTATE, else the nearest estate.yml.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more: every attribute, every call.")
@click.pass_context
def bastide(ctx: click.Context, estate: str | None, verbose: bool) -> None:  # noqa: FBT001 - click passes options so
    """Provision two Proxmox VE sites from one estate file, and know what would change before it does."""
    ctx.obj = {"estate": estate, "verbose": verbose}


def main(args: list[str] | None = None) -> None:
    """Run the command line; every error of ours becomes one sentence, a hint and its exit code."""
    try:
        code: Any = bastide.main(args=args, prog_name="bastide", standalone_mode=False)
        sys.exit(int(code or 0))
    except BastideError as error:
        from provisioner.report.errors import show_error  # noqa: PLC0415 - rich is slow to import

        show_error(error)
        sys.exit(int(error.exit_code))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was begun is finished by running the same command again.", err=True)
        sys.stderr.flush()
        os._exit(130)  # threads that wait for a task must not hold the user back
    except BrokenPipeError:
        os._exit(int(Exit.FAILED))
    except Exception as error:  # noqa: BLE001 - the last line: a user is told a sentence, never a traceback
        from provisioner.report.errors import show_error  # noqa: PLC0415 - rich is slow to import

        show_error(_internal(error))
        sys.exit(Exit.FAILED)


def _internal(error: Exception) -> BastideError:
    """A mistake of Bastide's own; where it happened is kept in a file for whoever mends it."""
    import tempfile  # noqa: PLC0415 - only a mistake needs these
    import traceback  # noqa: PLC0415

    with tempfile.NamedTemporaryFile("w", prefix="bastide-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    what = f"Bastide made a mistake of its own ({type(error).__name__}: {error})"
    return BastideError(what, f"please report it with {file.name}; running the same command again is safe")


if __name__ == "__main__":
    main()
