"""What ends a command: a sentence for standard error, and the exit code of Proxmox VE's own commands."""

FAILED = 255
USAGE = 2


class CommandFailed(Exception):
    """The command did not do what it was asked to; `code` is its exit code."""

    def __init__(self, said: str, code: int = FAILED) -> None:
        super().__init__(said)
        self.said, self.code = said, code


def not_offered(what: str, instead: str) -> CommandFailed:
    """What to raise where the lab has nothing that would do as Proxmox VE does."""
    return CommandFailed(f"the lab does not offer `{what}`: {instead}")
