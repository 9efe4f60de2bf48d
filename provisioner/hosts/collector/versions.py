"""Debian's order of versions (deb-version(7))."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

_PARTS = re.compile(r"(\D*)(\d*)")


def _upstream_and_revision(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-")
    return (int(epoch) if epoch.isdigit() else 0, upstream or rest, revision if upstream else "")


def _weight(character: str) -> int:
    """A tilde comes before the end, letters before everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _key(part: str) -> list[tuple[list[int], int]]:
    """Comparable: the end of a part of no digits weighs 0."""
    return [
        ([*(_weight(one) for one in text), 0], int(number or 0))
        for text, number in _PARTS.findall(part)
        if text or number
    ] + [([0], 0)]


@functools.cache
def key(version: str) -> tuple[int, list[tuple[list[int], int]], list[tuple[list[int], int]]]:
    """What versions are sorted by."""
    epoch, upstream, revision = _upstream_and_revision(version)
    return (epoch, _key(upstream), _key(revision))


def newest(versions: Iterable[str]) -> str | None:
    """The newest of them; None if there is none."""
    return max(versions, key=key, default=None)
