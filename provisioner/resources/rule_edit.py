"""The shortest way from one list of firewall rules to another, on which nobody is locked out.

Proxmox VE makes a rule at the top of its list (PVE::API2::Firewall::Rules, `unshift`) and moves it in front
of another. So a new rule that belongs further down is made switched off and switched on in its place; one
that may refuse traffic is switched on only when everything that lets traffic in stands. What has to go goes
last. An edit that is interrupted anywhere is finished by computing a new one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from provisioner.resources.rule_text import OFF, rule_params

ACCEPT = "ACCEPT"
"""What lets traffic in; anything else, a security group too, may refuse it."""
ALIKE = 2
"""Rules with the same direction and action are alike enough to change one into the other."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A write on a list: `pos` names the rule, except when one is made."""

    method: str
    pos: int | None
    params: dict[str, str | int]


def edit(now: Sequence[str], target: Sequence[str]) -> tuple[Edit, ...]:
    """The writes, in order, that turn the rules `now` into `target`."""
    match = _matched(now, target)
    work = _Work(line=list(range(len(now))))
    first_kept = next((slot for slot, old in enumerate(match) if old is not None), len(target))
    for slot in reversed(range(first_kept)):
        work.make(target[slot], slot=slot, place=0)
    stable = _rising(match)
    for slot in range(first_kept, len(target)):
        place = work.line.index(_id(slot - 1, match)) + 1 if slot else 0
        old = match[slot]
        if old is None:
            work.make(target[slot], slot=slot, place=place)
            continue
        if slot not in stable:
            work.move(old, place)
        work.change(old, now[old], target[slot])
    work.switch_on()
    work.remove(set(range(len(now))) - set(match))
    return tuple(work.edits)


def _id(slot: int, match: Sequence[int | None]) -> int:
    """How a rule is called while the list is edited: by its old position, or by its slot if it is new."""
    old = match[slot]
    return -slot - 1 if old is None else old


@dataclass(slots=True)
class _Work:
    """The list as it stands after the edits so far."""

    line: list[int]
    edits: list[Edit] = field(default_factory=list)
    off: list[int] = field(default_factory=list)
    """New rules that wait to be switched on."""

    def make(self, text: str, *, slot: int, place: int) -> None:
        params, ident = rule_params(text), -slot - 1
        enabled = bool(params["enable"])
        waits = enabled and (place > 0 or params["action"] != ACCEPT)
        self.edits.append(Edit("POST", None, params | ({"enable": 0} if waits else {})))
        self.line.insert(0, ident)
        if place:
            self.move(ident, place + 1)
        if waits and params["action"] == ACCEPT:
            self._put(ident, {"enable": 1})
        elif waits:
            self.off.append(ident)

    def move(self, ident: int, place: int) -> None:
        """Put a rule in front of the one that is at `place` now."""
        pos = self.line.index(ident)
        if pos == place:
            return
        self.edits.append(Edit("PUT", pos, {"moveto": place}))
        self.line.insert(place, ident)
        del self.line[pos if pos < place else pos + 1]

    def change(self, ident: int, before: str, after: str) -> None:
        """Change what a rule says where it stands; one that may refuse is switched on later."""
        old, new = rule_params(before), rule_params(after)
        if new["enable"] and not old["enable"] and new["action"] != ACCEPT:
            new["enable"] = 0
            self.off.append(ident)
        params = {param: value for param, value in new.items() if old.get(param) != value}
        if unset := sorted(set(old) - set(new)):
            params["delete"] = ",".join(unset)
        if params:
            self._put(ident, params)

    def switch_on(self) -> None:
        for ident in sorted(self.off, key=self.line.index):
            self._put(ident, {"enable": 1})

    def remove(self, doomed: set[int]) -> None:
        for pos in reversed([pos for pos, ident in enumerate(self.line) if ident in doomed]):
            self.edits.append(Edit("DELETE", pos, {}))

    def _put(self, ident: int, params: dict[str, str | int]) -> None:
        self.edits.append(Edit("PUT", self.line.index(ident), params))


def _matched(now: Sequence[str], target: Sequence[str]) -> list[int | None]:
    """For each wanted rule the position of the one that becomes it, or None."""
    positions: dict[str, deque[int]] = defaultdict(deque)
    for pos, text in enumerate(now):
        positions[text].append(pos)
    match = [positions[text].popleft() if positions[text] else None for text in target]
    stable = _rising(match)
    for slot, text in enumerate(target):
        if match[slot] is None:
            match[slot] = _alike(text, now, free=_gap(slot, match, stable, end=len(now)))
            if match[slot] is not None:
                stable = stable | {slot}
    return match


def _gap(slot: int, match: Sequence[int | None], stable: frozenset[int], *, end: int) -> list[int]:
    """Positions of rules without a match between the neighbours of a slot that stay where they are."""
    above = max((match[one] for one in stable if one < slot), default=None)  # type: ignore[type-var]  # matched
    below = min((match[one] for one in stable if one > slot), default=None)  # type: ignore[type-var]  # matched
    taken = set(match)
    start = -1 if above is None else above
    stop = end if below is None else below
    return [pos for pos in range(start + 1, stop) if pos not in taken]


def _alike(text: str, now: Sequence[str], free: list[int]) -> int | None:
    """The rule that is most like `text`; of the same direction and action at least."""
    wanted = _words(text)
    candidates = [pos for pos in free if _words(now[pos])[:ALIKE] == wanted[:ALIKE]]
    return max(candidates, key=lambda pos: len(set(_words(now[pos])) & set(wanted)), default=None)


def _words(text: str) -> list[str]:
    return text.removeprefix(f"{OFF} ").split(" ")


def _rising(match: Sequence[int | None]) -> frozenset[int]:
    """Slots of a longest run of matches in rising order: those rules need not move."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for slot, old in enumerate(match):
        if old is None:
            continue
        length = bisect_left(tails, old)
        tails[length:], ends[length:] = [old, *tails[length + 1 :]], [slot, *ends[length + 1 :]]
        before[slot] = ends[length - 1] if length else None
    run, slot_or_none = set(), ends[-1] if ends else None
    while slot_or_none is not None:
        run.add(slot_or_none)
        slot_or_none = before[slot_or_none]
    return frozenset(run)
