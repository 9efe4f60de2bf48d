"""An audit: look at hosts and clusters, judge what was seen, and record both. Nothing is changed anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from provisioner.decide.controls import answers, findings
from provisioner.decide.profile import profile
from provisioner.decide.promises import Records, estate_posture
from provisioner.decide.systems import system
from provisioner.errors import BastideError, Problem
from provisioner.estate.catalogue import load_catalogue
from provisioner.estate.load import Loaded
from provisioner.evidence import ledger as evidence
from provisioner.evidence.record import operator, versions
from provisioner.evidence.tail import NoLedger
from provisioner.hosts.collect import Target, collect
from provisioner.model.catalogue import Catalogue
from provisioner.model.evidence import Entry, Record
from provisioner.model.finding import Audit, Collected, Subject, counts
from provisioner.model.hardening import Level, number
from provisioner.model.machine import Machine
from provisioner.pve.posture import posture
from provisioner.report import audit_document
from provisioner.share import share
from provisioner.workflows.copies import Copied, copy
from provisioner.workflows.hosts import chosen_machines
from provisioner.workflows.sites import chosen_sites, open_site

KIND, DOCUMENT = "audit", "audit.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """What is audited: hosts of some sites, by name or pattern, at a level; empty means all, at their own.

    With a `limit` only hosts are looked at.
    """

    sites: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit with its catalogue, the audit before it, and the record of it, and what became of copies."""

    audit: Audit
    catalogue: Catalogue
    previous: Audit | None
    record: Record
    problems: tuple[Problem, ...]
    copies: tuple[Copied, ...]


def audit(loaded: Loaded, choice: Choice, tell: Callable[[str], None]) -> Audited:
    """Look, judge, record. Raises Refused for a choice that means nothing, and what the ledger raises."""
    catalogue, problems = load_catalogue(share("controls"))
    targets = _targets(loaded, choice)
    ledger = evidence.ledger_of(loaded.estate, loaded.folder)
    previous = last_audit(ledger)  # first, for a ledger that cannot be read takes no record either
    collected = collect(targets, loaded.estate.ssh, loaded.folder, tell, now=_now)
    if not choice.limit:
        sites = tuple(_postures(loaded, choice.sites, tell))
        promises = estate_posture(loaded.estate, sites, _recorded(ledger), _now())
        collected = (*collected, *sites, promises)
    made = judged(loaded, catalogue, collected, broken=tuple(str(problem) for problem in problems))
    record = evidence.append(ledger, _entry(made), _files(made, collected))
    return Audited(made, catalogue, previous, record, problems, copy(loaded, tell))


def judged(
    loaded: Loaded, catalogue: Catalogue, collected: Sequence[Collected], *, broken: tuple[str, ...] = ()
) -> Audit:
    """The verdicts on what was collected."""
    at, policy = _now(), loaded.estate.audit
    return Audit(
        at=at,
        estate=loaded.estate.estate,
        scope=policy.scope,
        catalogue=catalogue.version,
        subjects=tuple(replace(one.subject, system=system(one)) for one in collected),
        findings=findings(catalogue.checks.values(), collected, policy.waivers, at),
        answers=answers(catalogue, policy.answers, at),
        broken=broken,
        operator=operator(),
        versions=versions(),
    )


def last_audit(ledger: evidence.Ledger, *, before: datetime | None = None, skip: int = 0) -> Audit | None:
    """The newest recorded audit until a time, `skip` of them passed over; None when there is none.

    Raises EvidenceCorrupt.
    """
    try:
        found = evidence.records(ledger)
    except NoLedger:
        return None
    wanted = [one for one in reversed(found) if one.kind == KIND and (before is None or one.time <= before)]
    if len(wanted) <= skip:
        return None
    document = next(file for file in wanted[skip].files if file.name == DOCUMENT)
    return audit_document.read(json.loads(evidence.content(ledger, document)))


def _recorded(ledger: evidence.Ledger) -> Records | str:
    """What was recorded of restore tests, drills and audits, and when; or why that cannot be read."""
    try:
        found = evidence.records(ledger)
    except NoLedger:
        found = ()
    except BastideError as error:
        return error.told
    told: dict[str, list[Mapping[str, str]]] = {"restore_tests": [], "drills": [], "audits": []}
    for record in found:
        if (kind := f"{record.kind}s".replace("-", "_")) in told:
            service = str(record.about.get("service", ""))
            told[kind].append({"service": service, "on": record.time.isoformat()})
    return told


def _now() -> datetime:
    return datetime.now(UTC)


def _targets(loaded: Loaded, choice: Choice) -> tuple[Target, ...]:
    found = chosen_machines(loaded, choice.sites, choice.limit)
    return tuple(Target(machine, _subject(machine, loaded, choice.level)) for machine in found)


def _subject(machine: Machine, loaded: Loaded, level: Level | None) -> Subject:
    asked = number(level) if level else profile(machine, loaded.estate).number
    return Subject(machine.name, "host", machine.kind, asked, machine.site)


def _postures(loaded: Loaded, sites: tuple[str, ...], tell: Callable[[str], None]) -> Iterator[Collected]:
    for name in chosen_sites(loaded, sites):
        try:
            with open_site(loaded, name) as opened:
                found = posture(opened.session, name, _now())
        except BastideError as error:
            found = Collected(Subject(name, "site", site=name), _now(), {}, trouble=error.told)
        tell(f"{name}: {found.trouble or 'its cluster was looked at'}")
        yield found


def _entry(made: Audit) -> Entry:
    told = {verdict.value: many for verdict, many in counts(made.findings).items()}
    return Entry(
        kind=KIND,
        time=made.at,
        scope=made.scope,
        about={"subjects": len(made.subjects), **told},
        versions={"catalogue": made.catalogue},
    )


def _files(made: Audit, collected: Sequence[Collected]) -> dict[str, bytes]:
    files = {DOCUMENT: audit_document.text(made).encode()}
    for one in collected:
        told = {"sections": one.sections, "raw": one.raw, "trouble": one.trouble, "at": one.at.isoformat()}
        content = json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1, default=str).encode()
        files[f"{one.subject.of}s/{one.subject.name}.json"] = content
    return files
