"""Plan and apply: from what is seen to what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import holidays

from provisioner.decide.diff import Difference, diff
from provisioner.decide.guard import Allowance, Identity, blockers, with_restarts
from provisioner.decide.order import contained, make_plan
from provisioner.decide.placement import violations
from provisioner.errors import NoQuorum, OutsideWindow, Refused, StalePlan, UnsafePlan
from provisioner.estate.load import Loaded
from provisioner.model.estate import Estate
from provisioner.model.plan import Blocker, Plan, Violation
from provisioner.report.document import ApprovedPlan
from provisioner.workflows.sites import TRAITS, OpenSite, Wanted, chosen_sites, open_site, wanted
from provisioner.workflows.survey import Survey, survey_all

NOTHING_ALLOWED = Allowance()


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what it was made from."""

    plan: Plan
    sites: Mapping[str, OpenSite]
    surveys: Mapping[str, Survey]


@contextmanager
def planned(
    loaded: Loaded, sites: tuple[str, ...] = (), allowed: Allowance = NOTHING_ALLOWED
) -> Iterator[Planned]:
    """Observe the chosen sites concurrently and plan; the sessions stay open while the block runs.

    Restarts are steps of the plan where they are allowed, and notes where they are not.

    Raises Refused if a cluster is not the one that the estate means.
    """
    names = chosen_sites(loaded, sites)
    wants = {name: wanted(loaded, name) for name in names}
    with ExitStack() as stack:
        opened = {name: stack.enter_context(open_site(loaded, name)) for name in names}
        surveys = survey_all(opened.values(), {name: want.refs for name, want in wants.items()})
        yield Planned(_plan(loaded.estate, wants, surveys, allowed), opened, surveys)


def _plan(
    estate: Estate, wants: Mapping[str, Wanted], surveys: Mapping[str, Survey], allowed: Allowance
) -> Plan:
    differences: list[Difference] = []
    broken: list[Violation] = []
    for name, want in wants.items():
        seen = surveys[name].observation
        differences.append(diff(want.desired.values(), seen, TRAITS, want.removals))
        broken += violations(want.desired.values(), seen)
    made = make_plan(estate.estate, differences, TRAITS, created=datetime.now(UTC))
    return replace(with_restarts(made, differences, allowed), violations=tuple(broken))


def check(made: Planned, estate: Estate, allowed: Allowance) -> None:
    """Raise the refusal that fits, if a plan must not be applied as it is."""
    now = datetime.now(UTC)
    identities = {name: Identity.of(site.site.api) for name, site in made.sites.items()}
    seen = {name: one.observation for name, one in made.surveys.items()}
    found = blockers(
        made.plan,
        allowed,
        seen,
        estate,
        now=now,
        holidays=public_holidays(estate, now.date()),
        identities=identities,
    )
    refuse(found)


def refuse(found: tuple[Blocker, ...]) -> None:
    """Raise the most telling refusal for some blockers; none pass."""
    errors: dict[str, type[Refused]] = {
        "quorum": NoQuorum,
        "conflict": UnsafePlan,
        "unsafe": UnsafePlan,
        "window": OutsideWindow,
    }
    for kind, error in errors.items():
        if chosen := [blocker for blocker in found if blocker.kind == kind]:
            raise error(
                "; ".join(one.reason for one in chosen), "; ".join(dict.fromkeys(one.hint for one in chosen))
            )


def check_approved(made: Planned, approved: ApprovedPlan) -> None:
    """Raise StalePlan unless every step to run is one that was approved, word for word."""
    if approved.estate != made.plan.estate:
        raise StalePlan(
            f"the plan is for the estate {approved.estate!r}, not for {made.plan.estate!r}", "plan again"
        )
    if moved := contained(made.plan, approved.digests):
        named = ", ".join(str(ref) for ref in moved)
        raise StalePlan(
            f"the world moved since the plan was made: {named}",
            "review a fresh `bastide plan`, then apply it",
        )


def public_holidays(estate: Estate, around: date) -> frozenset[date]:
    """The public holidays of the estate's country in the years around a day."""
    years = (around.year - 1, around.year, around.year + 1)
    return frozenset(holidays.country_holidays(estate.country, years=years))
