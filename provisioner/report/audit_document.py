"""An audit as a JSON document: the form that the ledger keeps, and that the next audit is compared with.

The same audit is always the same document: subjects, findings and answers are sorted; what is empty is
left out.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from provisioner.errors import BastideError
from provisioner.model.finding import Audit

FORMAT = "bastide-audit/1"
_AUDITS: TypeAdapter[Audit] = TypeAdapter(Audit)


class NotAnAudit(BastideError):
    """A file is no audit that this version can read."""


def document(audit: Audit) -> dict[str, Any]:
    """The audit as values for JSON. Times are ISO 8601 with their offset, days ISO 8601."""
    told = _AUDITS.dump_python(audit, mode="json", exclude_defaults=True)
    told["subjects"].sort(key=lambda one: one["name"])
    told["findings"].sort(key=lambda one: (one["subject"], one["check"]))
    if "answers" in told:
        told["answers"].sort(key=lambda one: one["control"])
    return {"format": FORMAT, **told}


def text(audit: Audit) -> str:
    """The document as JSON, one finding a line: a ledger keeps it, and `diff` shows what changed."""
    parts = []
    for key, value in document(audit).items():
        if isinstance(value, list) and value:
            lines = ",\n  ".join(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in value)
            parts.append(f'"{key}": [\n  {lines}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{" + ",\n".join(parts) + "}\n"


def read(told: Any) -> Audit:
    """The audit of a document, as `json.loads` gives it. Raises NotAnAudit."""
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise _refused(f"its format is not {FORMAT}")
    try:
        audit = _AUDITS.validate_python({key: value for key, value in told.items() if key != "format"})
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the document"
        raise _refused(f"{place}: {first['msg']}") from invalid
    if audit.at.tzinfo is None:
        raise _refused("at: the time says nothing of its offset from UTC")
    return audit


def _refused(why: str) -> NotAnAudit:
    return NotAnAudit(f"this is no audit: {why}", "give a file that `bastide audit --format json` wrote")
