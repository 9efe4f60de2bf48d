"""Look at sites: read what the kinds ask for, all sites at once, and say what could not be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provisioner.errors import AnswerLost, ApiError, Refused, Unreachable
from provisioner.model.objects import Observed, Ref
from provisioner.model.observation import EVERY, NodeSeen, Observation
from provisioner.pve.permissions import how_to_grant, missing
from provisioner.pve.read import Readings, read_all, read_in_turn
from provisioner.resources.catalogue import KINDS
from provisioner.resources.kind import Kind, Scope
from provisioner.workflows.sites import OpenSite, kind_of

VERSION, STATUS, RESOURCES, PERMISSIONS = (
    "/version",
    "/cluster/status",
    "/cluster/resources",
    "/access/permissions",
)
FIRST = (VERSION, STATUS, RESOURCES, PERMISSIONS)


@dataclass(frozen=True, slots=True)
class Survey:
    """What one site showed, and the scope in which it was read; `scope` is None if nothing answered."""

    observation: Observation
    scope: Scope | None


def survey_all(
    sites: Iterable[OpenSite], wanted: Mapping[str, frozenset[Ref]], *, everything: bool = False
) -> dict[str, Survey]:
    """Survey several sites concurrently; one that does not answer is unknown as a whole."""
    opened = tuple(sites)
    pool = ThreadPoolExecutor(max_workers=len(opened) or 1)
    try:
        futures = {
            site.name: pool.submit(survey, site, wanted.get(site.name, frozenset()), everything=everything)
            for site in opened
        }
        return {name: future.result() for name, future in futures.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C does not wait for a slow answer


def survey(site: OpenSite, wanted: frozenset[Ref], *, everything: bool = False) -> Survey:
    """Read one site.

    Raises Refused if the cluster is not the one that the estate names. A site that cannot be reached is
    not an error here: all of it is unknown, with the reason.
    """
    now = datetime.now(UTC)
    try:
        first = read_all(site.session, FIRST)
    except (Unreachable, AnswerLost, ApiError) as error:
        return Survey(_unknown_site(site.name, now, error.told), None)
    if gaps := [f"{path}: {reason}" for path, reason in first.failures.items()]:
        return Survey(_unknown_site(site.name, now, "; ".join(gaps)), None)
    _check_identity(site, first.answers)
    major = _major(first.answers)
    nodes = _nodes(first.answers)
    names = tuple(node.name for node in nodes) if everything else tuple(site.site.nodes)
    scope = Scope(site.name, major, site.mark, wanted, nodes=names, everything=everything)
    return Survey(_read(site, scope, first, now), scope)


def refresh(site: OpenSite, scope: Scope, ref: Ref, observed: Observed | None) -> Observed | None:
    """Look at one object again; None if it is not there. What is not where it was is looked for anew.

    Raises Unreachable or ApiError if it cannot be told.
    """
    kind = kind_of(ref)
    first = read_in_turn(site.session, kind.refresh(scope, ref, observed))
    if first.errors and observed is not None:  # a guest that moved or went is told by the cluster's list
        first = read_in_turn(site.session, kind.refresh(scope, ref, None))
    first.or_raise()
    details = [path for path, about in kind.details(scope, first.answers).items() if about == ref]
    rest = [path for path in details if path not in first.answers]
    second = read_in_turn(site.session, rest).or_raise()
    found = kind.parse(scope, {**first.answers, **second.answers})
    return next((one for one in found if one.ref == ref), None)


def _read(site: OpenSite, scope: Scope, first: Readings, now: datetime) -> Observation:
    kinds = [kind for kind in KINDS if kind.traits.markable or scope.wants(kind.traits.kind)]
    unknown = _lacking(site, kinds, first.answers)
    paths = {path for kind in kinds for path in kind.reads(scope)}
    lists = read_all(site.session, sorted(paths - set(first.answers)))
    answers = {**first.answers, **lists.answers}
    for kind in kinds:
        for path in kind.reads(scope):
            if path in lists.failures:
                unknown.setdefault(Ref(scope.site, kind.traits.kind, EVERY), lists.failures[path])
    kinds = [kind for kind in kinds if Ref(scope.site, kind.traits.kind, EVERY) not in unknown]
    details = {path: ref for kind in kinds for path, ref in kind.details(scope, answers).items()}
    rest = read_all(site.session, sorted(set(details) - set(answers)))
    answers |= rest.answers
    unknown |= {details[path]: reason for path, reason in rest.failures.items()}
    parsed = (seen for kind in kinds for seen in kind.parse(scope, answers))
    return Observation(
        site=scope.site,
        at=now,
        version=str(first.answers[VERSION]["version"]),
        quorate=_quorate(first.answers),
        nodes=_nodes(first.answers),
        objects={seen.ref: seen for seen in parsed if seen.ref not in unknown},
        unknown=unknown,
    )


def _lacking(site: OpenSite, kinds: Iterable[Kind], answers: Mapping[str, Any]) -> dict[Ref, str]:
    """Kinds whose lists Proxmox VE would filter silently, with the privilege that is missing."""
    unknown = {}
    for kind in kinds:
        if lacking := missing(answers[PERMISSIONS], kind.traits.audit):
            named = ", ".join(f"{privilege} on {path}" for path, privilege in lacking)
            hint = how_to_grant(site.session.identity, lacking[0][0])
            reason = f"{site.session.identity} lacks {named}. To do: {hint}"
            unknown[Ref(site.name, kind.traits.kind, EVERY)] = reason
    return unknown


def _check_identity(site: OpenSite, answers: Mapping[str, Any]) -> None:
    """Refuse to work on a cluster that is not the one the estate means."""
    found = next((row["name"] for row in answers[STATUS] if row["type"] == "cluster"), None)
    if found is not None and found != site.site.cluster:
        raise Refused(
            f"{site.name}: the endpoints lead to {found!r}, and the estate says {site.site.cluster!r}",
            f"correct `sites.{site.name}.cluster` or `sites.{site.name}.api.endpoints`",
        )
    alone = {str(row["name"]) for row in answers[STATUS] if row["type"] == "node"} if found is None else set()
    if alone - site.site.nodes.keys():
        raise Refused(
            f"{site.name}: the endpoints lead to {min(alone)}, which is no node of the site, in no cluster",
            f"correct `sites.{site.name}.nodes` or `sites.{site.name}.api.endpoints`",
        )
    if _major(answers) != site.site.version:
        release = answers[VERSION]["release"]
        raise Refused(
            f"{site.name}: the cluster runs Proxmox VE {release}, and the estate says {site.site.version}",
            f"correct `sites.{site.name}.version`",
        )


def _major(answers: Mapping[str, Any]) -> int:
    return int(str(answers[VERSION]["release"]).partition(".")[0])


def _nodes(answers: Mapping[str, Any]) -> tuple[NodeSeen, ...]:
    rows = sorted(
        (row for row in answers[RESOURCES] if row["type"] == "node"), key=lambda row: str(row["node"])
    )
    return tuple(
        NodeSeen(row["node"], row.get("status") == "online", row.get("maxmem", 0), row.get("maxcpu", 0))
        for row in rows
    )


def _quorate(answers: Mapping[str, Any]) -> bool:
    """A single node without a cluster is always quorate: it has no `cluster` row."""
    return all(row.get("quorate", 1) for row in answers[STATUS] if row["type"] == "cluster")


def _unknown_site(name: str, now: datetime, reason: str) -> Observation:
    return Observation(site=name, at=now, unknown={Ref(name, EVERY, EVERY): reason})
