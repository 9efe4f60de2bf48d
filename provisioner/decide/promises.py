"""Whether an estate keeps what it promises care: recovery as declared, age of backups, tests on record.

The sections of the subject `estate` of an audit, made of the estate, of what was collected of its sites, and
of what the ledger holds. In-site replicas count for nothing here: they go down with their site.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.finding import Collected, Subject
from provisioner.model.service import BackupPolicy, Service

YEAR = timedelta(days=365)
"""How often a restore is tested and a failover drilled where no policy says so."""
LATE = 1.25
"""A backup may be this much older than its interval: it takes time itself."""
Records = Mapping[str, list[Mapping[str, str]]]
"""`restore_tests`, `drills` and `audits` of a ledger that was read: rows of `service` and `on` (ISO 8601)."""


def estate_posture(
    estate: Estate, sites: Iterable[Collected], ledger: Records | str, now: datetime
) -> Collected:
    """What is asked of the estate as a whole. `ledger` is a text if it could not be read: the reason."""
    seen = {one.subject.name: one for one in sites}
    sections: dict[str, Mapping[str, Any]] = {
        "estate": {"data": {"sites": len(estate.sites), "witness": estate.witness is not None}},
        "services": {"data": [_declared(estate, name, one) for name, one in sorted(estate.services.items())]},
        "recovery_points": _section(estate, seen, "backups", _recovery_point),
        "guarded": _section(estate, seen, "guests", _guarded),
    }
    if isinstance(ledger, str):
        sections |= {"ledger": {"error": ledger}, "tests": {"error": ledger}}
    else:
        sections |= {"ledger": {"data": dict(ledger)}, "tests": {"data": _tests(estate, ledger, now)}}
    return Collected(Subject(estate.estate, "estate"), now, sections)


def _declared(estate: Estate, name: str, service: Service) -> dict[str, Any]:
    policy = _backup(estate, service)
    return {
        "name": name,
        "tier": service.tier,
        "backup": policy is not None,
        "offsite": policy is not None and policy.offsite,
        "interval_within_rpo": policy is not None and policy.interval <= service.rpo,
        "restore_test": policy is not None and policy.restore_test is not None,
        "recovers_elsewhere": service.recovers_at is not None,
        "replicated": service.replication is not None,
        "contacts": len(service.contacts),
        "degraded": bool(service.degraded),
        "checks": len(service.checks),
        "window": service.window is not None,
    }


@dataclass(slots=True)
class _Seen:
    """What the sites told of a section: a row for each guest, by site and number; and what is missing.

    `whole` are the sites that told of all their guests.
    """

    rows: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    gaps: list[str] = field(default_factory=list)


def _section(estate: Estate, seen: Mapping[str, Collected], name: str, make: Any) -> Mapping[str, Any]:
    told = _Seen()
    for site in sorted(estate.sites):
        found = seen[site].sections.get(name, {}) if site in seen else {}
        told.rows |= {(site, row["vmid"]): row for row in found.get("data") or []}
        if found.get("error") or "data" not in found:
            trouble = seen[site].trouble if site in seen else ""
            told.gaps.append(f"{site}: {found.get('error') or trouble or f'{name} was not looked at'}")
        else:
            told.whole.add(site)
    rows = [made for key, one in sorted(estate.services.items()) if (made := make(estate, key, one, told))]
    return {"data": rows, "error": "; ".join(told.gaps)} if told.gaps else {"data": rows}


def _guests(estate: Estate, service: Service, told: _Seen) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, row) of the guests of a service; one that its site does not tell of is a gap."""
    for name in service.guests:
        guest = estate.guests[name]
        row = told.rows.get((guest.site, guest.vmid))
        if row is not None:
            yield name, row
        elif guest.site in told.whole:
            told.gaps.append(f"{guest.site} tells nothing of {name} ({guest.vmid})")


def _recovery_point(estate: Estate, name: str, service: Service, told: _Seen) -> dict[str, Any] | None:
    rows = dict(_guests(estate, service, told))
    if not rows:
        return None
    policy = _backup(estate, service)
    ages = [row["age_hours"] for row in rows.values() if row["age_hours"] is not None]
    without = sorted(guest for guest, row in rows.items() if row["age_hours"] is None)
    oldest, rpo = max(ages, default=None), _hours(service.rpo)
    return {
        "name": name,
        "tier": service.tier,
        "rpo_hours": rpo,
        "age_hours": oldest,
        "without_backup": without,
        "kept": not without and oldest is not None and oldest <= rpo,
        "on_time": not without and (policy is None or (oldest or 0) <= _hours(policy.interval) * LATE),
    }


def _guarded(estate: Estate, name: str, service: Service, told: _Seen) -> dict[str, Any] | None:
    rows = dict(_guests(estate, service, told))
    if not rows:
        return None
    return {
        "name": name,
        "tier": service.tier,
        "unprotected": sorted(guest for guest, row in rows.items() if not row["protection"]),
        "stopped": sorted(guest for guest, row in rows.items() if not row["running"]),
    }


def _tests(estate: Estate, ledger: Records, now: datetime) -> list[dict[str, Any]]:
    rows = []
    for name, service in sorted(estate.services.items()):
        policy = _backup(estate, service)
        asked = (policy.restore_test if policy else None) or YEAR
        restored, drilled = (_newest(ledger.get(kind, []), name) for kind in ("restore_tests", "drills"))
        rows.append(
            {
                "name": name,
                "tier": service.tier,
                "restore_asked_days": asked.days,
                "restored": restored.isoformat() if restored else None,
                "restored_in_time": restored is not None and now - restored <= asked,
                "drilled": drilled.isoformat() if drilled else None,
                "drilled_in_time": drilled is not None and now - drilled <= YEAR,
            }
        )
    return rows


def _newest(rows: Iterable[Mapping[str, str]], service: str) -> datetime | None:
    return max((datetime.fromisoformat(row["on"]) for row in rows if row["service"] == service), default=None)


def _backup(estate: Estate, service: Service) -> BackupPolicy | None:
    return estate.policies.backup.get(service.backup) if service.backup else None


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600
