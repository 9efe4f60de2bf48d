"""A plan as a JSON document that can be kept, approved and applied later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from provisioner.errors import Refused
from provisioner.model.objects import Ref
from provisioner.model.plan import Plan, Step

FORMAT = "bastide-plan/1"
SEAL = "seal"
"""Key of the SHA-256 over all the rest of the document, as canonical JSON."""


class NotThePlan(Refused):
    """A file is no plan, or not the plan as it was saved."""


@dataclass(frozen=True, slots=True)
class ApprovedPlan:
    """What a saved plan allows: the digest of each step, by its object."""

    estate: str
    digest: str
    digests: Mapping[Ref, str]


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as values for JSON, sealed against changes. It holds no secret: a plan knows none."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "tool": _tool(),
        "created": plan.created.isoformat(),
        "estate": plan.estate,
        "digest": plan.digest,
        "steps": [_step(step) for step in plan.steps],
        "unknown": [{"ref": str(ref), "reason": reason} for ref, reason in plan.unknown],
        "violations": [
            {"ref": str(one.ref), "label": one.label, "message": one.message} for one in plan.violations
        ],
        "waiting": [
            {
                "ref": str(one.ref),
                "label": one.label,
                "attribute": one.attribute,
                "active": one.active,
                "next": one.next,
            }
            for one in plan.waiting
        ],
        "blockers": [
            {
                "kind": one.kind,
                "reason": one.reason,
                "hint": one.hint,
                "refs": [str(ref) for ref in one.refs],
            }
            for one in plan.blockers
        ],
    }
    return {**document, SEAL: _seal(document)}


def read_document(text: str | bytes) -> ApprovedPlan:
    """The plan that was approved. Raises NotThePlan if the text is no plan, or was changed since."""
    try:
        document = json.loads(text)
    except ValueError as error:  # also what is no UTF-8
        raise _refused(f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _refused(f"its format is not {FORMAT}")
    if document.get(SEAL) != _seal({key: value for key, value in document.items() if key != SEAL}):
        raise _refused("it was changed after it was saved: its seal does not fit its content")
    return ApprovedPlan(
        estate=document["estate"],
        digest=document["digest"],
        digests={_ref(step["ref"]): step["digest"] for step in document["steps"]},
    )


def _refused(why: str) -> NotThePlan:
    return NotThePlan(
        f"the file is not a plan that can be applied: {why}; nothing was done",
        "save a fresh one with `bastide plan -o FILE`, review it, and apply that",
    )


def _step(step: Step) -> dict[str, Any]:
    change = step.change
    return {
        "ref": str(step.ref),
        "label": change.label,
        "action": change.action.value,
        "attributes": [
            {"name": one.name, "before": one.before, "after": one.after} for one in change.attributes
        ],
        "effects": sorted(effect.value for effect in change.effects),
        "risk": change.risk.value,
        "notes": list(change.notes),
        "requires": sorted(map(str, step.requires)),
        "digest": step.digest,
    }


def _ref(text: str) -> Ref:
    site, kind, identity = text.split("/", 2)
    return Ref(site, kind, identity)


def _seal(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _tool() -> str:
    """Name and version; a checkout that is not installed has no version."""
    try:
        return f"bastide {version('bastide')}"
    except PackageNotFoundError:
        return "bastide"
