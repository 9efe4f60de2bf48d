"""What has to hold of a fact: `{at_least: 2}`, `{each: {matches: "@openssh.com$"}}`.

An expectation is a mapping of one operator. It is read once, and then says of any value why it does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Why: TypeAlias = "str | None"
"""Why an expectation does not hold; None when it does."""
Expectation: TypeAlias = "Callable[[Any, datetime], Why]"


MANY = 12
"""Entries of a mapping from which on they are counted rather than told."""


class WrongExpectation(ValueError):
    """An expectation that cannot be read."""


def read(told: Any) -> Expectation:
    """The expectation that a catalogue tells of. Raises WrongExpectation."""
    if not isinstance(told, Mapping) or len(told) != 1:
        raise WrongExpectation(f"an expectation is a mapping of one operator, not {told!r}")
    ((name, wanted),) = told.items()
    if name in SIMPLE:
        return _simple(name, wanted)
    if name in NESTED:
        return NESTED[name](wanted)
    raise WrongExpectation(
        f"there is no operator {name!r}; there are {', '.join(sorted({*SIMPLE, *NESTED}))}"
    )


FEW = 5
"""As many reasons as one reads."""


def first_few(whys: Sequence[str]) -> Why:
    """The first of many reasons, and how many more there are; None of none."""
    if not whys:
        return None
    more = f", and {len(whys) - FEW} more" if len(whys) > FEW else ""
    return "; ".join(whys[:FEW]) + more


NOTHING, NOT_SET = "nothing", "not set"
"""How an empty list is told, and what is not there."""


def short(value: Any, longest: int = 120) -> str:
    """A value in few words."""
    text = _words(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _words(value: Any, *, inside: bool = False) -> str:
    """A value in words; lists and mappings `inside` another have brackets."""
    if value is None:
        return NOT_SET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and len(value) > MANY:
        return f"{len(value)} entries"
    if isinstance(value, Mapping):
        parts = [f"{key}: {_words(one, inside=True)}" for key, one in value.items()]
    elif isinstance(value, list | tuple):
        parts = [_words(one, inside=True) for one in value]
    else:
        return str(value)
    text = ", ".join(parts) or NOTHING
    return f"({text})" if inside and parts else text


def _same(value: Any, wanted: Any) -> bool:
    """Whether two scalars say the same: numbers and words of a host are often text."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, list | tuple) or isinstance(wanted, list | tuple):
        return bool(value == wanted)
    return str(value) == str(wanted)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    return float(value)


def _bound(value: Any, wanted: Any, *, least: bool) -> bool:
    try:
        found = _number(value)
    except (TypeError, ValueError):
        return False
    return found >= float(wanted) if least else found <= float(wanted)


def _among(value: Any, wanted: Any) -> bool:
    return any(_same(value, one) for one in wanted)


def _holds_in(value: Any, wanted: Any) -> bool:
    if isinstance(value, str):
        return str(wanted) in value
    return isinstance(value, list | tuple | Mapping) and any(_same(one, wanted) for one in value)


def _matches(value: Any, wanted: Any) -> bool:
    return value is not None and re.search(str(wanted), str(value)) is not None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | Mapping)


SIMPLE: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    "equals": (_same, "is {value}, not {wanted}"),
    "not_equals": (lambda value, wanted: not _same(value, wanted), "is {value}"),
    "in": (_among, "is {value}, none of {wanted}"),
    "not_in": (lambda value, wanted: not _among(value, wanted), "is {value}"),
    "at_least": (lambda value, wanted: _bound(value, wanted, least=True), "is {value}, less than {wanted}"),
    "at_most": (lambda value, wanted: _bound(value, wanted, least=False), "is {value}, more than {wanted}"),
    "matches": (_matches, "is {value}, which does not match {wanted}"),
    "not_matches": (lambda value, wanted: value is not None and not _matches(value, wanted), "is {value}"),
    "contains": (_holds_in, "is {value}, without {wanted}"),
    "lacks": (
        lambda value, wanted: (isinstance(value, str) or _is_list(value)) and not _holds_in(value, wanted),
        "has {wanted}",
    ),
    "contains_all": (
        lambda value, wanted: all(_holds_in(value, one) for one in wanted),
        "is {value}, without all of {wanted}",
    ),
    "subset_of": (
        lambda value, wanted: _is_list(value) and all(_among(one, wanted) for one in value),
        "is {value}, more than {wanted}",
    ),
    "empty": (lambda value, wanted: (not value) is wanted, "is {value}"),
}
"""Operator to whether it holds of (value, wanted), and how it is said when it does not."""


