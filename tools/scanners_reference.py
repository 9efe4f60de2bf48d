"""What public scanners say of machines of the lab beside what the catalogue says of them, from recorded runs.

`bench/scan.py` records; `bench/scanners/openscap.yml` and `lynis.yml` say which checks ask for the same as a
rule, and give a reason where there is none, where the verdicts differ, and where a rule still fails on a
hardened host.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from tools.roles_reference import Untold

FOLDER = Path(__file__).resolve().parent.parent / "bench" / "scanners"
STATES = ("stock", "hardened")
PUBLIC = (
    ("stock, there", "36.6", "50.7", "59", "6 / 13"),
    ("dev-sec 10.6.0", "63.1", "64.1", "76", "1 / 5"),
    ("konstruktoid 4.6", "73.6", "81.0", "85", "3 / 8"),
    ("DEBIAN12-CIS", "72.8", "83.4", "68", "6 / 10"),
)
"""Measured apart, on a container of Debian 13, with the same profiles."""
APART = (
    "The public roles were measured apart, by all three scanners on a container of Debian 13. What belongs",
    "to the kernel that a container shares with its node (auditd, modules, AppArmor, volumes) Bastide does",
    "on the node and leaves out in the container, where OpenSCAP still asks for it. Much of what else fails",
    "is in force, from files or in forms that OpenSCAP does not read.",
)
PROFILES = {"anssi-high": "A", "cis-level-2": "C"}
WORDS = {"notapplicable": "n.a.", "not_applicable": "n.a.", "notchecked": "not checked"}
GRAVEST = ("fail", "error", "unknown", "notchecked", "waived", "pass", "notapplicable", "not_applicable")


@dataclass(frozen=True, slots=True)
class Row:
    """A rule of a scanner: its verdicts and ours, stock and hardened; ours are empty if nothing asks it."""

    rule: str
    title: str
    marks: str
    theirs: tuple[str, str]
    checks: tuple[str, ...]
    ours: tuple[str, ...]
    because: str

    @property
    def differs(self) -> bool:
        """Whether the scanner and we disagree, in one of the states at least."""
        return bool(self.ours) and self.theirs != self.ours

    @property
    def fails(self) -> bool:
        """Whether the scanner is not content with the hardened host."""
        return self.theirs[1] not in ("pass", "n.a.")

    @property
    def alone(self) -> bool:
        """Whether a profile asks it and nothing of ours does."""
        return bool(self.marks) and not self.checks

    @property
    def needs_reason(self) -> bool:
        """Whether a reader would ask why."""
        return self.fails or self.differs or self.alone


def scanners_page(folder: Path = FOLDER) -> str:
    """The whole page. Raises Untold, with a sentence for each rule without a reason and each idle reason."""
    lynis, openscap = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("lynis", "openscap")
    )
    of_openscap, of_lynis = _known(folder / "openscap.yml"), _known(folder / "lynis.yml")
    by_openscap = rows(openscap_rules(openscap), openscap, of_openscap)
    by_lynis = rows(lynis_rules(lynis), lynis, of_lynis)
    wrong = [*unexplained(by_openscap), *unexplained(by_lynis)]
    if untold := [*wrong, *idle(by_openscap, of_openscap), *idle(by_lynis, of_lynis)]:
        raise Untold("\n".join(untold))
    lines = [*_head(openscap, lynis), *_scores(openscap, lynis)]
    lines += _part("OpenSCAP", by_openscap, "A: ANSSI-BP-028 high; C: CIS level 2, server.")
    lines += _part("Lynis", by_lynis, "`fail` stands for a suggestion or a warning.")
    return "\n".join(lines)


def openscap_rules(recorded: Mapping[str, Any]) -> dict[str, tuple[str, str, tuple[str, str]]]:
    """Each rule that applies in one state at least: its title, its profiles' marks, and its verdicts."""
    found = {}
    results = [recorded[state]["rules"] for state in STATES]
    for rule in sorted({rule for told in results for profile in told.values() for rule in profile}):
        marks = "".join(mark for name, mark in PROFILES.items() if rule in results[0][name])
        stock, hardened = (
            gravest(profile[rule] for profile in told.values() if rule in profile) for told in results
        )
        if (stock, hardened) != ("n.a.", "n.a."):
            found[rule] = (recorded["titles"][rule], marks, (stock, hardened))
    return found


def lynis_rules(recorded: Mapping[str, Any]) -> dict[str, tuple[str, str, tuple[str, str]]]:
    """Each test that ran: what it says of the hardened host, else of the stock one; and its verdicts."""
    stock, hardened = (recorded[state]["rules"] for state in STATES)
    return {
        test: (
            "; ".join(hardened.get(test) or stock.get(test) or [recorded["titles"].get(test, "")]),
            "",
            (_remarks(stock.get(test)), _remarks(hardened.get(test))),
        )
        for test in sorted({*stock, *hardened})
    }


def rows(
    rules: Mapping[str, tuple[str, str, tuple[str, str]]],
    recorded: Mapping[str, Any],
    known: Mapping[str, Any],
) -> list[Row]:
    """Each rule with its counterpart and its reason, as far as they are known."""
    ours = [recorded[state]["bastide"] for state in STATES]
    found = []
    for rule, (title, marks, theirs) in rules.items():
        checks = tuple(_first(known["checks"], rule) or ())
        verdicts = tuple(gravest(told.get(check, "unknown") for check in checks) for told in ours)
        reason = _first(known["reasons"], rule) or ""
        found.append(Row(rule, title, marks, theirs, checks, verdicts if checks else (), reason))
    return found


