"""Services: what they name must exist, and what they promise must be possible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioner.estate.checks.view import Trail, View, unknown
from provisioner.estate.faults import Fault
from provisioner.model.base import format_span
from provisioner.model.service import HttpCheck, Service

CRITICAL = 1
"""Services of this tier or a lower number must reach the other site."""


def names(view: View) -> Iterator[Fault]:
    """Guests, services, contacts, windows, policies and sites that nobody knows."""
    for key, service in view.estate.services.items():
        here: Trail = ("services", key)
        for field, what, many in (
            ("guests", "guest", service.guests),
            ("depends_on", "service", service.depends_on),
            ("contacts", "contact", service.contacts),
        ):
            known = view.names("services" if field == "depends_on" else field)
            for at, name in enumerate(many):
                if name not in known:
                    yield unknown((*here, field, at), what, name, known)
        yield from _single_names(view, here, service)
        for at, check in enumerate(service.checks):
            if not isinstance(check, HttpCheck) and check.guest not in view.names("guests"):
                yield unknown((*here, "checks", at, "guest"), "guest", check.guest, view.names("guests"))


def _single_names(view: View, here: Trail, service: Service) -> Iterator[Fault]:
    for field, what, name, section in (
        ("window", "window", service.window, ("windows",)),
        ("recovers_at", "site", service.recovers_at, ("sites",)),
        ("backup", "backup policy", service.backup, ("policies", "backup")),
        ("replication", "replication policy", service.replication, ("policies", "replication")),
        ("hardening", "hardening policy", service.hardening, ("policies", "hardening")),
    ):
        known = view.names(*section)
        if name is not None and name not in known:
            yield unknown((*here, field), what, name, known)


def cycles(view: View) -> Iterator[Fault]:
    """Services that wait for each other: none of them could be started first."""
    depends = {name: service.depends_on for name, service in view.estate.services.items()}
    seen: set[str] = set()
    for start in depends:
        circle = _circle(depends, start, seen)
        if circle:
            path = " → ".join((*circle, circle[0]))
            yield Fault(
                ("services", circle[0], "depends_on"),
                f"services depend on each other in a circle: {path}",
                "remove one of these dependencies",
            )


def _circle(depends: Mapping[str, tuple[str, ...]], start: str, seen: set[str]) -> tuple[str, ...]:
    """The first circle that is met from a service, over services not seen before; they are seen then."""
    way: list[str] = []
    left = [iter((start,))]
    while left:
        name = next(left[-1], None)
        if name is None:
            left.pop()
            if way:
                way.pop()
        elif name in way:
            return tuple(way[way.index(name) :])
        elif name not in seen and name in depends:
            seen.add(name)
            way.append(name)
            left.append(iter(depends[name]))
    return ()


def tiers(view: View) -> Iterator[Fault]:
    """Services that depend on something less important than they are."""
    for key, service in view.estate.services.items():
        for at, name in enumerate(service.depends_on):
            other = view.estate.services.get(name)
            if other and other.tier > service.tier:
                message = f"`{key}` of tier {service.tier} depends on `{name}` of tier {other.tier}"
                yield Fault(
                    ("services", key, "depends_on", at),
                    message,
                    f"make `{name}` tier {service.tier}, or do without",
                )


def losses(view: View) -> Iterator[Fault]:
    """Services whose bearable loss is shorter than what their policies leave at stake."""
    policies = view.estate.policies
    for key, service in view.estate.services.items():
        path: Trail = ("services", key, "rpo")
        replication = policies.replication.get(service.replication or "")
        backup = policies.backup.get(service.backup or "")
        if replication and replication.interval > service.rpo:
            kind, interval, name = "replication", replication.interval, service.replication
        elif backup and not service.replication and backup.interval > service.rpo:
            kind, interval, name = "backup", backup.interval, service.backup
        else:
            continue
        message = (
            f"the RPO of `{key}` ({format_span(service.rpo)}) is shorter than the interval of its "
            f"{kind} policy `{name}` ({format_span(interval)})"
        )
        yield Fault(
            path, message, "choose a more frequent policy, or agree on a longer RPO with those who care"
        )


def unprotected(view: View) -> Iterator[Fault]:
    """Services of tiers 0 and 1 that nothing brings to the other site."""
    if len(view.names("sites")) == 1:
        return
    for key, service in view.estate.services.items():
        if service.tier <= CRITICAL and not service.replication and view.intact("services", key):
            message = f"`{key}` is of tier {service.tier} and has no `replication` policy"
            yield Fault(("services", key), message, "name one, so that it can live on at the other site")


def recovery(view: View) -> Iterator[Fault]:
    """Services that would recover at the site which they have just lost."""
    for key, service in view.estate.services.items():
        known = [view.estate.guests[name].site for name in service.guests if name in view.estate.guests]
        home = set(known)
        if service.recovers_at and len(known) == len(service.guests) and home == {service.recovers_at}:
            message = f"`{key}` recovers at {service.recovers_at}, where all its guests already are"
            yield Fault(("services", key, "recovers_at"), message, "name the other site")


CHECKS = (names, cycles, tiers, losses, unprotected, recovery)