def _simple(name: str, wanted: Any) -> Expectation:
    holds, told = SIMPLE[name]
    _sound(name, wanted)

    def judge(value: Any, _now: datetime) -> Why:
        if holds(value, wanted):
            return None
        return told.format(value=short(value), wanted=short(wanted))

    return judge


def _sound(name: str, wanted: Any) -> None:
    """Raise WrongExpectation for what an operator cannot be told."""
    try:
        if name in {"matches", "not_matches"}:
            re.compile(str(wanted))
        elif name in {"at_least", "at_most"}:
            _number(wanted)
    except (re.error, TypeError, ValueError) as error:
        raise WrongExpectation(f"{name}: {wanted!r} cannot be used: {error}") from error
    if name in {"in", "not_in", "contains_all", "subset_of"} and not isinstance(wanted, list | tuple):
        raise WrongExpectation(f"{name}: a list is expected, not {wanted!r}")
    if name == "empty" and not isinstance(wanted, bool):
        raise WrongExpectation(f"empty: true or false, not {wanted!r}")


def _all(told: Any) -> Expectation:
    parts = _several(told)

    def judge(value: Any, now: datetime) -> Why:
        return next((why for part in parts if (why := part(value, now))), None)

    return judge


def _any(told: Any) -> Expectation:
    parts = _several(told)

    def judge(value: Any, now: datetime) -> Why:
        whys = [part(value, now) for part in parts]
        return None if None in whys else "; ".join(why for why in whys if why)

    return judge


def _not(told: Any) -> Expectation:
    inner = read(told)

    def judge(value: Any, now: datetime) -> Why:
        return f"is {short(value)}" if inner(value, now) is None else None

    return judge


def _each(told: Any) -> Expectation:
    inner = read(told)

    def judge(value: Any, now: datetime) -> Why:
        if not _is_list(value):
            return f"is {short(value)}, no list"
        elements = value.values() if isinstance(value, Mapping) else value
        return first_few([why for one in elements if (why := inner(one, now))])

    return judge


def _some(told: Any) -> Expectation:
    inner = read(told)

    def judge(value: Any, now: datetime) -> Why:
        if not _is_list(value):
            return f"is {short(value)}, no list"
        elements = list(value.values() if isinstance(value, Mapping) else value)
        return None if any(inner(one, now) is None for one in elements) else f"none does: {short(elements)}"

    return judge


def _has(told: Any) -> Expectation:
    if not isinstance(told, Mapping):
        raise WrongExpectation(f"has: a mapping of keys is expected, not {told!r}")
    parts = {str(key): read(inner) for key, inner in told.items()}

    def judge(value: Any, now: datetime) -> Why:
        if not isinstance(value, Mapping):
            return f"is {short(value)}, no object"
        for key, part in parts.items():
            if why := part(value.get(key), now):
                return f"{key} {why}"
        return None

    return judge


def _age(told: Any, *, older: bool) -> Expectation:
    try:
        bound = timedelta(days=_number(told))
    except (TypeError, ValueError) as error:
        raise WrongExpectation(f"a number of days is expected, not {told!r}") from error

    def judge(value: Any, now: datetime) -> Why:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return f"is {short(value)}, no time"
        age = now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if (age >= bound) is older:
            return None
        return f"is {short(value)}, {age.days} days ago"

    return judge


def _several(told: Any) -> tuple[Expectation, ...]:
    if not isinstance(told, list | tuple) or not told:
        raise WrongExpectation(f"a list of expectations is wanted, not {told!r}")
    return tuple(read(one) for one in told)


NESTED: Mapping[str, Callable[[Any], Expectation]] = {
    "all": _all,
    "any": _any,
    "not": _not,
    "each": _each,
    "some": _some,
    "has": _has,
    "older_than_days": lambda told: _age(told, older=True),
    "newer_than_days": lambda told: _age(told, older=False),
}