def unexplained(found: Iterable[Row]) -> Iterator[str]:
    """A sentence for each rule that fails, differs or has no counterpart without a reason."""
    for row in found:
        if row.because or not row.needs_reason:
            continue
        if row.fails:
            yield f"{row.rule} still says {row.theirs[1]} on a hardened host: say why in bench/scanners/."
        elif row.differs:
            yield f"{row.rule} says {row.theirs}, ours {row.ours}: say why in bench/scanners/."
        else:
            yield f"{row.rule} ({row.title}) has no counterpart: name one, or say why in bench/scanners/."


def idle(found: Iterable[Row], known: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each reason that explains nothing any more."""
    told = [row for row in found if row.needs_reason]
    for name, reason in known["reasons"].items():
        if not any(fnmatchcase(row.rule, name) and row.because == reason for row in told):
            yield f"{name} needs no reason any more: take it out of bench/scanners/."


def gravest(verdicts: Iterable[str]) -> str:
    """What several verdicts come to, in the words of the page."""
    found = set(verdicts)
    return next((WORDS.get(word, word) for word in GRAVEST if word in found), "unknown")


def _remarks(said: list[str] | None) -> str:
    return "n.a." if said is None else "fail" if said else "pass"


def _known(file: Path) -> dict[str, dict[str, Any]]:
    """A file of counterparts and reasons, both by the pattern of a rule's name."""
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    checks = {rule: [ids] if isinstance(ids, str) else ids for rule, ids in told["checks"].items()}
    reasons = {rule: one["because"] for one in told["reasons"] for rule in one["rules"]}
    return {"checks": checks, "reasons": reasons}


def _first(known: Mapping[str, Any], rule: str) -> Any:
    """What is said of a rule by its own name, else by the first pattern that it fits."""
    return known.get(rule) or next((said for name, said in known.items() if fnmatchcase(rule, name)), None)


def _head(openscap: Mapping[str, Any], lynis: Mapping[str, Any]) -> list[str]:
    versions = openscap["versions"] | lynis["versions"]
    return [
        "# Beside public scanners",
        "",
        "Generated from `bench/scanners/` by `make docs`; do not edit. `python -m bench.scan` records anew.",
        "",
        "Machines of the lab with Debian 13: as installed, and after `bastide harden --profile high`. Lynis",
        f"{versions['lynis']} and ssh-audit {versions['ssh-audit']} looked at a virtual machine with a",
        f"kernel of its own on {lynis['at']}, which was started again after it was hardened. OpenSCAP",
        f"{versions['openscap-scanner']} with the content of ComplianceAsCode {versions['content']} for",
        f"Debian 13 looked at a system container on {openscap['at']}, with a kernel package, without which",
        "it leaves out most of its rules. Of what only an administrator can say, both were told a password",
        "of GRUB, who may log in, where records go and what the packet filter lets in.",
        "",
    ]


def _scores(openscap: Mapping[str, Any], lynis: Mapping[str, Any]) -> list[str]:
    ours = [
        (
            f"**{state}**" if state == "hardened" else state,
            *(str(openscap[state]["scores"][name]) for name in ("anssi-high", "cis-level-2")),
            str(lynis[state]["score"]),
            " / ".join(str(lynis[state]["ssh-audit"][mark]) for mark in ("fail", "warn")),
        )
        for state in STATES
    ]
    return [
        "## Scores",
        "",
        _cells("", "OpenSCAP, ANSSI high", "OpenSCAP, CIS level 2", "Lynis index", "ssh-audit fail / warn"),
        "|---|---|---|---|---|",
        *(_cells(*one) for one in (*ours, *PUBLIC)),
        "",
        *APART,
        "",
    ]


def _part(name: str, found: list[Row], note: str) -> list[str]:
    failing = [row for row in found if row.fails]
    differing = [row for row in found if row.differs and not row.fails]
    agreeing = [row for row in found if row.ours and not row.differs and not row.fails]
    alone = [row for row in found if not row.ours and not row.fails and row.because]
    header = _cells("rule", "what", name, "ours", "why")
    return [
        f"## {name}, rule by rule",
        "",
        f"{len(found)} apply: {len(failing)} fail on the hardened host; of the others {len(differing)} are",
        f"judged differently, {len(agreeing)} alike, and {len(alone)} have no counterpart.",
        f"`a → b`: on the stock host, and on the hardened one. {note}",
        "",
        *_reasons(failing),
        *_table(f"{name}: what still fails", header, failing),
        *_table(f"{name}: where the verdicts differ", header, differing),
        *_table(f"{name}: no counterpart", header, alone),
        *_table(f"{name}: alike", header, agreeing),
    ]


def _reasons(failing: list[Row]) -> list[str]:
    counted = Counter(row.because for row in failing).most_common()
    return [_cells("still fail", "why"), "|---|---|", *(_cells(str(n), why) for why, n in counted), ""]


def _table(title: str, header: str, found: list[Row]) -> list[str]:
    return [f"### {title}", "", header, "|---|---|---|---|---|", *map(_row, found), ""] if found else []


def _row(row: Row) -> str:
    checks = ", ".join(f"`{check}`" for check in row.checks)
    ours = f"{_verdicts(row.ours)} ({checks})" if row.ours else ""
    marks = f" ({row.marks})" if row.marks else ""
    why = row.because if row.fails or row.differs or not row.ours else ""
    return _cells(f"`{row.rule}`{marks}", row.title, _verdicts(row.theirs), ours, why)


def _verdicts(both: tuple[str, ...]) -> str:
    return both[0] if both[0] == both[1] else " → ".join(both)


def _cells(*texts: str) -> str:
    return "| " + " | ".join(" ".join(text.split()).replace("|", "\\|") for text in texts) + " |"
