"""What a person has allowed by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from provisioner.errors import BastideError, Exit
from provisioner.model.plan import Action, Change, Effect, Step


class BadAllowance(BastideError):
    """A permission that says not what, or not which object."""

    exit_code = Exit.USAGE


@dataclass(frozen=True, slots=True)
class Allowance:
    """Permissions: an effect, and the name of what it may concern.

    A name is an object (`carpentras/vm/110`), its label (`dpi-db`), or a pattern for either.
    `break_glass` is the reason for restarts outside the windows; it is recorded.
    """

    permits: frozenset[tuple[Effect, str]] = frozenset()
    break_glass: str = ""

    @classmethod
    def parse(cls, texts: Iterable[str], *, break_glass: str = "") -> Allowance:
        """From `destroy=carpentras/vm/110`, as written behind `--allow`. Raises BadAllowance."""
        return cls(frozenset(map(_permit, texts)), break_glass.strip())

    def covers(self, effect: Effect, change: Change) -> bool:
        """Whether an effect on the object of a change was allowed."""
        names = (str(change.ref), change.label)
        return any(
            effect is allowed and any(name == pattern or fnmatchcase(name, pattern) for name in names)
            for allowed, pattern in self.permits
        )


def may_restart(step: Step, allowance: Allowance) -> bool:
    """Whether a step may restart its guest: it has a use for it, and it was allowed."""
    useful = Effect.RESTART in step.change.effects or step.change.action is Action.RESTART
    return useful and allowance.covers(Effect.RESTART, step.change)


def _permit(text: str) -> tuple[Effect, str]:
    effect, _, name = (part.strip() for part in text.partition("="))
    if effect not in set(Effect):
        raise BadAllowance(
            f"--allow {text}: {effect!r} is nothing that can be allowed",
            f"allow {', '.join(Effect)}, each with a name: --allow destroy=carpentras/vm/110",
        )
    if not name:
        raise BadAllowance(
            f"--allow {text} does not say what may be touched",
            f"name it: --allow {effect}=carpentras/vm/110, --allow {effect}=dpi-db, "
            f"or a pattern such as --allow '{effect}=carpentras/vm/*'",
        )
    return Effect(effect), name
