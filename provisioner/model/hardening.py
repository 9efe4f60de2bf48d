"""How far hosts are hardened: the levels of ANSSI-BP-028 v2.0, each with all below it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from provisioner.model.base import Model

Level = Literal["minimal", "intermediary", "enhanced", "high"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the lowest; in words, for the letters of the English edition mean others in the French one."""

Tier = Annotated[int, Field(ge=0, le=3)]


class Hardening(Model):
    """The level of every host that says nothing else: of a tier's guests, and of the whole estate."""

    level: Level = "minimal"
    tiers: dict[Tier, Level] = Field(
        default_factory=dict, description="The level of the guests of a tier's services."
    )


def number(level: Level) -> int:
    """1 for minimal to 4 for high: what roles compare."""
    return LEVELS.index(level) + 1
