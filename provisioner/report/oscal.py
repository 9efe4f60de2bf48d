"""An audit as OSCAL 1.2.1 assessment results (NIST), as JSON.

Observations are what was seen, identical ones together; findings are controls, with their observations; risks
are waivers. A control is `satisfied` only where all that applies passed: what is waived or unknown is not. A
control that applies to nothing has no finding. Identifiers are derived from the audit: the same audit is the
same document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID, uuid5

from provisioner.model.catalogue import Catalogue, Language
from provisioner.model.finding import Answer, Audit, Verdict
from provisioner.report.audit_actions import Borne, borne
from provisioner.report.audit_tally import CheckState, ControlState, Group, SubjectState, Tally
from provisioner.report.values import printable

VERSION = "1.2.1"
PROPERTIES = "urn:bastide:audit"
"""The namespace of our own properties."""
_ROOT = UUID("6a0a1d5e-2c0b-5f3a-9a53-0f6d5b7c1e42")
_NOT_A_TOKEN = re.compile(r"[^\w.-]")
Json = dict[str, Any]


def oscal(audit: Audit, catalogue: Catalogue, *, language: Language = "en") -> str:
    """The document, with titles in one language."""
    return json.dumps(document(audit, catalogue, language=language), ensure_ascii=False, indent=1) + "\n"


def document(audit: Audit, catalogue: Catalogue, *, language: Language = "en") -> Json:
    """The same as values for JSON."""
    return _Writer(Tally(audit, catalogue), language).document()


@dataclass(frozen=True, slots=True)
class _Writer:
    tally: Tally
    language: Language

    def document(self) -> Json:
        """Metadata, one result, and the plan that the schema asks for: the catalogue of checks."""
        audit = self.tally.audit
        return {
            "assessment-results": {
                "uuid": self._id("document"),
                "metadata": {
                    "title": f"Bastide: {_line(audit.estate)}",
                    "last-modified": audit.at.isoformat(),
                    "version": _line(audit.catalogue),
                    "oscal-version": VERSION,
                },
                "import-ap": {"href": f"#{self._id('plan')}"},
                "results": [self._result()],
                "back-matter": {"resources": [self._plan()]},
            }
        }

    def _plan(self) -> Json:
        catalogue = self.tally.audit.catalogue
        return {
            "uuid": self._id("plan"),
            "title": f"Catalogue of checks {catalogue}",
            "description": "The checks and controls that were asked, in their version of that day.",
            "rlinks": [{"href": f"urn:bastide:catalogue:{_token(catalogue)}"}],
        }

    def _result(self) -> Json:
        audit = self.tally.audit
        controls = [{"control-id": _token(key)} for key in self.tally.controls]
        selection: Json = (
            {"include-controls": controls} if controls else {"description": "no control is known"}
        )
        told: Json = {
            "uuid": self._id("result"),
            "title": f"{_line(audit.estate)}, {audit.at.date()}",
            "description": "What passes contributes to the requirements that refer to it; it is no proof.",
            "start": audit.at.isoformat(),
            "end": audit.at.isoformat(),
            "props": [_property("scope", audit.scope), _property("catalogue", audit.catalogue)],
            "reviewed-controls": {"control-selections": [selection]},
        }
        parts: Json = {
            "observations": [*self._observations(), *self._interviews()],
            "risks": [self._risk(one) for one in borne(self.tally)],
            "findings": [self._finding(one) for one in self.tally.controls.values() if _concluded(one)],
        }
        items = [self._item(state) for state in self.tally.subjects]
        if items:
            told["local-definitions"] = {"inventory-items": items}
        return told | {key: value for key, value in parts.items() if value}

    def _item(self, state: SubjectState) -> Json:
        subject = state.subject
        props = [_property("kind", subject.kind or subject.of)]
        if subject.site:
            props.append(_property("site", subject.site))
        return {
            "uuid": self._id("subject", subject.name),
            "description": _line(subject.name),
            "props": props,
        }

    def _observations(self) -> Iterator[Json]:
        for state in self.tally.checks:
            for number, group in enumerate(state.groups):
                yield self._observation(state, group, number)

    def _observation(self, state: CheckState, group: Group, number: int) -> Json:
        told: Json = {
            "uuid": self._id("observation", state.check.id, str(number)),
            "title": state.check.title.in_(self.language),
            "description": group.reason,
            "props": [
                _property("check", state.check.id),
                _property("verdict", group.verdict),
                _property("severity", state.check.severity),
            ],
            "methods": ["TEST"],
            "subjects": [
                {"subject-uuid": self._id("subject", one), "type": "inventory-item", "title": one}
                for one in group.subjects
            ],
            "collected": self.tally.audit.at.isoformat(),
        }
        if group.seen:
            told["relevant-evidence"] = [{"description": group.seen}]
        return told

    def _interviews(self) -> Iterator[Json]:
        for answer in self.tally.audit.answers:
            yield self._interview(answer)

    def _interview(self, answer: Answer) -> Json:
        props = [_property("control", answer.control), _property("verdict", answer.verdict)]
        if answer.owner:
            props.append(_property("owner", answer.owner))
        collected = datetime.combine(answer.on, time(), UTC) if answer.on else self.tally.audit.at
        return {
            "uuid": self._id("interview", answer.control),
            "description": answer.reason,
            "props": props,
            "methods": ["INTERVIEW"],
            "collected": collected.isoformat(),
        }

    def _risk(self, one: Borne) -> Json:
        waiver = one.waiver
        key = (waiver.owner, waiver.reason, waiver.measure, str(waiver.expires))
        return {
            "uuid": self._id("risk", *key),
            "title": f"Waiver of {_line(waiver.owner)}",
            "description": f"{', '.join(one.checks)} fail on {', '.join(one.subjects)}.",
            "statement": waiver.reason,
            "props": [_property("owner", waiver.owner)],
            "status": "open" if one.expired else "deviation-approved",
            "mitigating-factors": [{"uuid": self._id("measure", *key), "description": waiver.measure}],
            "deadline": datetime.combine(waiver.expires, time(23, 59, 59), UTC).isoformat(),
        }

    def _finding(self, state: ControlState) -> Json:
        control, passed = state.control, state.verdict is Verdict.PASS
        reason = "pass" if passed else "fail" if state.verdict is Verdict.FAIL else "other"
        told: Json = {
            "uuid": self._id("finding", control.id),
            "title": control.title.in_(self.language),
            "description": f"{control.id}: {state.verdict}",
            "target": {
                "type": "objective-id",
                "target-id": _token(control.id),
                "status": {"state": "satisfied" if passed else "not-satisfied", "reason": reason},
            },
        }
        observed = [{"observation-uuid": one} for one in self._of_control(state)]
        return told | ({"related-observations": observed} if observed else {})

    def _of_control(self, state: ControlState) -> Iterator[str]:
        """The observations that a control rests on."""
        asked = {one.check.id: one for one in self.tally.checks}
        for key in state.control.checks:
            for number in range(len(asked[key].groups) if key in asked else 0):
                yield self._id("observation", key, str(number))
        if state.answer:
            yield self._id("interview", state.control.id)

    def _id(self, *parts: str) -> str:
        audit = self.tally.audit
        return str(uuid5(_ROOT, "\x1f".join((audit.estate, audit.at.isoformat(), audit.catalogue, *parts))))


def _concluded(state: ControlState) -> bool:
    return state.verdict is not Verdict.NOT_APPLICABLE


def _property(key: str, value: str) -> Json:
    return {"name": key, "ns": PROPERTIES, "value": _line(value)}


def _line(text: str) -> str:
    """Text on one line, without space around it: what OSCAL calls a string."""
    return " ".join(printable(text).split()) or "–"


def _token(text: str) -> str:
    """An id that OSCAL takes: letters, digits, dots and hyphens, a letter or underscore first."""
    token = _NOT_A_TOKEN.sub("-", text)
    return token if token[:1].isalpha() or token.startswith("_") else f"_{token}"
