"""The reasons of verdicts in French. They are made in English, as they stand in the ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from provisioner.model.catalogue import Language
from provisioner.report.audit_words import KIND_WORDS, LEVEL_WORDS

_WHOLE: tuple[tuple[str, str], ...] = (
    (r"as expected", "comme attendu"),
    (r"nobody has answered", "personne n’a répondu"),
    (r"the answer of (\S+) held until (\S+)", r"la réponse du \1 valait jusqu’au \2"),
    (r"it is not known whether this is a container", "on ne sait pas si c’est un conteneur"),
    (
        r"a container shares the kernel of its host, which is asked instead",
        "un conteneur partage le noyau de son hôte, qui est examiné à sa place",
    ),
    (r"(\S+) was not looked at", r"\1 n’a pas été examiné"),
    (
        r"(\S+) could not be looked at: nothing is said of why",
        r"\1 n’a pas pu être examiné, sans raison donnée",
    ),
    (r"(\S+) could not be looked at: (.*)", r"\1 n’a pas pu être examiné : \2"),
    (r"(\S+) tells nothing of what is asked", r"\1 ne dit rien de ce qui est demandé"),
    (r"there is no (\S+) here", r"il n’y a pas de \1 ici"),
    (r"(.+) is not set", r"\1 n’est pas défini"),
)
_PARTS: tuple[tuple[str, str], ...] = (
    (r" is (.*), none of (.*)", r" vaut \1, et aucun de : \2"),
    (r" is (.*), less than (.*)", r" vaut \1, moins que \2"),
    (r" is (.*), more than (.*)", r" vaut \1, plus que \2"),
    (r" is (.*), which does not match (.*)", r" vaut \1, ce qui ne correspond pas à \2"),
    (r" is (.*), without all of (.*)", r" vaut \1, sans tout ce qui est attendu : \2"),
    (r" is (.*), without (.*)", r" vaut \1, sans \2"),
    (r" is (.*), no list", r" vaut \1, qui n’est pas une liste"),
    (r" is (.*), no object", r" vaut \1, qui n’a pas de champs"),
    (r" is (.*), no time", r" vaut \1, qui n’est pas une date"),
    (r" is (.*), (-?\d+) days ago", r" vaut \1, il y a \2 jours"),
    (r" is (.*), not (.*)", r" vaut \1 au lieu de \2"),
    (r" none does: (.*)", r" : aucun ne convient : \1"),
    (r" is (.*)", r" vaut \1"),
    (r" has (.*)", r" contient \1"),
)
"""How what is found is told; the first that fits is taken, so the narrow ones stand first."""
_OF_KINDS = re.compile(r"asked of (.+); this is a (\S+)")
_FROM_LEVEL = re.compile(r"asked from the level (\S+) on")
_EXPIRED = re.compile(r"the waiver of (.+) expired on (\S+)")
_VALUES: tuple[tuple[str, str], ...] = (
    (r"nothing", "rien"),
    (r"not set", "non défini"),
    (r"(\d+) entries", r"\1 entrées"),
)
"""Our own words for values. `yes` and `no` are not among them: hosts say them too."""
_MORE = re.compile(r", and (\d+) more$")


def reason(told: str, language: Language) -> str:
    """A reason in one language. Words that hosts and tools said stay as they were said."""
    if language == "en":
        return told
    if spared := _spared(told):
        return spared
    for pattern, french in _WHOLE:
        if re.fullmatch(pattern, told, re.DOTALL):
            return re.sub(f"{pattern}$", french, told, count=1, flags=re.DOTALL)
    return " ; ".join(_part(part) for part in told.split("; "))


def _spared(told: str) -> str | None:
    """Why a subject is not asked: its kind, or its level."""
    if found := _OF_KINDS.fullmatch(told):
        kinds = ", ".join(_french(KIND_WORDS, one) for one in found[1].split(", "))
        return f"demandé à : {kinds} ; ici : {_french(KIND_WORDS, found[2])}"
    if found := _FROM_LEVEL.fullmatch(told):
        return f"demandé à partir du niveau {_french(LEVEL_WORDS, found[1])}"
    return None


def _french(words: Mapping[Any, tuple[str, str]], told: str) -> str:
    return words[told][0] if told in words else told


def _part(told: str) -> str:
    told = _MORE.sub(r", et \1 de plus", told)
    if _EXPIRED.fullmatch(told):
        return _EXPIRED.sub(r"la dérogation de \1 a expiré le \2", told)
    told = re.sub(r"^(\S+) of ", r"\1 : ", told)
    told = f" {told}"  # the second of several reasons begins with its verb
    for pattern, french in _PARTS:
        if re.search(pattern, told, re.DOTALL):
            return re.sub(pattern, partial(_filled, french), told, count=1, flags=re.DOTALL).strip()
    return told.strip()


def _filled(french: str, found: re.Match[str]) -> str:
    """The French words with what was found in their places."""
    return re.sub(r"\\(\d)", lambda place: _value(found[int(place[1])]), french)


def _value(told: str) -> str:
    for pattern, french in _VALUES:
        if re.fullmatch(pattern, told):
            return re.sub(pattern, french, told)
    return told
