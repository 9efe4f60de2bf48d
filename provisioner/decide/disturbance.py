"""Whether a service may be disturbed at a moment, and what would lift that if it may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from provisioner.decide.window import next_opening, open_at
from provisioner.model.estate import Estate
from provisioner.model.service import Service

BEARS_ANYTIME = 3
"""The tier of services that can wait for days: without a window they may be disturbed at any time."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment (aware) and the public holidays against which windows are held."""

    now: datetime
    zone: ZoneInfo
    holidays: frozenset[date]


def closed(name: str, service: Service, estate: Estate, clock: Clock) -> tuple[str, str] | None:
    """Why a service must not be disturbed now, and what would lift that; None if it may."""
    if service.window is None:
        if service.tier >= BEARS_ANYTIME:
            return None
        free = f"only tier {BEARS_ANYTIME} may be disturbed at any time"
        return (
            f"the service {name} (tier {service.tier}) has no window: {free}",
            f"give services.{name} a `window`, or say --break-glass REASON",
        )
    window = estate.windows[service.window]
    if open_at(window, clock.now, clock.zone, clock.holidays):
        return None
    opening = next_opening(window, clock.now, clock.zone, clock.holidays)
    when = f"wait until {opening:%a %d %b %H:%M} ({clock.zone.key})" if opening else "change the window"
    return (
        f"the window {service.window} of the service {name} is closed",
        f"{when}, or say --break-glass REASON",
    )


def closed_for(host: str, estate: Estate, clock: Clock) -> tuple[str, ...]:
    """Why the services of a host must not be disturbed now, a sentence each; none if it may be."""
    serving = ((name, one) for name, one in estate.services.items() if host in one.guests)
    reasons = (closed(name, service, estate, clock) for name, service in serving)
    return tuple(reason[0] for reason in reasons if reason)
